//! `camshaft test`: fixtures that pass, fixtures that fail, and their reports.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::{
    guest,
    process::{Said, write},
    said,
};

/// A folder with a guest and one file of cases for it.
fn with(guest_name: &str, cases: &str) -> TempDir {
    let folder = tempdir().unwrap();
    guest(folder.path(), guest_name);
    fs::create_dir(folder.path().join("tests")).unwrap();
    fs::write(folder.path().join("tests/cases.toml"), cases).unwrap();
    folder
}

#[track_caller]
fn test(folder: &Path, guest_name: &str) -> Said {
    said(folder, &format!("test {guest_name}.wasm"))
}

#[test]
fn state_earlier_events_and_outcomes_are_as_in_a_runtime() {
    let folder = with(
        "rejects",
        r#"
        [[case]]
        name = "counted"
        given.state = { accepted = 40 }
        given.events = [{ type = "test.event", data = {} }]
        when = { type = "test.event", data = {} }
        then.state = { accepted = 42 }

        [[case]]
        name = "rejected, and nothing is left of it"
        given.state = { accepted = 40 }
        when = { type = "test.event", data = { reject = true } }
        then = { outcome = "reject", reason = "asks to be rejected", state = { accepted = 40 }, published = [] }

        [[case]]
        name = "data that is none is a reject, too"
        when = { type = "test.event", datacontenttype = "text/plain", data = "no" }
        then.outcome = "reject"

        [[case]]
        name = "not wanted"
        when = { type = "test.other" }
        then.outcome = "ignored"
        "#,
    );
    test(folder.path(), "rejects").ends_with(0).prints("4 passed, 0 failed\n");
}

#[test]
fn attempts_retries_and_what_is_published_are_seen() {
    let folder = with(
        "retries",
        r#"
        [[case]]
        name = "too early"
        when = { type = "test.event", data = { succeed_at = 2, after_ms = 90000 } }
        then = { outcome = "retry", reason = "too early", retry_after = "90s", published = [], state = {} }

        [[case]]
        name = "the second attempt"
        given.attempt = 2
        given.offset = 7
        when = { id = "e-1", type = "test.event", subject = "s", data = { succeed_at = 2 } }
        [[case.then.published]]
        type = "test.succeeded"
        id = "1-7-0"
        source = "/plugins/retries"
        subject = "s"
        extensions = { causationid = "e-1" }
        data = 2
        "#,
    );
    test(folder.path(), "retries").ends_with(0).prints("2 passed");
}

#[test]
fn timers_are_compared_by_name() {
    let folder = with(
        "timers",
        r#"
        [[case]]
        name = "set, replaced, cancelled"
        given.now = 2026-01-31T12:00:00Z
        given.events = [
            { type = "test.schedule", data = { name = "b", after_ms = 1000 } },
            { type = "test.schedule", data = { name = "c", after_ms = 1000 } },
            { type = "test.cancel", data = "c" },
            { type = "test.schedule", data = { name = "b", after_ms = 5000 } },
        ]
        when = { type = "test.schedule", data = { name = "a", after_ms = 1000 } }
        then.timers = [
            { name = "b", at = 2026-01-31T12:00:05Z },
            { name = "a", after = "1s", event = { type = "test.alarm", data = { name = "a", ".." = true } } },
        ]

        [[case]]
        name = "wrong"
        when = { type = "test.schedule", data = { name = "a", after_ms = 1000 } }
        then.timers = [{ name = "a", after = "2s" }]
        "#,
    );
    test(folder.path(), "timers")
        .ends_with(3)
        .prints("  ok      set, replaced, cancelled\n  FAILED  wrong\n")
        .prints("-     \"at\": \"1970-01-01T00:00:02.000Z\",\n")
        .prints("+     \"at\": \"1970-01-01T00:00:01.000Z\",\n")
        .says("error: 1 of 2 cases failed [tests-failed]");
}

#[test]
fn what_differs_is_shown_line_by_line() {
    let folder = with(
        "rejects",
        r#"
        [[case]]
        name = "all wrong"
        given.state = { accepted = 1, other = "x" }
        when = { type = "test.event", subject = "k", data = {} }
        then.outcome = "reject"
        then.reason = "no"
        then.published = [{ type = "test.never" }]
        then.state = { accepted = 3, other = "x" }
        "#,
    );
    let said = test(folder.path(), "rejects").ends_with(3);
    insta::assert_snapshot!(said.stdout, @r#"
    tests/cases.toml
      FAILED  all wrong

    tests/cases.toml: all wrong
      outcome: expected "reject", was "ok"
      reason: expected "no", was ""
      published (- expected, + actual)
        - [
        -   {
        -     "type": "test.never"
        -   }
        - ]
        + []
      state (- expected, + actual)
          {
        -   "accepted": 3,
        +   "accepted": 2,
            "other": "x"
          }

    0 passed, 1 failed
    "#);
}

#[test]
fn events_without_a_key_are_warned_of_where_order_matters() {
    let case = |when: &str| {
        let folder =
            with("counter", &format!("[[case]]\nname = \"one\"\nwhen = {when}\nthen.outcome = \"ok\"\n"));
        test(folder.path(), "counter").ends_with(0).stdout
    };
    let warning =
        "warning: \"test.event\" has neither subject nor partitionkey, and its handler writes state";
    assert!(case("{ type = \"test.event\" }").contains(warning));
    assert!(!case("{ type = \"test.event\", partitionkey = \"k\" }").contains(warning));
}

#[test]
fn a_panic_is_shown_with_its_words_and_where_it_was() {
    let case =
        "[[case]]\nname = \"fine\"\nwhen = { id = \"7\", type = \"test.event\" }\nthen.outcome = \"ok\"\n";
    let folder = with("panics", case);
    test(folder.path(), "panics")
        .ends_with(3)
        .prints("outcome: expected \"ok\", was \"trap\"")
        .prints("no flux in event 7")
        .prints("panics::flux_of");
}

#[test]
fn an_undeclared_publish_is_found() {
    let case = "[[case]]\nname = \"fine\"\nwhen = { type = \"test.event\" }\nthen.outcome = \"ok\"\n";
    let folder = with("publishes-undeclared", case);
    test(folder.path(), "publishes-undeclared")
        .ends_with(3)
        .prints("was \"refused-effect\"")
        .prints("event type \"test.undeclared\" is not declared");
}

#[test]
fn settings_come_from_manifest_operator_and_case() {
    let folder = with(
        "reads-config",
        r#"
        [[case]]
        name = "the case's"
        given.config = { greeting = "hi" }
        when = { type = "test.event", data = "greeting" }
        then.published = [{ type = "test.setting", data = { key = "greeting", value = "hi" } }]

        [[case]]
        name = "the operator's"
        when = { type = "test.event", data = "greeting" }
        then.published = [{ type = "test.setting", data = { key = "greeting", value = "moin" } }]

        [[case]]
        name = "the manifest's"
        when = { type = "test.event", data = "whom" }
        then.published = [{ type = "test.setting", data = { key = "whom", value = "world" } }]
        "#,
    );
    write(folder.path(), "reads-config.toml", "config = { greeting = \"moin\" }\n");
    test(folder.path(), "reads-config").ends_with(0);
    write(folder.path(), "other.toml", "config = { greeting = \"servus\" }\n");
    said(folder.path(), "test reads-config.wasm --operator other.toml")
        .ends_with(3)
        .prints("+       \"value\": \"servus\"\n")
        .prints("2 passed, 1 failed\n");
}

#[test]
fn cases_are_chosen_by_name_and_told_as_json() {
    let folder = with(
        "counter",
        "[[case]]\nname = \"one\"\nwhen = { type = \"test.event\" }\nthen.outcome = \"ok\"\n\n[[case]]\nname = \"two\"\n\
         when = { type = \"test.event\" }\nthen.state = { total = 2 }\n",
    );
    said(folder.path(), "test counter.wasm --name one")
        .ends_with(0)
        .prints("1 passed, 0 failed, 1 left out\n");
    let all = said(folder.path(), "test counter.wasm --json").ends_with(3).stdout;
    let all: Value = serde_json::from_str(&all).unwrap();
    assert_eq!((&all["plugin"], &all["passed"], &all["failed"]), (&"counter".into(), &1.into(), &1.into()));
    assert_eq!(all["cases"][1]["mismatches"][0]["actual"], serde_json::json!({ "total": 1 }));
}

#[test]
fn mistakes_in_fixtures_are_named_before_anything_runs() {
    let folder =
        with("counter", "[[case]]\nname = \"one\"\nwhen = { type = \"test.event\", sbject = \"x\" }\n");
    test(folder.path(), "counter").ends_with(3).says(
        "\"tests/cases.toml\", line 3: unknown key `sbject`; did you mean `subject`? [invalid-fixture]",
    );
    let empty = tempdir().unwrap();
    guest(empty.path(), "counter");
    test(empty.path(), "counter").ends_with(3).says("there are no cases in \"tests\" [tests-failed]");
    said(empty.path(), "test counter.wasm --fixtures none").ends_with(3).says("\"none\" could not be read");
}

#[test]
fn a_run_in_which_nothing_is_looked_at_fails() {
    let case = "[[case]]\nname = 'one'\nwhen = { type = 'test.event', data = {} }\n";
    let folder = with("rejects", &format!("{case}then.outcome = 'ok'\n"));
    let named = |name: &str| said(folder.path(), &format!("test rejects.wasm --name {name}"));
    named("one").ends_with(0).prints("1 passed, 0 failed");
    named("two")
        .ends_with(3)
        .says("no case in \"tests\" has a name that contains \"two\" [tests-failed]")
        .says("Remove `--name`");
    for nothing in ["", "then = {}\n"] {
        let folder = with("rejects", &format!("{case}{nothing}"));
        test(folder.path(), "rejects")
            .ends_with(3)
            .says("\"tests/cases.toml\", case \"one\" has no `then`: it checks nothing [invalid-fixture]");
    }
    let folder = with("rejects", "case = []\n");
    test(folder.path(), "rejects").ends_with(3).says("there are no cases in \"tests\" [tests-failed]");
}
