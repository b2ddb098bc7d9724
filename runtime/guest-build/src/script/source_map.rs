//! The source map that esbuild writes beside a bundle. It maps positions in the bundle to the author's files.
//!
//! The SDK reads it in the component, for stack traces; the build reads it for errors of the module's
//! top-level code.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{ScriptError, read_json};

/// The used part of a source map, version 3.
#[derive(Debug, Deserialize, Serialize)]
pub struct SourceMap {
    /// Files, relative to the plugin's folder.
    sources: Vec<String>,
    /// Lines are separated by `;`, positions within a line by `,`; a position has up to five numbers.
    mappings: String,
}

/// A position in the author's files: source, line and column, counted from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    source: i64,
    line: i64,
    column: i64,
}

impl SourceMap {
    /// Reads the map of `bundle`, with file names relative to `folder`.
    pub fn beside(bundle: &Path, folder: &Path) -> Result<Self, ScriptError> {
        let mut map: Self = read_json(&bundle.with_extension("js.map"))?;
        let from = bundle.parent().unwrap_or(folder);
        // A name in angle brackets is a definition of esbuild, not a file.
        for source in map.sources.iter_mut().filter(|source| !source.starts_with('<')) {
            let path = plain(&from.join(&*source));
            let path = path.strip_prefix(folder).unwrap_or(&path);
            *source = path.to_string_lossy().into_owned();
        }
        Ok(map)
    }

    /// The map in the form that the SDK reads.
    pub fn as_json(&self) -> String {
        serde_json::to_string(self).expect("text is JSON")
    }

    /// Replaces each `bundle.js:LINE:COLUMN` in `text` by the position in the author's files.
    pub fn in_authors_files(&self, text: &str) -> String {
        const BUNDLE: &str = "bundle.js:";
        let mut pieces = text.split(BUNDLE);
        let mut shown = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let end = piece.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(piece.len());
            let (numbers, rest) = piece.split_at(end);
            let place = numbers.trim_end_matches(':').split_once(':').and_then(|(line, column)| {
                let (line, column) = (line.parse::<usize>().ok()?, column.parse::<i64>().ok()?);
                self.place(line.checked_sub(1)?, column - 1)
            });
            let source = place.and_then(|place| self.sources.get(usize::try_from(place.source).ok()?));
            match (place, source) {
                (Some(Place { line, column, .. }), Some(source)) => {
                    shown.push_str(&format!("{source}:{}:{}", line + 1, column + 1));
                }
                _ => shown.push_str(&format!("{BUNDLE}{}", numbers.trim_end_matches(':'))),
            }
            shown.push_str(numbers.get(numbers.trim_end_matches(':').len()..).unwrap_or_default());
            shown.push_str(rest);
        }
        shown
    }

    /// The origin of a position in the bundle; lines and columns are counted from 0.
    fn place(&self, line: usize, column: i64) -> Option<Place> {
        let mut place = Place::default();
        let mut found = None;
        for (number, text) in self.mappings.split(';').take(line + 1).enumerate() {
            let mut generated = 0;
            for segment in text.split(',') {
                let numbers = numbers(segment);
                let [columns, rest @ ..] = numbers.as_slice() else { continue };
                generated += columns;
                let original = match rest {
                    [source, line, column, ..] => {
                        place.source += source;
                        place.line += line;
                        place.column += column;
                        Some(place)
                    }
                    _ => None,
                };
                if number == line && generated <= column {
                    found = original;
                }
            }
        }
        found
    }
}

/// Decodes the numbers of a segment: base 64, five bits per digit, the sign in the lowest bit.
fn numbers(segment: &str) -> Vec<i64> {
    let mut found = Vec::new();
    let (mut value, mut shift) = (0_i64, 0_u32);
    for digit in segment.bytes() {
        let bits = i64::from(match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            _ => 63,
        });
        value |= (bits & 31).checked_shl(shift).unwrap_or_default();
        shift += 5;
        if bits & 32 == 0 {
            found.push(if value & 1 == 1 { -(value >> 1) } else { value >> 1 });
            (value, shift) = (0, 0);
        }
    }
    found
}

/// The path without `..`. Symbolic links are already resolved.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn places_of_the_bundle_are_told_in_the_authors_files() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = folder.path().join("target/scratch");
        fs::create_dir_all(&scratch).unwrap();
        let map = r#"{"version":3,"sources":["../../vendor/camshaft.js","../../plugin.ts","<define:X>"],"mappings":";AAAA;ICUE"}"#;
        fs::write(scratch.join("bundle.js.map"), map).unwrap();
        let map = SourceMap::beside(&scratch.join("bundle.js"), folder.path()).unwrap();
        assert_eq!(
            map.as_json(),
            r#"{"sources":["vendor/camshaft.js","plugin.ts","<define:X>"],"mappings":";AAAA;ICUE"}"#
        );
        assert_eq!(
            map.in_authors_files(
                "bundle.js:3:9 Error: no\nStack:\n  a@bundle.js:2:1:\n  b@bundle.js:1:1\n  c@bundle.js"
            ),
            "plugin.ts:11:3 Error: no\nStack:\n  a@vendor/camshaft.js:1:1:\n  b@bundle.js:1:1\n  c@bundle.js"
        );
    }
}
