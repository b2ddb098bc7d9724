//! `GET /health`: the health check for operators and for programs that watch the process.

use axum::{Json, extract::State, http::StatusCode};
use camshaft_wire::{Health, HealthStatus};

use super::Api;

/// Returns whether the runtime accepts events, and figures of the log.
///
/// Needs no token. Any status other than 200 means that the runtime rejects new events; `why` states the
/// reason.
#[utoipa::path(
    get, path = "/health", tag = "runtime", security(()),
    responses(
        (status = 200, description = "The runtime accepts events", body = Health),
        (status = 503, description = "The runtime is starting, draining or poisoned", body = Health),
    )
)]
pub async fn health(State(api): State<Api>) -> (StatusCode, Json<Health>) {
    let mut health = api.runtime.health();
    if *api.closing.borrow() && health.status == HealthStatus::Accepting {
        health.status = HealthStatus::Draining;
        health.why = Some("the runtime was asked to stop".to_owned());
    }
    let status = match health.status {
        HealthStatus::Accepting => StatusCode::OK,
        HealthStatus::Starting | HealthStatus::Draining | HealthStatus::Poisoned => {
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    (status, Json(health))
}
