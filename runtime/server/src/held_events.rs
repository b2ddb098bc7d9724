//! `/consumers/{name}/held`: lists the held events of a consumer, retries them or turns them into dead
//! letters.

#![expect(unused_qualifications, reason = "utoipa's macro repeats the names of parameter types")]

use axum::{Json, extract::State, http::StatusCode};
use camshaft_wire::{HeldEventView, Page, ProblemDocument};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Api,
    parameters::{Path, Query, limit, offset},
    problem::Problem,
};

/// Default and maximum number of held events on a page.
const PAGE: u64 = 100;
const MAX_PAGE: u64 = 1_000;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Maximum number of held events, up to 1000; the default is 100.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
    /// `next` of the previous page.
    #[param(pattern = "^[0-9]{1,19}$")]
    cursor: Option<String>,
}

/// Lists the held events of a consumer, by offset.
///
/// A held event waits for its next attempt, behind another event of its key, or behind a dead letter.
#[utoipa::path(
    get, path = "/consumers/{name}/held", tag = "consumers",
    params(("name" = String, Path, description = "Name of the consumer"), ListQuery),
    responses(
        (status = 200, description = "A page of held events", body = Page<HeldEventView>),
        (status = 400, description = "A parameter is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No consumer has this name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "There is no memory for the response now, or the log is poisoned", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<HeldEventView>>, Problem> {
    let limit = usize::try_from(limit(query.limit, PAGE, MAX_PAGE)?).unwrap_or(usize::MAX);
    Ok(Json(api.runtime.held_events(&name, limit, query.cursor.as_deref()).await?))
}

/// Retries a held event now.
///
/// The event must have failed and wait for its next attempt. The request is rejected while an attempt is in
/// progress, or while the event waits behind another event, behind a dead letter or for the end of a
/// probation.
#[utoipa::path(
    post, path = "/consumers/{name}/held/{offset}/retry", tag = "consumers",
    params(("name" = String, Path, description = "Name of the consumer"), ("offset" = u64, Path, description = "Offset of the event")),
    responses(
        (status = 202, description = "The event is due now"),
        (status = 400, description = "The offset is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "The consumer does not hold this event", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "An attempt is in progress, or the event waits for the cause that the response names", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The runtime cannot serve the request now", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn retry(
    State(api): State<Api>,
    Path((name, at)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    api.runtime.retry_held(&name, offset(&at)?).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Turns a held event into a dead letter now, as if its attempts were used up.
///
/// The event must have failed and wait for its next attempt. The request is rejected while an attempt is in
/// progress, or while the event waits behind another event, behind a dead letter or for the end of a
/// probation.
#[utoipa::path(
    post, path = "/consumers/{name}/held/{offset}/dead", tag = "consumers",
    params(("name" = String, Path, description = "Name of the consumer"), ("offset" = u64, Path, description = "Offset of the event")),
    responses(
        (status = 204, description = "The event is a dead letter"),
        (status = 400, description = "The offset is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "The consumer does not hold this event", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "An attempt is in progress, or the event waits for the cause that the response names", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The runtime cannot serve the request now", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn dead(
    State(api): State<Api>,
    Path((name, at)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    api.runtime.set_held_aside(&name, offset(&at)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
