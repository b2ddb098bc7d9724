//! `POST /events`.

use camshaft::Subscription;
use camshaft_event::Filter;

use super::{room::Room, *};

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
            assert_eq!(problem["hint"], "Write a text that is unique within the source.");
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
async fn each_limit_is_named_when_it_is_exceeded() {
    with_api(small_limits, async |api| {
        let mut large = event(1, "a.b");
        large["data"] = "x".repeat(1_000).into();
        let answer = api.publish(json!([event(0, "a.b"), large])).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        let problem = answer.problem("event-too-large");
        assert_eq!((&problem["index"], &problem["limit"]), (&json!(1), &json!(1_000)));

        let middling: Value = (0..5)
            .map(|id| {
                let mut event = event(id, "a.b");
                event["data"] = "x".repeat(900).into();
                event
            })
            .collect();
        let problem = api.publish(middling).await.problem("transaction-too-large");
        assert_eq!(problem["limit"], 4_000);

        let problem = api.publish(events(200)).await.problem("request-too-large");
        assert_eq!(problem["limit"], 8_000);
        let parts = futures_util::stream::iter((0..9).map(|_| Ok::<_, std::io::Error>("x".repeat(1_000))));
        let undeclared = api.post("application/cloudevents+json", Body::from_stream(parts)).await;
        undeclared.problem("request-too-large");
    })
    .await;
}

#[tokio::test]
async fn what_carries_no_cloudevent_is_unsupported() {
    with_api(
        |_| {},
        async |api| {
            for (content_type, detail) in [
                (
                    "application/json",
                    "the content type is \"application/json\", and there is no header ce-specversion",
                ),
                ("application/cloudevents+avro", "the content type is \"application/cloudevents+avro\""),
            ] {
                let answer = api.post(content_type, "{}").await;
                assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
                assert_eq!(answer.problem("unsupported-media-type")["detail"], detail);
            }
            let avro = request("POST", "/events").header("ce-specversion", "1.0");
            let avro = avro.header(header::CONTENT_TYPE, "application/cloudevents+avro");
            api.ask(avro.body(Body::empty()).unwrap()).await.problem("unsupported-media-type");
            let bare = api.ask(request("POST", "/events").body(Body::empty()).unwrap()).await;
            bare.problem("unsupported-media-type");
        },
    )
    .await;
}

#[tokio::test]
async fn garbage_is_refused_and_says_where() {
    with_api(
        |_| {},
        async |api| {
            let detail =
                |answer: Answer| answer.problem("invalid-event")["detail"].as_str().unwrap().to_owned();
            let not_json = detail(api.post("application/cloudevents+json", "{\"id\": 1").await);
            assert!(not_json.contains("line 1 column 8"), "{not_json}");
            let no_array = detail(api.post("application/cloudevents-batch+json", "{}").await);
            assert!(no_array.starts_with("a batch is a JSON array of events"), "{no_array}");
        },
    )
    .await;
}

#[tokio::test]
async fn a_body_that_breaks_off_publishes_nothing() {
    with_api(
        |_| {},
        async |api| {
            let broken = futures_util::stream::iter([Ok("[]"), Err(std::io::Error::other("gone"))]);
            let answer = api.post("application/cloudevents-batch+json", Body::from_stream(broken)).await;
            answer.problem("invalid-request");
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_says_that_it_is_too_large_is_not_waited_for() {
    let headers = HeaderMap::from_iter([(header::CONTENT_LENGTH, "11".parse().unwrap())]);
    let body = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
    let problem = body::read(&Room::new(1 << 20, 0), &headers, body, 10).await.unwrap_err();
    let answer = axum::response::IntoResponse::into_response(problem);
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_pauses_for_too_long_is_given_up() {
    let body = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
    let problem = body::read(&Room::new(1 << 20, 0), &HeaderMap::new(), body, 10).await.unwrap_err();
    let answer = axum::response::IntoResponse::into_response(problem);
    assert_eq!(answer.status(), StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_body_for_which_there_is_no_memory_is_refused_before_it_is_read() {
    let room = Room::new(4 << 20, 0);
    let pending = || Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
    let declares = |bytes: usize| HeaderMap::from_iter([(header::CONTENT_LENGTH, bytes.into())]);
    // It waits for its bytes, and takes their room meanwhile.
    let (headers, body) = (declares(1 << 20), pending());
    let mut first = std::pin::pin!(body::read(&room, &headers, body, 8 << 20));
    assert!(futures_util::FutureExt::now_or_never(&mut first).is_none());
    let problem = body::read(&room, &declares(1 << 20), pending(), 8 << 20).await.unwrap_err();
    let answer = axum::response::IntoResponse::into_response(problem);
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()[header::RETRY_AFTER], "1");
    // One that does not say how long it is takes its room as it comes.
    let parts = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[0; 4096])));
    let problem = body::read(&room, &HeaderMap::new(), Body::from_stream(parts), 8 << 20).await.unwrap_err();
    let answer = axum::response::IntoResponse::into_response(problem);
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    // Small ones have room of their own.
    let small = body::read(&room, &HeaderMap::new(), Body::from(vec![0; 20_000]), 8 << 20).await.unwrap();
    assert_eq!(small.bytes.len(), 20_000);
}

#[tokio::test]
async fn a_batch_that_cannot_fit_is_refused_while_it_is_parsed() {
    with_api(small_limits, async |api| {
        let event_type = format!("a.{}", "b".repeat(60));
        let fits = (0..55).map(|id| event(id, &event_type).to_string()).collect::<Vec<_>>().join(",");
        let answer = api.post("application/cloudevents-batch+json", format!("[{fits},no JSON")).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(answer.problem("transaction-too-large")["limit"], 4_000);
    })
    .await;
}

#[tokio::test]
async fn a_coded_body_is_decoded_or_refused_by_its_header() {
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }
    with_api(
        |_| {},
        async |api| {
            let send = |coding: &str, body: Vec<u8>| {
                let request = request("POST", "/events")
                    .header("ce-specversion", "1.0")
                    .header("ce-id", coding)
                    .header("ce-source", "/shop")
                    .header("ce-type", "a.b")
                    .header(header::CONTENT_TYPE, "application/json")
                    .header(header::CONTENT_ENCODING, coding);
                api.ask(request.body(Body::from(body)).unwrap())
            };
            let data = br#"{"n":1}"#;
            let zstd =
                ruzstd::encoding::compress_to_vec(&data[..], ruzstd::encoding::CompressionLevel::Fastest);
            for (coding, body) in [("gzip", gzip(data)), ("zstd", zstd), ("identity", data.to_vec())] {
                assert_eq!(send(coding, body).await.status, StatusCode::OK, "{coding}");
            }
            let lines = api.get("/events?type=a.b").await;
            let read: Vec<Value> =
                lines.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(read.iter().filter(|event| event["data"] == json!({"n": 1})).count(), 3, "{read:?}");
            let refused = send("br", data.to_vec()).await;
            assert_eq!(refused.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
            assert_eq!(refused.headers[header::ACCEPT_ENCODING], "gzip, zstd");
            let detail = refused.problem("unsupported-media-type")["detail"].to_string();
            assert!(detail.contains("Content-Encoding is \\\"br\\\""), "{detail}");
            send("gzip", data.to_vec()).await.problem("invalid-request");
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
    // A runtime with a token wants it for the handshake, as for what comes after it.
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
