//! A plugin's HTTP requests reach only the destinations that a rule of the operator allows. The plugin
//! receives the answer, or an error that names the missing rule or the failure.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up shall stop")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

use camshaft_event::{Answer, Event};
use camshaft_host::{Host, HostOptions, OperatorFile, Plugin, Refusal, RefusalCode};
use camshaft_test_guests::component;

#[path = "http/closed.rs"]
mod closed;
#[path = "http/secrets.rs"]
mod secrets;
#[path = "host/support.rs"]
#[expect(dead_code, reason = "the guests in WebAssembly text are for the other tests")]
mod support;

use support::Attempt;

/// A server that keeps what it gets, head and body as they came, and answers all of it alike.
struct Receiver {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    fn answering(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let keep = Arc::clone(&seen);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = BufReader::new(connection.unwrap());
                let mut request = String::new();
                while connection.read_line(&mut request).unwrap() > 2 {}
                let length = request.lines().find_map(|line| line.strip_prefix("content-length: "));
                if let Some(length) = length.map(|length| length.parse::<u64>().unwrap()) {
                    let mut body = String::new();
                    connection.by_ref().take(length).read_to_string(&mut body).unwrap();
                    request.push_str(&body);
                }
                // Other SDKs' bodies come in chunks, each with its length before it.
                let mut length = String::new();
                while request.contains("chunked") && connection.read_line(&mut length).unwrap() > 0 {
                    let bytes = u64::from_str_radix(length.trim(), 16).unwrap();
                    length.clear();
                    let mut chunk = String::new();
                    connection.by_ref().take(bytes + 2).read_to_string(&mut chunk).unwrap();
                    request.push_str(chunk.trim_end());
                    if bytes == 0 {
                        break;
                    }
                }
                keep.lock().unwrap().push(request);
                connection.into_inner().write_all(answer.as_bytes()).unwrap();
            }
        });
        Self { port, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nthanks";

fn load(folder: &tempfile::TempDir, operator: &str) -> Result<Plugin, Refusal> {
    let host = Host::new(HostOptions::new(folder.path().join("cache"))).unwrap();
    // A file of its own, beside which the operator's lies.
    let file = folder.path().join("fetches.wasm");
    std::fs::copy(component("fetches"), &file).unwrap();
    host.load(&file, Some(&OperatorFile::parse(&file.with_extension("toml"), operator)?))
}

/// What comes of one event.
fn handle(plugin: &Plugin) -> (Answer, Attempt) {
    let waits = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    waits.block_on(async {
        let prepared = plugin.prepare::<Attempt>().unwrap();
        let mut instance = prepared.instantiate_async().await.unwrap();
        let settings = plugin.manifest().config.clone();
        let event = Event { event_type: "test.event".into(), data: b"hello".to_vec(), ..support::event() };
        instance.call_async(&event, Attempt { settings, ..Attempt::default() }).await
    })
}

fn operator(port: u16, rule: &str, rest: &str) -> String {
    format!(
        "grants = ['http']\n[[http]]\nhost = '127.0.0.1'\nport = {port}\ntls = false\nmethods = ['POST']\n{rule}\n\
         [config]\nurl = 'http://127.0.0.1:{port}/hook?a=b'\n{rest}"
    )
}

fn failure(answer: &Answer) -> &str {
    match answer {
        Answer::Retry { reason, .. } | Answer::Reject { reason } => reason,
        Answer::Failed { error, .. } => error,
        Answer::Done => panic!("it should have failed"),
    }
}

#[test]
fn a_request_that_a_rule_allows_goes_out_and_its_answer_comes_back() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::answering(OK));
    let plugin = load(&folder, &operator(receiver.port, "", "")).unwrap();
    assert!(plugin.has_way_out());
    let (answer, attempt) = handle(&plugin);
    assert_eq!(answer, Answer::Done);
    assert_eq!(attempt.published[0].data, b"\"thanks\"");
    let [request] = receiver.seen().try_into().unwrap();
    assert!(request.starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("idempotency-key: /tests e-1\r\n"), "{request}");
    assert!(request.ends_with("hello"), "{request}");
    // Simple receivers read nothing of a body that comes in chunks.
    assert!(request.contains("content-length: 5\r\n") && !request.contains("chunked"), "{request}");
}

/// A server that answers without TLS to whatever comes, once.
fn plain() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        connection.read_exact(&mut [0]).unwrap();
        connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        // What is left to read would reset the connection.
        _ = connection.shutdown(std::net::Shutdown::Write);
        _ = connection.read_to_end(&mut Vec::new());
    });
    port
}

#[test]
fn a_request_that_fails_is_told_of_in_a_sentence_with_its_host() {
    // Nothing listens on the first; the second is closed at once; the third speaks no TLS.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (silent, plain) = (Receiver::answering(""), plain());
    for (port, tls, words) in [
        (closed, false, "the connection was refused: nothing listens there"),
        (silent.port, false, "the receiver closed the connection before its answer was complete"),
        (plain, true, "the receiver does not speak TLS"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (scheme, text) = (if tls { "https" } else { "http" }, operator(port, "", ""));
        let text = text.replace("tls = false", &format!("tls = {tls}"));
        let text = text.replace(
            &format!("http://127.0.0.1:{port}"),
            &format!("{scheme}://ada:hunter2@127.0.0.1:{port}"),
        );
        let (answer, attempt) = handle(&load(&folder, &text).unwrap());
        let error = failure(&answer);
        let line = format!("failed: POST {scheme}://127.0.0.1:{port}: {words}");
        assert!(error.contains(&line), "{error}");
        assert!(!error.contains("ErrorCode") && !error.contains("hunter2"), "{error}");
        assert!(attempt.lines.iter().any(|(_, logged)| logged.starts_with(&line)), "{:?}", attempt.lines);
    }
}

#[test]
fn no_other_host_port_scheme_or_method_is_reached_and_the_error_says_what_is_missing() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::answering(OK));
    let (port, other) = (receiver.port, receiver.port ^ 1);
    let here = format!("http://127.0.0.1:{port}/");
    for (url, method, missing) in [
        (format!("http://127.0.0.1:{other}/"), "POST", "no [[http]] in"),
        (format!("http://localhost:{port}/"), "POST", "no [[http]] in"),
        (format!("https://127.0.0.1:{port}/"), "POST", "no [[http]] in"),
        (format!("http://user@127.0.0.1:{other}/"), "POST", "no [[http]] in"),
        (here, "PUT", "lacks \"PUT\""),
    ] {
        let text = operator(port, "", &format!("method = '{method}'"));
        let text = text.replace(&format!("http://127.0.0.1:{port}/hook?a=b"), &url);
        let (answer, attempt) = handle(&load(&folder, &text).unwrap());
        let error = failure(&answer);
        assert!(matches!(answer, Answer::Retry { .. }), "an operator may allow it later: {answer:?}");
        assert!(error.contains("\ndenied: ") && error.contains(missing), "{url}: {error}");
        assert!(error.contains("fetches.toml"), "{url}: {error}");
        let logged = attempt.lines.iter().any(|(_, line)| line.starts_with("denied: "));
        assert!(logged, "{url}: {:?}", attempt.lines);
    }
    assert_eq!(receiver.seen(), Vec::<String>::new());
}

#[test]
fn a_name_that_resolves_to_an_address_that_is_not_public_is_reached_only_if_its_rule_says_private() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::answering(OK));
    let text = |rule: &str| operator(receiver.port, rule, "").replace("127.0.0.1", "localhost");
    let (answer, attempt) = handle(&load(&folder, &text("")).unwrap());
    let error = failure(&answer);
    assert!(error.contains(&format!("denied: localhost:{} resolves to ", receiver.port)), "{error}");
    assert!(error.contains("a loopback address: `private = true` is missing in the [[http]]"), "{error}");
    assert!(error.contains("fetches.toml"), "{error}");
    assert!(attempt.lines.iter().any(|(_, line)| line.starts_with("denied: ")), "{:?}", attempt.lines);
    assert_eq!(receiver.seen(), Vec::<String>::new());

    let plugin = load(&folder, &text("private = true")).unwrap();
    let granted = plugin.manifest().granted();
    assert!(granted[1].ends_with(", private addresses too"), "{granted:?}");
    assert_eq!(handle(&plugin).0, Answer::Done);
    let [request] = receiver.seen().try_into().unwrap();
    assert!(request.contains(&format!("host: localhost:{}\r\n", receiver.port)), "{request}");
}

#[test]
fn an_address_that_is_written_as_a_name_is_checked_like_one() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::answering(OK));
    for name in ["127.1", "2130706433", "0x7f.1"] {
        let text = operator(receiver.port, "", "").replace("127.0.0.1", name);
        let (answer, _) = handle(&load(&folder, &text).unwrap());
        assert_ne!(answer, Answer::Done, "{name}");
    }
    assert_eq!(receiver.seen(), Vec::<String>::new());
}

#[test]
fn rules_without_a_grant_grants_without_rules_and_rules_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (text, words) in [
        ("grants = ['http']".to_owned(), "no [[http]] allows a destination"),
        (operator(80, "", "").replace("'127.0.0.1'", "'http://hooks'"), "is not a host"),
        (operator(80, "", "").replace("'POST'", "'post'"), "is not a method"),
        (operator(80, "", "").replace("'POST'", ""), "`methods` is empty"),
        (operator(80, "secrets = ['token']", ""), "has a name that is not in [secrets]; it defines none"),
        (operator(80, "pathh = 'x'", ""), "pathh"),
    ] {
        let refusal = load(&folder, &text).err().unwrap_or_else(|| panic!("should be refused: {text}"));
        assert_eq!(refusal.code, RefusalCode::InvalidManifest, "{refusal}");
        assert!(refusal.message.contains(words), "{words}: {refusal}");
    }
    let ungranted = operator(80, "", "").replace("grants = ['http']", "");
    assert_eq!(load(&folder, &ungranted).err().unwrap().code, RefusalCode::CapabilityNotGranted);
}

#[test]
fn what_the_receiver_answers_decides_between_retry_and_reject() {
    for (answer, expected) in [
        (
            "HTTP/1.1 503 No\r\nretry-after: 2\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbusy",
            Some(2000),
        ),
        ("HTTP/1.1 422 No\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbad", None),
    ] {
        let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::answering(answer));
        match (handle(&load(&folder, &operator(receiver.port, "", "")).unwrap()).0, expected) {
            (Answer::Retry { after_ms, reason }, Some(_)) => {
                assert_eq!(after_ms, expected);
                assert_eq!(reason, "the receiver answered 503: busy");
            }
            (Answer::Reject { reason }, None) => assert_eq!(reason, "the receiver answered 422: bad"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_operators_guide_shows_rules_that_are_read() {
    let guide = include_str!("../../OPERATING.md");
    let (_, block) = guide.split_once("```toml http\n").expect("the guide has the block");
    let (block, _) = block.split_once("```").unwrap();
    let folder = tempfile::tempdir().unwrap();
    // The variable that it names is not there: all else was in order.
    assert_eq!(load(&folder, block).err().unwrap().code, RefusalCode::SecretUnavailable);
    let plugin = load(&folder, &block.replace("env = \"HOOK_TOKEN\"", "env = \"PATH\"")).unwrap();
    let granted = plugin.manifest().granted();
    assert_eq!(granted, ["http", "http POST https://hooks.example.com:443 with hook-token"]);
}
