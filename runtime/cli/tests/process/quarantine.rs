//! A file during whose loading the process ended twice is loaded again only at the request of an operator.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use camshaft_test_guests::{bombs, component};
use tempfile::tempdir;

use super::process::Runtime;

const PATIENCE: Duration = Duration::from_secs(120);

fn drop_in(folder: &Path, stem: &str, bytes: &[u8]) {
    fs::write(folder.join(".partial"), bytes).unwrap();
    fs::rename(folder.join(".partial"), folder.join(format!("plugins/{stem}.wasm"))).unwrap();
}

/// Starts a runtime, and kills it while it loads the bomb, whose start code never ends.
fn end_while_loading(folder: &Path, marks: u64) {
    let runtime = Runtime::start(folder, &[]);
    let deadline = Instant::now() + PATIENCE;
    let mark = || {
        let mut files = fs::read_dir(folder.join("data/loading")).ok()?;
        files.find_map(|file| file.unwrap().metadata().ok().map(|file| file.len()))
    };
    while mark() != Some(marks) {
        assert!(Instant::now() < deadline, "the load was never marked {marks} times");
        sleep(Duration::from_millis(1));
    }
    runtime.signal("KILL");
    runtime.wait();
}

#[test]
fn a_file_that_ended_the_process_twice_is_quarantined_until_it_is_retried_or_changes() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("plugins")).unwrap();
    fs::write(folder.join("camshaft.toml"), "[limits]\nmax_deadline = \"1 hour\"\n").unwrap();
    fs::write(folder.join("plugins/bomb.toml"), "[limits]\ndeadline = \"1h\"\n").unwrap();
    drop_in(folder, "bomb", &bombs::start_loops());
    end_while_loading(folder, 1);
    end_while_loading(folder, 2);

    let runtime = Runtime::start(folder, &[]);
    let refused = runtime.until(folder, "plugins bomb", |stdout| stdout.contains("plugin-quarantined"));
    refused.prints("the runtime ended 2 times while it loaded").prints("camshaft plugins retry bomb");
    // It does not block other plugins, and a refusal does not count.
    drop_in(folder, "counter", &fs::read(component("counter")).unwrap());
    runtime.until(folder, "plugins counter", |stdout| stdout.contains("active"));
    runtime.said(folder, "plugins retry counter").ends_with(3).says("[plugin-not-refused]");
    runtime.said(folder, "plugins retry nobody").ends_with(3).says("[plugin-not-found]");
    drop(runtime);

    // The operator's new deadline now ends the start code. This change alone does not lift the quarantine.
    fs::write(folder.join("plugins/bomb.toml"), "[limits]\ndeadline = \"100ms\"\n").unwrap();
    let runtime = Runtime::start(folder, &[]);
    runtime.until(folder, "plugins bomb", |stdout| stdout.contains("plugin-quarantined"));
    let said = runtime.said(folder, "plugins retry plugins/bomb.wasm").ends_with(0);
    said.says("bomb.wasm\" is being loaded again").says("camshaft plugins bomb");
    runtime.until(folder, "plugins bomb", |stdout| stdout.contains("instantiation-failed"));
    let marks = fs::read_dir(folder.join("data/loading")).unwrap().count();
    assert_eq!(marks, 0, "the load has finished");
    // A clean stop while a file is loaded does not count.
    let (ended, said) = runtime.stop();
    assert!(ended.success(), "{said}");
}
