//! `GET /events`: reads the log from an offset, filtered, as lines or as server-sent events.

#![expect(unused_qualifications, reason = "utoipa's macro repeats the names of parameter types")]

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use camshaft_event::{Limit, Offset, TypePattern};
use camshaft_wire::{Cursor, LogId, ProblemDocument};
use futures_util::stream;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    super::{
        Api,
        parameters::{Query, limit},
        problem::Problem,
    },
    stream::{Format, PART_BYTES, Reader, Selection, Wanted},
};

/// Default and maximum number of events. A stream that follows the log has no default.
const LIMIT: u64 = 1_000;
const MAX_LIMIT: u64 = 100_000;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadQuery {
    /// Offset of the first event; by default the first retained offset.
    from: Option<u64>,
    /// Identity of the log that `from` belongs to, from `/health`. The response is 409 if this is another
    /// log.
    #[param(value_type = Option<String>, pattern = "^[0-9a-fA-F]{16}$")]
    log: Option<LogId>,
    /// Returns only events with these types, such as `order.*`.
    #[serde(rename = "type")]
    #[param(value_type = Option<String>, pattern = r"^(?:\*|[^\s*.\x00-\x1f\x7f-\x9f]+)(?:\.(?:\*|[^\s*.\x00-\x1f\x7f-\x9f]+))*(?:\.\*\*)?$|^\*\*$")]
    event_type: Option<TypePattern>,
    /// Returns only events with this subject.
    subject: Option<String>,
    /// Maximum number of events, up to 100000. The default is 1000, and unlimited if `follow` is true.
    #[param(minimum = 1, maximum = 100000)]
    limit: Option<u64>,
    /// Whether the stream stays open and sends events as they are published. The default is true for
    /// server-sent events and false otherwise.
    follow: Option<bool>,
    /// Whether to include the runtime's own `camshaft.*` events.
    #[serde(default)]
    system: bool,
}

/// Reads durable events in the order of the log.
///
/// Returns one CloudEvent per line, with the extension `offset`. With `Accept: text/event-stream` each event
/// is a server-sent event, and `Last-Event-ID` resumes after the event with that id. The id contains the
/// offset, the identity of the log and a hash of the event, so that a follower detects another log. An offset
/// alone is also accepted.
#[utoipa::path(
    get, path = "/events", tag = "events", params(ReadQuery),
    responses(
        (status = 200, description = "Events", content((String = "application/x-ndjson"), (String = "text/event-stream"))),
        (status = 400, description = "A parameter is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The offset is beyond the end of the log, or belongs to another log; `tail` is the offset of the next event", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Too many requests follow the log, or there is no memory for the response", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "The offset is before the trim point; `first` is the first retained offset", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn read(
    State(api): State<Api>,
    Query(query): Query<ReadQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let format = Format::accepted(&headers);
    let follow = query.follow.unwrap_or(format == Format::ServerSent);
    let remaining = match query.limit {
        None if follow => u64::MAX,
        given => limit(given, LIMIT, MAX_LIMIT)?,
    };
    let resumed = if format == Format::ServerSent { last_event_id(&headers)? } else { None };
    if let Some(log) = query.log {
        api.runtime.check_log(log)?;
    }
    let from = match (resumed, query.from) {
        (Some(cursor), _) => api.runtime.resume_after(cursor).await?,
        (None, Some(from)) => Offset(from),
        (None, None) => api.runtime.first_offset(),
    };
    api.runtime.check_place(from)?;
    let selection = Selection { event_type: query.event_type, subject: query.subject, system: query.system };
    let follows = match follow {
        true => Some(Arc::clone(&api.followers).try_acquire_owned().map_err(|_| {
            let raised_by = Limit::Connections.raised_by();
            Problem::busy(format!("too many requests follow the log (limit: half of the {raised_by})"))
        })?),
        false => None,
    };
    let lease = api.room.take(PART_BYTES)?;
    let reader = Reader::new(&api, Wanted { from, remaining, selection, format, follows }, lease);
    let body = Body::from_stream(stream::unfold(reader, async |mut reader| {
        let part = reader.next().await?;
        Some((part, reader))
    }));
    let headers = [(header::CONTENT_TYPE, format.media_type()), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, body).into_response())
}

/// The cursor after which a reconnecting client resumes.
fn last_event_id(headers: &HeaderMap) -> Result<Option<Cursor>, Problem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let cursor = value.to_str().ok().and_then(|text| text.parse().ok());
    cursor.map(Some).ok_or_else(|| {
        let detail = "the header Last-Event-ID is not an event id of this stream";
        Problem::invalid_request("Last-Event-ID", detail, "Send the id of the last received event.")
    })
}
