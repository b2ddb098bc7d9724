//! Plugins in JavaScript and Python can send only the requests that their operator allows. What they print is
//! in the runtime's log.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::tempdir;

use crate::{
    process::{Runtime, write},
    receiver::{self, Request},
    said,
};

const MANIFEST: &str = r#"
manifest = 1
name = "NAME"
version = "0.1.0"
capabilities = ["http"]

[[subscriptions]]
handler = "send"
types = ["order.placed"]
"#;

const JAVASCRIPT: &str = r#"
import { accepted, handler } from "camshaft";

export const handle = handler({
  "order.placed": async (order, ctx) => {
    console.log(`printed for ${order.id}`);
    const answer = await accepted(
      await fetch(ctx.config("url"), {
        method: order.data.method,
        headers: { authorization: "Bearer {{secret:token}}", "idempotency-key": order.id },
        body: order.bytes,
      }),
    );
    ctx.state.set("answer", await answer.json());
  },
});
"#;

const PYTHON: &str = r#"
from camshaft import handler


@handler("order.placed")
def send(order, ctx):
    print(f"printed for {order.id}")
    headers = {"Authorization": "Bearer {{secret:token}}", "Idempotency-Key": order.id}
    answer = ctx.request(order.data["method"], ctx.config("url"), headers=headers, body=order.bytes)
    ctx.state["answer"] = answer.accepted().json()
"#;

/// Creates a plugin in `folder` with this code. Names must differ, because all plugins share one target
/// folder.
fn sink(folder: &Path, name: &str, language: &str, file: &str, code: &str, manifest: &str) {
    said(folder, &format!("new {name} --lang {language}")).ends_with(0);
    let folder = folder.join(name);
    write(&folder, file, code);
    write(&folder, "plugin.toml", &manifest.replace("NAME", name));
    // The generated fixtures test the generated code.
    fs::remove_file(folder.join("tests/totals.toml")).unwrap();
}

fn order(id: u32, method: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"/shop","type":"order.placed","data":{{"method":"{method}"}}}}"#
    )
}

fn check_sends(language: &str, file: &str, code: &str) {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let name = format!("hook-{language}");
    sink(folder, &name, language, file, code, MANIFEST);
    said(folder, &format!("build {name}"))
        .ends_with(0)
        .says("requests capability \"http\", which is not granted")
        .says(&format!("write `grants = [\"http\"]` into \"{name}.toml\""));

    let (port, requests) = receiver::start(r#"{"thanks":true}"#, |_| "201 Created");
    let operator = format!(
        "grants = ['http']\n[[http]]\nhost = '127.0.0.1'\nport = {port}\ntls = false\nmethods = ['POST']\n\
         secrets = ['token']\n[secrets]\ntoken = {{ file = 'token.txt' }}\n[policy]\nmax_attempts = 1\n\
         [config]\nurl = 'http://127.0.0.1:{port}/orders?from=shop'\n"
    );
    write(folder, &format!("{name}.toml"), &operator);
    write(folder, "token.txt", "t0ps3cret");
    let runtime = Runtime::start(folder, &["--plugins", "."]);
    write(folder, "orders.ndjson", &[order(1, "POST"), order(2, "PUT")].join("\n"));
    runtime.said(folder, "publish orders.ndjson").ends_with(0);

    let is_done = |consumer: &str| consumer.contains("\"lag\":0,") && consumer.contains("\"in_flight\":0,");
    runtime.until(folder, &format!("consumers {name} --json"), is_done);
    let Request { head, body } = requests.try_recv().expect("what is allowed is sent");
    assert!(head.starts_with("POST /orders?from=shop HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("authorization: Bearer t0ps3cret\r\n"), "{head}");
    assert!(head.contains("idempotency-key: 1\r\n"), "{head}");
    assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
    assert!(!head.contains("transfer-encoding"), "{head}");
    assert_eq!(body, r#"{"method":"POST"}"#);
    runtime.until(folder, &format!("state get {name} answer"), |answer| answer == "{\"thanks\":true}\n");
    let dead = runtime.until(folder, "dead-letters list --json", |listed| listed.contains(&name));
    let dead: Value = serde_json::from_str(&dead.stdout).unwrap();
    let show = format!("dead-letters show {name}:{}", dead["items"][0]["offset"]);
    let denied = format!("denied: PUT http://127.0.0.1:{port}: `methods` of its [[http]] in ");
    runtime.said(folder, &show).ends_with(0).prints(&denied).prints("lacks \"PUT\"");
    let (status, log) = runtime.stop();
    assert!(status.success(), "{log}");
    assert!(requests.try_recv().is_err(), "what was denied has not been sent");
    for id in ["1", "2"] {
        let printed = log.lines().filter(|line| line.contains(&format!("printed for {id} ")));
        let printed: Vec<&str> = printed.collect();
        let [line] = printed[..] else { panic!("{id}: {log}") };
        let facts = [format!(" consumer=\"{name}\" "), format!(" event=\"{id}\" ")];
        assert!(facts.iter().all(|fact| line.contains(fact)), "{line}");
    }
}

/// A plugin without the capability `http` gets an error that names it.
fn check_says_why(language: &str, file: &str, code: &str) {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let name = format!("plain-{language}");
    sink(folder, &name, language, file, code, &MANIFEST.replace("capabilities", "# capabilities"));
    let case = "[[case]]\nname = 'sends'\nwhen = { type = 'order.placed', data = { method = 'POST' } }\n\
                given.config = { url = 'http://127.0.0.1/' }\nthen.outcome = 'reject'\n\
                then.reason = \"plugin.toml does not contain `capabilities = [\\\"http\\\"]`\"\n";
    write(&folder.join(&name), "tests/sends.toml", case);
    said(folder, &format!("test {name}")).ends_with(0).prints("1 passed, 0 failed");
}

#[test]
fn javascript_sends_where_its_operator_lets_it_and_what_it_prints_is_in_the_log() {
    check_sends("javascript", "plugin.js", JAVASCRIPT);
}

#[test]
fn python_sends_where_its_operator_lets_it_and_what_it_prints_is_in_the_log() {
    check_sends("python", "plugin.py", PYTHON);
}

#[test]
fn javascript_that_did_not_ask_is_told_so() {
    check_says_why("javascript", "plugin.js", JAVASCRIPT);
}

#[test]
fn python_that_did_not_ask_is_told_so() {
    check_says_why("python", "plugin.py", PYTHON);
}
