//! The handlers of a plugin, and the selection of the handler for an event.
//!
//! Each `#[handler]` submits one [`Handler`]. The linker collects them, so a crate with many handlers still
//! has the contract's single export. Patterns of one plugin do not overlap, so the first match is the only
//! one.

use crate::{
    codec::Decode,
    context::Context,
    error::{Error, Result},
    event::{Bytes, Event},
};

/// The description of a handler function. Only `#[handler]` creates it.
pub struct Handler {
    /// The function's name.
    pub name: &'static str,
    /// Patterns of the event types that it handles.
    pub types: &'static [&'static str],
    /// The event types that the plugin may publish, according to this handler's manifest record.
    pub publishes: &'static [&'static str],
    /// Decodes the event and calls the function.
    pub run: fn(Event<Bytes>, &mut Context) -> Result<()>,
}

inventory::collect!(Handler);

/// Runs the handler whose patterns match `event`.
pub(crate) fn dispatch(event: Event<Bytes>, context: &mut Context) -> Result {
    let wanted = inventory::iter::<Handler>
        .into_iter()
        .find(|handler| handler.types.iter().any(|pattern| matches(pattern, &event.event_type)));
    match wanted {
        Some(handler) => (handler.run)(event, context),
        None => Err(Error::reject(format_args!("the plugin has no handler for `{}`", event.event_type))),
    }
}

/// Decodes the event for the macro, which cannot name the author's data type.
///
/// # Errors
/// As for [`Event::decode`].
pub fn decode<T: Decode>(event: Event<Bytes>) -> Result<Event<T>> {
    event.decode()
}

/// The message for an undeclared `event_type`, in the component and in tests.
pub(crate) fn undeclared(event_type: &str) -> String {
    format!(
        "`{event_type}` is published but not declared. Add `publishes(\"{event_type}\")` to the handler's \
         attribute, or add the type to `publishes` in plugin.toml."
    )
}

/// Whether `pattern` matches `event_type`: `*` matches one dotted segment, a final `**` one or more. Only
/// patterns that begin with `camshaft` match the runtime's own types.
pub(crate) fn matches(pattern: &str, event_type: &str) -> bool {
    if pattern.starts_with('*') && event_type.split('.').next() == Some("camshaft") {
        return false;
    }
    let mut segments = event_type.split('.');
    for wanted in pattern.split('.') {
        match (wanted, segments.next()) {
            (_, None) => return false,
            ("**", Some(_)) => return true,
            (_, Some(segment)) if wanted != "*" && wanted != segment => return false,
            _ => {}
        }
    }
    segments.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_stand_for_whole_segments() {
        for (pattern, event_type, expected) in [
            ("order.placed", "order.placed", true),
            ("order.placed", "order.placed.eu", false),
            ("order.placed", "order", false),
            ("order.*", "order.placed", true),
            ("order.*", "order", false),
            ("order.*", "order.placed.eu", false),
            ("order.**", "order.placed.eu", true),
            ("order.**", "order", false),
            ("**", "order", true),
            ("**", "camshaft.plugin.activated", false),
            ("*.placed", "order.placed", true),
            ("camshaft.**", "camshaft.plugin.activated", true),
        ] {
            assert_eq!(matches(pattern, event_type), expected, "{pattern} and {event_type}");
        }
    }
}
