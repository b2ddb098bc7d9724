//! Sweeping takes what nothing reaches, in portions, and never what something does.

use camshaft_event::Offset;
use camshaft_tables::{Sweep, Swept};

use super::build::{apply, consumer, flush, new_tables, published, space, stored, writes};

#[test]
fn a_portion_looks_at_no_more_than_it_may_and_rounds_come_to_an_end() {
    let mut tables = new_tables();
    let ids: Vec<String> = (0..10).map(|id| id.to_string()).collect();
    ids.iter().for_each(|id| apply(&mut tables, published(&[id])));
    flush(&mut tables);
    let mut sweep = Sweep::default();
    let mut portion = |first| sweep.portion(tables.store().as_ref(), Offset(first), 4).unwrap();
    let deleted: Vec<Swept> = (0..3).map(|_| portion(6)).collect();
    assert_eq!(deleted.iter().map(|swept| swept.deleted).sum::<usize>(), 6);
    assert_eq!(deleted.iter().map(|swept| swept.has_more).collect::<Vec<_>>(), [true, true, false]);
    // The next round finds what the log has let go since.
    assert_eq!(portion(10), Swept { deleted: 4, has_more: true });
    assert_eq!(portion(10), Swept { deleted: 0, has_more: false });
}

#[test]
fn only_generations_before_the_flushed_one_go() {
    let mut tables = new_tables();
    apply(&mut tables, consumer(1, Some(0), false));
    apply(&mut tables, writes(1, &[(b"a", Some(b"1")), (b"", Some(b"2")), (&[0xff; 4], Some(b"3"))]));
    apply(&mut tables, consumer(2, Some(0), true));
    flush(&mut tables);
    apply(&mut tables, writes(2, &[(b"a", Some(b"1")), (b"", Some(b"2"))]));
    apply(&mut tables, consumer(3, Some(0), true));
    let before = stored(tables.store()).len();
    let mut sweep = Sweep::default();
    let mut portion = || sweep.portion(tables.store().as_ref(), Offset(0), 100).unwrap().deleted;
    assert_eq!(portion(), 3);
    flush(&mut tables);
    let live = writes(3, &[(b"", Some(b"live"))]);
    apply(&mut tables, live);
    flush(&mut tables);
    let mut portion = || sweep.portion(tables.store().as_ref(), Offset(0), 100).unwrap().deleted;
    assert_eq!((portion(), portion()), (2, 0));
    assert_eq!(tables.state(space(3), b"").unwrap().unwrap().value, b"live");
    assert!(before > stored(tables.store()).len());
}
