//! The trusted time of the last process, in a file of its own: a record's time may come from a wrong clock.
//!
//! The file is replaced as a whole. If it is missing or holds no number, the log's last record stands in for
//! it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use camshaft_event::Timestamp;

/// Milliseconds since the epoch, in decimal, and a line feed.
const FILE: &str = "time";

pub(super) fn read(data: &Path) -> Option<Timestamp> {
    let text = fs::read_to_string(data.join(FILE)).ok()?;
    text.strip_suffix('\n')?.parse().ok().map(Timestamp)
}

pub(super) fn write(data: &Path, time: Timestamp) -> io::Result<()> {
    let new = data.join("time.new");
    let mut file = File::create(&new)?;
    writeln!(file, "{}", time.0)?;
    // IMPORTANT: before the name points to it, or a power failure leaves an empty file.
    file.sync_all()?;
    fs::rename(&new, data.join(FILE))?;
    File::open(data)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_anything_else_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()), None);
        write(folder.path(), Timestamp(7)).unwrap();
        write(folder.path(), Timestamp(1_764_454_512_000)).unwrap();
        assert_eq!(read(folder.path()), Some(Timestamp(1_764_454_512_000)));
        for text in ["", "17644545", "x\n", "-1\n"] {
            fs::write(folder.path().join(FILE), text).unwrap();
            assert_eq!(read(folder.path()), None, "{text:?}");
        }
    }
}
