//! One request over one connection of its own, to addresses that were checked before.
//!
//! It stands in for the default of wasmtime's HTTP, which resolves the name itself. The name serves only to
//! check the server's certificate.

use std::{
    future::{Future, poll_fn},
    net::{IpAddr, SocketAddr},
    pin::{Pin, pin},
    sync::{Arc, LazyLock},
    task::{Context, Poll, ready},
    time::Duration,
};

use http::{Request, Response, Uri};
use http_body_util::BodyExt;
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    client::conn::http1,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Instant, Sleep, sleep, timeout},
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName},
};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, io::TokioIo};
use wasmtime_wasi_io::bytes::Bytes;

/// How long a step may take unless the guest says otherwise. The call's deadline ends it earlier.
const PATIENCE: Duration = Duration::from_secs(600);

/// What is left to drive of an exchange.
pub type Rest = Box<dyn Future<Output = Result<(), Error>> + Send>;

type Connection = http1::Connection<TokioIo<Box<dyn Stream>>, WasiBody>;

trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// How long the guest lets each step take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until there is a connection, name look-up included.
    pub connect: Duration,
    first_byte: Duration,
    between_bytes: Duration,
}

impl From<Option<RequestOptions>> for Patience {
    fn from(options: Option<RequestOptions>) -> Self {
        let options = options.unwrap_or_default();
        Self {
            connect: options.connect_timeout.unwrap_or(PATIENCE),
            first_byte: options.first_byte_timeout.unwrap_or(PATIENCE),
            between_bytes: options.between_bytes_timeout.unwrap_or(PATIENCE),
        }
    }
}

/// Sends `request` to the first of `addresses` that accepts a connection. Returns the response and what is
/// left to drive: the connection, until the body has been read.
pub async fn send(
    mut request: Request<WasiBody>,
    tls: bool,
    addresses: &[SocketAddr],
    patience: Patience,
) -> Result<(Response<WasiBody>, Rest), Error> {
    let uri = request.uri();
    let host = uri.host().ok_or(Error::HttpRequestUriInvalid)?.to_owned();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    // A proxy alone is told scheme and authority; the host stands in its header already.
    *request.uri_mut() =
        Uri::builder().path_and_query(path).build().map_err(|_| Error::HttpRequestUriInvalid)?;
    let connecting = async {
        let stream = TcpStream::connect(addresses).await.map_err(Error::Connect)?;
        let stream: Box<dyn Stream> = if tls { encrypt(stream, &host).await? } else { Box::new(stream) };
        Ok::<_, Error>(http1::handshake(TokioIo::new(stream)).await?)
    };
    let connected = timeout(patience.connect, connecting).await;
    let (mut sender, connection) = connected.map_err(|_| Error::ConnectionTimeout)??;
    let mut connection = Some(connection);
    let answer = timeout(patience.first_byte, sender.send_request(request));
    let response = drive(&mut connection, async {
        answer.await.map_err(|_| Error::ConnectionReadTimeout)?.map_err(Error::from)
    });
    let response =
        response.await?.map(|incoming| TimedBody::new(incoming, patience.between_bytes).boxed_unsync());
    let rest = async move {
        match connection {
            Some(connection) => connection.await.map_err(Error::from),
            None => Ok(()),
        }
    };
    Ok((response, Box::new(rest)))
}

/// What `work` comes to while the connection, which it waits for, goes on beside it.
async fn drive<T>(
    connection: &mut Option<Connection>,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut work = pin!(work);
    poll_fn(|cx| {
        if let Poll::Ready(outcome) = work.as_mut().poll(cx) {
            return Poll::Ready(outcome);
        }
        let Some(running) = connection.as_mut() else { return Poll::Pending };
        let ended = ready!(Pin::new(running).poll(cx));
        *connection = None;
        match ended {
            Ok(()) => work.as_mut().poll(cx),
            Err(error) => Poll::Ready(Err(error.into())),
        }
    })
    .await
}

async fn encrypt(stream: TcpStream, host: &str) -> Result<Box<dyn Stream>, Error> {
    static CONFIG: LazyLock<Option<Arc<ClientConfig>>> = LazyLock::new(|| {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = builder.with_safe_default_protocol_versions().ok()?;
        Some(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
    });
    let config = CONFIG.clone().ok_or(Error::ConfigurationError)?;
    let name = server_name(host)?;
    let stream = TlsConnector::from(config).connect(name, stream).await.map_err(Error::Tls)?;
    Ok(Box::new(stream))
}

/// What the server's certificate must be for: what the request names, not where that resolved to.
fn server_name(host: &str) -> Result<ServerName<'static>, Error> {
    match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(address) => Ok(ServerName::from(address)),
        Err(_) => Ok(ServerName::try_from(host.to_owned())?),
    }
}

/// A response's body that fails when nothing of it comes for too long.
struct TimedBody {
    incoming: Incoming,
    patience: Duration,
    silence: Pin<Box<Sleep>>,
}

impl TimedBody {
    fn new(incoming: Incoming, patience: Duration) -> Self {
        Self { incoming, patience, silence: Box::pin(sleep(patience)) }
    }
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(frame)) => {
                let until = Instant::now() + self.patience;
                self.silence.as_mut().reset(until);
                Poll::Ready(Some(frame.map_err(Error::from)))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                ready!(self.silence.as_mut().poll(cx));
                Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        sync::mpsc::{self, Receiver},
        thread,
    };

    use http_body_util::Empty;

    use super::*;

    /// Takes one connection, answers it, and returns the first bytes that came.
    fn receive() -> (SocketAddr, Receiver<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, first) = mpsc::channel();
        thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let mut bytes = vec![0; 4_096];
            let count = connection.read(&mut bytes).unwrap();
            bytes.truncate(count);
            connection.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap();
            _ = tell.send(bytes);
        });
        (address, first)
    }

    fn came(first: &Receiver<Vec<u8>>) -> Vec<u8> {
        first.recv_timeout(Duration::from_secs(10)).expect("the address is reached")
    }

    /// Sends a request for a name that nobody has.
    fn send_to(address: SocketAddr, tls: bool) -> Result<u16, Error> {
        let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let request = Request::get("http://hooks.invalid/path?query").body(body).unwrap();
        let waits = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let sent =
            async { send(request, tls, &[address], Patience::from(None)).await.map(|(answer, _)| answer) };
        waits.block_on(sent).map(|answer| answer.status().as_u16())
    }

    #[test]
    fn the_checked_address_is_reached_whatever_the_name_resolves_to_by_now() {
        let (address, first) = receive();
        assert_eq!(send_to(address, false).unwrap(), 204);
        let first = String::from_utf8(came(&first)).unwrap();
        assert!(first.starts_with("GET /path?query HTTP/1.1\r\n"), "{first}");
    }

    #[test]
    fn a_server_has_to_prove_the_name_and_not_the_address() {
        let (address, first) = receive();
        assert!(send_to(address, true).is_err(), "it has no certificate");
        let hello = came(&first);
        let name = b"hooks.invalid";
        assert!(hello.windows(name.len()).any(|bytes| bytes == name), "{}", hello.escape_ascii());
    }

    #[test]
    fn an_address_is_proved_as_one() {
        for (host, is_address) in [("[::1]", true), ("127.0.0.1", true), ("hooks.invalid", false)] {
            assert_eq!(matches!(server_name(host).unwrap(), ServerName::IpAddress(_)), is_address, "{host}");
        }
    }
}
