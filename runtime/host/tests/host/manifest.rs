//! Manifests: what may stand in them, how they are put together, and what a mistake is answered with.

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

const SMALL: &str = "manifest = 1\nname = \"stock\"\nversion = \"1\"\n\
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
fn refused(records: &[&str], operator: Option<&str>, message: &str) {
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
        "\"stock.toml\" has the key `name`, but the plugin brings its own manifest",
    );
    refused(
        &[SMALL],
        Some(SMALL),
        "\"stock.toml\" has the key `manifest`, but the plugin brings its own manifest",
    );
}

#[test]
fn an_author_cannot_grant() {
    refused(
        &["grants = [\"http\"]", SMALL],
        None,
        "the manifest in \"stock.wasm\" has the key `grants`, which is the operator's alone",
    );
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
    refused(
        &[SMALL],
        Some("\n[policy]\nmax_atempts = 3"),
        "\"stock.toml\", line 3: unknown key `max_atempts`; did you mean `max_attempts`?",
    );
    refused(
        &[SMALL],
        Some("[limit]\nmemory = \"1MiB\""),
        "\"stock.toml\", line 1: unknown key `limit`; did you mean `limits`?",
    );
    refused(
        &[SMALL],
        Some("[limits]\nzzz = 1"),
        "\"stock.toml\", line 2: unknown key `zzz`; known here are `deadline`, `memory`",
    );
    refused(
        &[&SMALL.replace("handler", "hanlder")],
        None,
        "the manifest in \"stock.wasm\", line 5: unknown key `hanlder`; did you mean `handler`?",
    );
}

#[test]
fn values_out_of_range_are_refused_with_their_line() {
    for (line, message) in [
        ("[policy]\nmax_attempts = 0", "max_attempts must be at least 1; the first attempt counts"),
        ("[policy]\npartitions = 0", "partitions must be 1 to 1024, not 0"),
        ("[policy]\npartitions = 1025", "partitions must be 1 to 1024, not 1025"),
        (
            "[policy]\nmax_age = \"soon\"",
            "\"soon\" is not a duration; write it like \"24h\", \"1m 30s\" or \"100ms\"",
        ),
        ("[policy]\nmax_age = \"-1h\"", "\"-1h\" lies in the past"),
        (
            "[policy]\nbackoff = \"1s\"",
            "invalid type: string \"1s\", expected a table such as { base = \"100ms\", max = \"60s\" }",
        ),
        (
            "[policy]\nrate = 5",
            "invalid type: integer `5`, expected a table such as { events = 100, per = \"1s\" }",
        ),
        ("[policy]\ninstance = \"fresch\"", "\"fresch\" is not possible here; did you mean \"fresh\"?"),
        (
            "[policy]\nafter_dead_letter = \"stop\"",
            "\"stop\" is not possible here; write \"park\", \"continue\"",
        ),
        ("\nstate_revision = -1", "invalid value: integer `-1`, expected u64"),
        ("[policy]\nprobation_threshold = 1.5", "probation_threshold must be 0 to 1, not 1.5"),
        ("[policy]\nprobation_threshold = -0.1", "probation_threshold must be 0 to 1, not -0.1"),
        ("[policy]\nbreaker = { failure_percent = 0 }", "failure_percent must be 1 to 100, not 0"),
        ("[policy]\nbreaker = { failure_percent = 101 }", "failure_percent must be 1 to 100, not 101"),
        (
            "[policy]\nrate = { events = 0, per = \"1s\" }",
            "events must be at least 1; to stop a consumer, pause it",
        ),
        ("[policy]\nrate = { events = 5, per = \"0s\" }", "a duration must be at least 1ms"),
        ("[policy]\nrate = { events = 5 }", "missing field `per`"),
        ("[policy]\nbreaker = { attempts = 1001 }", "attempts must be 1 to 1000, not 1001"),
        ("[limits]\ndeadline = \"0s\"", "a duration must be at least 1ms"),
        ("[limits]\nmemory = \"lots\"", "\"lots\" is not a size; write it like \"64MiB\" or \"1GiB\""),
        ("[limits]\nmemory = \"1KiB\"", "memory must be at least \"64KiB\", one page"),
        ("[config]\nlow_stock = 5", "a value of [config] is a text; write it in quotes"),
    ] {
        refused(&[SMALL], Some(line), &format!("\"stock.toml\", line 2: {message}"));
    }
    refused(
        &[SMALL],
        Some("[policy]\nbackoff = { base = \"2m\" }"),
        "in the manifest in \"stock.wasm\" the key `backoff.base` (120000 ms) exceeds `backoff.max` (60000 ms)",
    );
}

#[test]
fn what_stands_where_a_secret_may_stand_is_in_no_message() {
    const HTTP: &str = "[[http]]\nhost = \"h\"\nmethods = [\"GET\"]\n";
    for (operator, place) in [
        ("[secrets]\ntok = \"hunter2\"", "line 2: a secret is written as { env = \"VARIABLE\" }"),
        ("[secrets]\ntok = { value = \"hunter2\" }", "line 2: a secret is written as"),
        ("[secrets]\ntok = { hunter2 = \"x\" }", "line 2: a secret is written as"),
        ("[secrets]\ntok = { env = \"A\", file = \"hunter2\" }", "line 2: a secret is written as"),
        ("[secrets]\ntok = [\"hunter2\"]", "line 2: a secret is written as"),
        ("[secrets]\n\"hunter2!\" = { env = \"A\" }", "the name of a secret holds letters"),
        ("[secrets]\ntok = hunter2", "line 2: "),
        ("[secrets]\ntok = \"hunter2", "line 2: "),
        ("secrets = \"hunter2\"", "line 1: "),
        ("[config]\npassword = [\"hunter2\"]", "line 2: a value of [config] is a text"),
        ("[config]\npassword = { of = \"hunter2\" }", "line 2: a value of [config] is a text"),
        ("config = \"hunter2\"", "line 1: "),
        ("[[http]]\nhost = \"https://ada:hunter2@h\"\nmethods = [\"GET\"]", "`host` is not a host"),
        (
            &format!("{HTTP}secrets = [\"hunter2\"]\n[secrets]\na-token = {{ env = \"A\" }}"),
            "there is \"a-token\"",
        ),
    ] {
        let refusal = assembled(&[SMALL], Some(operator)).unwrap_err();
        assert!(refusal.message.contains(place), "{operator}: {refusal}");
        for text in [&refusal.message, &refusal.hint] {
            assert!(!text.contains("hunter2"), "{operator}: {text}");
        }
    }
}

#[test]
fn names_versions_and_types_have_their_form() {
    let long = "a".repeat(64);
    for name in ["", "Stock", "1stock", "-stock", "stock_1", "größe", long.as_str()] {
        let refusal = assembled(&[&SMALL.replace("\"stock\"", &format!("\"{name}\""))], None).unwrap_err();
        assert!(refusal.message.contains("is not a plugin's name"), "{refusal}");
    }
    assert!(assembled(&[&SMALL.replace("\"stock\"", &format!("\"{}\"", "a".repeat(63)))], None).is_ok());
    for (from, to, message) in [
        ("\"1\"", "\"\"", "is not a version"),
        ("manifest = 1", "manifest = 2", "manifest version 2 is not known here; this is `manifest = 1`"),
        ("version = \"1\"", "version = \"1\"\npublishes = [\"stock.*\"]", "has a wildcard"),
        ("version = \"1\"", "version = \"1\"\npublishes = [\"camshaft.x\"]", "the runtime's own"),
        ("order.placed", "order..placed", "is not a type pattern"),
        ("order.placed\"", "order.placed", "line 6: "),
    ] {
        let refusal = assembled(&[&SMALL.replace(from, to)], None).unwrap_err();
        assert!(refusal.message.contains(message), "{refusal}");
    }
}

#[test]
fn what_a_whole_manifest_needs_is_missed_by_name() {
    for (left_out, message) in [
        ("manifest = 1\n", "the manifest in \"stock.wasm\" has no `manifest = 1`"),
        ("name = \"stock\"\n", "the manifest in \"stock.wasm\" has no `name`"),
        ("version = \"1\"\n", "the manifest in \"stock.wasm\" has no `version`"),
        (
            "[[subscriptions]]\nhandler = \"reserve\"\ntypes = [\"order.placed\"]\n",
            "the manifest in \"stock.wasm\" subscribes to nothing, so the plugin would never run",
        ),
        (
            "\"order.placed\"",
            "in the manifest in \"stock.wasm\" the handler \"reserve\" has no `types`, so it would never run",
        ),
    ] {
        refused(&[&SMALL.replace(left_out, "")], None, message);
    }
}

#[test]
fn handlers_that_claim_the_same_events_are_refused() {
    let second = "[[subscriptions]]\nhandler = \"log\"\ntypes = [\"shop.opened\", \"order.*\"]";
    let refusal = assembled(&[SMALL, second], None).unwrap_err();
    assert_eq!(
        (refusal.code, refusal.message.as_str()),
        (
            RefusalCode::OverlappingSubscriptions,
            "in the manifest in \"stock.wasm\" the handlers \"reserve\" and \"log\" claim the same events: \
             \"order.placed\" and \"order.*\" overlap"
        )
    );
}

#[test]
fn a_subscription_of_a_handler_that_does_not_exist_is_refused() {
    // As the SDK writes them: each handler its own subscription, and the names of all that the author wrote.
    let named = SMALL.replace("[[", "handlers = [\"reserve\", \"release\"]\n[[");
    let release =
        named.replace("handler = \"reserve\"", "handler = \"release\"").replace("placed", "cancelled");
    assert_eq!(assembled(&[&named, &release], None).unwrap().subscriptions.len(), 2);
    refused(
        &[&named],
        None,
        "the manifest in \"stock.wasm\" has a subscription for the handler \"release\", but the plugin has no such \
         handler",
    );
}

#[test]
fn a_damaged_section_is_refused() {
    for damaged in [b"\x05\0\0\0abc".to_vec(), b"\x01\0".to_vec(), b"\x01\0\0\0\xff".to_vec()] {
        let refusal = Manifest::assemble(Path::new("stock.wasm"), &[damaged], None).unwrap_err();
        assert_eq!(
            (refusal.code, refusal.message.as_str()),
            (RefusalCode::InvalidManifest, "the section `camshaft:manifest` of \"stock.wasm\" is damaged")
        );
    }
}

#[test]
fn each_bound_of_a_manifest_names_itself_and_what_just_fits_is_taken() {
    let many = |text: &str, count: usize| text.repeat(count);
    let numbered = |count: usize, text: fn(usize) -> String| (0..count).map(text).collect::<String>();
    let subscription = |number| format!("[[subscriptions]]\nhandler='h{number}'\ntypes=['t{number}']\n");
    let filter = |terms: &str| format!("{SMALL}filter = {{ any = [{terms}] }}\n");
    let nested = |levels: usize| {
        let (open, close) = ("{not=".repeat(levels - 1), "}".repeat(levels - 1));
        format!("{SMALL}filter = {open}{{exact={{a='b'}}}}{close}\n")
    };
    let list = |key: &str, names: String| SMALL.replace("[[", &format!("{key} = [{names}]\n[["));
    let types = |names: String| SMALL.replace("\"order.placed\"", &names);
    for (fits, exceeds, words) in [
        (
            format!("{SMALL}#{}", many("x", 64 * 1024 - SMALL.len() - 5)),
            format!("{SMALL}#{}", many("x", 64 * 1024 - SMALL.len() - 4)),
            "has 65537 bytes, more than the 65536 bytes that a manifest may have",
        ),
        (
            format!("{SMALL}{}", numbered(255, subscription)),
            format!("{SMALL}{}", numbered(256, subscription)),
            "has 257 [[subscriptions]]; at most 256 are allowed",
        ),
        (
            types(numbered(1_024, |number| format!("'t{number}',"))),
            types(numbered(1_025, |number| format!("'t{number}',"))),
            "has 1025 `types` in its subscriptions together; at most 1024 are allowed",
        ),
        (
            filter(&format!("{}{{any=[]}}", many("{exact={a='b'}},", 499))),
            filter(&many("{exact={a='b'}},", 500)),
            "has 1001 terms in its filters together; at most 1000 are allowed",
        ),
        (nested(32), nested(33), "has 33 filters inside each other; at most 32 are allowed"),
        (
            list("publishes", numbered(1_024, |number| format!("'t{number}',"))),
            list("publishes", numbered(1_025, |number| format!("'t{number}',"))),
            "has 1025 types in `publishes`; at most 1024 are allowed",
        ),
        (
            list("capabilities", numbered(32, |number| format!("'c{number}',"))),
            list("capabilities", numbered(33, |number| format!("'c{number}',"))),
            "has 33 names in `capabilities`; at most 32 are allowed",
        ),
        (
            list("handlers", many("'reserve',", 256)),
            list("handlers", many("'reserve',", 257)),
            "has 257 names in `handlers`; at most 256 are allowed",
        ),
        (
            format!("{SMALL}[config]\n{}", numbered(1_000, |number| format!("k{number}='v'\n"))),
            format!("{SMALL}[config]\n{}", numbered(1_001, |number| format!("k{number}='v'\n"))),
            "has 1001 keys in [config]; at most 1000 are allowed",
        ),
    ] {
        if let Err(refusal) = assembled(&[&fits], None) {
            panic!("{words}: {refusal}");
        }
        refused(&[&exceeds], None, &format!("the manifest in \"stock.wasm\" {words}"));
    }
}

#[test]
fn the_bounds_hold_for_linked_parts_together_and_for_the_operators_file() {
    let part = |from: usize| {
        (from..from + 200)
            .map(|number| format!("[[subscriptions]]\nhandler='h{number}'\ntypes=['t{number}']\n"))
            .collect::<String>()
    };
    let message = "the manifest in \"stock.wasm\" has 401 [[subscriptions]]; at most 256 are allowed";
    refused(&[SMALL, &part(0), &part(200)], None, message);
    assert!(assembled(&vec![SMALL; 512], None).is_ok());
    let message = "the manifest in \"stock.wasm\" has more than 512 records";
    refused(&[vec![SMALL], vec![""; 512]].concat(), None, message);
    for (operator, message) in [
        (format!("grants = [{}]", "'http',".repeat(33)), "has 33 names in `grants`; at most 32 are allowed"),
        ("[[http]]\nhost='a'\nmethods=['GET']\n".repeat(257), "has 257 [[http]]; at most 256 are allowed"),
        (
            (0..65).map(|number| format!("secrets.s{number}.env='V'\n")).collect(),
            "has 65 names in [secrets]; at most 64 are allowed",
        ),
        ("#".repeat(64 * 1024 + 1), "has 65537 bytes, more than the 65536 bytes that a manifest may have"),
    ] {
        refused(&[SMALL], Some(&operator), &format!("\"stock.toml\" {message}"));
    }
}

#[test]
fn a_mistake_of_any_length_is_told_in_few_words() {
    let key = "k".repeat(60_000);
    let refusal = assembled(&[&format!("{key} = 1\n{SMALL}")], None).unwrap_err();
    assert!(refusal.message.len() < 5_000 && refusal.message.ends_with('…'), "{}", refusal.message.len());
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
