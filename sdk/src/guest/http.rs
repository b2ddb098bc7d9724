//! A request over `wasi:http`: sent whole, its answer received whole.

use wasip2::{
    http::{
        outgoing_handler,
        types::{
            ErrorCode, Fields, HeaderError, IncomingBody, IncomingResponse, Method, OutgoingBody,
            OutgoingRequest, Scheme, http_error_code,
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
        headers.append(name, value.as_bytes()).map_err(|error| {
            Error::reject(format_args!("header `{name}` cannot be sent: {}", header_error(error)))
        })?;
    }
    // Without it the body goes in chunks, of which simple receivers read nothing.
    if !request.body.is_empty() && !request.headers.iter().any(|(name, _)| name == "content-length") {
        let length = request.body.len().to_string();
        headers.append("content-length", length.as_bytes()).map_err(|error| {
            Error::reject(format_args!("the body's length cannot be sent: {}", header_error(error)))
        })?;
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
                        stream_reason(&error)
                    )));
                }
            }
        }
    }
    OutgoingBody::finish(body, None)
        .map_err(|code| Error::retry(format_args!("the request broke off: {}", reason(&code))))
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
                return Err(Error::retry(format_args!("the answer broke off: {}", stream_reason(&error))));
            }
        }
    }
}

/// Why no answer came. Who is denied may be allowed later, by its operator.
fn failed(request: &Request, code: ErrorCode) -> Error {
    Error::retry(format_args!("{} {} failed: {}", request.method, request.url, reason(&code)))
}

fn stream_reason(error: &wasip2::io::error::Error) -> String {
    http_error_code(error).map_or_else(|| error.to_debug_string(), |code| reason(&code))
}

fn header_error(error: HeaderError) -> &'static str {
    match error {
        HeaderError::InvalidSyntax => "its name or value has a character that no header may have",
        HeaderError::Forbidden => "the runtime sets it",
        HeaderError::Immutable => "the headers can no longer be changed",
    }
}

/// The codes of `wasi:http` that a plugin meets, as sentences; the attempt's log has the runtime's own words beside them.
fn reason(code: &ErrorCode) -> String {
    let words = match code {
        ErrorCode::HttpRequestDenied => "no rule of the operator allows it",
        ErrorCode::InternalError(Some(reason)) => return reason.clone(),
        ErrorCode::DnsTimeout => "its host's name was not resolved in time",
        ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => "its host's name is not known",
        ErrorCode::DestinationUnavailable | ErrorCode::DestinationIpUnroutable => {
            "its host cannot be reached"
        }
        ErrorCode::DestinationIpProhibited => "its host's address is not allowed",
        ErrorCode::ConnectionRefused => "the connection was refused",
        ErrorCode::ConnectionTerminated | ErrorCode::HttpResponseIncomplete => {
            "the receiver closed the connection"
        }
        ErrorCode::ConnectionTimeout => "no connection came about in time",
        ErrorCode::ConnectionReadTimeout | ErrorCode::HttpResponseTimeout => {
            "the receiver did not answer in time"
        }
        ErrorCode::ConnectionWriteTimeout => "the receiver did not take it in time",
        ErrorCode::ConnectionLimitReached => "the call has sent as many requests as it may",
        ErrorCode::TlsProtocolError | ErrorCode::TlsAlertReceived(_) => "no encrypted connection came about",
        ErrorCode::TlsCertificateError => "the receiver's certificate is not valid",
        ErrorCode::HttpRequestUriInvalid | ErrorCode::HttpRequestUriTooLong => "its address is not valid",
        ErrorCode::HttpRequestMethodInvalid => "its method is not valid",
        ErrorCode::HttpRequestBodySize(_) | ErrorCode::HttpRequestLengthRequired => {
            "its body has another length than its header says"
        }
        ErrorCode::HttpResponseHeaderSectionSize(_) | ErrorCode::HttpResponseHeaderSize(_) => {
            "the headers of the answer are too long"
        }
        ErrorCode::HttpResponseBodySize(_) => "the answer is too long",
        ErrorCode::HttpProtocolError | ErrorCode::HttpResponseTransferCoding(_) => {
            "the receiver does not answer as HTTP does"
        }
        _ => "the runtime could not send it",
    };
    words.to_owned()
}
