//! Query and path parameters. Invalid ones are answered with problem documents.

use axum::{
    extract::{FromRequestParts, rejection::PathRejection},
    http::request::Parts,
};
use camshaft::ErrorCode;
use camshaft_event::Offset;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// Parameters of the query string. An unknown parameter is an error.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(query) => Ok(Self(query.0)),
            Err(rejection) => {
                let text = rejection.body_text();
                let detail = text.rsplit("query string: ").next().unwrap_or_default();
                Err(Problem::new(ErrorCode::InvalidRequest, format!("in the query, {detail}")))
            }
        }
    }
}

/// Parameters of the path.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(path) => Ok(Self(path.0)),
            Err(PathRejection::FailedToDeserializePathParams(failure)) => {
                let text = failure.body_text();
                let detail = text.rsplit("Invalid URL: ").next().unwrap_or_default();
                Err(Problem::new(ErrorCode::InvalidRequest, format!("in the path, {detail}")))
            }
            Err(other) => Err(Problem::new(ErrorCode::Internal, other.to_string())),
        }
    }
}

/// Parses an offset in a path.
pub fn offset(text: &str) -> Result<Offset, Problem> {
    text.parse().map(Offset).map_err(|_| {
        Problem::invalid_request(
            "offset",
            format!("\"{text}\" is not an offset"),
            "Use the number after the colon of the event's id.",
        )
    })
}

/// Checks the requested number of items, from 1 to `most`.
pub fn limit(given: Option<u64>, default: u64, most: u64) -> Result<u64, Problem> {
    match given.unwrap_or(default) {
        limit if (1..=most).contains(&limit) => Ok(limit),
        limit => Err(Problem::invalid_request(
            "limit",
            format!("limit is {limit}, but must be between 1 and {most}"),
            "Request fewer items, and the rest in further requests.",
        )),
    }
}
