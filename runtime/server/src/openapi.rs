//! `GET /openapi.json`: the description of the HTTP interface, generated from the routes.

mod answers;
mod event;
mod parts;

use std::sync::Arc;

use axum::{
    Extension,
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};
use utoipa::{
    ToSchema,
    openapi::{
        Components, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, SecurityRequirement,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

/// The serialized description.
#[derive(Clone)]
pub struct Description(Arc<str>);

impl Description {
    /// Serializes the description. Adds the responses that all routes share and the schemas that the macros
    /// cannot express. Removes the router's mark `*` from parameters that match the rest of a path, as
    /// OpenAPI has no such syntax.
    pub fn new(mut description: OpenApi) -> Self {
        let paths = std::mem::take(&mut description.paths.paths);
        description.paths.paths =
            paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
        let mut json = serde_json::to_value(description).expect("a description has a JSON form");
        for (path, methods) in members(&mut json, "/paths") {
            for operation in methods.as_object_mut().into_iter().flat_map(Map::values_mut) {
                if path != "/health" {
                    operation.as_object_mut().into_iter().for_each(answers::complete);
                }
            }
        }
        for (name, schema) in members(&mut json, "/components/schemas") {
            if name == CloudEvent::name().as_ref() {
                *schema = event::schema();
            }
        }
        parts::merge(&mut json);
        bound_numbers(&mut json);
        Self(json.to_string().into())
    }
}

/// The members of the object at `pointer`.
fn members<'j>(json: &'j mut Value, pointer: &str) -> impl Iterator<Item = (&'j String, &'j mut Value)> {
    json.pointer_mut(pointer).and_then(Value::as_object_mut).into_iter().flatten()
}

/// Adds the maximum of their type to unsigned numbers, which the macros leave out.
fn bound_numbers(json: &mut Value) {
    match json {
        Value::Array(items) => items.iter_mut().for_each(bound_numbers),
        Value::Object(members) => {
            let is_unsigned = members.get("minimum").and_then(Value::as_u64).is_some();
            let (maximum, format) = match members.get("format").and_then(Value::as_str) {
                Some("int64") => (u64::MAX, "uint64"),
                Some("int32") => (u64::from(u32::MAX), "uint32"),
                _ => (0, ""),
            };
            if is_unsigned && !format.is_empty() {
                members.insert("format".to_owned(), format.into());
                members.entry("maximum").or_insert_with(|| maximum.into());
            }
            members.values_mut().for_each(bound_numbers);
        }
        _ => {}
    }
}

/// An event in the JSON format of CloudEvents. Only the name is used; `openapi/event.rs` contains the schema.
#[derive(ToSchema)]
pub struct CloudEvent {}

/// The head of the description: title, version, licence and security.
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
        .description(Some("Required if the runtime was started with a token."))
        .build();
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
    let no_scopes: [&str; 0] = [];
    let optional = [SecurityRequirement::new("token", no_scopes), SecurityRequirement::default()];
    OpenApiBuilder::new().info(info).components(Some(components)).security(Some(optional)).build()
}

/// Returns this OpenAPI description.
#[utoipa::path(
    get, path = "/openapi.json", tag = "runtime",
    responses((status = 200, description = "An OpenAPI 3.1 document", content_type = "application/json", body = Object))
)]
pub async fn openapi(Extension(description): Extension<Description>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], description.0.to_string()).into_response()
}
