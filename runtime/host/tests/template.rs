//! Templates: ready-made code that becomes a plugin by its operator's file alone, as often as there are
//! files.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up shall stop")]

use camshaft_host::{Host, HostOptions, OperatorFile, Plugin, Refusal, RefusalCode};
use tempfile::TempDir;

#[path = "host/support.rs"]
#[expect(dead_code, reason = "most of it is for guests that run")]
mod support;

const AUTHOR: &str = "manifest = 1\nname = 'shape'\nversion = '1.0.0'\ntemplate = true\n[[subscriptions]]\n\
                      handler = 'shape'\ntypes = ['**']\n[config]\ncase = 'lower'\n";

fn host(folder: &TempDir) -> Host {
    Host::new(HostOptions::new(folder.path().join("cache"))).unwrap()
}

fn load(folder: &TempDir, author: &str, operator: Option<&str>) -> Result<Plugin, Refusal> {
    let file = folder.path().join("orders.wasm");
    let module = support::module("", r#"(func (export "handle") (param i32) (result i32) (i32.const 64))"#);
    std::fs::write(&file, support::with_manifest(module, &[author])).unwrap();
    let operator =
        operator.map(|text| OperatorFile::parse(&file.with_extension("toml"), text)).transpose()?;
    host(folder).load(&file, operator.as_ref())
}

#[test]
fn the_operator_names_a_template_and_says_what_it_takes_and_publishes() {
    let folder = tempfile::tempdir().unwrap();
    let operator = "name = 'orders'\npublishes = ['order.shaped']\nstart = 'latest'\n[[subscriptions]]\n\
                    handler = 'shape'\ntypes = ['order.*']\n[config]\nfield = 'id'";
    let plugin = load(&folder, AUTHOR, Some(operator)).unwrap();
    let manifest = plugin.manifest();
    assert_eq!((manifest.name.as_str(), manifest.version.as_str()), ("orders", "1.0.0"));
    assert_eq!(manifest.subscriptions.len(), 1);
    assert_eq!(manifest.subscriptions[0].types[0].to_string(), "order.*");
    assert!(manifest.publishes.contains("order.shaped"));
    assert_eq!(manifest.config["case"], "lower");
    assert_eq!(manifest.config["field"], "id");
}

#[test]
fn a_template_alone_is_refused_with_what_to_write_but_can_be_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    for operator in [None, Some("name = 'orders'")] {
        let refusal = load(&folder, AUTHOR, operator).err().unwrap();
        assert_eq!(refusal.code, RefusalCode::InvalidManifest);
        assert!(refusal.message.contains("is a template"), "{refusal}");
        assert!(
            refusal.hint.contains("[[subscriptions]] into") && refusal.hint.contains("orders.toml"),
            "{refusal:?}"
        );
    }
    let (plugin, lacking) = host(&folder).examine(&folder.path().join("orders.wasm"), None).unwrap();
    assert_eq!(plugin.manifest().name, "shape");
    assert!(lacking.unwrap().message.contains("is a template"));
}

#[test]
fn no_other_plugin_is_renamed_or_given_other_events() {
    let folder = tempfile::tempdir().unwrap();
    let author = AUTHOR.replace("template = true\n", "");
    for (operator, key) in [
        ("name = 'orders'", "`name`"),
        ("[[subscriptions]]\nhandler = 'shape'\ntypes = ['a']", "`subscriptions`"),
        ("publishes = ['a']", "`publishes`"),
    ] {
        let refusal = load(&folder, &author, Some(operator)).err().unwrap();
        assert!(refusal.message.contains(key) && refusal.message.contains("its own manifest"), "{refusal}");
    }
}

#[test]
fn what_a_template_does_not_have_cannot_be_given_to_it() {
    let folder = tempfile::tempdir().unwrap();
    for (operator, words) in [
        (
            "[[subscriptions]]\nhandler = 'other'\ntypes = ['a']",
            "the handler \"other\", which the plugin does not have",
        ),
        ("version = '2'", "`version`"),
        ("capabilities = ['http']", "`capabilities`"),
        ("template = false", "`template`"),
    ] {
        let refusal = load(&folder, AUTHOR, Some(operator)).err().unwrap();
        assert!(refusal.message.contains(words), "{words}: {refusal}");
    }
}
