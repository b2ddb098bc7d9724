//! Problem documents (RFC 9457): the format of every error over HTTP.

use std::time::Duration;

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use camshaft::{
    CommandError, ConsumerError, DeadLetterError, DeployError, ErrorCode, EventError, HeldError,
    PublishError, ReadError, RedriveError, ScopeError, StateError, Unavailable, VersionError,
};
use camshaft_event::{
    EXPECT, Offset,
    cloudevents::{InvalidBatch, InvalidEvent},
};
use camshaft_wire::{MismatchView, PROBLEM_MEDIA_TYPE as MEDIA_TYPE, ProblemDocument, RefusedView};

/// An error response.
#[derive(Clone, Debug)]
pub struct Problem {
    document: Box<ProblemDocument>,
    status: StatusCode,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// Creates a problem with a code and the detail of this occurrence.
    #[must_use]
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        let status = code.status().and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let document = ProblemDocument {
            urn: code.urn(),
            title: code.title().to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            hint: code.hint().to_owned(),
            ..ProblemDocument::default()
        };
        Self { document: Box::new(document), status, header: None }
    }

    /// Creates a problem for a parameter that is not valid.
    #[must_use]
    pub fn invalid_request(parameter: &str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        let mut problem = Self::new(ErrorCode::InvalidRequest, detail).hint(hint);
        problem.document.attribute = Some(parameter.to_owned());
        problem
    }

    pub(super) fn route_not_found() -> Self {
        Self::new(ErrorCode::RouteNotFound, "no route has this path")
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(ErrorCode::MethodNotAllowed, "this path does not support this method")
    }

    /// Replaces the hint with a more specific one.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.document.hint = hint.into();
        self
    }

    /// Adds the limit that was exceeded.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> Self {
        self.document.limit = Some(limit);
        self
    }

    /// Adds the offset of the event that the request is about.
    #[must_use]
    pub fn offset(mut self, offset: Offset) -> Self {
        self.document.offset = Some(offset.0);
        self
    }

    /// Adds the scope with another version than a command expects.
    #[must_use]
    pub fn mismatch(mut self, mismatch: MismatchView) -> Self {
        self.document.mismatch = Some(mismatch);
        self
    }

    /// Adds why a command was refused.
    #[must_use]
    pub fn refusal(mut self, refusal: RefusedView) -> Self {
        self.document.refusal = Some(refusal);
        self
    }

    /// Adds a response header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }

    /// Creates a problem for a limit that is reached now and clears by itself.
    pub(super) fn busy(detail: impl Into<String>) -> Self {
        Self::new(ErrorCode::Busy, detail).retry_after(Some(Duration::from_secs(1)))
    }

    fn retry_after(self, delay: Option<Duration>) -> Self {
        let Some(delay) = delay else { return self };
        // Whole seconds, at least one.
        let seconds = delay.as_millis().div_ceil(1000).max(1);
        let value = HeaderValue::from_str(&seconds.to_string()).expect("digits are a header value");
        self.header(header::RETRY_AFTER, value)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.document).expect("a problem is made of texts and numbers");
        let mut response = (self.status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        response.headers_mut().extend(self.header);
        response
    }
}

impl From<InvalidEvent> for Problem {
    fn from(error: InvalidEvent) -> Self {
        let mut problem = Self::new(ErrorCode::InvalidEvent, error.to_string()).hint(error.hint());
        problem.document.attribute = error.attribute().map(str::to_owned);
        problem
    }
}

impl From<InvalidBatch> for Problem {
    fn from(error: InvalidBatch) -> Self {
        match error {
            InvalidBatch::Item { index, error } => {
                let mut problem = Self::from(error);
                problem.document.index = Some(index);
                problem
            }
            InvalidBatch::NotAnArray { .. } => {
                Self::new(ErrorCode::InvalidEvent, error.to_string()).hint(error.hint())
            }
        }
    }
}

/// The response of every operation that the runtime cannot serve now.
impl From<Unavailable> for Problem {
    fn from(unavailable: Unavailable) -> Self {
        Self::new(unavailable.code(), unavailable.to_string()).retry_after(unavailable.retry_after())
    }
}

impl From<PublishError> for Problem {
    fn from(error: PublishError) -> Self {
        let mut problem = match &error {
            PublishError::Invalid { reason, .. } => Self::from(reason.clone()),
            PublishError::Unavailable(unavailable) => (*unavailable).into(),
            _ => Self::new(error.code(), error.to_string()).retry_after(error.retry_after()),
        };
        problem.document.index = error.index();
        match error {
            PublishError::Conflict { offset, .. } => problem.document.offset = Some(offset.0),
            PublishError::ConflictWithin { first, .. } => problem.document.other_index = Some(first),
            PublishError::EventTooLarge { limit, .. } | PublishError::TransactionTooLarge { limit } => {
                problem.document.limit = Some(limit);
            }
            PublishError::Expiry { .. } => problem.document.attribute = Some("expirytime".to_owned()),
            PublishError::Expectation { .. } => problem.document.attribute = Some(EXPECT.to_owned()),
            _ => {}
        }
        problem
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        let mut problem = Self::new(error.code(), error.to_string());
        match error {
            ReadError::Trimmed { first: Offset(first) } => {
                problem.document.first = Some(first);
                problem.document.hint = format!("Read with from={first}.");
            }
            ReadError::BeyondTail { tail, .. }
            | ReadError::OtherLog { tail, .. }
            | ReadError::WrongLog { tail, .. } => problem.document.tail = Some(tail.0),
            ReadError::Failed { .. } => {}
        }
        problem
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Unavailable(unavailable) => unavailable.into(),
            error => Self::new(error.code(), error.to_string()),
        }
    }
}

impl From<EventError> for Problem {
    fn from(error: EventError) -> Self {
        match error {
            EventError::Read(error) => error.into(),
            EventError::Unavailable(unavailable) => unavailable.into(),
            EventError::NoSuchOffset { tail, .. } => {
                let mut problem = Self::new(error.code(), error.to_string());
                problem.document.tail = Some(tail.0);
                problem
            }
            error => Self::new(error.code(), error.to_string()),
        }
    }
}

impl From<ConsumerError> for Problem {
    fn from(error: ConsumerError) -> Self {
        match error {
            ConsumerError::Unavailable(unavailable) => unavailable.into(),
            error => Self::new(error.code(), error.to_string()),
        }
    }
}

impl From<DeadLetterError> for Problem {
    fn from(error: DeadLetterError) -> Self {
        match error {
            DeadLetterError::Unavailable(unavailable) => unavailable.into(),
            error => Self::new(error.code(), error.to_string()),
        }
    }
}

impl From<HeldError> for Problem {
    fn from(error: HeldError) -> Self {
        match error {
            HeldError::Unavailable(unavailable) => unavailable.into(),
            error => Self::new(error.code(), error.to_string()),
        }
    }
}

impl From<RedriveError> for Problem {
    fn from(error: RedriveError) -> Self {
        match error {
            RedriveError::Unavailable(unavailable) => unavailable.into(),
            error => Self::new(error.code(), error.to_string()),
        }
    }
}

impl From<VersionError> for Problem {
    fn from(error: VersionError) -> Self {
        match error {
            VersionError::Unavailable(unavailable) => unavailable.into(),
            error => Self::new(error.code(), error.to_string()),
        }
    }
}

impl From<DeployError> for Problem {
    fn from(error: DeployError) -> Self {
        match error {
            DeployError::Unavailable(unavailable) => unavailable.into(),
            DeployError::TooLarge { limit, .. } => {
                Self::new(error.code(), error.to_string()).hint(error.hint()).limit(limit)
            }
            error => Self::new(error.code(), error.to_string()).hint(error.hint()),
        }
    }
}

impl From<ScopeError> for Problem {
    fn from(error: ScopeError) -> Self {
        match error {
            ScopeError::Unavailable(unavailable) => unavailable.into(),
            ScopeError::Cursor => {
                let hint = "Send `next` of the previous page, or no cursor.";
                Self::invalid_request("cursor", error.to_string(), hint)
            }
            ScopeError::Trimmed { first, .. } => {
                let mut problem = Self::new(error.code(), error.to_string());
                problem.document.first = Some(first.0);
                problem.hint("Read later facts with `from`, or keep the log longer with `retention`.")
            }
            error => Self::new(error.code(), error.to_string()),
        }
    }
}

impl From<StateError> for Problem {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Unavailable(unavailable) => unavailable.into(),
            error => Self::new(error.code(), error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Status, `Retry-After` and body.
    async fn answer(problem: Problem) -> (u16, Option<String>, serde_json::Value) {
        let (head, body) = problem.into_response().into_parts();
        let retry_after =
            head.headers.get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (head.status.as_u16(), retry_after, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn every_operation_answers_alike_while_the_runtime_is_unavailable() {
        let all = [
            (Unavailable::Busy, 503, "busy", Some("1"), "the log is behind with syncing"),
            (Unavailable::NoSpace, 507, "no-space", Some("1"), "no space is left for the log"),
            (Unavailable::ShuttingDown, 503, "shutting-down", Some("1"), "the runtime is shutting down"),
            (Unavailable::Poisoned, 503, "log-poisoned", None, "the log is poisoned: a sync failed"),
        ];
        for (unavailable, status, code, seconds, detail) in all {
            let (found, retry_after, document) = answer(unavailable.into()).await;
            assert_eq!((found, retry_after.as_deref()), (status, seconds), "{code}");
            assert_eq!(document["type"], format!("urn:camshaft:error:{code}"));
            assert_eq!(
                (&document["status"], &document["detail"]),
                (&status.into(), &detail.into()),
                "{code}"
            );
            for problem in [
                PublishError::from(unavailable).into(),
                ConsumerError::from(unavailable).into(),
                DeadLetterError::from(unavailable).into(),
                RedriveError::from(unavailable).into(),
                VersionError::from(unavailable).into(),
                StateError::from(unavailable).into(),
            ] {
                assert_eq!(answer(problem).await, (status, retry_after.clone(), document.clone()), "{code}");
            }
        }
    }

    #[tokio::test]
    async fn a_publisher_too_many_is_told_when_to_come_back() {
        let (status, retry_after, document) = answer(PublishError::TooMany.into()).await;
        assert_eq!((status, retry_after.as_deref()), (429, Some("1")));
        assert_eq!(document["type"], ErrorCode::TooManyRequests.urn());
    }
}
