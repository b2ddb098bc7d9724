//! Redrive jobs: previewed, started, watched, cancelled.

use super::operating::{act, handled, order, stock};
use super::*;

/// Three dead letters of consumer `stock`, each of a key of its own. Returns the first offset.
async fn three_dead(api: &Fixture) -> u64 {
    stock(api).await;
    handled(api, (1..=3).map(|id| order(&format!("bad{id}"), &format!("o-{id}"))).collect()).await
}

async fn start(api: &Fixture, body: Value) -> Answer {
    let request = request("POST", "/redrives").header(header::CONTENT_TYPE, "application/json");
    api.ask(request.body(body.to_string().into()).unwrap()).await
}

/// Waits until the log holds `text` at `from` or later.
async fn until_logged(api: &Fixture, from: u64, text: &str) {
    let path = format!("/events?from={from}&system=true&follow=true");
    let response = api.send(request("GET", &path).body(Body::empty()).unwrap()).await;
    let mut parts = response.into_body().into_data_stream();
    let mut seen = String::new();
    while !seen.contains(text) {
        let part = tokio::time::timeout(PATIENCE, parts.next()).await.expect("it comes to that");
        seen += str::from_utf8(&part.expect("the stream goes on").unwrap()).unwrap();
    }
}

#[tokio::test]
async fn a_dry_run_says_what_a_job_would_take_and_changes_nothing() {
    with_api(
        |_| {},
        async |api| {
            let first = three_dead(api).await;
            let preview = start(api, json!({"consumer": "stock", "dry_run": true})).await;
            let ids = [0, 1, 2].map(|n| format!("stock:{}", first + n));
            assert_eq!(
                (preview.status, preview.json()),
                (StatusCode::OK, json!({"selected": 3, "first": ids}))
            );
            for (narrowed, selected) in [
                (json!({"reason": "reject", "type": "order.*", "since": "2020-01-01T00:00:00Z"}), 3),
                (json!({"reason": "trap"}), 0),
                (json!({"type": "order.paid"}), 0),
                (json!({"since": "2999-01-01T00:00:00Z"}), 0),
                (json!({"until": "2020-01-01T00:00:00+01:00"}), 0),
            ] {
                let mut body = narrowed;
                body["consumer"] = "stock".into();
                body["dry_run"] = true.into();
                assert_eq!(start(api, body.clone()).await.json()["selected"], selected, "{body}");
            }
            assert_eq!(api.get("/redrives").await.json(), json!({"items": []}));
            assert_eq!(api.get(&format!("/dead-letters/stock/{first}")).await.json()["redrives"], 0);
        },
    )
    .await;
}

#[tokio::test]
async fn a_job_redrives_what_it_selected_and_counts_what_came_of_it() {
    with_api(
        |_| {},
        async |api| {
            let first = three_dead(api).await;
            let tail = api.runtime.tail().0;
            let started = start(api, json!({"consumer": "stock", "type": "order.*", "rate": 1000})).await;
            assert_eq!(started.status, StatusCode::ACCEPTED, "{}", started.text());
            let job = started.json();
            assert_eq!(
                (&job["id"], &job["type"], &job["rate"]),
                (&json!(1), &json!("order.*"), &json!(1000))
            );
            assert_eq!((&job["selected"], &job["remaining"]), (&json!(3), &json!(3)));
            until_logged(api, tail, "camshaft.redrive.finished").await;
            for dead in 0..3 {
                until_logged(api, tail, &format!("dead-letter-stock-1-{}-1", first + dead)).await;
            }
            let job = api.get("/redrives/1").await.json();
            assert_eq!((&job["status"], &job["remaining"]), (&json!("done"), &json!(0)));
            assert_eq!((&job["redriven"], &job["gone"]), (&json!(3), &json!(0)));
            assert_eq!((&job["handled"], &job["dead_again"]), (&json!(0), &json!(3)));
            assert!(job["ended_at"].is_string(), "{job}");
            assert_eq!(api.get("/redrives").await.json()["items"][0]["id"], 1);
            assert_eq!(api.get(&format!("/dead-letters/stock/{first}")).await.json()["redrives"], 1);
        },
    )
    .await;
}

#[tokio::test]
async fn a_running_job_is_cancelled_once_and_meanwhile_is_the_only_one_of_its_consumer() {
    with_api(
        |_| {},
        async |api| {
            three_dead(api).await;
            let slow = json!({"consumer": "stock", "rate": 1});
            assert_eq!(start(api, slow.clone()).await.status, StatusCode::ACCEPTED);
            assert_eq!(api.get("/redrives/1").await.json()["status"], "running");
            let second = start(api, slow).await;
            assert_eq!(second.status, StatusCode::CONFLICT);
            assert!(second.problem("redrive-running")["detail"].as_str().unwrap().contains("redrive job 1"));
            let cancelled = act(api, "DELETE", "/redrives/1").await;
            assert_eq!((cancelled.status, cancelled.text()), (StatusCode::NO_CONTENT, ""));
            assert_eq!(api.get("/redrives/1").await.json()["status"], "cancelled");
            let again = act(api, "DELETE", "/redrives/1").await;
            assert_eq!(again.status, StatusCode::CONFLICT);
            again.problem("redrive-ended");
        },
    )
    .await;
}

#[tokio::test]
async fn what_is_no_redrive_job_is_refused() {
    with_api(
        |_| {},
        async |api| {
            stock(api).await;
            for (body, named) in [
                (json!({}), "consumer"),
                (json!({"consumer": "stock", "types": "order.*"}), "types"),
                (json!({"consumer": "stock", "type": "order..placed"}), "order..placed"),
                (json!({"consumer": "stock", "reason": "bad luck"}), "refused-effect"),
                (json!({"consumer": "stock", "since": "yesterday"}), "yesterday"),
                (json!({"consumer": "stock", "rate": 0}), "0"),
                (json!({"consumer": "stock", "type": format!("{}*", "a.".repeat(600))}), "1024"),
                (json!("stock"), "JSON"),
            ] {
                let answer = start(api, body.clone()).await;
                let detail = answer.problem("invalid-request")["detail"].clone();
                assert!(detail.as_str().unwrap().contains(named), "{body}: {detail}");
            }
            for dry_run in [false, true] {
                let unknown = start(api, json!({"consumer": "none", "dry_run": dry_run})).await;
                assert_eq!(unknown.status, StatusCode::NOT_FOUND);
                unknown.problem("consumer-not-found");
            }
            for method in ["GET", "DELETE"] {
                act(api, method, "/redrives/7").await.problem("redrive-not-found");
                act(api, method, "/redrives/stock").await.problem("invalid-request");
            }
        },
    )
    .await;
}
