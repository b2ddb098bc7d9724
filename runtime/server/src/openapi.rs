//! `GET /openapi.json`: what the interface is, made from the routes themselves.

use std::sync::Arc;

use axum::{
    Extension,
    http::header,
    response::{IntoResponse, Response},
};
use utoipa::openapi::{
    Components, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, SecurityRequirement,
    security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

/// The description as it is served.
#[derive(Clone)]
pub struct Description(Arc<str>);

impl Description {
    /// Serializes the description. A parameter that takes the rest of a path has a mark in the router's syntax
    /// that OpenAPI does not know.
    pub fn new(mut description: OpenApi) -> Self {
        let paths = std::mem::take(&mut description.paths.paths);
        description.paths.paths =
            paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
        let json = description.to_json().expect("a description has a JSON form");
        Self(json.into())
    }
}

/// What stands above the routes.
pub fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Camshaft")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("An event runtime whose handlers are WebAssembly components."))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").build()))
        .build();
    let mut components = Components::new();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("Needed if the runtime was started with a token."))
        .build();
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
    let no_scopes: [&str; 0] = [];
    let optional = [SecurityRequirement::new("token", no_scopes), SecurityRequirement::default()];
    OpenApiBuilder::new().info(info).components(Some(components)).security(Some(optional)).build()
}

/// This description.
#[utoipa::path(
    get, path = "/openapi.json", tag = "runtime",
    responses((status = 200, description = "An OpenAPI 3.1 document", content_type = "application/json", body = Object))
)]
pub async fn openapi(Extension(description): Extension<Description>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], description.0.to_string()).into_response()
}
