//! The contract in `wit/` follows its own rules: it parses, every item is documented, and every variant is
//! extensible. Compatibility between releases is not checked here.

use std::path::Path;

use wit_parser::{Resolve, TypeDefKind, WorldItem};

fn contract() -> Resolve {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/v0.1");
    let mut resolve = Resolve::default();
    resolve.push_dir(&folder).expect("the contract parses");
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
    assert!(items.len() > 40, "only {} items found", items.len());
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
        assert_eq!(last.ty, Some(wit_parser::Type::String), "text of {:?}.other", definition.name);
    }
    assert!(variants >= 3, "only {variants} variants found");
}

#[test]
fn the_world_for_authors_imports_the_five_interfaces_and_exports_handle() {
    let resolve = contract();
    let (id, _) = resolve.worlds.iter().find(|(_, w)| w.name == "handler").expect("world `handler`");
    let world = &resolve.worlds[id];
    let names = |items: &[String]| items.join(" ");
    let mut imports: Vec<String> = world
        .imports
        .iter()
        .filter(|(_, item)| matches!(item, WorldItem::Interface { .. }))
        .map(|(key, _)| resolve.name_world_key(key))
        .collect();
    imports.sort();
    assert_eq!(
        names(&imports),
        "camshaft:plugin/config@0.1.0 camshaft:plugin/context@0.1.0 camshaft:plugin/logging@0.1.0 \
         camshaft:plugin/publisher@0.1.0 camshaft:plugin/state@0.1.0 camshaft:plugin/types@0.1.0"
    );
    let exports: Vec<String> = world.exports.keys().map(|key| resolve.name_world_key(key)).collect();
    assert_eq!(names(&exports), "handle");
}
