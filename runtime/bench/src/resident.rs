//! What the kernel says about this process's memory.

use std::fs;

use serde::{Deserialize, Serialize};

/// Resident memory, in MiB.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Resident {
    /// Now, mapped files included (`VmRSS`).
    pub all_mib: f64,
    /// Now, without mapped files (`RssAnon`).
    pub anonymous_mib: f64,
    /// The most that it ever was (`VmHWM`).
    pub peak_mib: f64,
}

impl Resident {
    /// As of now.
    pub fn now() -> Self {
        let mib = |field| resident_kib(field) as f64 / 1024.0;
        Self { all_mib: mib("VmRSS:"), anonymous_mib: mib("RssAnon:"), peak_mib: mib("VmHWM:") }
    }
}

/// A line of `/proc/self/status`; 0 where there is none.
pub fn resident_kib(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
