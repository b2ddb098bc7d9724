//! The versions that commands expect: `If-Match`, `If-None-Match` and the attribute `expect`.

use super::super::scopes::{about_9, bank};
use super::*;

const DEPOSIT: &str = "account.deposit";

/// A deposit with the attribute `expect`.
fn expecting(id: &str, expect: &str) -> Value {
    let mut command = about_9(id, DEPOSIT);
    command["expect"] = expect.into();
    command
}

impl Fixture {
    /// Deposits under the condition of a header.
    async fn deposit_if(&self, id: &str, name: &str, value: &str) -> Answer {
        self.send_with(&about_9(id, DEPOSIT), &[(name, value), ("prefer", "wait=20")]).await
    }
}

#[track_caller]
fn has_etag(answer: &Answer, etag: &str) {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.headers[header::ETAG], etag);
}

#[tokio::test]
async fn an_answer_has_the_version_of_the_declared_scope_as_its_etag() {
    with_api(
        |_| {},
        async |api| {
            bank(api).await;
            let first = api.send_command(&about_9("1", DEPOSIT)).await;
            has_etag(&first, "\"1\"");
            assert_eq!(first.json()["scopes"], json!([{"scope": "account/9", "version": 1}]));
            has_etag(&api.send_command(&about_9("2", DEPOSIT)).await, "\"2\"");
            has_etag(&api.send_command(&about_9("1", DEPOSIT)).await, "\"1\"");
            // This type declares no scope.
            let audit = api.send_command(&about_9("3", "account.audit")).await;
            assert_eq!((audit.status, audit.headers.get(header::ETAG)), (StatusCode::OK, None));
        },
    )
    .await;
}

#[tokio::test]
async fn if_match_lets_a_command_decide_at_one_version_only() {
    with_api(
        |_| {},
        async |api| {
            bank(api).await;
            has_etag(&api.deposit_if("1", "if-none-match", "*").await, "\"1\"");
            has_etag(&api.deposit_if("2", "if-match", "\"1\"").await, "\"2\"");
            for (id, name, value, expected) in [("3", "if-match", "\"1\"", 1), ("4", "if-none-match", "*", 0)]
            {
                let late = api.deposit_if(id, name, value).await;
                assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
                let mismatch = json!({"scope": "account/9", "expected": expected, "actual": 2});
                assert_eq!(late.problem("version-mismatch")["mismatch"], mismatch);
            }
            assert_eq!(api.get("/scopes/bank/account/9").await.json()["version"], 2);
        },
    )
    .await;
}

#[tokio::test]
async fn a_repeated_command_gets_its_first_answer_whatever_the_version_is_by_then() {
    with_api(
        |_| {},
        async |api| {
            bank(api).await;
            has_etag(&api.deposit_if("1", "if-none-match", "*").await, "\"1\"");
            has_etag(&api.deposit_if("2", "if-match", "\"1\"").await, "\"2\"");
            let again = api.deposit_if("1", "if-none-match", "*").await;
            has_etag(&again, "\"1\"");
            assert_eq!(again.json()["duplicate"], true);
            // The expectation is a part of the command, in either form.
            has_etag(&api.send_command(&expecting("1", "account/9=0")).await, "\"1\"");
            api.deposit_if("1", "if-match", "\"2\"").await.problem("event-conflict");
        },
    )
    .await;
}

#[tokio::test]
async fn the_attribute_expect_names_several_scopes() {
    with_api(
        |_| {},
        async |api| {
            bank(api).await;
            has_etag(&api.send_command(&expecting("1", "account/9@0 course/c1@0")).await, "\"1\"");
            has_etag(&api.send_command(&expecting("2", "account/9=1, course/c1=0")).await, "\"2\"");
            let late = api.send_command(&expecting("3", "account/9@2,course/c1@1")).await;
            let mismatch = json!({"scope": "course/c1", "expected": 1, "actual": 0});
            assert_eq!(late.problem("version-mismatch")["mismatch"], mismatch);
            // The header adds to the attribute.
            let both = api.send_with(&expecting("4", "course/c1@1"), &[("if-match", "\"2\"")]).await;
            assert_eq!(both.problem("version-mismatch")["mismatch"], mismatch);
        },
    )
    .await;
}

#[tokio::test]
async fn expectations_that_cannot_be_checked_send_nothing() {
    with_api(
        |_| {},
        async |api| {
            bank(api).await;
            let tail = api.runtime.tail();
            let mut anonymous = about_9("1", DEPOSIT);
            anonymous["subject"].take();
            let deposit = about_9("1", DEPOSIT);
            for (command, name, value, detail) in [
                (&deposit, "if-match", "W/\"7\"", "a weak tag"),
                (&deposit, "if-match", "*", "`*` names no version"),
                (&deposit, "if-match", "7", "not a number in double quotes"),
                (&deposit, "if-none-match", "\"7\"", "only `*` is supported"),
                (&about_9("1", "account.audit"), "if-match", "\"7\"", "declares no scope"),
                (&anonymous, "if-match", "\"7\"", "has no subject"),
            ] {
                let answer = api.send_with(command, &[(name, value)]).await;
                assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{detail}");
                let problem = answer.problem("invalid-request");
                assert_eq!(problem["attribute"], name);
                assert!(problem["detail"].as_str().unwrap().contains(detail), "{problem}");
            }
            let unowned = api.send_with(&about_9("1", "account.close"), &[("if-match", "\"7\"")]).await;
            unowned.problem("no-owner");
            assert_eq!(api.runtime.tail(), tail, "nothing was sent");
        },
    )
    .await;
}

#[tokio::test]
async fn an_attribute_expect_that_is_not_valid_is_refused_with_its_reason() {
    with_api(
        |_| {},
        async |api| {
            bank(api).await;
            let tail = api.runtime.tail();
            for (expect, reason) in [
                ("account/9", "is not the name of a scope"),
                ("account/9@x", "is not the name of a scope"),
                ("account/9@1 account/9@2", "with versions 1 and 2"),
            ] {
                let answer = api.send_command(&expecting("1", expect)).await;
                assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{expect}");
                let problem = answer.problem("invalid-event");
                assert_eq!(problem["attribute"], "expect");
                assert!(problem["detail"].as_str().unwrap().contains(reason), "{problem}");
            }
            let contradiction = api.send_with(&expecting("1", "account/9@1"), &[("if-match", "\"2\"")]).await;
            assert_eq!(contradiction.problem("invalid-event")["attribute"], "expect");
            assert_eq!(api.runtime.tail(), tail, "nothing was sent");
        },
    )
    .await;
}

#[tokio::test]
async fn in_a_batch_each_command_expects_for_itself() {
    with_api(
        |_| {},
        async |api| {
            bank(api).await;
            let tail = api.runtime.tail();
            let batch = json!([expecting("1", "account/9=0"), expecting("2", "account/9=0")]);
            let request = request("POST", "/commands")
                .header(header::CONTENT_TYPE, camshaft::cloudevents::BATCH_MEDIA_TYPE)
                .header("if-match", "\"0\"");
            let one = json!([about_9("1", DEPOSIT)]);
            let refused = api.ask(request.body(Body::from(one.to_string())).unwrap()).await;
            assert_eq!(refused.problem("invalid-request")["attribute"], "if-match");
            assert_eq!(api.runtime.tail(), tail, "nothing was sent");
            // The second command sees the first decision.
            let results = api.send_commands(&batch).await.json()["results"].clone();
            assert_eq!(results[0]["scopes"][0]["version"], 1);
            let mismatch = json!({"mismatch": {"scope": "account/9", "expected": 0, "actual": 1}});
            assert_eq!(results[1]["answer"], mismatch);
        },
    )
    .await;
}

#[tokio::test]
async fn a_refusal_stays_a_refusal_under_a_condition_that_holds() {
    with_api(
        |_| {},
        async |api| {
            bank(api).await;
            let withdraw = about_9("1", "account.withdraw");
            let refused = api.send_with(&withdraw, &[("if-none-match", "*")]).await;
            assert_eq!(refused.problem("refused")["refusal"]["code"], "no-money");
        },
    )
    .await;
}
