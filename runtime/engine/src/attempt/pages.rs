//! Pages of a scan: a portion of committed state, with the attempt's own writes merged in as far as the page
//! goes.
//!
//! A page costs what it holds, however much an attempt has written or deleted before.

use std::collections::btree_map;
use std::iter::Peekable;
use std::ops::Bound;

use camshaft_event::StatePage;
use camshaft_tables::StatePortion;

use super::Writes;

/// Bytes of keys and values after which a page ends; the entry that reaches them is its last.
pub(super) const PAGE_BYTES: usize = 256 * 1024;

/// Own writes and committed entries that one page looks at; then it ends, with or without entries.
const MAX_VISITED: usize = 4_096;

/// What a scan asks for.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'p> {
    pub(super) prefix: &'p [u8],
    pub(super) after: Option<&'p [u8]>,
    pub(super) max: usize,
}

/// The page that begins behind `wanted.after`: `committed` state under `earlier` writes under the attempt's
/// own.
pub(super) fn page(committed: StatePortion, earlier: &Writes, own: &Writes, wanted: Wanted<'_>) -> StatePage {
    let mut writes = Layers::new(earlier, own, wanted, committed.after.as_deref()).peekable();
    let mut committed_entries = committed.entries.into_iter().peekable();
    let (mut entries, mut bytes, mut visited) = (Vec::new(), 0, 0);
    loop {
        let takes_write = match (writes.peek(), committed_entries.peek()) {
            (None, None) => return StatePage { entries, after: committed.after },
            (Some((written, _)), Some((key, _))) => *written <= key.as_slice(),
            (written, _) => written.is_some(),
        };
        let (key, value) = if takes_write {
            let Some((key, value)) = writes.next() else { continue };
            // It replaces or hides the committed entry.
            let _replaced = committed_entries.next_if(|(committed, _)| committed.as_slice() == key);
            (key.to_vec(), value.map(<[u8]>::to_vec))
        } else {
            let Some((key, found)) = committed_entries.next() else { continue };
            (key, Some(found.value))
        };
        visited += 1;
        let is_full = |entries: &Vec<_>, bytes| {
            entries.len() >= wanted.max || bytes >= PAGE_BYTES || visited >= MAX_VISITED
        };
        if let Some(value) = value {
            bytes += key.len() + value.len();
            entries.push((key, value));
            if is_full(&entries, bytes) {
                let after = entries.last().map(|(key, _)| key.clone());
                return StatePage { entries, after };
            }
        } else if is_full(&entries, bytes) {
            return StatePage { entries, after: Some(key) };
        }
    }
}

type Range<'w> = Peekable<btree_map::Range<'w, Vec<u8>, Option<Vec<u8>>>>;

/// Writes of two layers in key order; where both have a key, the attempt's own counts.
struct Layers<'w> {
    earlier: Range<'w>,
    own: Range<'w>,
    prefix: &'w [u8],
}

impl<'w> Layers<'w> {
    /// Those that `wanted` asks for, up to the key `until`.
    fn new(earlier: &'w Writes, own: &'w Writes, wanted: Wanted<'w>, until: Option<&[u8]>) -> Self {
        let from = match wanted.after.filter(|after| *after >= wanted.prefix) {
            Some(after) => Bound::Excluded(after),
            None => Bound::Included(wanted.prefix),
        };
        let range = |writes: &'w Writes| {
            writes.range::<[u8], _>((from, until.map_or(Bound::Unbounded, Bound::Included))).peekable()
        };
        Self { earlier: range(earlier), own: range(own), prefix: wanted.prefix }
    }
}

impl<'w> Iterator for Layers<'w> {
    type Item = (&'w [u8], Option<&'w [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        let earlier = self.earlier.peek().map(|(key, _)| *key);
        let own = self.own.peek().map(|(key, _)| *key);
        let takes_own = match (own, earlier) {
            (Some(own), Some(earlier)) => own <= earlier,
            (own, _) => own.is_some(),
        };
        let (key, value) = if takes_own {
            if own == earlier {
                self.earlier.next();
            }
            self.own.next()?
        } else {
            self.earlier.next()?
        };
        // Whatever follows lies behind the prefix, too.
        key.starts_with(self.prefix).then_some((key.as_slice(), value.as_deref()))
    }
}

#[cfg(test)]
mod tests {
    use camshaft_event::Sequence;
    use camshaft_tables::Versioned;

    use super::*;

    fn writes(keys: impl IntoIterator<Item = (String, Option<Vec<u8>>)>) -> Writes {
        keys.into_iter().map(|(key, value)| (key.into_bytes(), value)).collect()
    }

    fn committed(keys: &[&str]) -> StatePortion {
        let entry = |key: &&str| {
            (key.as_bytes().to_vec(), Versioned { version: Sequence(1), value: b"committed".to_vec() })
        };
        StatePortion { entries: keys.iter().map(entry).collect(), after: None }
    }

    fn wanted(max: usize) -> Wanted<'static> {
        Wanted { prefix: b"k", after: None, max }
    }

    #[test]
    fn own_writes_replace_and_hide_what_lies_below_them() {
        let earlier = writes([("k1".into(), Some(b"earlier".to_vec())), ("k2".into(), None)]);
        let own = writes([
            ("k1".into(), None),
            ("k4".into(), Some(b"own".to_vec())),
            ("z".into(), Some(b"own".to_vec())),
        ]);
        let found = page(committed(&["k1", "k2", "k3", "k4"]), &earlier, &own, wanted(9));
        let expected = [(b"k3".to_vec(), b"committed".to_vec()), (b"k4".to_vec(), b"own".to_vec())].to_vec();
        assert_eq!(found, StatePage { entries: expected, after: None });
    }

    #[test]
    fn deleted_keys_end_a_page_that_goes_on_behind_them() {
        let own = writes((0..5_000).map(|number| (format!("k{number:06}"), None)));
        let first = page(StatePortion::default(), &Writes::new(), &own, wanted(1));
        assert_eq!(first, StatePage { entries: Vec::new(), after: Some(b"k004095".to_vec()) });
    }

    #[test]
    fn large_values_end_a_page_before_its_number_of_entries() {
        let own = writes((0..9).map(|number| (format!("k{number}"), Some(vec![0; PAGE_BYTES / 2]))));
        let found = page(StatePortion::default(), &Writes::new(), &own, wanted(9));
        assert_eq!((found.entries.len(), found.after.as_deref()), (2, Some(b"k1".as_slice())));
    }
}
