//! `/plugins`: lists plugins and their history, rolls back, pins and unpins versions, and retries refused
//! files.

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

/// Lists all plugins.
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

/// Returns one plugin.
#[utoipa::path(
    get, path = "/plugins/{name}", tag = "plugins",
    params(("name" = String, Path, description = "Name of the plugin, from its manifest")),
    responses(
        (status = 200, description = "The plugin", body = PluginView),
        (status = 404, description = "No plugin has this name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The log is poisoned", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn show(State(api): State<Api>, Path(name): Path<String>) -> Result<Json<PluginView>, Problem> {
    let missing = || Problem::new(ErrorCode::PluginNotFound, format!("there is no plugin \"{name}\""));
    api.runtime.plugin(&name).await?.map(Json).ok_or_else(missing)
}

/// Lists the last 20 activations of a plugin, newest first.
#[utoipa::path(
    get, path = "/plugins/{name}/history", tag = "plugins",
    params(("name" = String, Path, description = "Name of the plugin, from its manifest")),
    responses(
        (status = 200, description = "The activations of the plugin", body = Items<ActivationView>),
        (status = 404, description = "No plugin of this name ever ran", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The log is poisoned", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn history(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Json<Items<ActivationView>>, Problem> {
    Ok(Json(Items { items: api.runtime.plugin_history(&name).await? }))
}

/// Rolls a plugin back to the version that ran before, or to the version in the request.
///
/// The version that ran until now does not run again until its file changes.
#[utoipa::path(
    post, path = "/plugins/{name}/rollback", tag = "plugins",
    params(("name" = String, Path, description = "Name of the plugin, from its manifest")),
    request_body(content = RollbackRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "The plugin with the version that runs now", body = PluginView),
        (status = 400, description = "The digest prefix matches several versions", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No plugin has this name, or the runtime keeps no copy of the version", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "There is no earlier version, the plugin is pinned to another version, or the version cannot run", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The request is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The runtime cannot serve the request now", body = ProblemDocument, content_type = "application/problem+json"),
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

/// Pins a plugin to one version.
///
/// Until it is unpinned, the plugin runs only this version, even if its file contains another one.
#[utoipa::path(
    post, path = "/plugins/{name}/pin", tag = "plugins",
    params(("name" = String, Path, description = "Name of the plugin, from its manifest")),
    request_body(content = PinRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "The plugin with the version that runs now", body = PluginView),
        (status = 400, description = "The digest prefix matches several versions", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No plugin has this name, or the runtime keeps no copy of the version", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The version cannot run", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The request is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The runtime cannot serve the request now", body = ProblemDocument, content_type = "application/problem+json"),
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

/// Unpins a plugin, so that it runs the version in its file again.
#[utoipa::path(
    post, path = "/plugins/{name}/unpin", tag = "plugins",
    params(("name" = String, Path, description = "Name of the plugin, from its manifest")),
    responses(
        (status = 200, description = "The plugin with the version that runs now", body = PluginView),
        (status = 404, description = "No plugin has this name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The version in the file cannot run", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The runtime cannot serve the request now", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn unpin(State(api): State<Api>, Path(name): Path<String>) -> Result<Json<PluginView>, Problem> {
    Ok(Json(api.runtime.unpin_plugin(&name).await?))
}

/// Loads a refused file again, as if it had changed, and ends its quarantine.
#[utoipa::path(
    post, path = "/plugins/{name}/retry", tag = "plugins",
    params(("name" = String, Path, description = "Name of the plugin from its manifest, or name of its file without the extension")),
    responses(
        (status = 202, description = "The file will be loaded; the body shows the plugin before the reload", body = PluginView),
        (status = 404, description = "No plugin and no refused file has this name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The plugin has no refused file", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The runtime cannot serve the request now", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn retry(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<(StatusCode, Json<PluginView>), Problem> {
    Ok((StatusCode::ACCEPTED, Json(api.runtime.retry_plugin(&name).await?)))
}
