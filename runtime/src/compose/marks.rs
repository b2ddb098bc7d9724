//! The marks: what each worker is handling at this moment, where it outlives the process.
//!
//! A mark is a plain store into mapped memory, so it costs next to nothing; the kernel keeps it when the
//! process is gone, however it went. The engine decides what a mark means; here it is only kept. Where the
//! end of the process was for certain nobody's whose event was marked, the marks say so: the machine was
//! started anew since, or the process was told to stop or stopped itself.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::atomic::{Ordering, compiler_fence};
use std::sync::{Mutex, PoisonError};

use camshaft_engine::{Attempt, Handler, Mark};
use camshaft_event::{Answer, ConsumerId, Event, Generation, Offset, Scope};
use memmap2::{MmapMut, MmapOptions};

/// What a worker's mark takes in the file, in bytes: a page, since each is mapped by itself.
const SLOT_BYTES: u64 = 4_096;

/// Bytes of one mark: what is marked, consumer, generation, offset, in little endian.
const MARK_BYTES: usize = 24;

/// Marks in one page; also the suspects of earlier processes that are kept until they have run.
const PAGE_MARKS: usize = 128;

/// Persisted, never renumber: 1 while others may run beside it, 1 + n while it runs alone for the n-th time.
/// Anything else, such as 0, is no mark.
const RUNNING: u32 = 1;
const MAX_LONE_RUNS: u32 = 62;

/// Where the first page says what else is known of the process, behind the suspects. Persisted, in little
/// endian.
const END_AT: usize = PAGE_MARKS * MARK_BYTES;
/// Bytes of that: whether its end is nobody's (1), then a hash of the machine's start, 0 if unknown.
const END_BYTES: usize = 12;
const NOBODYS: u32 = 1;

/// All marks of a runtime: the suspects that have not run again yet and what is known of the process, then a
/// page for each worker, then one for the calls of sinks.
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
    /// Opens the file for so many workers, and returns what an earlier process left in it: the suspects that
    /// it kept, and what it was handling, if one of those may have ended it.
    pub(crate) fn open(path: &Path, workers: usize) -> io::Result<(Self, Vec<Mark>)> {
        Self::open_after(path, workers, machine_start())
    }

    /// The same on a machine of which this start is known.
    fn open_after(path: &Path, workers: usize, start: u64) -> io::Result<(Self, Vec<Mark>)> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let calls = u64::try_from(workers).unwrap_or(u64::MAX).saturating_add(1);
        // Another number of workers may have left more.
        let bytes = file.metadata()?.len().max(calls.saturating_add(1).saturating_mul(SLOT_BYTES));
        file.set_len(bytes)?;
        let mut left = Vec::new();
        let mut is_nobodys = false;
        for slot in 0..bytes / SLOT_BYTES {
            let mut page = map(&file, slot)?;
            if slot == 0 {
                is_nobodys = ended_by_nobody(&page, start);
            } else if is_nobodys {
                page.fill(0);
                continue;
            }
            left.extend(page.as_chunks::<MARK_BYTES>().0.iter().take(PAGE_MARKS).filter_map(decode));
            page.fill(0);
        }
        let mut suspects = map(&file, 0)?;
        put_end(&mut suspects, 0, start);
        let suspects = Mutex::new(suspects);
        let workers = (1..calls).map(|slot| map(&file, slot).map(Mutex::new)).collect::<io::Result<_>>()?;
        let calls = Mutex::new(Calls { page: map(&file, calls)?, free: (0..PAGE_MARKS).collect() });
        Ok((Self { workers, suspects, calls }, left))
    }

    /// Keeps these suspects, and no others, however often the process ends before they have run again.
    pub(crate) fn keep(&self, suspects: &[Mark]) {
        let mut page = self.suspects.lock().unwrap_or_else(PoisonError::into_inner);
        let mut suspects = suspects.iter();
        for place in page.as_chunks_mut::<MARK_BYTES>().0.iter_mut().take(PAGE_MARKS) {
            *place = suspects.next().map_or([0; MARK_BYTES], |mark| encode(*mark));
        }
    }

    /// Whatever is being handled, the process ends for another reason. Suspects that were kept stay so.
    pub(crate) fn absolve(&self) {
        let mut page = self.suspects.lock().unwrap_or_else(PoisonError::into_inner);
        put_end(&mut page, NOBODYS, machine_start());
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

    fn evolve(&mut self, scope: &Scope, fold: Option<&[u8]>, facts: &[Event]) -> Result<Vec<u8>, Answer> {
        self.handler.evolve(scope, fold, facts)
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

/// Whether the process that left this first page ended by itself, or with its machine.
fn ended_by_nobody(page: &[u8], start: u64) -> bool {
    let Some(end) = page.get(END_AT..END_AT + END_BYTES) else { return false };
    let Some((state, known)) = end.split_first_chunk::<4>() else { return false };
    let known = known.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    u32::from_le_bytes(*state) == NOBODYS || (known != 0 && start != 0 && known != start)
}

fn put_end(page: &mut [u8], state: u32, start: u64) {
    let end = state.to_le_bytes().into_iter().chain(start.to_le_bytes());
    page.iter_mut().skip(END_AT).zip(end).for_each(|(place, byte)| *place = byte);
}

/// A hash of what the kernel calls this start of the machine; 0 where it does not say.
fn machine_start() -> u64 {
    std::fs::read("/proc/sys/kernel/random/boot_id").map_or(0, |id| xxhash_rust::xxh3::xxh3_64(&id))
}

fn map(file: &File, slot: u64) -> io::Result<MmapMut> {
    let length = usize::try_from(SLOT_BYTES).unwrap_or(usize::MAX);
    let mut options = MmapOptions::new();
    options.offset(slot.saturating_mul(SLOT_BYTES)).len(length);
    #[expect(
        unsafe_code,
        reason = "other processes may shorten a mapped file; this one is in the locked data directory"
    )]
    // SAFETY: the data folder is locked by this process, and nobody else writes or shortens its files.
    let page = unsafe { options.map_mut(file) };
    page
}

fn encode(mark: Mark) -> [u8; MARK_BYTES] {
    let state = RUNNING + mark.lone_runs.min(MAX_LONE_RUNS);
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
    let lone_runs = state.checked_sub(RUNNING).filter(|runs| *runs <= MAX_LONE_RUNS)?;
    Some(Mark {
        consumer: ConsumerId(consumer),
        generation: Generation(generation),
        offset: Offset(offset),
        lone_runs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(offset: u64, lone_runs: u32) -> Mark {
        Mark { consumer: ConsumerId(3), generation: Generation(2), offset: Offset(offset), lone_runs }
    }

    /// Marks whose first worker has been handling event 7 and whose suspect is event 8, of a machine's first
    /// start.
    fn amid_two_events(path: &Path) -> Marks {
        let (marks, _) = Marks::open_after(path, 1, 1).unwrap();
        *marks.workers[0].lock().unwrap().first_chunk_mut().unwrap() = encode(mark(7, 0));
        marks.keep(&[mark(8, 2)]);
        marks
    }

    #[test]
    fn a_process_that_was_told_to_stop_leaves_no_new_suspects() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marks");
        drop(amid_two_events(&path));
        assert_eq!(Marks::open_after(&path, 1, 1).unwrap().1, [mark(8, 2), mark(7, 0)]);
        amid_two_events(&path).absolve();
        assert_eq!(Marks::open(&path, 1).unwrap().1, [mark(8, 2)], "those that it had kept it keeps");
        // The next process is a new one.
        drop(amid_two_events(&path));
        assert_eq!(Marks::open_after(&path, 1, 1).unwrap().1.len(), 2);
    }

    #[test]
    fn a_machine_that_was_started_anew_ended_all_that_ran() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marks");
        for (start, left) in [(2, 1), (1, 2), (0, 2)] {
            drop(amid_two_events(&path));
            assert_eq!(Marks::open_after(&path, 1, start).unwrap().1.len(), left, "start {start}");
        }
    }

    #[test]
    fn marks_of_earlier_versions_are_read() {
        let old = |state: u32| {
            let mut bytes = encode(mark(7, 0));
            bytes[..4].copy_from_slice(&state.to_le_bytes());
            decode(&bytes)
        };
        assert_eq!([old(0), old(1), old(2), old(64)], [None, Some(mark(7, 0)), Some(mark(7, 1)), None]);
    }

    #[test]
    fn marks_outlive_the_process_until_a_clean_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marks");
        let (marks, left) = Marks::open(&path, 2).unwrap();
        assert_eq!(left, []);
        for (slot, mark) in marks.workers.iter().zip([mark(7, 0), mark(8, 1)]) {
            *slot.lock().unwrap().first_chunk_mut().unwrap() = encode(mark);
        }
        let (ended, under_way) = (marks.call(mark(9, 0)), marks.call(mark(10, 0)));
        drop(ended);
        std::mem::forget(under_way);
        drop(marks);
        // Fewer workers than before still find what the others left.
        let (marks, left) = Marks::open(&path, 1).unwrap();
        assert_eq!(left, [mark(7, 0), mark(8, 1), mark(10, 0)]);
        marks.keep(&left[..1]);
        drop(marks);
        let (marks, left) = Marks::open(&path, 1).unwrap();
        assert_eq!(left, [mark(7, 0)], "a suspect is kept, what was acquitted is not");
        marks.keep(&left);
        marks.clear();
        drop(marks);
        assert_eq!(Marks::open(&path, 1).unwrap().1, []);
    }
}
