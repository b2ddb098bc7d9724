//! `POST /events` accepts events in each content mode, and names each event that it refuses. It answers the
//! webhook handshake.

use camshaft::Subscription;
use camshaft_event::Filter;

use super::*;

#[tokio::test]
async fn an_event_is_published_in_each_of_the_three_content_modes() {
    with_api(
        |_| {},
        async |api| {
            let structured =
                api.post("application/cloudevents+json; charset=utf-8", event(1, "a.b").to_string()).await;
            assert_eq!(structured.status, StatusCode::OK);
            let first = structured.json()["results"][0]["offset"].as_u64().unwrap();
            assert_eq!(
                structured.json(),
                json!({"results": [{"offset": first, "duplicate": false, "handled_by": 0}]})
            );
            let batched = api.publish(json!([event(1, "a.b"), event(2, "a.b")])).await.json();
            assert_eq!(batched["results"][0], json!({"offset": first, "duplicate": true, "handled_by": 0}));
            assert_eq!(batched["results"][1]["duplicate"], false);
            let binary = request("POST", "/events")
                .header("ce-specversion", "1.0")
                .header("ce-id", "3")
                .header("ce-source", "/shop")
                .header("ce-type", "a.b")
                .header("ce-subject", "Euro%20%E2%82%AC")
                .header(header::CONTENT_TYPE, "text/plain")
                .body(Body::from("hello"))
                .unwrap();
            assert_eq!(api.ask(binary).await.status, StatusCode::OK);
            let lines = api.get("/events?type=a.b").await;
            let last: Value = serde_json::from_str(lines.text().lines().last().unwrap()).unwrap();
            assert_eq!((&last["subject"], &last["data"]), (&json!("Euro €"), &json!("hello")));
        },
    )
    .await;
}

#[tokio::test]
async fn attributes_that_senders_do_not_encode_are_read_as_they_were_meant() {
    with_api(
        |_| {},
        async |api| {
            let subjects: [(&[u8], &str); 3] = [
                (b"s\xfcbject \"q\" 100%", "sübject \"q\" 100%"),
                ("sübject 100% €".as_bytes(), "sübject 100% €"),
                (b"s%C3%BCbject%20100%25", "sübject 100%"),
            ];
            for (id, (sent, meant)) in (1..).zip(subjects) {
                let binary = request("POST", "/events")
                    .header("ce-specversion", "1.0")
                    .header("ce-id", id)
                    .header("ce-source", "/shop")
                    .header("ce-type", "a.b")
                    .header("ce-time", "9999-12-31T23:59:59Z")
                    .header("ce-subject", axum::http::HeaderValue::from_bytes(sent).unwrap())
                    .body(Body::from("hello"))
                    .unwrap();
                let answer = api.ask(binary).await;
                assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
                let lines = api.get("/events?type=a.b").await;
                let last: Value = serde_json::from_str(lines.text().lines().last().unwrap()).unwrap();
                assert_eq!(
                    (&last["subject"], &last["time"]),
                    (&json!(meant), &json!("9999-12-31T23:59:59Z"))
                );
            }
            let mut late = event(9, "a.b");
            late["time"] = "2026-01-31T12:00:00+25:30".into();
            api.post("application/cloudevents+json", late.to_string()).await.problem("invalid-event");
        },
    )
    .await;
}

#[tokio::test]
async fn an_empty_batch_publishes_nothing() {
    with_api(
        |_| {},
        async |api| {
            let before = api.runtime.health();
            let answer = api.publish(json!([])).await;
            assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({"results": []})));
            assert_eq!(api.runtime.health(), before);
        },
    )
    .await;
}

#[tokio::test]
async fn one_bad_item_refuses_the_whole_batch_and_is_named() {
    with_api(
        |_| {},
        async |api| {
            let tail = api.runtime.tail();
            let answer = api.publish(json!([event(1, "a.b"), event("", "a.b")])).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
            let problem = answer.problem("invalid-event");
            assert_eq!((&problem["index"], &problem["attribute"]), (&json!(1), &json!("id")));
            assert_eq!(problem["hint"], "Set an id that is unique within the source.");
            let reserved = api.publish(json!([event(1, "a.b"), event(2, "camshaft.mine")])).await;
            assert_eq!(reserved.status, StatusCode::FORBIDDEN);
            assert_eq!(reserved.problem("reserved-event")["index"], 1);
            assert_eq!(api.runtime.tail(), tail);
        },
    )
    .await;
}

#[tokio::test]
async fn reserved_sources_are_refused() {
    with_api(
        |_| {},
        async |api| {
            for source in ["/plugins/stock", "/camshaft"] {
                let mut event = event(1, "a.b");
                event["source"] = source.into();
                let answer = api.post("application/cloudevents+json", event.to_string()).await;
                let detail = answer.problem("reserved-event")["detail"].to_string();
                assert!(detail.contains(source), "{detail}");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn a_known_id_with_other_content_is_a_conflict_that_names_the_first() {
    with_api(
        |_| {},
        async |api| {
            let first = api.publish(json!([event(1, "a.b")])).await.json();
            let answer = api.publish(json!([event(2, "a.b"), event(1, "a.c")])).await;
            assert_eq!(answer.status, StatusCode::CONFLICT);
            let problem = answer.problem("event-conflict");
            assert_eq!((&problem["index"], &problem["offset"]), (&json!(1), &first["results"][0]["offset"]));
        },
    )
    .await;
}

#[tokio::test]
async fn a_runtime_that_shuts_down_takes_nothing_more_and_says_when_to_come_back() {
    with_api(
        |_| {},
        async |api| {
            api.runtime.shutdown().await;
            let answer = api.publish(events(1)).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
            answer.problem("shutting-down");
            assert_eq!(answer.headers[header::RETRY_AFTER], "1");
        },
    )
    .await;
}

#[tokio::test]
async fn each_result_says_how_many_consumers_want_the_event() {
    with_api(
        |_| {},
        async |api| {
            let filter = Filter::Exact([("subject".to_owned(), "o-1".to_owned())].into());
            for (name, wanted) in [
                ("mailer", Subscription::types(["order.placed", "order.*"])),
                ("archive", Subscription::types(["order.placed"]).filter(filter)),
            ] {
                api.runtime.subscribe(name, wanted, |_, _| Ok(())).await.unwrap();
            }
            let mut about = event(2, "order.placed");
            about["subject"] = "o-1".into();
            let batch = json!([event(1, "order.placed"), about, event(3, "ordr.placed")]);
            for duplicate in [false, true] {
                let answer = api.publish(batch.clone()).await.json();
                let results = answer["results"].as_array().unwrap();
                let handled_by: Vec<&Value> = results.iter().map(|result| &result["handled_by"]).collect();
                assert_eq!(handled_by, [&json!(1), &json!(2), &json!(0)], "{answer}");
                assert!(results.iter().all(|result| result["duplicate"] == duplicate), "{answer}");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn two_items_of_a_batch_that_contradict_each_other_are_both_named() {
    with_api(
        |_| {},
        async |api| {
            let mut other = event(1, "a.b");
            other["data"] = json!({"n": 2});
            let answer = api.publish(json!([event(0, "a.b"), event(1, "a.b"), event(2, "a.b"), other])).await;
            let problem = answer.problem("event-conflict");
            assert_eq!((&problem["index"], &problem["other_index"]), (&json!(3), &json!(1)));
            assert!(problem.get("offset").is_none(), "nothing is in the log: {problem}");
            assert!(problem["detail"].as_str().unwrap().starts_with("events 1 and 3 of the batch"));
        },
    )
    .await;
}

#[tokio::test]
async fn the_modes_agree_on_an_event_without_a_content_type() {
    with_api(
        |_| {},
        async |api| {
            api.post("application/cloudevents+json", event(1, "a.b").to_string()).await;
            let binary = request("POST", "/events")
                .header("ce-specversion", "1.0")
                .header("ce-id", "1")
                .header("ce-source", "/shop")
                .header("ce-type", "a.b")
                .header(header::CONTENT_TYPE, "application/json");
            let answer = api.ask(binary.body(Body::from(r#"{"n":1}"#)).unwrap()).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            assert_eq!(answer.json()["results"][0]["duplicate"], true);
        },
    )
    .await;
}

#[tokio::test]
async fn a_sender_learns_by_the_webhook_handshake_that_it_may_deliver() {
    with_api(
        |_| {},
        async |api| {
            let ask = request("OPTIONS", "/events")
                .header("webhook-request-origin", "eventemitter.example.com")
                .header("webhook-request-rate", "120");
            let answer = api.ask(ask.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            assert_eq!(answer.headers["webhook-allowed-origin"], "eventemitter.example.com");
            assert_eq!(answer.headers["webhook-allowed-rate"], "*");
            assert_eq!(answer.headers[header::ALLOW], "GET, HEAD, POST, OPTIONS");
            let plain = api.ask(request("OPTIONS", "/events").body(Body::empty()).unwrap()).await;
            assert_eq!(plain.status, StatusCode::OK);
            assert!(!plain.headers.contains_key("webhook-allowed-origin"));
            let foreign = Request::builder()
                .method("OPTIONS")
                .uri("/events")
                .header(header::HOST, "evil.example.com")
                .header("webhook-request-origin", "evil.example.com");
            api.ask(foreign.body(Body::empty()).unwrap()).await.problem("host-not-allowed");
        },
    )
    .await;
    // A runtime with a token requires it for the handshake, as for later requests.
    let token = |config: &mut Config| config.token = Some(Token::new("0123456789abcdef").unwrap());
    with_api(token, async |api| {
        let ask =
            || request("OPTIONS", "/events").header("webhook-request-origin", "eventemitter.example.com");
        api.ask(ask().body(Body::empty()).unwrap()).await.problem("unauthorized");
        let bearer = ask().header(header::AUTHORIZATION, "Bearer 0123456789abcdef");
        let answer = api.ask(bearer.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.headers["webhook-allowed-origin"], "eventemitter.example.com");
    })
    .await;
}
