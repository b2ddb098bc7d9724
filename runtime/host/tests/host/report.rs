//! What `camshaft check` shows of a plugin.

use crate::support::{Bench, MANIFEST, aggregate, module, with_manifest};

#[test]
fn a_report_says_what_a_plugin_is_and_what_is_odd_about_it() {
    let manifest = MANIFEST.replace(
        "[\"probe.done\"]",
        "[\"thing.done\", \"mail.send-welcome\"]\ndescription = \"looks at things\"",
    );
    let body = r#"(func (export "handle") (param i32) (result i32) (i32.const 64))"#;
    let bench = Bench::new();
    let guest = with_manifest(module("", body), &[&manifest]);
    let report = bench.load_with(&guest, "grants = [\"http\"]").unwrap().report();
    let shown = report.to_string().replace(&report.digest, "(digest)");
    // The guest's length changes with the documentation of the contract.
    let (before, after) = shown.split_once(" KiB)").unwrap();
    let shown = format!("{} (size){after}", before.rsplit_once(' ').unwrap().0);
    insta::assert_snapshot!(shown, @r#"
    probe 1.0.0
      looks at things
      world         handler
      contract      camshaft:plugin@0.1.0 (core module, (size)
      digest        (digest)
      handles       thing.done with probe
      publishes     mail.send-welcome, thing.done
      capabilities  none
      limits        1000 ms, 64.0 MiB
      warning       "http" is granted but not requested
      warning       "mail.send-welcome" sounds like a command; name what happened, such as "order.placed"
      warning       it handles "thing.done", which it also publishes: it may loop forever
    "#);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["name"], "probe");
    assert_eq!(json["limits"]["memory_bytes"], 67_108_864);
    assert_eq!(json["warnings"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_report_shows_which_handler_receives_commands() {
    let manifest = MANIFEST.replace("[\"thing.done\"]", "[\"account.open\"]\ncommands = true");
    let body = r#"(func (export "handle") (param i32) (result i32) (i32.const 64))"#;
    let guest = with_manifest(module("", body), &[&manifest]);
    let report = Bench::new().load_with(&guest, "").unwrap().report();
    assert!(report.to_string().contains("  handles       account.open with probe, commands included\n"));
    assert_eq!(report.warnings, Vec::<String>::new(), "a command may be named like one");
}

#[test]
fn a_report_says_what_an_aggregate_decides() {
    let report = Bench::new().load(&aggregate("", "", "")).unwrap().report();
    let shown = report.to_string();
    assert!(shown.contains("  world         aggregate\n  contract      camshaft:plugin@0.2.0 ("), "{shown}");
    assert!(shown.contains("  decides       thing.do about thing, records thing.done\n"), "{shown}");
    assert!(!shown.contains("publishes") && !shown.contains("capabilities"), "{shown}");
    assert_eq!(report.warnings, Vec::<String>::new());
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["world"], "aggregate");
    let command = serde_json::json!({ "type": "thing.do", "scope": "thing", "records": ["thing.done"] });
    assert_eq!(json["commands"], serde_json::json!([command]));
}

#[test]
fn a_report_warns_of_commands_and_facts_with_odd_names_and_of_commands_without_a_scope() {
    let odd = "[[commands]]\ntype = 'thing.finished'\nscope = 'thing'\nrecords = ['thing.finish', 'thing.set']\n\
               [[commands]]\ntype = 'thing.set-up'\nrecords = ['thing.finish']\n";
    let bench = Bench::new();
    let file = bench.file("probe.wasm", &with_manifest(aggregate("", "", ""), &[odd]));
    let report = bench.host.survey(&file, None).unwrap();
    assert_eq!(
        report.warnings,
        [
            "the command \"thing.finished\" sounds like a fact; name what to do, such as \"order.place\"",
            "the command \"thing.set-up\" has no `scope`, so its sender cannot expect a version of one",
            "the fact \"thing.finish\" is not in the past tense; name what happened, such as \"order.placed\"",
        ]
    );
}

#[test]
fn what_would_be_refused_is_described_with_the_imports_it_does_not_get() {
    let text = r#"(component
        (import "acme:db/sql@1.0.0" (instance (export "open" (func))))
        (import "camshaft:plugin/types@0.1.0" (instance))
        (core module $m (func (export "handle")))
        (core instance $i (instantiate $m))
        (func (export "handle") (canon lift (core func $i "handle"))))"#;
    let bench = Bench::new();
    let guest = with_manifest(wat::parse_str(text).unwrap(), &[MANIFEST]);
    let report = bench.host.check(&bench.file("probe.wasm", &guest), None).unwrap();
    assert_eq!(
        (report.name.as_str(), report.refused_imports.as_slice()),
        ("probe", &["acme:db/sql@1.0.0".into()][..])
    );
    assert!(report.to_string().contains("  refused       the import \"acme:db/sql@1.0.0\"\n"), "{report}");
    assert_eq!(report.refusal, Some(bench.refusal(&guest)), "in the loader's words");
}
