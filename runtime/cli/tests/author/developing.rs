//! `camshaft dev`: builds and activates each edit, and shows its effects. Reports a mistake, and recovers
//! from it.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use tempfile::tempdir;

use crate::{
    process::{camshaft, write},
    said,
};

/// How long a build may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(550);

const SAMPLE: &str = r#"{"specversion":"1.0","id":"s","source":"/test","type":"thing.seen","subject":"k"}"#;

/// A process and all of its output so far.
struct Dev {
    process: Child,
    said: Arc<(Mutex<String>, Condvar)>,
}

impl Dev {
    fn start(folder: &Path) -> Self {
        let mut command = camshaft(folder);
        // The target folder of this build, in which the dependencies of guests are already compiled.
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        command.args(["dev", "--events", "samples.ndjson"]).env("CARGO_TARGET_DIR", target);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new((Mutex::new(String::new()), Condvar::new()));
        listen(process.stdout.take().unwrap(), &said);
        listen(process.stderr.take().unwrap(), &said);
        Self { process, said }
    }

    /// Waits until the output contains `text`.
    #[track_caller]
    fn says(&self, text: &str) {
        let (said, more) = &*self.said;
        let said = said.lock().unwrap();
        let waited = more.wait_timeout_while(said, PATIENCE, |said| !said.contains(text)).unwrap();
        assert!(!waited.1.timed_out(), "\"{text}\" was never said:\n{}", *waited.0);
    }

    fn all(&self) -> String {
        self.said.0.lock().unwrap().clone()
    }

    /// Stops the process. Returns whether it exited successfully.
    fn stop(mut self) -> bool {
        let sent = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self.process.wait().unwrap().success()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // Do not leave a process behind after a failed test. It may have ended already.
        let _: std::io::Result<()> = self.process.kill();
        let _: std::io::Result<_> = self.process.wait();
    }
}

fn listen(stream: impl Read + Send + 'static, said: &Arc<(Mutex<String>, Condvar)>) {
    let said = Arc::clone(said);
    thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { return };
            *said.0.lock().unwrap() += &(line + "\n");
            said.1.notify_all();
        }
    });
}

fn handler(body: &str) -> String {
    format!(
        "use camshaft_sdk::prelude::*;\n\n\
         #[handler(\"thing.seen\", publishes(\"thing.counted\"))]\n\
         fn count(_: Event<Bytes>, ctx: &mut Context) -> Result {{\n    {body}\n}}\n"
    )
}

#[test]
fn an_edit_is_built_and_its_effects_are_seen() {
    let folder = tempdir().unwrap();
    said(folder.path(), "new tinkered").ends_with(0);
    let plugin = folder.path().join("tinkered");
    let edit = |body: &str| fs::write(plugin.join("src/lib.rs"), handler(body)).unwrap();
    edit("ctx.info(\"looking\");\n    ctx.publish(\"thing.counted\", &1)");
    write(&plugin, "samples.ndjson", SAMPLE);
    let dev = Dev::start(&plugin);
    dev.says("listening on http://");
    dev.says("published  thing.counted [k] 1\n");
    dev.says("looking");
    assert!(!dev.all().contains("edit to effect"), "nothing was edited yet");

    edit("ctx.state().set(\"seen\", &2)?;\n    ctx.publish(\"thing.counted\", &2)");
    dev.says("published  thing.counted [k] 2\n");
    dev.says("state      seen = 2\n");
    dev.says("edit to effect: ");

    edit("ctx.publish(\"thing.counted\", &3");
    dev.says("does not compile [build-failed]");
    edit("Err(Error::reject(\"of no use\"))");
    dev.says("reject: of no use\n");
    dev.says("`camshaft debug tinkered:");
    assert!(dev.all().contains(" --url http://127.0.0.1:"), "another runtime would be asked: {}", dev.all());

    // The next round does not wait behind the failed event.
    edit("ctx.publish(\"thing.counted\", &4)");
    dev.says("published  thing.counted [k] 4\n");
    assert!(dev.stop());
}
