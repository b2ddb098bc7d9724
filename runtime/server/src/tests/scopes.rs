//! `/scopes`: an aggregate in a closure, its scopes, their folds and their facts.

use camshaft::{Attempt, AttemptContext, Event, Failure, NewEvent, NewFact, Scope, Subscription};
use camshaft_event::Refusal;

use super::*;

/// Subscribes the aggregate `bank`. Each deposit is a fact; a withdrawal is always refused.
pub(super) async fn bank(api: &Fixture) {
    let bank = Subscription::commands(["account.deposit", "account.withdraw", "account.audit"])
        .records(["account.deposited"])
        .scope("account.deposit", "account")
        .scope("account.withdraw", "account")
        .evolve(|_, fold, facts| {
            let fold: Value = fold.map_or(Ok(Value::Null), serde_json::from_slice)?;
            let before = fold["deposits"].as_u64().unwrap_or_default();
            Ok(json!({"deposits": before + facts.len() as u64}).to_string().into_bytes())
        });
    api.runtime.subscribe("bank", bank, decide).await.unwrap();
}

fn decide(command: &Event, attempt: &mut Attempt) -> Result<(), Failure> {
    let Some(id) = command.subject.as_deref() else { return Ok(()) };
    let scope = Scope::new("account", id)?;
    attempt.load(&scope)?;
    if command.event_type == "account.withdraw" {
        attempt.answer(Err(Refusal {
            code: "no-money".into(),
            message: "empty".into(),
            ..Refusal::default()
        }))?;
        return Ok(());
    }
    let event = NewEvent { event_type: "account.deposited".into(), ..NewEvent::default() };
    attempt.record(NewFact { event, about: vec![scope] })?;
    Ok(())
}

/// A command about the account `9`.
pub(super) fn about_9(id: &str, event_type: &str) -> Value {
    let mut command = event(id, event_type);
    command["subject"] = "9".into();
    command
}

/// Makes `count` deposits into the account `9`. Returns the offsets of their facts.
async fn deposit(api: &Fixture, count: usize) -> Vec<u64> {
    let mut offsets = Vec::new();
    for number in 0..count {
        let sent = api.send_command(&about_9(&format!("d-{number}"), "account.deposit")).await;
        assert_eq!(sent.status, StatusCode::OK, "{}", sent.text());
        offsets.push(sent.json()["facts"]["first"].as_u64().unwrap());
    }
    offsets
}

#[tokio::test]
async fn a_scope_is_shown_with_its_fold_and_its_version_as_the_etag() {
    with_api(
        |_| {},
        async |api| {
            bank(api).await;
            let offsets = deposit(api, 2).await;
            let answer = api.get("/scopes/bank/account/9").await;
            assert_eq!(
                (answer.status, &answer.headers[header::ETAG]),
                (StatusCode::OK, &"\"2\"".parse().unwrap())
            );
            let expected = json!({
                "scope": "account/9", "version": 2, "last_fact": offsets[1], "revision": 0, "stale": false,
                "fold": {"deposits": 2},
            });
            assert_eq!(answer.json(), expected);
        },
    )
    .await;
}

#[tokio::test]
async fn a_scope_is_shown_as_it_was() {
    with_api(
        |_| {},
        async |api| {
            bank(api).await;
            let offsets = deposit(api, 3).await;
            let shown = async |query: String| {
                let answer = api.get(&format!("/scopes/bank/account/9?{query}")).await;
                assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
                (answer.headers[header::ETAG].to_str().unwrap().to_owned(), answer.json()["fold"].clone())
            };
            assert_eq!(shown("at=1".into()).await, ("\"1\"".into(), json!({"deposits": 1})));
            let second = shown(format!("at_offset={}", offsets[1])).await;
            assert_eq!(second, ("\"2\"".into(), json!({"deposits": 2})));
        },
    )
    .await;
}

#[tokio::test]
async fn a_scope_that_does_not_exist_is_not_found_and_a_moment_has_one_name() {
    with_api(
        |_| {},
        async |api| {
            bank(api).await;
            deposit(api, 1).await;
            for path in ["/8", "/8/facts", "/9?at=2", "/9?at=0", "/9?at_offset=0"] {
                let answer = api.get(&format!("/scopes/bank/account{path}")).await;
                assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
                answer.problem("scope-not-found");
            }
            for path in ["", "/account/9", "/account/9/facts"] {
                api.get(&format!("/scopes/unknown{path}")).await.problem("plugin-not-found");
            }
            for path in ["/account/9?at=1&at_offset=1", "/Account/9", "/account/9/facts?cursor=x"] {
                let answer = api.get(&format!("/scopes/bank{path}")).await;
                assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
                answer.problem("invalid-request");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn the_facts_of_a_scope_are_paged_with_versions_and_offsets() {
    with_api(
        |_| {},
        async |api| {
            bank(api).await;
            let offsets = deposit(api, 3).await;
            let facts = "/scopes/bank/account/9/facts";
            let page = api.get(&format!("{facts}?limit=2")).await.json();
            let first = &page["items"][0];
            assert_eq!((&first["version"], &first["offset"]), (&json!(1), &json!(offsets[0])));
            assert_eq!(first["event"]["type"], "account.deposited");
            assert_eq!(first["event"]["scopes"], "account/9@1");
            assert!(first["at"].is_string(), "{first}");
            let rest = api.get(&format!("{facts}?cursor={}", page["next"].as_str().unwrap())).await.json();
            assert_eq!(rest["items"].as_array().unwrap().len(), 1);
            assert_eq!((&rest["items"][0]["version"], rest.get("next")), (&json!(3), None));
            assert_eq!(api.get(&format!("{facts}?from=3")).await.json(), rest);
        },
    )
    .await;
}

#[tokio::test]
async fn the_scopes_of_an_aggregate_are_listed_with_their_versions() {
    with_api(
        |_| {},
        async |api| {
            bank(api).await;
            deposit(api, 2).await;
            let mut other = about_9("o-1", "account.deposit");
            other["subject"] = "DE/1 ü".into();
            api.send_command(&other).await;
            let page = api.get("/scopes/bank?kind=account&limit=1").await.json();
            let entry = &page["items"][0];
            assert_eq!((&entry["scope"], &entry["version"]), (&json!("account/9"), &json!(2)));
            let next = page["next"].as_str().unwrap();
            let rest = api.get(&format!("/scopes/bank?kind=account&cursor={next}")).await.json();
            assert_eq!(rest["items"][0]["scope"], "account/DE%2F1%20%C3%BC");
            assert_eq!(rest.get("next"), None);
            // The name in a listing is the path of the scope.
            let shown = api.get("/scopes/bank/account/DE%2F1%20%C3%BC").await;
            assert_eq!(shown.json()["version"], 1, "{}", shown.text());
            assert_eq!(api.get("/scopes/bank?kind=course").await.json(), json!({"items": []}));
        },
    )
    .await;
}
