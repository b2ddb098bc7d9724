//! The requests that were denied to a call: the first ones in words, the rest as a number.
//!
//! The guest chooses how many requests it makes and how long their addresses are; what is kept of them has a bound.

/// Denied requests that are kept in words.
const MAX_KEPT: usize = 20;

/// Longest text that is kept of one, in bytes.
const MAX_TEXT_BYTES: usize = 1024;

/// What a call was denied.
#[derive(Debug, Default)]
pub struct Denied {
    first: Vec<String>,
    further: u64,
}

impl Denied {
    /// Keeps why a request was denied.
    pub fn add(&mut self, mut why: String) {
        if self.first.len() == MAX_KEPT {
            self.further += 1;
            return;
        }
        if why.len() > MAX_TEXT_BYTES {
            why.truncate(why.floor_char_boundary(MAX_TEXT_BYTES));
            why.push('…');
            why.shrink_to_fit();
        }
        self.first.push(why);
    }

    /// What was kept, a line each, and begins anew.
    pub fn take(&mut self) -> Vec<String> {
        let Self { first: mut lines, further } = std::mem::take(self);
        if further > 0 {
            lines.push(format!("denied: {further} further requests"));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_twenty_are_kept_cut_and_the_rest_is_counted() {
        let mut denied = Denied::default();
        (0..1_000).for_each(|_| denied.add("ü".repeat(60_000)));
        let lines = denied.take();
        assert_eq!((lines.len(), lines[20].as_str()), (21, "denied: 980 further requests"));
        assert!(lines.iter().all(|line| line.len() <= MAX_TEXT_BYTES + '…'.len_utf8()));
        assert_eq!(denied.take(), Vec::<String>::new());
    }
}
