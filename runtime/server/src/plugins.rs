//! `/plugins`: what the plugins directory holds, what runs because of it, what ran before, and running that again.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use camshaft::ErrorCode;
use camshaft_wire::{
    ActivationView, Items, PinRequest, PluginView, PluginsView, ProblemDocument, RollbackRequest,
};

use super::{Api, body, parameters::Path, problem::Problem};

/// Every plugin.
#[utoipa::path(
    get, path = "/plugins", tag = "plugins",
    responses(
        (status = 200, description = "All plugins, by name", body = PluginsView),
        (status = 503, description = "The log is poisoned", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list(State(api): State<Api>) -> Result<Json<PluginsView>, Problem> {
    let directory = api.runtime.plugins_directory().display().to_string();
    let warnings = api.runtime.overlooked_files();
    Ok(Json(PluginsView { items: api.runtime.plugins().await?, directory, warnings }))
}

/// One plugin.
#[utoipa::path(
    get, path = "/plugins/{name}", tag = "plugins",
    params(("name" = String, Path, description = "The name in its manifest")),
    responses(
        (status = 200, description = "The plugin", body = PluginView),
        (status = 404, description = "No plugin has the name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The log is poisoned", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn show(State(api): State<Api>, Path(name): Path<String>) -> Result<Json<PluginView>, Problem> {
    let missing = || Problem::new(ErrorCode::PluginNotFound, format!("there is no plugin \"{name}\""));
    api.runtime.plugin(&name).await?.map(Json).ok_or_else(missing)
}

/// What a plugin ran, newest first: the last twenty activations.
#[utoipa::path(
    get, path = "/plugins/{name}/history", tag = "plugins",
    params(("name" = String, Path, description = "The name in its manifest")),
    responses(
        (status = 200, description = "Its activations", body = Items<ActivationView>),
        (status = 404, description = "No plugin of the name ever ran", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The log is poisoned", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn history(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Json<Items<ActivationView>>, Problem> {
    Ok(Json(Items { items: api.runtime.plugin_history(&name).await? }))
}

/// Runs an earlier version of a plugin again: the one that ran before, or the one that is named.
///
/// What ran until now does not run again before its file changes.
#[utoipa::path(
    post, path = "/plugins/{name}/rollback", tag = "plugins",
    params(("name" = String, Path, description = "The name in its manifest")),
    request_body(content = RollbackRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "What runs now", body = PluginView),
        (status = 400, description = "Several versions have a digest that begins so", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No plugin has the name, or no such version is kept", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "There is nothing to go back to, a pin is in the way, or the version cannot run", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The request is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn rollback(
    State(api): State<Api>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<PluginView>, Problem> {
    let request: RollbackRequest = body::json(&api, &headers, body).await?;
    Ok(Json(api.runtime.roll_plugin_back(&name, request.to.as_deref()).await?))
}

/// Lets a plugin run one version only, whatever its file holds, until it is unpinned.
#[utoipa::path(
    post, path = "/plugins/{name}/pin", tag = "plugins",
    params(("name" = String, Path, description = "The name in its manifest")),
    request_body(content = PinRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "What runs now", body = PluginView),
        (status = 400, description = "Several versions have a digest that begins so", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No plugin has the name, or no such version is kept", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The version cannot run", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The request is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn pin(
    State(api): State<Api>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<PluginView>, Problem> {
    let request: PinRequest = body::json(&api, &headers, body).await?;
    Ok(Json(api.runtime.pin_plugin(&name, &request.digest).await?))
}

/// Lets a plugin run what its file holds again.
#[utoipa::path(
    post, path = "/plugins/{name}/unpin", tag = "plugins",
    params(("name" = String, Path, description = "The name in its manifest")),
    responses(
        (status = 200, description = "What runs now", body = PluginView),
        (status = 404, description = "No plugin has the name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "What its file holds cannot run", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn unpin(State(api): State<Api>, Path(name): Path<String>) -> Result<Json<PluginView>, Problem> {
    Ok(Json(api.runtime.unpin_plugin(&name).await?))
}

/// Loads a refused file again, as if it had changed, and lifts its quarantine.
#[utoipa::path(
    post, path = "/plugins/{name}/retry", tag = "plugins",
    params(("name" = String, Path, description = "The name in its manifest, or the stem of its file")),
    responses(
        (status = 202, description = "The file will be loaded; the plugin as it is until then", body = PluginView),
        (status = 404, description = "No plugin and no refused file has the name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "No file of the plugin was refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn retry(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<(StatusCode, Json<PluginView>), Problem> {
    Ok((StatusCode::ACCEPTED, Json(api.runtime.retry_plugin(&name).await?)))
}
