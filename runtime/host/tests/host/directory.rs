//! The plugins directory on a real disk, with real plugins and real notifications.

use std::{fs, sync::mpsc, time::Duration};

use camshaft_event::Timestamp;
use camshaft_host::{
    OperatorFile, Plugin,
    directory::{Candidate, Change, Directory, Listing, Watcher},
};

use crate::support::{Bench, handler};

fn now() -> Timestamp {
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp(u64::try_from(elapsed.as_millis()).unwrap())
}

/// What a look at the disk comes to, with everything loaded.
fn scan(bench: &Bench, directory: &mut Directory<Plugin>, now: Timestamp) -> Vec<Change<Plugin>> {
    let listing = Listing::read(directory.path());
    let mut changes = directory.scan(listing.as_ref().ok(), now);
    for load in directory.loads(now) {
        let operator = load.operator.as_deref().map(OperatorFile::read).transpose().unwrap();
        let loaded = bench.host.load(&load.file, operator.as_ref()).map(|plugin| {
            let (manifest, digest) = (plugin.manifest().clone(), plugin.digest().to_owned());
            Candidate { manifest, digest, plugin }
        });
        changes.extend(directory.loaded(load.ticket, loaded, now));
    }
    changes
}

/// A moment at which everything on the disk has settled.
fn later() -> Timestamp {
    now().plus_ms(60_000)
}

#[test]
fn files_on_disk_become_plugins_and_everything_else_is_left_alone() {
    let bench = Bench::new();
    let plugins = bench.folder.path().join("plugins");
    fs::create_dir_all(plugins.join("nested.wasm")).unwrap();
    for name in
        [".hidden.wasm", "#probe.wasm#", "probe.wasm~", "probe.wasm.part", "probe.cwasm", "lonely.toml"]
    {
        fs::write(plugins.join(name), "junk").unwrap();
    }
    fs::write(plugins.join("probe.wasm"), handler("", "")).unwrap();
    let mut directory = Directory::new(&plugins);
    let changes = scan(&bench, &mut directory, later());
    assert!(
        matches!(changes.as_slice(), [Change::Added { plugin, .. }] if plugin.manifest().name == "probe"),
        "one plugin is added"
    );

    fs::write(plugins.join("probe.toml"), "[limits]\ndeadline = \"2s\"").unwrap();
    let changes = scan(&bench, &mut directory, later().plus_ms(60_000));
    assert!(
        matches!(changes.as_slice(), [Change::Overlooked(lonely), Change::ConfigChanged { plugin, .. }]
            if lonely.file.ends_with("lonely.toml") && plugin.manifest().limits.deadline_ms == 2_000),
        "the operator's file is read, and the other one is told of"
    );
}

#[test]
fn a_missing_directory_is_reported_once() {
    let bench = Bench::new();
    let mut directory = Directory::new(bench.folder.path().join("nowhere"));
    assert!(matches!(scan(&bench, &mut directory, now()).as_slice(), [Change::DirectoryMissing]));
    assert!(scan(&bench, &mut directory, now()).is_empty());
}

#[test]
fn writing_into_the_directory_wakes_the_watcher_and_reading_does_not() {
    let bench = Bench::new();
    let plugins = bench.folder.path().join("watched");
    fs::create_dir(&plugins).unwrap();
    let (wake, woken) = mpsc::channel();
    let watcher = Watcher::new(&plugins, move || wake.send(()).unwrap_or_default()).unwrap();
    fs::write(plugins.join("probe.wasm"), "x").unwrap();
    woken.recv_timeout(Duration::from_secs(10)).unwrap();
    // The scan reads after each wake-up; if that woke it again it would never rest.
    fs::read(plugins.join("probe.wasm")).unwrap();
    fs::read_dir(&plugins).unwrap().count();
    drop(watcher);
    let wakes = woken.iter().count();
    assert!(wakes <= 3, "{wakes} wake-ups beyond the first for one written file");
}
