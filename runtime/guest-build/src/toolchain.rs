//! Finds a Rust toolchain on this machine that can compile guests.
//!
//! Guests need the standard library of `wasm32-unknown-unknown`, precompiled or as source. Nothing here
//! compiles guests; see `compile.rs`.

use std::{
    env, fmt,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use thiserror::Error;

use crate::TARGET;

/// Time limit of `rustup target add`: enough for a slow connection, but finite if there is none.
const RUSTUP_LIMIT: Duration = Duration::from_secs(90);

/// The compiler of the active toolchain, found on the search path.
const ACTIVE_RUSTC: &str = "rustc";

/// Paths of compilers that distributions install, without rustup.
const DISTRIBUTION_RUSTC: [&str; 2] = ["/usr/bin/rustc", "/usr/local/bin/rustc"];

/// A compiler with everything that guests need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolchain {
    /// The compiler; none for that of the active toolchain.
    pub(crate) rustc: Option<PathBuf>,
    /// The linker, if the standard library must be compiled first.
    pub(crate) build_std: Option<Linker>,
}

/// A WebAssembly linker for a compiler without its own linker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Linker(pub PathBuf);

/// A way to get a toolchain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The active toolchain has the target.
    Active,
    /// `rustup target add` installs the target, which may take up to 90 seconds.
    Rustup,
    /// The active compiler, or one of a distribution, has the source of the standard library. It is compiled
    /// once per target folder, in a minute or two. A distribution's compiler may also have the target itself.
    Source,
}

/// No toolchain was found.
#[derive(Debug, Error)]
#[error(
    "no installed Rust toolchain can compile to {TARGET}:{}\nRun `rustup target add {TARGET}`, or install a \
     distribution's compiler with its source: {}.",
    list(tried),
    NoToolchain::APT_COMMAND
)]
pub struct NoToolchain {
    /// Each way that was tried, with the reason why it failed.
    pub tried: Vec<(Way, String)>,
}

impl NoToolchain {
    /// The command that makes [`Way::Source`] work on a Debian system.
    pub const APT_COMMAND: &str = "apt-get install rustc-web rust-web-src";
}

impl Toolchain {
    /// The first way that works, in the order of [`Way`].
    ///
    /// # Errors
    /// If none does.
    pub fn find() -> Result<Self, NoToolchain> {
        Self::find_by(&[Way::Active, Way::Rustup, Way::Source])
    }

    /// The first of `ways` that works.
    ///
    /// # Errors
    /// If none does.
    pub fn find_by(ways: &[Way]) -> Result<Self, NoToolchain> {
        let mut tried = Vec::new();
        for &way in ways {
            let found = match way {
                Way::Active => active(),
                Way::Rustup => rustup().and_then(|()| active()),
                Way::Source => source(),
            };
            match found {
                Ok(toolchain) => return Ok(toolchain),
                Err(reason) => tried.push((way, reason)),
            }
        }
        Err(NoToolchain { tried })
    }
}

impl Toolchain {
    /// Whether the compiler's standard library can capture printed output. The function has existed for
    /// years, for Rust's own test harness, but is unstable; so a program that uses it is type-checked here.
    /// The compiler writes its output below `folder`: in the plugin's folder, `camshaft dev` would detect it
    /// as an edit.
    pub(crate) fn captures_output(&self, folder: &Path) -> bool {
        const PROGRAM: &str = "#![feature(internal_output_capture)] pub fn begin() { std::io::set_output_capture(Some(Default::default())); }";
        let rustc = self.rustc.as_deref().unwrap_or(Path::new(ACTIVE_RUSTC));
        let mut command = Command::new(rustc);
        command.args(["--crate-type=lib", "--crate-name=probe", "--edition=2021", "--emit=metadata", "-"]);
        command.arg("--out-dir").arg(folder.join("probe"));
        // Compile for the host: its standard library has the same function, and is always installed.
        command.env("RUSTC_BOOTSTRAP", "1").env_remove("RUSTFLAGS");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(mut child) = command.spawn() else { return false };
        let written = child.stdin.take().is_some_and(|mut input| input.write_all(PROGRAM.as_bytes()).is_ok());
        child.wait().is_ok_and(|status| status.success()) && written
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "the active toolchain",
            Self::Rustup => "rustup",
            Self::Source => "a compiler with the source of its standard library",
        })
    }
}

fn list(tried: &[(Way, String)]) -> String {
    tried.iter().map(|(way, reason)| format!("\n  {way}: {reason}")).collect()
}

fn active() -> Result<Toolchain, String> {
    let sysroot = sysroot(Path::new(ACTIVE_RUSTC))?;
    if !has_target(&sysroot) {
        return Err(format!("{} does not contain {TARGET}", sysroot.display()));
    }
    Ok(Toolchain { rustc: None, build_std: None })
}

/// Adds the target to the active toolchain, which may download it.
fn rustup() -> Result<(), String> {
    let mut command = Command::new("rustup");
    command.args(["target", "add", TARGET]).stdin(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("rustup cannot be run: {error}"))?;
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("`rustup target add {TARGET}` failed with {status}")),
            Ok(None) if started.elapsed() < RUSTUP_LIMIT => thread::sleep(Duration::from_millis(50)),
            Ok(None) => {
                drop(child.kill().and_then(|()| child.wait()));
                let limit = RUSTUP_LIMIT.as_secs();
                return Err(format!("`rustup target add {TARGET}` did not finish within {limit} s"));
            }
            Err(error) => return Err(format!("cannot wait for rustup: {error}")),
        }
    }
}

fn source() -> Result<Toolchain, String> {
    let mut reasons = Vec::new();
    for rustc in [ACTIVE_RUSTC].iter().chain(&DISTRIBUTION_RUSTC).map(Path::new) {
        match with_source(rustc) {
            Ok(toolchain) => return Ok(toolchain),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(reasons.join("; "))
}

fn with_source(rustc: &Path) -> Result<Toolchain, String> {
    let sysroot = sysroot(rustc)?;
    let own = (rustc != Path::new(ACTIVE_RUSTC)).then(|| rustc.to_path_buf());
    if own.is_some() && has_target(&sysroot) {
        return Ok(Toolchain { rustc: own, build_std: None });
    }
    if !sysroot.join("lib/rustlib/src/rust/library/Cargo.lock").exists() {
        return Err(format!("{} does not contain the source of the standard library", sysroot.display()));
    }
    let linker = linker(&sysroot)
        .ok_or_else(|| format!("no rust-lld or wasm-ld was found for {}", rustc.display()))?;
    Ok(Toolchain { rustc: own, build_std: Some(Linker(linker)) })
}

/// The linker of the compiler itself, of the active toolchain, or on the search path.
fn linker(sysroot_of_rustc: &Path) -> Option<PathBuf> {
    let active = sysroot(Path::new(ACTIVE_RUSTC)).ok();
    let in_toolchains =
        [Some(sysroot_of_rustc.to_path_buf()), active].into_iter().flatten().filter_map(|root| {
            let hosts = root.join("lib/rustlib").read_dir().ok()?;
            hosts.flatten().map(|host| host.path().join("bin/rust-lld")).find(|linker| linker.exists())
        });
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path =
        env::split_paths(&path).flat_map(|folder| ["rust-lld", "wasm-ld"].map(|name| folder.join(name)));
    in_toolchains.chain(in_path.filter(|linker| linker.exists())).next()
}

fn has_target(sysroot: &Path) -> bool {
    sysroot.join("lib/rustlib").join(TARGET).join("lib").exists()
}

fn sysroot(rustc: &Path) -> Result<PathBuf, String> {
    let mut command = Command::new(rustc);
    // Flags of a surrounding build must not affect this query.
    command.args(["--print", "sysroot"]).env_remove("RUSTFLAGS").stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("{} cannot be run: {error}", rustc.display()))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!("`{} --print sysroot` failed: {reason}", rustc.display()));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}
