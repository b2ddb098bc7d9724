//! Manifests: as an author's record in the `.wasm`, as the operator's file, and one over the other.

use std::path::Path;

use bolero::check;
use camshaft_host::{Manifest, OperatorFile, Refusal};

use super::{MOMENT, check_refusal};
use crate::edited::{Edited, corpus};

const WORDS: [&str; 16] = [
    "\n[policy]\n",
    "\n[[subscriptions]]\n",
    "\n[[commands]]\n",
    "records = [\"account.open\"]\n",
    "\n[limits]\n",
    "max_attempts = 0\n",
    "partitions = 70000\n",
    "\"18446744073709551616ms\"",
    "\"-1s\"",
    "\"**.a\"",
    "grants = [\"x\"]\n",
    "manifest = 2\n",
    "= 9223372036854775808",
    "{ not = { all = [] } }",
    "\"\\u0000\"",
    "\"\"\"",
];

#[test]
fn any_text_is_a_manifest_or_a_refusal() {
    check!(name = "manifest").with_iterations(1_000).for_each(check_both);
}

#[test]
fn an_edited_manifest_is_a_manifest_or_a_refusal() {
    let corpus = corpus("manifest");
    check!()
        .with_type::<(Edited, Edited)>()
        .with_test_time(MOMENT)
        .for_each(|(author, operator)| check(&author.of(&corpus, &WORDS), &operator.of(&corpus, &WORDS)));
}

/// The bytes as both files.
fn check_both(text: &[u8]) {
    check(text, text);
}

fn check(author: &[u8], operator: &[u8]) {
    let section = [&u32::try_from(author.len()).unwrap().to_le_bytes(), author].concat();
    check_assembled(assemble(std::slice::from_ref(&section), None));
    // The section's own lengths come from the file, too.
    check_assembled(assemble(&[author.to_vec()], None));
    let Ok(operator) = std::str::from_utf8(operator) else { return };
    match OperatorFile::parse(Path::new("stock.toml"), operator) {
        Ok(operator) => {
            check_assembled(assemble(&[], Some(&operator)));
            check_assembled(assemble(&[section], Some(&operator)));
        }
        Err(refusal) => check_refusal(&refusal),
    }
}

fn assemble(sections: &[Vec<u8>], operator: Option<&OperatorFile>) -> Result<Manifest, Refusal> {
    Manifest::assemble(Path::new("stock.wasm"), sections, operator)
}

/// What was taken keeps every bound that the runtime relies on.
fn check_assembled(assembled: Result<Manifest, Refusal>) {
    let manifest = match assembled {
        Ok(manifest) => manifest,
        Err(refusal) => return check_refusal(&refusal),
    };
    let Manifest { name, subscriptions, commands, policy, limits, .. } = &manifest;
    assert!(name.starts_with(|first: char| first.is_ascii_lowercase()) && name.len() <= 63, "{name:?}");
    assert!(name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')), "{name:?}");
    assert_ne!(subscriptions.is_empty(), commands.is_empty(), "a plugin is a handler or an aggregate");
    assert!(manifest.receives().iter().all(|one| !one.types.is_empty()));
    assert!(manifest.role().commands().iter().all(|command| !manifest.emits().contains(&**command)));
    assert!(policy.max_attempts >= 1 && policy.partitions >= 1, "{policy:?}");
    assert!(policy.backoff.base_ms <= policy.backoff.max_ms, "{policy:?}");
    assert!(limits.deadline_ms >= 1 && limits.memory_bytes >= 1, "{limits:?}");
}
