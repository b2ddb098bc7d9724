//! The merge of `plugin.toml` with an attribute, and the contradictions that are rejected.

use std::collections::BTreeSet;

use syn::{ItemFn, parse_quote};

use super::{
    Entry, Manifest,
    keys::{self, Key, Kind},
    parse,
};
use crate::{
    arguments::{Arguments, command::CommandArguments},
    signature::{Form, Signature},
};

/// The handler `reserve` of `order.placed`, which publishes `stock.reserved`, in a crate with this file.
fn unite(plugin_toml: &str) -> Result<Manifest, String> {
    let function: ItemFn = parse_quote!(
        fn reserve(order: Event<Order>) -> Result {}
    );
    let arguments: Arguments = parse_quote!("order.placed", "order.paid", publishes("stock.reserved"));
    let signature = Signature::of(&function, &Form::HANDLER).map_err(|error| error.to_string())?;
    parse(plugin_toml)
        .and_then(|table| Manifest::unite(table, &Entry::Handler(&signature, &arguments)))
        .map_err(|error| error.to_string())
}

/// The command `course.subscribe`, which records `student.subscribed`, in a crate with this file.
fn unite_command(plugin_toml: &str) -> Result<Manifest, String> {
    let arguments: CommandArguments =
        parse_quote!("course.subscribe", scope = "course", records("student.subscribed", "course.filled"));
    parse(plugin_toml)
        .and_then(|table| Manifest::unite(table, &Entry::Command(&arguments)))
        .map_err(|error| error.to_string())
}

#[test]
fn without_a_file_the_package_and_the_attribute_are_the_manifest() {
    let manifest = unite("manifest = 1").unwrap();
    let expected = format!(
        "description = \"the attributes of camshaft-sdk\"\nmanifest = 1\n\
         name = \"camshaft-sdk-macros\"\npublishes = [\"stock.reserved\"]\nversion = \"{}\"\n\n\
         [[subscriptions]]\nhandler = \"reserve\"\ntypes = [\"order.placed\", \"order.paid\"]\n",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(manifest.record, expected);
    assert_eq!(manifest.publishes, ["stock.reserved"]);
}

#[test]
fn a_command_contributes_its_type_scope_and_facts_and_no_key_of_handlers() {
    let manifest = unite_command("manifest = 1\nname = 'courses'\n[policy]\nmax_attempts = 3").unwrap();
    let expected = format!(
        "description = \"the attributes of camshaft-sdk\"\nmanifest = 1\nname = \"courses\"\n\
         version = \"{}\"\n\n[[commands]]\nrecords = [\"student.subscribed\", \"course.filled\"]\n\
         scope = \"course\"\ntype = \"course.subscribe\"\n\n[policy]\nmax_attempts = 3\n",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(manifest.record, expected);
}

#[test]
fn keys_that_only_handlers_have_are_refused_beside_a_command() {
    for (key, expected) in [
        (
            "publishes = ['a']",
            "plugin.toml has `publishes`, but this plugin has commands: it publishes only the facts in \
             `records(…)`; remove the key",
        ),
        (
            "capabilities = ['http']",
            "plugin.toml has `capabilities`, but this plugin has commands: it runs without grants; remove the key",
        ),
        (
            "template = true",
            "plugin.toml has `template`, but this plugin has commands: its command types are fixed; remove the key",
        ),
        (
            "[[subscriptions]]\nhandler = 'a'",
            "plugin.toml has `subscriptions`, but this plugin has commands: its commands are its subscription; \
             remove the key",
        ),
        (
            "[[commands]]\ntype = 'a'",
            "plugin.toml line 2: unknown key `commands`; each `#[command]` writes its own entry",
        ),
    ] {
        let error =
            unite_command(&format!("manifest = 1\n{key}")).map(|manifest| manifest.record).unwrap_err();
        assert_eq!(error, expected);
    }
}

#[test]
fn the_file_adds_name_policy_filter_and_more_published_types() {
    let manifest = unite(
        r#"
        manifest = 1
        name = "stock"
        publishes = ["stock.reserved", "stock.empty"]
        [[subscriptions]]
        handler = "reserve"
        types = ["order.paid", "order.placed"]
        filter = { prefix = { source = "/shop" } }
        [[subscriptions]]
        handler = "restock"
        types = ["delivery.arrived"]
        [policy]
        max_attempts = 3
        backoff = { base = "1s" }
        breaker = { failure_percent = 80, pause = "10s" }
        "#,
    )
    .unwrap();
    assert_eq!(manifest.publishes, ["stock.reserved", "stock.empty"]);
    for part in [
        "name = \"stock\"",
        "max_attempts = 3",
        "base = \"1s\"",
        "failure_percent = 80",
        "source = \"/shop\"",
    ] {
        assert!(manifest.record.contains(part), "{part} is not in\n{}", manifest.record);
    }
    assert!(!manifest.record.contains("delivery.arrived"), "another handler's:\n{}", manifest.record);
    assert!(manifest.record.contains("handlers = [\"reserve\", \"restock\"]"), "{}", manifest.record);
}

#[test]
fn contradictions_and_mistakes_are_refused_with_the_place() {
    for (plugin_toml, expected) in [
        ("manifest = ", "plugin.toml is not valid TOML: TOML parse error at line 1, column 12"),
        ("name = 'stock'", "plugin.toml has no manifest version; begin it with `manifest = 1`"),
        ("manifest = 2", "plugin.toml has another manifest version; this SDK supports `manifest = 1`"),
        ("manifest = 1\ntemplate = 'yes'", "plugin.toml line 2: `template` must be true or false"),
        ("manifest = 1\nnmae = 'stock'", "plugin.toml line 2: unknown key `nmae`; did you mean `name`?"),
        (
            "manifest = 1\ngrants = ['http']",
            "plugin.toml line 2: unknown key `grants`; declare `capabilities` here, and let the operator's \
             file grant them",
        ),
        (
            "manifest = 1\n[limits]\nprocessors = '2'",
            "plugin.toml line 3: unknown key `limits.processors`; known keys are deadline, memory",
        ),
        (
            "manifest = 1\n[policy.backoff]\nbas = '1s'",
            "plugin.toml line 3: unknown key `policy.backoff.bas`; did you mean `base`?",
        ),
        (
            "manifest = 1\n[policy]\nbreaker = { failures = 50 }",
            "plugin.toml line 3: unknown key `policy.breaker.failures`; known keys are failure_percent, attempts, \
             pause, max_pause",
        ),
        (
            "manifest = 1\n[policy]\nafter_dead_letter = 'stop'",
            "plugin.toml line 3: `policy.after_dead_letter` must be one of \"park\", \"continue\"",
        ),
        (
            "manifest = 1\n[config]\nlow_stock = 5",
            "plugin.toml line 3: `config.low_stock` must be a string in quotes",
        ),
        ("manifest = 1\npublishes = 'a'", "plugin.toml line 2: `publishes` must be a list of strings"),
        ("manifest = 1\npublishes = ['a']", "`publishes` in plugin.toml does not list `stock.reserved`"),
        (
            "manifest = 1\n[[subscriptions]]\nhandler = 'reserve'\ntypes = ['order.placed']",
            "plugin.toml subscribes handler `reserve` to [\"order.placed\"], not to these types",
        ),
        (
            "manifest = 1\n[[subscriptions]]\nhandler = 'restock'\ntypes = ['order.placed']",
            "plugin.toml has subscriptions but none for handler `reserve`; add one, or remove them all",
        ),
        (
            "manifest = 1\n[[subscriptions]]\nhandler = 'reserve'\n[[subscriptions]]\ntypes = ['order.placed']",
            "plugin.toml has a subscription without `handler`; add the name of the function",
        ),
        (
            "manifest = 1\n[[subscriptions]]\nhandler = 'reserve'\n[[subscriptions]]\nhandler = 'reserve'",
            "plugin.toml has two subscriptions for handler `reserve`; merge them",
        ),
    ] {
        let error = unite(plugin_toml).map(|manifest| manifest.record).unwrap_err();
        assert!(error.starts_with(expected), "{plugin_toml}\n  gives: {error}\n  not: {expected}");
    }
}

#[test]
fn the_file_takes_the_keys_that_the_contract_gives_to_the_author() {
    let contract = include_str!("../../../../wit/README.md");
    let table = contract.split_once("| key | records | operator | says |\n|---|---|---|---|\n").unwrap().1;
    let mut documented = BTreeSet::new();
    for line in table.lines().take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [key, records, _, says] = cells[..] else { panic!("{line}") };
        let key = key.trim_matches('`');
        // Keys that only the operator writes, and those that the macros write.
        if records == "none" || ["handlers", "commands"].contains(&key) {
            continue;
        }
        let parts = says.split_once("each entry has ").or_else(|| says.split_once("one value of "));
        let parts = parts.into_iter().flat_map(|(_, parts)| parts.split('`').skip(1).step_by(2));
        documented.extend(parts.map(|part| format!("{key}.{part}")));
        documented.insert(key.to_owned());
    }
    let mut known = BTreeSet::new();
    collect(&mut known, "", keys::MANIFEST);
    assert_eq!(known, documented);
}

fn collect(known: &mut BTreeSet<String>, prefix: &str, keys: &[Key]) {
    for (key, kind) in keys {
        known.insert(format!("{prefix}{key}"));
        if let Kind::Table(keys) | Kind::Tables(keys) = kind {
            collect(known, &format!("{prefix}{key}."), keys);
        }
    }
}
