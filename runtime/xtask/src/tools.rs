//! Tools that the chores install into the target folder, at the versions that files beside them pin.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;

/// The folder `javascript` of `tools` with the npm packages that `package-lock.json` in `sources` pins, and
/// the files `programs` of `sources` beside them.
///
/// # Errors
/// If npm fails, or a file cannot be copied.
pub(crate) fn modules(tools: &Path, sources: &Path, programs: &[&str]) -> Result<PathBuf> {
    let pins = [&["package.json", "package-lock.json"], programs].concat();
    installed(tools, sources, "javascript", &pins, |draft| {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]).current_dir(draft);
        command::run(npm)
    })
}

/// A folder of `tools` that holds the files `pins` of `sources`, and what `install` puts beside them. It is
/// filled beside its place and renamed, so that what was cut off is never taken for whole.
pub(crate) fn installed(
    tools: &Path,
    sources: &Path,
    name: &str,
    pins: &[&str],
    install: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let (place, draft) = (tools.join(name), tools.join(format!("{name}.partial")));
    let is_same = |pin: &&str| {
        let wanted = fs::read(sources.join(pin));
        wanted.is_ok_and(|wanted| fs::read(place.join(pin)).is_ok_and(|found| found == wanted))
    };
    if pins.iter().all(is_same) {
        return Ok(place);
    }
    for old in [&place, &draft] {
        if old.exists() {
            fs::remove_dir_all(old)?;
        }
    }
    fs::create_dir_all(&draft)?;
    for pin in pins {
        fs::copy(sources.join(pin), draft.join(pin)).with_context(|| format!("`{pin}` cannot be copied"))?;
    }
    install(&draft)?;
    fs::rename(&draft, &place).with_context(|| format!("could not make '{}'", place.display()))?;
    Ok(place)
}
