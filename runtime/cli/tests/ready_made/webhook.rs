//! A receiver gets each event, including events that it first refused because it was busy.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::tempdir;

use super::{
    drop_in,
    process::Runtime,
    publish, published,
    receiver::{self, Request},
};

const PATIENCE: Duration = Duration::from_secs(60);

/// The sent event.
fn sent(request: &Request) -> Value {
    serde_json::from_str(&request.body).unwrap()
}

#[test]
fn each_event_arrives_also_after_the_receiver_was_busy_and_with_the_secret() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let (port, requests) = receiver::start("true", |number| if number == 0 { "503 Busy" } else { "200 OK" });
    let operator = format!(
        "name = 'order-hook'\npublishes = ['order.sent']\ngrants = ['http']\n\
         [[subscriptions]]\nhandler = 'send'\ntypes = ['order.*']\nfilter = {{ exact = {{ source = '/shop' }} }}\n\
         [[http]]\nhost = '127.0.0.1'\nport = {port}\ntls = false\nmethods = ['POST']\nsecrets = ['token']\n\
         [secrets]\ntoken = {{ file = 'token.txt' }}\n\
         [policy]\nbackoff = {{ base = '10ms', max = '20ms' }}\n\
         [config]\nurl = 'http://127.0.0.1:{port}/orders'\npublish_answer = 'order.sent'\n\
         headers = 'authorization: Bearer {{{{secret:token}}}}'\n"
    );
    drop_in(folder, "webhook", "hook", &operator);
    super::write(&folder.join("plugins"), "token.txt", "t0ps3cret\n");
    let runtime = Runtime::start(folder, &[]);
    let order =
        |id: &str| json!({ "id": id, "type": "order.placed", "subject": id, "data": { "sku": "pen" } });
    publish(&runtime, folder, &["1", "2", "3"].map(order));

    let arrived: Vec<Request> = (0..4).map(|_| requests.recv_timeout(PATIENCE).unwrap()).collect();
    for request in &arrived {
        let (head, body) = (&request.head, sent(request));
        assert!(head.starts_with("POST /orders HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("authorization: Bearer t0ps3cret\r\n"), "{head}");
        assert!(
            head.contains(&format!("idempotency-key: /shop {}\r\n", body["id"].as_str().unwrap())),
            "{head}"
        );
        assert_eq!(body["data"], json!({ "sku": "pen" }));
    }
    let mut ids: Vec<_> = arrived.iter().map(|request| sent(request)["id"].clone()).collect();
    let refused = ids[0].clone();
    ids.sort_by_key(Value::to_string);
    let mut expected = vec![json!("1"), json!("2"), json!("3"), refused];
    expected.sort_by_key(Value::to_string);
    assert_eq!(ids, expected, "each one, and the first one again");

    let answers = published(&runtime, folder, "order.sent", 3);
    assert_eq!(answers.len(), 3);
    assert_eq!(answers[0]["data"], json!({ "status": 200, "body": true }));
    assert!(runtime.stop().0.success());
}
