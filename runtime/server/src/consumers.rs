//! `/consumers`: shows, pauses, resumes, resets and removes consumers, and skips damage.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use camshaft::ConsumerError;
use camshaft_wire::{ConsumerView, Items, ProblemDocument, ResetRequest, ResetView, SkipRequest, SkipView};

use super::{Api, body, parameters::Path, problem::Problem};

/// Lists all consumers.
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

/// Returns one consumer.
#[utoipa::path(
    get, path = "/consumers/{name}", tag = "consumers",
    params(("name" = String, Path, description = "Name of the consumer: the name of its plugin or closure")),
    responses(
        (status = 200, description = "The consumer", body = ConsumerView),
        (status = 404, description = "No consumer has this name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The log is poisoned", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn show(State(api): State<Api>, Path(name): Path<String>) -> Result<Json<ConsumerView>, Problem> {
    match api.runtime.consumer(&name).await? {
        Some(consumer) => Ok(Json(consumer)),
        None => Err(ConsumerError::NotFound { name }.into()),
    }
}

/// Removes a detached consumer, its state, held events, dead letters and timers.
#[utoipa::path(
    delete, path = "/consumers/{name}", tag = "consumers",
    params(("name" = String, Path, description = "Name of the consumer")),
    responses(
        (status = 204, description = "The consumer is removed"),
        (status = 404, description = "No consumer has this name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The consumer is attached", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The runtime cannot serve the request now", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn remove(State(api): State<Api>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    api.runtime.remove_consumer(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pauses a consumer.
///
/// The consumer takes no events until it is resumed, even after a restart. A paused consumer uses up no
/// attempts.
#[utoipa::path(
    post, path = "/consumers/{name}/pause", tag = "consumers",
    params(("name" = String, Path, description = "Name of the consumer")),
    responses(
        (status = 204, description = "The consumer is paused"),
        (status = 404, description = "No consumer has this name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The runtime cannot serve the request now", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn pause(State(api): State<Api>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    api.runtime.pause_consumer(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Resumes a paused consumer at its position, and closes its circuit breaker.
#[utoipa::path(
    post, path = "/consumers/{name}/resume", tag = "consumers",
    params(("name" = String, Path, description = "Name of the consumer")),
    responses(
        (status = 204, description = "The consumer has resumed"),
        (status = 404, description = "No consumer has this name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The runtime cannot serve the request now", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn resume(State(api): State<Api>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    api.runtime.resume_consumer(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Resets a consumer to another position in the log.
///
/// The consumer begins a new generation. Its held events, dead letters and timers are dropped. Its state is
/// dropped unless `keep_state` is true.
#[utoipa::path(
    post, path = "/consumers/{name}/reset", tag = "consumers",
    params(("name" = String, Path, description = "Name of the consumer")),
    request_body(content = ResetRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "The consumer is reset", body = ResetView),
        (status = 400, description = "The position is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The request is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No consumer has this name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The runtime cannot serve the request now", body = ProblemDocument, content_type = "application/problem+json"),
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

/// Lets a damaged consumer continue without the damaged parts.
///
/// Damaged events of the log are skipped; a damaged held event, dead letter or timer is dropped. The event
/// `camshaft.consumer.skipped` lists the skipped parts.
#[utoipa::path(
    post, path = "/consumers/{name}/skip", tag = "consumers",
    params(("name" = String, Path, description = "Name of the consumer")),
    request_body(content = SkipRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "The consumer continues", body = SkipView),
        (status = 400, description = "The offset is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The request is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No consumer has this name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The consumer is not damaged, cannot continue without the damaged part, or `to` is given and no event is damaged", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The runtime cannot serve the request now", body = ProblemDocument, content_type = "application/problem+json"),
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
