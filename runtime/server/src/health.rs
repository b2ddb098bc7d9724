//! `GET /health`: for operators, and for whatever watches the process.

use axum::{Json, extract::State, http::StatusCode};
use camshaft_wire::{Health, HealthStatus};

use super::Api;

/// Whether events are accepted, and how the log is.
///
/// Needs no token. Anything but 200 means that publishing would be refused; `why` says why.
#[utoipa::path(
    get, path = "/health", tag = "runtime", security(()),
    responses(
        (status = 200, description = "Events are accepted", body = Health),
        (status = 503, description = "Starting, draining, or poisoned", body = Health),
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
