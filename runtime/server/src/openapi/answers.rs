//! Responses that the routes do not create themselves. They come from the access check, from reading
//! parameters and bodies, and from a runtime that is not ready. This module describes them for all routes.

use serde_json::{Map, Value, json};

/// Responses of every route except `/health`.
const ANY: [(&str, &str); 4] = [
    ("401", "The token is missing or wrong"),
    ("403", "The host or the origin is not allowed"),
    ("500", "Internal error of the runtime"),
    ("503", "The runtime cannot serve the request now"),
];

/// Responses of routes with parameters.
const PARAMETERS: [(&str, &str); 1] = [("400", "A parameter is not valid")];

/// Responses of routes with a body.
const BODY: [(&str, &str); 4] = [
    ("400", "The body is not valid"),
    ("408", "The body did not arrive in time"),
    ("413", "The body is too large"),
    ("415", "The content coding of the body is not gzip or zstd"),
];

/// Adds the shared responses to an operation, except those that it describes itself.
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
