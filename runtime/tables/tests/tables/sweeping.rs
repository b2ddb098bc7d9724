//! Sweeping takes what nothing reaches, and never what something does.

use camshaft_event::Offset;
use camshaft_tables::{forget_before, sweep_state};

use super::build::{apply, consumer, flush, new_tables, published, space, stored, writes};

#[test]
fn events_before_the_logs_begin_are_forgotten() {
    let mut tables = new_tables();
    let ids: Vec<String> = (0..10).map(|id| id.to_string()).collect();
    ids.iter().for_each(|id| apply(&mut tables, published(&[id])));
    flush(&mut tables);
    let all = stored(tables.store()).len();
    for (first, forgotten) in [(0, 0), (6, 6), (6, 6), (10, 10)] {
        forget_before(tables.store().as_ref(), Offset(first));
        assert_eq!(stored(tables.store()).len(), all - forgotten);
    }
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
    let portion = |max| sweep_state(tables.store().as_ref(), max).unwrap();
    assert_eq!((portion(2), portion(2)), (2, 1));
    flush(&mut tables);
    let live = writes(3, &[(b"", Some(b"live"))]);
    apply(&mut tables, live);
    flush(&mut tables);
    let portion = || sweep_state(tables.store().as_ref(), 100).unwrap();
    assert_eq!((portion(), portion()), (2, 0));
    assert_eq!(tables.state(space(3), b"").unwrap().unwrap().value, b"live");
    assert!(before > stored(tables.store()).len());
}
