//! The reader thread: reads the log for consumers that do not keep up with it.

use std::sync::Arc;

use camshaft_engine::{LagRead, ReadError};

use super::core::Core;

/// How much of the log is read at a time, in bytes: what stays in a core's cache until it is decoded.
pub(crate) const READ_BYTES: u32 = 256 << 10;

pub(crate) fn run(core: &Arc<Core>) {
    loop {
        let seen = core.read.count();
        if core.is_draining() {
            return;
        }
        let Some(read) = core.step(|sequencer| sequencer.next_read()) else {
            core.read.wait(seen, None);
            continue;
        };
        match read.read(&*core.log, READ_BYTES) {
            Ok(found) => core.step(|sequencer| sequencer.feed(&read, found)),
            Err(error) => {
                if let Err(error) = give_up(core, &read, error) {
                    return core.fail(error);
                }
            }
        }
    }
}

/// Pauses the consumer whose next events are damaged.
fn give_up(core: &Core, read: &LagRead, error: ReadError) -> Result<(), String> {
    match read.damage(&*core.log, error) {
        Ok(damage) => {
            let now = core.now();
            let noted = core.step(|sequencer| sequencer.read_damaged(read, damage, now));
            noted.map_err(|error| error.to_string())
        }
        // A consumer that went away meanwhile pins nothing: what it was to read may be trimmed.
        Err(_) if !core.step(|sequencer| sequencer.is_current(read)) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}
