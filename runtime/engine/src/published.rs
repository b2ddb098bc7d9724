//! How an event that a handler publishes gets its identity and its place in the chain of causes.

use camshaft_event::cloudevents::{MAX_EXTENSIONS, validate};
use camshaft_event::reserved::{self, COMMAND, HOPS, PLUGIN_SOURCES, SCOPES};
use camshaft_event::{EffectError, Event, Generation, Limit, NewEvent, Offset, Timestamp};
use camshaft_sabotage::{Sabotage, is_on};

use crate::clock::rfc3339;

const CAUSATION: &str = "causationid";
const CAUSATION_SOURCE: &str = "causationsource";
/// The event of a timer set this many milliseconds ahead, or more, begins at hop 0. A chain over such timers
/// makes at most one hop a second, so it needs no end.
const NEW_CHAIN_MS: u64 = 1_000;
/// Tracing attributes travel along the chain of causes unchanged.
const TRACING: [&str; 2] = ["traceparent", "tracestate"];

/// Who publishes.
#[derive(Clone, Copy)]
pub(crate) struct Author<'a> {
    pub(crate) consumer: &'a str,
    pub(crate) generation: Generation,
}

/// The event that an attempt handles.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) event: &'a Event,
    pub(crate) offset: Offset,
}

/// The hops to `event` from the event at hop 0, with which its chain begins.
pub(crate) fn hops(event: &Event) -> u32 {
    event.extension(HOPS).and_then(|hops| hops.parse().ok()).unwrap_or(0)
}

/// The event that `author` publishes as effect number `index` of handling `origin`, `delay_ms` after the
/// attempt. `scopes` are those of a fact, with their versions.
///
/// `now` is its time, unless it has one. Its id is unique by construction: a generation handles an offset
/// successfully once.
pub(crate) fn build(
    author: Author<'_>,
    Origin { event: origin, offset }: Origin<'_>,
    index: usize,
    delay_ms: u64,
    now: String,
    new: NewEvent,
    scopes: Option<String>,
) -> Result<Event, EffectError> {
    check_reserved(&new)?;
    let partitionkey = match (new.partitionkey, &new.subject) {
        (Some(own), _) => Some(own),
        // With a subject of its own, the cause's key would be lost where that is the cause's subject.
        (None, Some(_)) => origin.ordering_key().map(str::to_owned),
        (None, None) => origin.partitionkey.clone(),
    };
    let mut event = Event {
        id: id(author.generation, offset, index),
        source: [PLUGIN_SOURCES, author.consumer].concat(),
        event_type: new.event_type,
        subject: new.subject.or_else(|| origin.subject.clone()),
        time: new.time,
        datacontenttype: new.datacontenttype,
        dataschema: new.dataschema,
        partitionkey,
        extensions: new.extensions,
        data: new.data,
    };
    event.extensions.sort_unstable();
    for name in TRACING {
        if let (None, Some(value)) = (event.extension(name), origin.extension(name)) {
            let value = value.to_owned();
            event.set_extension(name, value);
        }
    }
    validate(&event).map_err(|error| EffectError::InvalidEvent { reason: error.to_string() })?;
    event.time.get_or_insert(now);
    follow(&mut event, origin, delay_ms);
    if let Some(scopes) = scopes {
        event.set_extension(SCOPES, scopes);
    }
    if event.extensions.len() > MAX_EXTENSIONS {
        let reason = format!(
            "together with the runtime's own, it has more than {MAX_EXTENSIONS} extensions ({})",
            Limit::Extensions.raised_by()
        );
        return Err(EffectError::InvalidEvent { reason });
    }
    Ok(event)
}

/// `<generation>-<offset>-<index>`; each published event has one, so it is not left to the formatter.
fn id(generation: Generation, offset: Offset, index: usize) -> String {
    let (mut first, mut second, mut third) = (itoa::Buffer::new(), itoa::Buffer::new(), itoa::Buffer::new());
    [first.format(generation.0), "-", second.format(offset.0), "-", third.format(index)].concat()
}

/// Puts `event`, published `delay_ms` after the attempt, behind `origin` in the chain of causes.
pub(crate) fn follow(event: &mut Event, origin: &Event, delay_ms: u64) {
    event.extensions.reserve(4);
    let begins_anew = delay_ms >= NEW_CHAIN_MS && !is_on(Sabotage::KeepHopsOfTimers);
    let hops = if begins_anew { 0 } else { hops(origin).saturating_add(1) };
    // In the order of their names, so that each goes to the end.
    event.set_extension(HOPS, itoa::Buffer::new().format(hops));
    if !is_on(Sabotage::ForgetCause) {
        // An id identifies an event only together with its source. A handler that copies its event's
        // extensions may have set the source of that event's own cause: it is replaced.
        event.set_extension(CAUSATION, origin.id.as_str());
        event.set_extension(CAUSATION_SOURCE, origin.source.as_str());
    }
    event.set_extension(Event::CORRELATION, origin.correlation());
}

/// Refuses an event that is more than `limit` hops away from hop 0.
pub(crate) fn check_hops(
    event: &Event,
    Origin { event: origin, offset }: Origin<'_>,
    limit: u32,
) -> Result<(), EffectError> {
    if hops(event) <= limit {
        return Ok(());
    }
    let chain = format!(
        "\"{}\" from {} would follow \"{}\" (offset {offset}) from {}, which follows event {}; \
         the correlation id of the chain is \"{}\"",
        event.event_type,
        event.source,
        origin.event_type,
        origin.source,
        origin.extension(CAUSATION).unwrap_or("?"),
        origin.correlation(),
    );
    Err(EffectError::Hops { limit, chain })
}

/// Refuses what belongs to the runtime. That the whole is a CloudEvent is checked as for every other event.
fn check_reserved(new: &NewEvent) -> Result<(), EffectError> {
    let refuse = |reason: String| Err(EffectError::InvalidEvent { reason });
    if reserved::is_type(&new.event_type) {
        return refuse(format!("type \"{}\" is reserved for the runtime", new.event_type));
    }
    let set_by_runtime = [Event::CORRELATION, CAUSATION, HOPS, COMMAND, SCOPES];
    match new.extensions.iter().find(|(name, _)| set_by_runtime.contains(&name.as_str())) {
        Some((name, _)) => refuse(format!("extension \"{name}\" is set by the runtime")),
        None => Ok(()),
    }
}

/// The event of a timer set earlier, as it fires.
pub(crate) fn fire(mut event: Event, now: Timestamp) -> Event {
    event.time = Some(rfc3339(now));
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOCK: Author<'_> = Author { consumer: "stock", generation: Generation(2) };

    fn cause() -> Event {
        let mut event = Event {
            id: "o-1".into(),
            source: "/shop".into(),
            subject: Some("order 1".into()),
            partitionkey: Some("customer 9".into()),
            ..Event::default()
        };
        event.set_extension("traceparent", "00-abc");
        event
    }

    fn origin(event: &Event) -> Origin<'_> {
        Origin { event, offset: Offset(17) }
    }

    fn build_from(cause: Event, new: NewEvent) -> Result<Event, EffectError> {
        let new = NewEvent { event_type: "stock.reserved".into(), ..new };
        build(STOCK, origin(&cause), 3, 0, rfc3339(Timestamp(0)), new, None)
    }

    #[test]
    fn a_published_event_inherits_subject_key_trace_and_chain() {
        let event = build_from(cause(), NewEvent::default()).unwrap();
        assert_eq!((event.id.as_str(), event.source.as_str()), ("2-17-3", "/plugins/stock"));
        assert_eq!((event.subject.as_deref(), event.ordering_key()), (Some("order 1"), Some("customer 9")));
        assert_eq!(event.time.as_deref(), Some("1970-01-01T00:00:00.000Z"));
        let extension = |name| event.extension(name);
        assert_eq!(extension(Event::CORRELATION), Some("f452b609a75e9ff3-o-1"));
        assert_eq!(extension(CAUSATION), Some("o-1"));
        assert_eq!(extension(CAUSATION_SOURCE), Some("/shop"));
        assert_eq!((extension(HOPS), extension("traceparent")), (Some("1"), Some("00-abc")));
        let next = build_from(Event { id: "2-17-3".into(), ..event }, NewEvent::default()).unwrap();
        assert_eq!(next.correlation(), "f452b609a75e9ff3-o-1");
        assert_eq!(next.extension(HOPS), Some("2"));
        assert_eq!(next.extension(CAUSATION_SOURCE), Some("/plugins/stock"));
    }

    #[test]
    fn a_copy_of_an_event_with_a_cause_names_that_event_as_its_own_cause() {
        let mut copied = cause();
        for (name, value) in [(CAUSATION, "c-1"), (CAUSATION_SOURCE, "/site"), ("tenant", "t")] {
            copied.set_extension(name, value);
        }
        // A handler may publish every extension of its event except those that only the runtime sets.
        let may_be_set = |name: &str| ![Event::CORRELATION, CAUSATION, HOPS].contains(&name);
        let extensions: Vec<_> =
            copied.extensions.iter().filter(|(name, _)| may_be_set(name)).cloned().collect();
        assert!(extensions.iter().any(|(name, _)| name == CAUSATION_SOURCE));
        let event = build_from(copied, NewEvent { extensions, ..NewEvent::default() }).unwrap();
        let extension = |name| event.extension(name);
        assert_eq!((extension(CAUSATION), extension(CAUSATION_SOURCE)), (Some("o-1"), Some("/shop")));
        let sources = event.extensions.iter().filter(|(name, _)| name == CAUSATION_SOURCE);
        assert_eq!((sources.count(), extension("tenant")), (1, Some("t")));
    }

    #[test]
    fn the_causes_key_orders_it_unless_it_sets_its_own() {
        let key = |cause: Event, subject: Option<&str>, key: Option<&str>| {
            let new = NewEvent {
                subject: subject.map(Into::into),
                partitionkey: key.map(Into::into),
                ..NewEvent::default()
            };
            build_from(cause, new).unwrap().ordering_key().map(str::to_owned)
        };
        assert_eq!(key(cause(), Some("sku 3"), None).as_deref(), Some("customer 9"));
        assert_eq!(key(cause(), Some("sku 3"), Some("k")).as_deref(), Some("k"));
        let by_subject = || Event { partitionkey: None, ..cause() };
        assert_eq!(key(by_subject(), None, None).as_deref(), Some("order 1"));
        assert_eq!(key(by_subject(), Some("sku 3"), None).as_deref(), Some("order 1"));
    }

    #[test]
    fn reserved_and_malformed_parts_are_refused() {
        for (name, value, expected) in [
            ("Upper", "x", "upper-case"),
            ("source", "x", "cannot have this name"),
            ("traceparent", "\n", "U+000A"),
            (HOPS, "1", "by the runtime"),
        ] {
            let new = NewEvent { extensions: vec![(name.into(), value.into())], ..NewEvent::default() };
            let error = build_from(cause(), new).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        for event_type in ["camshaft", "camshaft.fake"] {
            let system = NewEvent { event_type: event_type.into(), ..NewEvent::default() };
            assert!(build(STOCK, origin(&cause()), 0, 0, String::new(), system, None).is_err());
        }
    }

    #[test]
    fn what_the_runtime_adds_counts_to_the_bound_on_extensions() {
        let with = |count: usize| {
            let extensions = (0..count).map(|number| (format!("x{number}"), "1".into())).collect();
            build_from(cause(), NewEvent { extensions, ..NewEvent::default() })
        };
        let added = with(0).unwrap().extensions.len();
        assert!(added > 0 && with(MAX_EXTENSIONS - added).is_ok());
        assert!(
            with(MAX_EXTENSIONS - added + 1).unwrap_err().to_string().contains("more than 256 extensions")
        );
    }

    #[test]
    fn a_chain_longer_than_the_limit_names_its_ends() {
        let mut long = cause();
        long.set_extension(HOPS, "100");
        long.set_extension(Event::CORRELATION, "first");
        let event = build_from(long.clone(), NewEvent::default()).unwrap();
        let error = check_hops(&event, origin(&long), 100).unwrap_err().to_string();
        assert!(error.contains("100 hops") && error.contains("first"), "{error}");
    }
}
