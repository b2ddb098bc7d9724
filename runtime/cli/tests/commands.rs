//! Commands on the command line: sent to an owner in the process of the test, answered, refused, waited for
//! and shown.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "cli/process.rs"]
#[expect(dead_code, reason = "shared with the tests of the command line")]
mod process;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use camshaft::{
    Attempt, AttemptContext, CommandRefusal, Config, Event, Failure, NewEvent, Offset, Runtime, Subscription,
};
use camshaft_server::{ApiSettings, Server, router};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use process::{Said, camshaft};

/// A runtime of this process with the owner `account`, and its HTTP interface.
struct World {
    folder: TempDir,
    runtime: Runtime,
    url: String,
}

impl World {
    async fn start() -> Self {
        let folder = tempdir().unwrap();
        let config = Config {
            data: folder.path().join("data"),
            plugins: folder.path().join("plugins"),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            ..Config::default()
        };
        let server = Server::bind(config.listen, config.limits.max_connections).unwrap();
        let url = format!("http://{}", server.address());
        let settings = ApiSettings::from(&config);
        let runtime = Runtime::open(config).await.unwrap();
        let routes = router(runtime.clone(), settings, server.closing());
        tokio::spawn(server.serve(routes, std::future::pending(), Duration::ZERO));
        let owned = Subscription::commands(["account.withdraw"]);
        runtime.subscribe("account", owned, decide).await.unwrap();
        Self { folder, runtime, url }
    }

    fn said(&self, line: &[&str]) -> Said {
        said(self.folder.path(), &self.url, line)
    }
}

fn said(folder: &Path, url: &str, line: &[&str]) -> Said {
    Said::of(camshaft(folder).args(line).args(["--url", url]))
}

/// Decides by the data of the command.
fn decide(command: &Event, attempt: &mut Attempt) -> Result<(), Failure> {
    match command.data.as_slice() {
        b"" | b"5" => {
            attempt.publish(NewEvent { event_type: "account.withdrawn".into(), ..NewEvent::default() })?;
            attempt.answer(Ok(br#"{"balance":7}"#.to_vec()))?;
            Ok(())
        }
        b"\"later\"" => Err(Failure::retry_after(Duration::from_hours(1), "the bank is away")),
        b"\"never\"" => Err(Failure::reject("broken")),
        _ => {
            attempt.answer(Err(CommandRefusal {
                code: "no-money".into(),
                message: "the balance\nis \u{1b}[31mtoo small".into(),
                data: b"{\"balance\":3}".to_vec().into(),
            }))?;
            Ok(())
        }
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_command_is_printed_with_its_reply_and_ends_with_0() {
    let world = World::start().await;
    let sent = world.said(&["send", "account.withdraw", "5", "--subject", "9"]).ends_with(0);
    let sent =
        sent.prints("command  accepted\n").prints("reply    {\n           \"balance\": 7\n         }\n");
    assert!(sent.stderr.is_empty(), "{sent:?}");
    let stored = world.runtime.read(world.runtime.first_offset(), 100).await.unwrap();
    let command = stored.iter().find(|stored| stored.event.event_type == "account.withdraw").unwrap();
    let (subject, source) = (command.event.subject.as_deref(), command.event.source.as_str());
    assert_eq!((subject, source), (Some("9"), "/cli"));
    assert_eq!(command.event.datacontenttype.as_deref(), Some("application/json"));

    let view = json(&world.said(&["send", "account.withdraw", "--json"]).ends_with(0).stdout);
    assert_eq!(view["answer"], json!({"accepted": {"balance": 7}}));
    assert_eq!((&view["state"], &view["duplicate"]), (&json!("answered"), &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_again_gets_the_first_answer_and_a_note() {
    let world = World::start().await;
    let line = ["send", "account.withdraw", "5", "--id", "w-1"];
    let first = world.said(&line).ends_with(0);
    let again = world.said(&line).ends_with(0).says("this command was sent before");
    assert_eq!(again.stdout, first.stdout);
    world.said(&["send", "account.withdraw", "6", "--id", "w-1"]).ends_with(3).says("[event-conflict]");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_ends_with_3_and_its_text_makes_no_line_of_its_own() {
    let world = World::start().await;
    let refused = world.said(&["send", "account.withdraw", "9"]).ends_with(3);
    assert!(refused.stdout.is_empty(), "{refused:?}");
    refused
        .says("was refused: no-money: the balance\\nis \\u{1b}[31mtoo small [refused]\n")
        .says("  data: {\"balance\":3}\n");
    let refused = world.said(&["send", "account.withdraw", "9", "--json"]).ends_with(3);
    assert_eq!(json(&refused.stdout)["answer"]["refused"]["data"], json!({"balance": 3}));
    assert_eq!(json(&refused.stderr)["code"], "refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_without_an_answer_ends_with_4_and_says_how_to_ask_again() {
    let world = World::start().await;
    let line = ["send", "account.withdraw", "\"later\"", "--id", "w-1", "--wait"];
    let late = world.said(&[&line[..], &["1s"]].concat()).ends_with(4);
    let late = late.says("has no answer yet: it is held; it waits for its next attempt").says("[not-yet]");
    late.says("--id w-1").says("`camshaft show ");
    // Without a wait, the output is the state of the command.
    world.said(&[&line[..], &["0"]].concat()).ends_with(0).prints("command    held\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_command_ends_with_4_and_a_discarded_one_with_3() {
    let world = World::start().await;
    let line = ["send", "account.withdraw", "\"never\"", "--id", "w-1", "--wait", "1m"];
    let dead = world.said(&[&line[..], &["--json"]].concat()).ends_with(4);
    let offset = json(&dead.stdout)["offset"].as_u64().unwrap();
    assert_eq!(json(&dead.stderr)["code"], "not-yet");
    world.said(&line).ends_with(4).says(&format!("`camshaft dead-letters show account:{offset}`"));
    world.runtime.discard("account", Offset(offset)).await.unwrap();
    world.said(&line).ends_with(3).says("[discarded]");
    let discarded = world.said(&[&line[..], &["--json"]].concat()).ends_with(3);
    assert_eq!(json(&discarded.stdout), json!({"offset": offset, "state": "discarded"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_nobody_owns_ends_with_4_at_once() {
    let world = World::start().await;
    let begun = std::time::Instant::now();
    world.said(&["send", "account.close", "--wait", "10m"]).ends_with(4).says("[no-owner]");
    assert!(begun.elapsed() < Duration::from_mins(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn show_has_the_answer_to_a_command() {
    let world = World::start().await;
    let sent = world.said(&["send", "account.withdraw", "9", "--json"]).ends_with(3);
    let offset = json(&sent.stdout)["offset"].to_string();
    let shown = world.said(&["show", &offset]).ends_with(0);
    let shown = shown.prints("command  refused\n").prints("code     no-money\n");
    let shown = shown.prints("message  the balance\\nis \\u{1b}[31mtoo small\n");
    assert!(shown.stdout.contains("account") && shown.stdout.contains("done"), "{shown:?}");
    let shown = json(&world.said(&["show", &offset, "--json"]).ends_with(0).stdout);
    assert_eq!(shown["command"]["answer"]["refused"]["code"], "no-money");
    assert_eq!(shown["deliveries"][0]["consumer"], "account");
    // The event before it is no command.
    let event = world.said(&["show", "0", "--json"]).ends_with(0).stdout;
    assert_eq!(json(&event).get("command"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_data_is_json_from_the_line_or_from_stdin() {
    let world = World::start().await;
    world
        .said(&["send", "account.withdraw", "{amount: 5}"])
        .ends_with(3)
        .says("the data is not JSON")
        .says("[invalid-event]");
    let mut command = camshaft(world.folder.path());
    command.args(["send", "account.withdraw", "-", "--url", &world.url]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"5").unwrap();
    Said::from(child.wait_with_output().unwrap()).ends_with(0).prints("command  accepted\n");
}

/// Reads one request with a length; its body.
fn body(stream: &mut impl BufRead) -> Value {
    let (mut head, mut line) = (String::new(), String::new());
    while stream.read_line(&mut line).unwrap() > 2 {
        head.push_str(&line.to_ascii_lowercase());
        line.clear();
    }
    let (_, length) = head.split_once("content-length: ").unwrap();
    let length = length.lines().next().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn a_lost_answer_is_asked_for_again_with_the_same_command() {
    let folder = tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        // The first connection ends without an answer.
        let (stream, _) = listener.accept().unwrap();
        let first = body(&mut BufReader::new(stream));
        let (stream, _) = listener.accept().unwrap();
        let mut stream = BufReader::new(stream);
        let second = body(&mut stream);
        let answer = json!({"offset": 3, "state": "answered", "duplicate": true, "answer": {"accepted": 1}});
        let answer = answer.to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            answer.len()
        );
        stream.get_mut().write_all(format!("{head}{answer}").as_bytes()).unwrap();
        (first, second)
    });
    said(folder.path(), &url, &["send", "account.withdraw", "--wait", "1m"])
        .ends_with(0)
        .prints("reply    1\n");
    let (first, second) = server.join().unwrap();
    assert_eq!(first, second);
    assert!(first["id"].as_str().is_some_and(|id| !id.is_empty()), "{first}");

    let port = process::closed_port();
    said(folder.path(), &format!("http://127.0.0.1:{port}"), &["send", "a.b", "--id", "w-1", "--wait", "0"])
        .ends_with(4)
        .says("[unreachable]")
        .says("Run this again with --id w-1: it is not executed twice.");
}
