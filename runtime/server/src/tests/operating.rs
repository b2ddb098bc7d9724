//! Consumers, dead letters and state, with a closure as the handler.

use camshaft::{Failure, Subscription};
use camshaft_event::{AttemptContext, Event, NewEvent, reserved};

use super::*;

/// Keeps a number per subject, publishes `stock.reserved`, and rejects events whose id begins with `bad`.
pub async fn stock(api: &Fixture) {
    let reserve = |event: &Event, attempt: &mut camshaft::Attempt| {
        if event.id.starts_with("bad") {
            return Err(Failure::reject("not enough stock\nat line 2"));
        }
        attempt.set(event.subject.as_deref().unwrap_or_default().as_bytes(), &[42])?;
        attempt.set(b"\xff", b"\xc1")?;
        attempt.publish(NewEvent { event_type: "stock.reserved".into(), ..NewEvent::default() })?;
        Ok(())
    };
    api.runtime.subscribe("stock", Subscription::types(["order.placed"]), reserve).await.unwrap();
}

pub fn order(id: &str, subject: &str) -> Value {
    let mut order = event(id, "order.placed");
    order["subject"] = subject.into();
    order
}

/// Publishes, and waits until each order was reserved or became a dead letter. Returns the first offset.
pub async fn handled(api: &Fixture, orders: Value) -> u64 {
    let count = orders.as_array().unwrap().len();
    let results = api.publish(orders).await.json();
    let first = results["results"][0]["offset"].as_u64().unwrap();
    follow(api, first, count).await;
    first
}

/// Waits until the log holds the given number of order outcomes, from `first` on.
async fn follow(api: &Fixture, first: u64, count: usize) {
    let path = format!("/events?from={first}&system=true&follow=true");
    let response = api.send(request("GET", &path).body(Body::empty()).unwrap()).await;
    let mut parts = response.into_body().into_data_stream();
    let mut found = 0;
    while found < count {
        let part = tokio::time::timeout(PATIENCE, parts.next()).await.expect("the orders are handled");
        let part = part.expect("the stream goes on").unwrap();
        let text = str::from_utf8(&part).unwrap();
        found +=
            text.matches("\"type\":\"stock.reserved\"").count() + text.matches("dead-letter.added\"").count();
    }
}

pub async fn act(api: &Fixture, method: &str, path: &str) -> Answer {
    api.ask(request(method, path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn state_is_listed_page_by_page_and_shown_as_json_or_as_written() {
    with_api(
        |_| {},
        async |api| {
            stock(api).await;
            handled(api, json!([order("1", "AA/größe 1"), order("2", "AB"), order("3", "B")])).await;
            let first = api.get("/state/stock?prefix=A&limit=1").await.json();
            assert_eq!(first["items"], json!([{"key": "AA/größe 1", "value": 42}]));
            let next = first["next"].as_str().unwrap();
            let second = api.get(&format!("/state/stock?prefix=A&limit=1&cursor={next}")).await.json();
            assert_eq!(second, json!({"items": [{"key": "AB", "value": 42}]}));
            let last = api.get("/state/stock").await.json();
            let odd = json!({"key": "/w==", "encoding": "base64", "value": {"base64": "wQ=="}});
            assert_eq!(last["items"][3], odd);

            for path in ["/state/stock/AA/gr%C3%B6%C3%9Fe%201", "/state/stock/AA%2Fgr%C3%B6%C3%9Fe%201"] {
                assert_eq!(api.get(path).await.text(), "42", "{path}");
            }
            assert_eq!(api.get("/state/stock/_w==?encoding=base64").await.json(), json!({"base64": "wQ=="}));
            let raw = request("GET", "/state/stock/B").header(header::ACCEPT, "application/msgpack");
            let raw = api.ask(raw.body(Body::empty()).unwrap()).await;
            assert_eq!(
                (&raw.headers[header::CONTENT_TYPE], &raw.body[..]),
                (&"application/msgpack".parse().unwrap(), &[42][..])
            );
            let missing = api.get("/state/stock/none").await;
            assert_eq!(missing.status, StatusCode::NOT_FOUND);
            missing.problem("state-key-not-found");
            api.get("/state/stock/%2B?encoding=base64").await.problem("state-key-not-found");
        },
    )
    .await;
}

#[tokio::test]
async fn a_dead_letter_is_listed_shown_and_redriven() {
    with_api(
        |_| {},
        async |api| {
            stock(api).await;
            let bad = handled(api, json!([order("bad", "o-17")])).await;
            handled(api, json!([order("1", "other")])).await;
            let behind =
                api.publish(json!([order("2", "o-17")])).await.json()["results"][0]["offset"].clone();
            handled(api, json!([order("3", "another")])).await;

            let list = api.get("/dead-letters?consumer=stock&type=order.*").await.json();
            let letter = &list["items"][0];
            assert_eq!(letter["id"], format!("stock:{bad}"));
            assert_eq!((&letter["reason"], &letter["error"]), (&json!("reject"), &json!("not enough stock")));
            assert_eq!((&letter["key"], &letter["attempts"]), (&json!("o-17"), &json!(1)));
            assert_eq!(api.get("/dead-letters?type=stock.*").await.json(), json!({"items": []}));

            let path = format!("/dead-letters/stock/{bad}");
            let shown = api.get(&path).await.json();
            assert_eq!(
                (&shown["event"]["id"], &shown["event"]["offset"]),
                (&json!("bad"), &json!(bad.to_string()))
            );
            assert_eq!(shown["history"][0]["error"], "not enough stock\nat line 2");
            assert_eq!(
                shown["waiting_events"],
                json!([{"offset": behind, "id": "2", "type": "order.placed"}])
            );
            assert_eq!(shown["id"], letter["id"]);

            let tail = api.runtime.tail();
            assert_eq!(act(api, "POST", &format!("{path}/redrive")).await.status, StatusCode::ACCEPTED);
            follow(api, tail.0, 1).await;
            assert_eq!(api.get(&path).await.json()["redrives"], 1);
        },
    )
    .await;
}

#[tokio::test]
async fn a_discarded_dead_letter_is_gone_and_what_waited_runs() {
    with_api(
        |_| {},
        async |api| {
            stock(api).await;
            let bad = handled(api, json!([order("bad", "o-17")])).await;
            api.publish(json!([order("1", "o-17")])).await;
            let path = format!("/dead-letters/stock/{bad}");
            let tail = api.runtime.tail();
            let discarded = act(api, "POST", &format!("{path}/discard")).await;
            assert_eq!((discarded.status, discarded.text()), (StatusCode::NO_CONTENT, ""));
            follow(api, tail.0, 1).await;
            assert_eq!(api.get("/state/stock/o-17").await.text(), "42");
            for method in ["redrive", "discard"] {
                act(api, "POST", &format!("{path}/{method}")).await.problem("dead-letter-not-found");
            }
            act(api, "POST", "/dead-letters/none/1/redrive").await.problem("dead-letter-not-found");
            api.get("/dead-letters?consumer=none").await.problem("consumer-not-found");
            api.get("/dead-letters?cursor=none").await.problem("invalid-request");
        },
    )
    .await;
}

#[tokio::test]
async fn a_listing_of_dead_letters_goes_on_after_each_page() {
    with_api(
        |_| {},
        async |api| {
            stock(api).await;
            let orders: Value = (0..5).map(|id| order(&format!("bad{id}"), &format!("o-{id}"))).collect();
            let first = handled(api, orders).await;
            let mut path = "/dead-letters?limit=2".to_owned();
            let mut offsets = Vec::new();
            loop {
                let page = api.get(&path).await.json();
                offsets.extend(
                    page["items"].as_array().unwrap().iter().map(|letter| letter["offset"].as_u64().unwrap()),
                );
                let Some(next) = page["next"].as_str() else { break };
                path = format!("/dead-letters?limit=2&cursor={next}");
            }
            assert_eq!(offsets, (first..first + 5).collect::<Vec<_>>());
        },
    )
    .await;
}

#[tokio::test]
async fn a_consumer_is_shown_and_an_attached_one_cannot_be_removed() {
    with_api(
        |_| {},
        async |api| {
            stock(api).await;
            handled(api, json!([order("bad", "o-17"), order("1", "o-18")])).await;
            let consumer = api.get("/consumers/stock").await.json();
            assert_eq!((&consumer["status"], &consumer["dead"]), (&json!("attached"), &json!(1)));
            assert_eq!(api.get("/consumers").await.json()["items"][0]["name"], "stock");
            let removed = act(api, "DELETE", "/consumers/stock").await;
            assert_eq!(removed.status, StatusCode::CONFLICT);
            removed.problem("consumer-attached");
            act(api, "DELETE", "/consumers/none").await.problem("consumer-not-found");
        },
    )
    .await;
}

#[tokio::test]
async fn the_runtimes_own_events_are_read_only_on_request() {
    with_api(
        |_| {},
        async |api| {
            stock(api).await;
            handled(api, json!([order("bad", "o-17")])).await;
            let types = async |path: &str| {
                let answer = api.get(path).await;
                let line =
                    |line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned();
                answer.text().lines().map(line).collect::<Vec<_>>()
            };
            assert_eq!(types("/events").await, ["order.placed"]);
            assert_eq!(types("/events?type=**").await, ["order.placed"]);
            let all = types("/events?system=true").await;
            assert!(all.contains(&"camshaft.dead-letter.added".to_owned()), "{all:?}");
            let named = types("/events?type=camshaft.**").await;
            assert!(
                !named.is_empty() && named.iter().all(|event_type| reserved::is_type(event_type)),
                "{named:?}"
            );
        },
    )
    .await;
}
