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
    Attempt, AttemptContext, CommandRefusal, Config, Event, Failure, NewEvent, NewFact, Offset, Runtime,
    Scope, Subscription,
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
        runtime.subscribe("library", library(), lend).await.unwrap();
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

/// An aggregate whose scopes are books. Their fold is the data of the last loan.
fn library() -> Subscription {
    Subscription::commands(["book.lend"])
        .records(["book.lent"])
        .scope("book.lend", "book")
        .evolve(|_, _, facts| Ok(facts.last().map(|fact| fact.data.clone()).unwrap_or_default()))
}

fn lend(command: &Event, attempt: &mut Attempt) -> Result<(), Failure> {
    let book = Scope::new("book", command.subject.as_deref().unwrap_or_default())?;
    let data = command.data.clone();
    let event = NewEvent { event_type: "book.lent".into(), data, ..NewEvent::default() };
    attempt.record(NewFact { event, about: vec![book] })?;
    Ok(())
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

impl World {
    /// Lends the book `DE 9` to this person.
    fn lends(&self, to: &str, more: &[&str]) -> Said {
        let data = json!({"to": to}).to_string();
        self.said(&[&["send", "book.lend", &data, "--subject", "DE 9"], more].concat())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expected_version_is_checked_and_a_mismatch_ends_with_3() {
    let world = World::start().await;
    world
        .lends("ada", &["--expect", "book/DE 9=0"])
        .ends_with(0)
        .prints("scopes   book/DE%209 at version 1\n");
    let late = world.lends("bob", &["--expect", "book/DE%209=0", "--expect", "book/2=0"]).ends_with(3);
    assert!(late.stdout.is_empty(), "{late:?}");
    late.says("scope \"book/DE%209\" has version 1, and the command expects 0 [version-mismatch]");
    let late = world.lends("bob", &["--expect", "book/DE 9=0", "--json"]).ends_with(3);
    let answer = json(&late.stdout)["answer"].clone();
    assert_eq!(answer, json!({"mismatch": {"scope": "book/DE%209", "expected": 0, "actual": 1}}));
    let offset = json(&late.stdout)["offset"].to_string();
    let shown = world.said(&["show", &offset]).ends_with(0).prints("command   version mismatch\n");
    shown.prints("expected  0\nactual    1\n");
    world.lends("bob", &["--expect", "book/DE 9"]).ends_with(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_are_listed_and_one_is_shown_with_its_fold_now_or_then() {
    let world = World::start().await;
    world.said(&["scopes", "library"]).ends_with(0).says("has no scopes");
    world.lends("ada", &[]).ends_with(0);
    world.lends("bob\u{9b}31m", &[]).ends_with(0);
    let listed = world.said(&["scopes", "library", "book"]).ends_with(0);
    let listed = listed.prints("SCOPE        VERSION  LAST FACT  FOLD\nbook/DE%209  2        ");
    assert_eq!(world.said(&["scopes", "library"]).ends_with(0).stdout, listed.stdout);
    let shown = world.said(&["scopes", "library", "book/DE%209"]).ends_with(0);
    let shown = shown.prints("version    2\n").prints("\"to\": \"bob\\u009b31m\"");
    assert!(!shown.stdout.contains('\u{9b}'), "{shown:?}");
    world.said(&["scopes", "library", "book/DE 9", "--at", "1"]).ends_with(0).prints("\"to\": \"ada\"");
    let at = world.said(&["scopes", "library", "book/DE 9", "--at", "1", "--json"]).ends_with(0);
    let first = json(&at.stdout);
    assert_eq!((&first["version"], &first["fold"]), (&json!(1), &json!({"to": "ada"})));
    let offset = first["last_fact"].to_string();
    let then = world.said(&["scopes", "library", "book/DE 9", "--at-offset", &offset, "--json"]).ends_with(0);
    assert_eq!(json(&then.stdout), first);
    world.said(&["scopes", "library", "book/7"]).ends_with(3).says("[scope-not-found]");
    world.said(&["scopes", "unknown"]).ends_with(3).says("[plugin-not-found]");
    world.said(&["scopes", "library", "--facts"]).ends_with(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_facts_of_a_scope_are_listed_in_lines() {
    let world = World::start().await;
    for person in ["ada", "bob\u{9b}2J\n9  FORGED"] {
        world.lends(person, &[]).ends_with(0);
    }
    let facts = ["scopes", "library", "book/DE 9", "--facts"];
    let listed = world.said(&facts).ends_with(0);
    let lines: Vec<&str> = listed.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{listed:?}");
    assert!(lines[0].starts_with("VERSION  OFFSET  AT") && lines[1].starts_with("1  "), "{listed:?}");
    assert!(lines[2].contains("book.lent") && !listed.stdout.contains('\u{9b}'), "{listed:?}");
    let second = world.said(&[&facts[..], &["--from", "2", "--json"]].concat()).ends_with(0);
    let items = json(&second.stdout)["items"].clone();
    assert_eq!((items.as_array().unwrap().len(), &items[0]["version"]), (1, &json!(2)));
    assert_eq!(items[0]["event"]["scopes"], "book/DE%209@2");
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
