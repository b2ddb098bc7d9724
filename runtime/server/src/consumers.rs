//! `/consumers`: how far each consumer is, what holds it up, and stopping, resuming, resetting or forgetting it.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use camshaft::ConsumerError;
use camshaft_wire::{ConsumerView, Items, ProblemDocument, ResetRequest, ResetView, SkipRequest, SkipView};

use super::{Api, body, parameters::Path, problem::Problem};

/// Every consumer.
#[utoipa::path(
    get, path = "/consumers", tag = "consumers",
    responses(
        (status = 200, description = "All consumers, by name", body = Items<ConsumerView>),
        (status = 503, description = "The log is poisoned", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list(State(api): State<Api>) -> Result<Json<Items<ConsumerView>>, Problem> {
    Ok(Json(Items { items: api.runtime.consumers().await? }))
}

/// One consumer.
#[utoipa::path(
    get, path = "/consumers/{name}", tag = "consumers",
    params(("name" = String, Path, description = "Its name: the plugin's, or a closure's")),
    responses(
        (status = 200, description = "The consumer", body = ConsumerView),
        (status = 404, description = "No consumer has the name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The log is poisoned", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn show(State(api): State<Api>, Path(name): Path<String>) -> Result<Json<ConsumerView>, Problem> {
    match api.runtime.consumer(&name).await? {
        Some(consumer) => Ok(Json(consumer)),
        None => Err(ConsumerError::NotFound { name }.into()),
    }
}

/// Forgets a detached consumer, its state, dead letters and timers.
#[utoipa::path(
    delete, path = "/consumers/{name}", tag = "consumers",
    params(("name" = String, Path, description = "Its name")),
    responses(
        (status = 204, description = "It is forgotten"),
        (status = 404, description = "No consumer has the name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "It is attached", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn remove(State(api): State<Api>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    api.runtime.remove_consumer(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keeps a consumer from taking events until it is resumed, also after a restart. It burns no attempts meanwhile.
#[utoipa::path(
    post, path = "/consumers/{name}/pause", tag = "consumers",
    params(("name" = String, Path, description = "Its name")),
    responses(
        (status = 204, description = "It is paused"),
        (status = 404, description = "No consumer has the name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn pause(State(api): State<Api>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    api.runtime.pause_consumer(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets a paused consumer go on where it stands, and closes its circuit breaker.
#[utoipa::path(
    post, path = "/consumers/{name}/resume", tag = "consumers",
    params(("name" = String, Path, description = "Its name")),
    responses(
        (status = 204, description = "It goes on"),
        (status = 404, description = "No consumer has the name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn resume(State(api): State<Api>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    api.runtime.resume_consumer(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Starts a consumer anew at another place, as its next generation.
///
/// Its held events, dead letters and timers are dropped, and its state unless it is kept.
#[utoipa::path(
    post, path = "/consumers/{name}/reset", tag = "consumers",
    params(("name" = String, Path, description = "Its name")),
    request_body(content = ResetRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "It has begun anew", body = ResetView),
        (status = 400, description = "The place is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The request is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No consumer has the name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn reset(
    State(api): State<Api>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<ResetView>, Problem> {
    let request: ResetRequest = body::json(&api, &headers, body).await?;
    Ok(Json(ResetView { offset: api.runtime.reset_consumer(&name, request).await? }))
}

/// Lets a damaged consumer go on without what it cannot read.
///
/// Damaged events of the log are passed over; a damaged held event, dead letter or timer is dropped. What is skipped is
/// published as `camshaft.consumer.skipped`.
#[utoipa::path(
    post, path = "/consumers/{name}/skip", tag = "consumers",
    params(("name" = String, Path, description = "Its name")),
    request_body(content = SkipRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "It goes on", body = SkipView),
        (status = 400, description = "The offset is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The request is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No consumer has the name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "It is not damaged, cannot go on without the damaged part, or `to` is given and no event is damaged", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn skip(
    State(api): State<Api>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<SkipView>, Problem> {
    let request: SkipRequest = body::json(&api, &headers, body).await?;
    Ok(Json(api.runtime.skip_damage(&name, request).await?))
}
