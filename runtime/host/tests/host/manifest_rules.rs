//! The table of keys in `wit/README.md`: it names each key that is read and no other, and the merge does what
//! its lines say.

use std::collections::BTreeSet;

use camshaft_host::Manifest;

use super::manifest::assembled;

const CONTRACT: &str = include_str!("../../../../wit/README.md");

/// A key that is none.
const UNKNOWN: &str = "qqqqq";

/// A plugin that may say everything that a sink may.
const BASE: [(&str, &str); 5] = [
    ("manifest", "1"),
    ("name", "'stock'"),
    ("version", "'1'"),
    ("capabilities", "['http']"),
    ("subscriptions", "[{ handler = 'reserve', types = ['order.placed'] }]"),
];

/// Two values of each key; of a list, two entries, and of a table without lines of its own, two that share a
/// key.
const SAMPLES: [(&str, &str, &str); 32] = [
    ("manifest", "1", "2"),
    ("name", "'stock'", "'other'"),
    ("version", "'1'", "'2'"),
    ("description", "'one'", "'two'"),
    ("publishes", "'stock.reserved'", "'stock.empty'"),
    ("capabilities", "'http'", "'files'"),
    ("grants", "'http'", "'files'"),
    ("http", "{ host = 'a', methods = ['GET'] }", "{ host = 'b', methods = ['PUT'] }"),
    ("secrets", "t = { env = 'T' }", "u = { env = 'U' }"),
    ("template", "true", "false"),
    ("start", "'latest'", "'earliest'"),
    ("state_revision", "1", "2"),
    (
        "subscriptions",
        "{ handler = 'reserve', types = ['order.placed'] }",
        "{ handler = 'reserve', types = ['order.changed'], commands = true }",
    ),
    (
        "commands",
        "{ type = 'stock.reserve', scope = 'item', records = ['stock.reserved'] }",
        "{ type = 'stock.release', records = ['stock.released'] }",
    ),
    // The second has no subscription: whether it counts shows in the refusal.
    ("handlers", "'reserve'", "'release'"),
    ("policy.max_attempts", "3", "4"),
    ("policy.max_age", "'1h'", "'2h'"),
    ("policy.backoff.base", "'50ms'", "'70ms'"),
    ("policy.backoff.max", "'2s'", "'3s'"),
    ("policy.after_dead_letter", "'park'", "'continue'"),
    ("policy.partitions", "8", "9"),
    ("policy.instance", "'reuse'", "'fresh'"),
    ("policy.breaker.failure_percent", "50", "60"),
    ("policy.breaker.attempts", "5", "6"),
    ("policy.breaker.pause", "'1s'", "'2s'"),
    ("policy.breaker.max_pause", "'1m'", "'2m'"),
    ("policy.rate", "{ events = 5, per = '1s' }", "{ events = 6, per = '1m' }"),
    ("policy.delivery", "'at-least-once'", "'at-most-once'"),
    ("policy.max_in_flight", "2", "3"),
    ("policy.probation_threshold", "0.125", "0.25"),
    ("limits.deadline", "'1s'", "'2s'"),
    ("limits.memory", "'1MiB'", "'2MiB'"),
];

/// One line of the table.
struct Line {
    key: &'static str,
    records: &'static str,
    operator: &'static str,
    /// Keys of its entries, or of the parts of one value.
    parts: Vec<&'static str>,
}

fn lines() -> Vec<Line> {
    let table = CONTRACT.split_once("| key | records | operator | says |\n|---|---|---|---|\n").unwrap().1;
    let line = |line: &'static str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [key, records, operator, says] = cells[..] else { panic!("{line}") };
        let parts = says.split_once("each entry has ").or_else(|| says.split_once("one value of "));
        let parts = parts.map_or_else(Vec::new, |(_, parts)| parts.split('`').skip(1).step_by(2).collect());
        Line { key: key.trim_matches('`'), records, operator, parts }
    };
    table.lines().take_while(|line| line.starts_with('|')).map(line).collect()
}

type Entries<'s> = Vec<(&'s str, String)>;

fn base() -> Entries<'static> {
    BASE.into_iter().map(|(key, value)| (key, value.to_owned())).collect()
}

/// What the manifest says that the key is tried in: an aggregate has commands in place of what a sink has.
fn base_of(key: &str) -> Entries<'static> {
    match key {
        "commands" => without(without(base(), "capabilities"), "subscriptions"),
        _ => base(),
    }
}

/// The entries with another value of `key`.
fn with<'s>(mut entries: Entries<'s>, key: &'s str, value: &str) -> Entries<'s> {
    entries.retain(|(known, _)| *known != key);
    entries.push((key, value.to_owned()));
    entries
}

fn without<'s>(mut entries: Entries<'s>, key: &str) -> Entries<'s> {
    entries.retain(|(known, _)| *known != key);
    entries
}

fn text(entries: &[(&str, String)]) -> String {
    entries.iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
}

/// What comes of records and an operator's file, as one value to compare.
fn outcome(records: &[&[(&str, String)]], operator: Option<&[(&str, String)]>) -> Result<String, String> {
    let records: Vec<String> = records.iter().map(|record| text(record)).collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    let manifest = assembled(&records, operator.map(text).as_deref());
    manifest.map(shown).map_err(|refusal| refusal.message)
}

/// What a manifest says, the author's or the operator's.
fn shown(mut manifest: Manifest) -> String {
    manifest.origins.clear();
    format!("{manifest:?}")
}

/// The two samples, and both together, as values of the key.
fn samples(line: &Line) -> [String; 3] {
    let found = SAMPLES.iter().find(|(key, ..)| *key == line.key);
    let (_, one, other) = found.unwrap_or_else(|| panic!("no samples of `{}`", line.key));
    match (line.records, line.key) {
        ("together", _) | (_, "grants" | "http") => {
            [format!("[{one}]"), format!("[{other}]"), format!("[{one}, {other}]")]
        }
        (_, "secrets") => [format!("{{ {one} }}"), format!("{{ {other} }}"), format!("{{ {one}, {other} }}")],
        _ => [(*one).to_owned(), (*other).to_owned(), (*other).to_owned()],
    }
}

/// The lines that stand for a value of their own; tables whose keys have lines, and `config`, are looked at
/// apart.
fn values() -> impl Iterator<Item = Line> {
    lines().into_iter().filter(|line| line.records != "key by key")
}

#[test]
fn the_table_names_each_key_that_is_read_and_no_other() {
    let mut read = BTreeSet::new();
    collect(&mut read, "", &|inner| inner.to_owned());
    let lines = lines();
    let parts = lines.iter().flat_map(|line| line.parts.iter().map(|part| format!("{}.{part}", line.key)));
    let documented: BTreeSet<String> = lines.iter().map(|line| line.key.to_owned()).chain(parts).collect();
    assert_eq!(read, documented);
}

/// The keys that the decoder knows, found by asking for one that it does not. `document` makes a whole text
/// of an entry of the table at `path`.
fn collect(read: &mut BTreeSet<String>, path: &str, document: &dyn Fn(&str) -> String) {
    let Some(known) = known(&document(&format!("{UNKNOWN} = 1"))) else { return };
    for key in known {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let table = |inner: &str| document(&format!("{key} = {{ {inner} }}"));
        let list = |inner: &str| document(&format!("{key} = [{{ {inner} }}]"));
        // A choice of texts lists them for a text, too.
        if self::known(&document(&format!("{key} = '{UNKNOWN}'"))).is_none() {
            collect(read, &path, &table);
            collect(read, &path, &list);
        }
        read.insert(path);
    }
}

fn known(operator: &str) -> Option<Vec<String>> {
    let operator =
        if operator.contains("manifest") { operator.to_owned() } else { format!("manifest = 1\n{operator}") };
    let message = assembled(&[], Some(&operator)).unwrap_err().message;
    let list = message.split_once(&format!("unknown key `{UNKNOWN}`; the known keys are "))?.1;
    Some(list.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

#[test]
fn records_are_put_together_as_the_table_says() {
    for line in values() {
        let [one, other, both] = samples(&line);
        let whole = with(base_of(line.key), line.key, &one);
        let further = |value: &str| outcome(&[&whole, &[(line.key, value.to_owned())]], None);
        let alone = |value: &str| outcome(&[&with(base_of(line.key), line.key, value)], None);
        let spoken = line.key.trim_start_matches("policy.").trim_start_matches("limits.");
        match line.records {
            "equal" => {
                let later =
                    outcome(&[&without(base_of(line.key), line.key), &[(line.key, one.clone())]], None);
                assert_eq!(later, alone(&one), "`{}` in a later record", line.key);
                assert_eq!(further(&one), alone(&one), "`{}` twice", line.key);
                let message = format!(
                    "the manifest in \"stock.wasm\" contradicts itself: the key `{spoken}` has two values"
                );
                assert_eq!(further(&other), Err(message));
            }
            "together" => {
                assert_eq!(further(&other), alone(&both), "`{}`", line.key);
                assert_eq!(further(&both), alone(&both), "`{}`: the same entry once", line.key);
                assert_ne!(alone(&one), alone(&both), "the samples of `{}` show nothing", line.key);
            }
            "none" => {
                let message = format!(
                    "the manifest in \"stock.wasm\" has the key `{}`, which only the operator may set",
                    line.key
                );
                assert_eq!(further(&other), Err(message.clone()));
                assert_eq!(alone(&one), Err(message));
            }
            words => panic!("\"{words}\" is not explained"),
        }
    }
}

#[test]
fn the_operators_file_goes_over_the_author_as_the_table_says() {
    for line in values() {
        let [one, other, _] = samples(&line);
        let author = full(&line, &one);
        let over = |author: &[(&str, String)], value: &str| {
            outcome(&[author], Some(&[(line.key, value.to_owned())]))
        };
        let refused =
            || Err(format!("\"stock.toml\" has the key `{}`, but the plugin has its own manifest", line.key));
        let template = with(author.clone(), "template", "true");
        match line.operator {
            "over" => {
                let expected = outcome(&[&with(author.clone(), line.key, &other)], None);
                assert!(expected.is_ok(), "{expected:?}");
                assert_eq!(over(&author, &other), expected, "`{}`", line.key);
                assert_ne!(over(&author, &one), expected, "the samples of `{}` show nothing", line.key);
            }
            "of templates" => {
                assert_eq!(over(&author, &one), refused());
                let open = if line.key == "subscriptions" { &author } else { &template };
                let expected = outcome(&[&with(open.clone(), line.key, &other)], None);
                assert!(expected.is_ok(), "{expected:?}");
                assert_eq!(over(&template, &other), expected, "`{}`", line.key);
                if line.records == "together" {
                    assert_eq!(over(&template, "[]"), outcome(&[&template], None), "`{}` = []", line.key);
                }
            }
            "never" => {
                assert_eq!(over(&author, &one), refused());
                assert_eq!(over(&template, &one), refused());
            }
            "alone" => {
                // One file that says everything is the measure.
                let whole = text(&with(author.clone(), line.key, &one));
                let expected = assembled(&[], Some(&whole)).map(shown);
                assert_eq!(
                    over(&without(author, line.key), &one),
                    expected.map_err(|refusal| refusal.message)
                );
            }
            words => panic!("\"{words}\" is not explained"),
        }
    }
}

/// The plugin with this value of the line's key, and the first sample of each other key that the operator may
/// override: so that it shows whether one key takes others with it.
fn full(line: &Line, value: &str) -> Entries<'static> {
    let is_for_sinks = |key| matches!(key, "policy.delivery" | "policy.max_in_flight");
    let overridden = values().filter(|one| one.operator == "over");
    let overridden = overridden.filter(|one| line.key != "commands" || !is_for_sinks(one.key));
    let author = overridden.fold(base_of(line.key), |author, line| {
        let [one, ..] = samples(&line);
        with(author, line.key, &one)
    });
    match line.operator {
        "alone" => author,
        _ => with(author, line.key, value),
    }
}

#[test]
fn settings_of_the_guest_are_put_together_one_by_one() {
    let author = with(base(), "config", "{ x = '1', y = '2' }");
    let config = |value: &str| vec![("config", value.to_owned())];
    let expected = |value: &str| outcome(&[&with(base(), "config", value)], None);
    assert_eq!(
        outcome(&[&author, &config("{ y = '2', z = '3' }")], None),
        expected("{ x = '1', y = '2', z = '3' }")
    );
    let message = "the manifest in \"stock.wasm\" contradicts itself: the key `config.x` has two values";
    assert_eq!(outcome(&[&author, &config("{ x = '9' }")], None), Err(message.to_owned()));
    assert_eq!(
        outcome(&[&author], Some(&config("{ x = '9', z = '3' }"))),
        expected("{ x = '9', y = '2', z = '3' }")
    );
}

#[test]
fn one_value_of_two_parts_is_replaced_as_a_whole() {
    let author = with(base(), "policy.rate", "{ events = 5, per = '1s' }");
    let outcome = outcome(&[&author], Some(&[("policy.rate.events", "6".to_owned())]));
    assert_eq!(outcome, Err("\"stock.toml\", line 1: missing field `per`".to_owned()));
}

#[test]
fn a_mistake_is_told_with_the_file_and_the_line_that_it_is_written_in() {
    let base = text(&base());
    let records = [base.as_str(), "\n\npolicy.max_attempts = 0\n"];
    let message = |operator| assembled(&records, operator).unwrap_err().message;
    let words = "max_attempts must be at least 1; the first attempt counts";
    assert_eq!(message(None), format!("the manifest in \"stock.wasm\", line 3: {words}"));
    assert_eq!(message(Some("grants = []")), format!("the manifest in \"stock.wasm\", line 3: {words}"));
    assert_eq!(
        message(Some("\npolicy.max_attempts = 0")),
        format!("\"stock.toml\", line 2: {words}"),
        "the operator's value is the one that counts"
    );
    let unknown = message(Some("limits.memry = '1MiB'\npolicy.max_attempts = 1"));
    assert_eq!(unknown, "\"stock.toml\", line 1: unknown key `memry`; did you mean `memory`?");
}

#[test]
fn many_records_may_each_name_all_handlers() {
    // The SDK writes one record for each handler, each with the names of all.
    let names: Vec<String> = (0..40).map(|number| format!("'h{number}'")).collect();
    let whole = text(&without(base(), "subscriptions"));
    let records: Vec<String> = (names.iter().enumerate())
        .map(|(number, name)| {
            let subscription = format!("[[subscriptions]]\nhandler = {name}\ntypes = ['t{number}']\n");
            format!("{whole}handlers = [{}]\n{subscription}", names.join(", "))
        })
        .collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    assert_eq!(assembled(&records, None).unwrap().subscriptions.len(), 40);
}
