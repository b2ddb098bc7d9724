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

/// A redrive job to start or to preview.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartRedrive {
    /// The selection and the rate.
    #[serde(flatten)]
    request: RedriveRequest,
    /// Whether to return only a preview, without a redrive.
    #[serde(default)]
    dry_run: bool,
}

/// Starts a job that redrives the currently selected dead letters, in order.
///
/// The response is sent once the start is durable. The job then runs by itself, and continues after a
/// restart.
#[utoipa::path(
    post, path = "/redrives", tag = "dead letters",
    request_body(content = StartRedrive, content_type = "application/json"),
    responses(
        (status = 200, description = "Preview of the job, for a dry run", body = RedrivePreview),
        (status = 202, description = "The job has started", body = RedriveView),
        (status = 400, description = "The selection is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No consumer has this name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "Another job of the consumer is running", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The request is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The runtime cannot serve the request now", body = ProblemDocument, content_type = "application/problem+json"),
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

/// Lists the redrive jobs.
#[utoipa::path(
    get, path = "/redrives", tag = "dead letters",
    responses(
        (status = 200, description = "All running jobs and the newest ended ones, oldest first", body = Items<RedriveView>),
        (status = 503, description = "The log is poisoned", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list(State(api): State<Api>) -> Result<Json<Items<RedriveView>>, Problem> {
    Ok(Json(Items { items: api.runtime.redrives().await? }))
}

/// Returns one redrive job with its progress and results.
#[utoipa::path(
    get, path = "/redrives/{id}", tag = "dead letters",
    params(("id" = u64, Path, description = "Number of the job")),
    responses(
        (status = 200, description = "The job", body = RedriveView),
        (status = 404, description = "No job has this number", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The log is poisoned", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn show(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<RedriveView>, Problem> {
    Ok(Json(api.runtime.redrive_job(number(&id)?).await?))
}

/// Cancels a redrive job. Dead letters that it has redriven stay redriven.
#[utoipa::path(
    delete, path = "/redrives/{id}", tag = "dead letters",
    params(("id" = u64, Path, description = "Number of the job")),
    responses(
        (status = 204, description = "The job is cancelled"),
        (status = 404, description = "No job has this number", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The job has ended", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The runtime cannot serve the request now", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn cancel(State(api): State<Api>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    api.runtime.cancel_redrive(number(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Parses the number of a job in a path.
fn number(text: &str) -> Result<RedriveId, Problem> {
    text.parse().map(RedriveId).map_err(|_| {
        Problem::invalid_request(
            "id",
            format!("\"{text}\" is not the number of a redrive job"),
            "See GET /redrives for the jobs and their numbers.",
        )
    })
}
