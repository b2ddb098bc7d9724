//! The server under the routes: bounded in connections and in time, and it drains before it stops.

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
use hyper_util::server::graceful::GracefulShutdown;
use thiserror::Error;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use camshaft::{ErrorCode, Token, io_reason};
use slots::Slots;

/// Pause after a connection could not be accepted, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A bound address, before anybody is served.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    max_connections: usize,
    token: Option<Token>,
    closing: watch::Sender<bool>,
}

/// Why the address cannot be listened on.
#[derive(Debug, Error)]
#[error("cannot listen on {address}: {reason}")]
pub struct ServerError {
    /// The address.
    pub address: SocketAddr,
    /// What the operating system says.
    pub reason: String,
}

impl ServerError {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        ErrorCode::AddressUnavailable
    }
}

impl Server {
    /// Takes the address, so that a port in use is noticed before anything else is done. At most `max_connections`
    /// requests are served at a time; others wait, and a connection without a request gives way to a new one.
    ///
    /// # Errors
    /// The address is in use, or not this machine's.
    pub fn bind(address: SocketAddr, max_connections: usize) -> Result<Self, ServerError> {
        let refuse = |error: io::Error| ServerError { address, reason: io_reason(&error) };
        let listener = TcpListener::bind(address).map_err(refuse)?;
        listener.set_nonblocking(true).map_err(refuse)?;
        let address = listener.local_addr().map_err(refuse)?;
        Ok(Self { listener, address, max_connections, token: None, closing: watch::channel(false).0 })
    }

    /// Keeps places for callers that know the token: others cannot take them.
    #[must_use]
    pub fn with_token(self, token: Option<Token>) -> Self {
        Self { token, ..self }
    }

    /// Where it listens; tells the port that was taken for port 0.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Turns true when the server drains, for [`router`](super::router).
    #[must_use]
    pub fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// Serves `router` until `stop` resolves, then lets requests end, for at most `drain`. Called inside a
    /// tokio runtime.
    ///
    /// # Errors
    /// The listener cannot be used by tokio.
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
                    tracing::debug!(peer = %peer.ip(), "a connection was refused: its address has too many without the token");
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        self.closing.send_replace(true);
        if timeout(drain, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were still open when the time to drain was over");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
