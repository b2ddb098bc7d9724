//! `POST /events`: one event or a batch, in any of CloudEvents' three content modes.

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

/// What [`Event::size`] counts beside the content of an event.
const EVENT_HEAD_BYTES: usize = 24;

/// How much more room a batch takes at a time while it is parsed.
const GROWTH_BYTES: usize = 16 << 10;

/// Publishes events; answers once they are durable.
///
/// A batch is one transaction: one bad item refuses all. Sending the same again is safe: a known source and id is
/// answered as a duplicate.
#[utoipa::path(
    post, path = "/events", tag = "events",
    request_body(
        description = "One event or a batch. In the binary content mode, which a description cannot express, the attributes are headers with `ce-` before their names, `Content-Type` is that of the data, and the body is the data.",
        content((CloudEvent = "application/cloudevents+json"), (Vec<CloudEvent> = "application/cloudevents-batch+json")),
    ),
    responses(
        (status = 200, description = "They are in the log", body = Receipts),
        (status = 400, description = "An event is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "A reserved type or source", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "A known id with other content", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "Event, request or transaction too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "No CloudEvent, or a content coding other than gzip and zstd", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "Too many publishers wait", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn publish(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Receipts>, Problem> {
    let mode = Mode::of(&headers)?;
    let received = body::read(&api.room, &headers, body, api.settings.max_request_bytes).await?;
    // Kept until they are durable: the events take as much until then.
    let (bytes, mut lease) = (received.bytes, received.lease);
    let events = match mode {
        Mode::Structured => vec![cloudevents::parse(&bytes)?],
        Mode::Batched => batch(&api.settings, &bytes, &mut lease)?,
        Mode::Binary => vec![binary(&headers, bytes)?],
    };
    Ok(Json(Receipts { results: api.runtime.try_publish_batch(events).await? }))
}

/// The events of a batch. One that cannot be published is refused before all of it is parsed.
fn batch(settings: &ApiSettings, json: &[u8], lease: &mut Lease) -> Result<Vec<Event>, Problem> {
    let (max_event, max_batch) = (settings.max_event_bytes, settings.max_transaction_bytes);
    // What they take in memory: as much as the text is counted already. What they have in the log: their content.
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
            // Any other format of CloudEvents, such as Avro.
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
