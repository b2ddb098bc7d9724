//! Converts a line into an event.

use camshaft_event::{
    Event,
    cloudevents::{self, InvalidEvent, is_json},
};
use camshaft_wire::ErrorCode;
use serde_json::value::RawValue;

use super::{super::failure::Failure, Input, Template, identity::Ids};

/// Converts the lines of one input.
pub struct Reader<'a> {
    template: &'a Template,
    ids: Ids,
}

impl<'a> Reader<'a> {
    /// Creates a reader for the lines of `input`.
    pub fn new(template: &'a Template, input: &Input) -> Self {
        Self { template, ids: Ids::new(template, input) }
    }

    /// The event of a line; none if the line is blank.
    pub fn event(&mut self, number: u64, content: Option<Vec<u8>>) -> Result<Option<Event>, Failure> {
        let Some(content) = content else {
            let message = "the line is longer than 16 MiB";
            return Err(Failure::new(ErrorCode::EventTooLarge, message).hint("Write one event per line."));
        };
        if content.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let parsed = match self.template.event_type.clone() {
            None => cloudevents::parse(&content),
            Some(event_type) => self.check(&content).and_then(|()| self.datum(event_type, number, content)),
        };
        parsed.map(Some).map_err(|error| {
            let hint = match (&error, &self.template.event_type) {
                (InvalidEvent::Json { .. } | InvalidEvent::NotAnObject { .. }, None) => {
                    "Write one CloudEvent per line, or pass --type if the lines are data.".to_owned()
                }
                _ => error.hint(),
            };
            Failure::new(ErrorCode::InvalidEvent, error.to_string()).hint(hint)
        })
    }

    /// Checks that a line matches the content type.
    fn check(&self, data: &[u8]) -> Result<(), InvalidEvent> {
        if is_json(Some(&self.template.content_type))
            && let Err(error) = serde_json::from_slice::<&RawValue>(data)
        {
            return Err(unusable(
                data,
                format!("not JSON, {error}"),
                "Write one JSON value per line, or pass --content-type text/plain.",
            ));
        }
        Ok(())
    }

    /// Creates the event of checked data.
    fn datum(&mut self, event_type: String, number: u64, data: Vec<u8>) -> Result<Event, InvalidEvent> {
        let Template { source, subject, key, content_type, .. } = self.template;
        let id = self
            .ids
            .of(number, &data)
            .map_err(|problem| unusable(&data, problem, "Correct the line, or the pattern of --id."))?;
        let event = Event {
            id,
            source: source.clone(),
            event_type,
            subject: subject.clone(),
            time: Some(format!("{:.3}", jiff::Timestamp::now())),
            datacontenttype: Some(content_type.clone()),
            dataschema: None,
            partitionkey: key.clone(),
            extensions: Vec::new(),
            data,
        };
        cloudevents::validate(&event)?;
        Ok(event)
    }
}

fn unusable(data: &[u8], problem: String, instead: &'static str) -> InvalidEvent {
    let found = format!("\"{}\"", String::from_utf8_lossy(data).chars().take(60).collect::<String>());
    InvalidEvent::Data { member: "data", found, problem, instead }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::*;

    fn template(event_type: Option<&str>) -> Template {
        Template {
            event_type: event_type.map(str::to_owned),
            source: "/cli".into(),
            subject: Some("s".into()),
            key: None,
            content_type: "application/json".into(),
            id: None,
            run: None,
        }
    }

    fn file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.ndjson");
        fs::write(&path, "").unwrap();
        (folder, path)
    }

    #[test]
    fn a_datum_becomes_an_event_with_an_id_that_repeats() {
        let (_folder, path) = file();
        let template = template(Some("row.read"));
        let read = |input: &Input| {
            let mut reader = Reader::new(&template, input);
            reader.event(7, Some(b"{\"a\": 1.50}".to_vec())).unwrap().unwrap()
        };
        let event = read(&Input::open(Some(&path)).unwrap());
        assert_eq!(event.event_type, "row.read");
        assert_eq!((event.subject.as_deref(), event.data), (Some("s"), b"{\"a\": 1.50}".to_vec()));
        assert_eq!(event.id, read(&Input::open(Some(&path)).unwrap()).id);
        assert_ne!(read(&Input::open(None).unwrap()).id, read(&Input::open(None).unwrap()).id);
    }

    #[test]
    fn blank_lines_are_no_events_and_wrong_ones_say_what_to_write() {
        let (_folder, path) = file();
        let input = Input::open(Some(&path)).unwrap();
        let refused = |template: &Template, line: &str| {
            let failure = Reader::new(template, &input).event(1, Some(line.into())).unwrap_err();
            (failure.line(), failure.hint_text().to_owned())
        };
        assert_eq!(Reader::new(&template(None), &input).event(1, Some(b" \t".to_vec())).unwrap(), None);
        let (message, hint) = refused(&template(None), "hello");
        assert_eq!(message, "the event is not JSON: expected value at line 1 column 1 [invalid-event]");
        assert_eq!(hint, "Write one CloudEvent per line, or pass --type if the lines are data.");
        let (message, hint) = refused(&template(Some("a.b")), "hello");
        assert_eq!(
            message,
            "\"data\" is \"hello\": not JSON, expected value at line 1 column 1 [invalid-event]"
        );
        assert_eq!(hint, "Write one JSON value per line, or pass --content-type text/plain.");
        let text = Template { content_type: "text/plain".into(), ..template(Some("a.b")) };
        assert_eq!(
            Reader::new(&text, &input).event(1, Some(b"hello".to_vec())).unwrap().unwrap().data,
            b"hello"
        );
    }
}
