//! Answers that no route makes itself: those of the guard, of what reads parameters and bodies, and of a runtime that is
//! not ready. Here they are described once for all.

use serde_json::{Map, Value, json};

/// For every route but `/health`.
const ANY: [(&str, &str); 4] = [
    ("401", "The token is missing or wrong"),
    ("403", "The host or the web page may not call"),
    ("500", "The runtime failed"),
    ("503", "Not now"),
];

/// For routes with parameters.
const PARAMETERS: [(&str, &str); 1] = [("400", "A parameter is not valid")];

/// For routes with a body.
const BODY: [(&str, &str); 4] = [
    ("400", "The body is not valid"),
    ("408", "The body did not arrive in time"),
    ("413", "The body is too large"),
    ("415", "The body has a content coding other than gzip and zstd"),
];

/// Adds to an operation the answers that it may give and does not describe itself.
pub fn complete(operation: &mut Map<String, Value>) {
    let mut answers = ANY.to_vec();
    if operation.get("parameters").and_then(Value::as_array).is_some_and(|all| !all.is_empty()) {
        answers.extend(PARAMETERS);
    }
    if operation.contains_key("requestBody") {
        answers.extend(BODY);
    }
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for (status, description) in answers {
        responses.entry(status).or_insert_with(|| problem(description));
    }
}

fn problem(description: &str) -> Value {
    let schema = json!({"$ref": "#/components/schemas/ProblemDocument"});
    json!({"description": description, "content": {"application/problem+json": {"schema": schema}}})
}
