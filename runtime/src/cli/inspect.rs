//! Loads one plugin as the runtime would, to see whether it can be run. `build` and `check` use it.

use std::{
    path::Path,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use camshaft_host::{Host, HostOptions, OperatorFile, Report, TICK_MS};

use super::failure::Failure;
use crate::Refusal;

/// What the file is and asks for, with the operator's file beside it if there is one.
pub fn inspect(file: &Path) -> Result<Report, Failure> {
    // Compiled code is trusted when it is read back, so it lies where only this user can write, and not for long.
    let cache = tempfile::tempdir().map_err(|error| Failure::write("a temporary directory", &error))?;
    let options = HostOptions { max_instances: 1, ..HostOptions::new(cache.path()) };
    let host = Host::new(options)
        .map_err(|error| Failure::internal(format!("no plugin can be run here: {error}")))?;
    Ok(ticking(&host, || load(&host, file))?)
}

fn load(host: &Host, file: &Path) -> Result<Report, Refusal> {
    let operator = file.with_extension("toml");
    let operator = operator.exists().then(|| OperatorFile::read(&operator)).transpose()?;
    host.load(file, operator.as_ref()).map(|plugin| plugin.report())
}

/// Does `act` while the host's clock runs, so that start code ends at its deadline.
fn ticking<T>(host: &Host, act: impl FnOnce() -> T) -> T {
    thread::scope(|scope| {
        let (acting, end) = mpsc::channel::<()>();
        scope.spawn(move || {
            while end.recv_timeout(Duration::from_millis(TICK_MS)) == Err(RecvTimeoutError::Timeout) {
                host.tick();
            }
        });
        let done = act();
        drop(acting);
        done
    })
}
