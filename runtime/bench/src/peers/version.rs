//! Which version a peer's program is, from what it prints.

use std::path::Path;
use std::process::Command;

/// The version of `program`, or why it is not known.
pub(super) fn of(program: &Path) -> String {
    match Command::new(program).arg("--version").output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            found(&text).map_or_else(|| format!("unknown: it says {:?}", text.trim()), ToOwned::to_owned)
        }
        Err(error) => format!("unknown: {error}"),
    }
}

/// The first word that looks like a version: numbers with dots, perhaps after `v` or `v=`.
fn found(text: &str) -> Option<&str> {
    let words = text.split_whitespace().map(|word| word.trim_start_matches('v').trim_start_matches('='));
    words.into_iter().find(|word| {
        let mut numbers = word.split('.');
        numbers.clone().count() >= 2 && numbers.all(|number| number.parse::<u32>().is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_peers_print() {
        let check = |text: &str, version: Option<&str>| assert_eq!(found(text), version, "{text}");
        check("nats-server: v2.15.1\n", Some("2.15.1"));
        check("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", Some("7.0.15"));
        check("no version at all. None", None);
    }
}
