//! Loads one plugin as the runtime would, to see whether it can be run. `build` and `check` use it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use camshaft::Refusal;
use camshaft_host::{Host, HostOptions, OperatorFile, Plugin, Report};
use tempfile::TempDir;

use super::{cache, compile, failure::Failure};
use crate::{sandbox::Ticker, text};

/// What the file is and asks for, with the operator's file beside it if there is one; and why a runtime would refuse it,
/// if it would.
pub fn check(file: &Path) -> Result<Report, Failure> {
    // Compiled code is trusted when it is read back, so it lies where only this user can write, and not for long.
    let code = temporary()?;
    with_host(|host, operator| host.check(file, operator), operator_of(file).as_deref(), code.path())
}

/// The same of a file that may lack what only an operator can give, together with that. Its operator's file lies beside
/// `place`, where the file goes. Compiled code is kept in `code`, which must be a folder for this plugin alone that only
/// this user writes to: that of other builds goes.
pub fn examine(file: &Path, place: &Path, code: &Path) -> Result<(Report, Option<Refusal>), Failure> {
    let examine = |host: &Host, operator: Option<&OperatorFile>| {
        let examined = host.examine(file, operator)?;
        sweep(host, &examined.0);
        Ok(examined)
    };
    with_host(examine, operator_of(place).as_deref(), code)
        .map(|(plugin, lacking)| (plugin.report(), lacking))
}

/// Removes the compiled code of all builds but that of `plugin`.
pub fn sweep(host: &Host, plugin: &Plugin) {
    if let Err(error) = host.sweep_code(&BTreeSet::from([plugin.digest().to_owned()])) {
        tracing::warn!(%error, "compiled code of earlier builds could not be removed");
    }
}

/// The same of what can be said without compiling it, with `operator` as the operator's file.
pub fn survey(file: &Path, operator: Option<&Path>) -> Result<Report, Failure> {
    let code = temporary()?;
    with_host(|host, operator| host.survey(file, operator), operator, code.path())
}

/// The report for people. What the plugin's author wrote begins no line of it.
pub fn shown(report: &Report) -> String {
    let mut report = report.clone();
    let subscriptions = report.subscriptions.iter_mut().map(|subscription| &mut subscription.handler);
    let written =
        report.description.iter_mut().chain(&mut report.refused_imports).chain(&mut report.warnings);
    for text in written.chain(subscriptions) {
        *text = text::line(text).into_owned();
    }
    report.to_string()
}

fn operator_of(file: &Path) -> Option<PathBuf> {
    Some(file.with_extension("toml")).filter(|operator| operator.exists())
}

/// How a command hosts the plugin of its author, who waits for it: compiled on all cores, with `code` as the folder of its
/// compiled code.
pub fn options(code: &Path) -> HostOptions {
    HostOptions {
        max_instances: 2,
        compiler: compile::own_program(),
        compile_on_all_cores: true,
        functions_dir: cache::folder(),
        ..HostOptions::new(code)
    }
}

/// A folder for compiled code that is not kept.
pub fn temporary() -> Result<TempDir, Failure> {
    tempfile::tempdir().map_err(|error| Failure::write("a temporary directory", &error))
}

fn with_host<T>(
    act: impl FnOnce(&Host, Option<&OperatorFile>) -> Result<T, Refusal>,
    operator: Option<&Path>,
    code: &Path,
) -> Result<T, Failure> {
    let host = Host::new(options(code))
        .map_err(|error| Failure::internal(format!("no plugin can be run here: {error}")))?;
    // Start code ends at its deadline.
    let _ticker = Ticker::start(&host);
    let operator = operator.map(OperatorFile::read).transpose()?;
    Ok(act(&host, operator.as_ref())?)
}
