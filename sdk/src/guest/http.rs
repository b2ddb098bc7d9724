//! Sends a complete request over `wasi:http` and receives the complete response.

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

/// Maximum number of bytes of one blocking write; WASI allows no more.
const WRITE_BYTES: usize = 4096;
/// Number of bytes requested per read.
const READ_BYTES: u64 = 64 * 1024;

pub(crate) fn send(request: &Request) -> Result<Response> {
    let url = parts(&request.url)?;
    let unfit =
        |part: &str, value: &str| Error::reject(format_args!("\"{value}\" is not a valid request {part}"));
    let headers = Fields::new();
    for (name, value) in &request.headers {
        headers.append(name, value.as_bytes()).map_err(|error| {
            Error::reject(format_args!("header `{name}` cannot be sent: {}", header_error(error)))
        })?;
    }
    // Without this header the body is sent in chunks, which simple receivers do not read.
    if !request.body.is_empty() && !request.headers.iter().any(|(name, _)| name == "content-length") {
        let length = request.body.len().to_string();
        headers.append("content-length", length.as_bytes()).map_err(|error| {
            Error::reject(format_args!("the content-length header cannot be sent: {}", header_error(error)))
        })?;
    }
    let outgoing = OutgoingRequest::new(headers);
    outgoing.set_method(&method(&request.method)).map_err(|()| unfit("method", &request.method))?;
    let scheme = if url.tls { Scheme::Https } else { Scheme::Http };
    outgoing.set_scheme(Some(&scheme)).map_err(|()| unfit("scheme", &request.url))?;
    outgoing.set_authority(Some(url.authority)).map_err(|()| unfit("host", url.authority))?;
    let path = Some(url.path_with_query).filter(|path| !path.is_empty());
    outgoing.set_path_with_query(path).map_err(|()| unfit("path", url.path_with_query))?;

    let body = outgoing.body().map_err(|()| Error::retry("the request body is unavailable"))?;
    let answer = outgoing_handler::handle(outgoing, None).map_err(|code| failed(request, code))?;
    write(body, &request.body)?;
    answer.subscribe().block();
    let answer = answer.get().ok_or_else(|| Error::retry("no response was received"))?;
    let answer = answer.map_err(|()| Error::retry("the response was already consumed"))?;
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
        let stream = body.write().map_err(|()| Error::retry("the request body was already consumed"))?;
        for part in bytes.chunks(WRITE_BYTES) {
            match stream.blocking_write_and_flush(part) {
                Ok(()) => {}
                // The receiver stopped reading the body. The response, or its absence, decides the outcome.
                Err(StreamError::Closed) => return Ok(()),
                Err(StreamError::LastOperationFailed(error)) => {
                    return Err(Error::retry(format_args!(
                        "the request was interrupted: {}",
                        stream_reason(&error)
                    )));
                }
            }
        }
    }
    OutgoingBody::finish(body, None)
        .map_err(|code| Error::retry(format_args!("the request was interrupted: {}", reason(&code))))
}

fn received(answer: IncomingResponse) -> Result<Response> {
    let headers = answer.headers().entries().into_iter();
    let headers = headers.map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()));
    let mut response = Response { status: answer.status(), headers: headers.collect(), body: Vec::new() };
    let body: IncomingBody =
        answer.consume().map_err(|()| Error::retry("the response body was already consumed"))?;
    let stream = body.stream().map_err(|()| Error::retry("the response body was already consumed"))?;
    loop {
        match stream.blocking_read(READ_BYTES) {
            Ok(part) => response.body.extend(part),
            Err(StreamError::Closed) => return Ok(response),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(Error::retry(format_args!(
                    "the response was interrupted: {}",
                    stream_reason(&error)
                )));
            }
        }
    }
}

/// The error for a request without a response. A denied request is also a retry: the operator may allow it
/// later.
fn failed(request: &Request, code: ErrorCode) -> Error {
    Error::retry(format_args!("{} {} failed: {}", request.method, request.url, reason(&code)))
}

fn stream_reason(error: &wasip2::io::error::Error) -> String {
    http_error_code(error).map_or_else(|| error.to_debug_string(), |code| reason(&code))
}

fn header_error(error: HeaderError) -> &'static str {
    match error {
        HeaderError::InvalidSyntax => "its name or value contains an invalid character",
        HeaderError::Forbidden => "only the runtime sets it",
        HeaderError::Immutable => "the headers can no longer be modified",
    }
}

/// The text of the `wasi:http` error codes that a plugin can receive. The attempt's log also has the
/// runtime's own message.
fn reason(code: &ErrorCode) -> String {
    let words = match code {
        ErrorCode::HttpRequestDenied => "no rule in the operator's file allows it",
        ErrorCode::InternalError(Some(reason)) => return reason.clone(),
        ErrorCode::DnsTimeout => "the host name was not resolved in time",
        ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => "the host name was not found",
        ErrorCode::DestinationUnavailable | ErrorCode::DestinationIpUnroutable => "the host is unreachable",
        ErrorCode::DestinationIpProhibited => "the host's address is not allowed",
        ErrorCode::ConnectionRefused => "the connection was refused",
        ErrorCode::ConnectionTerminated | ErrorCode::HttpResponseIncomplete => {
            "the receiver closed the connection"
        }
        ErrorCode::ConnectionTimeout => "the connection was not established in time",
        ErrorCode::ConnectionReadTimeout | ErrorCode::HttpResponseTimeout => {
            "the receiver did not respond in time"
        }
        ErrorCode::ConnectionWriteTimeout => "the receiver did not accept the request in time",
        ErrorCode::ConnectionLimitReached => "the call has reached its limit of requests",
        ErrorCode::TlsProtocolError | ErrorCode::TlsAlertReceived(_) => {
            "the encrypted connection could not be established"
        }
        ErrorCode::TlsCertificateError => "the receiver's certificate is not valid",
        ErrorCode::HttpRequestUriInvalid | ErrorCode::HttpRequestUriTooLong => "the URL is not valid",
        ErrorCode::HttpRequestMethodInvalid => "the method is not valid",
        ErrorCode::HttpRequestBodySize(_) | ErrorCode::HttpRequestLengthRequired => {
            "the length of the body differs from the content-length header"
        }
        ErrorCode::HttpResponseHeaderSectionSize(_) | ErrorCode::HttpResponseHeaderSize(_) => {
            "the response headers are too long"
        }
        ErrorCode::HttpResponseBodySize(_) => "the response body is too long",
        ErrorCode::HttpProtocolError | ErrorCode::HttpResponseTransferCoding(_) => {
            "the response is not valid HTTP"
        }
        _ => "the runtime could not send the request",
    };
    words.to_owned()
}
