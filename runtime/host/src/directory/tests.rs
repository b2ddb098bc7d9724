//! Each change of the files becomes a change of the plugins. The listings are made up.

mod timing;

use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::OperatorFile;

/// A directory, its files as name → (content, time of change), and the time.
///
/// A `.wasm`'s content is its plugin's name and a version; `broken…` is refused.
struct Desk {
    directory: Directory<String>,
    files: BTreeMap<String, (String, u64)>,
    now: u64,
    overlooked: Vec<Overlooked>,
}

impl Desk {
    fn new() -> Self {
        Self {
            directory: Directory::new("plugins"),
            files: BTreeMap::new(),
            now: 1_000_000,
            overlooked: Vec::new(),
        }
    }

    fn write(&mut self, name: &str, content: &str) -> &mut Self {
        self.files.insert(name.to_owned(), (content.to_owned(), self.now));
        self
    }

    fn delete(&mut self, name: &str) -> &mut Self {
        self.files.remove(name).expect("only what is there is deleted");
        self
    }

    fn rename(&mut self, from: &str, to: &str) -> &mut Self {
        let file = self.files.remove(from).expect("only what is there is renamed");
        self.files.insert(to.to_owned(), file);
        self
    }

    /// Time passes, then the directory is scanned, and what it asks for is loaded at once.
    fn after(&mut self, ms: u64) -> Vec<String> {
        let mut told = self.scan_after(ms);
        loop {
            let loads = self.directory.loads(Timestamp(self.now));
            if loads.is_empty() {
                return told;
            }
            for load in loads {
                told.extend(self.answer(&load));
            }
        }
    }

    fn scan_after(&mut self, ms: u64) -> Vec<String> {
        self.now += ms;
        let listing = self.listing();
        self.directory.scan(Some(&listing), Timestamp(self.now)).into_iter().map(told).collect()
    }

    /// What the directory asks for now, without an answer.
    fn loads(&mut self) -> Vec<Load> {
        self.directory.loads(Timestamp(self.now))
    }

    /// Loads what the file holds now.
    fn answer(&mut self, asked: &Load) -> Vec<String> {
        let content = |path: &Path| self.files[path.file_name().unwrap().to_str().unwrap()].0.clone();
        let loaded = load(&content(&asked.file), asked.operator.as_deref().map(content).as_deref());
        self.directory.loaded(asked.ticket, loaded, Timestamp(self.now)).into_iter().map(told).collect()
    }

    fn listing(&self) -> Listing {
        let stamp = |name: &str| {
            self.files.get(name).map(|(content, at)| Stamp {
                modified: UNIX_EPOCH + Duration::from_millis(*at),
                changed: UNIX_EPOCH + Duration::from_millis(*at),
                length: content.len() as u64,
                inode: 0,
            })
        };
        let stems = self.files.keys().filter_map(|name| name.strip_suffix(".wasm"));
        let files = stems.map(|stem| {
            let wasm = stamp(&format!("{stem}.wasm")).unwrap();
            (stem.to_owned(), Files { wasm, operator: stamp(&format!("{stem}.toml")) })
        });
        Listing { files: files.collect(), overlooked: self.overlooked.clone() }
    }
}

fn load(content: &str, operator: Option<&str>) -> Result<Candidate<String>, Refusal> {
    if content.starts_with("broken") {
        return Err(Refusal::new(RefusalCode::TruncatedWasm, content, "Mend it."));
    }
    if content.starts_with("unreadable") {
        return Err(Refusal::new(RefusalCode::Io, content, "Check it."));
    }
    if content.starts_with("foreign") {
        return Err(Refusal::new(RefusalCode::UnsupportedWorld, content, "Write another."));
    }
    let name = content.split(' ').next().unwrap();
    let text = format!(
        "manifest = 1\nname = \"{name}\"\nversion = \"1\"\n[[subscriptions]]\nhandler = \"h\"\ntypes = [\"a.b\"]"
    );
    let mut section = u32::try_from(text.len()).unwrap().to_le_bytes().to_vec();
    section.extend(text.into_bytes());
    let operator = operator.map(|text| OperatorFile::parse(Path::new("o.toml"), text)).transpose()?;
    let manifest = Manifest::assemble(Path::new("x.wasm"), &[section], operator.as_ref())?;
    Ok(Candidate { manifest, digest: content.to_owned(), plugin: content.to_owned() })
}

fn told(change: Change<String>) -> String {
    let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    match change {
        Change::Added { file, plugin } => format!("added {plugin} from {}", name(file)),
        Change::Replaced { file, plugin } => format!("replaced by {plugin} from {}", name(file)),
        Change::ConfigChanged { file, plugin } => format!("new settings of {plugin} from {}", name(file)),
        Change::Renamed { name: plugin, from, file } => {
            format!("{plugin} renamed from {} to {}", name(from), name(file))
        }
        Change::Removed { name: plugin, file } => format!("removed {plugin} from {}", name(file)),
        Change::Refused { file, running, refusal } => {
            format!("refused {} for {}, {running:?} runs", name(file), refusal.code)
        }
        Change::Withdrawn { file } => format!("withdrawn {}", name(file)),
        Change::Overlooked(overlooked) => format!("overlooked {}", name(overlooked.file)),
        Change::DirectoryMissing => "directory missing".to_owned(),
        Change::DirectoryBack => "directory back".to_owned(),
    }
}

const NOTHING: [&str; 0] = [];

/// A desk on which `tally 1` runs from `tally.wasm`.
fn running() -> Desk {
    let mut desk = Desk::new();
    desk.write("tally.wasm", "tally 1");
    assert_eq!(desk.after(SETTLE_MS), ["added tally 1 from tally.wasm"]);
    assert_eq!(desk.after(10_000), NOTHING);
    desk
}

#[test]
fn new_content_replaces_the_plugin() {
    let mut desk = running();
    desk.write("tally.wasm", "tally 2");
    assert_eq!(desk.after(SETTLE_MS), ["replaced by tally 2 from tally.wasm"]);
}

#[test]
fn a_touched_file_changes_nothing() {
    let mut desk = running();
    desk.write("tally.wasm", "tally 1");
    assert_eq!(desk.after(SETTLE_MS), NOTHING);
}

#[test]
fn a_file_deleted_and_written_anew_replaces_the_plugin_without_a_gap() {
    let mut desk = running();
    desk.delete("tally.wasm");
    assert_eq!(desk.after(10), NOTHING);
    desk.write("tally.wasm", "tally 2");
    assert_eq!(desk.after(SETTLE_MS), ["replaced by tally 2 from tally.wasm"]);
    assert_eq!(desk.after(GRACE_MS), NOTHING);
}

#[test]
fn a_deleted_file_removes_the_plugin_after_a_moment() {
    let mut desk = running();
    desk.delete("tally.wasm");
    assert_eq!(desk.after(0), NOTHING);
    assert_eq!(desk.after(GRACE_MS), ["removed tally from tally.wasm"]);
}

#[test]
fn a_renamed_file_goes_on_under_its_new_name() {
    let mut desk = running();
    desk.rename("tally.wasm", "tally-1.wasm");
    assert_eq!(desk.after(10), ["tally renamed from tally.wasm to tally-1.wasm"]);
    assert_eq!(desk.after(GRACE_MS), NOTHING);
}

#[test]
fn the_operators_file_changes_the_settings() {
    let mut desk = running();
    desk.write("tally.toml", "[config]\nlow = \"5\"");
    assert_eq!(desk.after(SETTLE_MS), ["new settings of tally 1 from tally.wasm"]);
    desk.write("tally.toml", "[config]\nlwo = 5");
    assert_eq!(desk.after(SETTLE_MS), ["refused tally.wasm for invalid-manifest, Some(\"tally\") runs"]);
    desk.delete("tally.toml");
    assert_eq!(desk.after(SETTLE_MS), ["withdrawn tally.wasm", "new settings of tally 1 from tally.wasm"]);
}

#[test]
fn the_second_file_of_a_name_is_refused_and_taken_when_the_first_goes() {
    let mut desk = running();
    desk.write("copy.wasm", "tally 2");
    assert_eq!(desk.after(SETTLE_MS), ["refused copy.wasm for duplicate-plugin-name, None runs"]);
    assert_eq!(desk.after(10_000), NOTHING);
    desk.delete("tally.wasm");
    assert_eq!(desk.after(0), ["withdrawn copy.wasm", "replaced by tally 2 from copy.wasm"]);
    assert_eq!(desk.after(GRACE_MS), NOTHING);
}

#[test]
fn the_refusal_of_a_second_file_names_both() {
    let mut desk = running();
    desk.write("copy.wasm", "tally 2");
    desk.now += SETTLE_MS;
    desk.scan_after(0);
    let asked = desk.loads().remove(0);
    let changes = desk.directory.loaded(asked.ticket, load("tally 2", None), Timestamp(desk.now));
    let [Change::Refused { refusal, .. }] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(
        refusal.message,
        "\"plugins/copy.wasm\" uses the name \"tally\" of plugin file \"plugins/tally.wasm\""
    );
}

#[test]
fn a_file_that_takes_another_name_frees_its_old_one() {
    let mut desk = running();
    desk.write("copy.wasm", "tally 2");
    desk.after(SETTLE_MS);
    desk.write("tally.wasm", "count 1");
    assert_eq!(
        desk.after(SETTLE_MS),
        [
            "removed tally from tally.wasm",
            "added count 1 from tally.wasm",
            "withdrawn copy.wasm",
            "added tally 2 from copy.wasm",
        ]
    );
}

#[test]
fn a_refused_file_that_goes_is_withdrawn() {
    let mut desk = Desk::new();
    desk.write("odd.wasm", "foreign");
    assert_eq!(desk.after(SETTLE_MS), ["refused odd.wasm for unsupported-world, None runs"]);
    desk.delete("odd.wasm");
    assert_eq!(desk.after(0), ["withdrawn odd.wasm"]);
}

#[test]
fn a_vanished_directory_stops_nothing() {
    let mut desk = running();
    let scan = |desk: &mut Desk| -> Vec<String> {
        desk.now += 60_000;
        let now = Timestamp(desk.now);
        let changes = desk.directory.scan(None, now);
        assert_eq!(desk.loads(), [], "there is nothing to load");
        changes.into_iter().map(told).collect()
    };
    assert_eq!(scan(&mut desk), ["directory missing"]);
    assert_eq!(scan(&mut desk), NOTHING);
    assert_eq!(desk.after(60_000), ["directory back"]);
    assert_eq!(desk.after(60_000), NOTHING);
}

#[test]
fn while_one_file_is_loaded_others_come_and_go() {
    let mut desk = running();
    desk.write("slow.wasm", "slow 1");
    desk.scan_after(SETTLE_MS);
    let slow = desk.loads().remove(0);
    assert!(!desk.directory.is_settled());
    assert_eq!(desk.directory.due(), None, "there is nothing to do before it is loaded");
    desk.write("quick.wasm", "quick 1");
    assert_eq!(desk.after(SETTLE_MS), ["added quick 1 from quick.wasm"]);
    desk.delete("tally.wasm");
    assert_eq!(desk.after(0), NOTHING);
    assert_eq!(desk.after(GRACE_MS), ["removed tally from tally.wasm"]);
    assert_eq!(desk.answer(&slow), ["added slow 1 from slow.wasm"]);
    assert!(desk.directory.is_settled());
}

#[test]
fn a_newer_change_supersedes_what_is_being_loaded() {
    let mut desk = running();
    desk.write("tally.wasm", "tally 2");
    desk.scan_after(SETTLE_MS);
    let second = desk.loads().remove(0);
    desk.write("tally.wasm", "tally 3");
    assert_eq!(desk.scan_after(0), NOTHING);
    assert_eq!(desk.answer(&second), NOTHING, "nobody wants it any more");
    assert_eq!(desk.after(SETTLE_MS), ["replaced by tally 3 from tally.wasm"]);
}

#[test]
fn what_was_loaded_of_a_file_that_is_gone_is_dropped() {
    let mut desk = Desk::new();
    desk.write("tally.wasm", "tally 1");
    desk.scan_after(SETTLE_MS);
    let asked = desk.loads().remove(0);
    desk.delete("tally.wasm");
    assert_eq!(desk.scan_after(0), NOTHING);
    let late = desk.directory.loaded(asked.ticket, load("tally 1", None), Timestamp(desk.now));
    assert_eq!(late, []);
    assert_eq!(desk.after(GRACE_MS), NOTHING);
}

#[test]
fn a_plugin_that_moves_to_another_file_runs_on_until_that_is_loaded() {
    let mut desk = running();
    desk.delete("tally.wasm").write("tally-2.wasm", "tally 2");
    assert_eq!(desk.scan_after(SETTLE_MS), NOTHING);
    let asked = desk.loads().remove(0);
    assert_eq!(desk.scan_after(60_000), NOTHING, "it may be the same plugin");
    assert_eq!(desk.directory.due(), None);
    assert_eq!(desk.answer(&asked), ["replaced by tally 2 from tally-2.wasm"]);
    assert_eq!(desk.scan_after(60_000), NOTHING);
}

#[test]
fn a_claimed_name_is_kept_for_its_file() {
    let mut desk = Desk::new();
    desk.directory.claim("tally", "tally");
    desk.write("copy.wasm", "tally 2").write("tally.wasm", "tally 1");
    assert_eq!(
        desk.after(SETTLE_MS),
        ["refused copy.wasm for duplicate-plugin-name, None runs", "added tally 1 from tally.wasm"]
    );
    let mut desk = Desk::new();
    desk.directory.claim("tally", "tally");
    assert_eq!(desk.after(0), NOTHING);
    assert_eq!(desk.after(GRACE_MS), ["removed tally from tally.wasm"]);
}
