//! The reader thread: reads the log for consumers that do not keep up with it.

use std::sync::Arc;

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
                // A consumer that went away meanwhile pins nothing: what it was to read may be trimmed.
                let is_wanted = core.step(|sequencer| sequencer.is_current(&read));
                if is_wanted {
                    return core.fail(error);
                }
            }
        }
    }
}
