//! Files that are plugins, and files that are not: each bad one gets its code, one sentence and a hint.

use std::fs;

use camshaft_host::{Form, Host, HostOptions, OperatorFile, RefusalCode};

use crate::support::{Bench, MANIFEST, handler, in_world, module, ticking, with_manifest};

#[test]
fn a_core_module_of_the_contract_is_a_plugin() {
    let bench = Bench::new();
    let guest = handler("", "");
    let plugin = bench.load(&guest).unwrap();
    assert_eq!((plugin.manifest().name.as_str(), plugin.contract()), ("probe", "0.1.0"));
    assert_eq!((plugin.form(), plugin.size()), (Form::Module, guest.len() as u64));
    assert_eq!(plugin.digest().len(), 64);
}

#[test]
fn a_component_with_the_manifest_in_its_module_is_a_plugin() {
    let component = component(&handler("", ""));
    let plugin = Bench::new().load(&component).unwrap();
    assert_eq!((plugin.manifest().name.as_str(), plugin.form()), ("probe", Form::Component));
}

fn component(module: &[u8]) -> Vec<u8> {
    wit_component::ComponentEncoder::default().module(module).unwrap().encode().unwrap()
}

#[track_caller]
fn check(bytes: &[u8], code: RefusalCode, message: &str) {
    let bench = Bench::new();
    let refusal = bench.refusal(bytes);
    let found = bench.scrub(&refusal.message);
    assert_eq!((refusal.code, found.as_str()), (code, message));
    assert!(refusal.hint.ends_with('.') && !refusal.hint.is_empty(), "{}", refusal.hint);
}

#[test]
fn what_is_not_wasm_is_told_by_what_it_is() {
    for (bytes, what) in [
        (b"".as_slice(), "empty"),
        (b"<!doctype html><title>404</title>", "text"),
        (b"(module)", "WebAssembly text"),
        (b"\x7fELF\x02\x01\x01", "native code"),
        (b"\xff\xd8\xff\xe0 a picture", "something else"),
    ] {
        let message = format!("\"plugins/probe.wasm\" is not a WebAssembly file: it is {what}");
        check(bytes, RefusalCode::NotWasm, &message);
    }
}

#[test]
fn a_truncated_file_is_refused_wherever_it_ends() {
    let bench = Bench::new();
    for whole in [handler("", ""), component(&handler("", ""))] {
        for length in (1..whole.len()).step_by(7) {
            let refusal = bench.refusal(&whole[..length]);
            // A cut exactly between two sections leaves a shorter file that lacks something else.
            let missing =
                [RefusalCode::TruncatedWasm, RefusalCode::UnsupportedWorld, RefusalCode::MissingManifest];
            assert!(missing.contains(&refusal.code), "at {length}: {refusal:?}");
        }
    }
    check(&handler("", "")[..200], RefusalCode::TruncatedWasm, "\"plugins/probe.wasm\" is truncated");
}

#[test]
fn a_file_over_the_size_limit_is_refused_unread() {
    let bench = Bench::new();
    let options =
        HostOptions { max_plugin_bytes: 100, max_instances: 1, ..HostOptions::new(bench.folder.path()) };
    let refusal = Host::new(options).unwrap().load(&bench.file("large.wasm", &[0; 101]), None).err().unwrap();
    assert_eq!(
        (refusal.code, bench.scrub(&refusal.message).as_str()),
        (RefusalCode::PluginTooLarge, "\"plugins/large.wasm\" is longer than the limit of 100 bytes")
    );
}

#[test]
fn a_module_that_was_written_for_no_contract_is_refused() {
    check(
        &wat::parse_str("(module)").unwrap(),
        RefusalCode::UnsupportedWorld,
        "\"plugins/probe.wasm\" is a core WebAssembly module that implements no contract",
    );
}

#[test]
fn a_component_of_another_world_is_told_what_it_is() {
    let command = wat::parse_str(
        r#"(component
             (core module $m (func (export "run") (result i32) (i32.const 0)))
             (core instance $i (instantiate $m))
             (func $run (result (result)) (canon lift (core func $i "run")))
             (component $c (import "run" (func $f (result (result)))) (export "run" (func $f)))
             (instance $run (instantiate $c (with "run" (func $run))))
             (export "wasi:cli/run@0.2.3" (instance $run)))"#,
    )
    .unwrap();
    check(
        &command,
        RefusalCode::UnsupportedWorld,
        "\"plugins/probe.wasm\" is a command-line program, not a Camshaft plugin: it exports \
         \"wasi:cli/run@0.2.3\" instead of the function \"handle\" of the world camshaft:plugin/handler",
    );
    check(
        &component(&in_world("imports", r#"(module (memory (export "memory") 1))"#)),
        RefusalCode::UnsupportedWorld,
        "\"plugins/probe.wasm\" is a component of another kind, not a Camshaft plugin: it exports nothing \
         instead of the function \"handle\" of the world camshaft:plugin/handler",
    );
}

#[test]
fn another_version_of_the_contract_is_refused_with_both_versions() {
    let guest = component(&handler("", ""));
    let (from, to) = (b"camshaft:plugin/types@0.1.0".as_slice(), b"camshaft:plugin/types@0.2.0".as_slice());
    let newer = replaced(&guest, from, to);
    check(
        &newer,
        RefusalCode::UnsupportedContractVersion,
        "\"plugins/probe.wasm\" uses camshaft:plugin 0.2.0, but this camshaft supports 0.1.0",
    );
}

#[test]
fn a_later_patch_of_the_contract_is_fine() {
    let guest = component(&handler("", ""));
    let later = replaced(&guest, b"camshaft:plugin/types@0.1.0", b"camshaft:plugin/types@0.1.9");
    assert_eq!(Bench::new().load(&later).unwrap().contract(), "0.1.9");
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> =
        bytes.windows(from.len()).enumerate().filter(|(_, at)| *at == from).map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "nothing to replace");
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

#[test]
fn an_import_that_the_host_does_not_give_is_named() {
    for (import, hint) in [
        ("acme:db/sql@1.0.0", "and WASI, which is empty here"),
        ("wasi:http/incoming-handler@0.2.3", "and receives none"),
        ("camshaft:plugin/secrets@0.1.0", "newer contract"),
    ] {
        let text = format!(
            r#"(component
                 (import "{import}" (instance (export "open" (func))))
                 (import "camshaft:plugin/types@0.1.0" (instance))
                 (core module $m (func (export "handle")))
                 (core instance $i (instantiate $m))
                 (func (export "handle") (canon lift (core func $i "handle"))))"#
        );
        let bench = Bench::new();
        let guest = with_manifest(wat::parse_str(text).unwrap(), &[MANIFEST]);
        let refusal = bench.refusal(&guest);
        assert_eq!(refusal.code, RefusalCode::UnknownImport);
        assert_eq!(
            bench.scrub(&refusal.message),
            format!("\"plugins/probe.wasm\" imports \"{import}\", which this camshaft does not provide")
        );
        assert!(refusal.hint.contains(hint), "{}", refusal.hint);
    }
}

#[test]
fn an_import_that_a_capability_would_give_is_refused_with_what_to_ask_for() {
    let text = r#"(component
        (import "wasi:http/outgoing-handler@0.2.3" (instance))
        (import "camshaft:plugin/types@0.1.0" (instance))
        (core module $m (func (export "handle")))
        (core instance $i (instantiate $m))
        (func (export "handle") (canon lift (core func $i "handle"))))"#;
    let refusal = Bench::new().refusal(&with_manifest(wat::parse_str(text).unwrap(), &[MANIFEST]));
    assert_eq!(refusal.code, RefusalCode::UnknownImport);
    assert!(refusal.message.ends_with("does not request capability \"http\""), "{refusal}");
    assert_eq!(refusal.hint, "Add `capabilities = [\"http\"]` to the plugin's manifest.");
}

#[test]
fn a_handler_of_another_signature_does_not_fit_the_contract() {
    let text = r#"(component
        (import "camshaft:plugin/types@0.1.0" (instance))
        (core module $m (func (export "handle")))
        (core instance $i (instantiate $m))
        (func (export "handle") (canon lift (core func $i "handle"))))"#;
    let mut guest = wat::parse_str(text).unwrap();
    guest = with_manifest(guest, &[MANIFEST]);
    let refusal = Bench::new().refusal(&guest);
    assert_eq!(refusal.code, RefusalCode::UnsupportedContractVersion, "{refusal:?}");
}

#[test]
fn a_plugin_without_a_manifest_is_told_where_to_put_one() {
    let bench = Bench::new();
    let refusal =
        bench.refusal(&module("", r#"(func (export "handle") (param i32) (result i32) (i32.const 64))"#));
    assert_eq!(
        (refusal.code, bench.scrub(&refusal.message).as_str()),
        (RefusalCode::MissingManifest, "\"plugins/probe.wasm\" has no manifest")
    );
    assert!(
        bench.scrub(&refusal.hint).contains("`manifest = 1` into \"plugins/probe.toml\""),
        "{}",
        refusal.hint
    );
}

#[test]
fn the_operators_file_can_stand_in_for_a_missing_manifest() {
    let bench = Bench::new();
    let guest = module("", r#"(func (export "handle") (param i32) (result i32) (i32.const 64))"#);
    assert_eq!(bench.load_with(&guest, MANIFEST).unwrap().manifest().name, "probe");
}

#[test]
fn a_capability_that_does_not_exist_is_refused_granted_or_not() {
    let asks = MANIFEST.replace("publishes", "capabilities = [\"teleport\"]\npublishes");
    let guest = with_manifest(
        module("", r#"(func (export "handle") (param i32) (result i32) (i32.const 64))"#),
        &[&asks],
    );
    let bench = Bench::new();
    let granted = bench.load_with(&guest, "grants = [\"teleport\"]").err().unwrap();
    for refusal in [bench.refusal(&guest), granted] {
        assert_eq!(
            (refusal.code, refusal.message.as_str()),
            (
                RefusalCode::UnknownCapability,
                "plugin \"probe\" requests capability \"teleport\", which this camshaft does not have"
            )
        );
    }
}

#[test]
fn limits_beyond_the_runtimes_own_are_refused() {
    let bench = Bench::new();
    for (operator, expected) in [
        (
            "[limits]\nmemory = \"2GiB\"",
            "sets `limits.memory` to 2147483648 bytes, but this runtime allows 1073741824 bytes",
        ),
        (
            "[limits]\ndeadline = \"5m\"",
            "sets `limits.deadline` to 300000 ms, but this runtime allows 5000 ms",
        ),
    ] {
        let refusal = bench.load_with(&handler("", ""), operator).err().unwrap();
        assert_eq!(refusal.code, RefusalCode::InvalidManifest);
        assert!(refusal.message.ends_with(expected), "{}", refusal.message);
        assert!(refusal.hint.contains("`limits.max_"), "{}", refusal.hint);
    }
}

#[test]
fn a_plugin_that_cannot_start_is_refused() {
    for start in ["(unreachable)", "(drop (i32.div_u (i32.const 1) (i32.const 0)))"] {
        let body = format!(
            r#"(func $start {start}) (start $start)
               (func (export "handle") (param i32) (result i32) (i32.const 64))"#
        );
        let refusal = Bench::new().refusal(&with_manifest(module("", &body), &[MANIFEST]));
        assert_eq!(refusal.code, RefusalCode::InstantiationFailed, "{refusal:?}");
    }
}

#[test]
fn a_plugin_whose_start_never_ends_is_refused() {
    let body = r#"(func $start (loop (br 0))) (start $start)
        (func (export "handle") (param i32) (result i32) (i32.const 64))"#;
    let bench = Bench::new();
    let refusal = ticking(&bench.host, || bench.refusal(&with_manifest(module("", body), &[MANIFEST])));
    assert_eq!(refusal.code, RefusalCode::InstantiationFailed, "{refusal:?}");
}

#[test]
fn a_damaged_file_is_loaded_or_refused_but_never_harms_the_host() {
    let whole = component(&handler("", ""));
    let bench = Bench::new();
    ticking(&bench.host, || {
        for at in (8..whole.len()).step_by(11) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x55;
            if let Err(refusal) = bench.load(&damaged) {
                assert!(!refusal.message.contains("internal error"), "at {at}: {refusal}");
            }
        }
    });
    assert!(bench.load(&whole).is_ok());
}

#[test]
fn a_plugin_whose_first_memory_exceeds_its_limit_is_refused() {
    let large = in_world(
        "handler",
        r#"(module (memory (export "memory") 3)
             (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (unreachable))
             (func (export "handle") (param i32) (result i32) (i32.const 64)))"#,
    );
    let bench = Bench::new();
    let guest = with_manifest(large, &[MANIFEST]);
    let refusal = bench.load_with(&guest, "[limits]\nmemory = \"128KiB\"").err().unwrap();
    assert_eq!(refusal.code, RefusalCode::InstantiationFailed, "{refusal:?}");
    assert!(bench.load_with(&guest, "[limits]\nmemory = \"192KiB\"").is_ok());
}

#[test]
fn compiled_code_is_reused_and_a_damaged_entry_is_compiled_again() {
    let bench = Bench::new();
    let guest = handler("", "");
    bench.load(&guest).unwrap();
    let entries = || -> Vec<_> {
        fs::read_dir(bench.folder.path().join("code")).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let [entry] = <[_; 1]>::try_from(entries()).unwrap();
    let whole = fs::read(&entry).unwrap();
    let modified = |path: &std::path::Path| fs::metadata(path).unwrap().modified().unwrap();
    let first = modified(&entry);
    bench.load(&guest).unwrap();
    assert_eq!(modified(&entry), first, "a sound entry is used as it is");
    for damaged in [&whole[..whole.len() / 2], b"".as_slice(), &[whole.as_slice(), b"x"].concat()] {
        fs::write(&entry, damaged).unwrap();
        bench.load(&guest).unwrap();
        assert!(fs::read(&entry).unwrap() == whole, "a damaged entry is replaced");
    }
    assert_eq!(entries().len(), 1, "no temporary file is left");
}

#[test]
fn compiled_code_goes_when_its_file_is_not_wanted_or_another_camshaft_made_it() {
    let bench = Bench::new();
    let wanted = bench.load(&handler("", "")).unwrap().digest().to_owned();
    bench.load(&handler("", "(nop)")).unwrap();
    let folder = bench.folder.path().join("code");
    let older = folder.join(format!("{wanted}-0011223344556677-0011223344556677.cwasm"));
    fs::write(&older, "").unwrap();
    fs::write(folder.join("notes.txt"), "").unwrap();
    bench.host.sweep_code(&[wanted.clone()].into()).unwrap();
    let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let (code, others): (Vec<_>, Vec<_>) = names.partition(|name| name.ends_with(".cwasm"));
    assert!(code.len() == 1 && code[0].starts_with(&wanted), "{code:?}");
    assert_eq!(others, ["notes.txt"], "what is no compiled code stays");
}

#[test]
fn a_file_that_cannot_be_read_says_so() {
    let bench = Bench::new();
    let missing = bench.folder.path().join("gone.wasm");
    let refusal = bench.host.load(&missing, None).err().unwrap();
    assert_eq!(refusal.code, RefusalCode::Io);
    assert!(bench.scrub(&refusal.message).starts_with("cannot read \"plugins/gone.wasm\": "), "{refusal}");
    let missing = bench.folder.path().join("gone.toml");
    assert_eq!(OperatorFile::read(&missing).unwrap_err().code, RefusalCode::Io);
}

#[test]
fn an_operators_file_that_is_too_long_is_refused_whole() {
    let bench = Bench::new();
    let long = bench.file("probe.toml", &[b'\n'; 64 * 1024 + 1]);
    let refusal = OperatorFile::read(&long).unwrap_err();
    assert!(refusal.message.ends_with("it is longer than 65536 bytes"), "{refusal}");
    let fits = bench.file("probe.toml", &[b'\n'; 64 * 1024]);
    OperatorFile::read(&fits).unwrap();
}
