//! The events that are published, the same for every contender, made from their numbers alone.

use camshaft::Event;

/// The source of all of them.
pub const SOURCE: &str = "/bench";

/// Their type.
pub const TYPE: &str = "test.event";

/// The type of what a handler makes of them.
pub const OUTPUT: &str = "test.updated";

/// State keys that they touch.
pub const KEYS: u64 = 10_000;

/// The ordering key of the event with this number, which is also the state key that it touches.
pub fn key(number: u64) -> String {
    format!("key-{}", number % KEYS)
}

/// An event with data that is not text.
pub fn event(number: u64, bytes: usize) -> Event {
    Event {
        id: number.to_string(),
        source: SOURCE.into(),
        event_type: TYPE.into(),
        partitionkey: Some(key(number)),
        datacontenttype: Some("application/octet-stream".into()),
        data: vec![u8::try_from(number % 251).unwrap_or_default(); bytes],
        ..Event::default()
    }
}

/// The same with a JSON document of `bytes` bytes, as producers over HTTP have it.
pub fn json_event(number: u64, bytes: usize) -> Event {
    Event {
        datacontenttype: Some("application/json".into()),
        data: json_data(number, bytes).into_bytes(),
        ..event(number, 0)
    }
}

/// A JSON document of `bytes` bytes.
pub fn json_data(number: u64, bytes: usize) -> String {
    let head = format!("{{\"number\":{number},\"text\":\"");
    let padding = bytes.saturating_sub(head.len() + 2);
    let mut data = String::with_capacity(bytes);
    data.push_str(&head);
    data.extend(std::iter::repeat_n('x', padding));
    data.push_str("\"}");
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_the_size_that_is_measured() {
        for number in [0, 1_000_000] {
            assert_eq!(event(number, 256).data.len(), 256);
            let data = json_event(number, 256).data;
            assert_eq!(data.len(), 256);
            assert!(serde_json::from_slice::<serde_json::Value>(&data).is_ok());
        }
    }
}
