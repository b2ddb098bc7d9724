//! `GET /events`, and other routes that read.

use std::collections::BTreeSet;

use super::*;

async fn ids(api: &Fixture, path: &str) -> Vec<String> {
    let answer = api.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/x-ndjson");
    let line = |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned();
    answer.text().lines().map(line).collect()
}

/// The offset of the first of the events that a test published; the runtime may have published before.
async fn publish(api: &Fixture, events: Value) -> u64 {
    api.publish(events).await.json()["results"][0]["offset"].as_u64().unwrap()
}

#[tokio::test]
async fn events_are_read_in_log_order_from_an_offset_up_to_a_limit() {
    with_api(
        |_| {},
        async |api| {
            let first = publish(api, events(5)).await;
            assert_eq!(ids(api, "/events").await, ["0", "1", "2", "3", "4"]);
            assert_eq!(ids(api, &format!("/events?from={}&limit=2", first + 1)).await, ["1", "2"]);
            assert_eq!(ids(api, &format!("/events?from={}", first + 5)).await, [""; 0]);
            let line = api.get(&format!("/events?from={first}&limit=1")).await.json();
            assert_eq!((&line["offset"], &line["data"]), (&json!(first.to_string()), &json!({"n": 1})));
        },
    )
    .await;
}

#[tokio::test]
async fn more_events_than_a_page_are_read_completely() {
    with_api(
        |_| {},
        async |api| {
            for batch in 0..5 {
                let events: Value = (0..500).map(|id| event(batch * 500 + id, "order.placed")).collect();
                publish(api, events).await;
            }
            let expected: Vec<String> = (0..2_500).map(|id| id.to_string()).collect();
            assert_eq!(ids(api, "/events?limit=100000").await, expected);
            assert_eq!(ids(api, "/events").await.len(), 1_000);
        },
    )
    .await;
}

#[tokio::test]
async fn events_are_selected_by_type_and_subject() {
    with_api(
        |_| {},
        async |api| {
            let mut about = event(1, "order.paid");
            about["subject"] = "o-17".into();
            publish(api, json!([event(0, "order.placed"), about, event(2, "stock.reserved")])).await;
            assert_eq!(ids(api, "/events?type=order.*").await, ["0", "1"]);
            assert_eq!(ids(api, "/events?type=order.*&limit=1").await, ["0"]);
            assert_eq!(ids(api, "/events?subject=o-17").await, ["1"]);
            assert_eq!(ids(api, "/events?type=stock.reserved&subject=o-17").await, [""; 0]);
        },
    )
    .await;
}

#[tokio::test]
async fn wrong_parameters_are_refused_by_name() {
    with_api(
        |_| {},
        async |api| {
            for (query, part) in [
                ("from=x", "from: invalid digit"),
                ("limit=0", "limit is 0, but must be between 1 and 100000"),
                ("limit=100001", "limit is 100001"),
                ("follow=perhaps", "follow"),
                ("type=order..x", "is not a type pattern"),
                ("form=1", "unknown field `form`"),
            ] {
                let answer = api.get(&format!("/events?{query}")).await;
                let detail = answer.problem("invalid-request")["detail"].as_str().unwrap().to_owned();
                assert!(detail.contains(part), "{query}: {detail}");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn a_following_read_gets_what_is_published_later_and_ends_when_the_server_drains() {
    with_api(
        |_| {},
        async |api| {
            publish(api, json!([event("before", "a.b")])).await;
            let response =
                api.send(request("GET", "/events?type=a.b&follow=true").body(Body::empty()).unwrap()).await;
            let mut parts = response.into_body().into_data_stream();
            let mut next =
                async || tokio::time::timeout(PATIENCE, parts.next()).await.expect("the stream goes on");
            assert!(
                next().await.unwrap().unwrap().starts_with(b"{\"specversion\":\"1.0\",\"id\":\"before\"")
            );
            publish(api, json!([event("other", "b.c"), event("after", "a.b")])).await;
            assert!(next().await.unwrap().unwrap().starts_with(b"{\"specversion\":\"1.0\",\"id\":\"after\""));
            api.closing.send_replace(true);
            assert!(next().await.is_none());
        },
    )
    .await;
}

#[tokio::test]
async fn a_following_read_has_no_limit_unless_one_is_given() {
    with_api(
        |_| {},
        async |api| {
            publish(api, events(1_200)).await;
            let response = api.send(request("GET", "/events?follow=true").body(Body::empty()).unwrap()).await;
            let mut parts = response.into_body().into_data_stream();
            let mut lines = 0;
            while lines < 1_200 {
                let part = tokio::time::timeout(PATIENCE, parts.next()).await.expect("all events come");
                lines +=
                    part.expect("the stream goes on").unwrap().iter().filter(|byte| **byte == b'\n').count();
            }
            assert_eq!(ids(api, "/events?follow=true&limit=2").await, ["0", "1"]);
        },
    )
    .await;
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    with_api(
        |_| {},
        async |api| {
            for (path, code) in [
                ("/plugins/none", "plugin-not-found"),
                ("/consumers/none", "consumer-not-found"),
                ("/state/none", "plugin-not-found"),
                ("/state/none/a/b", "plugin-not-found"),
                ("/", "route-not-found"),
                ("/events/1/2", "route-not-found"),
                ("/events/1", "event-not-found"),
                ("/plugins/", "route-not-found"),
            ] {
                let answer = api.get(path).await;
                assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
                answer.problem(code);
            }
            let answer = api.get("/dead-letters/none/1").await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
            api.get("/dead-letters/none/first").await.problem("invalid-request");
            api.get("/state/none?cursor=%25").await.problem("invalid-request");
            let plugins = api.get("/plugins").await.json();
            assert_eq!(plugins["items"], json!([]));
            assert!(plugins["directory"].as_str().unwrap().ends_with("/plugins"), "{plugins}");
        },
    )
    .await;
}

#[tokio::test]
async fn a_method_that_a_path_does_not_take_is_refused_with_those_it_takes() {
    with_api(
        |_| {},
        async |api| {
            let answer = api.ask(request("PUT", "/events").body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
            answer.problem("method-not-allowed");
            let allowed = answer.headers[header::ALLOW].to_str().unwrap().split(',').collect::<BTreeSet<_>>();
            assert_eq!(allowed, ["GET", "HEAD", "OPTIONS", "POST"].into());
        },
    )
    .await;
}

#[tokio::test]
async fn health_tells_the_tail_and_whether_the_server_drains() {
    with_api(
        |_| {},
        async |api| {
            let first = publish(api, events(2)).await;
            let health = api.get("/health").await;
            assert_eq!(health.status, StatusCode::OK);
            assert_eq!(
                (&health.json()["status"], &health.json()["tail"]),
                (&json!("accepting"), &json!(first + 2))
            );
            api.closing.send_replace(true);
            let health = api.get("/health").await;
            assert_eq!(
                (health.status, &health.json()["status"]),
                (StatusCode::SERVICE_UNAVAILABLE, &json!("draining"))
            );
        },
    )
    .await;
}

#[tokio::test]
async fn followers_leave_room_for_others_and_are_refused_beyond_their_share() {
    with_api(
        |config| config.limits.max_connections = 4,
        async |api| {
            let follow = || request("GET", "/events?follow=true").body(Body::empty()).unwrap();
            let first = api.send(follow()).await;
            let second = api.send(follow()).await;
            assert_eq!((first.status(), second.status()), (StatusCode::OK, StatusCode::OK));
            let refused = api.ask(follow()).await;
            assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
            refused.problem("busy");
            assert_eq!(refused.headers[header::RETRY_AFTER], "1");
            assert_eq!(api.get("/events").await.status, StatusCode::OK);
            assert_eq!(api.get("/health").await.status, StatusCode::OK);
            drop(first);
            assert_eq!(api.send(follow()).await.status(), StatusCode::OK);
        },
    )
    .await;
}

#[tokio::test]
async fn a_follower_never_takes_the_only_place() {
    with_api(
        |config| config.limits.max_connections = 1,
        async |api| {
            api.get("/events?follow=true").await.problem("busy");
            assert_eq!(api.publish(events(1)).await.status, StatusCode::OK);
        },
    )
    .await;
}
