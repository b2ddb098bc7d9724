//! A request over `wasi:http`: sent whole, its answer received whole.

use wasip2::{
    http::{
        outgoing_handler,
        types::{
            ErrorCode, Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme,
        },
    },
    io::streams::StreamError,
};

use crate::{
    error::{Error, Result},
    http::{Request, Response, parts},
};

/// Most bytes of one write that waits; WASI allows no more.
const WRITE_BYTES: usize = 4096;
/// Bytes asked for at once.
const READ_BYTES: u64 = 64 * 1024;

pub(crate) fn send(request: &Request) -> Result<Response> {
    let url = parts(&request.url)?;
    let unfit =
        |part: &str, value: &str| Error::reject(format_args!("\"{value}\" cannot be a request's {part}"));
    let headers = Fields::new();
    for (name, value) in &request.headers {
        headers
            .append(name, value.as_bytes())
            .map_err(|error| Error::reject(format_args!("header `{name}` cannot be sent: {error:?}")))?;
    }
    let outgoing = OutgoingRequest::new(headers);
    outgoing.set_method(&method(&request.method)).map_err(|()| unfit("method", &request.method))?;
    let scheme = if url.tls { Scheme::Https } else { Scheme::Http };
    outgoing.set_scheme(Some(&scheme)).map_err(|()| unfit("scheme", &request.url))?;
    outgoing.set_authority(Some(url.authority)).map_err(|()| unfit("host", url.authority))?;
    let path = Some(url.path_with_query).filter(|path| !path.is_empty());
    outgoing.set_path_with_query(path).map_err(|()| unfit("path", url.path_with_query))?;

    let body = outgoing.body().map_err(|()| Error::retry("the request has no body to write"))?;
    let answer = outgoing_handler::handle(outgoing, None).map_err(|code| failed(request, code))?;
    write(body, &request.body)?;
    answer.subscribe().block();
    let answer = answer.get().ok_or_else(|| Error::retry("no answer came"))?;
    let answer = answer.map_err(|()| Error::retry("the answer was taken already"))?;
    received(answer.map_err(|code| failed(request, code))?)
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

fn write(body: OutgoingBody, bytes: &[u8]) -> Result {
    {
        let stream = body.write().map_err(|()| Error::retry("the request's body was taken already"))?;
        for part in bytes.chunks(WRITE_BYTES) {
            match stream.blocking_write_and_flush(part) {
                Ok(()) => {}
                // Nobody reads it any more: what the answer says counts, or that there is none.
                Err(StreamError::Closed) => return Ok(()),
                Err(StreamError::LastOperationFailed(error)) => {
                    return Err(Error::retry(format_args!(
                        "the request broke off: {}",
                        error.to_debug_string()
                    )));
                }
            }
        }
    }
    OutgoingBody::finish(body, None)
        .map_err(|code| Error::retry(format_args!("the request broke off: {code:?}")))
}

fn received(answer: IncomingResponse) -> Result<Response> {
    let headers = answer.headers().entries().into_iter();
    let headers = headers.map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()));
    let mut response = Response { status: answer.status(), headers: headers.collect(), body: Vec::new() };
    let body: IncomingBody =
        answer.consume().map_err(|()| Error::retry("the answer's body was taken already"))?;
    let stream = body.stream().map_err(|()| Error::retry("the answer's body was taken already"))?;
    loop {
        match stream.blocking_read(READ_BYTES) {
            Ok(part) => response.body.extend(part),
            Err(StreamError::Closed) => return Ok(response),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(Error::retry(format_args!("the answer broke off: {}", error.to_debug_string())));
            }
        }
    }
}

/// Why no answer came. Who is denied may be allowed later, by its operator.
fn failed(request: &Request, code: ErrorCode) -> Error {
    let what = match code {
        ErrorCode::HttpRequestDenied => "no rule of the operator allows it".to_owned(),
        ErrorCode::InternalError(Some(reason)) => reason,
        other => format!("{other:?}"),
    };
    Error::retry(format_args!("{} {} failed: {what}", request.method, request.url))
}
