//! What is to be loaded, in which order: files in the order in which they were asked for, then those that
//! were slow.
//!
//! One thread always stays for files that were not tried yet: a load counts as slow once it gave way, or once
//! it has used up its slice. So a file that takes minutes to compile keeps a new one waiting for a slice of
//! the compiler's time.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use camshaft_host::Haste;
use camshaft_host::directory::{Load, Ticket};

/// So often a slow file gives way to others; then it is compiled to the end or to the limit.
const MAX_TRIES: u32 = 10;

/// Loads in their order.
pub(super) struct Queue {
    state: Mutex<State>,
    /// Slow loads that may be under way at a time.
    max_slow: usize,
}

#[derive(Default)]
struct State {
    first: VecDeque<Task>,
    slow: VecDeque<Task>,
    slow_running: usize,
    /// The newest load of each file that is in the queue or under way.
    newest: BTreeMap<PathBuf, Ticket>,
}

/// A load, and how often it was begun and gave way.
pub(super) struct Task {
    pub(super) load: Load,
    pub(super) tries: u32,
    /// Whether it counts as slow.
    is_slow: Cell<bool>,
}

impl Task {
    /// Whether it gives way this time.
    pub(super) const fn haste(&self) -> Haste {
        match self.tries {
            0 => Haste::Slice,
            1..MAX_TRIES => Haste::Slow,
            _ => Haste::Whole,
        }
    }
}

impl Queue {
    /// A queue for so many threads.
    pub(super) fn new(threads: usize) -> Self {
        Self { state: Mutex::default(), max_slow: threads.saturating_sub(1).max(1) }
    }

    /// Adds a load, instead of an older one of the same file.
    pub(super) fn add(&self, load: Load) {
        let mut state = self.state();
        state.first.retain(|older| older.load.file != load.file);
        state.slow.retain(|older| older.load.file != load.file);
        state.newest.insert(load.file.clone(), load.ticket);
        state.first.push_back(Task { load, tries: 0, is_slow: Cell::new(false) });
    }

    /// What is to be loaded now. The caller reports its [end](Queue::end).
    pub(super) fn next(&self) -> Option<Task> {
        let mut state = self.state();
        if let Some(task) = state.first.pop_front() {
            return Some(task);
        }
        if state.slow_running >= self.max_slow {
            return None;
        }
        let task = state.slow.pop_front()?;
        state.slow_running += 1;
        task.is_slow.set(true);
        Some(task)
    }

    /// A first try has used up its slice: whether it may go on as a slow load. Else it is to give way.
    pub(super) fn becomes_slow(&self, task: &Task) -> bool {
        let mut state = self.state();
        let is_slow = task.is_slow.get() || state.slow_running < self.max_slow;
        if is_slow && !task.is_slow.replace(true) {
            state.slow_running += 1;
        }
        is_slow
    }

    /// Ends a load. One that gave way goes behind all others, unless a newer one of its file was added
    /// meanwhile.
    pub(super) fn end(&self, task: Task, gave_way: bool) {
        let Task { load, tries, is_slow } = task;
        let mut state = self.state();
        state.slow_running -= usize::from(is_slow.get());
        if state.newest.get(&load.file) != Some(&load.ticket) {
            return;
        }
        if gave_way {
            state.slow.push_back(Task { load, tries: tries + 1, is_slow: Cell::new(false) });
        } else {
            state.newest.remove(&load.file);
        }
    }

    /// Whether no newer load of the file was added.
    pub(super) fn is_newest(&self, file: &Path, ticket: Ticket) -> bool {
        self.state().newest.get(file) == Some(&ticket)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, ticket: u64) -> Load {
        Load { ticket: Ticket(ticket), file: file.into(), operator: None }
    }

    fn told(task: Option<&Task>) -> Option<(&str, Haste)> {
        task.map(|task| (task.load.file.to_str().unwrap(), task.haste()))
    }

    #[test]
    fn a_file_that_gave_way_comes_after_all_others() {
        let queue = Queue::new(2);
        queue.add(load("bomb", 1));
        let bomb = queue.next().unwrap();
        queue.add(load("one", 2));
        queue.end(bomb, true);
        queue.add(load("two", 3));
        let one = queue.next().unwrap();
        assert_eq!(told(Some(&one)), Some(("one", Haste::Slice)));
        queue.end(one, false);
        assert_eq!(told(queue.next().as_ref()), Some(("two", Haste::Slice)));
        assert_eq!(told(queue.next().as_ref()), Some(("bomb", Haste::Slow)));
        assert_eq!(told(queue.next().as_ref()), None);
    }

    #[test]
    fn slow_files_never_take_all_threads() {
        let queue = Queue::new(2);
        for (file, ticket) in [("bomb", 1), ("other bomb", 2)] {
            queue.add(load(file, ticket));
            let bomb = queue.next().unwrap();
            queue.end(bomb, true);
        }
        let bomb = queue.next().unwrap();
        assert_eq!(told(Some(&bomb)), Some(("bomb", Haste::Slow)));
        assert_eq!(told(queue.next().as_ref()), None, "the other thread stays for new files");
        queue.add(load("fix", 3));
        assert_eq!(told(queue.next().as_ref()), Some(("fix", Haste::Slice)));
        queue.end(bomb, false);
        assert_eq!(told(queue.next().as_ref()), Some(("other bomb", Haste::Slow)));
    }

    #[test]
    fn first_tries_that_are_slow_leave_a_thread_for_new_files_too() {
        let queue = Queue::new(2);
        for (file, ticket) in [("bomb", 1), ("other bomb", 2)] {
            queue.add(load(file, ticket));
        }
        let (bomb, other) = (queue.next().unwrap(), queue.next().unwrap());
        assert!(queue.becomes_slow(&bomb) && queue.becomes_slow(&bomb), "one may go on");
        assert!(!queue.becomes_slow(&other), "the other one gives its thread to new files");
        queue.end(other, true);
        assert_eq!(told(queue.next().as_ref()), None);
        queue.add(load("fix", 3));
        assert_eq!(told(queue.next().as_ref()), Some(("fix", Haste::Slice)));
        queue.end(bomb, false);
        assert_eq!(told(queue.next().as_ref()), Some(("other bomb", Haste::Slow)));
    }

    #[test]
    fn a_file_that_often_gave_way_is_loaded_to_the_end() {
        let queue = Queue::new(2);
        queue.add(load("large", 1));
        let mut hastes = Vec::new();
        for _ in 0..=MAX_TRIES {
            let large = queue.next().unwrap();
            hastes.push(large.haste());
            queue.end(large, true);
        }
        assert_eq!((hastes[0], hastes[1], hastes[10]), (Haste::Slice, Haste::Slow, Haste::Whole));
    }

    #[test]
    fn a_newer_load_of_a_file_takes_the_place_of_an_older_one() {
        let queue = Queue::new(2);
        queue.add(load("a", 1));
        queue.add(load("a", 2));
        let second = queue.next().unwrap();
        assert_eq!(second.load.ticket, Ticket(2));
        assert!(queue.is_newest(Path::new("a"), Ticket(2)));
        queue.add(load("a", 3));
        assert!(!queue.is_newest(Path::new("a"), Ticket(2)), "it may stop");
        queue.end(second, true);
        assert_eq!(queue.next().map(|task| task.load.ticket), Some(Ticket(3)));
        assert_eq!(told(queue.next().as_ref()), None, "the older one does not come back");
    }
}
