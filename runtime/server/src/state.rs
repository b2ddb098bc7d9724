//! `/state`: the state of plugins, read-only.

#![expect(unused_qualifications, reason = "utoipa's macro repeats the names of parameter types")]

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use base64::{
    Engine,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};
use camshaft::ErrorCode;
use camshaft_wire::{Encoding, Page, ProblemDocument, StateEntryView};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Api,
    parameters::{Path, Query, limit},
    problem::Problem,
};

/// Default and maximum number of entries on a page.
const PAGE: u64 = 100;
const MAX_PAGE: u64 = 1_000;

/// Media type of a value in the form that the plugin wrote.
const MESSAGE_PACK: &str = "application/msgpack";
const JSON: &str = "application/json";

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Returns only keys with this prefix.
    #[serde(default)]
    prefix: String,
    /// Maximum number of entries, up to 1000; the default is 100. Large values make a page shorter.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
    /// `next` of the previous page.
    #[param(pattern = "^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?$")]
    cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ShowQuery {
    /// `base64`, if the key in the path is URL-safe base64 because it is not text.
    encoding: Option<Encoding>,
}

/// Lists the keys of a plugin's state in byte order, with their values as JSON.
#[utoipa::path(
    get, path = "/state/{plugin}", tag = "state",
    params(("plugin" = String, Path, description = "Name of the plugin"), ListQuery),
    responses(
        (status = 200, description = "A page of entries", body = Page<StateEntryView>),
        (status = 503, description = "There is no memory for the response now, or the log is poisoned", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No plugin has this name", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(api): State<Api>,
    Path(plugin): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<StateEntryView>>, Problem> {
    let wanted = usize::try_from(limit(query.limit, PAGE, MAX_PAGE)?).unwrap_or(usize::MAX);
    let after = query.cursor.map(|cursor| decode_cursor(&cursor)).transpose()?;
    Ok(Json(api.runtime.state_page(&plugin, query.prefix.as_bytes(), wanted, after).await?))
}

/// Returns the value of one key as JSON.
///
/// With `Accept: application/msgpack` the response is the value as the plugin wrote it.
#[utoipa::path(
    get, path = "/state/{plugin}/{*key}", tag = "state",
    params(
        ("plugin" = String, Path, description = "Name of the plugin"),
        ("key" = String, Path, description = "The key, percent-encoded; slashes need no encoding"),
        ShowQuery,
    ),
    responses(
        (status = 200, description = "The value", content((Value = "application/json"), (Vec<u8> = "application/msgpack"))),
        (status = 503, description = "There is no memory for the response now, or the log is poisoned", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "The plugin or the key does not exist", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn show(
    State(api): State<Api>,
    Path((plugin, key)): Path<(String, String)>,
    Query(query): Query<ShowQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let key_bytes = match query.encoding {
        None => key.as_bytes().to_vec(),
        Some(Encoding::Base64) => decode_key(&plugin, &key)?,
    };
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let (media_type, value) = if accept.split(',').any(|accepted| accepted.trim().starts_with(MESSAGE_PACK)) {
        (MESSAGE_PACK, api.runtime.state_get(&plugin, &key_bytes).await?)
    } else {
        (JSON, api.runtime.state_text(&plugin, &key_bytes).await?)
    };
    let value = value.ok_or_else(|| {
        let detail = format!("the state of plugin \"{plugin}\" has no key \"{key}\"");
        Problem::new(ErrorCode::StateKeyNotFound, detail)
            .hint(format!("Run `camshaft state list {plugin}` to list the keys."))
    })?;
    Ok(([(header::CONTENT_TYPE, media_type)], value).into_response())
}

fn decode_cursor(cursor: &str) -> Result<Vec<u8>, Problem> {
    Encoding::key(cursor).ok_or_else(|| {
        let detail = "the cursor is not valid";
        Problem::invalid_request("cursor", detail, "Send `next` of the previous page, or no cursor.")
    })
}

/// Decodes a key. A text that is not base64 cannot name a key, so the key does not exist.
fn decode_key(plugin: &str, key: &str) -> Result<Vec<u8>, Problem> {
    let decoded = URL_SAFE.decode(key).or_else(|_| URL_SAFE_NO_PAD.decode(key));
    decoded.map_err(|_| {
        let detail =
            format!("the state of plugin \"{plugin}\" has no key \"{key}\": the key is not URL-safe base64");
        Problem::new(ErrorCode::StateKeyNotFound, detail)
            .hint("Replace + with - and / with _, or omit `encoding`.")
    })
}
