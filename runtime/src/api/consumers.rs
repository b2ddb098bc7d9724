//! `/consumers`: how far each consumer is, and what holds it up.

use axum::{Json, extract::State, http::StatusCode};

use super::{Api, answer::Items, parameters::Path, problem::Problem, problem::ProblemDocument};
use crate::{ConsumerError, view::ConsumerView};

/// Every consumer.
#[utoipa::path(
    get, path = "/consumers", tag = "consumers",
    responses((status = 200, description = "All consumers, by name", body = Items<ConsumerView>))
)]
pub async fn list(State(api): State<Api>) -> Json<Items<ConsumerView>> {
    Json(Items { items: api.runtime.consumers().await })
}

/// One consumer.
#[utoipa::path(
    get, path = "/consumers/{name}", tag = "consumers",
    params(("name" = String, Path, description = "Its name: the plugin's, or a closure's")),
    responses(
        (status = 200, description = "The consumer", body = ConsumerView),
        (status = 404, description = "No consumer has the name", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn show(State(api): State<Api>, Path(name): Path<String>) -> Result<Json<ConsumerView>, Problem> {
    match api.runtime.consumer(&name).await {
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
