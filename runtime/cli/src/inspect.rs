//! Loads one plugin as the runtime would, to see whether it can be run. `build` and `check` use it.

use std::path::Path;

use camshaft::Refusal;
use camshaft_host::{Host, HostOptions, OperatorFile, Report};

use super::{cache, compile, failure::Failure};
use crate::{sandbox::Ticker, text};

/// What the file is and asks for, with the operator's file beside it if there is one; and why a runtime would refuse it,
/// if it would.
pub fn check(file: &Path) -> Result<Report, Failure> {
    with_host(|host, operator| host.check(file, operator), file)
}

/// The same of a file that may lack what only an operator can give, together with that. Its operator's file lies beside
/// `place`, where the file goes.
pub fn examine(file: &Path, place: &Path) -> Result<(Report, Option<Refusal>), Failure> {
    let examine = |host: &Host, operator: Option<&OperatorFile>| host.examine(file, operator);
    with_host(examine, place).map(|(plugin, lacking)| (plugin.report(), lacking))
}

/// The same of what can be said without compiling it, with `operator` as the operator's file.
pub fn survey(file: &Path, operator: Option<&Path>) -> Result<Report, Failure> {
    let survey = |host: &Host, operator: Option<&OperatorFile>| host.survey(file, operator);
    with_host_and(survey, operator)
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

fn with_host<T>(
    act: impl FnOnce(&Host, Option<&OperatorFile>) -> Result<T, Refusal>,
    file: &Path,
) -> Result<T, Failure> {
    let operator = file.with_extension("toml");
    with_host_and(act, operator.exists().then_some(operator.as_path()))
}

fn with_host_and<T>(
    act: impl FnOnce(&Host, Option<&OperatorFile>) -> Result<T, Refusal>,
    operator: Option<&Path>,
) -> Result<T, Failure> {
    // Compiled code is trusted when it is read back, so it lies where only this user can write, and not for long.
    let code = tempfile::tempdir().map_err(|error| Failure::write("a temporary directory", &error))?;
    let options = HostOptions {
        max_instances: 1,
        compiler: compile::own_program(),
        compile_on_all_cores: true,
        functions_dir: cache::folder(),
        ..HostOptions::new(code.path())
    };
    let host = Host::new(options)
        .map_err(|error| Failure::internal(format!("no plugin can be run here: {error}")))?;
    // Start code ends at its deadline.
    let _ticker = Ticker::start(&host);
    let operator = operator.map(OperatorFile::read).transpose()?;
    Ok(act(&host, operator.as_ref())?)
}
