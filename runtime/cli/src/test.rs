//! `camshaft test`: runs a plugin's fixtures against its component.

mod case;
mod compare;
mod fixture;
mod report;
mod requests;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use camshaft_host::OperatorFile;
use camshaft_wire::ErrorCode;
use clap::Args;
use serde::Serialize;

use super::{build, failure::Failure, inspect, output, terminal};
use crate::sandbox::Sandbox;
use case::Verdict;
use fixture::Fixture;

#[derive(Debug, Args)]
#[command(after_help = "\
A file in tests/ contains cases such as this one:

    [[case]]
    name = \"the last pen is reserved\"
    given.state = { pen = 1 }
    given.config = { low_stock = \"5\" }
    given.events = [{ type = \"article.added\", data = { sku = \"ink\" } }]
    when = { type = \"order.placed\", data = { sku = \"pen\", quantity = 1 } }
    then.outcome = \"ok\"
    then.published = [{ type = \"stock.reserved\", data = { sku = \"pen\" } }]
    then.state = { pen = 0, \"..\" = true }

Each case needs a `then`. Results that it does not name are not checked, except that the
outcome is \"ok\" by default. `..` allows further entries in a table or a list. The SDK's
documentation describes fixtures in full, under `testing`. Exits with 3 if a case fails,
or if there are no cases.")]
pub struct Arguments {
    /// Folder of the plugin, or a .wasm file
    #[arg(value_name = "DIR|FILE", default_value = ".", hide_default_value = true)]
    plugin: PathBuf,

    /// Folder of the fixtures [default: tests in DIR]
    #[arg(long, value_name = "DIR")]
    fixtures: Option<PathBuf>,

    /// Operator's file for the plugin [default: the one beside FILE, if it exists]
    #[arg(long, value_name = "FILE")]
    operator: Option<PathBuf>,

    /// Run only cases whose name contains this text
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,

    #[command(flatten)]
    form: build::Form,
}

/// The results of all cases.
#[derive(Debug, Serialize)]
struct Tested {
    plugin: String,
    version: String,
    digest: String,
    cases: Vec<TestedCase>,
    passed: usize,
    failed: usize,
    left_out: usize,
    /// Likely mistakes that no case detects.
    warnings: BTreeSet<String>,
}

#[derive(Debug, Serialize)]
struct TestedCase {
    file: String,
    #[serde(flatten)]
    verdict: Verdict,
}

pub fn test(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let (folder, fixtures) = (arguments.fixtures(), arguments.read_fixtures()?);
    arguments.check_cases(&fixtures, &folder)?;
    let (file, code, _made) = arguments.component()?;
    let operator = arguments.operator_file(&file)?;
    let mut sandbox = Sandbox::load(&file, operator.as_ref(), &code)?;
    let tested = run(&mut sandbox, &fixtures, arguments.name.as_deref())?;
    if json {
        output::json(&tested)?;
    } else if !tested.cases.is_empty() {
        output::print(&report::text(&tested))?;
    }
    match tested.failed {
        0 => Ok(()),
        failed => {
            let message = format!("{failed} of {} cases failed", tested.cases.len());
            Err(Failure::new(ErrorCode::TestsFailed, message))
        }
    }
}

fn run(
    sandbox: &mut Sandbox,
    fixtures: &[(PathBuf, Fixture)],
    name: Option<&str>,
) -> Result<Tested, Failure> {
    let manifest = sandbox.plugin().manifest();
    let mut tested = Tested {
        plugin: manifest.name.clone(),
        version: manifest.version.clone(),
        digest: sandbox.plugin().digest().to_owned(),
        cases: Vec::new(),
        passed: 0,
        failed: 0,
        left_out: 0,
        warnings: BTreeSet::new(),
    };
    let count = fixtures.iter().map(|(_, fixture)| fixture.cases.len()).sum::<usize>();
    let progress = terminal::progress(u64::try_from(count).unwrap_or(u64::MAX), "cases");
    for (file, fixture) in fixtures {
        for case in &fixture.cases {
            progress.inc(1);
            if name.is_some_and(|name| !case.name.contains(name)) {
                tested.left_out += 1;
                continue;
            }
            let file = file.display().to_string();
            let verdict = case::run(sandbox, case).map_err(|problem| {
                let message = format!("\"{file}\", case \"{}\": {problem}", case.name);
                Failure::new(ErrorCode::InvalidFixture, message)
            })?;
            let counted = if verdict.passed { &mut tested.passed } else { &mut tested.failed };
            *counted += 1;
            tested.warnings.extend(verdict.keyless.as_deref().map(without_key));
            tested.cases.push(TestedCase { file, verdict });
        }
    }
    progress.finish_and_clear();
    Ok(tested)
}

/// The warning about events without a key. The manifest cannot show this, because the key is in the events.
fn without_key(event_type: &str) -> String {
    format!(
        "\"{event_type}\" has neither subject nor partitionkey, and its handler writes state: such events \
         are handled in no particular order, and no event waits behind one that fails; add a key, or set \
         `after_dead_letter = \"continue\"`"
    )
}

impl Arguments {
    fn is_file(&self) -> bool {
        self.plugin.extension().is_some_and(|extension| extension == "wasm")
    }

    fn fixtures(&self) -> PathBuf {
        let is_here = self.is_file() || self.plugin == Path::new(".");
        let beside = || if is_here { "tests".into() } else { self.plugin.join("tests") };
        self.fixtures.clone().unwrap_or_else(beside)
    }

    /// Reads the fixtures, sorted by file name. This happens before the build, which takes longer.
    fn read_fixtures(&self) -> Result<Vec<(PathBuf, Fixture)>, Failure> {
        let folder = self.fixtures();
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.fixtures.is_none() => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(Failure::read(folder.display(), &error)),
        };
        let files = entries.map(|entry| entry.map(|entry| entry.path()));
        let files =
            files.collect::<Result<Vec<_>, _>>().map_err(|error| Failure::read(folder.display(), &error))?;
        let is_toml = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "toml");
        let mut files: Vec<PathBuf> = files.into_iter().filter(is_toml).collect();
        files.sort();
        let read = |file: PathBuf| {
            let text = fs::read_to_string(&file).map_err(|error| Failure::read(file.display(), &error))?;
            let fixture = Fixture::parse(&file, &text)?;
            fixture.check(&file)?;
            Ok((file, fixture))
        };
        files.into_iter().map(read).collect()
    }

    /// Fails if no case would run: such a run has not passed.
    fn check_cases(&self, fixtures: &[(PathBuf, Fixture)], folder: &Path) -> Result<(), Failure> {
        let mut names =
            fixtures.iter().flat_map(|(_, fixture)| &fixture.cases).map(|case| &case.name).peekable();
        if names.peek().is_none() {
            let message = format!("there are no cases in \"{}\"", folder.display());
            return Err(Failure::new(ErrorCode::TestsFailed, message)
                .hint("Add cases in .toml files there; `camshaft test --help` shows an example."));
        }
        match &self.name {
            Some(name) if !names.any(|case| case.contains(name)) => {
                let message =
                    format!("no case in \"{}\" has a name that contains \"{name}\"", folder.display());
                Err(Failure::new(ErrorCode::TestsFailed, message)
                    .hint("Remove `--name` to run all cases, or correct it."))
            }
            _ => Ok(()),
        }
    }

    /// The component, the folder for its compiled code, and a guard that deletes that folder if it is
    /// temporary.
    fn component(&self) -> Result<(PathBuf, PathBuf, Option<tempfile::TempDir>), Failure> {
        if self.is_file() {
            let code = inspect::temporary()?;
            return Ok((self.plugin.clone(), code.path().to_owned(), Some(code)));
        }
        let component = build::Project::in_folder(&self.plugin, self.form).component()?;
        let code = build::code_folder(&component);
        Ok((component.path, code, None))
    }

    fn operator_file(&self, component: &Path) -> Result<Option<OperatorFile>, Failure> {
        let file = match &self.operator {
            Some(file) => Some(file.clone()),
            None if self.is_file() => Some(component.with_extension("toml")).filter(|file| file.exists()),
            None => None,
        };
        Ok(file.map(|file| OperatorFile::read(&file)).transpose()?)
    }
}
