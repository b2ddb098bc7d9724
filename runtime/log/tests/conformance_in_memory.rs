//! The log over files, on the disk in memory, keeps what every log promises. So it does with segments of the
//! usual length, where everything is in one.

use std::sync::Arc;

use camshaft_log::testing::MemoryDisk;
use camshaft_log::testing::conformance::Home;
use camshaft_log::{FileLog, Log, Options};

struct Memory {
    disk: MemoryDisk,
    segment_bytes: u64,
}

impl Home for Memory {
    fn open(&self) -> Box<dyn Log> {
        let options = Options { segment_bytes: self.segment_bytes, ..Options::default() };
        let (log, _) = FileLog::open(Arc::new(self.disk.clone()), options).expect("the log opens");
        Box::new(log)
    }
}

mod with_many_segments {
    use super::*;
    camshaft_log::conformance_tests!(Memory { disk: MemoryDisk::new(), segment_bytes: 4096 });
}

mod with_one_segment {
    use super::*;
    camshaft_log::conformance_tests!(Memory { disk: MemoryDisk::new(), segment_bytes: 5 * 1024 * 1024 });
}
