//! The ranges of state that a batch has scanned, each up to the last key seen.

use camshaft_tables::StateRange;

use super::account::ENTRY_BYTES;

/// Ranges that are kept at most. One more, and all of them become one range over the whole state: this bounds
/// memory and the validation at commit.
const MAX_RANGES: usize = 256;

/// Scanned ranges in key order, with at least one key between two of them.
#[derive(Debug, Default)]
pub(crate) struct Ranges(Vec<StateRange>);

impl Ranges {
    /// Adds a range, joined with the ranges that it touches: the next page of a scan extends the page before
    /// it. Returns by how many bytes more is kept.
    pub(super) fn add(&mut self, range: StateRange) -> usize {
        if range.is_empty() {
            return 0;
        }
        let is_before = |known: &StateRange| known.until.as_ref().is_some_and(|until| *until < range.from);
        let is_behind = |known: &StateRange| range.until.as_ref().is_some_and(|until| *until < known.from);
        let begin = self.0.partition_point(is_before);
        let end = self.0.partition_point(|known| !is_behind(known));
        let (mut joined, mut bytes_before) = (range, 0);
        for known in self.0.drain(begin..end) {
            bytes_before += range_bytes(&known);
            joined.from = joined.from.min(known.from);
            joined.until = joined.until.zip(known.until).map(|(until, other)| until.max(other));
        }
        let bytes = range_bytes(&joined);
        self.0.insert(begin, joined);
        if self.0.len() > MAX_RANGES {
            self.0 = vec![StateRange::default()];
        }
        bytes.saturating_sub(bytes_before)
    }

    /// Adds what a later attempt of the batch scanned.
    pub(super) fn absorb(&mut self, later: Self) {
        if self.0.is_empty() {
            *self = later;
            return;
        }
        later.0.into_iter().for_each(|range| _ = self.add(range));
    }

    pub(crate) fn as_slice(&self) -> &[StateRange] {
        &self.0
    }
}

fn range_bytes(range: &StateRange) -> usize {
    range.from.len() + range.until.as_ref().map_or(0, Vec::len) + ENTRY_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: &str, until: &str) -> StateRange {
        StateRange { from: from.into(), until: Some(until.into()) }
    }

    fn added(ranges: &[StateRange]) -> Ranges {
        let mut added = Ranges::default();
        ranges.iter().for_each(|range| _ = added.add(range.clone()));
        added
    }

    #[test]
    fn the_pages_of_a_scan_are_one_range_and_cost_as_much_as_one() {
        let mut ranges = Ranges::default();
        let mut kept = ranges.add(StateRange::under(b"k", None).up_to(b"k3"));
        kept += ranges.add(StateRange::under(b"k", Some(b"k3")).up_to(b"k6"));
        kept += ranges.add(StateRange::under(b"k", Some(b"k6")));
        assert_eq!(ranges.as_slice(), [StateRange::under(b"k", None)]);
        assert!(kept < ENTRY_BYTES + 9, "{kept} bytes");
        assert_eq!(ranges.add(StateRange::under(b"k", None)), 0, "the same scan again costs nothing");
    }

    #[test]
    fn ranges_that_overlap_or_touch_are_joined_and_others_are_not() {
        let apart = [range("b", "c"), range("f", "g"), range("j", "k")];
        assert_eq!(added(&[apart[2].clone(), apart[0].clone(), apart[1].clone()]).as_slice(), apart);
        let cases = [
            (range("c", "d"), vec![range("b", "d"), range("f", "g"), range("j", "k")]),
            (range("e", "f"), vec![range("b", "c"), range("e", "g"), range("j", "k")]),
            (range("a", "h"), vec![range("a", "h"), range("j", "k")]),
            (range("bb", "bc"), apart.to_vec()),
            (
                StateRange { from: b"fa".into(), until: None },
                vec![range("b", "c"), StateRange { from: b"f".into(), until: None }],
            ),
            (range("m", "m"), apart.to_vec()),
        ];
        for (more, expected) in cases {
            let mut ranges = added(&apart);
            ranges.add(more.clone());
            assert_eq!(ranges.as_slice(), expected, "{more:?}");
        }
    }

    #[test]
    fn too_many_ranges_become_one_over_the_whole_state() {
        let number = |number: usize| StateRange::under(format!("{number:04} ").as_bytes(), None);
        let mut ranges = added(&(0..MAX_RANGES).map(number).collect::<Vec<_>>());
        assert_eq!(ranges.as_slice().len(), MAX_RANGES);
        ranges.add(number(MAX_RANGES));
        assert_eq!(ranges.as_slice(), [StateRange::under(b"", None)]);
    }

    #[test]
    fn ranges_of_a_later_attempt_are_joined_with_those_before() {
        let mut ranges = added(&[range("b", "d")]);
        ranges.absorb(added(&[range("c", "e"), range("x", "y")]));
        assert_eq!(ranges.as_slice(), [range("b", "e"), range("x", "y")]);
    }
}
