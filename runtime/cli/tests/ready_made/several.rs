//! Several plugins with the same code, distinguished by their operator's files.

use serde_json::json;
use tempfile::tempdir;

use super::{drop_in, process::Runtime, publish, published};

fn operator(name: &str, publishes: &str, condition: &str) -> String {
    format!(
        "name = '{name}'\npublishes = ['{publishes}']\n[[subscriptions]]\nhandler = 'route'\ntypes = ['order.placed']\n\
         [config]\nroutes = '{publishes}: {condition}'\n"
    )
}

#[test]
fn two_files_of_the_same_code_run_as_two_plugins() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    drop_in(folder, "router", "large", &operator("large-orders", "order.large", ".data.total > 1000"));
    drop_in(folder, "router", "eager", &operator("eager-orders", "order.eager", ".data.express"));
    let runtime = Runtime::start(folder, &[]);
    publish(
        &runtime,
        folder,
        &[
            json!({ "id": "1", "type": "order.placed", "data": { "total": 2000, "express": true } }),
            json!({ "id": "2", "type": "order.placed", "data": { "total": 20, "express": true } }),
            json!({ "id": "3", "type": "order.placed", "data": { "total": 3000 } }),
        ],
    );
    for (event_type, source, causes) in [
        ("order.large", "/plugins/large-orders", ["1", "3"]),
        ("order.eager", "/plugins/eager-orders", ["1", "2"]),
    ] {
        let events = published(&runtime, folder, event_type, 2);
        let sources: Vec<_> = events.iter().map(|event| event["source"].as_str().unwrap()).collect();
        assert_eq!(sources, [source; 2]);
        let mut found: Vec<_> = events.iter().map(|event| event["causationid"].as_str().unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found, causes, "{event_type}");
    }
    runtime.said(folder, "plugins large-orders").ends_with(0).prints("large.wasm");
    assert!(runtime.stop().0.success());
}
