//! The OpenAPI description against the routes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

/// Every route that the interface has; a new one is added here on purpose.
const ROUTES: [&str; 41] = [
    "delete /consumers/{name}",
    "delete /redrives/{id}",
    "get /commands/{offset}",
    "get /consumers",
    "get /consumers/{name}",
    "get /consumers/{name}/held",
    "get /dead-letters",
    "get /dead-letters/{consumer}/{offset}",
    "get /dead-letters/{consumer}/{offset}/redriven",
    "get /events",
    "get /events/find",
    "get /events/{offset}",
    "get /health",
    "get /openapi.json",
    "get /plugins",
    "get /plugins/{name}",
    "get /plugins/{name}/history",
    "get /redrives",
    "get /redrives/{id}",
    "get /scopes/{plugin}",
    "get /scopes/{plugin}/{kind}/{id}",
    "get /scopes/{plugin}/{kind}/{id}/facts",
    "get /state/{plugin}",
    "get /state/{plugin}/{key}",
    "options /events",
    "post /commands",
    "post /consumers/{name}/held/{offset}/dead",
    "post /consumers/{name}/held/{offset}/retry",
    "post /consumers/{name}/pause",
    "post /consumers/{name}/reset",
    "post /consumers/{name}/resume",
    "post /consumers/{name}/skip",
    "post /dead-letters/{consumer}/{offset}/discard",
    "post /dead-letters/{consumer}/{offset}/redrive",
    "post /events",
    "post /plugins/{name}/pin",
    "post /plugins/{name}/retry",
    "post /plugins/{name}/rollback",
    "post /plugins/{name}/unpin",
    "post /redrives",
    "put /plugin-files/{file}",
];

#[tokio::test]
async fn the_description_has_every_route_and_no_other() {
    with_api(
        |_| {},
        async |api| {
            let description = api.get("/openapi.json").await.json();
            let mut described = BTreeSet::new();
            for (path, item) in description["paths"].as_object().unwrap() {
                described.extend(item.as_object().unwrap().keys().map(|method| format!("{method} {path}")));
            }
            assert_eq!(described, ROUTES.map(str::to_owned).into());
            for route in ROUTES {
                let (method, path) = route.split_once(' ').unwrap();
                let path = path.replace(['{', '}'], "");
                let answer =
                    api.ask(request(&method.to_uppercase(), &path).body(Body::empty()).unwrap()).await;
                assert_ne!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{route}");
                assert!(!answer.text().contains("route-not-found"), "{route}");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn every_named_schema_is_described() {
    with_api(
        |_| {},
        async |api| {
            let text = api.get("/openapi.json").await.text().to_owned();
            let description: Value = serde_json::from_str(&text).unwrap();
            let schemas = description["components"]["schemas"].as_object().unwrap();
            for reference in text.split("\"#/components/schemas/").skip(1) {
                let name = reference.split('"').next().unwrap();
                assert!(schemas.contains_key(name), "{name} is referred to, but not described");
            }
            assert!(schemas.contains_key("ProblemDocument"));
        },
    )
    .await;
}

#[tokio::test]
async fn a_schema_that_takes_no_other_members_is_no_part_of_another() {
    with_api(
        |_| {},
        async |api| {
            let schemas = api.get("/openapi.json").await.json()["components"]["schemas"].clone();
            let start = &schemas["StartRedrive"];
            assert_eq!(
                (&start["additionalProperties"], &start["required"]),
                (&json!(false), &json!(["consumer"]))
            );
            assert!(start["properties"]["dry_run"].is_object() && start["properties"]["rate"].is_object());
            let view = &schemas["RedriveView"];
            assert_eq!(view["additionalProperties"], true);
            assert!(view["properties"]["remaining"].is_object() && view["properties"]["type"].is_object());
            // A list of them, too.
            assert_eq!(closed_parts(&schemas, &schemas), Vec::<String>::new());
        },
    )
    .await;
}

/// The names of schemas that take no other members than their own, and are a part of another.
fn closed_parts(value: &Value, schemas: &Value) -> Vec<String> {
    let references = value["allOf"].as_array().into_iter().flatten().filter_map(|part| part["$ref"].as_str());
    let names = references.filter_map(|reference| reference.rsplit('/').next());
    let closed = names.filter(|name| schemas[*name]["additionalProperties"] == false).map(str::to_owned);
    let members = value.as_object().into_iter().flat_map(|members| members.values());
    let within = members.chain(value.as_array().into_iter().flatten());
    closed.chain(within.flat_map(|value| closed_parts(value, schemas))).collect()
}

#[tokio::test]
async fn events_and_numbers_are_described_with_their_bounds() {
    with_api(
        |_| {},
        async |api| {
            let description = api.get("/openapi.json").await.json();
            let event = &description["components"]["schemas"]["CloudEvent"];
            assert_eq!(event["required"], json!(["specversion", "id", "source", "type"]));
            let post = &description["paths"]["/events"]["post"];
            let batch = &post["requestBody"]["content"]["application/cloudevents-batch+json"]["schema"];
            assert_eq!(batch["items"]["$ref"], "#/components/schemas/CloudEvent");
            let show = &description["paths"]["/events/{offset}"]["get"];
            assert_eq!(show["parameters"][0]["schema"]["maximum"], u64::MAX);
            for status in ["400", "401", "403", "404", "410", "500", "503"] {
                assert!(show["responses"][status].is_object(), "{status}");
            }
        },
    )
    .await;
}
