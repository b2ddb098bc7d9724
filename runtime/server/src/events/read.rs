//! `GET /events`: the log from an offset on, filtered, as lines or as server-sent events.

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

/// Events answered unless the request says otherwise, and at most. A stream that follows has no default.
const LIMIT: u64 = 1_000;
const MAX_LIMIT: u64 = 100_000;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadQuery {
    /// The first offset; the first retained one unless given.
    from: Option<u64>,
    /// The identity of the log that `from` belongs to, as `/health` names it; 409 if this is another one.
    #[param(value_type = Option<String>, pattern = "^[0-9a-fA-F]{16}$")]
    log: Option<LogId>,
    /// Only events of these types, such as `order.*`.
    #[serde(rename = "type")]
    #[param(value_type = Option<String>, pattern = r"^(?:\*|[^\s*.\x00-\x1f\x7f-\x9f]+)(?:\.(?:\*|[^\s*.\x00-\x1f\x7f-\x9f]+))*(?:\.\*\*)?$|^\*\*$")]
    event_type: Option<TypePattern>,
    /// Only events of this subject.
    subject: Option<String>,
    /// At most so many; 1000 unless given or following, at most 100000.
    #[param(minimum = 1, maximum = 100000)]
    limit: Option<u64>,
    /// Whether to stay and send what is published from now on; true unless given for server-sent events.
    follow: Option<bool>,
    /// Whether to show the runtime's own `camshaft.*` events too.
    #[serde(default)]
    system: bool,
}

/// Reads events in the order of the log, durable ones only.
///
/// One CloudEvent a line, with the extension `offset`. With `Accept: text/event-stream` each is a server-sent
/// event, and `Last-Event-ID` goes on after the one with this id. The id holds the event's offset, the identity of the
/// log and a hash of the event, so a follower learns when another log answers. An offset alone is taken, too.
#[utoipa::path(
    get, path = "/events", tag = "events", params(ReadQuery),
    responses(
        (status = 200, description = "Events", content((String = "application/x-ndjson"), (String = "text/event-stream"))),
        (status = 400, description = "A parameter is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The place lies behind the end of the log, or belongs to another log; `tail` is the offset of the next event", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Too many follow the log, or there is no memory for the answer", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "The place was trimmed; `first` is the first that is retained", body = ProblemDocument, content_type = "application/problem+json"),
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
            Problem::busy(format!("as many requests follow the log as may (half of the {raised_by})"))
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

/// Where a browser that lost its connection goes on.
fn last_event_id(headers: &HeaderMap) -> Result<Option<Cursor>, Problem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let cursor = value.to_str().ok().and_then(|text| text.parse().ok());
    cursor.map(Some).ok_or_else(|| {
        let detail = "the header Last-Event-ID is not the id of an event of this stream";
        Problem::invalid_request("Last-Event-ID", detail, "Send the id of the last event received.")
    })
}
