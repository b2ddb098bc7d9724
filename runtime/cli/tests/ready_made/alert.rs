//! An alert starts with an event and ends after silence, by a timer of the runtime.

use serde_json::json;
use tempfile::tempdir;

use super::{drop_in, process::Runtime, publish, published};

const OPERATOR: &str = "
name = 'failures'
publishes = ['login.attacked', 'login.calm', 'threshold-alert.due']
[[subscriptions]]
handler = 'watch'
types = ['login.failed']
[[subscriptions]]
handler = 'watch'
types = ['threshold-alert.due']
filter = { exact = { source = '/plugins/failures' } }
[config]
window = '1s'
above = '2'
publish = 'login.attacked'
publish_cleared = 'login.calm'
";

#[test]
fn silence_ends_an_alert_in_a_running_runtime() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    drop_in(folder, "threshold-alert", "failures", OPERATOR);
    let runtime = Runtime::start(folder, &[]);
    // All events have the same time, however slow the machine is.
    let failed = |id: &str| json!({ "id": id, "type": "login.failed", "subject": "u-1", "time": "2020-01-31T12:00:00Z" });
    publish(&runtime, folder, &["1", "2", "3", "4"].map(failed));
    let calm = published(&runtime, folder, "login.calm", 1);
    let attacked = published(&runtime, folder, "login.attacked", 1);
    assert_eq!((calm.len(), attacked.len()), (1, 1));
    assert_eq!((&attacked[0]["data"]["value"], &attacked[0]["subject"]), (&json!(3), &json!("u-1")));
    assert_eq!(calm[0]["data"]["value"], json!(0));
    runtime.until(folder, "state list failures --json", |stdout| !stdout.contains("group/"));
    assert!(runtime.stop().0.success());
}
