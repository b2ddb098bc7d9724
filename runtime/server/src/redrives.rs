//! `/redrives`: jobs that redrive a selection of dead letters.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use camshaft_event::RedriveId;
use camshaft_wire::{Items, ProblemDocument, RedrivePreview, RedriveRequest, RedriveView};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Api, body, parameters::Path, problem::Problem};

/// A job to start, or to preview.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartRedrive {
    /// What it takes, and how fast.
    #[serde(flatten)]
    request: RedriveRequest,
    /// Only say what would be redriven.
    #[serde(default)]
    dry_run: bool,
}

/// Starts a job that redrives the dead letters that are selected now, in order.
///
/// It answers once the start is durable; the job goes on by itself, also after a restart.
#[utoipa::path(
    post, path = "/redrives", tag = "dead letters",
    request_body(content = StartRedrive, content_type = "application/json"),
    responses(
        (status = 200, description = "What would be redriven, for a dry run", body = RedrivePreview),
        (status = 202, description = "The job is started", body = RedriveView),
        (status = 400, description = "The selection is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No consumer has the name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "Another job of the consumer runs", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The request is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn start(State(api): State<Api>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let StartRedrive { request, dry_run } = body::json(&api, &headers, body).await?;
    if dry_run {
        return Ok(Json(api.runtime.preview_redrive(request).await?).into_response());
    }
    Ok((StatusCode::ACCEPTED, Json(api.runtime.start_redrive(request).await?)).into_response())
}

/// The redrive jobs.
#[utoipa::path(
    get, path = "/redrives", tag = "dead letters",
    responses(
        (status = 200, description = "The jobs that are kept, oldest first", body = Items<RedriveView>),
        (status = 503, description = "The log is poisoned", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list(State(api): State<Api>) -> Result<Json<Items<RedriveView>>, Problem> {
    Ok(Json(Items { items: api.runtime.redrives().await? }))
}

/// One redrive job: how far it is, and what came of it.
#[utoipa::path(
    get, path = "/redrives/{id}", tag = "dead letters",
    params(("id" = u64, Path, description = "Its number")),
    responses(
        (status = 200, description = "The job", body = RedriveView),
        (status = 404, description = "There is none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The log is poisoned", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn show(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<RedriveView>, Problem> {
    Ok(Json(api.runtime.redrive_job(number(&id)?).await?))
}

/// Stops a redrive job; what it has redriven stays redriven.
#[utoipa::path(
    delete, path = "/redrives/{id}", tag = "dead letters",
    params(("id" = u64, Path, description = "Its number")),
    responses(
        (status = 204, description = "It has stopped"),
        (status = 404, description = "There is none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "It has ended", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn cancel(State(api): State<Api>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    api.runtime.cancel_redrive(number(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The number of a job in a path.
fn number(text: &str) -> Result<RedriveId, Problem> {
    text.parse().map(RedriveId).map_err(|_| {
        Problem::invalid_request(
            "id",
            format!("\"{text}\" is not the number of a redrive job"),
            "`GET /redrives` lists the jobs with their numbers.",
        )
    })
}
