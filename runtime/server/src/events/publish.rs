//! `POST /events`: publishes one event or a batch, in any of the three content modes of CloudEvents.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, header},
};
use camshaft::{ErrorCode, PublishError};
use camshaft_event::{
    Event,
    cloudevents::{self, parse_binary},
};
use camshaft_wire::{ProblemDocument, Receipts};

use super::super::{Api, ApiSettings, body, openapi::CloudEvent, problem::Problem, room::Lease};

/// Bytes that [`Event::size`] counts in addition to the content of an event.
const EVENT_HEAD_BYTES: usize = 24;

/// Memory that a batch takes at a time while it is parsed, in bytes.
const GROWTH_BYTES: usize = 16 << 10;

/// Publishes events and responds once they are durable.
///
/// A batch is one transaction: if one item is not valid, the whole batch is rejected. Sending the same events
/// again is safe: an event with a known source and id counts as a duplicate.
#[utoipa::path(
    post, path = "/events", tag = "events",
    request_body(
        description = "One event or a batch. The binary content mode is also accepted, but OpenAPI cannot express it: each attribute is a header with the prefix `ce-`, `Content-Type` is the content type of the data, and the body is the data.",
        content((CloudEvent = "application/cloudevents+json"), (Vec<CloudEvent> = "application/cloudevents-batch+json")),
    ),
    responses(
        (status = 200, description = "The events are in the log", body = Receipts),
        (status = 400, description = "An event is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "A type, source or extension is reserved for the runtime, or the type is a command of a consumer", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "An event with this source and id, but with different content, is in the log or in the batch", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The event, the request or the transaction is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The request is not a CloudEvent, or its content coding is not gzip or zstd", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "Too many publishers are waiting", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The runtime cannot serve the request now", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn publish(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Receipts>, Problem> {
    // The lease is kept until the events are durable, because they take as much memory until then.
    let ReceivedEvents { events, lease: _lease, .. } = receive(&api, &headers, body).await?;
    Ok(Json(Receipts { results: api.runtime.try_publish_batch(events).await? }))
}

/// The events of a request, in any of the three content modes.
pub(crate) struct ReceivedEvents {
    pub(crate) events: Vec<Event>,
    /// Whether the request is a batch; a batch of one is one, too.
    pub(crate) is_batch: bool,
    /// The memory that the events take.
    pub(crate) lease: Lease,
}

/// Reads and parses the events of a request.
pub(crate) async fn receive(api: &Api, headers: &HeaderMap, body: Body) -> Result<ReceivedEvents, Problem> {
    let mode = Mode::of(headers)?;
    let received = body::read(&api.room, headers, body, api.settings.max_request_bytes).await?;
    let (bytes, mut lease) = (received.bytes, received.lease);
    let is_batch = matches!(mode, Mode::Batched);
    let events = match mode {
        Mode::Structured => vec![cloudevents::parse(&bytes)?],
        Mode::Batched => batch(&api.settings, &bytes, &mut lease)?,
        Mode::Binary => vec![binary(headers, bytes)?],
    };
    Ok(ReceivedEvents { events, is_batch, lease })
}

/// Parses the events of a batch. Rejects an event that is too large before it parses the rest.
fn batch(settings: &ApiSettings, json: &[u8], lease: &mut Lease) -> Result<Vec<Event>, Problem> {
    let (max_event, max_batch) = (settings.max_event_bytes, settings.max_transaction_bytes);
    // `taken` is the memory of the events, of which the length of the text is already counted. `content` is
    // their size in the log.
    let (mut taken, mut content, mut counted) = (0, 0, json.len());
    let parsed = cloudevents::parse_batch_while(json, |index, event| {
        let size = event.size();
        if size as u64 > max_event {
            return Err(PublishError::EventTooLarge { index, limit: max_event }.into());
        }
        content += size.saturating_sub(EVENT_HEAD_BYTES) as u64;
        if content > max_batch {
            return Err(PublishError::TransactionTooLarge { limit: max_batch }.into());
        }
        taken += size + size_of::<Event>();
        if taken > counted {
            let more = (taken - counted).max(GROWTH_BYTES);
            lease.grow(more)?;
            counted += more;
        }
        Ok::<(), Problem>(())
    });
    parsed?
}

/// How the request carries its events.
enum Mode {
    Structured,
    Batched,
    Binary,
}

impl Mode {
    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let essence = essence.to_ascii_lowercase();
        match essence.as_str() {
            cloudevents::MEDIA_TYPE => Ok(Self::Structured),
            cloudevents::BATCH_MEDIA_TYPE => Ok(Self::Batched),
            // Another format of CloudEvents, such as Avro.
            _ if essence.starts_with("application/cloudevents") => Err(unsupported(&essence)),
            _ if headers.contains_key("ce-specversion") => Ok(Self::Binary),
            _ => Err(unsupported(&essence)),
        }
    }
}

fn unsupported(content_type: &str) -> Problem {
    let found = match content_type {
        "" => "the request has no content type".to_owned(),
        _ => format!("the content type is \"{content_type}\""),
    };
    let detail = format!("{found}, and there is no header ce-specversion");
    let detail = if content_type.starts_with("application/cloudevents") { found } else { detail };
    Problem::new(ErrorCode::UnsupportedMediaType, detail)
}

fn binary(headers: &HeaderMap, data: Vec<u8>) -> Result<Event, Problem> {
    let attributes = headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().strip_prefix("ce-")?, value.as_bytes())));
    let content_type = headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes());
    Ok(parse_binary(attributes, content_type, data)?)
}
