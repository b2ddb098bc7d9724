//! The marks: what each worker is handling at this moment, where it outlives the process.
//!
//! A mark is a plain store into mapped memory, so it costs next to nothing; the kernel keeps it when the process is
//! gone, however it went. A power failure may take it: then no handler was to blame. The engine decides what a mark
//! means; here it is only kept.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::atomic::{Ordering, compiler_fence};
use std::sync::{Mutex, PoisonError};

use camshaft_engine::{Attempt, Handler, Mark};
use camshaft_event::{Answer, ConsumerId, Generation, Offset};
use memmap2::{MmapMut, MmapOptions};

/// What a worker's mark takes in the file, in bytes: a page, since each is mapped by itself.
const SLOT_BYTES: u64 = 4_096;

/// Bytes of one mark: what is marked, consumer, generation, offset, in little endian.
const MARK_BYTES: usize = 24;

/// Marks in one page; also the suspects of earlier processes that are kept until they have run.
const PAGE_MARKS: usize = 128;

/// Persisted, never renumber. Anything else, such as 0, is no mark.
const RUNNING: u32 = 1;
const RUNNING_ALONE: u32 = 2;

/// All marks of a runtime: the suspects that have not run again yet, then a page for each worker, then one for the calls
/// of sinks.
#[derive(Debug)]
pub(crate) struct Marks {
    workers: Vec<Mutex<MmapMut>>,
    suspects: Mutex<MmapMut>,
    calls: Mutex<Calls>,
}

/// The marks of calls, each in a place of its own while it runs.
#[derive(Debug)]
struct Calls {
    page: MmapMut,
    free: Vec<usize>,
}

impl Marks {
    /// Opens the file for so many workers, and returns what an earlier process left in it.
    pub(crate) fn open(path: &Path, workers: usize) -> io::Result<(Self, Vec<Mark>)> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let calls = u64::try_from(workers).unwrap_or(u64::MAX).saturating_add(1);
        // Another number of workers may have left more.
        let bytes = file.metadata()?.len().max(calls.saturating_add(1).saturating_mul(SLOT_BYTES));
        file.set_len(bytes)?;
        let mut left = Vec::new();
        for slot in 0..bytes / SLOT_BYTES {
            let mut page = map(&file, slot)?;
            left.extend(page.as_chunks::<MARK_BYTES>().0.iter().take(PAGE_MARKS).filter_map(decode));
            page.fill(0);
        }
        let suspects = Mutex::new(map(&file, 0)?);
        let workers = (1..calls).map(|slot| map(&file, slot).map(Mutex::new)).collect::<io::Result<_>>()?;
        let calls = Mutex::new(Calls { page: map(&file, calls)?, free: (0..PAGE_MARKS).collect() });
        Ok((Self { workers, suspects, calls }, left))
    }

    /// Keeps these suspects, and no others, however often the process ends before they have run again.
    pub(crate) fn keep(&self, suspects: &[Mark]) {
        let mut page = self.suspects.lock().unwrap_or_else(PoisonError::into_inner);
        page.fill(0);
        for (place, mark) in
            page.as_chunks_mut::<MARK_BYTES>().0.iter_mut().zip(suspects.iter().take(PAGE_MARKS))
        {
            *place = encode(*mark);
        }
    }

    /// Nothing is being handled: the process ends as it should.
    pub(crate) fn clear(&self) {
        for page in self.workers.iter().chain([&self.suspects]) {
            page.lock().unwrap_or_else(PoisonError::into_inner).fill(0);
        }
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).page.fill(0);
    }

    /// Marks a call until what is returned is dropped. Without a free place it goes unmarked.
    pub(crate) fn call(&self, mark: Mark) -> MarkedCall<'_> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let place = calls.free.pop();
        if let Some(place) = place {
            calls.put(place, encode(mark));
        }
        MarkedCall { calls: &self.calls, place }
    }

    /// Calls `handler` under the mark of worker `number`.
    pub(crate) fn around<'m, H: Handler>(&'m self, number: usize, handler: &'m mut H) -> Marked<'m, H> {
        Marked { slot: self.workers.get(number), handler }
    }
}

/// A call of a sink that is marked.
pub(crate) struct MarkedCall<'m> {
    calls: &'m Mutex<Calls>,
    place: Option<usize>,
}

impl Drop for MarkedCall<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            calls.put(place, [0; MARK_BYTES]);
            calls.free.push(place);
        }
    }
}

impl Calls {
    fn put(&mut self, place: usize, mark: [u8; MARK_BYTES]) {
        if let Some(bytes) = self.page.as_chunks_mut::<MARK_BYTES>().0.get_mut(place) {
            *bytes = mark;
        }
        // The store must be made before the handler runs, and not be put off by the compiler.
        compiler_fence(Ordering::SeqCst);
    }
}

/// A handler that marks each event while it handles it.
pub(crate) struct Marked<'m, H> {
    slot: Option<&'m Mutex<MmapMut>>,
    handler: &'m mut H,
}

impl<H: Handler> Handler for Marked<'_, H> {
    /// The mark stands from here until the call has ended: an instance's start code is the handler's, too.
    fn get_ready(&mut self, attempt: &Attempt) -> bool {
        self.put(encode(attempt.mark()));
        let is_ready = self.handler.get_ready(attempt);
        if !is_ready {
            self.put([0; MARK_BYTES]);
        }
        is_ready
    }

    fn call(&mut self, attempt: Attempt) -> (Answer, Attempt) {
        let called = self.handler.call(attempt);
        self.put([0; MARK_BYTES]);
        called
    }
}

impl<H> Marked<'_, H> {
    fn put(&self, mark: [u8; MARK_BYTES]) {
        if let Some(slot) = self.slot {
            let mut page = slot.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(place) = page.first_chunk_mut() {
                *place = mark;
            }
            // The store must be made before the handler runs, and not be put off by the compiler.
            compiler_fence(Ordering::SeqCst);
        }
    }
}

fn map(file: &File, slot: u64) -> io::Result<MmapMut> {
    let length = usize::try_from(SLOT_BYTES).unwrap_or(usize::MAX);
    let mut options = MmapOptions::new();
    options.offset(slot.saturating_mul(SLOT_BYTES)).len(length);
    #[expect(
        unsafe_code,
        reason = "a mapping of a file that others may shorten; ours lies in the locked data folder"
    )]
    // SAFETY: the data folder is locked by this process, and nobody else writes or shortens its files.
    let page = unsafe { options.map_mut(file) };
    page
}

fn encode(mark: Mark) -> [u8; MARK_BYTES] {
    let state = if mark.is_alone { RUNNING_ALONE } else { RUNNING };
    let mut bytes = [0; MARK_BYTES];
    let fields = [state.to_le_bytes(), mark.consumer.0.to_le_bytes(), mark.generation.0.to_le_bytes()];
    for (place, field) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(fields) {
        *place = field;
    }
    if let Some(place) = bytes.last_chunk_mut() {
        *place = mark.offset.0.to_le_bytes();
    }
    bytes
}

fn decode(bytes: &[u8; MARK_BYTES]) -> Option<Mark> {
    let [state, consumer, generation] = bytes.as_chunks::<4>().0.first_chunk()?.map(u32::from_le_bytes);
    let offset = u64::from_le_bytes(*bytes.last_chunk()?);
    let is_marked = [RUNNING, RUNNING_ALONE].contains(&state);
    is_marked.then_some(Mark {
        consumer: ConsumerId(consumer),
        generation: Generation(generation),
        offset: Offset(offset),
        is_alone: state == RUNNING_ALONE,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(offset: u64, is_alone: bool) -> Mark {
        Mark { consumer: ConsumerId(3), generation: Generation(2), offset: Offset(offset), is_alone }
    }

    #[test]
    fn marks_outlive_the_process_until_a_clean_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marks");
        let (marks, left) = Marks::open(&path, 2).unwrap();
        assert_eq!(left, []);
        for (slot, mark) in marks.workers.iter().zip([mark(7, false), mark(8, true)]) {
            *slot.lock().unwrap().first_chunk_mut().unwrap() = encode(mark);
        }
        let (ended, under_way) = (marks.call(mark(9, false)), marks.call(mark(10, false)));
        drop(ended);
        std::mem::forget(under_way);
        drop(marks);
        // Fewer workers than before still find what the others left.
        let (marks, left) = Marks::open(&path, 1).unwrap();
        assert_eq!(left, [mark(7, false), mark(8, true), mark(10, false)]);
        marks.keep(&left[..1]);
        drop(marks);
        let (marks, left) = Marks::open(&path, 1).unwrap();
        assert_eq!(left, [mark(7, false)], "a suspect is kept, what was acquitted is not");
        marks.keep(&left);
        marks.clear();
        drop(marks);
        assert_eq!(Marks::open(&path, 1).unwrap().1, []);
    }
}
