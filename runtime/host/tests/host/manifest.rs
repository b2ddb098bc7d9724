//! The meaning and the default of each manifest key, and how the author's records and the operator's file
//! combine.

use std::path::Path;

use camshaft_event::{AfterDeadLetter, Backoff, Breaker, InstanceReuse, Rate, Start};
use camshaft_host::{Manifest, OperatorFile, Origin, Refusal, RefusalCode};

const PROBE: &str = r#"manifest = 1
name = "stock"
version = "1.2.0"
description = "reserves stock for placed orders"
publishes = ["stock.reserved"]
capabilities = []
start = "latest"
state_revision = 2

[[subscriptions]]
handler = "reserve_stock"
types = ["order.placed", "order.changed.*"]
filter = { all = [{ prefix = { source = "/shop" } }, { not = { exact = { subject = "test" } } }] }

[policy]
max_attempts = 3
max_age = "1h 30m"
backoff = { base = "50ms", max = "2s" }
after_dead_letter = "continue"
partitions = 8
instance = "fresh"
breaker = { failure_percent = 80, attempts = 10, pause = "10s", max_pause = "1m" }
rate = { events = 100, per = "1s" }
probation_threshold = 0.125
[limits]
deadline = "250ms"
memory = "32MiB"
[config]
low_stock = "5"
"#;

pub const SMALL: &str = "manifest = 1\nname = \"stock\"\nversion = \"1\"\n\
    [[subscriptions]]\nhandler = \"reserve\"\ntypes = [\"order.placed\"]\n";

fn section(records: &[&str]) -> Vec<u8> {
    let length = |record: &str| u32::try_from(record.len()).unwrap().to_le_bytes();
    records.iter().flat_map(|record| [length(record).as_slice(), record.as_bytes()].concat()).collect()
}

pub fn assembled(records: &[&str], operator: Option<&str>) -> Result<Manifest, Refusal> {
    let operator = operator.map(|text| OperatorFile::parse(Path::new("stock.toml"), text)).transpose()?;
    Manifest::assemble(Path::new("stock.wasm"), &[section(records)], operator.as_ref())
}

#[track_caller]
pub fn refused(records: &[&str], operator: Option<&str>, message: &str) {
    let refusal = assembled(records, operator).unwrap_err();
    assert_eq!((refusal.code, refusal.message.as_str()), (RefusalCode::InvalidManifest, message));
}

#[test]
fn every_key_has_its_meaning() {
    let manifest = assembled(&[PROBE], None).unwrap();
    assert_eq!((manifest.name.as_str(), manifest.version.as_str()), ("stock", "1.2.0"));
    assert_eq!((manifest.start, manifest.state_revision), (Start::Latest, 2));
    assert_eq!(manifest.policy.probation_threshold_ppm, 125_000);
    assert_eq!(manifest.policy.max_attempts, 3);
    assert_eq!(manifest.policy.max_age_ms, 90 * 60 * 1000);
    assert_eq!(manifest.policy.backoff, Backoff { base_ms: 50, max_ms: 2_000 });
    assert_eq!(manifest.policy.after_dead_letter, AfterDeadLetter::Continue);
    assert_eq!((manifest.policy.partitions, manifest.policy.instance), (8, InstanceReuse::Fresh));
    let breaker = Breaker { failure_percent: 80, attempts: 10, pause_ms: 10_000, max_pause_ms: 60_000 };
    assert_eq!(manifest.policy.breaker, Some(breaker));
    assert_eq!(manifest.policy.rate, Some(Rate { events: 100, per_ms: 1_000 }));
    assert_eq!((manifest.limits.deadline_ms, manifest.limits.memory_bytes), (250, 32 * 1024 * 1024));
    assert_eq!(manifest.config.get("low_stock").map(String::as_str), Some("5"));
    let [subscription] = manifest.subscriptions.as_slice() else { panic!("{manifest:?}") };
    assert!(subscription.filter.is_some());
    assert_eq!(subscription.types.len(), 2);
}

#[test]
fn what_is_left_out_has_the_documented_default() {
    let manifest = assembled(&[SMALL], None).unwrap();
    assert_eq!(manifest.policy, camshaft_event::Policy::default());
    assert_eq!(manifest.limits, camshaft_event::Limits::default());
    assert_eq!(manifest.start, Start::Earliest);
}

#[test]
fn records_of_linked_parts_add_up() {
    let more = "publishes = [\"stock.reserved\"]\n[[subscriptions]]\nhandler = \"release\"\ntypes = [\"order.cancelled\"]";
    let manifest = assembled(&[SMALL, more, more], None).unwrap();
    let handlers: Vec<&str> = manifest.subscriptions.iter().map(|one| one.handler.as_str()).collect();
    assert_eq!(handlers, ["reserve", "release"]);
    assert!(manifest.publishes.contains("stock.reserved"));
    refused(
        &[SMALL, "version = \"2\""],
        None,
        "the manifest in \"stock.wasm\" contradicts itself: the key `version` has two values",
    );
}

#[test]
fn the_operators_values_win() {
    let operator = "[policy]\nmax_attempts = 99\nbackoff = { max = \"1m\" }\n[limits]\ndeadline = \"3s\"\n\
                    [config]\nlow_stock = \"7\"\nextra = \"x\"";
    let manifest = assembled(&[PROBE], Some(operator)).unwrap();
    assert_eq!(manifest.policy.max_attempts, 99);
    assert_eq!(manifest.policy.backoff, Backoff { base_ms: 50, max_ms: 60_000 });
    assert_eq!((manifest.limits.deadline_ms, manifest.limits.memory_bytes), (3_000, 32 * 1024 * 1024));
    assert_eq!(manifest.config.get("low_stock").map(String::as_str), Some("7"));
    assert_eq!(manifest.config.get("extra").map(String::as_str), Some("x"));
}

#[test]
fn each_key_knows_who_wrote_it() {
    let operator = "[policy]\nmax_attempts = 4\nbackoff = { max = \"3s\" }\nrate = { events = 1, per = \"1s\" }\n\
        [config]\nhigh = \"9\"\n";
    let manifest = assembled(&[PROBE], Some(operator)).unwrap();
    for (key, origin) in [
        ("policy.max_attempts", Origin::Operator),
        ("policy.max_age", Origin::Author),
        ("policy.backoff.base", Origin::Author),
        ("policy.backoff.max", Origin::Operator),
        ("policy.rate", Origin::Operator),
        ("policy.delivery", Origin::Default),
        ("limits.deadline", Origin::Author),
        ("config.low_stock", Origin::Author),
        ("config.high", Origin::Operator),
    ] {
        assert_eq!(manifest.origin(key), origin, "{key}");
    }
    assert_eq!(assembled(&[SMALL], None).unwrap().origin("limits.deadline"), Origin::Default);
    let all = format!("{SMALL}[limits]\ndeadline = \"1s\"\n");
    assert_eq!(assembled(&[], Some(&all)).unwrap().origin("limits.deadline"), Origin::Operator);
}

#[test]
fn a_breaker_has_defaults_and_each_of_its_keys_can_be_overridden() {
    let breaker = |author: &str, operator: &str| {
        let author = format!("{SMALL}[policy]\n{author}");
        assembled(&[&author], Some(&format!("[policy]\n{operator}"))).unwrap().policy.breaker
    };
    let default = Breaker::default();
    assert_eq!(breaker("breaker = {}", ""), Some(default));
    assert_eq!(breaker("", "breaker = { attempts = 5 }"), Some(Breaker { attempts: 5, ..default }));
    assert_eq!(
        breaker("breaker = { attempts = 5, pause = \"1s\" }", "breaker = { attempts = 6 }"),
        Some(Breaker { attempts: 6, pause_ms: 1_000, ..default })
    );
    refused(
        &[SMALL, "[policy]\nbreaker = { attempts = 5 }", "[policy]\nbreaker = { attempts = 6 }"],
        None,
        "the manifest in \"stock.wasm\" contradicts itself: the key `breaker.attempts` has two values",
    );
    refused(
        &[SMALL],
        Some("[policy]\nbreaker = { pause = \"6m\" }"),
        "in the manifest in \"stock.wasm\" the key `breaker.pause` (360000 ms) exceeds `breaker.max_pause` \
         (300000 ms)",
    );
}

#[test]
fn a_rate_is_one_value() {
    let operator = "[policy]\nrate = { events = 5, per = \"1m\" }";
    let manifest = assembled(&[PROBE], Some(operator)).unwrap();
    assert_eq!(manifest.policy.rate, Some(Rate { events: 5, per_ms: 60_000 }));
    refused(
        &[PROBE, operator],
        None,
        "the manifest in \"stock.wasm\" contradicts itself: the key `rate` has two values",
    );
}

#[test]
fn the_operator_overrides_but_does_not_rewrite() {
    refused(
        &[SMALL],
        Some("name = \"other\""),
        "\"stock.toml\" has the key `name`, but the plugin has its own manifest",
    );
    refused(
        &[SMALL],
        Some(SMALL),
        "\"stock.toml\" has the key `manifest`, but the plugin has its own manifest",
    );
}

#[test]
fn an_author_cannot_grant() {
    refused(
        &["grants = [\"http\"]", SMALL],
        None,
        "the manifest in \"stock.wasm\" has the key `grants`, which only the operator may set",
    );
}

#[test]
fn the_operators_guide_shows_the_defaults() {
    let guide = include_str!("../../../OPERATING.md");
    let block = guide.split_once("```toml policy\n").and_then(|(_, rest)| rest.split_once("```")).unwrap().0;
    let defaults = assembled(&[SMALL], None).unwrap();
    let shown = assembled(&[SMALL], Some(block)).unwrap();
    assert_eq!((&shown.policy, &shown.limits), (&defaults.policy, &defaults.limits));
    // What stands in comments has no default, or another one.
    let uncommented: Vec<&str> = block.lines().map(|line| line.strip_prefix("# ").unwrap_or(line)).collect();
    let whole = assembled(&[SMALL], Some(&uncommented.join("\n"))).unwrap().policy;
    assert_eq!(whole.breaker, Some(Breaker::default()));
    assert_eq!(whole.rate, Some(Rate { events: 100, per_ms: 1000 }));
}
