//! Manifests that cost more than they say.

use std::fmt::Write;

use super::{MANIFEST, binary, plugin};

/// A comment of `bytes` bytes.
#[must_use]
pub fn huge_manifest(bytes: usize) -> Vec<u8> {
    plugin("", "", "", &format!("{MANIFEST}# {}\n", "x".repeat(bytes)))
}

/// One filter with `count` terms.
#[must_use]
pub fn filter_terms(count: usize) -> Vec<u8> {
    let terms = "{exact={a='b'}},".repeat(count);
    plugin("", "", "", &format!("{MANIFEST}filter = {{ any = [{terms}] }}\n"))
}

/// One filter that denies a filter that denies a filter, `levels` deep.
#[must_use]
pub fn nested_filter(levels: usize) -> Vec<u8> {
    plugin("", "", "", &format!("{MANIFEST}filter.{}exact = {{ a = 'b' }}\n", "not.".repeat(levels)))
}

/// `count` subscriptions to different types.
#[must_use]
pub fn subscriptions(count: usize) -> Vec<u8> {
    let mut manifest = MANIFEST.to_owned();
    for number in 1..count {
        write!(manifest, "[[subscriptions]]\nhandler='h{number}'\ntypes=['t{number}']\n")
            .expect("a String takes what is written to it");
    }
    plugin("", "", "", &manifest)
}

/// One subscription to `count` types, half of them with wildcards.
#[must_use]
pub fn patterns(count: usize) -> Vec<u8> {
    let mut types = String::new();
    for number in 0..count / 2 {
        write!(types, "'a{number}','**',").expect("a String takes what is written to it");
    }
    plugin("", "", "", &MANIFEST.replace("\"test.event\"", &types))
}

/// A manifest in `count` records, all but one of them empty.
#[must_use]
pub fn records(count: usize) -> Vec<u8> {
    let whole = plugin("", "", "", MANIFEST);
    binary::with_records(whole, &vec![""; count - 1])
}
