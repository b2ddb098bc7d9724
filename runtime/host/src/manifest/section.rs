//! The custom section `camshaft:manifest`: records, each behind its length.
//!
//! Linkers may join sections of one name, and a component may hold several modules; so records are simply
//! counted through. Each is a TOML document.

use std::path::Path;

use super::bounds::MAX_RECORDS;
use crate::{Refusal, RefusalCode};

/// The records of all sections, in file order.
pub fn records<'s>(sections: &'s [Vec<u8>], file: &Path) -> Result<Vec<&'s str>, Refusal> {
    let mut records = Vec::new();
    for section in sections {
        let mut rest = section.as_slice();
        while !rest.is_empty() {
            let (record, after) = split_record(rest).ok_or_else(|| damaged(file))?;
            if records.len() == MAX_RECORDS {
                return Err(Refusal::new(
                    RefusalCode::InvalidManifest,
                    format!("the manifest in \"{}\" has more than {MAX_RECORDS} records", file.display()),
                    "Put the plugin's subscriptions into fewer records, or split the plugin.",
                ));
            }
            records.push(std::str::from_utf8(record).map_err(|_| damaged(file))?);
            rest = after;
        }
    }
    Ok(records)
}

/// One record behind its length, a little-endian u32, and what follows it.
fn split_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

fn damaged(file: &Path) -> Refusal {
    Refusal::new(
        RefusalCode::InvalidManifest,
        format!("the section `camshaft:manifest` of \"{}\" is damaged", file.display()),
        "Rebuild the plugin; the section consists of records, each after its length as a little-endian u32.",
    )
}
