//! Requests that send nothing, and commands that the runtime decides itself.

use super::*;

#[tokio::test]
async fn a_command_that_nobody_owns_is_refused_for_now() {
    with_api(
        |_| {},
        async |api| {
            let answer = api.send_command(&command("c-1", json!({}))).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(answer.headers[header::RETRY_AFTER], "1");
            let problem = answer.problem("no-owner");
            assert_eq!(problem["detail"], "no attached consumer owns command \"account.withdraw\"");
        },
    )
    .await;
}

#[tokio::test]
async fn a_command_type_is_no_type_of_events() {
    with_api(
        |_| {},
        async |api| {
            account(api).await;
            let answer = api.publish(json!([event(1, "order.placed"), command("c-1", json!({}))])).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
            let problem = answer.problem("command-type");
            assert_eq!(problem["index"], 1);
            assert!(problem["detail"].as_str().unwrap().contains("a command of \"account\""), "{problem}");
            assert!(problem["hint"].as_str().unwrap().contains("POST /commands"), "{problem}");
        },
    )
    .await;
}

#[tokio::test]
async fn only_the_runtime_marks_commands() {
    with_api(
        |_| {},
        async |api| {
            account(api).await;
            let mut marked = command("c-1", json!({}));
            marked["camshaftcommand"] = "true".into();
            let sent = api.send_command(&marked).await;
            marked["type"] = "order.placed".into();
            let published = api.publish(json!([marked])).await;
            for answer in [sent, published] {
                assert_eq!(answer.status, StatusCode::FORBIDDEN);
                let problem = answer.problem("reserved-event");
                assert_eq!(problem["detail"], "extension \"camshaftcommand\" is reserved for the runtime");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn a_wait_that_is_no_time_is_refused() {
    with_api(
        |_| {},
        async |api| {
            account(api).await;
            let tail = api.runtime.tail();
            let soon = api.send_with(&command("c-1", json!({})), &[("prefer", "wait=soon")]).await;
            assert_eq!(soon.problem("invalid-request")["attribute"], "Prefer");
            assert_eq!(api.runtime.tail(), tail, "nothing was sent");
        },
    )
    .await;
}

#[tokio::test]
async fn an_expired_command_is_refused_without_its_owner() {
    with_api(
        |_| {},
        async |api| {
            account(api).await;
            // The owner would make it a dead letter.
            let mut late = command("c-1", act("die"));
            late["expirytime"] = "2020-01-01T00:00:00Z".into();
            let refused = api.send_command(&late).await.problem("refused");
            assert_eq!(refused["refusal"]["code"], "expired");
            let message = refused["refusal"]["message"].as_str().unwrap();
            assert!(message.contains("2020-01-01T00:00:00"), "{message}");

            late["id"] = "c-2".into();
            late["expirytime"] = "tomorrow".into();
            let invalid = api.send_command(&late).await;
            assert_eq!(invalid.status, StatusCode::BAD_REQUEST);
            assert_eq!(invalid.problem("invalid-event")["attribute"], "expirytime");
        },
    )
    .await;
}

#[tokio::test]
async fn an_answer_beyond_its_limit_makes_a_dead_letter_that_names_the_setting() {
    with_api(
        |config| config.limits.max_answer_bytes = 100,
        async |api| {
            account(api).await;
            let fits = api.send_command(&command("c-1", json!({"do": "answer", "bytes": 100}))).await;
            assert_eq!(fits.status, StatusCode::OK, "{}", fits.text());
            let dead = api.send_command(&command("c-2", json!({"do": "answer", "bytes": 101}))).await;
            assert_eq!((dead.status, &dead.json()["state"]), (StatusCode::ACCEPTED, &json!("dead")));
            let letter = api.get(&format!("/dead-letters/account/{}", dead.json()["offset"])).await.json();
            let error = letter["error"].as_str().unwrap_or_else(|| panic!("{letter}"));
            assert!(error.contains("101") && error.contains("limits.max_answer_bytes"), "{error}");
        },
    )
    .await;
}
