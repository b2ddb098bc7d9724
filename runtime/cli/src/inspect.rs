//! Loads one plugin as the runtime would, to check whether it can run. `build` and `check` use it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use camshaft::Refusal;
use camshaft_host::{Host, HostOptions, OperatorFile, Plugin, Report};
use tempfile::TempDir;

use super::{cache, compile, failure::Failure};
use crate::{sandbox::Ticker, text};

/// Reports what the file is and asks for, using the operator's file beside it if there is one, and why a
/// runtime would refuse it.
pub fn check(file: &Path) -> Result<Report, Failure> {
    // Compiled code is trusted when it is read back, so this folder is temporary and only this user can write
    // to it.
    let code = temporary()?;
    with_host(|host, operator| host.check(file, operator), operator_of(file).as_deref(), code.path())
}

/// Like [`check`], for a file that may still lack what only an operator can provide; returns that as a
/// refusal. The operator's file is beside `place`, the destination of the file. Compiled code is kept in
/// `code`, a folder for this plugin alone to which only this user writes: compiled code of other builds there
/// is deleted.
pub fn examine(file: &Path, place: &Path, code: &Path) -> Result<(Report, Option<Refusal>), Failure> {
    let examine = |host: &Host, operator: Option<&OperatorFile>| {
        let examined = host.examine(file, operator)?;
        sweep(host, &examined.0);
        Ok(examined)
    };
    with_host(examine, operator_of(place).as_deref(), code)
        .map(|(plugin, lacking)| (plugin.report(), lacking))
}

/// Removes the compiled code of all builds except that of `plugin`.
pub fn sweep(host: &Host, plugin: &Plugin) {
    if let Err(error) = host.sweep_code(&BTreeSet::from([plugin.digest().to_owned()])) {
        tracing::warn!(%error, "compiled code of earlier builds could not be removed");
    }
}

/// Like [`check`], but without compiling the file, and with `operator` as the operator's file.
pub fn survey(file: &Path, operator: Option<&Path>) -> Result<Report, Failure> {
    let code = temporary()?;
    with_host(|host, operator| host.survey(file, operator), operator, code.path())
}

/// The report for people. Text from the plugin's author is escaped, so it cannot start a line.
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

/// Host options for a command whose user waits for it: compile on all cores, and store compiled code in
/// `code`.
pub fn options(code: &Path) -> HostOptions {
    HostOptions {
        max_instances: 2,
        compiler: compile::own_program(),
        compile_on_all_cores: true,
        functions_dir: cache::folder(),
        ..HostOptions::new(code)
    }
}

/// A temporary folder for compiled code.
pub fn temporary() -> Result<TempDir, Failure> {
    tempfile::tempdir().map_err(|error| Failure::write("a temporary directory", &error))
}

fn with_host<T>(
    act: impl FnOnce(&Host, Option<&OperatorFile>) -> Result<T, Refusal>,
    operator: Option<&Path>,
    code: &Path,
) -> Result<T, Failure> {
    let host = Host::new(options(code))
        .map_err(|error| Failure::internal(format!("plugins cannot run on this machine: {error}")))?;
    // The ticker ends start code at its deadline.
    let _ticker = Ticker::start(&host);
    let operator = operator.map(OperatorFile::read).transpose()?;
    Ok(act(&host, operator.as_ref())?)
}
