//! Calling an instance that has a way out: the caller waits with it, and keeps its thread.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use camshaft_event::{Answer, AttemptContext, Event};

use super::{EventView, Exports, Instance, failure};
use crate::ticks::Deadline;

impl<C: AttemptContext + Send + 'static> Instance<C> {
    /// As [`Instance::call`], for a plugin that has a way out. It waits for what the handler waits for, gives
    /// way after each tick in which the handler computes, and ends it at its deadline wherever it is.
    ///
    /// # Panics
    /// If the instance is spent, or the plugin is an aggregate, which has no way out: that is the caller's
    /// mistake, not the guest's.
    pub async fn call_async(&mut self, event: &Event, context: C) -> (Answer, C) {
        assert!(!self.spent, "a spent instance must be dropped, not called");
        // Whatever unwinds from here on, or is dropped, must not leave an instance behind that looks usable.
        self.spent = true;
        self.store.data_mut().begin(context, self.deadline_ticks);
        self.store.set_epoch_deadline(1);
        let Exports::Handler(handle) = self.exports else { panic!("an aggregate has no way out") };
        let deadline = self.ticks.after(self.deadline_ticks);
        let outcome = within(deadline, handle.call_async(&mut self.store, (EventView::of(event),))).await;
        let denied = self.store.data_mut().collect();
        let answer = match outcome {
            Some(Ok((Ok(()),))) => Answer::Done,
            Some(Ok((Err(disposition),))) => disposition.into_answer(),
            Some(Err(error)) => failure::explain("the handler", &error, self.store.data(), self.deadline_ms),
            None => failure::too_late(self.store.data(), self.deadline_ms),
        };
        let answer = failure::with_denied(answer, &denied);
        self.finish(answer)
    }
}

/// What `work` comes to, unless the deadline passes first. Then `work` is dropped.
pub async fn within<T>(deadline: Deadline, work: impl Future<Output = T>) -> Option<T> {
    let (mut deadline, mut work) = (pin!(deadline), pin!(work));
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => deadline.as_mut().poll(cx).map(|()| None),
    })
    .await
}
