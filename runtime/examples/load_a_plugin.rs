//! Load a plugin: a WebAssembly component that handles events in a sandbox, with the guarantees of a closure.
//!
//! Run it with `cargo run --package camshaft --example load_a_plugin`.

use std::error::Error;
use std::fs;
use std::time::Duration;

use camshaft::view::PluginStatus;
use camshaft::{Config, Event, LoadError, RefusalCode, Runtime};

/// A plugin of 2 kB from the tests of the runtime. It handles the type `thing.done` and stores the data of
/// the event under its subject. `camshaft build` creates such a file from your code.
const PLUGIN: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/host/tests/fuzz/__fuzz__/plugin/corpus/keeps-state.wasm");

/// Runs the example.
#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let config = Config {
        data: folder.path().join("data"),
        plugins: folder.path().join("plugins"),
        // Plugins are compiled in this process. Set a compiler program if you do not trust their authors.
        compiler: None,
        ..Config::default()
    };
    let runtime = Runtime::open(config).await?;

    // The runtime also loads each file that is put into `config.plugins`. A plugin that the program loads
    // itself stays loaded until the shutdown.
    let plugin = runtime.load_plugin(PLUGIN).await?;
    assert_eq!(plugin.status, PluginStatus::Active);
    println!("{} {} is active", plugin.name, plugin.version.unwrap_or_default());

    let thing = Event {
        id: "1".into(),
        source: "/factory".into(),
        event_type: "thing.done".into(),
        subject: Some("thing-7".into()),
        data: br#"{"weight":12}"#.to_vec(),
        ..Event::default()
    };
    runtime.publish(thing).await?;
    let value = loop {
        if let Some(value) = runtime.state_get(&plugin.name, b"thing-7").await? {
            break value;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(value, br#"{"weight":12}"#);
    println!("its state for thing-7: {}", String::from_utf8(value)?);

    // A file that breaks a rule is refused, with a code, a message and a hint.
    let file = folder.path().join("notes.wasm");
    fs::write(&file, "not a plugin")?;
    let Err(LoadError::Refused(refusal)) = runtime.load_plugin(&file).await else {
        return Err("the file was not refused".into());
    };
    assert_eq!(refusal.code, RefusalCode::NotWasm);
    println!("refused: {}. {}", refusal.message, refusal.hint);

    runtime.shutdown().await;
    Ok(())
}
