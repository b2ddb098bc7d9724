//! The contract in `wit/` follows its own rules: it parses, every item is documented, and every variant is
//! extensible. Compatibility between releases is not checked here.

use std::{fs, path::Path};

use camshaft_guest_build::contract_files;
use wit_parser::{Resolve, Type, TypeDefKind, WorldItem};

fn contract() -> Resolve {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut resolve = Resolve::default();
    for version in ["v0.1", "v0.2"] {
        resolve.push_dir(wit.join(version)).expect("the contract parses");
    }
    resolve
}

/// Every named item of the contract, with its documentation if it has any.
fn items(resolve: &Resolve) -> Vec<(String, Option<&str>)> {
    let mut items = Vec::new();
    for (_, package) in &resolve.packages {
        items.push((package.name.to_string(), package.docs.contents.as_deref()));
    }
    for (_, world) in &resolve.worlds {
        items.push((world.name.clone(), world.docs.contents.as_deref()));
        for (key, item) in world.imports.iter().chain(&world.exports) {
            let name = format!("{}: {}", world.name, resolve.name_world_key(key));
            match item {
                // The interfaces that use an interface with only types import it, not the world itself.
                WorldItem::Interface { id, .. } if resolve.interfaces[*id].functions.is_empty() => {}
                WorldItem::Interface { docs, .. } => items.push((name, docs.contents.as_deref())),
                WorldItem::Function(function) => items.push((name, function.docs.contents.as_deref())),
                WorldItem::Type { .. } => {}
            }
        }
    }
    for (_, interface) in &resolve.interfaces {
        let scope = interface.name.clone().unwrap_or_default();
        items.push((scope.clone(), interface.docs.contents.as_deref()));
        for function in interface.functions.values() {
            items.push((format!("{scope}.{}", function.name), function.docs.contents.as_deref()));
        }
        for (name, id) in &interface.types {
            let definition = &resolve.types[*id];
            // A type of another interface has its documentation there.
            if matches!(definition.kind, TypeDefKind::Type(Type::Id(_))) {
                continue;
            }
            items.push((format!("{scope}.{name}"), definition.docs.contents.as_deref()));
            let parts: Vec<(&str, Option<&str>)> = match &definition.kind {
                TypeDefKind::Record(record) => {
                    record.fields.iter().map(|f| (&*f.name, f.docs.contents.as_deref())).collect()
                }
                TypeDefKind::Variant(variant) => {
                    variant.cases.iter().map(|c| (&*c.name, c.docs.contents.as_deref())).collect()
                }
                TypeDefKind::Enum(levels) => {
                    levels.cases.iter().map(|c| (&*c.name, c.docs.contents.as_deref())).collect()
                }
                _ => Vec::new(),
            };
            items.extend(parts.into_iter().map(|(part, docs)| (format!("{scope}.{name}.{part}"), docs)));
        }
    }
    items
}

#[test]
fn every_item_of_the_contract_is_documented() {
    let resolve = contract();
    let items = items(&resolve);
    assert!(items.len() > 60, "only {} items found", items.len());
    let silent: Vec<&String> =
        items.iter().filter(|(_, docs)| docs.is_none_or(str::is_empty)).map(|(name, _)| name).collect();
    assert!(silent.is_empty(), "without documentation: {silent:?}");
}

#[test]
fn every_variant_ends_with_other_and_its_text() {
    let resolve = contract();
    let mut variants = 0;
    for (_, definition) in &resolve.types {
        let TypeDefKind::Variant(variant) = &definition.kind else { continue };
        variants += 1;
        let last = variant.cases.last().expect("a variant has cases");
        assert_eq!(last.name, "other", "last case of {:?}", definition.name);
        assert_eq!(last.ty, Some(Type::String), "text of {:?}.other", definition.name);
    }
    assert!(variants >= 3, "only {variants} variants found");
}

/// The interfaces that the world imports, in ascending order, and its exports.
fn world(name: &str) -> (Vec<String>, Vec<String>) {
    let resolve = contract();
    let (id, _) = resolve.worlds.iter().find(|(_, world)| world.name == name).expect("the world exists");
    let world = &resolve.worlds[id];
    let interfaces = world.imports.iter().filter(|(_, item)| matches!(item, WorldItem::Interface { .. }));
    let mut imports: Vec<String> = interfaces.map(|(key, _)| resolve.name_world_key(key)).collect();
    imports.sort();
    (imports, world.exports.keys().map(|key| resolve.name_world_key(key)).collect())
}

#[test]
fn the_world_of_handlers_imports_the_five_interfaces_and_exports_handle() {
    let (imports, exports) = world("handler");
    assert_eq!(
        imports.join(" "),
        "camshaft:plugin/config@0.1.0 camshaft:plugin/context@0.1.0 camshaft:plugin/logging@0.1.0 \
         camshaft:plugin/publisher@0.1.0 camshaft:plugin/state@0.1.0 camshaft:plugin/types@0.1.0"
    );
    assert_eq!(exports, ["handle"]);
}

#[test]
fn the_world_of_aggregates_has_no_state_and_exports_decide_and_evolve() {
    let (imports, exports) = world("aggregate");
    assert_eq!(
        imports.join(" "),
        "camshaft:plugin/config@0.1.0 camshaft:plugin/context@0.1.0 camshaft:plugin/deciding@0.2.0 \
         camshaft:plugin/logging@0.1.0 camshaft:plugin/publisher@0.1.0 camshaft:plugin/scopes@0.2.0 \
         camshaft:plugin/types@0.1.0"
    );
    assert_eq!(exports, ["decide", "evolve"]);
}

#[test]
fn tools_accept_each_folder_that_camshaft_wit_writes() {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in contract_files() {
        let file = folder.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }
    for (place, world) in [("", "handler"), ("v0.2", "aggregate")] {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(folder.path().join(place)).unwrap();
        assert!(resolve.select_world(&[package], Some(world)).is_ok(), "{world}");
    }
}
