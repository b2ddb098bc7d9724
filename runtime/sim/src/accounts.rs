//! The scopes of the consumer that decides commands, and what folds of them are.
//!
//! The handlers fold by it, and the model folds all facts of a scope by it from the beginning.

use camshaft_event::{Event, Scope};

/// The type of its facts.
pub(crate) const MOVED: &str = "account.moved";

/// The kind of its scopes.
pub(crate) const ACCOUNT: &str = "account";

/// How many accounts there are.
pub(crate) const ACCOUNTS: u64 = 4;

/// The account with this number.
pub(crate) fn account(number: u64) -> Scope {
    Scope::new(ACCOUNT, &number.to_string()).expect("a number is an id")
}

/// Whether a state key is a scope.
pub(crate) fn is_account(key: &[u8]) -> bool {
    key.starts_with(ACCOUNT.as_bytes())
}

/// The fold of code of this revision after the facts with these ids: the revision, their number, and a
/// checksum that depends on their order.
pub(crate) fn fold<'i>(revision: u64, before: Option<&[u8]>, ids: impl Iterator<Item = &'i str>) -> Vec<u8> {
    let text = before.map_or("", |before| std::str::from_utf8(before).expect("a fold is text"));
    let mut parts = text.split(' ').skip(1).map(|part| part.parse().expect("a fold has two numbers"));
    let (mut count, mut sum): (u64, u64) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    for id in ids {
        count += 1;
        for byte in id.bytes() {
            sum = (sum * 31 + u64::from(byte) + revision) % 1_000_000_007;
        }
    }
    format!("r{revision} {count} {sum}").into_bytes()
}

/// The same after these events.
pub(crate) fn fold_events(revision: u64, before: Option<&[u8]>, facts: &[Event]) -> Vec<u8> {
    fold(revision, before, facts.iter().map(|fact| fact.id.as_str()))
}
