//! A manifest with a mistake, or beyond a bound, is refused. The message names the place and shows no secret.

use std::path::Path;

use camshaft_host::{Manifest, RefusalCode};

use super::manifest::{SMALL, assembled, refused};

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
        "\"stock.toml\", line 2: unknown key `zzz`; the known keys are `deadline`, `memory`",
    );
    refused(
        &[&SMALL.replace("handler", "hanlder")],
        None,
        "the manifest in \"stock.wasm\", line 5: unknown key `hanlder`; did you mean `handler`?",
    );
}

#[test]
fn commands_are_received_by_exact_types_only() {
    let subscribed = |types: &str| {
        let more = format!("[[subscriptions]]\nhandler = \"audit\"\ntypes = {types}\ncommands = true\n");
        format!("{SMALL}{more}")
    };
    refused(
        &[&subscribed("[\"account.open\", \"account.close.*\"]")],
        None,
        "in the manifest in \"stock.wasm\" the handler \"audit\" has `commands = true`, but its type \
         \"account.close.*\" is a pattern",
    );
    let manifest = assembled(&[&subscribed("[\"account.open\"]")], None).unwrap();
    assert_eq!(manifest.subscriptions.iter().map(|one| one.commands).collect::<Vec<_>>(), [false, true]);
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
        ("[policy]\nmax_age = \"-1h\"", "\"-1h\" is negative"),
        (
            "[policy]\nbackoff = \"1s\"",
            "invalid type: string \"1s\", expected a table such as { base = \"100ms\", max = \"60s\" }",
        ),
        (
            "[policy]\nrate = 5",
            "invalid type: integer `5`, expected a table such as { events = 100, per = \"1s\" }",
        ),
        ("[policy]\ninstance = \"fresch\"", "\"fresch\" is not a valid value; did you mean \"fresh\"?"),
        (
            "[policy]\nafter_dead_letter = \"stop\"",
            "\"stop\" is not a valid value; use one of \"park\", \"continue\"",
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
        ("[config]\nlow_stock = 5", "a value of [config] must be a string; write it in quotes"),
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
        ("[secrets]\ntok = \"hunter2\"", "line 2: write a secret as { env = \"VARIABLE\" }"),
        ("[secrets]\ntok = { value = \"hunter2\" }", "line 2: write a secret as"),
        ("[secrets]\ntok = { hunter2 = \"x\" }", "line 2: write a secret as"),
        ("[secrets]\ntok = { env = \"A\", file = \"hunter2\" }", "line 2: write a secret as"),
        ("[secrets]\ntok = [\"hunter2\"]", "line 2: write a secret as"),
        ("[secrets]\n\"hunter2!\" = { env = \"A\" }", "the name of a secret may only have letters"),
        ("[secrets]\ntok = hunter2", "line 2: "),
        ("[secrets]\ntok = \"hunter2", "line 2: "),
        ("secrets = \"hunter2\"", "line 1: "),
        ("[config]\npassword = [\"hunter2\"]", "line 2: a value of [config] must be a string"),
        ("[config]\npassword = { of = \"hunter2\" }", "line 2: a value of [config] must be a string"),
        ("config = \"hunter2\"", "line 1: "),
        ("[[http]]\nhost = \"https://ada:hunter2@h\"\nmethods = [\"GET\"]", "`host` is not a host"),
        (
            &format!("{HTTP}secrets = [\"hunter2\"]\n[secrets]\na-token = {{ env = \"A\" }}"),
            "it defines \"a-token\"",
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
        assert!(refusal.message.contains("is not a valid plugin name"), "{refusal}");
    }
    assert!(assembled(&[&SMALL.replace("\"stock\"", &format!("\"{}\"", "a".repeat(63)))], None).is_ok());
    for (from, to, message) in [
        ("\"1\"", "\"\"", "is not a version"),
        ("manifest = 1", "manifest = 2", "manifest version 2 is not supported; write `manifest = 1`"),
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
            "in the manifest in \"stock.wasm\" the handlers \"reserve\" and \"log\" subscribe to the same \
             events: \"order.placed\" and \"order.*\" overlap"
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
