//! `/consumers/{name}/held`: the events that a consumer holds, and what the operator does about them.

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

/// Held events on a page, unless the request says otherwise, and at most.
const PAGE: u64 = 100;
const MAX_PAGE: u64 = 1_000;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// At most so many; 100 unless given, at most 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
    /// `next` of the page before.
    #[param(pattern = "^[0-9]{1,19}$")]
    cursor: Option<String>,
}

/// The events that a consumer holds, by offset: those that are retried and those that wait behind others.
#[utoipa::path(
    get, path = "/consumers/{name}/held", tag = "consumers",
    params(("name" = String, Path, description = "Its name"), ListQuery),
    responses(
        (status = 200, description = "A page of them", body = Page<HeldEventView>),
        (status = 400, description = "A parameter is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No consumer has the name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "There is no memory for the answer now, or the log is poisoned", body = ProblemDocument, content_type = "application/problem+json"),
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

/// Makes a held event that is retried due now.
///
/// It does nothing to an event that is being attempted, or that waits behind another event, behind a dead letter or for
/// the end of a probation.
#[utoipa::path(
    post, path = "/consumers/{name}/held/{offset}/retry", tag = "consumers",
    params(("name" = String, Path, description = "Its consumer"), ("offset" = u64, Path, description = "The event's offset")),
    responses(
        (status = 202, description = "It is due now"),
        (status = 400, description = "The offset is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "The consumer holds no such event", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "It is being attempted, or waits for what the answer names", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemDocument, content_type = "application/problem+json"),
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

/// Makes a held event that is retried a dead letter now, as if its attempts were used up.
///
/// It does nothing to an event that is being attempted, or that waits behind another event, behind a dead letter or for
/// the end of a probation.
#[utoipa::path(
    post, path = "/consumers/{name}/held/{offset}/dead", tag = "consumers",
    params(("name" = String, Path, description = "Its consumer"), ("offset" = u64, Path, description = "The event's offset")),
    responses(
        (status = 204, description = "It is a dead letter"),
        (status = 400, description = "The offset is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "The consumer holds no such event", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "It is being attempted, or waits for what the answer names", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemDocument, content_type = "application/problem+json"),
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
