//! A plugin's files as they were read: what is loaded, compared with other versions and kept are the same
//! bytes.
//!
//! The composition reads each version once through [`Host::read`](crate::Host::read), and makes one of what
//! it kept before. Nothing here looks into the bytes.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Refusal, artifact, manifest};

/// The bytes of a `.wasm` and the text of the operator's file beside it.
#[derive(Clone, Debug)]
pub struct Source {
    file: PathBuf,
    wasm: Vec<u8>,
    operator: Option<String>,
    content: Content,
}

/// By what versions are told apart, down to the last byte.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Content {
    /// SHA-256 of the `.wasm`, in hexadecimal.
    pub digest: String,
    /// SHA-256 of the operator's file, if there is one, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
}

impl Source {
    /// What was kept of the files that once were `file` and the operator's beside it.
    #[must_use]
    pub fn new(file: PathBuf, wasm: Vec<u8>, operator: Option<String>) -> Self {
        let content = Content {
            digest: artifact::hexadecimal(&Sha256::digest(&wasm)),
            operator: operator.as_ref().map(|text| artifact::hexadecimal(&Sha256::digest(text))),
        };
        Self { file, wasm, operator, content }
    }

    pub(crate) fn read(file: &Path, operator: Option<&Path>, max_bytes: u64) -> Result<Self, Refusal> {
        let operator = operator.map(manifest::read_operator).transpose()?;
        Ok(Self::new(file.to_owned(), artifact::read(file, max_bytes)?, operator))
    }

    /// The `.wasm` that it was read from.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The bytes of the `.wasm`.
    #[must_use]
    pub fn wasm(&self) -> &[u8] {
        &self.wasm
    }

    /// The text of the operator's file.
    #[must_use]
    pub fn operator(&self) -> Option<&str> {
        self.operator.as_deref()
    }

    /// What tells it from other versions.
    #[must_use]
    pub const fn content(&self) -> &Content {
        &self.content
    }
}
