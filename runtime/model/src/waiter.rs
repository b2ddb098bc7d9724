//! A publisher that waits for its sync while the writer makes it durable, fails or closes.

use camshaft_event::Sequence;
use camshaft_tables::Progress;
use loom::future::block_on;
use loom::thread;

use crate::durable::{DurabilityLost, DurableWatch};

/// What the writer does meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It syncs up to what is waited for.
    Durable,
    /// It syncs what lies before, then what is waited for.
    DurableInTwo,
    /// A sync fails.
    Poisoned,
    /// It closes the log.
    Closed,
}

/// In every order of steps the publisher learns of the ending.
///
/// # Panics
/// If there is an order in which it waits on, or learns something else.
pub fn waiter_learns_of(ending: Ending) {
    loom::model(move || {
        let watch = DurableWatch::new(Progress::default());
        let writer = {
            let watch = watch.clone();
            thread::spawn(move || end(&watch, ending))
        };
        let expected = match ending {
            Ending::Durable | Ending::DurableInTwo => Ok(()),
            Ending::Poisoned => Err(DurabilityLost::Poisoned),
            Ending::Closed => Err(DurabilityLost::Closed),
        };
        assert_eq!(block_on(watch.wait_for(Sequence(2))), expected);
        assert!(writer.join().is_ok(), "the writer never waits");
    });
}

fn end(watch: &DurableWatch, ending: Ending) {
    let up_to = |sequence| Progress { sequence: Sequence(sequence), ..Progress::default() };
    match ending {
        Ending::Durable => watch.advance(up_to(2)),
        Ending::DurableInTwo => [1, 2].map(up_to).into_iter().for_each(|durable| watch.advance(durable)),
        Ending::Poisoned => watch.poison("a sync failed".to_owned()),
        Ending::Closed => watch.close(),
    }
}
