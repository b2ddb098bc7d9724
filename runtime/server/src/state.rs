//! `/state`: what plugins keep, read-only.

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

/// Entries on a page, unless the request says otherwise, and at most.
const PAGE: u64 = 100;
const MAX_PAGE: u64 = 1_000;

/// Media type of a value as the plugin wrote it.
const MESSAGE_PACK: &str = "application/msgpack";
const JSON: &str = "application/json";

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Only keys that begin so.
    #[serde(default)]
    prefix: String,
    /// At most so many; 100 unless given, at most 1000. Large values make a page shorter.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
    /// `next` of the page before.
    #[param(pattern = "^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?$")]
    cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ShowQuery {
    /// `base64`, if the key is given in URL-safe base64 because it is no text.
    encoding: Option<Encoding>,
}

/// The keys of a plugin's state, in byte order, with their values as JSON.
#[utoipa::path(
    get, path = "/state/{plugin}", tag = "state",
    params(("plugin" = String, Path, description = "Whose"), ListQuery),
    responses(
        (status = 200, description = "A page of entries", body = Page<StateEntryView>),
        (status = 503, description = "There is no memory for the answer now, or the log is poisoned", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No plugin has the name", body = ProblemDocument, content_type = "application/problem+json"),
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

/// One value: JSON, or as the plugin wrote it for `Accept: application/msgpack`.
#[utoipa::path(
    get, path = "/state/{plugin}/{*key}", tag = "state",
    params(
        ("plugin" = String, Path, description = "Whose"),
        ("key" = String, Path, description = "The key, percent-encoded; slashes may stay"),
        ShowQuery,
    ),
    responses(
        (status = 200, description = "The value", content((Value = "application/json"), (Vec<u8> = "application/msgpack"))),
        (status = 503, description = "There is no memory for the answer now, or the log is poisoned", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No such plugin or key", body = ProblemDocument, content_type = "application/problem+json"),
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
            .hint(format!("`camshaft state list {plugin}` lists the keys."))
    })?;
    Ok(([(header::CONTENT_TYPE, media_type)], value).into_response())
}

fn decode_cursor(cursor: &str) -> Result<Vec<u8>, Problem> {
    URL_SAFE_NO_PAD.decode(cursor).map_err(|_| {
        let detail = "the cursor is not one that this runtime gave out";
        Problem::invalid_request("cursor", detail, "Send `next` of the page before, or no cursor.")
    })
}

/// What is not base64 is no key's name.
fn decode_key(plugin: &str, key: &str) -> Result<Vec<u8>, Problem> {
    let decoded = URL_SAFE.decode(key).or_else(|_| URL_SAFE_NO_PAD.decode(key));
    decoded.map_err(|_| {
        let detail =
            format!("the state of plugin \"{plugin}\" has no key \"{key}\": this is not URL-safe base64");
        Problem::new(ErrorCode::StateKeyNotFound, detail)
            .hint("Write - for + and _ for /, or leave out `encoding`.")
    })
}
