//! What the runtime's files wait with, as the model checker has it. `watch` and `oneshot` are made of its
//! mutex, as far as the files and the models use them.

pub(crate) use std::sync::PoisonError;

pub(crate) use loom::sync::{Arc, Condvar, Mutex, MutexGuard};

pub(crate) mod watch {
    //! A published value, whose changes wake those that wait for one.

    use std::ops::Deref;
    use std::task::{Poll, Waker};

    use super::{Arc, Mutex, MutexGuard, PoisonError};

    #[derive(Debug)]
    struct State<T> {
        value: T,
        changes: u64,
        waiting: Vec<Waker>,
    }

    #[derive(Debug)]
    pub(crate) struct Sender<T>(Arc<Mutex<State<T>>>);

    #[derive(Debug)]
    pub(crate) struct Receiver<T> {
        shared: Arc<Mutex<State<T>>>,
        seen: u64,
    }

    /// The value, which does not change while this is held.
    pub(crate) struct Ref<'s, T>(MutexGuard<'s, State<T>>);

    impl<T> Deref for Ref<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.0.value
        }
    }

    impl<T> Sender<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(Arc::new(Mutex::new(State { value, changes: 0, waiting: Vec::new() })))
        }

        pub(crate) fn send_modify(&self, change: impl FnOnce(&mut T)) {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            change(&mut state.value);
            state.changes += 1;
            let waiting = std::mem::take(&mut state.waiting);
            drop(state);
            waiting.into_iter().for_each(Waker::wake);
        }

        pub(crate) fn borrow(&self) -> Ref<'_, T> {
            Ref(self.0.lock().unwrap_or_else(PoisonError::into_inner))
        }

        pub(crate) fn subscribe(&self) -> Receiver<T> {
            let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner).changes;
            Receiver { shared: Arc::clone(&self.0), seen }
        }
    }

    impl<T> Receiver<T> {
        pub(crate) fn mark_unchanged(&mut self) {
            self.seen = self.shared.lock().unwrap_or_else(PoisonError::into_inner).changes;
        }

        pub(crate) async fn changed(&mut self) {
            std::future::poll_fn(|context| {
                let mut state = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
                if state.changes > self.seen {
                    self.seen = state.changes;
                    return Poll::Ready(());
                }
                state.waiting.push(context.waker().clone());
                Poll::Pending
            })
            .await;
        }
    }
}

pub(crate) mod oneshot {
    //! A message that is sent once.

    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::{Arc, Mutex, PoisonError};

    #[derive(Debug)]
    enum State<T> {
        Waiting(Option<Waker>),
        Sent(Option<T>),
    }

    #[derive(Debug)]
    pub(crate) struct Sender<T>(Arc<Mutex<State<T>>>);

    pub(crate) struct Receiver<T>(Arc<Mutex<State<T>>>);

    pub(crate) fn channel<T>() -> (Sender<T>, Receiver<T>) {
        let state = Arc::new(Mutex::new(State::Waiting(None)));
        (Sender(Arc::clone(&state)), Receiver(state))
    }

    impl<T> Sender<T> {
        pub(crate) fn send(self, message: T) -> Result<(), T> {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let before = std::mem::replace(&mut *state, State::Sent(Some(message)));
            drop(state);
            if let State::Waiting(Some(waker)) = before {
                waker.wake();
            }
            Ok(())
        }
    }

    impl<T> Future for Receiver<T> {
        type Output = Result<T, ()>;

        fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match &mut *state {
                State::Sent(message) => Poll::Ready(message.take().ok_or(())),
                State::Waiting(waker) => {
                    *waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        }
    }
}
