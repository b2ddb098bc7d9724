//! Responses while the runtime recovers: every request fails as `starting`. Afterwards the real routes
//! answer.

use std::sync::{Arc, OnceLock};

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use camshaft_wire::ErrorCode;
use tower::ServiceExt;

use super::problem::Problem;

/// Answers requests until the routes exist, and then forwards requests to them.
#[derive(Clone, Default)]
pub struct Front(Arc<OnceLock<Router>>);

impl Front {
    /// The router for the server.
    pub fn router(&self) -> Router {
        let front = self.clone();
        Router::new().fallback(async move |request: Request| front.answer(request).await)
    }

    /// Forwards requests to `router` from now on. Must be called only once.
    pub fn open(&self, router: Router) {
        assert!(self.0.set(router).is_ok(), "a runtime opens once");
    }

    async fn answer(&self, request: Request) -> Response {
        match self.0.get() {
            Some(router) => router.clone().oneshot(request).await.into_response(),
            None => Problem::new(ErrorCode::Starting, "the runtime is starting: it is reading its log")
                .header(header::RETRY_AFTER, HeaderValue::from_static("1"))
                .into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::StatusCode};

    use super::*;

    #[tokio::test]
    async fn everything_is_starting_until_it_is_open() {
        let front = Front::default();
        let router = front.router();
        let get = async || {
            let request = Request::get("/health").body(Body::empty()).unwrap();
            router.clone().oneshot(request).await.unwrap()
        };
        let starting = get().await;
        assert_eq!(starting.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(starting.headers()[header::RETRY_AFTER], "1");
        front.open(Router::new().route("/health", axum::routing::get(async || "well")));
        assert_eq!(get().await.status(), StatusCode::OK);
    }
}
