//! Correlation ids: the examples that the runtime and the SDKs of all languages must match.

use camshaft_sdk::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Example {
    source: String,
    id: String,
    correlationid: String,
}

#[test]
fn correlation_ids_are_the_same_in_every_language() {
    let examples: Vec<Example> = serde_json::from_str(include_str!("../correlation.json")).unwrap();
    assert!(!examples.is_empty());
    for Example { source, id, correlationid } in examples {
        let mut event = Event::new("thing.happened", ());
        (event.source, event.id) = (source, id);
        assert_eq!(event.correlation_id(), correlationid, "{}", event.source);
        event.extensions.push(("correlationid".to_owned(), "c-1".to_owned()));
        assert_eq!(event.correlation_id(), "c-1", "a given one is kept");
    }
}
