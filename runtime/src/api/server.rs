//! The server under the routes: bounded in connections and in time, and it drains before it stops.

use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use thiserror::Error;
use tokio::{
    net::TcpStream,
    sync::{Semaphore, watch},
    time::{sleep, timeout},
};

use crate::{ErrorCode, io_reason};

/// Longest time for the head of a request, and for the pause before the next request on a connection.
const MAX_HEAD: Duration = Duration::from_secs(30);

/// Pause after a connection could not be accepted, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A bound address, before anybody is served.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    connections: Arc<Semaphore>,
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
    /// Takes the address, so that a port in use is noticed before anything else is done. At most
    /// `max_connections` are served at a time; others wait.
    ///
    /// # Errors
    /// The address is in use, or not this machine's.
    pub fn bind(address: SocketAddr, max_connections: usize) -> Result<Self, ServerError> {
        let refuse = |error: io::Error| ServerError { address, reason: io_reason(&error) };
        let listener = TcpListener::bind(address).map_err(refuse)?;
        listener.set_nonblocking(true).map_err(refuse)?;
        let address = listener.local_addr().map_err(refuse)?;
        let connections = Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS)));
        Ok(Self { listener, address, connections, closing: watch::channel(false).0 })
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
        loop {
            let connection = async {
                let permit = Arc::clone(&self.connections).acquire_owned().await.expect("never closed");
                (permit, listener.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                () = &mut stop => break,
                connection = connection => connection,
            };
            match accepted {
                Ok((stream, _)) => {
                    let served = graceful.watch(connect(stream, router.clone()));
                    tokio::spawn(async move {
                        if let Err(error) = served.await {
                            tracing::debug!(%error, "a connection ended early");
                        }
                        drop(permit);
                    });
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

type Connection = http1::Connection<TokioIo<TcpStream>, TowerToHyperService<Router>>;

fn connect(stream: TcpStream, router: Router) -> Connection {
    // An answer is written at once; waiting to fill a packet would only add to the latency of a publish.
    let _: Result<(), io::Error> = stream.set_nodelay(true);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
}

#[cfg(test)]
mod tests;
