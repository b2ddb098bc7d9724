//! A server for requests of plugins: stores each request, and returns the response that the test defines.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// A received request.
pub struct Request {
    /// The request line and the headers.
    pub head: String,
    pub body: String,
}

/// Starts it on a free port. Request number N, from 0, gets the status `status(N)`, such as "200 OK", and the
/// body `body`.
pub fn start(body: &'static str, status: fn(usize) -> &'static str) -> (u16, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (send, requests) = channel();
    thread::spawn(move || {
        for (number, connection) in listener.incoming().enumerate() {
            let mut connection = BufReader::new(connection.unwrap());
            let request = read(&mut connection);
            let (status, length) = (status(number), body.len());
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            connection.into_inner().write_all(answer.as_bytes()).unwrap();
            if send.send(request).is_err() {
                return;
            }
        }
    });
    (port, requests)
}

/// Reads one request, whose body has a length or is chunked.
fn read(connection: &mut impl BufRead) -> Request {
    let (mut head, mut body) = (String::new(), String::new());
    while connection.read_line(&mut head).unwrap() > 2 {}
    if let Some((_, rest)) = head.split_once("content-length: ") {
        let length = rest.lines().next().unwrap().parse().unwrap();
        connection.take(length).read_to_string(&mut body).unwrap();
        return Request { head, body };
    }
    loop {
        let mut length = String::new();
        connection.read_line(&mut length).unwrap();
        let bytes = u64::from_str_radix(length.trim(), 16).unwrap();
        let mut chunk = String::new();
        connection.take(bytes + 2).read_to_string(&mut chunk).unwrap();
        if bytes == 0 {
            return Request { head, body };
        }
        body.push_str(chunk.trim_end());
    }
}
