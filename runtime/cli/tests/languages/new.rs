//! `camshaft new` and the next steps that it suggests, in each language.

use std::fs;

use tempfile::tempdir;

use crate::{
    does,
    process::{Runtime, write},
    repository, said, target,
};

/// Creates a plugin, runs its unit tests with `unit_tests`, builds it, and runs it in a runtime.
fn check(language: &str, unit_tests: &[&[&str]], passed: &str) {
    let folder = tempdir().unwrap();
    // Names must differ, because all plugins share one target folder.
    let name = format!("totals-{language}");
    let made = said(folder.path(), &format!("new {name} --lang {language}")).ends_with(0);
    assert_eq!(made.stdout, format!("{name}\n"));
    assert!(
        made.stderr.contains(&format!("cd {name}")) && made.stderr.contains("camshaft build"),
        "{made:?}"
    );
    let folder = folder.path().join(&name);
    // Use the dependency versions of this repository, which are already downloaded.
    if language == "rust" {
        fs::copy(repository().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    }

    let told: String = unit_tests.iter().map(|line| does(&folder, line[0], &line[1..])).collect();
    assert!(told.contains(passed), "{told}");

    said(&folder, "test").ends_with(0).prints("2 passed, 0 failed");

    let built = said(&folder, "build").ends_with(0);
    assert!(built.stdout.starts_with(&format!("{name}.wasm\n{name} 0.1.0\n")), "{built:?}");
    assert!(built.stdout.contains("order.placed with add"), "{built:?}");

    // No tool produces the same bytes twice, so equal output means that the component was not rebuilt.
    assert_eq!(said(&folder, "build").ends_with(0).stdout, built.stdout);

    let runtime = Runtime::start(&folder, &["--plugins", "."]);
    let order = |id: u32, cents: u32| {
        format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"/shop","type":"order.placed","subject":"ada","data":{{"customer":"ada","cents":{cents}}}}}"#
        )
    };
    write(&folder, "orders.ndjson", &[order(1, 1500), order(2, 0), order(3, 250)].join("\n"));
    runtime.said(&folder, "publish orders.ndjson").ends_with(0);
    runtime.until(&folder, "dead-letters list", |listed| listed.contains("an order needs an amount"));
    runtime.said(&folder, &format!("dead-letters discard --consumer {name} --all --yes")).ends_with(0);
    runtime.until(&folder, &format!("state get {name} ada"), |value| value == "1750\n");
    let published = runtime.said(&folder, "read --type total.changed --json").ends_with(0).stdout;
    assert_eq!(published.lines().count(), 2, "{published}");
    assert!(published.contains(r#"{"customer":"ada","cents":1750}"#), "{published}");
    assert!(runtime.stop().0.success());
}

#[test]
fn a_new_plugin_in_rust_is_tested_built_and_run() {
    check("rust", &[&["cargo", "test"]], "test result: ok. 2 passed");
}

#[test]
fn a_new_aggregate_is_tested_built_and_decides_commands() {
    let folder = tempdir().unwrap();
    said(folder.path(), "new teller --world aggregate").ends_with(0);
    let refused = said(folder.path(), "new other --world aggregate --lang python").ends_with(2);
    assert!(refused.stderr.contains("an aggregate cannot be written in"), "{refused:?}");
    let folder = folder.path().join("teller");
    fs::copy(repository().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let told = does(&folder, "cargo", &["test"]);
    assert!(told.contains("test result: ok. 2 passed"), "{told}");
    let built = said(&folder, "build").ends_with(0);
    assert!(built.stdout.starts_with("teller.wasm\nteller 0.1.0\n"), "{built:?}");
    let runtime = Runtime::start(&folder, &["--plugins", "."]);
    runtime.until(&folder, "plugins", |listed| listed.contains("active"));
    for balance in ["500", "1000"] {
        let sent = runtime.said(&folder, r#"send account.deposit {"cents":500} --subject ada"#).ends_with(0);
        assert!(sent.stdout.contains(balance), "{sent:?}");
    }
    runtime.until(&folder, "scopes teller", |listed| listed.contains("account/ada"));
    assert!(runtime.stop().0.success());
}

#[test]
fn a_new_plugin_in_javascript_is_tested_built_and_run() {
    check("javascript", &[&["npm", "install"], &["npm", "test"]], "pass 2");
}

#[test]
fn an_engine_that_was_kept_and_is_damaged_is_made_anew() {
    let folder = tempdir().unwrap();
    said(folder.path(), "new totals-damaged --lang javascript").ends_with(0);
    let folder = folder.path().join("totals-damaged");
    let edited = |text: &str| {
        let code = fs::read_to_string(folder.join("plugin.js")).unwrap();
        write(&folder, "plugin.js", &format!("{code}\n// {text}\nglobalThis.edited = {text:?};\n"));
        said(&folder, "build").ends_with(0);
    };
    edited("once");
    let kept = target().join("guests/tools/javascript/spliced");
    let engines = || -> Vec<_> {
        let folders = fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().path().join("engine.wasm"));
        folders.filter(|engine| engine.is_file()).collect()
    };
    let engine = |bytes: &[u8]| engines().iter().for_each(|engine| fs::write(engine, bytes).unwrap());
    assert!(!engines().is_empty());
    engine(b"\0asm");
    edited("twice");
    assert!(engines().iter().any(|engine| fs::metadata(engine).unwrap().len() > 1 << 20));
    // Only the compiled code of the last of two builds is kept.
    let code = fs::read_dir(target().join("guests/components/code/totals-damaged")).unwrap();
    let compiled = |path: std::path::PathBuf| path.extension().is_some_and(|ending| ending == "cwasm");
    assert_eq!(code.filter(|entry| compiled(entry.as_ref().unwrap().path())).count(), 1);
}

#[test]
fn a_new_plugin_in_typescript_is_tested_built_and_run() {
    check("typescript", &[&["npm", "install"], &["npm", "test"]], "pass 2");
}

#[test]
fn a_new_plugin_in_python_is_tested_built_and_run() {
    check("python", &[&["python3", "-m", "unittest"]], "Ran 2 tests");
}

#[test]
fn a_folder_that_holds_something_is_left_alone() {
    let folder = tempdir().unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    said(folder.path(), "new empty").ends_with(0);
    assert!(folder.path().join("empty/vendor/sdk/src/lib.rs").is_file());
    fs::create_dir(folder.path().join("full")).unwrap();
    write(&folder.path().join("full"), "mine", "");
    write(folder.path(), "file", "");
    for name in ["full", "file"] {
        said(folder.path(), &format!("new {name}"))
            .ends_with(2)
            .says(&format!("\"{name}\" exists and is not an empty folder [output-unwritable]"));
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "no draft is left");
    said(folder.path(), "new Stock").ends_with(2).says("[wrong-usage]").says("`camshaft new stock`");
    said(folder.path(), "new stock --lang cobol").ends_with(2).says("rust, javascript, typescript, python");
}

#[test]
fn everything_that_was_made_is_listed_as_json() {
    let folder = tempdir().unwrap();
    let made = said(folder.path(), "new stock --lang python --json").ends_with(0).stdout;
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    assert_eq!(made["folder"], "stock");
    let files = made["files"].as_array().unwrap();
    for file in files {
        assert!(folder.path().join(file.as_str().unwrap()).is_file(), "{file}");
    }
    assert!(files.iter().any(|file| file == "stock/vendor/wit/v0.1/world.wit"), "{files:?}");
}
