//! Under which conditions was measured: machine, versions, scheduling. Printed above everything.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use serde::Serialize;

use crate::measure::number;
use crate::peers::Peers;

/// What a reader must know to place a figure.
#[derive(Clone, Debug, Serialize)]
pub struct Conditions(pub Vec<(String, String)>);

impl Conditions {
    /// As they are now; `scheduling` is that of the runtime's sync thread.
    pub fn now(folder: &Path, peers: &Peers, scheduling: &str) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cores = thread::available_parallelism().map_or(0, usize::from);
        let memory = field(&read("/proc/meminfo"), "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0.0);
        let load = read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ");
        let mut all = vec![
            ("time".to_owned(), jiff::Timestamp::now().strftime("%F %R UTC").to_string()),
            ("processor".to_owned(), format!("{cores} x {}", field(&read("/proc/cpuinfo"), "model name"))),
            ("memory".to_owned(), format!("{} GiB", number(memory / 1024.0 / 1024.0))),
            ("kernel".to_owned(), format!("Linux {}", read("/proc/sys/kernel/osrelease").trim())),
            ("file system".to_owned(), file_system(&read("/proc/self/mountinfo"), folder)),
            ("load before".to_owned(), load),
            ("camshaft".to_owned(), format!("{}{}", env!("CARGO_PKG_VERSION"), commit())),
            ("sync thread".to_owned(), scheduling.to_owned()),
        ];
        all.extend(peers.conditions());
        Self(all)
    }

    /// As a list.
    pub fn markdown(&self) -> String {
        let mut text = String::from("Conditions:\n\n");
        for (what, value) in &self.0 {
            let _ = writeln!(text, "- {what}: {value}");
        }
        text
    }
}

/// The value of the first line `name : value`.
fn field<'t>(text: &'t str, name: &str) -> &'t str {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(found, _)| found.trim() == name).map_or("unknown", |(_, value)| value.trim())
}

/// The type of the file system that `folder` lies on, and its device.
fn file_system(mounts: &str, folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let mounted = mounts.lines().filter_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        let point = place.split(' ').nth(4)?;
        let mut kind = kind.split(' ');
        folder.starts_with(point).then(|| (point.len(), kind.next(), kind.next()))
    });
    match mounted.max_by_key(|(length, ..)| *length) {
        Some((_, Some(kind), Some(device))) => format!("{kind} on {device}"),
        _ => "unknown".to_owned(),
    }
}

/// The commit that is checked out, where there is one.
fn commit() -> String {
    let here = env!("CARGO_MANIFEST_DIR");
    let asked = Command::new("git").args(["-C", here, "describe", "--always", "--dirty"]).output();
    match asked {
        Ok(output) if output.status.success() => {
            format!(" (commit {})", String::from_utf8_lossy(&output.stdout).trim())
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_system_is_that_of_the_innermost_mount() {
        let mounts = "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
                      30 22 0:25 / /dev/shm rw - tmpfs shm rw\n\
                      31 22 0:26 / /deviant rw - xfs /dev/vdb rw\n";
        assert_eq!(file_system(mounts, Path::new("/dev/shm/nowhere")), "tmpfs on shm");
        assert_eq!(file_system(mounts, Path::new("/nowhere")), "ext4 on /dev/vda");
        assert_eq!(file_system("", Path::new("/nowhere")), "unknown");
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let text = "model\t\t: 85\nmodel name\t: A Processor\n";
        assert_eq!(field(text, "model name"), "A Processor");
        assert_eq!(field(text, "name"), "unknown");
    }
}
