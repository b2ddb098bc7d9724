//! Files and names of a disk in memory, as seen and as durable.
//!
//! Every change that is not synced is kept, so that a crash can let any part of it survive. No faults here.

use std::collections::BTreeMap;
use std::io;

use crate::testing::Random;

/// What a disk writes in one piece, in bytes: a crash tears longer writes.
const SECTOR_BYTES: usize = 512;

/// A file, whatever its name is.
pub(super) type FileId = u64;

#[derive(Clone, Default)]
pub(super) struct Contents {
    files: BTreeMap<FileId, File>,
    names: BTreeMap<String, FileId>,
    durable_names: BTreeMap<String, FileId>,
    /// All names after each change since they were last synced.
    unsynced_names: Vec<BTreeMap<String, FileId>>,
    next_id: FileId,
}

/// What a crash took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Unsynced writes, whole or in part.
    pub writes: bool,
    /// Writes before ones that survived.
    pub reordered: bool,
    /// The end of a piece that the disk writes at once.
    pub torn: bool,
    /// Unsynced creations, renames or removals.
    pub names: bool,
}

#[derive(Clone, Default)]
struct File {
    seen: Vec<u8>,
    durable: Vec<u8>,
    /// What happened since, in order. Begins with a change that is not sure to be durable, if there is any.
    changes: Vec<(Change, Fate)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Unsynced,
    Synced,
    /// A failed sync left it behind: no later sync makes it durable.
    Doomed,
}

#[derive(Clone)]
enum Change {
    Write { position: usize, bytes: Vec<u8> },
    Length(usize),
}

impl Contents {
    pub fn names(&self) -> Vec<String> {
        self.names.keys().cloned().collect()
    }

    pub fn find(&self, name: &str) -> Option<FileId> {
        self.names.get(name).copied()
    }

    pub fn create(&mut self, name: &str) -> FileId {
        let id = self.next_id;
        self.next_id += 1;
        self.files.insert(id, File::default());
        self.names.insert(name.to_owned(), id);
        self.names_changed();
        id
    }

    pub fn put(&mut self, name: &str, bytes: &[u8]) {
        let id = self.create(name);
        self.files.insert(id, File { seen: bytes.to_vec(), durable: bytes.to_vec(), ..File::default() });
        self.sync_names();
    }

    pub fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let id = self.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        self.names.insert(to.to_owned(), id);
        self.names_changed();
        Ok(())
    }

    pub fn remove(&mut self, name: &str) -> io::Result<()> {
        self.names.remove(name).ok_or(io::ErrorKind::NotFound)?;
        self.names_changed();
        Ok(())
    }

    pub fn sync_names(&mut self) {
        self.durable_names = self.names.clone();
        self.unsynced_names.clear();
    }

    pub fn read(&self, file: FileId) -> &[u8] {
        &self.files[&file].seen
    }

    pub fn length(&self, file: FileId) -> u64 {
        u64::try_from(self.read(file).len()).unwrap_or(u64::MAX)
    }

    /// The sum of the lengths of all files that have a name.
    pub fn used(&self) -> u64 {
        self.names.values().map(|file| self.length(*file)).sum()
    }

    pub fn write(&mut self, file: FileId, position: u64, bytes: &[u8]) {
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        self.change(file, Change::Write { position, bytes: bytes.to_vec() });
    }

    pub fn set_length(&mut self, file: FileId, length: u64) {
        self.change(file, Change::Length(usize::try_from(length).unwrap_or(usize::MAX)));
    }

    pub fn sync(&mut self, file: FileId) {
        let file = self.file_mut(file);
        for (_, fate) in file.changes.iter_mut().filter(|(_, fate)| *fate == Fate::Unsynced) {
            *fate = Fate::Synced;
        }
        let sure = file.changes.iter().take_while(|(_, fate)| *fate == Fate::Synced).count();
        for (change, _) in file.changes.drain(..sure) {
            change.apply(&mut file.durable);
        }
    }

    /// The sync failed: what was to be synced is now left to chance.
    pub fn doom(&mut self, file: FileId) {
        for (_, fate) in &mut self.file_mut(file).changes {
            if *fate == Fate::Unsynced {
                *fate = Fate::Doomed;
            }
        }
    }

    pub fn edit(&mut self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let file = self.names[name];
        let file = self.file_mut(file);
        change(&mut file.seen);
        *file = File { seen: file.seen.clone(), durable: file.seen.clone(), ..File::default() };
    }

    /// What is left when the power fails: all that is durable, and any part of the rest, in any order. Of the
    /// names the first few changes survive, as file systems with a journal have it.
    pub fn after_crash(&self, random: &mut Random) -> (Self, Losses) {
        let mut losses = Losses::default();
        let survivors = random.below(u64::try_from(self.unsynced_names.len()).unwrap_or(0) + 1);
        let names = match survivors.checked_sub(1).and_then(|last| usize::try_from(last).ok()) {
            Some(last) => &self.unsynced_names[last],
            None => &self.durable_names,
        };
        losses.names = *names != self.names;
        let files =
            self.files.iter().map(|(id, file)| (*id, file.after_crash(random, &mut losses))).collect();
        let contents = Self {
            files,
            names: names.clone(),
            durable_names: names.clone(),
            unsynced_names: Vec::new(),
            next_id: self.next_id,
        };
        (contents, losses)
    }

    fn names_changed(&mut self) {
        self.unsynced_names.push(self.names.clone());
    }

    fn change(&mut self, file: FileId, change: Change) {
        let file = self.file_mut(file);
        change.apply(&mut file.seen);
        file.changes.push((change, Fate::Unsynced));
    }

    fn file_mut(&mut self, file: FileId) -> &mut File {
        self.files.get_mut(&file).expect("files are never forgotten")
    }
}

impl File {
    fn after_crash(&self, random: &mut Random, losses: &mut Losses) -> Self {
        // Out of eight crashes one keeps all, one nothing, the others a share.
        let share = random.below(8);
        let mut bytes = self.durable.clone();
        for (change, fate) in &self.changes {
            match change {
                _ if *fate == Fate::Synced => change.apply(&mut bytes),
                Change::Length(_) if share == 7 || (share > 0 && random.coin()) => change.apply(&mut bytes),
                Change::Length(_) => {}
                Change::Write { position, bytes: written } => {
                    write_in_part(&mut bytes, *position, written, share, random, losses);
                }
            }
        }
        Self { seen: bytes.clone(), durable: bytes, ..Self::default() }
    }
}

impl Change {
    fn apply(&self, target: &mut Vec<u8>) {
        match self {
            Self::Length(length) => target.resize(*length, 0),
            Self::Write { position, bytes } => {
                let end = position + bytes.len();
                if target.len() < end {
                    target.resize(end, 0);
                }
                target[*position..end].copy_from_slice(bytes);
            }
        }
    }
}

/// Writes the sectors that survive: of seven about as many as the share says, each by itself.
fn write_in_part(
    target: &mut Vec<u8>,
    position: usize,
    written: &[u8],
    share: u64,
    random: &mut Random,
    losses: &mut Losses,
) {
    let mut start = 0;
    while start < written.len() {
        let to_boundary = SECTOR_BYTES - (position + start) % SECTOR_BYTES;
        let mut sector = &written[start..written.len().min(start + to_boundary)];
        let survives = random.below(7) < share;
        // Rarely a sector itself is torn.
        if share < 7 && random.below(16) == 0 {
            let kept = random.below(u64::try_from(sector.len()).unwrap_or(1));
            sector = &sector[..usize::try_from(kept).unwrap_or(0)];
            losses.torn |= survives;
        }
        losses.reordered |= survives && losses.writes;
        losses.writes |= !survives;
        if survives {
            Change::Write { position: position + start, bytes: sector.to_vec() }.apply(target);
        }
        start += to_boundary;
    }
}
