//! Where requests of a handler in the sandbox go: nowhere. They are kept, and answered with what was prepared.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use camshaft_host::Responder;
use http::{Request, Response};

/// The requests of one sandbox. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wire(Arc<Mutex<Ends>>);

#[derive(Debug, Default)]
struct Ends {
    sent: Vec<Request<Vec<u8>>>,
    prepared: VecDeque<Response<Vec<u8>>>,
}

impl Wire {
    /// What the host asks for answers. A request without a prepared one is kept, and denied to the handler.
    pub(super) fn responder(&self) -> Responder {
        let wire = self.clone();
        Responder::new(move |request| {
            let mut ends = wire.ends();
            ends.sent.push(request);
            ends.prepared.pop_front()
        })
    }

    /// Forgets what was sent and prepared before, and prepares `answers` for the next requests, in order.
    pub(crate) fn prepare(&self, answers: impl IntoIterator<Item = Response<Vec<u8>>>) {
        *self.ends() = Ends { sent: Vec::new(), prepared: answers.into_iter().collect() };
    }

    /// The requests since then.
    pub(crate) fn sent(&self) -> Vec<Request<Vec<u8>>> {
        std::mem::take(&mut self.ends().sent)
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
