//! A server for what plugins send: it keeps each request and answers it as the test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// What arrived.
pub struct Request {
    /// Its first line and its headers.
    pub head: String,
    pub body: String,
}

/// Starts it on a port of its own. The request of each number, from 0, is answered with `status`, such as "200 OK", and
/// with `body`.
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

/// Reads one request, whose body has a length, or comes in chunks with their lengths before them.
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
