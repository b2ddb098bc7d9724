//! Prints events for `read` and `tail`: the received line of JSON, or a line for people.

use camshaft_wire::ErrorCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{failure::Failure, output, terminal};
use crate::text;

/// The parts of an event in a line for people. `--json` prints all of them.
#[derive(Deserialize)]
struct Shown {
    offset: String,
    #[serde(rename = "type")]
    event_type: String,
    #[serde(default)]
    time: Option<String>,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    partitionkey: Option<String>,
    #[serde(default)]
    data: Option<Box<RawValue>>,
    #[serde(default)]
    data_base64: Option<String>,
}

/// Prints an event that was received as a line of JSON.
pub fn print(line: &str, json: bool) -> Result<(), Failure> {
    if json {
        return output::json_line(line);
    }
    let text = shown(line)?;
    match terminal::width() {
        Some(width) if text.chars().count() > width => {
            let cut: String = text.chars().take(width.saturating_sub(1)).collect();
            output::line(&format!("{cut}…"))
        }
        _ => output::line(&text),
    }
}

/// The offset of an event that was received as a line of JSON.
pub fn offset(line: &str) -> Result<u64, Failure> {
    #[derive(Deserialize)]
    struct Placed {
        offset: String,
    }
    let placed = serde_json::from_str::<Placed>(line).ok().and_then(|placed| placed.offset.parse().ok());
    placed.ok_or_else(|| Failure::new(ErrorCode::UnexpectedAnswer, "an event in the answer has no offset"))
}

fn shown(line: &str) -> Result<String, Failure> {
    let shown: Shown = serde_json::from_str(line).map_err(|error| {
        Failure::new(ErrorCode::UnexpectedAnswer, format!("a line of the answer is not an event: {error}"))
    })?;
    let time = shown.time.as_deref().unwrap_or("-");
    let key = shown.partitionkey.or(shown.subject);
    let data = match (&shown.data, shown.data_base64) {
        (Some(data), _) => data.get().to_owned(),
        (None, Some(base64)) => format!("base64:{base64}"),
        (None, None) => "-".to_owned(),
    };
    let Shown { offset, event_type, .. } = shown;
    let key = text::line(key.as_deref().unwrap_or("-"));
    let (offset, time) = (text::line(&offset), text::line(time));
    let (event_type, data) = (text::line(&event_type), text::line(&data));
    Ok(format!("{offset:>6}  {time:<24}  {event_type:<20}  {key:<12}  {data}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_people_has_offset_time_type_key_and_data() {
        let line = r#"{"specversion":"1.0","id":"1","source":"/shop","type":"order.placed","subject":"c-9","time":"2026-01-31T12:00:00Z","offset":"17","data":{"sku": "pen"}}"#;
        assert_eq!(
            shown(line).unwrap(),
            "    17  2026-01-31T12:00:00Z      order.placed          c-9           {\"sku\": \"pen\"}"
        );
        assert_eq!(offset(line).unwrap(), 17);
    }

    #[test]
    fn an_event_makes_no_second_line_and_reverses_none() {
        let line =
            r#"{"type":"a.b\u202e","offset":"7","partitionkey":"k\n     8  FORGED","data":"\u009b31m"}"#;
        let shown = shown(&line.replace("\\u009b", "\u{9b}")).unwrap();
        for escaped in ["  a.b\\u{202e}  ", "  k\\n     8  FORGED  ", "  \"\\u{9b}31m\""] {
            assert!(shown.contains(escaped), "{shown}");
        }
        assert!(shown.is_ascii() && !shown.contains('\n'), "{shown}");
    }

    #[test]
    fn what_an_event_lacks_is_a_dash_and_bytes_stay_encoded() {
        let line =
            r#"{"id":"1","source":"/s","type":"a.b","offset":"0","partitionkey":"k","data_base64":"AQ=="}"#;
        assert_eq!(
            shown(line).unwrap().split_whitespace().collect::<Vec<_>>(),
            ["0", "-", "a.b", "k", "base64:AQ=="]
        );
        assert_eq!(shown("{}").unwrap_err().code(), ErrorCode::UnexpectedAnswer);
    }
}
