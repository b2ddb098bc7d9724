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
        match read_once(core) {
            Ok(true) => {}
            Ok(false) => core.read.wait(seen, None),
            Err(error) => return core.fail(error),
        }
    }
}

/// Reads once for some consumer; whether one wanted it.
fn read_once(core: &Core) -> Result<bool, String> {
    let now = core.now();
    let wanted = core.step(|sequencer| sequencer.next_read(now)).map_err(|error| error.to_string())?;
    let Some(read) = wanted else { return Ok(false) };
    match read.read(&*core.log, READ_BYTES) {
        Ok(found) => {
            let now = core.now();
            core.step(|sequencer| sequencer.feed(&read, found, now)).map_err(|error| error.to_string())?;
        }
        Err(error) => give_up(core, &read, error)?,
    }
    Ok(true)
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
