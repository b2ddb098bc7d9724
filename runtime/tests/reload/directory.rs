//! What operators, editors and copying tools do to files in the plugins directory.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use camshaft::Offset;
use camshaft_test_guests::{component, version};

use super::world::{NAME, World, digest};

/// Longer than a file may be missing until its plugin ends, and until the directory is looked at once more
/// before that.
const LONG_GONE: Duration = Duration::from_millis(3_500);

impl World {
    /// The types of the system events so far.
    async fn system_events(&self) -> Vec<String> {
        // What was sequenced before is durable, and so can be read, once this is.
        self.publish(1, u64::MAX - 1..u64::MAX).await;
        let events = self.runtime.read(Offset(0), 10_000).await.unwrap();
        let types = events.into_iter().map(|stored| stored.event.event_type.to_string());
        types.filter(|event_type| event_type.starts_with("camshaft.")).collect()
    }

    async fn until_version(&self, bytes: &[u8]) {
        let digest = digest(bytes);
        self.until_plugin(NAME, |plugin| plugin.digest.as_ref() == Some(&digest)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_write_is_waited_for_and_never_refused() {
    let world = World::new().await;
    world.activate(1, "good").await;
    let whole = version(2, "good");
    let loads = world.gate.loads();
    fs::write(world.path("reloads.wasm"), &whole[..whole.len() / 2]).unwrap();
    // It has been looked at more than once by then, and found to be no plugin.
    world.until(async || (world.gate.loads() >= loads + 2).then_some(())).await;
    world.publish(4, 0..8).await;
    fs::write(world.path("reloads.wasm"), &whole).unwrap();
    world.until_version(&whole).await;
    assert!(world.noted(8).await.values().flatten().all(|noted| noted.version == 1));
    assert_eq!(world.system_events().await, ["camshaft.plugin.activated"; 2], "nothing was refused");
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_swapped_is_another_version() {
    let world = World::new().await;
    let versions: Vec<Vec<u8>> = (1..=2).map(|number| version(number, "good")).collect();
    for (number, bytes) in versions.iter().enumerate() {
        fs::write(world.path(&format!("../{number}.wasm")), bytes).unwrap();
        symlink(format!("../{number}.wasm"), world.path(".next")).unwrap();
        fs::rename(world.path(".next"), world.path("reloads.wasm")).unwrap();
        world.until_version(bytes).await;
    }
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_nothing_announces_is_found_all_the_same() {
    let world = World::new().await;
    let target = world.path("../elsewhere/plugin.wasm");
    fs::create_dir(target.parent().unwrap()).unwrap();
    let (first, second) = (version(1, "good"), version(2, "good"));
    fs::write(&target, &first).unwrap();
    symlink("../elsewhere/plugin.wasm", world.path("reloads.wasm")).unwrap();
    world.until_version(&first).await;
    // Nothing happens in the directory itself.
    fs::write(&target, &second).unwrap();
    world.until_version(&second).await;
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_editors_and_copying_tools_leave_behind_is_not_looked_at() {
    let world = World::new().await;
    world.activate(1, "good").await;
    let other = version(2, "good");
    let names = [
        ".reloads.wasm.swp",
        ".#reloads.wasm",
        "#reloads.wasm#",
        "reloads.wasm~",
        "~reloads.wasm",
        "4913",
        "reloads.wasm.bak",
        "reloads.wasm.tmp",
        "reloads.wasm.part",
        ".reloads.wasm.Zx81qT",
        "reloads.toml~",
        ".reloads.toml.swp",
    ];
    let loads = world.gate.loads();
    for name in names {
        fs::write(world.path(name), &other).unwrap();
    }
    // An editor that keeps a backup: it moves the old file away and writes a new one in its place.
    fs::rename(world.path("reloads.wasm"), world.path("reloads.wasm~")).unwrap();
    let third = version(3, "good");
    fs::write(world.path("reloads.wasm"), &third).unwrap();
    world.until_version(&third).await;
    for name in names {
        fs::remove_file(world.path(name)).unwrap();
    }
    world.activate(4, "good").await;
    assert_eq!(world.gate.loads(), loads + 2, "only the file itself is loaded");
    assert_eq!(world.system_events().await, ["camshaft.plugin.activated"; 3]);
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_deleted_and_put_back_leaves_no_gap() {
    let world = World::new().await;
    world.activate(1, "good").await;
    world.publish(4, 0..20).await;
    fs::remove_file(world.path("reloads.wasm")).unwrap();
    world.publish(4, 20..40).await;
    fs::write(world.path("reloads.wasm"), version(2, "good")).unwrap();
    world.until_version(&version(2, "good")).await;
    world.publish(4, 40..60).await;
    for (key, noted) in world.noted(60).await {
        let first: u64 = key.parse().unwrap();
        let numbers: Vec<u64> = noted.iter().map(|noted| noted.number).collect();
        assert_eq!(numbers, (first..60).step_by(4).collect::<Vec<u64>>(), "key {key}");
    }
    assert_eq!(world.system_events().await, ["camshaft.plugin.activated"; 2], "it was never detached");
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_vanishes_stops_nothing_and_is_watched_again_when_it_is_back() {
    let world = World::new().await;
    world.activate(1, "good").await;
    let (plugins, away) = (world.path(""), world.path("../away"));
    fs::rename(&plugins, &away).unwrap();
    let gone = Instant::now();
    world.until(async || (gone.elapsed() > LONG_GONE).then_some(())).await;
    world.publish(4, 0..20).await;
    assert_eq!(world.noted(20).await.len(), 4);
    // Another one takes its place, as when something is mounted there.
    fs::create_dir(&plugins).unwrap();
    world.drop_in("reloads.wasm", &version(2, "good"));
    world.until_version(&version(2, "good")).await;
    world.activate(3, "good").await;
    assert_eq!(world.system_events().await, ["camshaft.plugin.activated"; 3]);
    world.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_files_at_once_all_come_to_run() {
    const FILES: usize = 500;
    let world = World::new().await;
    let code = fs::read(component("without-manifest")).unwrap();
    for number in 0..FILES {
        let manifest = format!(
            "manifest = 1\nname = \"many-{number}\"\nversion = \"1.0.0\"\n[policy]\npartitions = 1\n\
             [[subscriptions]]\nhandler = \"handle\"\ntypes = [\"test.event\"]\n"
        );
        fs::write(world.path(&format!("many-{number}.toml")), manifest).unwrap();
        fs::write(world.path(&format!("many-{number}.wasm")), &code).unwrap();
    }
    let count = async || {
        let plugins = world.runtime.plugins().await.unwrap();
        plugins.iter().filter(|plugin| plugin.activation.is_some()).count()
    };
    world.until(async || (count().await == FILES).then_some(())).await;
    world.publish(1, 0..1).await;
    world
        .until(async || {
            let consumers = world.runtime.consumers().await.unwrap();
            consumers.iter().all(|consumer| consumer.lag == 0).then_some(())
        })
        .await;
    fs::read_dir(world.path("")).unwrap().for_each(|file| fs::remove_file(file.unwrap().path()).unwrap());
    world.until(async || world.runtime.plugins().await.unwrap().is_empty().then_some(())).await;
    world.runtime.shutdown().await;
}
