//! Receives the requests of a handler in the sandbox. No request is sent: the wire stores requests and
//! returns prepared responses.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use camshaft_host::Responder;
use http::{Request, Response};

/// The requests of one sandbox. Clones share their content.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wire(Arc<Mutex<Ends>>);

#[derive(Debug, Default)]
struct Ends {
    sent: Vec<Request<Vec<u8>>>,
    prepared: VecDeque<Response<Vec<u8>>>,
}

impl Wire {
    /// The responder that the host calls. A request without a prepared response is stored, and denied to the
    /// handler.
    pub(super) fn responder(&self) -> Responder {
        let wire = self.clone();
        Responder::new(move |request| {
            let mut ends = wire.ends();
            ends.sent.push(request);
            ends.prepared.pop_front()
        })
    }

    /// Clears stored requests and prepared responses, and prepares `answers` for the next requests, in order.
    pub(crate) fn prepare(&self, answers: impl IntoIterator<Item = Response<Vec<u8>>>) {
        *self.ends() = Ends { sent: Vec::new(), prepared: answers.into_iter().collect() };
    }

    /// Takes the requests sent since the last call of [`Self::prepare`].
    pub(crate) fn sent(&self) -> Vec<Request<Vec<u8>>> {
        std::mem::take(&mut self.ends().sent)
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
