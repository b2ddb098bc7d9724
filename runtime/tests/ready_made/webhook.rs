//! A receiver gets each event, also those that it was too busy for at first.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::tempdir;

use super::{drop_in, process::Runtime, publish, published};

const PATIENCE: Duration = Duration::from_secs(60);

/// What arrived.
struct Request {
    /// Its first line and its headers.
    head: String,
    body: Value,
}

/// A server on a port of its own that answers the first request with 503, all others with 200.
fn receiver() -> (u16, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (send, requests) = channel();
    thread::spawn(move || {
        for (number, connection) in listener.incoming().enumerate() {
            let mut connection = BufReader::new(connection.unwrap());
            let request = read(&mut connection);
            let answer = if number == 0 { "503 Busy" } else { "200 OK" };
            let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 4\r\nconnection: close\r\n\r\ntrue");
            connection.into_inner().write_all(answer.as_bytes()).unwrap();
            if send.send(request).is_err() {
                return;
            }
        }
    });
    (port, requests)
}

/// Reads one request, whose body comes in chunks with their lengths before them.
fn read(connection: &mut impl BufRead) -> Request {
    let (mut head, mut body) = (String::new(), String::new());
    while connection.read_line(&mut head).unwrap() > 2 {}
    loop {
        let mut length = String::new();
        connection.read_line(&mut length).unwrap();
        let bytes = u64::from_str_radix(length.trim(), 16).unwrap();
        let mut chunk = String::new();
        connection.take(bytes + 2).read_to_string(&mut chunk).unwrap();
        if bytes == 0 {
            return Request { head, body: serde_json::from_str(&body).unwrap() };
        }
        body.push_str(chunk.trim_end());
    }
}

#[test]
fn each_event_arrives_also_after_the_receiver_was_busy_and_with_the_secret() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let (port, requests) = receiver();
    let operator = format!(
        "name = 'order-hook'\npublishes = ['order.sent']\ngrants = ['http']\n\
         [[subscriptions]]\nhandler = 'send'\ntypes = ['order.*']\nfilter = {{ exact = {{ source = '/shop' }} }}\n\
         [[http]]\nhost = '127.0.0.1'\nport = {port}\ntls = false\nmethods = ['POST']\nsecrets = ['token']\n\
         [secrets]\ntoken = {{ file = 'token.txt' }}\n\
         [policy]\nbackoff = {{ base = '10ms', max = '20ms' }}\n\
         [config]\nurl = 'http://127.0.0.1:{port}/orders'\npublish_answer = 'order.sent'\n\
         headers = 'authorization: Bearer {{{{secret:token}}}}'\n"
    );
    drop_in(folder, "webhook", "hook", &operator);
    super::write(&folder.join("plugins"), "token.txt", "t0ps3cret\n");
    let runtime = Runtime::start(folder, &[]);
    let order =
        |id: &str| json!({ "id": id, "type": "order.placed", "subject": id, "data": { "sku": "pen" } });
    publish(&runtime, folder, &["1", "2", "3"].map(order));

    let arrived: Vec<Request> = (0..4).map(|_| requests.recv_timeout(PATIENCE).unwrap()).collect();
    for Request { head, body } in &arrived {
        assert!(head.starts_with("POST /orders HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("authorization: Bearer t0ps3cret\r\n"), "{head}");
        assert!(
            head.contains(&format!("idempotency-key: /shop {}\r\n", body["id"].as_str().unwrap())),
            "{head}"
        );
        assert_eq!(body["data"], json!({ "sku": "pen" }));
    }
    let mut ids: Vec<_> = arrived.iter().map(|request| request.body["id"].as_str().unwrap()).collect();
    let refused = ids[0];
    ids.sort_unstable();
    let mut expected = vec!["1", "2", "3", refused];
    expected.sort_unstable();
    assert_eq!(ids, expected, "each one, and the first one again");

    let answers = published(&runtime, folder, "order.sent", 3);
    assert_eq!(answers.len(), 3);
    assert_eq!(answers[0]["data"], json!({ "status": 200, "body": true }));
    assert!(runtime.stop().0.success());
}
