//! `camshaft dead-letters show`: all recorded facts about one dead letter.

use camshaft_wire::DeadLetterView;

use super::{
    super::{
        client::{Client, path},
        failure::Failure,
        output,
        table::{sheet, time},
    },
    Id,
};
use crate::text;

pub fn show(client: &Client, id: &Id, json: bool) -> Result<(), Failure> {
    let letter: DeadLetterView =
        client.get(&path(&["dead-letters", &id.consumer, &id.offset.to_string()]))?;
    if json {
        return output::json(&letter);
    }
    output::print(&shown(&letter))?;
    let id = &letter.summary.id;
    output::hint(&format!(
        "Run `camshaft dead-letters redrive {id}` to retry it, `camshaft dead-letters discard {id}` to drop it."
    ));
    Ok(())
}

fn shown(letter: &DeadLetterView) -> String {
    let summary = &letter.summary;
    let attempts = letter.history.iter().map(|attempt| {
        let error = attempt.error.trim_end().replace('\n', "\n  ");
        format!("attempt {}, {}, {}\n  {error}", attempt.attempt, time(attempt.at), attempt.cause)
    });
    // Text from plugins and producers stays on one line. The only exception is an attempt's error, which is
    // indented further than the program's own text.
    let waiting = letter
        .waiting_events
        .iter()
        .map(|event| text::line(&format!("{} {} {}", event.offset, event.event_type, event.id)).into_owned());
    let inputs = letter.inputs.state.iter();
    let inputs = inputs.map(|input| text::line(&format!("{} = {}", input.key, input.value)).into_owned());
    let plugin = (!letter.digest.is_empty()).then(|| format!("{} {}", letter.version, letter.digest));
    sheet([
        ("id", Some(summary.id.clone())),
        ("since", Some(time(summary.at))),
        ("reason", Some(format!("{}: {}", summary.reason, summary.error))),
        ("key", summary.key.as_deref().map(|key| text::line(key).into_owned())),
        ("attempts", Some(summary.attempts.to_string())),
        ("redrives", Some(summary.redrives.to_string())),
        ("plugin", plugin),
        ("event", Some(letter.event.get().to_owned())),
        ("history", lines(attempts)),
        ("state read", lines(inputs)),
        ("waiting", Some(summary.waiting.to_string())),
        ("first", lines(waiting)),
    ])
}

fn lines(items: impl Iterator<Item = String>) -> Option<String> {
    let text = items.collect::<Vec<_>>().join("\n");
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use camshaft_event::{Event, Offset, Timestamp};

    use super::{super::tests::letter, *};
    use camshaft_wire::{AttemptView, InputView, InputsView, WaitingView};

    #[test]
    fn a_dead_letter_is_shown_with_its_event_its_attempts_and_what_waits() {
        let event = Event {
            id: "1".into(),
            source: "/shop".into(),
            event_type: "order.placed".into(),
            subject: Some("o-17".into()),
            data: br#"{"sku":"A1"}"#.to_vec(),
            ..Event::default()
        };
        let shown = shown(&DeadLetterView {
            summary: letter(),
            event: DeadLetterView::event_json(&event, Offset(17)),
            history: vec![AttemptView {
                attempt: 1,
                at: Timestamp(1_769_860_800_000),
                activation: 3,
                cause: "reject".into(),
                error: "not enough stock\nat reserve_stock".into(),
            }],
            digest: "0f".repeat(32),
            version: "1.2.0".into(),
            inputs: InputsView { state: vec![InputView::new(b"A1", Some(&[0]))], ..InputsView::default() },
            waiting_events: vec![WaitingView {
                offset: Offset(18),
                id: "2".into(),
                event_type: "order.cancelled".into(),
            }],
        });
        insta::assert_snapshot!(shown, @r#"
        id          stock:17
        since       2026-01-31T12:00:00Z
        reason      reject: not enough stock
        key         o-17
        attempts    1
        redrives    0
        plugin      1.2.0 0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f
        event       {"specversion":"1.0","id":"1","source":"/shop","type":"order.placed","subject":"o-17","offset":"17","data":{"sku":"A1"}}
        history     attempt 1, 2026-01-31T12:00:00Z, reject
                      not enough stock
                      at reserve_stock
        state read  A1 = 0
        waiting     2
        first       18 order.cancelled 2
        "#);
    }
}
