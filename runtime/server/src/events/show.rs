//! `GET /events/{offset}` and `GET /events/find`: one event, and what became of it at every consumer.

#![expect(unused_qualifications, reason = "utoipa's macro repeats the names of parameter types")]

use axum::{Json, extract::State};
use camshaft_event::Offset;
use camshaft_wire::{EventView, ProblemDocument};
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::{
    Api,
    parameters::{Path, Query},
    problem::Problem,
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FindQuery {
    /// Its source.
    source: String,
    /// Its id.
    id: String,
}

/// An event, and what became of it.
///
/// Of each consumer: whether it has handled the event, when and with which attempt and version, what the handler
/// published, or why it has not. It is derived from the tables and from at most 100,000 records behind the event; what
/// these do not say is `unknown`.
#[utoipa::path(
    get, path = "/events/{offset}", tag = "events",
    params(("offset" = u64, Path, description = "Its place in the log")),
    responses(
        (status = 200, description = "The event", body = EventView),
        (status = 404, description = "No event has the offset yet", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "The event was trimmed; `first` is the first that is retained", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn show(State(api): State<Api>, Path(offset): Path<u64>) -> Result<Json<EventView>, Problem> {
    Ok(Json(api.runtime.event(Offset(offset)).await?))
}

/// An event by its source and id, and what became of it.
///
/// What a producer published is found as long as a repetition would be recognized. What a plugin published is found
/// behind its cause. Events of the runtime itself are found by their offset only.
#[utoipa::path(
    get, path = "/events/find", tag = "events", params(FindQuery),
    responses(
        (status = 200, description = "The event", body = EventView),
        (status = 404, description = "No such event is found", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "The event was trimmed", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn find(
    State(api): State<Api>,
    Query(query): Query<FindQuery>,
) -> Result<Json<EventView>, Problem> {
    Ok(Json(api.runtime.event_by_id(&query.source, &query.id).await?))
}
