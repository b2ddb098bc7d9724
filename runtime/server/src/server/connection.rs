//! One connection: its requests, its place, and time limits for clients that do not send or receive.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use camshaft::Token;
use camshaft_event::Limit;
use hyper::{
    body::{Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulConnection,
};
use tokio::{net::TcpStream, time::sleep};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

use super::{
    super::{guard, problem::Problem},
    slots::{Class, Serving, Slot},
};

/// Maximum time until the first request of a connection begins.
pub const MAX_FIRST_HEAD: Duration = Duration::from_secs(5);

/// Maximum time for the head of a later request, including the pause before it.
const MAX_HEAD: Duration = Duration::from_secs(30);

/// Maximum time for which a client receives no bytes of a response.
const MAX_WRITE: Duration = Duration::from_secs(30);

/// Memory for received bytes that are not processed yet, in bytes; the same again for bytes to be sent.
const BUFFER_BYTES: usize = 64 << 10;

/// Speaks HTTP over `stream`, and serves one request after the other.
pub fn speak(
    stream: TcpStream,
    peer: SocketAddr,
    slot: Arc<Slot>,
    router: Router,
    token: Option<Token>,
) -> impl GracefulConnection<Error = hyper::Error> {
    // Responses are written at once. Waiting to fill a packet would only increase the latency of a publish.
    let _: Result<(), io::Error> = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(MAX_WRITE));
    let served = service_fn(move |request: hyper::Request<Incoming>| {
        let class = class(&request, peer, token.as_ref());
        answer(Arc::clone(&slot), class, router.clone(), request.map(Body::new))
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(MAX_HEAD)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(Box::pin(stream)), served)
}

/// Runs `connection` until it ends, or until it loses its place because it sends no request.
pub async fn keep(connection: impl Future<Output = Result<(), hyper::Error>>, slot: Arc<Slot>) {
    let gives_way = async {
        tokio::select! {
            () = slot.lost() => return,
            () = sleep(MAX_FIRST_HEAD) => {}
        }
        if slot.has_begun() {
            slot.lost().await;
        }
    };
    tokio::select! {
        served = connection => {
            if let Err(error) = served {
                tracing::debug!(%error, "connection ended early");
            }
        }
        () = gives_way => tracing::debug!("connection without a request was closed"),
    }
}

fn class<B>(request: &Request<B>, peer: SocketAddr, token: Option<&Token>) -> Class {
    if request.uri().path() == "/health" && peer.ip().is_loopback() {
        return Class::Health;
    }
    match token {
        Some(token) if !guard::is_authorized(token, request.headers()) => Class::Unproven,
        _ => Class::Proven,
    }
}

async fn answer(
    slot: Arc<Slot>,
    class: Class,
    router: Router,
    request: Request,
) -> Result<Response, Infallible> {
    let Some(serving) = slot.serve(class).await else {
        let raised_by = Limit::Connections.raised_by();
        let problem = Problem::busy(format!("all connections are in use ({raised_by})"));
        let mut response = problem.into_response();
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        return Ok(response);
    };
    let has_body = !request.body().is_end_stream();
    let mut response = router.oneshot(request).await?;
    if has_body && may_be_unread(response.status()) {
        // The body may be unread, so the client cannot send another request on this connection.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response.map(|body| Body::new(Answer { body, serving: Some(serving) })))
}

/// Whether a request with this response status may have been rejected before its body was read.
const fn may_be_unread(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::REQUEST_TIMEOUT
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::SERVICE_UNAVAILABLE
    )
}

/// The body of a response. The request counts as being served until the whole body has been sent on.
struct Answer {
    body: Body,
    serving: Option<Serving>,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) {
            self.serving = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
