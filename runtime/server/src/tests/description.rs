//! The OpenAPI description against the routes.

use std::collections::BTreeSet;

use super::*;

/// Every route that the interface has; a new one is added here on purpose.
const ROUTES: [&str; 36] = [
    "delete /consumers/{name}",
    "delete /redrives/{id}",
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
    "get /state/{plugin}",
    "get /state/{plugin}/{key}",
    "options /events",
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
