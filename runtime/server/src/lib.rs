//! Camshaft's HTTP interface: the routes, their OpenAPI description, the access check and the server.
//!
//! Every route is registered together with its description, so that `/openapi.json` lists all routes. Every
//! error is a problem document from [`problem`]. This crate makes no decisions about events; the [`Runtime`]
//! makes them.

mod answer;
mod body;
mod commands;
mod consumers;
mod dead_letters;
mod events;
mod guard;
mod health;
mod held_events;
mod openapi;
mod parameters;
mod plugin_files;
mod plugins;
pub mod problem;
mod redrives;
mod room;
mod scopes;
mod server;
mod starting;
mod state;

use std::sync::Arc;

use axum::{Router, middleware};
use camshaft::{Config, Runtime, Token};
use tokio::sync::{Semaphore, watch};
use utoipa_axum::{router::OpenApiRouter, routes};

use problem::Problem;
use room::Room;

pub use server::{Server, ServerError};
pub use starting::Front;

/// The settings of the HTTP interface.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// Token that callers must send; without a token, only loopback callers are allowed.
    pub token: Option<Token>,
    /// Web origins whose pages may call the runtime.
    pub allowed_origins: Vec<String>,
    /// Maximum size of a request body, in bytes.
    pub max_request_bytes: u64,
    /// Maximum size of one event, in bytes.
    pub max_event_bytes: u64,
    /// Maximum size of a batch, in bytes.
    pub max_transaction_bytes: u64,
    /// Maximum number of requests served at a time. Requests that follow the log may use half of them,
    /// and requests that wait for the answer to a command a quarter.
    pub max_connections: usize,
    /// Memory for all requests and responses together, in bytes.
    pub room_bytes: usize,
}

impl From<&Config> for ApiSettings {
    fn from(config: &Config) -> Self {
        Self {
            token: config.token.clone(),
            allowed_origins: config.allowed_origins.clone(),
            max_request_bytes: config.limits.max_request_bytes,
            max_event_bytes: config.limits.max_event_bytes,
            max_transaction_bytes: config.limits.max_transaction_bytes,
            max_connections: config.limits.max_connections,
            room_bytes: config.clients_bytes(),
        }
    }
}

/// The shared state of all route handlers.
#[derive(Clone)]
struct Api {
    runtime: Runtime,
    settings: Arc<ApiSettings>,
    room: Arc<Room>,
    followers: Arc<Semaphore>,
    /// The share of the senders that wait for answers.
    waiting: Arc<Semaphore>,
    /// Becomes true when the server drains; streams that follow the log then end.
    closing: watch::Receiver<bool>,
}

/// Creates the routes over `runtime`. Streams that follow the log end when `closing` becomes true.
pub fn router(runtime: Runtime, settings: ApiSettings, closing: watch::Receiver<bool>) -> Router {
    let largest = usize::try_from(settings.max_request_bytes).unwrap_or(usize::MAX / 4);
    let room = Room::new(settings.room_bytes, body::cost(largest));
    let followers = Arc::new(Semaphore::new((settings.max_connections / 2).min(Semaphore::MAX_PERMITS)));
    let waiting = Arc::new(Semaphore::new(settings.max_connections.div_ceil(4).min(Semaphore::MAX_PERMITS)));
    let api = Api { runtime, settings: Arc::new(settings), room, followers, waiting, closing };
    let (router, description) = described_routes().split_for_parts();
    let guard = middleware::from_fn_with_state(api.clone(), guard::guard);
    let answers = middleware::from_fn_with_state(api.clone(), answer::bounded);
    router
        .fallback(async || Problem::route_not_found())
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(axum::Extension(openapi::Description::new(description)))
        .layer(answers)
        .layer(guard)
        .with_state(api)
}

fn described_routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(events::publish, events::read, events::handshake))
        .routes(routes!(events::find))
        .routes(routes!(events::show))
        .routes(routes!(commands::send))
        .routes(routes!(commands::show))
        .routes(routes!(scopes::list))
        .routes(routes!(scopes::show))
        .routes(routes!(scopes::facts))
        .routes(routes!(plugins::list))
        .routes(routes!(plugins::show))
        .routes(routes!(plugins::history))
        .routes(routes!(plugins::rollback))
        .routes(routes!(plugins::pin))
        .routes(routes!(plugins::unpin))
        .routes(routes!(plugins::retry))
        .routes(routes!(plugin_files::put))
        .routes(routes!(consumers::list))
        .routes(routes!(consumers::show, consumers::remove))
        .routes(routes!(consumers::pause))
        .routes(routes!(consumers::resume))
        .routes(routes!(consumers::reset))
        .routes(routes!(consumers::skip))
        .routes(routes!(held_events::list))
        .routes(routes!(held_events::retry))
        .routes(routes!(held_events::dead))
        .routes(routes!(dead_letters::list))
        .routes(routes!(dead_letters::show))
        .routes(routes!(dead_letters::redrive))
        .routes(routes!(dead_letters::redriven))
        .routes(routes!(dead_letters::discard))
        .routes(routes!(redrives::start, redrives::list))
        .routes(routes!(redrives::show, redrives::cancel))
        .routes(routes!(state::list))
        .routes(routes!(state::show))
        .routes(routes!(health::health))
        .routes(routes!(openapi::openapi))
}

#[cfg(test)]
mod tests;
