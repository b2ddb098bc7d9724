//! Commands without an answer: how long a request waits, and what `GET /commands/{offset}` shows.

use super::*;

#[tokio::test]
async fn a_held_command_is_answered_with_202_and_its_place() {
    with_api(
        |_| {},
        async |api| {
            account(api).await;
            let (offset, _) = api.sent_until(&command("c-1", act("wait")), "held").await;
            let again = api.send_with(&command("c-1", act("wait")), &[("prefer", "wait=1")]).await;
            assert_eq!(again.status, StatusCode::ACCEPTED);
            assert_eq!(again.headers[header::LOCATION], format!("/commands/{offset}"));
            let view = again.json();
            assert_eq!((&view["state"], &view["consumer"]), (&json!("held"), &json!("account")));
            assert_eq!((&view["waits_for"]["what"], &view["duplicate"]), (&json!("retry"), &json!(true)));
            assert!(view["due"].is_string() && view.get("answer").is_none(), "{view}");
        },
    )
    .await;
}

#[tokio::test]
async fn a_dead_command_is_answered_at_once_and_decided_by_a_redrive() {
    with_api(
        |_| {},
        async |api| {
            let is_well = account(api).await;
            let begun = tokio::time::Instant::now();
            let answer = api.send_with(&command("c-1", act("die")), &[("prefer", "wait=60")]).await;
            assert!(begun.elapsed() < Duration::from_secs(50), "it waits no longer once the command is dead");
            assert_eq!(answer.status, StatusCode::ACCEPTED);
            let view = answer.json();
            assert_eq!((&view["state"], &view["consumer"]), (&json!("dead"), &json!("account")));
            let offset = view["offset"].as_u64().unwrap();
            assert_eq!(answer.headers[header::LOCATION], format!("/commands/{offset}"));
            is_well.store(true, Ordering::SeqCst);
            api.runtime.redrive("account", Offset(offset)).await.unwrap();
            assert_eq!(api.until(offset, "answered").await["answer"]["accepted"]["balance"], 7);
        },
    )
    .await;
}

#[tokio::test]
async fn a_discarded_command_is_gone_for_good() {
    with_api(
        |_| {},
        async |api| {
            account(api).await;
            let (offset, _) = api.sent_until(&command("c-1", act("die")), "dead").await;
            api.runtime.discard("account", Offset(offset)).await.unwrap();
            let again = api.send_command(&command("c-1", act("die"))).await;
            assert_eq!(again.status, StatusCode::GONE);
            assert_eq!(again.problem("discarded")["offset"], offset);
            assert_eq!(api.until(offset, "discarded").await.get("answer"), None);
        },
    )
    .await;
}

#[tokio::test]
async fn a_command_behind_another_of_its_subject_is_parked() {
    with_api(
        |_| {},
        async |api| {
            account(api).await;
            let (first, _) = api.sent_until(&command("c-1", act("wait")), "held").await;
            let mut behind = command("c-2", json!({}));
            behind["subject"] = "c-1".into();
            let (_, view) = api.sent_until(&behind, "parked").await;
            assert_eq!(view["waits_for"], json!({"what": "event", "offset": first}));
        },
    )
    .await;
}

#[tokio::test]
async fn a_command_that_its_owner_has_not_come_to_is_pending() {
    with_api(
        |_| {},
        async |api| {
            account(api).await;
            api.runtime.pause_consumer("account").await.unwrap();
            let (offset, view) = api.sent_until(&command("c-1", json!({})), "pending").await;
            assert_eq!(view, json!({"offset": offset, "state": "pending"}));
            api.runtime.resume_consumer("account").await.unwrap();
            api.until(offset, "answered").await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_refused_command_is_shown_with_its_refusal() {
    with_api(
        |_| {},
        async |api| {
            account(api).await;
            let offset = api.send_command(&command("c-1", act("refuse"))).await.json()["offset"].clone();
            let shown = api.get(&format!("/commands/{offset}")).await;
            assert_eq!(shown.status, StatusCode::OK);
            let view = shown.json();
            assert_eq!(view["answer"]["refused"]["message"], "the balance is 3");
            assert_eq!((view.get("facts"), view.get("duplicate")), (None, None));
        },
    )
    .await;
}

#[tokio::test]
async fn an_event_that_is_no_command_is_not_found_among_them() {
    with_api(
        |_| {},
        async |api| {
            account(api).await;
            let offset = api.publish(events(1)).await.json()["results"][0]["offset"].clone();
            let answer = api.get(&format!("/commands/{offset}")).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
            answer.problem("command-not-found");
            api.get(&format!("/commands/{}", u64::MAX)).await.problem("command-not-found");
            api.get("/commands/first").await.problem("invalid-request");
        },
    )
    .await;
}

#[tokio::test]
async fn beyond_their_share_of_the_connections_senders_do_not_wait() {
    with_api(
        |config| config.limits.max_connections = 4,
        async |api| {
            account(api).await;
            let (_, view) = api.sent_until(&command("c-1", act("wait")), "held").await;
            assert!(view["due"].is_string());
            let long = [("prefer", "wait=60")];
            let waits = command("c-1", act("wait"));
            let first = api.send_with(&waits, &long);
            let second = async {
                // The first request is polled before this one and waits.
                let begun = tokio::time::Instant::now();
                let answer = api.send_with(&waits, &long).await;
                (answer.status, begun.elapsed())
            };
            tokio::select! {
                biased;
                answer = first => panic!("it should wait: {}", answer.text()),
                (status, elapsed) = second => {
                    assert_eq!(status, StatusCode::ACCEPTED);
                    assert!(elapsed < Duration::from_secs(30), "{elapsed:?}");
                }
            }
        },
    )
    .await;
}
