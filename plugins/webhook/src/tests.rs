use camshaft_sdk::{http::Response, testing::TestContext};
use serde_json::{Value, json};

use super::*;

fn event() -> Event<Bytes> {
    Event {
        id: "o 17%".to_owned(),
        source: "/shop".to_owned(),
        subject: Some("Köln".to_owned()),
        datacontenttype: Some("application/json".to_owned()),
        partitionkey: Some("k".to_owned()),
        extensions: vec![("tenant".to_owned(), "t".to_owned())],
        ..Event::new("order.placed", Bytes(br#"{"total": 12345678901234567890.10}"#.to_vec()))
    }
}

/// A context that answers `response` to the one request that it expects, after `look` has seen it.
fn answering(response: Response, look: impl Fn(&Request) + 'static) -> TestContext {
    TestContext::new().with_config("url", "https://hooks.internal/orders").with_responses(move |request| {
        look(request);
        Ok(response.clone())
    })
}

fn header<'r>(request: &'r Request, name: &str) -> Vec<&'r str> {
    request.headers.iter().filter(|(set, _)| set == name).map(|(_, value)| value.as_str()).collect()
}

#[test]
fn an_event_is_sent_as_a_cloudevent_with_its_data_as_it_is() {
    let mut ctx = answering(Response::new(204), |request| {
        assert_eq!(
            (request.method.as_str(), request.url.as_str()),
            ("POST", "https://hooks.internal/orders")
        );
        assert_eq!(header(request, "content-type"), ["application/cloudevents+json; charset=utf-8"]);
        assert_eq!(header(request, "idempotency-key"), ["/shop o%2017%25"]);
        let body = str::from_utf8(&request.body).unwrap();
        assert!(body.contains(r#","data":{"total": 12345678901234567890.10}}"#), "{body}");
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!((&body["specversion"], &body["subject"]), (&json!("1.0"), &json!("Köln")));
        assert_eq!((&body["partitionkey"], &body["tenant"]), (&json!("k"), &json!("t")));
    });
    ctx.handle(event()).unwrap();
}

#[test]
fn data_that_is_not_json_is_sent_in_base64_and_no_data_not_at_all() {
    for (media_type, data, expected) in [
        ("text/plain", &b"abc"[..], json!("YWJj")),
        ("application/json", b"{", json!("ew==")),
        ("application/json", b"", Value::Null),
    ] {
        let mut ctx = answering(Response::new(200), move |request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            assert_eq!((&body["data_base64"], &body["data"]), (&expected, &Value::Null));
        });
        let data = Bytes(data.to_vec());
        ctx.handle(Event { datacontenttype: Some(media_type.to_owned()), data, ..event() }).unwrap();
    }
}

#[test]
fn data_alone_is_sent_with_the_attributes_as_headers() {
    let ctx = answering(Response::new(200), |request| {
        assert_eq!(request.method, "PUT");
        assert_eq!(request.body, br#"{"total": 12345678901234567890.10}"#);
        for (name, value) in [
            ("content-type", "application/json"),
            ("ce-specversion", "1.0"),
            ("ce-id", "o%2017%25"),
            ("ce-type", "order.placed"),
            ("ce-subject", "K%C3%B6ln"),
            ("ce-tenant", "t"),
        ] {
            assert_eq!(header(request, name), [value], "{name}");
        }
        assert!(header(request, "ce-datacontenttype").is_empty());
    });
    ctx.with_config("body", "data").with_config("method", "PUT").handle(event()).unwrap();
}

#[test]
fn the_operators_headers_are_sent_in_place_of_ours() {
    let ctx = answering(Response::new(200), |request| {
        assert_eq!(header(request, "authorization"), ["Bearer {{secret:token}}"]);
        assert_eq!(header(request, "content-type"), ["application/json"]);
        assert_eq!(header(request, "x-at"), ["12:30"]);
    });
    let headers = "Authorization: Bearer {{secret:token}}\n\n  Content-Type:application/json\nx-at: 12:30\n";
    ctx.with_config("headers", headers).handle(event()).unwrap();
}

#[test]
fn the_answer_decides_what_becomes_of_the_event() {
    let outcome = |status: u16, retry_after: Option<&str>| {
        let headers = retry_after.map(|after| ("retry-after".to_owned(), after.to_owned()));
        let response = Response { headers: headers.into_iter().collect(), ..Response::new(status) };
        answering(response, |_| {}).handle(event()).map_err(|error| format!("{error:?}"))
    };
    assert_eq!(outcome(202, None), Ok(()));
    assert_eq!(outcome(503, Some("7")).unwrap_err(), "retry after 7s: the receiver answered 503");
    assert_eq!(outcome(429, None).unwrap_err(), "retry: the receiver answered 429");
    assert_eq!(outcome(404, None).unwrap_err(), "reject: the receiver answered 404");
}

#[test]
fn an_answer_is_published_if_the_operator_names_a_type() {
    for (body, expected) in [
        (&br#"{"accepted": true}"#[..], json!({ "status": 201, "body": { "accepted": true } })),
        (b"thanks", json!({ "status": 201, "body_text": "thanks" })),
        (b"", json!({ "status": 201 })),
        (b"\xff", json!({ "status": 201, "body_base64": "/w==" })),
    ] {
        let ctx = answering(Response { body: body.to_vec(), ..Response::new(201) }, |_| {});
        let mut ctx = ctx.with_config("publish_answer", "order.sent").with_publishes(["order.sent"]);
        ctx.handle(event()).unwrap();
        let [answer] = ctx.published().try_into().unwrap();
        assert_eq!((answer.event_type.as_str(), answer.subject.as_deref()), ("order.sent", Some("Köln")));
        assert_eq!(serde_json::from_slice::<Value>(&answer.data.0).unwrap(), expected);
    }
}

#[test]
fn a_wrong_setting_is_left_to_the_operator() {
    let ctx = || answering(Response::new(200), |_| panic!("nothing is to be sent"));
    for (mut ctx, expected) in [
        (
            ctx().with_config("body", "all"),
            "retry: the setting `body` is \"all\"; write \"event\" or \"data\"",
        ),
        (
            ctx().with_config("headers", "x-at: 1\nBearer hunter2"),
            "retry: line 2 of the setting `headers` is not a header;",
        ),
        (TestContext::new(), "retry: the setting `url` is missing"),
    ] {
        let error = format!("{:?}", ctx.handle(event()).unwrap_err());
        assert!(error.starts_with(expected) && !error.contains("hunter2"), "{error}");
    }
}

#[test]
fn the_runtimes_own_events_are_sent_like_others() {
    let mut ctx = answering(Response::new(200), |request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["type"], "camshaft.dead-letter.added");
    });
    ctx.handle(Event { event_type: "camshaft.dead-letter.added".to_owned(), ..event() }).unwrap();
}
