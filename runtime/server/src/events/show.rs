//! `GET /events/{offset}` and `GET /events/find`: one event, and its delivery to every consumer.

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
    /// Source of the event.
    source: String,
    /// Id of the event.
    id: String,
}

/// Returns an event and its deliveries.
///
/// For each consumer, the response shows whether it has handled the event, when, with which attempt and
/// version, and which events the handler published; or why the event is not handled. The runtime derives this
/// from the tables and from at most 100,000 records after the event. A status that they do not determine is
/// `unknown`.
#[utoipa::path(
    get, path = "/events/{offset}", tag = "events",
    params(("offset" = u64, Path, description = "Offset of the event")),
    responses(
        (status = 200, description = "The event", body = EventView),
        (status = 404, description = "No event has this offset yet", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "The event was trimmed; `first` is the first retained offset", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn show(State(api): State<Api>, Path(offset): Path<u64>) -> Result<Json<EventView>, Problem> {
    Ok(Json(api.runtime.event(Offset(offset)).await?))
}

/// Finds an event by its source and id, and returns it with its deliveries.
///
/// An event of a producer is found as long as the runtime recognizes its repetition. An event of a plugin is
/// found among the records after its cause. An event of the runtime is found by its offset only.
#[utoipa::path(
    get, path = "/events/find", tag = "events", params(FindQuery),
    responses(
        (status = 200, description = "The event", body = EventView),
        (status = 404, description = "No event with this source and id was found", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "The event was trimmed", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn find(
    State(api): State<Api>,
    Query(query): Query<FindQuery>,
) -> Result<Json<EventView>, Problem> {
    Ok(Json(api.runtime.event_by_id(&query.source, &query.id).await?))
}
