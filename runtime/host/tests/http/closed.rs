//! A plugin sends no request while it starts, or while it is examined without the grant.

use std::thread;

use camshaft_event::{Answer, Event};
use camshaft_host::{Host, HostOptions, OperatorFile, RefusalCode};
use camshaft_test_guests::{bombs, component};

use super::{
    OK, Receiver, failure, handle, operator,
    support::{self, Attempt},
};

/// A host that tries plugins out inside a tokio runtime, as the runtime's loaders do, with a file of its own.
fn starting(folder: &tempfile::TempDir, plugin: &[u8]) -> (Host, std::path::PathBuf) {
    let host = Host::new(HostOptions::new(folder.path().join("cache"))).unwrap();
    let file = folder.path().join("bomb.wasm");
    std::fs::write(&file, plugin).unwrap();
    std::fs::write(folder.path().join("token.txt"), "t0ps3cret").unwrap();
    (host, file)
}

fn granting(file: &std::path::Path, port: u16) -> OperatorFile {
    let text = operator(port, "secrets = ['token']", "[secrets]\ntoken = { file = 'token.txt' }");
    OperatorFile::parse(&file.with_extension("toml"), &text).unwrap()
}

#[test]
fn start_code_sends_nothing_while_a_plugin_is_looked_at_granted_or_not() {
    let waits = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _within = waits.enter();
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::answering(OK));
    let (host, file) = starting(&folder, &bombs::start_sends(&format!("127.0.0.1:{}", receiver.port)));
    let operator = granting(&file, receiver.port);
    let refusals = [
        host.load(&file, Some(&operator)).err().unwrap(),
        host.examine(&file, Some(&operator)).err().unwrap(),
        host.examine(&file, None).err().unwrap(),
        host.check(&file, Some(&operator)).unwrap().refusal.unwrap(),
    ];
    for refusal in refusals {
        assert_eq!(refusal.code, RefusalCode::InstantiationFailed, "{refusal}");
        assert!(refusal.message.contains("which leads outside and is closed"), "{refusal}");
    }
    assert_eq!(host.load(&file, None).err().unwrap().code, RefusalCode::CapabilityNotGranted);
    thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(receiver.seen(), Vec::<String>::new());
}

#[test]
fn start_code_of_a_running_plugin_sends_nothing_either() {
    let waits = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _within = waits.enter();
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::answering(OK));
    let (host, file) = starting(&folder, &bombs::start_sends_later(&format!("127.0.0.1:{}", receiver.port)));
    let plugin = host.load(&file, Some(&granting(&file, receiver.port))).unwrap();
    let prepared = plugin.prepare::<Attempt>().unwrap();
    let mut instance = waits.block_on(prepared.instantiate_async()).unwrap();
    let event = Event { event_type: "test.event".into(), ..support::event() };
    let (answer, attempt) = waits.block_on(instance.call_async(&event, Attempt::default()));
    assert_eq!((answer, attempt.lines), (Answer::Done, Vec::new()), "its event is handled as any other");
    thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(receiver.seen(), Vec::<String>::new());
}

#[test]
fn start_code_that_waits_harms_nobody_granted_or_not() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::answering(OK));
    let (host, file) = starting(&folder, &bombs::start_waits());
    // Outside a tokio runtime, where waiting for real would panic.
    assert_eq!(host.load(&file, None).err().unwrap().code, RefusalCode::CapabilityNotGranted);
    let (_, lacking) = host.examine(&file, None).unwrap();
    assert_eq!(lacking.unwrap().code, RefusalCode::CapabilityNotGranted);
    let plugin = host.load(&file, Some(&granting(&file, receiver.port))).unwrap();
    assert!(plugin.has_way_out());
}

#[test]
fn what_was_not_granted_is_closed_to_a_plugin_that_is_only_examined() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::new(HostOptions::new(folder.path().join("cache"))).unwrap();
    let file = component("fetches");
    let operator = OperatorFile::parse(&file.with_extension("toml"), "[config]\nurl = 'http://127.0.0.1:9/'");
    let (plugin, lacking) = host.examine(file, Some(&operator.unwrap())).unwrap();
    assert_eq!(lacking.unwrap().code, RefusalCode::CapabilityNotGranted);
    let (answer, _) = handle(&plugin);
    assert!(matches!(answer, Answer::Failed { .. }), "{answer:?}");
    assert!(failure(&answer).contains("which leads outside and is closed"), "{answer:?}");
}
