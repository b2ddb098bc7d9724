//! Hostile plugins: each is refused before it costs anything, by a bound that names itself.

use std::fs;

use camshaft_host::{Refusal, RefusalCode};
use camshaft_test_guests::bombs;

use crate::support::{Bench, ticking};

/// What each kind of bomb is refused with.
const REFUSALS: [(&str, RefusalCode, &str); 21] = [
    ("doubled-instances", RefusalCode::PluginTooComplex, "more than 1000 component instances"),
    ("doubled-instances-of-an-argument", RefusalCode::PluginTooComplex, "instantiates a component that"),
    (
        "nested-components",
        RefusalCode::PluginTooComplex,
        "more than 32 levels of components inside each other",
    ),
    ("components-beside-each-other", RefusalCode::PluginTooComplex, "more than 256 components"),
    ("many-locals", RefusalCode::PluginTooComplex, "more than 10000 locals in one function"),
    ("nested-loops", RefusalCode::PluginTooComplex, "more than 128 loops inside each other"),
    ("core-instances", RefusalCode::PluginTooComplex, "more than 64 instances of core modules"),
    ("memories", RefusalCode::PluginTooComplex, "more than 2 memories"),
    ("tables", RefusalCode::PluginTooComplex, "more than 4 tables"),
    ("nested-types", RefusalCode::PluginTooComplex, "more than 32 levels of types inside each other"),
    (
        "nested-types-in-metadata",
        RefusalCode::PluginTooComplex,
        "more than 32 levels of types inside each other",
    ),
    ("huge-manifest", RefusalCode::InvalidManifest, "more than the 65536 bytes that a manifest may have"),
    ("filter-terms", RefusalCode::InvalidManifest, "more than the 65536 bytes that a manifest may have"),
    ("nested-filter", RefusalCode::InvalidManifest, "recursion limit"),
    ("subscriptions", RefusalCode::InvalidManifest, "more than the 65536 bytes that a manifest may have"),
    (
        "patterns",
        RefusalCode::InvalidManifest,
        "6000 `types` in its subscriptions together; at most 1024 are allowed",
    ),
    ("manifest-records", RefusalCode::InvalidManifest, "more than 512 records"),
    ("start-loops", RefusalCode::InstantiationFailed, "could not be started within its limits"),
    ("start-waits", RefusalCode::CapabilityNotGranted, "\"http\", which is not granted"),
    ("start-logs", RefusalCode::InstantiationFailed, "could not be started within its limits"),
    ("start-sends", RefusalCode::CapabilityNotGranted, "\"http\", which is not granted"),
];

fn compiled(bench: &Bench) -> usize {
    fs::read_dir(bench.folder.path().join("code")).unwrap().count()
}

#[track_caller]
fn check(refusal: &Refusal, code: RefusalCode, part: &str) {
    assert!(refusal.code == code && refusal.message.contains(part), "{code} {part:?}: {refusal:?}");
}

#[test]
fn every_bomb_is_refused_and_what_is_known_by_the_file_alone_without_compiling_it() {
    let bench = Bench::new();
    let corpus = bombs::corpus();
    assert_eq!(corpus.len(), REFUSALS.len());
    for bombs::Bomb { name, bytes } in corpus {
        let (_, code, part) = REFUSALS.iter().find(|(bomb, ..)| *bomb == name).unwrap();
        let before = compiled(&bench);
        let refusal = ticking(&bench.host, || bench.refusal(&bytes));
        check(&refusal, *code, part);
        let compiles = usize::from(*code == RefusalCode::InstantiationFailed);
        assert_eq!(compiled(&bench) - before, compiles, "{name}");
    }
}

#[test]
fn what_lies_within_the_bounds_is_loaded_and_what_lies_just_beyond_them_is_not() {
    // The plugin around each has two core instances and one memory.
    for (what, within, beyond) in [
        ("components inside each other", bombs::nested_components(31), bombs::nested_components(32)),
        ("components", bombs::sibling_components(62), bombs::sibling_components(63)),
        ("component instances", bombs::doubled_instances(8), bombs::doubled_instances(9)),
        ("core instances", bombs::core_instances(62), bombs::core_instances(63)),
        ("memories", bombs::memories(1), bombs::memories(2)),
        ("tables", bombs::tables(4), bombs::tables(5)),
        ("types inside each other", bombs::nested_types(31), bombs::nested_types(32)),
        ("loops", bombs::nested_loops(128), bombs::nested_loops(129)),
        ("locals", bombs::with_function(10_000, &[]), bombs::with_function(10_001, &[])),
        ("locals times loops", bombs::many_locals(150), bombs::many_locals(1_002)),
        ("bytes", bombs::with_function(0, &[1; 2_000_000]), bombs::with_function(0, &[1; 2_100_000])),
    ] {
        let bench = Bench::new();
        if let Err(refusal) = bench.load(&within) {
            panic!("{what}: {refusal:?}");
        }
        check(
            &bench.refusal(&beyond),
            RefusalCode::PluginTooComplex,
            "is too complex to be compiled: it has more than",
        );
    }
}

#[test]
fn counts_of_small_things_are_bounded_too() {
    let plugin = |text: &str| bombs::plugin(text, "", "", bombs::MANIFEST);
    let exports: String = (0..500).map(|number| format!("(export \"f{number}\" (func))")).collect();
    let imports: String = (0..110)
        .map(|number| format!("(import \"wasi:cli/x{number}@0.2.0\" (instance (type $large)))"))
        .collect();
    let bench = Bench::new();
    for (text, part) in [
        ("(core module)".repeat(255), "more than 256 core modules"),
        ("(type (func))".repeat(100_001), "more than 100000 definitions in its components"),
        (format!("(core module {})", "(func)".repeat(200_001)), "more than 200000 functions"),
        (format!("(core module {})", "(global i32 (i32.const 0))".repeat(500_001)), "more than 500000 types"),
        (format!("(type $large (instance {exports})){imports}"), "more than 100000 imported names"),
        (
            format!(
                "(component $c {}) {}",
                "(type (func))".repeat(2_000),
                "(instance (instantiate $c))".repeat(51)
            ),
            "more than 100000 definitions, counted for each component instance",
        ),
    ] {
        check(&bench.refusal(&plugin(&text)), RefusalCode::PluginTooComplex, part);
    }
    assert_eq!(compiled(&bench), 0);
}

#[test]
fn a_refusal_that_is_known_comes_before_anything_is_compiled_or_run() {
    // Its start code would not end.
    let starts =
        |manifest: &str| bombs::plugin("", "", "(func $start (loop (br 0))) (start $start)", manifest);
    let asks = |keys: &str| starts(&bombs::MANIFEST.replace("version", &format!("{keys}\nversion")));
    let bench = Bench::new();
    for (plugin, operator, code) in [
        (asks("capabilities = ['http']"), "", RefusalCode::CapabilityNotGranted),
        (asks("capabilities = ['http']"), "grants = ['http']", RefusalCode::InvalidManifest),
        (asks("capabilities = ['teleport']"), "", RefusalCode::UnknownCapability),
        (asks("template = true"), "", RefusalCode::InvalidManifest),
        (starts(bombs::MANIFEST), "[limits]\nmemory = '3GiB'", RefusalCode::InvalidManifest),
        (starts(bombs::MANIFEST), "[limits]\ndeadline = '5m'", RefusalCode::InvalidManifest),
    ] {
        // No tick ends the start code: it must not begin.
        let refusal = bench.load_with(&plugin, operator).err().unwrap();
        assert_eq!(refusal.code, code, "{refusal:?}");
        assert_eq!(compiled(&bench), 0, "{refusal:?}");
    }
}

#[test]
fn as_many_plugins_of_the_largest_kind_run_as_there_may_be_instances() {
    let bench = Bench::new();
    let plugin = bench.load(&bombs::core_instances(62)).unwrap();
    let prepared = plugin.prepare::<crate::support::Attempt>().unwrap();
    let instances: Vec<_> = (0..16).map(|_| prepared.instantiate()).collect();
    assert!(instances.iter().all(Result::is_ok), "16 instances are allowed");
}
