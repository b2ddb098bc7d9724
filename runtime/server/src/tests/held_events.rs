//! Held events over HTTP: listed with the cause of their wait, retried, turned into dead letters.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use camshaft::{AttemptContext, Event, Failure, Subscription};

use super::operating::act;
use super::*;

/// A consumer `mailer` that asks for a retry after one hour until the flag is set.
async fn mailer(api: &Fixture) -> Arc<AtomicBool> {
    let is_well = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_well);
    let handle = move |event: &Event, attempt: &mut camshaft::Attempt| {
        if event.id.starts_with("away") && !seen.load(Ordering::Acquire) {
            let hour = Duration::from_secs(3_600);
            return Err(Failure::retry_after(hour, "the database is away\nsince noon"));
        }
        Ok::<_, Failure>(attempt.set(event.id.as_bytes(), b"\x01")?)
    };
    api.runtime.subscribe("mailer", Subscription::types(["order.*"]), handle).await.unwrap();
    is_well
}

fn order(id: &str, key: &str) -> Value {
    let mut order = event(id, "order.placed");
    order["subject"] = json!(key);
    order
}

/// Waits until `is_so` is true for the consumer, and returns it.
async fn until(api: &Fixture, is_so: impl Fn(&Value) -> bool) -> Value {
    let found = async {
        loop {
            let mailer = api.get("/consumers/mailer").await.json();
            if is_so(&mailer) {
                return mailer;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, found).await.expect("it comes to that")
}

async fn published(api: &Fixture, events: Value) -> Vec<u64> {
    let receipts = api.publish(events).await.json();
    receipts["results"].as_array().unwrap().iter().map(|one| one["offset"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn what_is_held_is_listed_with_its_last_failure_page_by_page() {
    with_api(
        |_| {},
        async |api| {
            mailer(api).await;
            let offsets = published(
                api,
                json!([order("away", "k"), order("1", "k"), order("away too", "l"), order("2", "m")]),
            )
            .await;
            let mailer = until(api, |mailer| mailer["retrying"] == 2 && mailer["held"] == 1).await;
            let oldest = &mailer["oldest_held"];
            assert_eq!((&oldest["offset"], &oldest["attempts"]), (&json!(offsets[0]), &json!(1)));
            assert_eq!(oldest["last_failure"]["error"], "the database is away");
            assert_eq!(oldest["due"], oldest["waits_for"]["due"]);
            assert_eq!(mailer["last_failure"]["cause"], "retry");

            let first = api.get("/consumers/mailer/held?limit=2").await.json();
            let next = first["next"].as_str().unwrap();
            let rest = api.get(&format!("/consumers/mailer/held?limit=2&cursor={next}")).await.json();
            assert_eq!(rest.get("next"), None);
            let items: Vec<Value> =
                [first, rest].iter().flat_map(|page| page["items"].as_array().unwrap().clone()).collect();
            let ids: Vec<&Value> = items.iter().map(|item| &item["offset"]).collect();
            assert_eq!(ids, [&json!(offsets[0]), &json!(offsets[1]), &json!(offsets[2])]);
            let [retried, behind, _] = &items[..] else { panic!("{items:?}") };
            assert_eq!(retried["id"], format!("mailer:{}", offsets[0]));
            assert_eq!((&retried["key"], &retried["type"]), (&json!("k"), &json!("order.placed")));
            assert_eq!((&retried["attempts"], &retried["waits_for"]["what"]), (&json!(1), &json!("retry")));
            assert_eq!(retried["last_failure"]["error"], "the database is away");
            assert!(retried["due"].is_string() && retried["held_since"].is_string(), "{retried}");
            assert_eq!(behind["waits_for"], json!({"what": "event", "offset": offsets[0]}));
            assert_eq!((&behind["attempts"], behind.get("last_failure")), (&json!(0), None));

            for (path, code) in [
                ("/consumers/none/held", "consumer-not-found"),
                ("/consumers/mailer/held?limit=0", "invalid-request"),
                ("/consumers/mailer/held?cursor=x", "invalid-request"),
                ("/consumers/mailer/held?type=a", "invalid-request"),
            ] {
                api.get(path).await.problem(code);
            }
        },
    )
    .await;
}

#[tokio::test]
async fn a_held_event_is_made_due_or_a_dead_letter() {
    with_api(
        |_| {},
        async |api| {
            let is_well = mailer(api).await;
            let offsets =
                published(api, json!([order("away", "k"), order("1", "k"), order("away too", "l")])).await;
            until(api, |mailer| mailer["retrying"] == 2 && mailer["held"] == 1).await;
            let path = |at: usize, act: &str| format!("/consumers/mailer/held/{}/{act}", offsets[at]);
            for verb in ["retry", "dead"] {
                let behind = act(api, "POST", &path(1, verb)).await.problem("held-event-waits");
                let names = format!("behind mailer:{}", offsets[0]);
                assert!(behind["detail"].as_str().unwrap().contains(&names), "{behind}");
                for (wrong, code) in [
                    ("/consumers/none/held/1/", "held-event-not-found"),
                    ("/consumers/mailer/held/999999/", "held-event-not-found"),
                    ("/consumers/mailer/held/x/", "invalid-request"),
                ] {
                    act(api, "POST", &format!("{wrong}{verb}")).await.problem(code);
                }
            }
            assert_eq!(act(api, "POST", &path(2, "dead")).await.status, StatusCode::NO_CONTENT);
            let letter = api.get(&format!("/dead-letters/mailer/{}", offsets[2])).await.json();
            assert_eq!(
                (&letter["reason"], &letter["error"]),
                (&json!("retry"), &json!("the database is away"))
            );

            is_well.store(true, Ordering::Release);
            assert_eq!(act(api, "POST", &path(0, "retry")).await.status, StatusCode::ACCEPTED);
            until(api, |mailer| mailer["retrying"] == 0 && mailer["held"] == 0).await;
            for id in ["away", "1"] {
                assert_eq!(api.get(&format!("/state/mailer/{id}")).await.status, StatusCode::OK);
            }
            let told = api.get("/events?system=true&type=camshaft.**").await;
            for (event, count) in [("camshaft.held.retried", 1), ("\"by_hand\":true", 1)] {
                assert_eq!(told.text().matches(event).count(), count, "{}", told.text());
            }
        },
    )
    .await;
}
