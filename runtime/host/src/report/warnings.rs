//! What is allowed in a manifest but probably not meant.
//!
//! It is told from names alone. Whether events have the key that keeps them in order, and whether what a
//! handler publishes is declared, shows only when it runs: `camshaft test` says that.

use std::collections::BTreeSet;

use camshaft_event::TypePattern;

use crate::{CommandDeclaration, Manifest};

/// Verbs that tell somebody to do something, wherever they begin a name's last segment.
const LAST: [&str; 46] = [
    "add", "apply", "approve", "assign", "book", "build", "cancel", "capture", "charge", "check", "close",
    "complete", "confirm", "create", "delete", "deliver", "do", "execute", "fetch", "generate", "get",
    "handle", "import", "make", "notify", "open", "pay", "place", "process", "publish", "refund", "register",
    "reject", "remove", "rename", "reserve", "retry", "run", "send", "set", "ship", "start", "stop",
    "submit", "update", "validate",
];

/// Those of them that are no names of things, and so mean the same as a name's first segment: `send.email`.
const FIRST: [&str; 28] = [
    "add", "apply", "approve", "assign", "cancel", "confirm", "create", "delete", "deliver", "do", "execute",
    "fetch", "generate", "get", "handle", "make", "notify", "pay", "publish", "register", "reject", "remove",
    "reserve", "run", "send", "submit", "update", "validate",
];

/// Past tenses that do not end in "ed".
const PAST: [&str; 44] = [
    "begun",
    "born",
    "bought",
    "bound",
    "broken",
    "brought",
    "built",
    "caught",
    "chosen",
    "done",
    "drawn",
    "fallen",
    "found",
    "frozen",
    "given",
    "gone",
    "grown",
    "held",
    "kept",
    "known",
    "left",
    "lent",
    "lost",
    "made",
    "met",
    "paid",
    "risen",
    "sent",
    "shown",
    "shrunk",
    "shut",
    "sold",
    "spent",
    "stolen",
    "sunk",
    "taken",
    "taught",
    "told",
    "torn",
    "undone",
    "withdrawn",
    "won",
    "worn",
    "written",
];

/// Words that are imperatives and past tenses alike.
const BOTH: [&str; 9] = ["bid", "cut", "hit", "let", "put", "read", "reset", "set", "split"];

/// Imperatives that end in "ed".
const NOT_PAST: [&str; 10] =
    ["embed", "exceed", "feed", "need", "proceed", "seed", "shed", "speed", "succeed", "weed"];

/// The warnings about `manifest`.
pub fn of(manifest: &Manifest) -> Vec<String> {
    let mut warnings = manifest.unused_grants();
    // The types of a subscription with `commands` may well be those of commands.
    let of_events = manifest.subscriptions.iter().filter(|subscription| !subscription.commands);
    let handled = of_events.flat_map(|subscription| &subscription.types);
    let handled =
        handled.filter_map(TypePattern::exact).filter(|handled| !manifest.publishes.contains(*handled));
    let names = manifest.publishes.iter().map(String::as_str).chain(handled);
    for event_type in names.filter(|event_type| sounds_like_a_command(event_type)) {
        warnings.push(format!(
            "\"{event_type}\" sounds like a command; name what happened, such as \"order.placed\""
        ));
    }
    for subscription in &manifest.subscriptions {
        let own = manifest
            .publishes
            .iter()
            .find(|event_type| subscription.types.iter().any(|pattern| pattern.matches(event_type)));
        if let Some(event_type) = own {
            warnings
                .push(format!("it handles \"{event_type}\", which it also publishes: it may loop forever"));
        }
    }
    warnings.extend(of_commands(manifest));
    warnings
}

/// The warnings about the commands of an aggregate and their facts.
fn of_commands(manifest: &Manifest) -> Vec<String> {
    let mut warnings = Vec::new();
    for CommandDeclaration { command_type, scope, .. } in &manifest.commands {
        if first_word(command_type).is_some_and(|word| is_past(word) && !BOTH.contains(&word)) {
            warnings.push(format!(
                "the command \"{command_type}\" sounds like a fact; name what to do, such as \"order.place\""
            ));
        }
        if scope.is_none() {
            warnings.push(format!(
                "the command \"{command_type}\" has no `scope`, so its sender cannot expect a version of one"
            ));
        }
    }
    let facts = manifest.commands.iter().flat_map(|command| &command.records).collect::<BTreeSet<_>>();
    for fact in facts.into_iter().filter(|fact| !words(fact).any(is_past)) {
        warnings.push(format!(
            "the fact \"{fact}\" is not in the past tense; name what happened, such as \"order.placed\""
        ));
    }
    warnings
}

/// The words of the last segment of a type.
fn words(event_type: &str) -> impl Iterator<Item = &str> {
    event_type.rsplit('.').next().unwrap_or(event_type).split(['-', '_'])
}

fn first_word(event_type: &str) -> Option<&str> {
    words(event_type).next()
}

/// Whether a word may be a past tense.
fn is_past(word: &str) -> bool {
    let is_regular = word.ends_with("ed") && !NOT_PAST.contains(&word);
    is_regular || PAST.contains(&word) || BOTH.contains(&word)
}

/// Whether the first segment is a verb in the imperative, or the last one begins with one: `send.email`,
/// `order.place`, `mail.send-welcome`. An event is in the past tense. Types of one segment have no subject,
/// and are judged as the last one.
fn sounds_like_a_command(event_type: &str) -> bool {
    let first_word = first_word(event_type);
    let first = event_type.split_once('.').map(|(first, _)| first);
    first_word.is_some_and(|word| LAST.contains(&word)) || first.is_some_and(|first| FIRST.contains(&first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imperatives_sound_like_commands_and_past_tenses_and_things_do_not() {
        for command in ["order.place", "send.email", "mail.send-welcome", "shop.order.cancel", "notify"] {
            assert!(sounds_like_a_command(command), "{command}");
        }
        for event in
            ["order.placed", "email.sent", "order.delayed", "stock.low", "report.created", "release.built"]
        {
            assert!(!sounds_like_a_command(event), "{event}");
        }
    }

    #[test]
    fn a_past_tense_ends_in_ed_or_is_a_known_one() {
        for fact in
            ["order.placed", "email.sent", "user.signed-up", "stock.sold_out", "limit.set", "x.embedded"]
        {
            assert!(words(fact).any(is_past), "{fact}");
        }
        for other in ["order.place", "email.send", "bird.feed", "order.total", "placed.order"] {
            assert!(!words(other).any(is_past), "{other}");
        }
    }

    #[test]
    fn the_lists_are_in_order() {
        assert!(LAST.is_sorted() && FIRST.is_sorted());
        assert!(PAST.is_sorted() && BOTH.is_sorted() && NOT_PAST.is_sorted());
        assert!(FIRST.iter().all(|verb| LAST.contains(verb)));
    }
}
