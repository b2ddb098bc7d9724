//! Hostile plugins: small files that cost a host without bounds memory, time or its life.
//!
//! Tests call these functions; no such file is committed. Each is a whole plugin with a manifest and a
//! handler of the contract's type, so that nothing but the attack itself is a reason to refuse it. [`corpus`]
//! has one of each kind.

mod binary;
mod manifest;
mod starting;
mod text;

use std::fmt::Write;

use binary::{leb, nested, section};
pub use manifest::{filter_terms, huge_manifest, nested_filter, patterns, records, subscriptions};
pub use starting::{start_logs, start_loops, start_sends, start_sends_later, start_waits};
pub use text::plugin;

/// The author's manifest of every plugin here that is not about manifests. It asks for nothing.
pub const MANIFEST: &str = r#"
manifest = 1
name = "bomb"
version = "1.0.0"
[[subscriptions]]
handler = "bomb"
types = ["test.event"]
"#;

/// A hostile plugin and what to call it.
#[derive(Clone, Debug)]
pub struct Bomb {
    /// A file name without its ending. Manifests call all of them `bomb`.
    pub name: &'static str,
    /// The plugin's file.
    pub bytes: Vec<u8>,
}

/// One bomb of each kind, large enough to harm a host that lets it in.
#[must_use]
pub fn corpus() -> Vec<Bomb> {
    let bomb = |name, bytes| Bomb { name, bytes };
    vec![
        bomb("doubled-instances", doubled_instances(26)),
        bomb("doubled-instances-of-an-argument", doubled_arguments(26)),
        bomb("nested-components", nested_components(20_000)),
        bomb("components-beside-each-other", sibling_components(900)),
        bomb("many-locals", many_locals(50_000)),
        bomb("nested-loops", nested_loops(60_000)),
        bomb("core-instances", core_instances(2_000)),
        bomb("memories", memories(90)),
        bomb("tables", tables(90)),
        bomb("nested-types", nested_types(100_000)),
        bomb("nested-types-in-metadata", nested_types_in_metadata(100_000)),
        bomb("huge-manifest", huge_manifest(8 * 1024 * 1024)),
        bomb("filter-terms", filter_terms(300_000)),
        bomb("nested-filter", nested_filter(10_000)),
        bomb("subscriptions", subscriptions(10_000)),
        bomb("patterns", patterns(6_000)),
        bomb("manifest-records", records(10_000)),
        bomb("start-loops", start_loops()),
        bomb("start-waits", start_waits()),
        bomb("start-logs", start_logs()),
        bomb("start-sends", start_sends("127.0.0.1:9")),
    ]
}

/// Components of which each instantiates the one before twice, so that 2 to the power of `levels` instances
/// come of it: 2.6 KiB with 26 levels.
#[must_use]
pub fn doubled_instances(levels: u32) -> Vec<u8> {
    let mut text = String::from("(component $c0)");
    for level in 1..=levels {
        let before = format!("(instance (instantiate $c{}))", level - 1);
        write!(text, "(component $c{level} {before} {before})")
            .expect("a String takes what is written to it");
    }
    write!(text, "(instance (instantiate $c{levels}))").expect("a String takes what is written to it");
    plugin(&text, "", "", MANIFEST)
}

/// The same with components that are handed over as arguments: each instantiates twice what it imports.
#[must_use]
pub fn doubled_arguments(levels: u32) -> Vec<u8> {
    let mut text = String::from("(component $c0)");
    for level in 1..=levels {
        let before = level - 1;
        write!(
            text,
            r#"(component $c{level}
                 (component $twice (import "it" (component $it))
                   (instance (instantiate $it)) (instance (instantiate $it)))
                 (instance (instantiate $twice (with "it" (component $c{before})))))"#
        )
        .expect("a String takes what is written to it");
    }
    write!(text, "(instance (instantiate $c{levels}))").expect("a String takes what is written to it");
    plugin(&text, "", "", MANIFEST)
}

/// Components inside each other, `levels` deep: 233 KiB with 20,000 of them.
#[must_use]
pub fn nested_components(levels: usize) -> Vec<u8> {
    [plugin("", "", "", MANIFEST), nested(levels)].concat()
}

/// `count` empty components beside each other in each of four others.
#[must_use]
pub fn sibling_components(count: usize) -> Vec<u8> {
    let one = section(4, binary::COMPONENT);
    let group = section(4, &[binary::COMPONENT, &one.repeat(count)].concat());
    [plugin("", "", "", MANIFEST), group.repeat(4)].concat()
}

/// One function with `locals` locals, and a loop that carries one local into the next for each of them.
#[must_use]
pub fn many_locals(locals: u32) -> Vec<u8> {
    let mut code = Vec::new();
    for local in 1..locals {
        // loop; local.get; local.set; local.get; br_if 0; end
        code.extend([0x03, 0x40, 0x20]);
        code.extend(leb(local as usize));
        code.push(0x21);
        code.extend(leb(local as usize - 1));
        code.push(0x20);
        code.extend(leb(local as usize));
        code.extend([0x0d, 0x00, 0x0b]);
    }
    with_function(locals, &code)
}

/// One function whose loops stand inside each other, `levels` deep, and carry locals around.
#[must_use]
pub fn nested_loops(levels: u32) -> Vec<u8> {
    const LOCALS: u32 = 100;
    let mut code = Vec::new();
    for level in 0..levels {
        code.extend([0x03, 0x40, 0x20]);
        code.extend(leb((level % LOCALS) as usize));
        code.push(0x21);
        code.extend(leb(((level + 1) % LOCALS) as usize));
    }
    for level in 0..levels {
        code.push(0x20);
        code.extend(leb((level % LOCALS) as usize));
        code.extend([0x0d, 0x00, 0x0b]);
    }
    with_function(LOCALS, &code)
}

/// `count` functions of 60 loops inside each other: each is within every bound on one function, and all of
/// them together take a compiler as long as the caller wants.
#[must_use]
pub fn many_functions(count: usize) -> Vec<u8> {
    const LEVELS: usize = 60;
    let mut code = Vec::new();
    for level in 0..LEVELS {
        code.extend([0x03, 0x40, 0x20]);
        code.extend(leb(level));
        code.push(0x21);
        code.extend(leb(level + 1));
    }
    for level in 0..LEVELS {
        code.push(0x20);
        code.extend(leb(level));
        code.extend([0x0d, 0x00, 0x0b]);
    }
    with_functions(count, 100, &code)
}

/// A plugin with one more module, of one function that has `locals` locals of type i32 and `code`.
#[must_use]
pub fn with_function(locals: u32, code: &[u8]) -> Vec<u8> {
    with_functions(1, locals, code)
}

/// The same with `count` such functions.
fn with_functions(count: usize, locals: u32, code: &[u8]) -> Vec<u8> {
    let mut body = vec![1];
    body.extend(leb(locals as usize));
    body.push(0x7f);
    body.extend(code);
    body.push(0x0b);
    let mut function = leb(body.len());
    function.extend(body);
    let mut content = leb(count);
    content.extend(function.repeat(count));
    let mut types = leb(count);
    types.resize(types.len() + count, 0);
    let module = [
        binary::MODULE,
        // One type, () -> (), and the functions of it.
        &section(1, &[1, 0x60, 0, 0]),
        &section(3, &types),
        &section(10, &content),
    ]
    .concat();
    [plugin("", "", "", MANIFEST), section(1, &module)].concat()
}

/// A component that makes `count` instances of an empty module, 500 in each of the components it consists of.
#[must_use]
pub fn core_instances(count: usize) -> Vec<u8> {
    const EACH: usize = 500;
    let mut text = String::new();
    for made in (0..count).step_by(EACH) {
        let instances = "(core instance (instantiate $m))".repeat(EACH.min(count - made));
        write!(text, "(component $c{made} (core module $m) {instances}) (instance (instantiate $c{made}))")
            .expect("a String takes what is written to it");
    }
    plugin(&text, "", "", MANIFEST)
}

/// A component that makes `count` memories.
#[must_use]
pub fn memories(count: usize) -> Vec<u8> {
    let module = format!("(core module $many {})", "(memory 0)".repeat(count));
    plugin(&format!("{module} (core instance (instantiate $many))"), "", "", MANIFEST)
}

/// A component that makes `count` tables.
#[must_use]
pub fn tables(count: usize) -> Vec<u8> {
    let module = format!("(core module $many {})", "(table 1 funcref)".repeat(count));
    plugin(&format!("{module} (core instance (instantiate $many))"), "", "", MANIFEST)
}

/// Types of instances inside each other, `levels` deep. A reader that calls itself for each runs out of
/// stack.
#[must_use]
pub fn nested_types(levels: usize) -> Vec<u8> {
    [plugin("", "", "", MANIFEST), types(levels)].concat()
}

/// The same in the section by which a core module says what component is to be made of it.
#[must_use]
pub fn nested_types_in_metadata(levels: usize) -> Vec<u8> {
    let world = [binary::COMPONENT, &types(levels)].concat();
    let module = [binary::MODULE, &binary::custom("component-type:bomb", &world)].concat();
    binary::with_records(module, &[MANIFEST])
}

fn types(levels: usize) -> Vec<u8> {
    // An instance type of one declaration, a type, which is an instance type in turn.
    let mut content = vec![1];
    content.extend([0x42, 1, 1].repeat(levels));
    content.extend([0x42, 0]);
    section(7, &content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bombs_are_as_small_as_the_ones_that_were_found() {
        assert!(doubled_instances(26).len() < 4 * 1024, "{}", doubled_instances(26).len());
        let nested = nested_components(20_000).len();
        assert!((230_000..250_000).contains(&nested), "{nested}");
        let locals = many_locals(50_000).len();
        assert!(locals < 1024 * 1024, "{locals}");
    }

    #[test]
    fn every_bomb_has_a_name_of_its_own_and_is_webassembly() {
        let corpus = corpus();
        let names: std::collections::BTreeSet<&str> = corpus.iter().map(|bomb| bomb.name).collect();
        assert_eq!(names.len(), corpus.len());
        for Bomb { name, bytes } in corpus {
            assert!(bytes.starts_with(b"\0asm"), "{name}");
        }
    }
}
