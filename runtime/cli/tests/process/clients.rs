//! The memory that clients can occupy is bounded in total: incomplete request bodies and unread responses.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use tempfile::tempdir;

use super::http::{Http, event};
use super::process::Runtime;

/// The default of the setting `memory`.
const MEMORY_BYTES: u64 = 256 << 20;

/// Number of clients in each test.
const CLIENTS: usize = 100;

fn connect(runtime: &Runtime) -> TcpStream {
    let stream = TcpStream::connect(runtime.url().trim_start_matches("http://")).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

#[test]
fn bodies_that_stop_half_way_take_a_share_of_the_memory_and_leave_room_for_small_ones() {
    let folder = tempdir().unwrap();
    let runtime = Runtime::start(folder.path(), &[]);
    let http = Http::new(runtime.url());
    let head = "POST /events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/cloudevents+json\r\n\
                content-length: 15728640\r\n\r\n";
    let part = vec![b' '; 8 << 20];
    let open: Vec<TcpStream> = (0..CLIENTS)
        .map(|_| {
            let mut stream = connect(&runtime);
            // Refused connections are closed while they send.
            let sent = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&part));
            drop(sent);
            stream
        })
        .collect();
    assert_eq!(http.publish(&[event(1, 100)]).status, 200);
    assert_eq!(http.get("/health").status, 200);
    let large = http.publish(&[event(2, 1_000_000)]);
    assert!(large.status == 200 || large.retry_after.is_some(), "{large:?}");
    let peak = runtime.peak_memory_bytes();
    println!("peak: {} MiB", peak >> 20);
    assert!(peak < MEMORY_BYTES, "{} MiB", peak >> 20);
    drop(open);
}

#[test]
fn answers_that_nobody_reads_take_a_share_of_the_memory() {
    let folder = tempdir().unwrap();
    let runtime = Runtime::start(folder.path(), &[]);
    let http = Http::new(runtime.url());
    for batch in 0..20 {
        let events: Vec<_> = (0..3).map(|id| event(batch * 3 + id, 1_000_000)).collect();
        assert_eq!(http.publish(&events).status, 200);
    }
    let readers: Vec<TcpStream> = (0..CLIENTS)
        .map(|_| {
            let mut stream = connect(&runtime);
            stream.write_all(b"GET /events HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").unwrap();
            stream
        })
        .collect();
    // Each reader receives the start of its response, or a retry answer.
    for reader in &readers {
        let mut start = [0; 12];
        (&*reader).read_exact(&mut start).unwrap();
        assert!(start.starts_with(b"HTTP/1.1 200") || start.starts_with(b"HTTP/1.1 503"));
    }
    thread::sleep(Duration::from_secs(2));
    assert_eq!(http.get("/health").status, 200);
    assert_eq!(http.publish(&[event(1_000, 100)]).status, 200);
    let peak = runtime.peak_memory_bytes();
    println!("peak: {} MiB", peak >> 20);
    assert!(peak < MEMORY_BYTES, "{} MiB", peak >> 20);
    readers.iter().for_each(|reader| reader.shutdown(Shutdown::Both).unwrap_or_default());
}

#[test]
fn who_has_no_token_keeps_out_nobody_who_has() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("camshaft.toml"), "[limits]\nmax_connections = 8\n").unwrap();
    fs::write(folder.path().join("token"), "0123456789abcdef").unwrap();
    let runtime = Runtime::start(folder.path(), &["--token-file", "token"]);
    let idle: Vec<TcpStream> = (0..CLIENTS).map(|_| connect(&runtime)).collect();
    let ask = |path: &str| {
        let mut stream = connect(&runtime);
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer 0123456789abcdef\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        // Less than the 30 s after which idle connections are closed.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    for path in ["/health", "/consumers"] {
        assert!(ask(path).starts_with("HTTP/1.1 200"), "{path}");
    }
    drop(idle);
}
