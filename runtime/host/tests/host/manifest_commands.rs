//! `[[commands]]`: what an aggregate's manifest says, and what it must not say.

use std::collections::BTreeMap;

use camshaft_event::{AfterDeadLetter, Role, Subscription};

use super::manifest::{SMALL, assembled, refused};

const BANK: &str = "manifest = 1\nname = \"bank\"\nversion = \"1\"\n\
    [[commands]]\ntype = \"account.open\"\nscope = \"account\"\nrecords = [\"account.opened\"]\n\
    [[commands]]\ntype = \"account.close\"\nrecords = [\"account.closed\", \"account.opened\"]\n";

#[test]
fn commands_make_the_consumer_an_aggregate_that_receives_them_and_records_facts() {
    let manifest = assembled(&[BANK], None).unwrap();
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        manifest.role(),
        Role::Aggregate {
            commands: texts(&["account.open", "account.close"]),
            records: texts(&["account.closed", "account.opened"]),
            scopes: BTreeMap::from([("account.open".to_owned(), "account".to_owned())]),
        }
    );
    let types = ["account.open", "account.close"].map(|text| text.parse().unwrap()).to_vec();
    let wanted = Subscription { handler: "decide".into(), types, filter: None, commands: true };
    assert_eq!(manifest.receives(), [wanted]);
    assert_eq!(manifest.emits().into_iter().collect::<Vec<_>>(), ["account.closed", "account.opened"]);
}

#[test]
fn a_handler_receives_its_subscriptions_and_emits_what_it_publishes() {
    let publishes = SMALL.replace("version", "publishes = [\"stock.reserved\"]\nversion");
    let manifest = assembled(&[&publishes], None).unwrap();
    assert_eq!((manifest.role(), manifest.receives()), (Role::Handler, manifest.subscriptions.clone()));
    assert_eq!(manifest.emits().into_iter().collect::<Vec<_>>(), ["stock.reserved"]);
}

#[test]
fn after_a_dead_command_the_next_one_is_decided_unless_the_manifest_says_otherwise() {
    let policy = |more: &str| assembled(&[BANK, more], None).unwrap().policy.after_dead_letter;
    assert_eq!(policy(""), AfterDeadLetter::Continue);
    assert_eq!(policy("[policy]\nafter_dead_letter = \"park\""), AfterDeadLetter::Park);
    assert_eq!(assembled(&[SMALL], None).unwrap().policy.after_dead_letter, AfterDeadLetter::Park);
}

#[test]
fn an_aggregate_has_no_keys_of_a_handler() {
    let origin = "the manifest in \"stock.wasm\"";
    for (text, key) in [
        ("[[subscriptions]]\nhandler = \"h\"\ntypes = [\"a\"]", "subscriptions"),
        ("handlers = [\"h\"]", "handlers"),
        ("publishes = [\"a\"]", "publishes"),
        ("capabilities = [\"http\"]", "capabilities"),
        ("template = true", "template"),
        ("start = \"latest\"", "start"),
        ("policy.delivery = \"at-most-once\"", "policy.delivery"),
        ("policy.max_in_flight = 2", "policy.max_in_flight"),
    ] {
        let message =
            format!("{origin} has [[commands]], so the plugin is an aggregate, and those have no `{key}`");
        refused(&[BANK, text], None, &message);
    }
    refused(
        &[BANK],
        Some("[policy]\ndelivery = \"at-most-once\""),
        &format!(
            "{origin} has [[commands]], so the plugin is an aggregate, and those have no `policy.delivery`"
        ),
    );
}

#[test]
fn each_command_is_listed_once_and_is_no_fact() {
    let again = "[[commands]]\ntype = \"account.open\"\n";
    let message = "the manifest in \"stock.wasm\" lists the command \"account.open\" twice";
    refused(&[BANK, again], None, message);
    assert_eq!(assembled(&[BANK, BANK], None).unwrap().commands.len(), 2, "the same entries count once");
    let both = "[[commands]]\ntype = \"account.opened\"\n";
    let message = "in the manifest in \"stock.wasm\" \"account.opened\" is both a command and a fact";
    refused(&[BANK, both], None, message);
}

#[test]
fn values_of_a_command_have_their_form() {
    for (from, to, message) in [
        (
            "account.open\"",
            "account.*\"",
            "\"account.*\" has a wildcard; write one [[commands]] for each type",
        ),
        (
            "account.open\"",
            "camshaft.open\"",
            "\"camshaft.open\" cannot be a command: types under `camshaft.` are the runtime's own",
        ),
        (
            "account.opened",
            "account.*",
            "\"account.*\" has a wildcard; list each type that the command records",
        ),
        (
            "account.opened",
            "camshaft.opened",
            "\"camshaft.opened\" cannot be recorded: types under `camshaft.` are the runtime's own",
        ),
        (
            "scope = \"account\"",
            "scope = \"Account\"",
            "scope kind \"Account\" is not valid; lower-case letters, digits, \"-\" and \"_\" are allowed",
        ),
        ("scope =", "scop =", "unknown key `scop`; did you mean `scope`?"),
        ("type = \"account.open\"\n", "", "missing field `type`"),
    ] {
        let message = |line| format!("the manifest in \"stock.wasm\", line {line}: {message}");
        let refusal = assembled(&[&BANK.replacen(from, to, 1)], None).unwrap_err();
        assert!((4..=7).any(|line| refusal.message == message(line)), "{from}: {refusal}");
    }
}

#[test]
fn commands_and_their_facts_are_bounded() {
    let numbered = |count: usize, text: fn(usize) -> String| (0..count).map(text).collect::<String>();
    let head = "manifest = 1\nname = \"bank\"\nversion = \"1\"\n";
    let command = |number| format!("[[commands]]\ntype='c{number}'\n");
    let fact = |number| format!("'f{number}',");
    let many = |count| format!("{head}{}", numbered(count, command));
    let facts = |count| format!("{head}[[commands]]\ntype='c'\nrecords = [{}]\n", numbered(count, fact));
    assert_eq!(assembled(&[&many(256)], None).unwrap().commands.len(), 256);
    assert_eq!(assembled(&[&facts(1_024)], None).unwrap().emits().len(), 1_024);
    let origin = "the manifest in \"stock.wasm\"";
    let message = format!("{origin} has 257 [[commands]]; at most 256 are allowed");
    refused(&[&many(257)], None, &message);
    let message = format!("{origin} has 1025 `records` in its commands together; at most 1024 are allowed");
    refused(&[&facts(1_025)], None, &message);
}
