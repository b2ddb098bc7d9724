//! One finding: the damage, what it affects, and the remedy.

use camshaft_event::{ConsumerId, Offset};
use camshaft_log::Damage;
use camshaft_tables::EntryDamage;
use serde::Serialize;

/// One damaged part of a data directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file or table, below the data directory.
    pub place: String,
    /// The position in the file, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// The damage.
    pub found: String,
    /// What cannot continue because of it: consumers by name, or the runtime as a whole.
    pub affects: String,
    /// The remedy.
    pub remedy: String,
}

/// What the tables say of who needs which part of the log.
#[derive(Clone, Debug, Default)]
pub struct TablesSummary {
    /// The last transaction that the tables hold.
    pub snapshot: u64,
    /// Consumers, and the offset before which each has handled everything; none if that cannot be read.
    pub consumers: Vec<(ConsumerId, String, Option<Offset>)>,
}

const ALL: &str = "the runtime: it does not start";
const RESTORE: &str = "Keep a copy of the data directory, then restore it from a backup.";
const REBUILD: &str =
    "Move the folder \"tables\" out of the data directory; the next start rebuilds it from the log.";

pub fn of_log(damage: &Damage, summary: &TablesSummary) -> Finding {
    let place = format!("log/{}", damage.file);
    let position = Some(damage.position);
    let Some((from, until)) = damage.offsets else {
        let is_mark = damage.sequence.is_none() && damage.file == "clean";
        let (affects, remedy) = if is_mark {
            let remedy = format!("Remove \"{place}\": it is only a hint that the last shutdown was clean.");
            ("nothing, unless the end of the log is also truncated".to_owned(), remedy)
        } else {
            (ALL.to_owned(), RESTORE.to_owned())
        };
        return Finding { place, position, found: damage.detail.clone(), affects, remedy };
    };
    let found = match until.checked_sub(from) {
        Some(0) | None => damage.detail.clone(),
        Some(_) => format!("{}; offsets {from} to {} are lost", damage.detail, until - 1),
    };
    let (affects, remedy) = if damage.sequence.is_none_or(|sequence| sequence > summary.snapshot) {
        (ALL.to_owned(), RESTORE.to_owned())
    } else if from == until {
        ("nothing: no event is lost".to_owned(), "Nothing.".to_owned())
    } else {
        let needs = |floor: &Option<Offset>| floor.is_none_or(|floor| floor.0 < until);
        let names: Vec<&str> =
            summary.consumers.iter().filter(|(.., floor)| needs(floor)).map(|(_, name, _)| &**name).collect();
        match names.as_slice() {
            [] => ("only readers of these offsets".to_owned(), "Nothing; or restore a backup.".to_owned()),
            names => {
                let skip: Vec<String> =
                    names.iter().map(|name| format!("`camshaft consumers skip {name}`")).collect();
                (names.join(", "), format!("Start the runtime, then {}.", skip.join(" and ")))
            }
        }
    };
    Finding { place, position, found, affects, remedy }
}

/// Damage to a file of kept facts.
pub fn of_kept(damage: &Damage) -> Finding {
    let Damage { file, position, detail, offsets, .. } = damage;
    let found = match offsets {
        Some((from, until)) => format!("{detail}; facts at offsets {from} to {} are lost", until - 1),
        None => detail.clone(),
    };
    Finding {
        place: format!("log/kept/{file}"),
        position: Some(*position),
        found,
        affects: "scopes with facts there: their folds cannot be made again".to_owned(),
        remedy: RESTORE.to_owned(),
    }
}

pub fn of_entries(damage: &EntryDamage, summary: &TablesSummary, is_whole: bool) -> Finding {
    let owner = damage.consumer.and_then(|id| summary.consumers.iter().find(|(known, ..)| *known == id));
    let (affects, remedy) = match owner {
        Some((_, name, _)) => {
            (name.clone(), format!("Start the runtime, then `camshaft consumers reset {name} --to WHERE`."))
        }
        None if damage.consumer.is_some() => {
            ("nothing: its consumer was removed".to_owned(), "Nothing.".to_owned())
        }
        None => (ALL.to_owned(), RESTORE.to_owned()),
    };
    let found = format!("{}: {}", damage.what, damage.detail);
    let remedy = if is_whole { REBUILD.to_owned() } else { remedy };
    Finding { place: "tables".to_owned(), position: None, found, affects, remedy }
}

/// Tables that cannot be opened.
pub fn of_tables(found: String) -> Finding {
    let (affects, remedy) = (ALL.to_owned(), RESTORE.to_owned());
    Finding { place: "tables".to_owned(), position: None, found, affects, remedy }
}

impl Finding {
    /// Names the better remedy for damaged tables, if the log holds everything from its first record on.
    pub fn offer_rebuilding(&mut self, is_whole: bool) {
        if is_whole && self.place == "tables" {
            REBUILD.clone_into(&mut self.remedy);
        }
    }
}
