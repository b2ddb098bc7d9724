//! A Rust program owns command types: each command gets one answer, across restarts.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use camshaft::view::{AnswerView, CommandStatus, CommandView};
use camshaft::{
    Attempt, AttemptContext, CommandRefusal, Config, Event, Failure, Filter, Runtime, Sink, SubscribeError,
    Subscription,
};

/// The longest wait for an answer; only a failing test takes as long.
const PATIENCE: Duration = Duration::from_secs(60);

async fn open(folder: &Path) -> Runtime {
    let config = Config { data: folder.join("data"), plugins: folder.join("plugins"), ..Config::default() };
    Runtime::open(config).await.unwrap()
}

fn withdraw(id: &str) -> Event {
    Event {
        id: id.into(),
        source: "/teller".into(),
        event_type: "account.withdraw".into(),
        subject: Some("9".into()),
        ..Event::default()
    }
}

/// Subscribes an owner that accepts with `reply`, or refuses if there is none.
async fn own(runtime: &Runtime, reply: Option<&'static str>) {
    let decide = move |_: &Event, attempt: &mut Attempt| -> Result<(), Failure> {
        let refusal = CommandRefusal { code: "closed".into(), ..CommandRefusal::default() };
        Ok(attempt.answer(reply.map(|reply| reply.into()).ok_or(refusal))?)
    };
    runtime.subscribe("account", Subscription::commands(["account.withdraw"]), decide).await.unwrap();
}

fn accepted(view: &CommandView) -> Option<&str> {
    match &view.answer {
        Some(AnswerView::Accepted(reply)) => reply.as_str(),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_a_command_gets_its_first_answer_from_an_owner_that_answers_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = open(folder.path()).await;
    own(&runtime, Some("\"first\"")).await;
    let first = runtime.send(withdraw("1"), PATIENCE).await.unwrap();
    assert_eq!((accepted(&first), first.duplicate), (Some("first"), Some(false)));
    runtime.shutdown().await;

    let runtime = open(folder.path()).await;
    own(&runtime, None).await;
    let again = runtime.send(withdraw("1"), PATIENCE).await.unwrap();
    assert_eq!(again, CommandView { duplicate: Some(true), ..first });
    let other = runtime.send(withdraw("2"), PATIENCE).await.unwrap();
    assert!(matches!(&other.answer, Some(AnswerView::Refused(refusal)) if refusal.code == "closed"));
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_sent_before_its_owner_subscribes_again_waits_or_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = open(folder.path()).await;
    own(&runtime, Some("1")).await;
    runtime.shutdown().await;

    // An owner without code is detached soon after the start.
    let runtime = open(folder.path()).await;
    let early = runtime.send(withdraw("1"), Duration::ZERO).await;
    match &early {
        Ok(sent) => assert_eq!((sent.state, sent.duplicate), (CommandStatus::Pending, Some(false))),
        Err(error) => assert!(error.to_string().contains("owner \"account\" is detached"), "{error}"),
    }
    own(&runtime, Some("\"late\"")).await;
    let decided = runtime.send(withdraw("1"), PATIENCE).await.unwrap();
    assert_eq!((accepted(&decided), decided.duplicate), (Some("late"), Some(early.is_ok())));
    assert!(early.is_err() || early.is_ok_and(|sent| sent.offset == decided.offset));
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_waits_is_told_of_the_end_of_the_runtime() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = open(folder.path()).await;
    let retry = |_: &Event, _: &mut Attempt| Err(Failure::retry_after(Duration::from_hours(1), "away"));
    runtime.subscribe("account", Subscription::commands(["account.withdraw"]), retry).await.unwrap();
    let sender = runtime.clone();
    let sent = tokio::spawn(async move { sender.send(withdraw("1"), Duration::from_hours(1)).await });
    while runtime.consumer("account").await.unwrap().is_none_or(|account| account.retrying == 0) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    runtime.shutdown().await;
    let ended = tokio::time::timeout(PATIENCE, sent).await.expect("it does not wait for an hour").unwrap();
    assert!(ended.is_err() || ended.is_ok_and(|view| view.state == CommandStatus::Held));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_could_not_decide_each_command_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = open(folder.path()).await;
    own(&runtime, Some("1")).await;
    let subscribe = async |subscription: Subscription| {
        runtime.subscribe("other", subscription, |_, _| Ok(())).await.unwrap_err()
    };
    let only = BTreeMap::from([("source".to_owned(), "/teller".to_owned())]);
    let filtered = Subscription::commands(["account.close"]).filter(Filter::Exact(only));
    assert!(matches!(subscribe(filtered).await, SubscribeError::FilteredCommands { .. }));
    let pattern = subscribe(Subscription::commands(["account.*"])).await;
    assert!(
        matches!(pattern, SubscribeError::CommandPattern { command_type } if command_type == "account.*")
    );
    let sink = Subscription::commands(["account.close"]).sink(Sink::default());
    assert!(matches!(subscribe(sink).await, SubscribeError::CommandsOfSink { .. }));
    let second = subscribe(Subscription::commands(["account.withdraw"])).await.to_string();
    assert!(second.contains("\"other\"") && second.contains("owned by \"account\""), "{second}");
    runtime.shutdown().await;
}
