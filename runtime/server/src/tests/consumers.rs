//! Consumers: pausing, resuming, resetting, and the causes that block them.

use camshaft::{AttemptContext, Event, Failure, Subscription};

use super::operating::{act, handled, order, stock};
use super::*;

async fn reset(api: &Fixture, name: &str, body: Value) -> Answer {
    let request = request("POST", &format!("/consumers/{name}/reset"));
    let request = request.header(header::CONTENT_TYPE, "application/json");
    api.ask(request.body(body.to_string().into()).unwrap()).await
}

async fn consumer(api: &Fixture) -> Value {
    api.get("/consumers/stock").await.json()
}

#[tokio::test]
async fn a_paused_consumer_takes_nothing_until_it_is_resumed() {
    with_api(
        |_| {},
        async |api| {
            stock(api).await;
            assert_eq!(act(api, "POST", "/consumers/stock/pause").await.status, StatusCode::NO_CONTENT);
            let waiting = api.publish(json!([order("1", "o-1")])).await.json();
            let waiting = waiting["results"][0]["offset"].as_u64().unwrap();
            // Without the pause, the event would have been handled by now.
            let other = Subscription::types(["test.other"]);
            let saw =
                |_: &Event, attempt: &mut camshaft::Attempt| Ok::<_, Failure>(attempt.set(b"saw", b"\x01")?);
            api.runtime.subscribe("other", other, saw).await.unwrap();
            api.publish(json!([event("2", "test.other")])).await;
            while api.get("/state/other/saw").await.status != StatusCode::OK {
                tokio::task::yield_now().await;
            }
            let paused = consumer(api).await;
            assert_eq!(
                (&paused["status"], &paused["pauses"][0]["reason"]),
                (&json!("paused"), &json!("operator"))
            );
            assert_eq!(paused["in_flight"], 0);
            // The consumer reads nothing while it is paused, so events that it does not handle also count.
            assert!(paused["oldest"]["offset"].as_u64().unwrap() <= waiting, "{paused}");
            assert!(
                paused["oldest"]["age_ms"].is_u64() && paused["pauses"][0]["since"].is_string(),
                "{paused}"
            );

            assert_eq!(act(api, "POST", "/consumers/stock/resume").await.status, StatusCode::NO_CONTENT);
            handled(api, json!([order("3", "o-3")])).await;
            let resumed = consumer(api).await;
            assert_eq!((&resumed["status"], &resumed["pauses"]), (&json!("attached"), &json!([])));
            assert_eq!(api.get("/state/stock/o-1").await.status, StatusCode::OK);
            for path in ["/consumers/none/pause", "/consumers/none/resume"] {
                act(api, "POST", path).await.problem("consumer-not-found");
            }
            let told = api.get("/events?system=true&type=camshaft.consumer.*").await;
            let told = told.text();
            for event in ["camshaft.consumer.paused", "camshaft.consumer.resumed"] {
                assert_eq!(told.matches(event).count(), 1, "{told}");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn what_is_held_says_what_it_waits_for() {
    with_api(
        |_| {},
        async |api| {
            stock(api).await;
            let dead = handled(api, json!([order("bad", "o-17")])).await;
            let behind = api.publish(json!([order("1", "o-17"), order("2", "o-17")])).await.json();
            handled(api, json!([order("3", "other")])).await;
            let held = loop {
                let stock = consumer(api).await;
                if stock["held"] == 2 {
                    break stock["oldest_held"].clone();
                }
            };
            assert_eq!((&held["key"], &held["events"]), (&json!("o-17"), &json!(2)));
            assert_eq!(held["offset"], behind["results"][0]["offset"]);
            assert_eq!(held["waits_for"], json!({"what": "dead-letter", "offset": dead}));
            assert!(held["age_ms"].is_u64());
        },
    )
    .await;
}

#[tokio::test]
async fn a_reset_consumer_handles_again_what_it_is_sent_back_to() {
    with_api(
        |_| {},
        async |api| {
            stock(api).await;
            let first = handled(api, json!([order("1", "o-1"), order("bad", "o-2")])).await;
            for (wrong, code) in [
                (json!({"to": "noon"}), "invalid-request"),
                (json!({}), "invalid-request"),
                (json!({"to": "latest", "keepstate": true}), "invalid-request"),
            ] {
                reset(api, "stock", wrong).await.problem(code);
            }
            reset(api, "none", json!({"to": "earliest"})).await.problem("consumer-not-found");

            let answer = reset(api, "stock", json!({"to": "latest"})).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            assert!(answer.json()["offset"].as_u64().unwrap() > first + 1);
            let stock = consumer(api).await;
            assert_eq!((&stock["generation"], &stock["dead"]), (&json!(2), &json!(0)));
            assert_eq!(api.get("/state/stock/o-1").await.status, StatusCode::NOT_FOUND);

            // A time in 1970 and the first event select the same position.
            for (generation, to) in
                [(3, json!("1970-01-01T00:00:01Z")), (4, json!(0)), (5, json!("earliest"))]
            {
                let tail = api.runtime.tail().0;
                reset(api, "stock", json!({"to": to, "keep_state": generation == 4})).await.json();
                until_dead(api).await;
                assert_eq!(consumer(api).await["generation"], generation);
                assert_eq!(api.get("/state/stock/o-1").await.status, StatusCode::OK);
                let told = api.get(&format!("/events?system=true&from={tail}")).await;
                let told = told.text();
                assert_eq!(told.matches("camshaft.consumer.reset").count(), 1, "{told}");
            }
            let none = reset(api, "stock", json!({"to": "2999-01-01T00:00:00Z"})).await.json();
            assert!(none["offset"].as_u64().unwrap() > first + 1, "a time to come stands for the end");
        },
    )
    .await;
}

/// Waits until the order that cannot be handled is a dead letter again, and nothing is left to do.
async fn until_dead(api: &Fixture) {
    let done = async {
        loop {
            let stock = consumer(api).await;
            if stock["dead"] == 1 && stock["lag"] == 0 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, done).await.expect("it comes to that");
}
