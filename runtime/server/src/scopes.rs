//! `/scopes`: the scopes of aggregates, their folds and their facts, read-only.

#![expect(unused_qualifications, reason = "utoipa's macro repeats the names of parameter types")]

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use camshaft::ScopeAt;
use camshaft_event::{Offset, Scope};
use camshaft_wire::{FactView, Page, ProblemDocument, ScopeEntryView, ScopeView};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Api,
    parameters::{Path, Query, limit},
    problem::Problem,
};

/// Default and maximum number of items on a page.
const PAGE: u64 = 100;
const MAX_PAGE: u64 = 1_000;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Returns only scopes of this kind.
    kind: Option<String>,
    /// Maximum number of scopes, up to 1000; the default is 100.
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
    /// Shows the scope as it was at this version. Its fold is made from the facts by the code that the
    /// aggregate runs now.
    #[param(minimum = 1)]
    at: Option<u64>,
    /// Shows the scope as it was after the event at this offset. Excludes `at`.
    at_offset: Option<u64>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FactsQuery {
    /// Version of the scope after the first fact to return; the default is 1.
    from: Option<u64>,
    /// Maximum number of facts, up to 1000; the default is 100. Large facts make a page shorter.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
    /// `next` of the previous page. It takes the place of `from`.
    #[param(pattern = "^[0-9]{1,19}$")]
    cursor: Option<String>,
}

/// Lists the scopes of an aggregate by name, with their versions.
///
/// A plugin that is no aggregate has no scopes.
#[utoipa::path(
    get, path = "/scopes/{plugin}", tag = "scopes",
    params(("plugin" = String, Path, description = "Name of the aggregate"), ListQuery),
    responses(
        (status = 200, description = "A page of scopes", body = Page<ScopeEntryView>),
        (status = 404, description = "No plugin has this name", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "There is no memory for the response now, or the log is poisoned", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(api): State<Api>,
    Path(plugin): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<ScopeEntryView>>, Problem> {
    let wanted = page(query.limit)?;
    let (kind, cursor) = (query.kind.as_deref(), query.cursor.as_deref());
    Ok(Json(api.runtime.scopes(&plugin, kind, wanted, cursor).await?))
}

/// Shows a scope with its version and its fold, now or at an earlier moment.
///
/// The header `ETag` is the version in double quotes. Send it as `If-Match` with a command whose declared
/// scope this is, and the command has effects only at this version.
#[utoipa::path(
    get, path = "/scopes/{plugin}/{kind}/{id}", tag = "scopes",
    params(
        ("plugin" = String, Path, description = "Name of the aggregate"),
        ("kind" = String, Path, description = "Kind of the scope"),
        ("id" = String, Path, description = "Id of the scope, percent-encoded"),
        ShowQuery,
    ),
    responses(
        (status = 200, description = "The scope", body = ScopeView, headers(("ETag" = String, description = "The version in double quotes"))),
        (status = 400, description = "The kind or a parameter is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No plugin has this name, or the scope has no facts, or not this version", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "A fact that the fold is made from was trimmed; `first` is the first retained offset", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The fold of this moment cannot be made now, or the runtime cannot serve the request", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn show(
    State(api): State<Api>,
    Path((plugin, kind, id)): Path<(String, String, String)>,
    Query(query): Query<ShowQuery>,
) -> Result<Response, Problem> {
    let at = match (query.at, query.at_offset) {
        (None, None) => None,
        (Some(version), None) => Some(ScopeAt::Version(version)),
        (None, Some(offset)) => Some(ScopeAt::Offset(Offset(offset))),
        (Some(_), Some(_)) => {
            let detail = "a moment is named by `at` or by `at_offset`, and not by both";
            return Err(Problem::invalid_request("at", detail, "Send one of the two parameters."));
        }
    };
    let view = api.runtime.scope(&plugin, &scope(&kind, &id)?, at).await?;
    Ok(([(header::ETAG, etag(view.version))], Json(view)).into_response())
}

/// Lists the facts of a scope, in the order of their versions.
#[utoipa::path(
    get, path = "/scopes/{plugin}/{kind}/{id}/facts", tag = "scopes",
    params(
        ("plugin" = String, Path, description = "Name of the aggregate"),
        ("kind" = String, Path, description = "Kind of the scope"),
        ("id" = String, Path, description = "Id of the scope, percent-encoded"),
        FactsQuery,
    ),
    responses(
        (status = 200, description = "A page of facts", body = Page<FactView>),
        (status = 400, description = "The kind or a parameter is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No plugin has this name, or the scope has no facts", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "A fact was trimmed; `first` is the first retained offset", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "There is no memory for the response now, or the log is poisoned", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn facts(
    State(api): State<Api>,
    Path((plugin, kind, id)): Path<(String, String, String)>,
    Query(query): Query<FactsQuery>,
) -> Result<Json<Page<FactView>>, Problem> {
    let wanted = page(query.limit)?;
    let resumed = query.cursor.map(|cursor| {
        let hint = "Send `next` of the previous page, or no cursor.";
        cursor.parse().map_err(|_| Problem::invalid_request("cursor", "the cursor is not valid", hint))
    });
    let from = resumed.transpose()?.or(query.from).unwrap_or(1);
    Ok(Json(api.runtime.facts(&plugin, &scope(&kind, &id)?, from, wanted).await?))
}

/// A version as an entity tag.
pub fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

fn scope(kind: &str, id: &str) -> Result<Scope, Problem> {
    let hint = "Use a scope that `GET /scopes/{plugin}` lists.";
    Scope::new(kind, id).map_err(|error| Problem::invalid_request("kind", error.to_string(), hint))
}

fn page(given: Option<u64>) -> Result<usize, Problem> {
    Ok(usize::try_from(limit(given, PAGE, MAX_PAGE)?).unwrap_or(usize::MAX))
}
