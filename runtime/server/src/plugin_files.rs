//! `PUT /plugin-files/{file}`: receives a plugin file from another machine, if the settings allow it.

use std::time::Duration;

use axum::{
    Json,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode},
};
use camshaft::{DeployError, ErrorCode, PluginFile};
use camshaft_wire::{PluginFileView, ProblemDocument};
use futures_util::StreamExt;
use tokio::{task::spawn_blocking, time::timeout};

use super::{Api, body::Coding, parameters::Path, problem::Problem};

/// Maximum pause between two parts of a file.
const MAX_PAUSE: Duration = Duration::from_secs(20);

/// Memory that a file takes while it is received, in bytes: one part that was read and is not written yet.
const PART_BYTES: usize = 512 << 10;

/// Puts a `.wasm` file, or an operator's `.toml` file beside one, into the plugins directory.
///
/// This route is off unless the runtime has a token and the setting `allow_deploy` is true. An operator's
/// file from another machine must not contain `grants`, `[[http]]` or `[secrets]`, and cannot replace a file
/// that contains one of them. `GET /plugins` shows the result of loading the file.
#[utoipa::path(
    put, path = "/plugin-files/{file}", tag = "plugins",
    params(("file" = String, Path, description = "Name of the file in the plugins directory, such as `stock.wasm`")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The file"),
    responses(
        (status = 202, description = "The file is in the directory and will be loaded", body = PluginFileView),
        (status = 400, description = "The file name or the operator's file is not valid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The runtime does not accept this file from another machine", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The file did not arrive in time", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The file is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The request has a content coding", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The file could not be written", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The runtime cannot serve the request now", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn put(
    State(api): State<Api>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<PluginFileView>), Problem> {
    if Coding::of(&headers)?.is_some() {
        let detail = "a plugin file is accepted only without Content-Encoding";
        let problem = Problem::new(ErrorCode::UnsupportedMediaType, detail);
        return Err(problem.hint("Send the file without a content coding."));
    }
    let _room = api.room.take(PART_BYTES)?;
    let mut file = blocking(move || api.runtime.receive_plugin_file(&name)).await?;
    let mut parts = body.into_data_stream();
    loop {
        match timeout(MAX_PAUSE, parts.next()).await {
            Ok(Some(Ok(part))) => file = blocking(move || with_part(file, &part)).await?,
            Ok(None) => return Ok((StatusCode::ACCEPTED, Json(blocking(move || file.finish()).await?))),
            Ok(Some(Err(error))) => {
                let detail = format!("the file is incomplete: {error}");
                return Err(Problem::invalid_request("body", detail, "Send the whole file."));
            }
            Err(_) => {
                return Err(Problem::new(ErrorCode::RequestTimeout, "the file did not arrive in time"));
            }
        }
    }
}

fn with_part(mut file: PluginFile, part: &Bytes) -> Result<PluginFile, DeployError> {
    file.write(part)?;
    Ok(file)
}

/// Runs an operation that waits for the disk on another thread.
async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, DeployError> + Send + 'static,
) -> Result<T, Problem> {
    let done = spawn_blocking(act).await;
    done.map_err(|error| Problem::new(ErrorCode::Internal, error.to_string()))?.map_err(Problem::from)
}
