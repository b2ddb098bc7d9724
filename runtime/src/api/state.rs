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
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Api,
    parameters::{Path, Query, limit},
    problem::{Problem, ProblemDocument},
};
use crate::{
    ErrorCode,
    view::{Encoding, Page, StateEntryView, state_json},
};

/// Entries on a page, unless the request says otherwise, and at most.
const PAGE: u64 = 100;
const MAX_PAGE: u64 = 1_000;

/// Entries read at a time, and bytes after which a page is full however few entries it holds.
const STEP: usize = 16;
const MAX_PAGE_BYTES: usize = 4 << 20;

/// Media type of a value as the plugin wrote it.
const MESSAGE_PACK: &str = "application/msgpack";

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
        (status = 404, description = "No plugin has the name", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(api): State<Api>,
    Path(plugin): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<StateEntryView>>, Problem> {
    let wanted = usize::try_from(limit(query.limit, PAGE, MAX_PAGE)?).unwrap_or(usize::MAX);
    let mut after = query.cursor.map(|cursor| decode_cursor(&cursor)).transpose()?;
    let prefix = query.prefix.as_bytes();
    let (mut items, mut bytes) = (Vec::new(), 0);
    loop {
        let step = STEP.min(wanted - items.len());
        let page = api.runtime.state_list(&plugin, prefix, step, after.clone()).await?;
        for (key, value) in &page.items {
            bytes += key.len() + value.len();
            items.push(StateEntryView::new(key, value));
        }
        after = page.items.into_iter().next_back().map(|(key, _)| key).or(after);
        if page.next.is_none() {
            return Ok(Json(Page { items, next: None }));
        }
        if items.len() >= wanted || bytes >= MAX_PAGE_BYTES {
            return Ok(Json(Page { items, next: after.as_deref().map(Encoding::cursor) }));
        }
    }
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
        Some(Encoding::Base64) => decode_key(&key)?,
    };
    let value = api.runtime.state_get(&plugin, &key_bytes).await?;
    let value = value.ok_or_else(|| {
        let detail = format!("the state of plugin \"{plugin}\" has no key \"{key}\"");
        Problem::new(ErrorCode::StateKeyNotFound, detail)
            .hint(format!("`camshaft state list {plugin}` lists the keys."))
    })?;
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept.split(',').any(|accepted| accepted.trim().starts_with(MESSAGE_PACK)) {
        return Ok(([(header::CONTENT_TYPE, MESSAGE_PACK)], value).into_response());
    }
    Ok(Json(state_json(&value)).into_response())
}

fn decode_cursor(cursor: &str) -> Result<Vec<u8>, Problem> {
    URL_SAFE_NO_PAD.decode(cursor).map_err(|_| {
        let detail = "the cursor is not one that this runtime gave out";
        Problem::invalid_request("cursor", detail, "Send `next` of the page before, or no cursor.")
    })
}

fn decode_key(key: &str) -> Result<Vec<u8>, Problem> {
    let decoded = URL_SAFE.decode(key).or_else(|_| URL_SAFE_NO_PAD.decode(key));
    decoded.map_err(|_| {
        let detail = format!("\"{key}\" is not URL-safe base64");
        Problem::invalid_request("key", detail, "Write - for + and _ for /, or leave out `encoding`.")
    })
}
