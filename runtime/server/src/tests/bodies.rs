//! The body of `POST /events` is limited in bytes, time and memory, and decoded or refused by its headers.

use super::{room::Room, *};

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
            assert!(no_array.starts_with("the batch is not a JSON array of events"), "{no_array}");
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
    // The request waits for its bytes, and holds the memory for them in the meantime.
    let (headers, body) = (declares(1 << 20), pending());
    let mut first = std::pin::pin!(body::read(&room, &headers, body, 8 << 20));
    assert!(futures_util::FutureExt::now_or_never(&mut first).is_none());
    let problem = body::read(&room, &declares(1 << 20), pending(), 8 << 20).await.unwrap_err();
    let answer = axum::response::IntoResponse::into_response(problem);
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()[header::RETRY_AFTER], "1");
    // A body without a declared length takes its memory as it arrives.
    let parts = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[0; 4096])));
    let problem = body::read(&room, &HeaderMap::new(), Body::from_stream(parts), 8 << 20).await.unwrap_err();
    let answer = axum::response::IntoResponse::into_response(problem);
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    // Small requests have a separate share of the memory.
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
