//! What is allowed in a manifest but probably not meant.
//!
//! It is told from names alone. Whether events have the key that keeps them in order, and whether what a
//! handler publishes is declared, shows only when it runs: `camshaft test` says that.

use camshaft_event::TypePattern;

use crate::Manifest;

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
    warnings
}

/// Whether the first segment is a verb in the imperative, or the last one begins with one: `send.email`,
/// `order.place`, `mail.send-welcome`. An event is in the past tense. Types of one segment have no subject,
/// and are judged as the last one.
fn sounds_like_a_command(event_type: &str) -> bool {
    let last = event_type.rsplit('.').next().unwrap_or(event_type);
    let first_word = last.split(['-', '_']).next().unwrap_or(last);
    let first = event_type.split_once('.').map(|(first, _)| first);
    LAST.contains(&first_word) || first.is_some_and(|first| FIRST.contains(&first))
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
    fn the_lists_are_in_order() {
        assert!(LAST.is_sorted() && FIRST.is_sorted());
        assert!(FIRST.iter().all(|verb| LAST.contains(verb)));
    }
}
