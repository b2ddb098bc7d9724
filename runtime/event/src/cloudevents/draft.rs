//! A partially read event. Its attributes are set one at a time, in any order.

use super::{
    MAX_EXTENSIONS, OFFSET,
    attribute::{check_name, check_value},
    invalid::InvalidEvent,
};
use crate::Event;

/// Collects attributes, and refuses repeated or invalid ones.
#[derive(Default)]
pub(super) struct Draft {
    event: Event,
    has_version: bool,
    has_offset: bool,
}

impl Draft {
    /// Sets the attribute `name`; `value` is its text form.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), InvalidEvent> {
        check_name(name)?;
        check_value(name, value)?;
        let event = &mut self.event;
        let repeated = match name {
            "specversion" => std::mem::replace(&mut self.has_version, true),
            OFFSET => std::mem::replace(&mut self.has_offset, true),
            "id" => fill(&mut event.id, value),
            "source" => fill(&mut event.source, value),
            "type" => fill(&mut event.event_type, value),
            "subject" => event.subject.replace(value.to_owned()).is_some(),
            "time" => event.time.replace(value.to_owned()).is_some(),
            "datacontenttype" => event.datacontenttype.replace(value.to_owned()).is_some(),
            "dataschema" => event.dataschema.replace(value.to_owned()).is_some(),
            "partitionkey" => event.partitionkey.replace(value.to_owned()).is_some(),
            _ if event.extensions.len() >= MAX_EXTENSIONS => return Err(InvalidEvent::TooManyExtensions),
            _ => {
                let repeated = event.extension(name).is_some();
                event.set_extension(name, value);
                repeated
            }
        };
        if repeated { Err(InvalidEvent::Repeated { attribute: name.to_owned() }) } else { Ok(()) }
    }

    /// The content type, which determines how the data is read.
    pub(super) fn datacontenttype(&self) -> Option<&str> {
        self.event.datacontenttype.as_deref()
    }

    /// Returns the event with its data, if all required attributes are set.
    pub(super) fn finish(self, data: Vec<u8>) -> Result<Event, InvalidEvent> {
        let event = self.event;
        let required = [
            ("specversion", self.has_version),
            ("id", !event.id.is_empty()),
            ("source", !event.source.is_empty()),
            ("type", !event.event_type.is_empty()),
        ];
        match required.into_iter().find(|(_, present)| !present) {
            Some((attribute, _)) => Err(InvalidEvent::Missing { attribute }),
            None => Ok(Event { data, ..event }),
        }
    }
}

/// Sets a required attribute. Empty values were refused before. Returns whether it was already set.
fn fill(slot: &mut String, value: &str) -> bool {
    let repeated = !slot.is_empty();
    value.clone_into(slot);
    repeated
}
