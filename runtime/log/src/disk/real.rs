//! A directory of the operating system, held against other processes by an advisory lock.
//!
//! The program opens it once at start and hands it to the log. The lock lasts as long as the log's write
//! side; readers do not prolong it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::FallocateFlags;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use super::{Disk, DiskFile};
use crate::LogError;

const LOCK_NAME: &str = "lock";

/// How long the lock of a process that has ended may outlast it. A program that it was just starting holds
/// the lock, too, from the fork to the exec, and on a busy machine it gets there late.
const LEFT_BEHIND: Duration = Duration::from_secs(10);

/// How often the lock of a process that has ended is tried again.
const LOOK: Duration = Duration::from_millis(5);

/// A real directory, locked.
#[derive(Debug)]
pub struct RealDisk {
    directory: PathBuf,
    /// Open handle of the directory itself, for syncing names.
    handle: File,
    /// None in a folder of a directory that is locked.
    lock: Option<File>,
}

impl RealDisk {
    /// Opens a directory, making it if it is missing, and locks it for this process. The lock of a process
    /// that has ended is waited for, up to 10 seconds.
    ///
    /// # Errors
    /// [`LogError::InUse`] if another process (or this one, before) has it, [`LogError::Unusable`] if it
    /// cannot be made or written.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, LogError> {
        let directory = directory.into();
        let unusable = |source| LogError::Unusable { directory: directory.clone(), source };
        make_durably(&directory).map_err(unusable)?;
        let handle = File::open(&directory).map_err(unusable)?;
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(directory.join(LOCK_NAME))
            .map_err(unusable)?;
        let started = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => return Err(unusable(source)),
            }
            let pid = read_pid(&mut lock);
            if !pid.is_none_or(has_ended) || started.elapsed() >= LEFT_BEHIND {
                return Err(LogError::InUse { directory, pid });
            }
            thread::sleep(LOOK);
        }
        lock.set_len(0).and_then(|()| lock.rewind()).map_err(unusable)?;
        write!(lock, "{}", process::id()).map_err(unusable)?;
        Ok(Self { directory, handle, lock: Some(lock) })
    }

    /// Opens a folder inside this directory, making it if it is missing. The lock of this directory protects
    /// it: no other process may write there meanwhile.
    ///
    /// # Errors
    /// [`LogError::Unusable`] if it cannot be made or read.
    pub fn folder(&self, name: &str) -> Result<Self, LogError> {
        let directory = self.directory.join(name);
        let unusable = |source| LogError::Unusable { directory: directory.clone(), source };
        make_durably(&directory).map_err(unusable)?;
        let handle = File::open(&directory).map_err(unusable)?;
        Ok(Self { directory, handle, lock: None })
    }
}

impl Drop for RealDisk {
    fn drop(&mut self) {
        // Closing the file would leave the lock with a program that is just being started. The file is closed
        // next, whatever comes of this.
        let _: Option<io::Result<()>> = self.lock.as_ref().map(File::unlock);
    }
}

impl Disk for RealDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            // A name that is not UTF-8 is none of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).open(self.directory.join(name))?;
        Ok(Arc::new(RealFile(file)))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.directory.join(name);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.directory.join(from), self.directory.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.directory.join(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.handle.sync_all()
    }
}

struct RealFile(File);

impl DiskFile for RealFile {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let mut filled = 0_usize;
        let mut place = position;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.0.read_at(rest, place) {
                Ok(0) => break,
                Ok(bytes) => {
                    filled = filled.saturating_add(bytes);
                    place = place.saturating_add(bytes.try_into().unwrap_or(u64::MAX));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, position)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        match rustix::fs::fallocate(&self.0, FallocateFlags::empty(), 0, bytes) {
            Ok(()) => Ok(()),
            // A file system that cannot reserve gets real zeros instead.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => write_zeros(&self.0, bytes),
            Err(error) => Err(error.into()),
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}

/// Makes the directory and those above it, and makes their names durable: a log in a directory that vanishes
/// is no log.
fn make_durably(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    let parent = match directory.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => Path::new("/"),
    };
    make_durably(parent)?;
    match fs::create_dir(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(parent)?.sync_all()
}

fn read_pid(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.rewind().ok()?;
    lock.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn has_ended(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) == Err(Errno::SRCH))
}

fn write_zeros(file: &File, bytes: u64) -> io::Result<()> {
    static CHUNK: [u8; 64 * 1024] = [0; 64 * 1024];
    let mut position = 0;
    while position < bytes {
        let left = usize::try_from(bytes - position).unwrap_or(usize::MAX);
        let chunk = CHUNK.get(..left).unwrap_or(&CHUNK);
        file.write_all_at(chunk, position)?;
        position += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
    }
    Ok(())
}
