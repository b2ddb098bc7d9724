//! The durable, append-only log of opaque records: segments, recovery, trim.
//!
//! The writer thread of the runtime appends and syncs through [`Log`]; everyone else reads through
//! [`LogReader`]. [`FileLog`] is the implementation over local files, laid out as `FORMAT.md` says; it
//! reaches them only through [`Disk`]. [`Kept`] holds entries that outlive the log's records.
//!
//! This crate deals in bytes and numbers. It never knows what an event means, owns no thread and reads no
//! clock.

mod disk;
mod error;
mod files;
mod kept;
mod log;
mod record;
#[cfg(feature = "testing")]
pub mod testing;

pub use disk::real::RealDisk;
pub use disk::{Disk, DiskFile};
pub use error::LogError;
pub use files::FileLog;
pub use files::options::Options;
pub use files::recovery::{Cut, Recovery};
pub use files::verify::{Damage, Verified, Verify, verify};
pub use kept::verify::{VerifiedKept, VerifyKept, verify_kept};
pub use kept::{Kept, KeptEntry, KeptWriter, NewKept};
pub use log::{Bounds, Log, LogReader, NextRecord};
pub use record::batch::Batch;
pub use record::{MAX_PAYLOAD_BYTES, MAX_RECORD_BYTES, NewRecord, Record, record_bytes};
