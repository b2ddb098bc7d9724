//! A publisher that finds no room while the flusher makes some, as `Runtime::publish` waits for it.

use std::sync::PoisonError;

use camshaft_tables::Progress;
use loom::future::block_on;
use loom::sync::{Arc, Mutex};
use loom::thread;

use crate::durable::DurableWatch;

/// From when on a change counts for the publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marked {
    /// From before it looks for room, as in the runtime.
    BeforeTheLook,
    /// From after that: room that is made in between is missed.
    AfterTheLook,
}

/// Whether the flusher says that it has made room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It does, as in the runtime.
    Always,
    /// It leaves that to the next sync, which may never come.
    Never,
}

/// In every order of steps the publisher finds the room.
///
/// # Panics
/// If there is an order in which it waits on.
pub fn publisher_finds_room(marked: Marked, said: Said) {
    loom::model(move || {
        let (watch, room) = (DurableWatch::new(Progress::default()), Arc::new(Mutex::new(false)));
        let flusher = {
            let (watch, room) = (watch.clone(), Arc::clone(&room));
            thread::spawn(move || {
                *room.lock().unwrap_or_else(PoisonError::into_inner) = true;
                if said == Said::Always {
                    watch.has_room();
                }
            })
        };
        let mut durable = watch.subscribe();
        loop {
            if marked == Marked::BeforeTheLook {
                durable.mark_unchanged();
            }
            if *room.lock().unwrap_or_else(PoisonError::into_inner) {
                break;
            }
            if marked == Marked::AfterTheLook {
                durable.mark_unchanged();
            }
            block_on(durable.changed());
        }
        assert!(flusher.join().is_ok(), "the flusher never waits for a publisher");
    });
}
