//! `/plugins`: what the plugins directory holds and what runs because of it.

use axum::{Json, extract::State};

use super::{Api, answer::Items, parameters::Path, problem::Problem, problem::ProblemDocument};
use crate::{ErrorCode, view::PluginView};

/// Every plugin.
#[utoipa::path(
    get, path = "/plugins", tag = "plugins",
    responses((status = 200, description = "All plugins, by name", body = Items<PluginView>))
)]
pub async fn list(State(api): State<Api>) -> Json<Items<PluginView>> {
    Json(Items { items: api.runtime.plugins() })
}

/// One plugin.
#[utoipa::path(
    get, path = "/plugins/{name}", tag = "plugins",
    params(("name" = String, Path, description = "The name in its manifest")),
    responses(
        (status = 200, description = "The plugin", body = PluginView),
        (status = 404, description = "No plugin has the name", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn show(State(api): State<Api>, Path(name): Path<String>) -> Result<Json<PluginView>, Problem> {
    let missing = || Problem::new(ErrorCode::PluginNotFound, format!("there is no plugin \"{name}\""));
    api.runtime.plugin(&name).map(Json).ok_or_else(missing)
}
