//! Held events: listed with their reasons, logged, and retried or made dead letters by an operator.

use std::fs;

use camshaft_test_guests::version;
use serde_json::Value;
use tempfile::tempdir;

use super::process::{Runtime, write};

#[test]
fn an_operator_sees_what_is_retried_lets_one_go_on_and_gives_another_up() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("reloads.wasm"), version(1, "late")).unwrap();
    // The backoff is random, up to this value.
    write(
        folder,
        "reloads.toml",
        "[policy]\nbackoff = { base = \"4h\", max = \"4h\" }\nprobation_threshold = 1\n",
    );
    let runtime = Runtime::start(folder, &[]);
    runtime.said(folder, "deploy reloads.wasm --toml reloads.toml").ends_with(0);
    let event = |id: u32| {
        format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"test.event","partitionkey":"k{id}","data":{{"number":{id}}}}}"#
        )
    };
    write(folder, "two.ndjson", &[event(1), event(2)].join("\n"));
    runtime.said(folder, "publish two.ndjson").ends_with(0);
    let items = |listed: &str| -> Vec<Value> {
        let listed: Value = serde_json::from_str(listed).unwrap();
        listed["items"].as_array().unwrap().clone()
    };
    let attempts = |listed: &str| -> Vec<u64> {
        items(listed).iter().map(|item| item["attempts"].as_u64().unwrap()).collect()
    };
    let held = "consumers reloads --held --json";
    let listed = runtime.until(folder, held, |listed| attempts(listed) == [1, 1]).stdout;
    let ids: Vec<String> =
        items(&listed).iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect();
    let people = runtime.said(folder, "consumers reloads --held").ends_with(0);
    people
        .prints(&ids[0])
        .prints("retry: version 1 is not ready")
        .says(&format!("`camshaft held retry {}`", ids[0]));

    runtime.said(folder, &format!("held retry {}", ids[0])).ends_with(0).says("is due now");
    runtime.until(folder, held, |listed| attempts(listed) == [2, 1]);
    runtime.said(folder, &format!("held dead {}", ids[1])).ends_with(0).says("is now a dead letter");
    let left = runtime.until(folder, held, |listed| attempts(listed) == [2]).stdout;
    assert_eq!(items(&left)[0]["id"], ids[0]);
    runtime.said(folder, "dead-letters list").ends_with(0).prints(&ids[1]);
    runtime.said(folder, &format!("held retry {}", ids[1])).ends_with(3);
    runtime.said(folder, "held retry reloads").ends_with(2);

    let (_, said) = runtime.stop();
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("version 1 is not ready")).collect();
    assert!(lines.len() >= 3, "each failed attempt is logged: {said}");
    assert!(lines.iter().all(|line| line.contains("consumer=\"reloads\"")), "{lines:?}");
}
