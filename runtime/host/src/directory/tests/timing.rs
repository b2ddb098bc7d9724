//! The directory waits until a file has settled, retries an unreadable file, and reports each problem once.

use super::{Desk, GRACE_MS, NOTHING, Overlooked, PATIENCE_MS, SETTLE_MS, Timestamp, UNREADABLE_MS, running};

#[test]
fn a_file_counts_once_it_has_settled() {
    let mut desk = Desk::new();
    desk.write("tally.wasm", "t");
    assert_eq!(desk.after(10), NOTHING);
    desk.write("tally.wasm", "tally 1");
    assert_eq!(desk.after(SETTLE_MS - 10), NOTHING);
    assert_eq!(desk.after(10), ["added tally 1 from tally.wasm"]);
}

#[test]
fn a_file_that_was_there_before_is_taken_at_once() {
    let mut desk = Desk::new();
    desk.write("tally.wasm", "tally 1");
    desk.now += 10_000;
    assert_eq!(desk.after(0), ["added tally 1 from tally.wasm"]);
}

#[test]
fn a_slow_copy_is_not_refused_while_it_may_still_grow() {
    let mut desk = Desk::new();
    desk.write("tally.wasm", "broken: half");
    for _ in 0..5 {
        assert_eq!(desk.after(SETTLE_MS), NOTHING);
    }
    desk.write("tally.wasm", "tally 1");
    assert_eq!(desk.after(SETTLE_MS), ["added tally 1 from tally.wasm"]);
    desk.write("tally.wasm", "broken for good");
    assert_eq!(desk.after(SETTLE_MS), NOTHING);
    assert_eq!(desk.after(PATIENCE_MS), ["refused tally.wasm for truncated-wasm, Some(\"tally\") runs"]);
    assert_eq!(desk.after(PATIENCE_MS), NOTHING, "once is enough");
}

#[test]
fn a_clock_that_is_set_back_makes_no_file_wait_for_longer() {
    let mut desk = running();
    desk.write("other.wasm", "broken");
    desk.delete("tally.wasm");
    desk.after(0);
    desk.now -= 900_000;
    desk.after(0);
    assert_eq!(desk.directory.due(), Some(Timestamp(desk.now + SETTLE_MS)));
    desk.after(PATIENCE_MS);
    // What has left could have been renamed to the other one, until that was judged.
    desk.after(0);
    assert_eq!(desk.directory.due(), None, "one was judged, the other has left");
}

#[test]
fn the_next_scan_is_due_when_something_settles_or_leaves() {
    let mut desk = running();
    assert_eq!(desk.directory.due(), None);
    desk.write("other.wasm", "broken");
    desk.after(0);
    assert_eq!(desk.directory.due(), Some(Timestamp(desk.now + SETTLE_MS)));
    desk.after(SETTLE_MS);
    assert_eq!(desk.directory.due(), Some(Timestamp(desk.now + SETTLE_MS)), "it is tried again");
    desk.delete("other.wasm").delete("tally.wasm");
    desk.after(0);
    assert_eq!(desk.directory.due(), Some(Timestamp(desk.now + GRACE_MS)));
}

#[test]
fn what_could_not_be_read_is_tried_again_and_told_once() {
    let mut desk = Desk::new();
    desk.write("a.wasm", "unreadable: denied");
    assert_eq!(desk.after(2_100), ["refused a.wasm for io, None runs"]);
    for _ in 0..5 {
        assert_eq!(desk.after(UNREADABLE_MS), Vec::<String>::new(), "nothing is new");
    }
    assert!(desk.directory.is_settled(), "nothing waits for it");
    // What kept it from being read was outside of the file, so nothing of it has changed.
    let at = desk.files["a.wasm"].1;
    desk.files.insert("a.wasm".to_owned(), ("alpha 1unreadable:".to_owned(), at));
    assert_eq!(desk.after(UNREADABLE_MS - 1), Vec::<String>::new(), "not yet");
    assert_eq!(desk.after(1), ["withdrawn a.wasm", "added alpha 1unreadable: from a.wasm"]);
}

#[test]
fn a_file_without_effect_is_told_of_once_when_nothing_comes_of_it() {
    let mut desk = running();
    let overlooked =
        Overlooked { file: "plugins/taly.toml".into(), message: String::new(), hint: String::new() };
    desk.overlooked.push(overlooked.clone());
    assert_eq!(desk.after(0), NOTHING);
    assert_eq!(desk.after(PATIENCE_MS - 1), NOTHING, "what belongs to it may be on its way");
    assert_eq!(desk.directory.overlooked().count(), 0);
    assert_eq!(desk.after(1), ["overlooked taly.toml"]);
    assert_eq!(desk.after(10_000), NOTHING, "once");
    assert_eq!(desk.directory.overlooked().collect::<Vec<_>>(), [&overlooked]);
    desk.overlooked.clear();
    assert_eq!(desk.after(0), NOTHING);
    assert_eq!(desk.directory.overlooked().count(), 0);
}
