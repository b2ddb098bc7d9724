//! The log over files, in a directory of the operating system, keeps what every log promises.

use std::sync::Arc;

use camshaft_log::testing::conformance::Home;
use camshaft_log::{FileLog, Log, Options, RealDisk};
use tempfile::TempDir;

struct Directory(TempDir);

impl Home for Directory {
    fn open(&self) -> Box<dyn Log> {
        let disk = RealDisk::open(self.0.path()).expect("the directory can be used");
        // Small segments, so that there are many.
        let options = Options { segment_bytes: 8192, ..Options::default() };
        let (log, _) = FileLog::open(Arc::new(disk), options).expect("the log opens");
        Box::new(log)
    }
}

camshaft_log::conformance_tests!(Directory(TempDir::new().expect("a temporary directory can be made")));
