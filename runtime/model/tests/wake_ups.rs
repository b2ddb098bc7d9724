//! No wake-up is lost, whatever the order of steps; and the checker finds the mistakes by which one would be.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::process::Command;

use camshaft_model::{
    Alarmed, Counted, Ending, Marked, Said, publisher_finds_room, timekeeper_wakes, waiter_learns_of,
};

/// Set in the process of its own in which a mistake is made: a deadlock in a model aborts it.
const MISTAKE: &str = "CAMSHAFT_MODEL_MISTAKE";

/// Runs `model` in a process of its own and wants the checker to find a deadlock there. `test` is the
/// caller's name.
fn is_found(test: &str, model: impl FnOnce()) {
    if std::env::var_os(MISTAKE).is_some() {
        return model();
    }
    let mut again = Command::new(std::env::current_exe().unwrap());
    let output = again.args([test, "--exact", "--nocapture"]).env(MISTAKE, test).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "the checker overlooks it");
    assert!(said.contains("deadlock"), "{said}");
}

#[test]
fn the_timekeeper_wakes_for_what_becomes_due_while_it_goes_to_sleep() {
    timekeeper_wakes(Alarmed::InTheSection, Counted::BeforeTheLook);
}

#[test]
fn an_alarm_that_is_set_after_the_critical_section_is_found() {
    is_found("an_alarm_that_is_set_after_the_critical_section_is_found", || {
        timekeeper_wakes(Alarmed::AfterTheSection, Counted::BeforeTheLook);
    });
}

#[test]
fn a_count_that_is_read_after_the_look_is_found() {
    is_found("a_count_that_is_read_after_the_look_is_found", || {
        timekeeper_wakes(Alarmed::InTheSection, Counted::AfterTheLook);
    });
}

#[test]
fn a_publisher_that_waits_for_its_sync_learns_of_every_ending() {
    for ending in [Ending::Durable, Ending::DurableInTwo, Ending::Poisoned, Ending::Closed] {
        waiter_learns_of(ending);
    }
}

#[test]
fn a_publisher_without_room_finds_what_the_flusher_makes() {
    publisher_finds_room(Marked::BeforeTheLook, Said::Always);
}

#[test]
fn a_publisher_that_marks_after_the_look_is_found() {
    is_found("a_publisher_that_marks_after_the_look_is_found", || {
        publisher_finds_room(Marked::AfterTheLook, Said::Always);
    });
}

#[test]
fn a_flusher_that_leaves_it_to_a_sync_is_found() {
    is_found("a_flusher_that_leaves_it_to_a_sync_is_found", || {
        publisher_finds_room(Marked::BeforeTheLook, Said::Never);
    });
}
