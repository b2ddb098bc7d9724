//! Loads one plugin as the runtime would, to see whether it can be run. `build` and `check` use it.

use std::path::Path;

use camshaft_host::{Host, HostOptions, OperatorFile, Report};

use super::failure::Failure;
use crate::{Refusal, sandbox::Ticker};

/// What the file is and asks for, with the operator's file beside it if there is one; or why the runtime would refuse
/// it.
pub fn inspect(file: &Path) -> Result<Report, Failure> {
    let (report, lacking) = examine(file)?;
    lacking.map_or(Ok(report), |refusal| Err(refusal.into()))
}

/// The same of a file that may lack what only an operator can give, together with that.
pub fn examine(file: &Path) -> Result<(Report, Option<Refusal>), Failure> {
    // Compiled code is trusted when it is read back, so it lies where only this user can write, and not for long.
    let cache = tempfile::tempdir().map_err(|error| Failure::write("a temporary directory", &error))?;
    let options = HostOptions { max_instances: 1, ..HostOptions::new(cache.path()) };
    let host = Host::new(options)
        .map_err(|error| Failure::internal(format!("no plugin can be run here: {error}")))?;
    // Start code ends at its deadline.
    let _ticker = Ticker::start(&host);
    Ok(load(&host, file)?)
}

fn load(host: &Host, file: &Path) -> Result<(Report, Option<Refusal>), Refusal> {
    let operator = file.with_extension("toml");
    let operator = operator.exists().then(|| OperatorFile::read(&operator)).transpose()?;
    host.examine(file, operator.as_ref()).map(|(plugin, lacking)| (plugin.report(), lacking))
}
