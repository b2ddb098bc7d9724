//! Compiled functions that are kept for the next compilation, so that an edit of a script does not compile
//! its interpreter again: of 12 MB of JavaScript engine nothing changes but its data.
//!
//! The compiler process reads the file before it compiles and writes it anew afterwards. Keys and values are
//! those of cranelift's incremental cache: a key is the digest of all that a function is compiled from. The
//! file is sealed as compiled code is, and believed only whole; in it follow one another: length of the key,
//! key, length of the value, value. Lengths are 4 bytes, least first. It lies where only this user writes: in
//! the data directory, or in the folder of the user's caches, which all commands share. What another release
//! has left there goes when it is a week old.
//!
//! Three to ten of a hundred functions of an interpreter are not found although nothing of them has changed,
//! and their code comes out the same: their keys differ from process to process. The likely reason are tables
//! of branches to blocks that take values, for which wasmtime 48 makes blocks in the order of a hash map. All
//! keys that were seen are kept.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use wasmtime::CacheStore;

use super::image;

/// A smaller component is compiled in less time than the file is read. Interpreters are larger.
pub const LEAST_COMPONENT_BYTES: usize = 4 * 1024 * 1024;

/// What the file may hold; what the last compilation did not need goes first. The engines of JavaScript and
/// Python take 75 MB.
pub const MAX_BYTES: u64 = 128 * 1024 * 1024;

/// The beginning of the file's name; the engine's compatibility follows.
pub const NAME: &str = "functions-";

/// The ending of a file that is being written.
const UNFINISHED: &str = "tmp";

/// A file of another engine that was written before is wanted by no release that is still in use. Nor is a
/// file that was begun so long ago: its compiler is gone.
const OUTDATED: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The functions of a file, and those that were compiled since.
#[derive(Debug)]
pub struct Functions {
    kept: Vec<u8>,
    /// Keys, and where in `kept` their values lie.
    index: HashMap<Vec<u8>, Range<usize>>,
    needed: Mutex<Needed>,
}

/// What the compilation has asked for.
#[derive(Debug, Default)]
struct Needed {
    kept: HashSet<Vec<u8>>,
    new: HashMap<Vec<u8>, Vec<u8>>,
}

impl Functions {
    /// Those in the file; none if it is missing or damaged.
    pub fn read(path: &Path) -> Self {
        let kept = fs::read(path).ok().and_then(|mut file| {
            let length = image::code(&file)?.len();
            file.truncate(length);
            Some(file)
        });
        let kept = kept.unwrap_or_default();
        let index = index(&kept).unwrap_or_default();
        Self { kept, index, needed: Mutex::default() }
    }

    /// Writes the file if the compilation brought a function: what it needed first, then of the others what
    /// finds room.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let needed = self.needed.lock().map_err(|_| io::Error::other("a compiler has panicked"))?;
        if needed.new.is_empty() {
            return Ok(());
        }
        let mut file = Vec::new();
        let kept = |key: &Vec<u8>| Some((key.clone(), self.kept.get(self.index.get(key)?.clone())?));
        for (key, value) in needed.kept.iter().filter_map(kept) {
            put(&mut file, &key, value);
        }
        for (key, value) in &needed.new {
            put(&mut file, key, value);
        }
        for (key, value) in self.index.keys().filter(|key| !needed.kept.contains(*key)).filter_map(kept) {
            put(&mut file, &key, value);
        }
        let draft = draft(path);
        let written = fs::write(&draft, image::seal(file)).and_then(|()| fs::rename(&draft, path));
        if written.is_err() {
            // The error that counts is the one of writing.
            let _ = fs::remove_file(&draft);
        }
        written.and_then(|()| remove_outdated(path))
    }

    /// How many functions were found in the file, and how many were compiled.
    #[cfg(test)]
    pub fn counts(&self) -> (usize, usize) {
        let needed = self.needed.lock().unwrap();
        (needed.kept.len(), needed.new.len())
    }
}

/// Beside the file, by a name that is removed if this process does not come to its end.
fn draft(path: &Path) -> PathBuf {
    path.with_file_name(format!(".{NAME}{}.{UNFINISHED}", std::process::id()))
}

/// Removes what other engines and compilers that were killed have left beside `path`.
fn remove_outdated(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if entry.path() == path || !name.trim_start_matches('.').starts_with(NAME) {
            continue;
        }
        // Another compiler may have removed it meanwhile.
        let Ok(written) = entry.metadata().and_then(|metadata| metadata.modified()) else { continue };
        if written.elapsed().is_ok_and(|age| age >= OUTDATED) {
            match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Appends an entry if it finds room.
fn put(file: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let (Ok(key_length), Ok(value_length)) = (u32::try_from(key.len()), u32::try_from(value.len())) else {
        return;
    };
    let longer = file.len() + 8 + key.len() + value.len();
    if u64::try_from(longer).is_ok_and(|longer| longer <= MAX_BYTES) {
        file.extend(key_length.to_le_bytes());
        file.extend(key);
        file.extend(value_length.to_le_bytes());
        file.extend(value);
    }
}

fn index(file: &[u8]) -> Option<HashMap<Vec<u8>, Range<usize>>> {
    let mut index = HashMap::new();
    let mut at = 0;
    while at < file.len() {
        let key = field(file, &mut at)?;
        let value = field(file, &mut at)?;
        index.insert(file.get(key)?.to_vec(), value);
    }
    Some(index)
}

/// Where the length and bytes at `at` lie, and `at` behind them.
fn field(file: &[u8], at: &mut usize) -> Option<Range<usize>> {
    let length = file.get(*at..)?.first_chunk::<4>()?;
    let begin = at.checked_add(length.len())?;
    let end = begin.checked_add(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    *at = end;
    (end <= file.len()).then_some(begin..end)
}

impl CacheStore for Functions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let mut needed = self.needed.lock().ok()?;
        if let Some(new) = needed.new.get(key) {
            return Some(Cow::Owned(new.clone()));
        }
        let value = self.kept.get(self.index.get(key)?.clone())?;
        needed.kept.insert(key.to_vec());
        Some(Cow::Borrowed(value))
    }

    fn insert(&self, key: &[u8], value: Vec<u8>) -> bool {
        self.needed.lock().is_ok_and(|mut needed| {
            needed.new.insert(key.to_vec(), value);
            true
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine;

    fn compile(path: &Path, component: &str) -> (Arc<Functions>, Vec<u8>) {
        let functions = Arc::new(Functions::read(path));
        let engine = engine::compiling(Some(functions.clone()), true).unwrap();
        let code = engine.precompile_component(&wat::parse_str(component).unwrap()).unwrap();
        functions.write(path).unwrap();
        (functions, code)
    }

    /// Three functions, of which one returns `last`; and data.
    fn component(last: i32, data: &str) -> String {
        format!(
            "(component (core module
                (memory 1) (data (i32.const 0) \"{data}\")
                (func (param i32) (result i32) (i32.load (local.get 0)))
                (func (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
                (func (result i32) (i32.const {last}))))"
        )
    }

    #[test]
    fn only_functions_that_changed_are_compiled_again_and_the_code_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("functions");
        let (first, code) = compile(&path, &component(1, "one"));
        let (_, all) = first.counts();
        assert!(all >= 3, "{all}");
        let (second, again) = compile(&path, &component(1, "one"));
        assert_eq!((second.counts(), again == code), ((all, 0), true));
        let (data, _) = compile(&path, &component(1, "two"));
        assert_eq!(data.counts(), (all, 0));
        let (changed, _) = compile(&path, &component(2, "one"));
        assert_eq!(changed.counts(), (all - 1, 1));
        // What the last one did not need is still there.
        assert_eq!(compile(&path, &component(1, "one")).0.counts(), (all, 0));
        let plain = wat::parse_str(component(1, "one")).unwrap();
        assert_eq!(engine::compiling(None, false).unwrap().precompile_component(&plain).unwrap(), code);
        let left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["functions"]);
    }

    #[test]
    fn a_damaged_file_is_none_and_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("functions");
        let (first, code) = compile(&path, &component(1, ""));
        let whole = fs::read(&path).unwrap();
        for place in [0, 2, whole.len() / 2, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            fs::write(&path, &damaged).unwrap();
            let (functions, again) = compile(&path, &component(1, ""));
            assert_eq!((functions.counts(), again == code), (first.counts(), true), "{place}");
        }
        // Sealed, but not in this form.
        fs::write(&path, image::seal(vec![0xff; 50])).unwrap();
        assert_eq!(compile(&path, &component(1, "")).0.counts(), first.counts());
    }

    #[test]
    fn what_other_engines_left_goes_after_a_week() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("{NAME}mine"));
        for name in ["functions-old", "functions-new", ".functions-1.tmp", ".functions-2.tmp", "entry.cwasm"]
        {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let long_ago = std::time::SystemTime::now() - OUTDATED;
        for name in ["functions-old", ".functions-1.tmp", "entry.cwasm"] {
            let file = fs::File::options().write(true).open(folder.path().join(name)).unwrap();
            file.set_modified(long_ago).unwrap();
        }
        compile(&path, &component(1, ""));
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".functions-2.tmp", "entry.cwasm", "functions-mine", "functions-new"]);
    }

    #[test]
    fn what_finds_no_room_is_left_out() {
        let mut file = vec![0; usize::try_from(MAX_BYTES).unwrap() - 14];
        put(&mut file, b"key", b"four");
        assert_eq!(file.len(), usize::try_from(MAX_BYTES).unwrap() - 14);
        put(&mut file, b"key", b"one");
        assert_eq!(u64::try_from(file.len()).unwrap(), MAX_BYTES);
    }
}
