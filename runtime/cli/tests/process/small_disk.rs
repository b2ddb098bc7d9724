//! A real disk that is small enough for a test to fill: a memory file system, mounted where only the runtime
//! under test sees it.
//!
//! It needs a kernel that permits mount namespaces for this user; a container may forbid that.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Space for three segments of the log, and a little more.
const SIZE: &str = "220m";

pub struct SmallDisk {
    path: PathBuf,
    /// Keeps the namespace alive until its stdin closes.
    holder: Child,
}

impl SmallDisk {
    /// Mounts it at the folder `path`; none if that is not permitted.
    pub fn mount(path: &Path) -> Option<Self> {
        let script = format!("mount -t tmpfs -o size={SIZE} camshaft \"$0\" && echo mounted && read -r end");
        let mut holder = Command::new("unshare")
            .args(["--mount", "--map-root-user", "sh", "-c", &script])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line != "mounted\n" {
            holder.wait().unwrap();
            return None;
        }
        Some(Self { path: path.to_owned(), holder })
    }

    /// Runs `command` in its working directory, inside the namespace of the disk. The process is that of the
    /// command.
    pub fn inside(&self, command: &Command) -> Command {
        let mut inside = Command::new("nsenter");
        let holder = self.holder.id().to_string();
        inside.args(["--target", &holder, "--user", "--mount", "--preserve-credentials"]);
        // `nsenter` changes the working directory.
        inside.args(["sh", "-c", "cd \"$0\" && exec \"$@\""]);
        inside.arg(command.get_current_dir().unwrap()).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        inside.stdin(Stdio::null());
        inside
    }

    /// Fills the disk completely.
    pub fn fill(&self) {
        let zeros = format!("of={}", self.filler().display());
        let written = self
            .inside(Command::new("dd").args(["if=/dev/zero", &zeros, "bs=64k"]).current_dir("/"))
            .output();
        let said = String::from_utf8(written.unwrap().stderr).unwrap();
        assert!(said.contains("No space left"), "{said}");
    }

    /// Frees the space again.
    pub fn free(&self) {
        let removed = self.inside(Command::new("rm").arg(self.filler()).current_dir("/")).status();
        assert!(removed.unwrap().success());
    }

    fn filler(&self) -> PathBuf {
        self.path.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The namespace ends with its last process, and the disk with it.
        let _: std::io::Result<()> = self.holder.kill();
        let _: std::io::Result<std::process::ExitStatus> = self.holder.wait();
    }
}
