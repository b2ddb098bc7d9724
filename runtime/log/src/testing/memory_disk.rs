//! A disk in memory that keeps apart what programs see and what a crash leaves, and that fails on demand.
//!
//! Tests of crash safety run on it: [`MemoryDisk::crash_after`] stops the disk at a chosen operation,
//! [`MemoryDisk::survivor`] is the disk that the next start finds. It holds all bytes twice, so tests choose
//! small segments.

mod contents;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Random;
use crate::{Disk, DiskFile};
use contents::{Contents, FileId};

pub use contents::Losses;

/// A disk in memory. Clones are handles of the same disk.
#[derive(Clone, Default)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    contents: Contents,
    /// Writes, syncs and changes of names so far.
    operations: u64,
    bytes_read: u64,
    /// Every operation after this many fails.
    crash_after: Option<u64>,
    /// The sync fails that finds this at 0.
    syncs_until_failure: Option<u64>,
    /// The write fails that finds this at 0.
    writes_until_failure: Option<u64>,
    capacity_bytes: Option<u64>,
}

impl MemoryDisk {
    /// An empty disk without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many operations changed or synced something so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// How many bytes were read so far.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.state().bytes_read
    }

    /// Stops the disk: after `operations` more, everything fails. The one that meets the stop may have
    /// happened in part, which [`MemoryDisk::survivor`] decides.
    pub fn crash_after(&self, operations: u64) {
        let mut state = self.state();
        state.crash_after = Some(state.operations + operations);
    }

    /// Lets one sync fail: the next one if `syncs` is 0. What it should have made durable may never become
    /// so, even if later syncs succeed.
    pub fn fail_sync_after(&self, syncs: u64) {
        self.state().syncs_until_failure = Some(syncs);
    }

    /// Lets one write fail: the next one if `writes` is 0. Any part of it may have happened.
    pub fn fail_write_after(&self, writes: u64) {
        self.state().writes_until_failure = Some(writes);
    }

    /// Bounds the sum of all files' lengths, in bytes; none takes the bound away.
    pub fn set_capacity(&self, capacity_bytes: Option<u64>) {
        self.state().capacity_bytes = capacity_bytes;
    }

    /// The disk as the next start finds it after the power failed now: all that was synced, and of the rest
    /// what `random` chooses, down to parts of single writes.
    #[must_use]
    pub fn survivor(&self, random: &mut Random) -> Self {
        self.after_power_loss(random).0
    }

    /// The same, and what was lost.
    #[must_use]
    pub fn after_power_loss(&self, random: &mut Random) -> (Self, Losses) {
        let (contents, losses) = self.state().contents.after_crash(random);
        (Self::holding(contents), losses)
    }

    /// The sum of all files' lengths, in bytes.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.state().contents.used()
    }

    /// The disk as the next start finds it after the process was killed now: all that was written is there.
    #[must_use]
    pub fn after_kill(&self) -> Self {
        Self::holding(self.state().contents.clone())
    }

    /// Changes a file at rest, as rot or a hand would: all of it is durable after.
    ///
    /// # Panics
    /// If there is no such file.
    pub fn edit(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        self.state().contents.edit(name, change);
    }

    /// The bytes of a file.
    ///
    /// # Panics
    /// If there is no such file.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let state = self.state();
        state.contents.find(name).map(|file| state.contents.read(file).to_vec()).expect("the file exists")
    }

    /// Puts a file there, durable.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        self.state().contents.put(name, bytes);
    }

    fn holding(contents: Contents) -> Self {
        Self { state: Arc::new(Mutex::new(State { contents, ..State::default() })) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_crashed(&self) -> bool {
        self.crash_after.is_some_and(|last| self.operations > last)
    }

    fn check_alive(&self) -> io::Result<()> {
        if self.is_crashed() { Err(io::Error::other("the disk is gone")) } else { Ok(()) }
    }

    /// Counts an operation, and says whether it is to succeed. The one that meets the stop happens and fails.
    fn begin(&mut self) -> io::Result<bool> {
        self.check_alive()?;
        self.operations += 1;
        Ok(!self.is_crashed())
    }

    fn check_room(&self, further_bytes: u64) -> io::Result<()> {
        let full =
            self.capacity_bytes.is_some_and(|capacity| self.contents.used() + further_bytes > capacity);
        let grows = further_bytes > 0;
        if grows && full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&mut self, file: FileId) -> io::Result<()> {
        let alive = self.begin()?;
        if counted_down(&mut self.syncs_until_failure) {
            self.contents.doom(file);
            return Err(io::Error::other("the disk could not sync"));
        }
        finish(alive)?;
        self.contents.sync(file);
        Ok(())
    }
}

impl Disk for MemoryDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.state();
        state.check_alive()?;
        Ok(state.contents.names())
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let state = self.state();
        state.check_alive()?;
        let file = state.contents.find(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(MemoryFile { disk: self.clone(), file }))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        let alive = state.begin()?;
        let file = state.contents.create(name);
        finish(alive)?;
        Ok(Arc::new(MemoryFile { disk: self.clone(), file }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        let alive = state.begin()?;
        state.contents.rename(from, to)?;
        finish(alive)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        let alive = state.begin()?;
        state.contents.remove(name)?;
        finish(alive)
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.state();
        let alive = state.begin()?;
        if counted_down(&mut state.syncs_until_failure) {
            return Err(io::Error::other("the disk could not sync"));
        }
        finish(alive)?;
        state.contents.sync_names();
        Ok(())
    }
}

struct MemoryFile {
    disk: MemoryDisk,
    file: FileId,
}

impl DiskFile for MemoryFile {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        state.check_alive()?;
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        let bytes = state.contents.read(self.file).get(position..).unwrap_or_default();
        let length = bytes.len().min(buffer.len());
        buffer[..length].copy_from_slice(&bytes[..length]);
        state.bytes_read += u64::try_from(length).unwrap_or(u64::MAX);
        Ok(length)
    }

    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let alive = state.begin()?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let grows_by = (position + length).saturating_sub(state.contents.length(self.file));
        state.check_room(grows_by)?;
        state.contents.write(self.file, position, bytes);
        if counted_down(&mut state.writes_until_failure) {
            return Err(io::Error::other("the disk could not write"));
        }
        finish(alive)
    }

    fn len(&self) -> io::Result<u64> {
        let state = self.disk.state();
        state.check_alive()?;
        Ok(state.contents.length(self.file))
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let alive = state.begin()?;
        let grows_by = bytes.saturating_sub(state.contents.length(self.file));
        state.check_room(grows_by)?;
        state.contents.set_length(self.file, bytes);
        finish(alive)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.state().sync(self.file)
    }

    fn sync_all(&self) -> io::Result<()> {
        self.disk.state().sync(self.file)
    }
}

fn finish(alive: bool) -> io::Result<()> {
    if alive { Ok(()) } else { Err(io::Error::other("the disk is gone")) }
}

/// True if this is the one that is to fail.
fn counted_down(until_failure: &mut Option<u64>) -> bool {
    match until_failure {
        Some(0) => {
            *until_failure = None;
            true
        }
        Some(left) => {
            *left -= 1;
            false
        }
        None => false,
    }
}
