//! The server of the routes. It limits connections and times, and drains before it stops.

mod connection;
mod slots;

use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::Router;
use camshaft::{ErrorCode, Token, io_reason};
use hyper_util::server::graceful::GracefulShutdown;
use thiserror::Error;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use slots::Slots;

/// Pause after a connection could not be accepted, for example because no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A server that is bound to its address and serves no requests yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    max_connections: usize,
    token: Option<Token>,
    closing: watch::Sender<bool>,
}

/// The server cannot listen on its address.
#[derive(Debug, Error)]
#[error("cannot listen on {address}: {reason}")]
pub struct ServerError {
    /// The address.
    pub address: SocketAddr,
    /// Error of the operating system.
    pub reason: String,
}

impl ServerError {
    /// The error code from the catalogue.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        ErrorCode::AddressUnavailable
    }
}

impl Server {
    /// Binds the address, so that a port in use is detected before anything else starts. At most
    /// `max_connections` requests are served at a time, and other requests wait. A new connection may replace
    /// one without a request.
    ///
    /// # Errors
    /// The address is in use, or does not belong to this machine.
    pub fn bind(address: SocketAddr, max_connections: usize) -> Result<Self, ServerError> {
        let refuse = |error: io::Error| ServerError { address, reason: io_reason(&error) };
        let listener = TcpListener::bind(address).map_err(refuse)?;
        listener.set_nonblocking(true).map_err(refuse)?;
        let address = listener.local_addr().map_err(refuse)?;
        Ok(Self { listener, address, max_connections, token: None, closing: watch::channel(false).0 })
    }

    /// Reserves connections for callers that send the token; other callers cannot use them.
    #[must_use]
    pub fn with_token(self, token: Option<Token>) -> Self {
        Self { token, ..self }
    }

    /// The bound address. If port 0 was requested, it contains the port that was chosen.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Becomes true when the server drains. Pass it to [`router`](super::router).
    #[must_use]
    pub fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// Serves `router` until `stop` resolves, then waits at most `drain` for open requests to end. Must be
    /// called inside a tokio runtime.
    ///
    /// # Errors
    /// Tokio cannot use the listener.
    pub async fn serve(
        self,
        router: Router,
        stop: impl Future<Output = ()>,
        drain: Duration,
    ) -> Result<(), io::Error> {
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        let graceful = GracefulShutdown::new();
        let mut stop = pin!(stop);
        let slots = Slots::new(self.max_connections, self.token.is_some());
        loop {
            let connection = async {
                let (stream, peer) = listener.accept().await?;
                Ok::<_, io::Error>((stream, peer, slots.admit(peer.ip()).await))
            };
            let accepted = tokio::select! {
                () = &mut stop => break,
                connection = connection => connection,
            };
            match accepted {
                Ok((stream, peer, Some(slot))) => {
                    let slot = Arc::new(slot);
                    let (router, token) = (router.clone(), self.token.clone());
                    let spoken = connection::speak(stream, peer, Arc::clone(&slot), router, token);
                    tokio::spawn(connection::keep(graceful.watch(spoken), slot));
                }
                Ok((_, peer, None)) => {
                    tracing::debug!(peer = %peer.ip(), "connection refused: its address has too many connections without the token");
                }
                Err(error) => {
                    tracing::warn!(%error, "connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        self.closing.send_replace(true);
        if timeout(drain, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were still open at the end of the drain time");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
