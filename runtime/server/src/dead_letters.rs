//! `/dead-letters`: what consumers could not handle, and what the operator does about it.

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

/// Dead letters on a page, unless the request says otherwise, and at most.
const PAGE: u64 = 100;
const MAX_PAGE: u64 = 1_000;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Of this consumer only.
    consumer: Option<String>,
    /// Of events of these types only, such as `order.*`.
    #[serde(rename = "type")]
    #[param(value_type = Option<String>, pattern = r"^(?:\*|[^\s*.\x00-\x1f\x7f-\x9f]+)(?:\.(?:\*|[^\s*.\x00-\x1f\x7f-\x9f]+))*(?:\.\*\*)?$|^\*\*$")]
    event_type: Option<TypePattern>,
    /// At most so many; 100 unless given, at most 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
    /// `next` of the page before.
    #[param(pattern = "^[a-z][a-z0-9-]{0,62}:[0-9]{1,19}$")]
    cursor: Option<String>,
}

/// Dead letters, by consumer and offset.
#[utoipa::path(
    get, path = "/dead-letters", tag = "dead letters", params(ListQuery),
    responses(
        (status = 200, description = "A page of them", body = Page<DeadLetterSummary>),
        (status = 400, description = "A parameter is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "There is no memory for the answer now, or the log is poisoned", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No consumer has the name", body = ProblemDocument, content_type = "application/problem+json"),
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

/// One dead letter with its event, attempts and what waits behind it.
#[utoipa::path(
    get, path = "/dead-letters/{consumer}/{offset}", tag = "dead letters",
    params(("consumer" = String, Path, description = "Whose"), ("offset" = u64, Path, description = "The event's offset")),
    responses(
        (status = 200, description = "The dead letter", body = DeadLetterView),
        (status = 404, description = "There is none", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn show(
    State(api): State<Api>,
    Path((consumer, at)): Path<(String, String)>,
) -> Result<Json<DeadLetterView>, Problem> {
    Ok(Json(api.runtime.dead_letter(&consumer, offset(&at)?).await?))
}

/// Where an event stands that was a dead letter and may have been redriven: it waits, is dead again, or is gone.
#[utoipa::path(
    get, path = "/dead-letters/{consumer}/{offset}/redriven", tag = "dead letters",
    params(("consumer" = String, Path, description = "Whose"), ("offset" = u64, Path, description = "The event's offset")),
    responses(
        (status = 200, description = "Where it stands", body = RedrivenView),
        (status = 400, description = "The offset is no number", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No consumer has the name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn redriven(
    State(api): State<Api>,
    Path((consumer, at)): Path<(String, String)>,
) -> Result<Json<RedrivenView>, Problem> {
    Ok(Json(api.runtime.redriven(&consumer, offset(&at)?).await?))
}

/// Lets the consumer try it again, then what waits behind it, in order.
#[utoipa::path(
    post, path = "/dead-letters/{consumer}/{offset}/redrive", tag = "dead letters",
    params(("consumer" = String, Path, description = "Whose"), ("offset" = u64, Path, description = "The event's offset")),
    responses(
        (status = 202, description = "It will be tried again"),
        (status = 404, description = "There is none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemDocument, content_type = "application/problem+json"),
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

/// Drops it, then lets what waits behind it run, in order.
#[utoipa::path(
    post, path = "/dead-letters/{consumer}/{offset}/discard", tag = "dead letters",
    params(("consumer" = String, Path, description = "Whose"), ("offset" = u64, Path, description = "The event's offset")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "There is none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemDocument, content_type = "application/problem+json"),
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
