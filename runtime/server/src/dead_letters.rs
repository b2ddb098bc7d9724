//! `/dead-letters`: lists, shows, redrives and discards dead letters.

#![expect(unused_qualifications, reason = "utoipa's macro repeats the names of parameter types")]

use axum::{Json, extract::State, http::StatusCode};
use camshaft_event::TypePattern;
use camshaft_wire::{
    DeadLetterQuery, DeadLetterSummary, DeadLetterView, Page, ProblemDocument, RedrivenView,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Api,
    parameters::{Path, Query, limit, offset},
    problem::Problem,
};

/// Default and maximum number of dead letters on a page.
const PAGE: u64 = 100;
const MAX_PAGE: u64 = 1_000;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Returns only dead letters of this consumer.
    consumer: Option<String>,
    /// Returns only dead letters with these event types, such as `order.*`.
    #[serde(rename = "type")]
    #[param(value_type = Option<String>, pattern = r"^(?:\*|[^\s*.\x00-\x1f\x7f-\x9f]+)(?:\.(?:\*|[^\s*.\x00-\x1f\x7f-\x9f]+))*(?:\.\*\*)?$|^\*\*$")]
    event_type: Option<TypePattern>,
    /// Maximum number of dead letters, up to 1000; the default is 100.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
    /// `next` of the previous page.
    #[param(pattern = "^[a-z][a-z0-9-]{0,62}:[0-9]{1,19}$")]
    cursor: Option<String>,
}

/// Lists dead letters, by consumer and offset.
#[utoipa::path(
    get, path = "/dead-letters", tag = "dead letters", params(ListQuery),
    responses(
        (status = 200, description = "A page of dead letters", body = Page<DeadLetterSummary>),
        (status = 400, description = "A parameter is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "There is no memory for the response now, or the log is poisoned", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No consumer has this name", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(api): State<Api>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<DeadLetterSummary>>, Problem> {
    let ListQuery { consumer, event_type, limit: given, cursor } = query;
    let limit = usize::try_from(limit(given, PAGE, MAX_PAGE)?).unwrap_or(usize::MAX);
    let query = DeadLetterQuery { consumer, event_type, limit, cursor };
    Ok(Json(api.runtime.dead_letters(query).await?))
}

/// Returns one dead letter with its event, its attempts and the events that wait behind it.
#[utoipa::path(
    get, path = "/dead-letters/{consumer}/{offset}", tag = "dead letters",
    params(("consumer" = String, Path, description = "Name of the consumer"), ("offset" = u64, Path, description = "Offset of the event")),
    responses(
        (status = 200, description = "The dead letter", body = DeadLetterView),
        (status = 404, description = "The consumer has no dead letter at this offset", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn show(
    State(api): State<Api>,
    Path((consumer, at)): Path<(String, String)>,
) -> Result<Json<DeadLetterView>, Problem> {
    Ok(Json(api.runtime.dead_letter(&consumer, offset(&at)?).await?))
}

/// Returns the status of an event that is or was a dead letter.
///
/// After a redrive, the event waits to be handled, is a dead letter again, or is gone.
#[utoipa::path(
    get, path = "/dead-letters/{consumer}/{offset}/redriven", tag = "dead letters",
    params(("consumer" = String, Path, description = "Name of the consumer"), ("offset" = u64, Path, description = "Offset of the event")),
    responses(
        (status = 200, description = "Status of the event", body = RedrivenView),
        (status = 400, description = "The offset is not a number", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No consumer has this name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The runtime cannot serve the request now", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn redriven(
    State(api): State<Api>,
    Path((consumer, at)): Path<(String, String)>,
) -> Result<Json<RedrivenView>, Problem> {
    Ok(Json(api.runtime.redriven(&consumer, offset(&at)?).await?))
}

/// Redrives a dead letter.
///
/// The consumer tries the event again, and then the events that wait behind it, in order.
#[utoipa::path(
    post, path = "/dead-letters/{consumer}/{offset}/redrive", tag = "dead letters",
    params(("consumer" = String, Path, description = "Name of the consumer"), ("offset" = u64, Path, description = "Offset of the event")),
    responses(
        (status = 202, description = "The event will be tried again"),
        (status = 404, description = "The consumer has no dead letter at this offset", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The runtime cannot serve the request now", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn redrive(
    State(api): State<Api>,
    Path((consumer, at)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    api.runtime.redrive(&consumer, offset(&at)?).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Discards a dead letter.
///
/// The events that wait behind it then run, in order.
#[utoipa::path(
    post, path = "/dead-letters/{consumer}/{offset}/discard", tag = "dead letters",
    params(("consumer" = String, Path, description = "Name of the consumer"), ("offset" = u64, Path, description = "Offset of the event")),
    responses(
        (status = 204, description = "The dead letter is discarded"),
        (status = 404, description = "The consumer has no dead letter at this offset", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The runtime cannot serve the request now", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn discard(
    State(api): State<Api>,
    Path((consumer, at)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    api.runtime.discard(&consumer, offset(&at)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
