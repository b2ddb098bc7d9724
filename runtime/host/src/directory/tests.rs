//! The directory over made-up listings: what is written when, and what comes of it.

use std::time::{Duration, UNIX_EPOCH};

use super::*;

/// A directory, its files as name → (content, time of change), and the time.
///
/// A `.wasm`'s content is its plugin's name and a version; `broken…` is refused.
struct Desk {
    directory: Directory<String>,
    files: BTreeMap<String, (String, u64)>,
    now: u64,
}

impl Desk {
    fn new() -> Self {
        Self { directory: Directory::new("plugins"), files: BTreeMap::new(), now: 1_000_000 }
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

    /// Time passes, then the directory is scanned.
    fn after(&mut self, ms: u64) -> Vec<String> {
        self.now += ms;
        let listing = self.listing();
        let (files, directory) = (&self.files, &mut self.directory);
        let changes = directory.scan(Some(&listing), Timestamp(self.now), |wasm, operator| {
            let content = |path: &Path| files[path.file_name().unwrap().to_str().unwrap()].0.clone();
            load(&content(wasm), operator.map(content).as_deref())
        });
        changes.into_iter().map(told).collect()
    }

    fn listing(&self) -> Listing {
        let stamp = |name: &str| {
            self.files.get(name).map(|(content, at)| Stamp {
                modified: UNIX_EPOCH + Duration::from_millis(*at),
                length: content.len() as u64,
                inode: 0,
            })
        };
        let stems = self.files.keys().filter_map(|name| name.strip_suffix(".wasm"));
        let files = stems.map(|stem| {
            let wasm = stamp(&format!("{stem}.wasm")).unwrap();
            (stem.to_owned(), Files { wasm, operator: stamp(&format!("{stem}.toml")) })
        });
        Listing { files: files.collect() }
    }
}

fn load(content: &str, operator: Option<&str>) -> Result<Candidate<String>, Refusal> {
    if content.starts_with("broken") {
        return Err(Refusal::new(codes::TRUNCATED_WASM, content, "Mend it."));
    }
    if content.starts_with("foreign") {
        return Err(Refusal::new(codes::UNSUPPORTED_WORLD, content, "Write another."));
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
fn a_file_counts_once_it_has_settled() {
    let mut desk = Desk::new();
    desk.write("tally.wasm", "t");
    assert_eq!(desk.after(10), NOTHING);
    desk.write("tally.wasm", "tally 1");
    assert_eq!(desk.after(SETTLE_MS - 10), NOTHING);
    assert_eq!(desk.after(10), ["added tally 1 from tally.wasm"]);
}

#[test]
fn a_file_that_was_there_before_is_taken_at_once() {
    let mut desk = Desk::new();
    desk.write("tally.wasm", "tally 1");
    desk.now += 10_000;
    assert_eq!(desk.after(0), ["added tally 1 from tally.wasm"]);
}

#[test]
fn a_slow_copy_is_not_refused_while_it_may_still_grow() {
    let mut desk = Desk::new();
    desk.write("tally.wasm", "broken: half");
    for _ in 0..5 {
        assert_eq!(desk.after(SETTLE_MS), NOTHING);
    }
    desk.write("tally.wasm", "tally 1");
    assert_eq!(desk.after(SETTLE_MS), ["added tally 1 from tally.wasm"]);
    desk.write("tally.wasm", "broken for good");
    assert_eq!(desk.after(SETTLE_MS), NOTHING);
    assert_eq!(desk.after(PATIENCE_MS), ["refused tally.wasm for truncated-wasm, Some(\"tally\") runs"]);
    assert_eq!(desk.after(PATIENCE_MS), NOTHING, "once is enough");
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
    let listing = desk.listing();
    let changes = desk.directory.scan(Some(&listing), Timestamp(desk.now), |_, _| load("tally 2", None));
    let [Change::Refused { refusal, .. }] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(
        refusal.message,
        "\"plugins/copy.wasm\" claims the name \"tally\", which \"plugins/tally.wasm\" has"
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
        let changes = desk.directory.scan(None, now, |_, _| panic!("there is nothing to load"));
        changes.into_iter().map(told).collect()
    };
    assert_eq!(scan(&mut desk), ["directory missing"]);
    assert_eq!(scan(&mut desk), NOTHING);
    assert_eq!(desk.after(60_000), ["directory back"]);
    assert_eq!(desk.after(60_000), NOTHING);
}

#[test]
fn the_next_scan_is_due_when_something_settles_or_leaves() {
    let mut desk = running();
    assert_eq!(desk.directory.due(), None);
    desk.write("other.wasm", "broken");
    desk.after(0);
    assert_eq!(desk.directory.due(), Some(Timestamp(desk.now + SETTLE_MS)));
    desk.after(SETTLE_MS);
    assert_eq!(desk.directory.due(), Some(Timestamp(desk.now + SETTLE_MS)), "it is tried again");
    desk.delete("other.wasm").delete("tally.wasm");
    desk.after(0);
    assert_eq!(desk.directory.due(), Some(Timestamp(desk.now + GRACE_MS)));
}
