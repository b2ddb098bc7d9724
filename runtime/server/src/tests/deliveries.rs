//! `GET /events/{offset}`: the status of an event at every consumer.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use camshaft::{AttemptContext, Delivery, Failure, Sink, Subscription};
use camshaft_event::{AfterDeadLetter, NewEvent, Offset, Policy, Start};
use camshaft_wire::{ResetPlace, ResetRequest};

use super::*;

/// The deliveries of the event at `offset`, by consumer.
async fn deliveries(api: &Fixture, offset: u64) -> Value {
    let answer = api.get(&format!("/events/{offset}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let view = answer.json();
    assert_eq!((&view["offset"], &view["event"]["offset"]), (&json!(offset), &json!(offset.to_string())));
    let deliveries = view["deliveries"].as_array().unwrap().iter();
    deliveries.map(|delivery| (delivery["consumer"].as_str().unwrap().to_owned(), delivery.clone())).collect()
}

/// Waits until the delivery to the consumer has `status`, and returns it.
async fn until(api: &Fixture, offset: u64, consumer: &str, status: &str) -> Value {
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        let delivery = deliveries(api, offset).await[consumer].clone();
        if delivery["status"] == status {
            return delivery;
        }
        assert!(tokio::time::Instant::now() < end, "{consumer} should be {status}: {delivery}");
        tokio::task::yield_now().await;
    }
}

async fn publish(api: &Fixture, event: Value) -> u64 {
    api.publish(json!([event])).await.json()["results"][0]["offset"].as_u64().unwrap()
}

fn keyed(id: u32, key: &str) -> Value {
    let mut event = event(id, "order.placed");
    event["subject"] = key.into();
    event
}

#[tokio::test]
async fn an_event_tells_who_has_handled_it_and_what_came_of_it() {
    with_api(
        |_| {},
        async |api| {
            let stock = Subscription::types(["order.placed"]);
            let reserve = |_: &camshaft::Event, attempt: &mut camshaft::Attempt| {
                attempt.publish(NewEvent { event_type: "stock.reserved".into(), ..NewEvent::default() })?;
                Ok(())
            };
            api.runtime.subscribe("stock", stock, reserve).await.unwrap();
            api.runtime.subscribe("silent", Subscription::types(["order.*"]), |_, _| Ok(())).await.unwrap();
            api.runtime.subscribe("other", Subscription::types(["parcel.*"]), |_, _| Ok(())).await.unwrap();
            let offset = publish(api, keyed(1, "k")).await;
            let done = until(api, offset, "stock", "done").await;
            assert_eq!(
                (&done["attempt"], &done["published"][0]["type"]),
                (&json!(1), &json!("stock.reserved"))
            );
            assert!(done["at"].is_string(), "{done}");
            let silent = until(api, offset, "silent", "done").await;
            assert!(silent.get("published").is_none(), "without effects, and still known: {silent}");
            assert_eq!(deliveries(api, offset).await["other"]["status"], "not-wanted");

            // By source and id: the producer's event, and the one that a consumer published because of it.
            let found = api.get("/events/find?source=/shop&id=1").await.json();
            assert_eq!(found["offset"], offset);
            let reserved = done["published"][0]["offset"].as_u64().unwrap();
            let published = api.get(&format!("/events/{reserved}")).await.json()["event"].clone();
            let (source, id) = (published["source"].as_str().unwrap(), published["id"].as_str().unwrap());
            let found = api.get(&format!("/events/find?source={source}&id={id}")).await.json();
            assert_eq!(found["offset"], reserved);

            api.get("/events/find?source=/shop&id=2").await.problem("event-not-found");
            api.get("/events/find?source=/plugins/stock&id=1-999999-0").await.problem("event-not-found");
            let tail = api.runtime.tail().0;
            let missing = api.get(&format!("/events/{tail}")).await.problem("event-not-found");
            assert_eq!(missing["tail"], tail);
            api.get(&format!("/events/{}", u64::MAX)).await.problem("event-not-found");
            api.get("/events/first").await.problem("invalid-request");
        },
    )
    .await;
}

#[tokio::test]
async fn an_event_tells_why_it_is_not_handled() {
    with_api(
        |_| {},
        async |api| {
            let broken = Arc::new(AtomicBool::new(true));
            let is_broken = Arc::clone(&broken);
            let mailer = move |event: &camshaft::Event, _: &mut camshaft::Attempt| match event.id.as_str() {
                "bad" => Err(Failure::reject("no address")),
                _ if is_broken.load(Ordering::SeqCst) => Err(Failure::retry("the database is away")),
                _ => Ok(()),
            };
            let policy = Policy { after_dead_letter: AfterDeadLetter::Park, ..Policy::default() };
            let wanted = Subscription::types(["order.placed"]).policy(policy);
            api.runtime.subscribe("mailer", wanted, mailer).await.unwrap();

            let first = publish(api, keyed(1, "k")).await;
            let second = publish(api, keyed(2, "k")).await;
            let held = until(api, first, "mailer", "held").await;
            assert_eq!(
                (&held["waits_for"], &held["last_failure"]["cause"]),
                (&json!("retry"), &json!("retry"))
            );
            assert!(held["due"].is_string() && held["failed_attempts"].as_u64() >= Some(1), "{held}");
            assert!(
                held["last_failure"]["error"].as_str().unwrap().contains("the database is away"),
                "{held}"
            );
            let behind = until(api, second, "mailer", "held").await;
            assert_eq!(behind["waits_for"], "earlier-event");

            let mut bad = keyed(3, "other");
            bad["id"] = "bad".into();
            let bad = publish(api, bad).await;
            let dead = until(api, bad, "mailer", "dead").await;
            assert_eq!(dead["last_failure"]["cause"], "reject");
            api.runtime.discard("mailer", Offset(bad)).await.unwrap();
            let discarded = until(api, bad, "mailer", "discarded").await;
            assert!(discarded["at"].is_string(), "{discarded}");

            let reset = ResetRequest { to: ResetPlace::Latest, keep_state: true };
            api.runtime.reset_consumer("mailer", reset).await.unwrap();
            assert_eq!(deliveries(api, first).await["mailer"]["status"], "dropped");
            broken.store(false, Ordering::SeqCst);
            let again = ResetRequest { to: ResetPlace::Offset(Offset(first)), keep_state: true };
            api.runtime.reset_consumer("mailer", again).await.unwrap();
            until(api, second, "mailer", "done").await;
        },
    )
    .await;
}

#[tokio::test]
async fn an_event_tells_who_has_not_come_to_it_or_began_behind_it() {
    with_api(
        |_| {},
        async |api| {
            let types = || Subscription::types(["order.placed"]);
            api.runtime.subscribe("early", types(), |_, _| Ok(())).await.unwrap();
            api.runtime.pause_consumer("early").await.unwrap();
            let offset = publish(api, keyed(1, "k")).await;
            api.runtime.subscribe("late", types().start(Start::Latest), |_, _| Ok(())).await.unwrap();
            let found = deliveries(api, offset).await;
            assert_eq!(found["early"]["status"], "pending");
            assert_eq!(found["late"]["status"], "not-wanted");
            api.runtime.resume_consumer("early").await.unwrap();
            until(api, offset, "early", "done").await;
        },
    )
    .await;
}

#[tokio::test]
async fn an_event_tells_that_its_call_at_most_once_is_under_way() {
    with_api(
        |_| {},
        async |api| {
            let (go_on, wait) = std::sync::mpsc::channel::<()>();
            let wait = std::sync::Mutex::new(wait);
            let sink = Sink { delivery: Delivery::AtMostOnce, ..Sink::default() };
            let wanted = Subscription::types(["order.placed"]).sink(sink);
            let handler = move |_: &camshaft::Event, _: &mut camshaft::Attempt| {
                // Also ends with the test.
                wait.lock().unwrap().recv().map_err(Failure::from)
            };
            api.runtime.subscribe("mailer", wanted, handler).await.unwrap();
            let offset = publish(api, keyed(1, "k")).await;
            let called = until(api, offset, "mailer", "called").await;
            assert_eq!(called["attempt"], 1);
            go_on.send(()).unwrap();
            until(api, offset, "mailer", "done").await;
        },
    )
    .await;
}

#[tokio::test]
async fn the_status_at_a_consumer_without_a_handler_is_unknown_until_it_subscribes_again() {
    let folder = tempfile::tempdir().unwrap();
    let types = || Subscription::types(["order.placed"]);
    let mut before = 0;
    with_api_in(
        folder.path(),
        |_| {},
        async |api| {
            api.runtime.subscribe("stock", types(), |_, _| Ok(())).await.unwrap();
            before = publish(api, keyed(1, "k")).await;
            until(api, before, "stock", "done").await;
        },
    )
    .await;
    with_api_in(
        folder.path(),
        |_| {},
        async |api| {
            // Only the subscriptions could tell whether the consumer handles the event.
            let after = publish(api, keyed(2, "k")).await;
            let unknown = deliveries(api, after).await["stock"].clone();
            assert_eq!(unknown, json!({"consumer": "stock", "status": "unknown"}));
            assert_eq!(deliveries(api, before).await["stock"]["status"], "done", "the log has its outcome");
            api.runtime.subscribe("stock", types(), |_, _| Ok(())).await.unwrap();
            until(api, after, "stock", "done").await;
        },
    )
    .await;
}
