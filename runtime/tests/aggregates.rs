//! A Rust program owns an aggregate: its decisions record facts about scopes, which have versions and folds.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;
use std::time::Duration;

use camshaft::view::{AnswerView, CommandView, ScopeView};
use camshaft::{
    Attempt, AttemptContext, CommandRefusal, Config, ErrorCode, Event, Failure, NewEvent, NewFact, Offset,
    PublishError, Runtime, Scope, ScopeAt, SubscribeError, Subscription,
};
use serde_json::{Value, json};

/// The longest wait for an answer; only a failing test takes as long.
const PATIENCE: Duration = Duration::from_secs(60);

async fn open(folder: &Path) -> Runtime {
    let config = Config { data: folder.join("data"), plugins: folder.join("plugins"), ..Config::default() };
    Runtime::open(config).await.unwrap()
}

/// A runtime with the aggregate `account`.
async fn bank(folder: &Path) -> Runtime {
    let runtime = open(folder).await;
    runtime.subscribe("account", account(), decide).await.unwrap();
    runtime
}

fn account() -> Subscription {
    Subscription::commands(["account.deposit", "account.withdraw", "account.audit"])
        .records(["account.deposited", "account.withdrawn"])
        .scope("account.deposit", "account")
        .scope("account.withdraw", "account")
        .evolve(evolve)
}

fn evolve(_: &Scope, fold: Option<&[u8]>, facts: &[Event]) -> Result<Vec<u8>, Failure> {
    let mut balance = balance(fold)?;
    for fact in facts {
        let amount: i64 = serde_json::from_slice(&fact.data)?;
        balance += if fact.event_type == "account.deposited" { amount } else { -amount };
    }
    Ok(json!({"balance": balance}).to_string().into_bytes())
}

fn balance(fold: Option<&[u8]>) -> Result<i64, Failure> {
    let fold = fold.map(serde_json::from_slice::<Value>).transpose()?;
    Ok(fold.map_or(0, |fold| fold["balance"].as_i64().unwrap_or_default()))
}

fn decide(command: &Event, attempt: &mut Attempt) -> Result<(), Failure> {
    let account = scope(command.subject.as_deref().unwrap_or_default());
    let balance = balance(attempt.load(&account)?.as_deref())?;
    let amount: i64 = serde_json::from_slice(&command.data)?;
    let fact = match command.event_type.as_str() {
        "account.deposit" => "account.deposited",
        "account.withdraw" if amount <= balance => "account.withdrawn",
        _ => {
            let refusal = CommandRefusal { code: "too-little".into(), ..CommandRefusal::default() };
            attempt.answer(Err(refusal))?;
            return Ok(());
        }
    };
    let event = NewEvent { event_type: fact.into(), data: command.data.clone(), ..NewEvent::default() };
    attempt.record(NewFact { event, about: vec![account] })?;
    Ok(())
}

fn scope(id: &str) -> Scope {
    Scope::new("account", id).unwrap()
}

fn command(id: &str, command_type: &str, amount: i64) -> Event {
    Event {
        id: id.into(),
        source: "/teller".into(),
        event_type: command_type.into(),
        subject: Some("9".into()),
        data: amount.to_string().into_bytes(),
        ..Event::default()
    }
}

/// Deposits 10, 20 and 30; the offsets of the three facts.
async fn deposits(runtime: &Runtime) -> [Offset; 3] {
    let mut offsets = [Offset(0); 3];
    for (offset, amount) in offsets.iter_mut().zip([10, 20, 30]) {
        let id = format!("d-{amount}");
        let sent = runtime.send(command(&id, "account.deposit", amount), PATIENCE).await.unwrap();
        *offset = sent.facts.unwrap().first;
    }
    offsets
}

fn versions(view: &CommandView) -> Vec<(&str, u64)> {
    view.scopes.iter().map(|at| (at.scope.as_str(), at.version)).collect()
}

async fn at(runtime: &Runtime, at: ScopeAt) -> Result<ScopeView, ErrorCode> {
    runtime.scope("account", &scope("9"), Some(at)).await.map_err(|error| error.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lists_the_scopes_of_the_decision_with_their_versions() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = bank(folder.path()).await;
    let deposited = runtime.send(command("1", "account.deposit", 10), PATIENCE).await.unwrap();
    let withdrawn = runtime.send(command("2", "account.withdraw", 4), PATIENCE).await.unwrap();
    let refused = runtime.send(command("3", "account.withdraw", 7), PATIENCE).await.unwrap();
    assert_eq!(versions(&deposited), [("account/9", 1)]);
    assert_eq!(versions(&withdrawn), [("account/9", 2)]);
    // A refusal read the scope and recorded nothing.
    assert!(matches!(refused.answer, Some(AnswerView::Refused(_))));
    assert_eq!((versions(&refused), refused.facts), (vec![("account/9", 2)], None));
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_is_shown_with_its_fold_also_after_a_restart_without_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = bank(folder.path()).await;
    let [.., last] = deposits(&runtime).await;
    let shown = runtime.scope("account", &scope("9"), None).await.unwrap();
    assert_eq!((shown.version, shown.last_fact, shown.stale), (3, last, false));
    assert_eq!((shown.scope.as_str(), &shown.fold), ("account/9", &json!({"balance": 60})));
    runtime.shutdown().await;

    let runtime = open(folder.path()).await;
    assert_eq!(runtime.scope("account", &scope("9"), None).await.unwrap(), shown);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_is_shown_as_it_was_at_a_version_and_at_an_offset() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = bank(folder.path()).await;
    let [first, second, third] = deposits(&runtime).await;
    let found = async |then: ScopeAt| {
        let view = at(&runtime, then).await.unwrap();
        (view.version, view.last_fact, view.fold["balance"].as_i64().unwrap())
    };
    assert_eq!(found(ScopeAt::Version(1)).await, (1, first, 10));
    assert_eq!(found(ScopeAt::Version(2)).await, (2, second, 30));
    assert_eq!(found(ScopeAt::Version(3)).await, (3, third, 60));
    assert_eq!(found(ScopeAt::Offset(second)).await, (2, second, 30));
    assert_eq!(found(ScopeAt::Offset(Offset(third.0 - 1))).await, (2, second, 30));
    assert_eq!(found(ScopeAt::Offset(Offset(u64::MAX))).await, (3, third, 60));
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn moments_without_a_fold_have_an_error_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = bank(folder.path()).await;
    let [first, ..] = deposits(&runtime).await;
    let missing = Err(ErrorCode::ScopeNotFound);
    for then in [ScopeAt::Version(0), ScopeAt::Version(4), ScopeAt::Offset(Offset(first.0 - 1))] {
        assert_eq!(at(&runtime, then).await, missing, "{then:?}");
    }
    let other = runtime.scope("account", &scope("8"), None).await.unwrap_err();
    assert_eq!(other.to_string(), "plugin \"account\" has no facts about scope \"account/8\"");
    let unknown = runtime.scope("bank", &scope("9"), None).await.unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::PluginNotFound);
    runtime.shutdown().await;
    // Nothing runs that could make an earlier fold.
    let runtime = open(folder.path()).await;
    assert_eq!(at(&runtime, ScopeAt::Version(1)).await, Err(ErrorCode::FoldUnavailable));
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_facts_of_a_scope_are_read_in_pages_with_their_versions() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = bank(folder.path()).await;
    let [first, second, third] = deposits(&runtime).await;
    let page = async |from: u64, max: usize| {
        let page = runtime.facts("account", &scope("9"), from, max).await.unwrap();
        let facts = page.items.iter().map(|fact| (fact.version, fact.offset)).collect::<Vec<_>>();
        (facts, page.next)
    };
    assert_eq!(page(0, 2).await, (vec![(1, first), (2, second)], Some("3".into())));
    assert_eq!(page(3, 2).await, (vec![(3, third)], None));
    assert_eq!(page(4, 2).await, (vec![], None));
    let facts = runtime.facts("account", &scope("9"), 2, 1).await.unwrap().items;
    let fact: Value = serde_json::from_str(facts[0].event.get()).unwrap();
    assert_eq!((&fact["type"], &fact["data"]), (&json!("account.deposited"), &json!(20)));
    assert_eq!((&fact["scopes"], &fact["subject"]), (&json!("account/9@2"), &json!("9")));
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scopes_of_an_aggregate_are_listed_by_kind_in_pages() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = bank(folder.path()).await;
    for id in ["1", "2", "3"] {
        let deposit = Event { subject: Some(id.into()), ..command(id, "account.deposit", 1) };
        runtime.send(deposit, PATIENCE).await.unwrap();
    }
    let page = async |kind: Option<&str>, cursor: Option<String>| {
        let page = runtime.scopes("account", kind, 2, cursor.as_deref()).await.unwrap();
        (page.items.into_iter().map(|entry| (entry.scope, entry.version)).collect::<Vec<_>>(), page.next)
    };
    let of = |id: &str| (format!("account/{id}"), 1);
    let (items, next) = page(Some("account"), None).await;
    assert_eq!(items, [of("1"), of("2")]);
    assert_eq!(page(Some("account"), next).await, (vec![of("3")], None));
    assert_eq!(page(Some("acc"), None).await, (vec![], None));
    assert_eq!(page(None, None).await.0.len(), 2);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_expects_another_version_has_no_effects() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = bank(folder.path()).await;
    deposits(&runtime).await;
    let expecting = |id: &str, version: u64| {
        let mut command = command(id, "account.withdraw", 1);
        runtime.expect(&mut command, version).unwrap();
        command
    };
    let late = runtime.send(expecting("1", 2), PATIENCE).await.unwrap();
    let Some(AnswerView::Mismatch(mismatch)) = &late.answer else { panic!("{late:?}") };
    assert_eq!((mismatch.scope.as_str(), mismatch.expected, mismatch.actual), ("account/9", 2, 3));
    assert_eq!(late.facts, None);
    let current = runtime.send(expecting("2", 3), PATIENCE).await.unwrap();
    assert_eq!(versions(&current), [("account/9", 4)]);
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_command_with_a_declared_scope_and_a_subject_expects_a_version() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = bank(folder.path()).await;
    let expect = |mut command: Event| runtime.expect(&mut command, 1).unwrap_err().to_string();
    let undeclared = expect(command("1", "account.audit", 1));
    assert_eq!(undeclared, "the owner of command \"account.audit\" declares no scope for it");
    let anonymous = expect(Event { subject: None, ..command("1", "account.deposit", 1) });
    assert!(anonymous.contains("has no subject"), "{anonymous}");
    let unowned = runtime.expect(&mut command("1", "account.close", 1), 1);
    assert!(matches!(unowned, Err(PublishError::NoOwner { .. })));
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fold_that_fails_keeps_the_decision_from_being_made() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = open(folder.path()).await;
    let broken = account().evolve(|_, _, _| Err(Failure::reject("not that fact")));
    runtime.subscribe("account", broken, decide).await.unwrap();
    let dead = runtime.send(command("1", "account.deposit", 1), PATIENCE).await.unwrap();
    assert_eq!(dead.answer, None);
    let letter = runtime.dead_letter("account", dead.offset).await.unwrap();
    assert!(letter.summary.error.contains("not that fact"), "{}", letter.summary.error);
    assert!(runtime.scope("account", &scope("9"), None).await.is_err());
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_and_scopes_are_declared_by_owners_of_commands_in_exact_types() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = open(folder.path()).await;
    let refused = async |subscription: Subscription| {
        runtime.subscribe("account", subscription, |_, _| Ok(())).await.unwrap_err()
    };
    let owned = || Subscription::commands(["account.deposit"]);
    let handler = Subscription::types(["account.deposit"]).records(["account.deposited"]);
    assert!(matches!(refused(handler).await, SubscribeError::FactsOfHandler { .. }));
    let pattern = owned().records(["account.*"]);
    assert!(matches!(refused(pattern).await, SubscribeError::FactPattern { .. }));
    let reserved = owned().records(["camshaft.deposited"]);
    assert!(matches!(refused(reserved).await, SubscribeError::ReservedType { .. }));
    let other = owned().scope("account.close", "account");
    assert!(matches!(refused(other).await, SubscribeError::ScopeOfOther { .. }));
    let kind = owned().scope("account.deposit", "Account");
    assert!(matches!(refused(kind).await, SubscribeError::ScopeKind(_)));
    runtime.shutdown().await;
}
