//! The server over real connections.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
};

use axum::{Router, routing::get};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use super::*;

/// Maximum wait for an expected condition; only a failing test reaches it.
const PATIENCE: Duration = Duration::from_secs(20);

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), io::Error>>,
}

/// Serves a route on a free port.
fn serve(max_connections: usize, drain: Duration, router: Router) -> Served {
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), max_connections).unwrap();
    let address = server.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async { drop(stopped.await) };
    let ended = tokio::spawn(server.serve(router, stopped, drain));
    Served { address, stop, ended }
}

async fn connect(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    stream
}

async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 1024];
    let length = timeout(PATIENCE, stream.read(&mut bytes)).await.expect("an answer comes").unwrap();
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = Server::bind("127.0.0.1:0".parse().unwrap(), 1).unwrap();
    let error = Server::bind(taken.address(), 1).err().unwrap();
    assert_eq!(error.to_string(), format!("cannot listen on {}: address already in use", taken.address()));
    assert_eq!(error.code().as_str(), "address-unavailable");
}

#[tokio::test]
async fn a_request_in_progress_is_answered_before_the_server_ends() {
    let (entered, mut enter) = watch::channel(false);
    let (leave, left) = watch::channel(false);
    let route = async move || {
        entered.send_replace(true);
        drop(left.clone().wait_for(|left| *left).await);
        "done"
    };
    let Served { address, stop, ended } = serve(8, PATIENCE, Router::new().route("/", get(route)));
    let mut stream = connect(address).await;
    timeout(PATIENCE, enter.wait_for(|entered| *entered)).await.unwrap().unwrap();
    stop.send(()).unwrap();
    // Once the listener is gone, the server drains.
    timeout(PATIENCE, async { while TcpStream::connect(address).await.is_ok() {} }).await.unwrap();
    assert!(!ended.is_finished());
    leave.send_replace(true);
    assert!(read(&mut stream).await.ends_with("done"));
    timeout(PATIENCE, ended).await.expect("the server ends").unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_does_not_end_is_given_up_after_the_time_to_drain() {
    let (entered, mut enter) = watch::channel(false);
    let route = async move || {
        entered.send_replace(true);
        std::future::pending::<&str>().await
    };
    let served = serve(8, Duration::from_millis(10), Router::new().route("/", get(route)));
    let _stream = connect(served.address).await;
    timeout(PATIENCE, enter.wait_for(|entered| *entered)).await.unwrap().unwrap();
    served.stop.send(()).unwrap();
    timeout(PATIENCE, served.ended).await.expect("the server ends").unwrap().unwrap();
}

#[tokio::test]
async fn no_more_connections_are_served_at_a_time_than_allowed() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&most);
    let route = async move || {
        counted.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        now.fetch_sub(1, Ordering::SeqCst);
        "done"
    };
    let served = serve(2, PATIENCE, Router::new().route("/", get(route)));
    let mut clients = JoinSet::new();
    for _ in 0..8 {
        clients.spawn(async move { read(&mut connect(served.address).await).await });
    }
    while let Some(answer) = clients.join_next().await {
        assert!(answer.unwrap().ends_with("done"));
    }
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn connections_without_a_request_keep_nobody_out() {
    let served = serve(2, PATIENCE, Router::new().route("/", get(async || "done")));
    let mut idle = Vec::new();
    for _ in 0..2 + slots::SPARE {
        idle.push(TcpStream::connect(served.address).await.unwrap());
    }
    // More than that come meanwhile, some with half of a head.
    for _ in 0..8 {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(&REQUEST[..10]).await.unwrap();
        idle.push(stream);
    }
    assert!(read(&mut connect(served.address).await).await.ends_with("done"));
}

#[tokio::test]
async fn health_is_answered_while_every_request_that_may_be_served_is_under_way() {
    let entered = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&entered);
    let stays = async move || {
        counted.fetch_add(1, Ordering::SeqCst);
        std::future::pending::<&str>().await
    };
    let router = Router::new().route("/", get(stays)).route("/health", get(async || "well"));
    let served = serve(2, PATIENCE, router);
    let mut busy = Vec::new();
    for _ in 0..3 {
        busy.push(connect(served.address).await);
    }
    timeout(PATIENCE, async {
        while entered.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    let mut health = TcpStream::connect(served.address).await.unwrap();
    health.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    assert!(read(&mut health).await.ends_with("well"));
    assert_eq!(entered.load(Ordering::SeqCst), 2, "the third waits for its turn");
}
