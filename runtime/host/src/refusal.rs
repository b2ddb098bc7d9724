//! Why a plugin is not loaded: one code for programs, one sentence and one hint for people.
//!
//! Every step of loading answers with it; the CLI, the HTTP interface and the system events pass it on as it
//! is. Failures of a running handler are not refusals, see `instance`.

use serde::Serialize;
use thiserror::Error;

/// Longest message, and longest hint, in bytes.
const MAX_TEXT_BYTES: usize = 4 * 1024;

/// A plugin was not taken. Nothing that ran before is disturbed by it.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize)]
#[error("{message}")]
pub struct Refusal {
    /// Kebab-case and stable; one of [`codes`].
    pub code: &'static str,
    /// What could not be done to what, and where.
    pub message: String,
    /// What to do about it, as a sentence.
    pub hint: String,
}

impl Refusal {
    /// A refusal with one of the [`codes`].
    ///
    /// Names and texts in the message come from files, whose authors choose their length: it is cut where it is
    /// longer than 4 KiB.
    pub fn new(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, message: cut(message.into()), hint: cut(hint.into()) }
    }
}

fn cut(mut text: String) -> String {
    if text.len() > MAX_TEXT_BYTES {
        text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES));
        text.shrink_to_fit();
        text.push('…');
    }
    text
}

/// The codes a [`Refusal`] may carry. They never change their meaning.
pub mod codes {
    /// The file is not WebAssembly.
    pub const NOT_WASM: &str = "not-wasm";
    /// The file ends before its content does.
    pub const TRUNCATED_WASM: &str = "truncated-wasm";
    /// The file is longer than allowed.
    pub const PLUGIN_TOO_LARGE: &str = "plugin-too-large";
    /// It has more of something than a plugin may have, and compiling it could take all memory or time.
    pub const PLUGIN_TOO_COMPLEX: &str = "plugin-too-complex";
    /// It is WebAssembly, but breaks its rules or uses what this host does not run.
    pub const INVALID_COMPONENT: &str = "invalid-component";
    /// It is a component of some other kind.
    pub const UNSUPPORTED_WORLD: &str = "unsupported-world";
    /// It is written against another version of the contract.
    pub const UNSUPPORTED_CONTRACT_VERSION: &str = "unsupported-contract-version";
    /// It has no manifest.
    pub const MISSING_MANIFEST: &str = "missing-manifest";
    /// The manifest or the operator's file says something that cannot be.
    pub const INVALID_MANIFEST: &str = "invalid-manifest";
    /// Two handlers of the plugin claim the same event types.
    pub const OVERLAPPING_SUBSCRIPTIONS: &str = "overlapping-subscriptions";
    /// It imports what this host does not give.
    pub const UNKNOWN_IMPORT: &str = "unknown-import";
    /// It asks for a capability that the operator did not grant.
    pub const CAPABILITY_NOT_GRANTED: &str = "capability-not-granted";
    /// It asks for a capability that does not exist.
    pub const UNKNOWN_CAPABILITY: &str = "unknown-capability";
    /// A secret that the operator names cannot be read.
    pub const SECRET_UNAVAILABLE: &str = "secret-unavailable";
    /// It could not be compiled.
    pub const COMPILE_FAILED: &str = "compile-failed";
    /// It could not be started within its limits.
    pub const INSTANTIATION_FAILED: &str = "instantiation-failed";
    /// Another file already is the plugin of this name.
    pub const DUPLICATE_PLUGIN_NAME: &str = "duplicate-plugin-name";
    /// Another version is to run, and no copy of that was kept.
    pub const VERSION_NOT_KEPT: &str = "version-not-kept";
    /// A fault of the host itself came up while it loaded the file.
    pub const INTERNAL: &str = "internal";
    /// A file could not be read or written.
    pub const IO: &str = "io";
}
