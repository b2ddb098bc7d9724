//! `/commands`: sends commands, waits for their answers, and shows the state of a command.

mod conditions;

use std::time::Duration;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use camshaft::{ErrorCode, Runtime};
use camshaft_event::Event;
use camshaft_wire::{AnswerView, CommandStatus, CommandView, Commands, MismatchView, ProblemDocument};

use super::{
    Api,
    events::{ReceivedEvents, receive},
    openapi::CloudEvent,
    parameters::{Path, offset},
    problem::Problem,
    scopes::etag,
};
use conditions::Condition;

/// How long a request waits for its answers, unless it says otherwise.
const WAIT: Duration = Duration::from_secs(5);

/// The longest time that a request may wait.
const MAX_WAIT: Duration = Duration::from_mins(1);

/// Sends commands, and waits for their answers.
///
/// A command is a CloudEvent whose type a consumer owns. One command gets its answer as the response; a batch
/// is accepted as one transaction and answered item by item, always with 200. `Prefer: wait=N` sets how many
/// seconds to wait, up to 60; the default is 5. `Prefer: respond-async` waits for no answer. If a quarter of
/// all connections wait for answers, further requests do not wait.
///
/// Sending the same command again is safe: a command with a known source and id gets the first answer again.
///
/// A command may expect versions of scopes, and has no effects if one of them has another version. `If-Match`
/// and `If-None-Match: *` mean the scope that the owner declares for the command type, with the subject as
/// id. The attribute `expect` names any scopes, as in `account/9@7 course/c1@0`. A batch takes no conditions
/// in headers.
#[utoipa::path(
    post, path = "/commands", tag = "commands",
    params(
        ("Prefer" = Option<String>, Header, description = "`wait=N` in seconds, or `respond-async`"),
        ("If-Match" = Option<String>, Header, description = "Expected version of the declared scope, in double quotes", example = "\"7\""),
        ("If-None-Match" = Option<String>, Header, description = "`*` expects that the declared scope has no facts"),
    ),
    request_body(
        description = "One command or a batch. The binary content mode is also accepted, but OpenAPI cannot express it: each attribute is a header with the prefix `ce-`, `Content-Type` is the content type of the data, and the body is the data.",
        content((CloudEvent = "application/cloudevents+json"), (Vec<CloudEvent> = "application/cloudevents-batch+json")),
    ),
    responses(
        (status = 200, description = "The command was accepted: the answer and its effects are durable. For a batch: the commands, each with its state", body = CommandResponse, headers(("ETag" = Option<String>, description = "Version of the declared scope after the decision, in double quotes"))),
        (status = 202, description = "The command is in the log and has no answer yet; `Location` is the path of its state", body = CommandView, headers(("Location" = String, description = "Path of the command"))),
        (status = 400, description = "A command or a condition is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "A type, source or extension is reserved for the runtime", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "An event with this source and id, but with different content, is in the log or in the batch", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "An operator discarded the command", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "A scope has another version than the command expects: `mismatch` has both", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The command, the request or the transaction is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The request is not a CloudEvent, or its content coding is not gzip or zstd", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "The command was refused: `refusal` has the reason", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "Too many publishers are waiting", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "No attached consumer owns the command type, or the runtime cannot serve the request now", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full, or facts have reached `limits.max_kept_bytes`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn send(State(api): State<Api>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let wait = wait(&headers)?;
    let condition = Condition::of(&headers)?;
    let ReceivedEvents { mut events, is_batch, lease } = receive(&api, &headers, body).await?;
    conditions::apply(&api.runtime, &mut events, is_batch, condition)?;
    let head = events.first().map(head).unwrap_or_default();
    let receipts = api.runtime.submit(events).await?;
    // The commands are durable, and their memory is free.
    drop(lease);
    // Beyond their share of the connections, senders do not wait: other requests need the rest.
    let share = api.waiting.try_acquire();
    let wait = if share.is_ok() { wait } else { Duration::ZERO };
    let mut views = api.runtime.answers(receipts, wait).await?;
    match (is_batch, views.pop()) {
        (false, Some(view)) => answer(&api.runtime, &head, view),
        (_, last) => {
            views.extend(last);
            Ok(Json(Commands { results: views }).into_response())
        }
    }
}

/// One command, or a batch of them.
#[derive(utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only the description uses it")]
pub enum CommandResponse {
    One(CommandView),
    Batch(Commands),
}

/// Shows the state of a command, and its answer.
///
/// An answer is kept for one retention after it was given. A command that waits or is a dead letter is kept
/// until it is decided or discarded.
#[utoipa::path(
    get, path = "/commands/{offset}", tag = "commands",
    params(("offset" = u64, Path, description = "Offset of the command")),
    responses(
        (status = 200, description = "The command", body = CommandView),
        (status = 400, description = "The offset is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No command has this offset, or its answer is older than the retention", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The runtime cannot serve the request now", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn show(State(api): State<Api>, Path(text): Path<String>) -> Result<Json<CommandView>, Problem> {
    Ok(Json(api.runtime.command(offset(&text)?).await?))
}

/// The part of a command that says which scope it declares.
fn head(command: &Event) -> Event {
    let Event { event_type, subject, .. } = command;
    Event { event_type: event_type.clone(), subject: subject.clone(), ..Event::default() }
}

/// The response to one command.
fn answer(runtime: &Runtime, head: &Event, view: CommandView) -> Result<Response, Problem> {
    match (view.state, &view.answer) {
        (CommandStatus::Answered, Some(AnswerView::Refused(refusal))) => {
            let problem = Problem::new(ErrorCode::CommandRefused, refusal.message.clone());
            Err(problem.offset(view.offset).refusal(refusal.clone()))
        }
        (CommandStatus::Answered, Some(AnswerView::Mismatch(mismatch))) => {
            let MismatchView { scope, expected, actual } = mismatch;
            let detail =
                format!("scope \"{scope}\" has version {actual}, and the command expects {expected}");
            Err(Problem::new(ErrorCode::VersionMismatch, detail)
                .offset(view.offset)
                .mismatch(mismatch.clone()))
        }
        (CommandStatus::Answered, _) => {
            let version = version(runtime, head, &view).map(|version| [(header::ETAG, etag(version))]);
            Ok((version, Json(view)).into_response())
        }
        (CommandStatus::Discarded, _) => {
            let detail = format!("an operator discarded the command at offset {}", view.offset);
            Err(Problem::new(ErrorCode::CommandDiscarded, detail).offset(view.offset))
        }
        _ => {
            let location = format!("/commands/{}", view.offset);
            Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(view)).into_response())
        }
    }
}

/// How long the request waits, by the preferences of RFC 7240.
fn wait(headers: &HeaderMap) -> Result<Duration, Problem> {
    let invalid = |given: &str| {
        Problem::invalid_request(
            "Prefer",
            format!("`{given}` is not a time in whole seconds"),
            "Write `Prefer: wait=5`.",
        )
    };
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut wait = WAIT;
    for preference in preferences.flat_map(|value| value.split([',', ';'])) {
        let preference = preference.trim();
        let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "wait" => {
                let seconds = value.trim().trim_matches('"').parse().map_err(|_| invalid(preference))?;
                wait = Duration::from_secs(seconds).min(MAX_WAIT);
            }
            "respond-async" => return Ok(Duration::ZERO),
            // A preference that is not known is ignored, as the standard says.
            _ => {}
        }
    }
    Ok(wait)
}

/// The version of the scope that the command declares, if its decision read or changed that scope.
fn version(runtime: &Runtime, head: &Event, view: &CommandView) -> Option<u64> {
    if view.scopes.is_empty() {
        return None;
    }
    let declared = runtime.declared_scope(head)?;
    view.scopes.iter().find(|at| at.scope == declared.name()).map(|at| at.version)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn preferences_set_the_wait() {
        let wait = |value: &'static str| {
            wait(&HeaderMap::from_iter([(
                header::HeaderName::from_static("prefer"),
                HeaderValue::from_static(value),
            )]))
        };
        for (value, seconds) in [
            ("", 5),
            ("wait=2", 2),
            ("Wait = 7, handling=strict", 7),
            ("wait=900", 60),
            ("respond-async, wait=9", 0),
        ] {
            assert_eq!(wait(value).unwrap(), Duration::from_secs(seconds), "{value}");
        }
        assert!(wait("wait=soon").is_err() && wait("wait").is_err());
    }
}
