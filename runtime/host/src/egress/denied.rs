//! The requests of a call that were denied or failed: the first ones in words, the rest as a number.
//!
//! The guest chooses how many requests it makes and how long their addresses are; what is kept of them has a
//! bound.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Requests that are kept in words.
const MAX_KEPT: usize = 20;

/// Longest text that is kept of one, in bytes.
const MAX_TEXT_BYTES: usize = 1024;

/// What a call was denied, and what failed. Clones share it: a name is looked up while the guest goes on.
#[derive(Clone, Debug, Default)]
pub struct Denied(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    first: Vec<String>,
    further: u64,
}

impl Denied {
    /// Keeps why a request was denied, or why it failed.
    pub fn add(&self, mut why: String) {
        let mut kept = self.kept();
        if kept.first.len() == MAX_KEPT {
            kept.further += 1;
            return;
        }
        if why.len() > MAX_TEXT_BYTES {
            why.truncate(why.floor_char_boundary(MAX_TEXT_BYTES));
            why.push('…');
            why.shrink_to_fit();
        }
        kept.first.push(why);
    }

    /// What was kept, a line each, and begins anew.
    pub fn take(&self) -> Vec<String> {
        let Kept { first: mut lines, further } = std::mem::take(&mut *self.kept());
        if further > 0 {
            lines.push(format!("denied or failed: {further} further requests"));
        }
        lines
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_twenty_are_kept_cut_and_the_rest_is_counted() {
        let denied = Denied::default();
        (0..1_000).for_each(|_| denied.add("ü".repeat(60_000)));
        let lines = denied.take();
        assert_eq!((lines.len(), lines[20].as_str()), (21, "denied or failed: 980 further requests"));
        assert!(lines.iter().all(|line| line.capacity() <= MAX_TEXT_BYTES + '…'.len_utf8()));
        assert_eq!(denied.take(), Vec::<String>::new());
    }
}
