//! The way out by HTTP: where a plugin's requests may go, what the host puts into them, and what it says no to.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up shall stop")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

use camshaft_event::{Answer, Event};
use camshaft_host::{Host, HostOptions, OperatorFile, Plugin, Refusal, RefusalCode};
use camshaft_test_guests::{bombs, component};

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
fn a_secret_is_put_in_where_its_rule_lets_it_and_the_guest_never_has_it() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::answering(OK));
    std::fs::write(folder.path().join("token.txt"), "t0ps3cret\n").unwrap();
    let secrets = "authorization = 'Bearer {{secret:token}}'\n[secrets]\ntoken = { file = 'token.txt' }";
    let text =
        operator(receiver.port, "secrets = ['token']", secrets).replace("hook?a=b", "{{secret:token}}?a=b");
    let plugin = load(&folder, &text).unwrap();
    let (answer, attempt) = handle(&plugin);
    assert_eq!(answer, Answer::Done);
    let [request] = receiver.seen().try_into().unwrap();
    assert!(request.starts_with("POST /t0ps3cret?a=b HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: Bearer t0ps3cret\r\n"), "{request}");
    let report = format!("{:?} {}", plugin.manifest(), serde_json::to_string(&plugin.report()).unwrap());
    assert!(!report.contains("t0ps3cret"), "{report}");
    assert!(!format!("{attempt:?}").contains("t0ps3cret"));
}

#[test]
fn a_secret_does_not_go_where_its_rule_does_not_name_it() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::answering(OK));
    std::fs::write(folder.path().join("token.txt"), "t0ps3cret").unwrap();
    let secrets = "authorization = 'Bearer {{secret:token}}'\n[secrets]\ntoken = { file = 'token.txt' }";
    let (answer, _) = handle(&load(&folder, &operator(receiver.port, "", secrets)).unwrap());
    let error = failure(&answer);
    assert!(error.contains("the secret \"token\" may not go to 127.0.0.1"), "{error}");
    assert_eq!(receiver.seen(), Vec::<String>::new());
}

#[test]
fn a_secret_is_encoded_for_its_place_so_that_nothing_is_cut_off() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::answering(OK));
    std::fs::write(folder.path().join("token.txt"), "a#b?c d").unwrap();
    let secrets = "authorization = 'é {{secret:token}}'\n[secrets]\ntoken = { file = 'token.txt' }";
    let text = operator(receiver.port, "secrets = ['token']", secrets)
        .replace("hook?a=b", "{{secret:token}}/hook?a={{secret:token}}&c=d");
    assert_eq!(handle(&load(&folder, &text).unwrap()).0, Answer::Done);
    let [request] = receiver.seen().try_into().unwrap();
    assert!(request.starts_with("POST /a%23b%3Fc%20d/hook?a=a%23b%3Fc%20d&c=d HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: é a#b?c d\r\n"), "{request}");
}

#[test]
fn a_placeholder_never_leaves_as_it_is() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::answering(OK));
    std::fs::write(folder.path().join("token.txt"), "t0ps3cret").unwrap();
    let secrets =
        |header: &str| format!("authorization = '{header}'\n[secrets]\ntoken = {{ file = 'token.txt' }}");
    for (header, path, words) in [
        ("é {{secret:token", "hook", "does not end with"),
        ("é {{secret:é}}", "hook", "may not go to"),
        ("x", "%7B%7Bsecret:token%7D%7D", "percent-encoded"),
    ] {
        let text = operator(receiver.port, "secrets = ['token']", &secrets(header)).replace("hook?a=b", path);
        let (answer, _) = handle(&load(&folder, &text).unwrap());
        assert!(failure(&answer).contains(words), "{header} {path}: {answer:?}");
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
fn a_plugin_whose_secret_cannot_be_read_is_refused_without_showing_any_of_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token.txt"), "two\nlines").unwrap();
    for (source, words) in [
        ("{ file = 'hunter2.txt' }", "the file that [secrets] names for it cannot be read"),
        ("{ file = 'token.txt' }", "holds more than one line"),
        (
            "{ env = 'hunter2_NO_SUCH_VARIABLE' }",
            "the environment variable that [secrets] names for it is not set",
        ),
    ] {
        let refusal =
            load(&folder, &operator(80, "secrets = ['token']", &format!("[secrets]\ntoken = {source}")));
        let refusal = refusal.err().unwrap();
        assert_eq!(refusal.code, RefusalCode::SecretUnavailable);
        assert!(refusal.message.contains(words), "{refusal}");
        assert!(!refusal.message.contains("two") && !refusal.message.contains("hunter2"), "{refusal}");
    }
}

#[test]
fn rules_without_a_grant_grants_without_rules_and_rules_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (text, words) in [
        ("grants = ['http']".to_owned(), "no [[http]] says where to"),
        (operator(80, "", "").replace("'127.0.0.1'", "'http://hooks'"), "is not a host"),
        (operator(80, "", "").replace("'POST'", "'post'"), "is not a method"),
        (operator(80, "", "").replace("'POST'", ""), "names no method"),
        (operator(80, "secrets = ['token']", ""), "has a name that [secrets] lacks; there is none"),
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

/// A host that tries plugins out inside a tokio runtime, as the runtime's loaders do, with a file of its own.
fn starting(folder: &tempfile::TempDir, plugin: &[u8]) -> (Host, std::path::PathBuf) {
    let host = Host::new(HostOptions::new(folder.path().join("cache"))).unwrap();
    let file = folder.path().join("bomb.wasm");
    std::fs::write(&file, plugin).unwrap();
    std::fs::write(folder.path().join("token.txt"), "t0ps3cret").unwrap();
    (host, file)
}

fn granting(file: &std::path::Path, port: u16) -> OperatorFile {
    let text = operator(port, "secrets = ['token']", "[secrets]\ntoken = { file = 'token.txt' }");
    OperatorFile::parse(&file.with_extension("toml"), &text).unwrap()
}

#[test]
fn start_code_sends_nothing_while_a_plugin_is_looked_at_granted_or_not() {
    let waits = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _within = waits.enter();
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::answering(OK));
    let (host, file) = starting(&folder, &bombs::start_sends(&format!("127.0.0.1:{}", receiver.port)));
    let operator = granting(&file, receiver.port);
    let refusals = [
        host.load(&file, Some(&operator)).err().unwrap(),
        host.examine(&file, Some(&operator)).err().unwrap(),
        host.examine(&file, None).err().unwrap(),
        host.check(&file, Some(&operator)).unwrap().refusal.unwrap(),
    ];
    for refusal in refusals {
        assert_eq!(refusal.code, RefusalCode::InstantiationFailed, "{refusal}");
        assert!(refusal.message.contains("which leads outside and is closed"), "{refusal}");
    }
    assert_eq!(host.load(&file, None).err().unwrap().code, RefusalCode::CapabilityNotGranted);
    thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(receiver.seen(), Vec::<String>::new());
}

#[test]
fn start_code_of_a_running_plugin_sends_nothing_either() {
    let waits = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _within = waits.enter();
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::answering(OK));
    let (host, file) = starting(&folder, &bombs::start_sends_later(&format!("127.0.0.1:{}", receiver.port)));
    let plugin = host.load(&file, Some(&granting(&file, receiver.port))).unwrap();
    let prepared = plugin.prepare::<Attempt>().unwrap();
    let mut instance = waits.block_on(prepared.instantiate_async()).unwrap();
    let event = Event { event_type: "test.event".into(), ..support::event() };
    let (answer, attempt) = waits.block_on(instance.call_async(&event, Attempt::default()));
    assert_eq!((answer, attempt.lines), (Answer::Done, Vec::new()), "its event is handled as any other");
    thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(receiver.seen(), Vec::<String>::new());
}

#[test]
fn start_code_that_waits_harms_nobody_granted_or_not() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::answering(OK));
    let (host, file) = starting(&folder, &bombs::start_waits());
    // Outside a tokio runtime, where waiting for real would panic.
    assert_eq!(host.load(&file, None).err().unwrap().code, RefusalCode::CapabilityNotGranted);
    let (_, lacking) = host.examine(&file, None).unwrap();
    assert_eq!(lacking.unwrap().code, RefusalCode::CapabilityNotGranted);
    let plugin = host.load(&file, Some(&granting(&file, receiver.port))).unwrap();
    assert!(plugin.has_way_out());
}

#[test]
fn what_was_not_granted_is_closed_to_a_plugin_that_is_only_examined() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::new(HostOptions::new(folder.path().join("cache"))).unwrap();
    let file = component("fetches");
    let operator = OperatorFile::parse(&file.with_extension("toml"), "[config]\nurl = 'http://127.0.0.1:9/'");
    let (plugin, lacking) = host.examine(file, Some(&operator.unwrap())).unwrap();
    assert_eq!(lacking.unwrap().code, RefusalCode::CapabilityNotGranted);
    let (answer, _) = handle(&plugin);
    assert!(matches!(answer, Answer::Failed { .. }), "{answer:?}");
    assert!(failure(&answer).contains("which leads outside and is closed"), "{answer:?}");
}
