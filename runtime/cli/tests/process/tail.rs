//! `camshaft tail` follows one log. It ends with an error if another log takes its place.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

use serde_json::Value;
use tempfile::tempdir;

use super::http::{Answer, Http, event};
use super::process::{Runtime, Said, camshaft};

/// The address of a server that answers `/health` as the first runtime does, and every other request as the
/// second one does: as if the second log had replaced the first one in between.
fn replaced(first: &Runtime, second: &Runtime) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (first, second) = (Http::new(first.url()), Http::new(second.url()));
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = BufReader::new(connection.unwrap());
            let mut head = String::new();
            // An empty line ends the head; a request without a body has nothing after it.
            while connection.read_line(&mut head).unwrap() > 2 {}
            let path = head.split_whitespace().nth(1).unwrap();
            let Answer { status, content_type, body, .. } =
                if path == "/health" { first.get(path) } else { second.get(path) };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status} Answer\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\
                 connection: close\r\n\r\n{body}"
            );
            connection.into_inner().write_all(answer.as_bytes()).unwrap();
        }
    });
    url
}

#[test]
fn tail_ends_with_an_error_if_another_log_has_taken_the_place_of_the_one_it_read() {
    let (first_folder, second_folder) = (tempdir().unwrap(), tempdir().unwrap());
    let first = Runtime::start(first_folder.path(), &[]);
    let second = Runtime::start(second_folder.path(), &[]);
    // The second log has events at the offset at which the command continues.
    let events: Vec<Value> = (0..3).map(|id| event(id, 1)).collect();
    assert_eq!(Http::new(second.url()).publish(&events).status, 200);
    let log = Http::new(first.url()).get("/health").json()["log"].as_str().unwrap().to_owned();
    let mut tail = camshaft(first_folder.path());
    tail.env("CAMSHAFT_URL", replaced(&first, &second)).args(["tail", "--lines", "0"]);
    let said = Said::of(&mut tail).ends_with(3);
    assert_eq!(said.stdout, "", "no event of the other log is printed");
    said.says(&format!("error: this is not the log {log}; this log ends before offset 3"))
        .says("[cursor-of-another-log]")
        .says("hint: ");
}
