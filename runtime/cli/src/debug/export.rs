//! A dead letter for another machine: one JSON file with all inputs of its last attempt.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use camshaft_wire::{DeadLetterView, ErrorCode, LimitsView};
use serde::{Deserialize, Serialize};

use super::{
    super::{failure::Failure, output},
    finding::Component,
};

/// The format version of the file. Increase it when the meaning of the content changes.
const FORM: u32 = 1;

/// Everything needed to rerun the last attempt.
#[derive(Debug, Serialize, Deserialize)]
pub struct Export {
    camshaft_debug: u32,
    pub letter: DeadLetterView,
    /// The current limits of the plugin's attempts.
    #[serde(default)]
    limits: Option<LimitsView>,
    /// Where the runtime may store the plugin. These paths mean nothing on another machine.
    #[serde(skip)]
    pub files: Vec<PathBuf>,
    /// The plugin, in base64, if it was found.
    #[serde(default)]
    wasm_base64: Option<String>,
}

impl Export {
    pub fn new(files: Vec<PathBuf>, limits: Option<LimitsView>, letter: DeadLetterView) -> Self {
        Self { camshaft_debug: FORM, letter, limits, files, wasm_base64: None }
    }

    pub fn read(file: &Path) -> Result<Self, Failure> {
        let wrong = |reason: String| {
            let message = format!("\"{}\" is not an export of a dead letter: {reason}", file.display());
            Failure::new(ErrorCode::NotDebuggable, message)
        };
        let text = fs::read(file).map_err(|error| Failure::read(file.display(), &error))?;
        let export: Self = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        match export.camshaft_debug {
            FORM => Ok(export),
            other => Err(wrong(format!("it has format {other}; this camshaft reads format {FORM}"))),
        }
    }

    /// Writes the file, with the plugin that `wasm` names or the one that failed.
    pub fn write(mut self, file: &Path, wasm: Option<&Path>, json: bool) -> Result<(), Failure> {
        match Component::find(&self, wasm) {
            Ok(component) => {
                let bytes = fs::read(component.path())
                    .map_err(|error| Failure::read(component.path().display(), &error))?;
                self.wasm_base64 = Some(STANDARD.encode(bytes));
            }
            Err(failure) if wasm.is_some() => return Err(failure),
            Err(_) => {
                output::note(&format!(
                    "the plugin {} was not found, so the file does not contain it",
                    self.letter.digest
                ));
                output::hint("Pass `--wasm FILE` to include a plugin.");
            }
        }
        let text = serde_json::to_vec(&self).expect("an export serializes to JSON");
        fs::write(file, text).map_err(|error| Failure::write(file.display(), &error))?;
        if json {
            return output::json(&serde_json::json!({
                "file": file, "digest": self.letter.digest, "plugin_included": self.wasm_base64.is_some(),
            }));
        }
        output::line(&file.display().to_string())
    }

    /// The included plugin.
    pub fn wasm(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.wasm_base64.as_ref()?).ok()
    }

    /// An operator's file with the limits of the runtime in which the attempt failed.
    pub fn limits(&self) -> String {
        match self.limits {
            None => String::new(),
            Some(LimitsView { deadline_ms, memory_bytes, .. }) => {
                format!("[limits]\ndeadline = \"{deadline_ms}ms\"\nmemory = \"{memory_bytes}B\"\n")
            }
        }
    }
}
