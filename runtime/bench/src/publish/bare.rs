//! The least that durable publishing over HTTP costs: a server of the same libraries that appends each body
//! to a file, syncs it, for all that wait at once, and answers. It checks nothing, numbers nothing and keeps
//! no order.

use std::env;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::Result;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::post,
    serve::ListenerExt,
};
use clap::Parser;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::Load;
use crate::process::folder;
use crate::scheduling::{as_usual, raise_this_thread};
use crate::server::Server;

pub(super) const ABOUT: &str = "the same requests to a server of the same libraries (axum, hyper, tokio) that only appends the body to a \
                                file and syncs it, on a thread for all requests that wait: what HTTP and the disk leave";

/// Zeros that are written ahead, so that a sync has no size of the file to write: as the runtime's log does.
const FILE_BYTES: usize = 256 << 20;

/// As long as a camshaft's answer to one event.
const ANSWER: &str = r#"{"results":[{"status":"accepted","offset":1234567,"duplicate":false}]}"#;

/// One of the processes of `publish`.
#[derive(Parser)]
pub struct BareArguments {
    /// The file that takes what is published.
    file: PathBuf,
}

/// A body, and who waits for it.
type Waiting = (Bytes, oneshot::Sender<()>);

pub(super) async fn run(within: &Path, load: Load) -> Result<f64> {
    let mut command = as_usual(env::current_exe()?);
    command.args(["bare-http", "data"]);
    let server = Server::of(command, folder(within)?).await?;
    super::http::publish(&server, load).await
}

/// Serves until it is killed.
pub fn serve(arguments: &BareArguments) -> Result<()> {
    let mut file = File::create(&arguments.file)?;
    file.write_all(&vec![0; FILE_BYTES])?;
    file.sync_all()?;
    let file = File::options().write(true).open(&arguments.file)?;
    let (sender, waiting) = mpsc::unbounded_channel();
    thread::spawn(move || {
        raise_this_thread();
        // What fails here is seen by the producers, who get no answer.
        let _: Result<()> = sync_all(file, waiting);
    });
    crate::bench::threads()?.block_on(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("listening on http://{}", listener.local_addr()?);
        let listener = listener.tap_io(|stream| _ = stream.set_nodelay(true));
        Ok(axum::serve(listener, Router::new().route("/events", post(take)).with_state(sender)).await?)
    })
}

async fn take(State(writer): State<mpsc::UnboundedSender<Waiting>>, body: Bytes) -> impl IntoResponse {
    let (done, synced) = oneshot::channel();
    let taken = writer.send((body, done)).is_ok() && synced.await.is_ok();
    let status = if taken { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
    (status, [(header::CONTENT_TYPE, "application/json")], ANSWER)
}

/// Appends what waits, syncs, and tells those who waited.
fn sync_all(mut file: File, mut waiting: mpsc::UnboundedReceiver<Waiting>) -> Result<()> {
    let (mut group, mut bytes) = (Vec::new(), Vec::new());
    while waiting.blocking_recv_many(&mut group, usize::from(u16::MAX)) > 0 {
        bytes.clear();
        group.iter().for_each(|(body, _)| bytes.extend_from_slice(body));
        file.write_all(&bytes)?;
        file.sync_data()?;
        for (_, done) in group.drain(..) {
            // A producer that went away needs no answer.
            let _: Result<(), ()> = done.send(());
        }
    }
    Ok(())
}
