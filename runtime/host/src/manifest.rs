//! The manifest: what a plugin is called, what it wants, and what it may use.
//!
//! The author's lies in the `.wasm` as records of a custom section; the operator's file beside it overrides
//! policy, limits and settings, and alone grants. The loader and `camshaft check` assemble both into one
//! [`Manifest`]; nothing here looks at code.

mod assemble;
mod bounds;
mod commands;
mod document;
mod http;
mod merge;
mod mistake;
mod origins;
mod rules;
mod section;
mod sources;
mod values;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use camshaft_event::{Limits, Policy, Start, Subscription};
use serde::Serialize;

use crate::{Refusal, RefusalCode};
pub use commands::CommandDeclaration;
pub use http::{HttpRule, SecretSource};
pub use mistake::toml_mistake;
pub use origins::{Origin, Origins};
use sources::Sources;
pub use values::{duration_ms, size_bytes};

/// A plugin's manifest, with what the operator's file changes in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// The plugin's identity: the name of its consumer, its state, and its events' source.
    pub name: String,
    /// The author's version.
    pub version: String,
    /// One line for people.
    pub description: Option<String>,
    /// What its handlers want.
    pub subscriptions: Vec<Subscription>,
    /// The commands that it decides, if it is an aggregate.
    pub commands: Vec<CommandDeclaration>,
    /// Event types it may publish.
    pub publishes: BTreeSet<String>,
    /// What it asks for beyond the contract's interfaces.
    pub capabilities: BTreeSet<String>,
    /// What the operator gave of that.
    pub grants: BTreeSet<String>,
    /// Whether it is a template whose operator has yet to say what it takes.
    pub is_open: bool,
    /// Where its requests may go, with the grant `http`.
    pub http: Vec<HttpRule>,
    /// Where the secrets lie that may be put into them.
    pub secrets: BTreeMap<String, SecretSource>,
    /// Where its consumer begins, used once.
    pub start: Start,
    /// The form of its state: code of a lower revision cannot read that of a higher one.
    pub state_revision: u64,
    /// How its events are delivered.
    pub policy: Policy,
    /// What one attempt may use.
    pub limits: Limits,
    /// Settings that the guest may read.
    pub config: BTreeMap<String, String>,
    /// Who wrote the keys of policy, limits and config.
    #[serde(skip)]
    pub origins: Origins,
}

impl Manifest {
    /// Who wrote a key such as `policy.max_attempts`.
    #[must_use]
    pub fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).copied().unwrap_or(Origin::Default)
    }
}

/// The operator's `<stem>.toml` beside `<stem>.wasm`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorFile {
    /// Where it was read; named in refusals.
    pub path: PathBuf,
    text: String,
}

impl Manifest {
    /// Assembles the manifest of the plugin `file` from the contents of its manifest sections and the
    /// operator's file.
    ///
    /// # Errors
    /// `missing-manifest`, `invalid-manifest` or `overlapping-subscriptions`.
    pub fn assemble(
        file: &Path,
        sections: &[Vec<u8>],
        operator: Option<&OperatorFile>,
    ) -> Result<Self, Refusal> {
        assemble::assemble(file, sections, operator)
    }

    /// Refuses two handlers that claim the same event types: exactly one handler runs per event.
    pub(crate) fn refuse_overlap(&self, origin: &str) -> Result<(), Refusal> {
        for (at, one) in self.subscriptions.iter().enumerate() {
            for other in self.subscriptions.iter().skip(at + 1) {
                let pairs =
                    one.types.iter().flat_map(|ours| other.types.iter().map(move |their| (ours, their)));
                if let Some((ours, theirs)) = { pairs }.find(|(ours, theirs)| ours.overlaps(theirs)) {
                    return Err(Refusal::new(
                        RefusalCode::OverlappingSubscriptions,
                        format!(
                            "in {origin} the handlers \"{}\" and \"{}\" subscribe to the same events: \
                             \"{ours}\" and \"{theirs}\" overlap",
                            one.handler, other.handler
                        ),
                        "Narrow one of the two patterns; exactly one handler runs per event.",
                    ));
                }
            }
        }
        Ok(())
    }
}

impl Manifest {
    /// All that the operator granted, one text each: the grants themselves, and what they reach.
    #[must_use]
    pub fn granted(&self) -> Vec<String> {
        let rules = self.http.iter().map(|rule| format!("http {rule}"));
        self.grants.iter().cloned().chain(rules).collect()
    }

    /// What the operator gave that the plugin does not ask for, each as a sentence.
    #[must_use]
    pub fn unused_grants(&self) -> Vec<String> {
        let unused = self.grants.difference(&self.capabilities);
        unused.map(|grant| format!("\"{grant}\" is granted but not requested")).collect()
    }

    /// A secret that a rule names has to lie somewhere.
    fn refuse_unknown_secrets(&self, origin: &str) -> Result<(), Refusal> {
        for rule in &self.http {
            if rule.secrets.iter().any(|secret| !self.secrets.contains_key(secret)) {
                // Not which: the secret itself may stand in place of its name.
                let known: Vec<String> = self.secrets.keys().map(|name| format!("\"{name}\"")).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(document::invalid(
                    format!(
                        "in {origin} `secrets` of the rule for \"{}\" has a name that is not in [secrets]; \
                         it defines {known}",
                        rule.host
                    ),
                    "Define it: `[secrets]` with `name = { env = \"VARIABLE\" }` or `{ file = \"path\" }`.",
                ));
            }
        }
        Ok(())
    }
}

impl OperatorFile {
    /// Reads the operator's file at `path`.
    ///
    /// # Errors
    /// `io` if it cannot be read, otherwise as [`OperatorFile::parse`].
    pub fn read(path: &Path) -> Result<Self, Refusal> {
        Self::parse(path, &read_operator(path)?)
    }

    /// Takes `text` as the operator's file at `path`. What its keys mean is looked at together with the
    /// author's, by [`Manifest::assemble`].
    ///
    /// # Errors
    /// `invalid-manifest` for a text that is too long, is not TOML or holds too much.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Refusal> {
        Sources::default().parse(&quoted(path), text)?;
        Ok(Self { path: path.to_owned(), text: text.to_owned() })
    }
}

impl OperatorFile {
    /// The longest text that is taken, in bytes.
    pub const MAX_BYTES: u64 = bounds::MAX_BYTES as u64;

    /// The key by which it gives the plugin more than its author could say, if there is one: `grants`, `http`
    /// or `secrets`. Such a file is written on the runtime's own machine only.
    ///
    /// # Errors
    /// As [`OperatorFile::parse`]; a file that was parsed does not fail here.
    pub fn gives(&self) -> Result<Option<&'static str>, Refusal> {
        let path = quoted(&self.path);
        Ok(rules::giving_key(&Sources::default().parse(&path, &self.text)?))
    }
}

/// The text of the operator's file at `path`.
pub(crate) fn read_operator(path: &Path) -> Result<String, Refusal> {
    read_bounded(path, bounds::MAX_BYTES as u64).map_err(|error| {
        let message = format!("cannot read {}: {error}", quoted(path));
        Refusal::new(RefusalCode::Io, message, "Check that the file is text and that this user may read it.")
    })
}

/// The text of a file of at most `max_bytes`. Secrets are read by it, too.
pub(crate) fn read_bounded(path: &Path, max_bytes: u64) -> io::Result<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    // One byte more than allowed tells a longer file from one that just fits.
    let length = io::Read::read_to_string(&mut io::Read::take(file, max_bytes + 1), &mut text)?;
    if length as u64 > max_bytes {
        let message = format!("it is longer than {max_bytes} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(text)
}

fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display())
}

fn missing(file: &Path) -> Refusal {
    Refusal::new(
        RefusalCode::MissingManifest,
        format!("\"{}\" has no manifest", file.display()),
        format!(
            "Build it with `camshaft build`, or put a manifest that begins with `manifest = 1` into \"{}\".",
            file.with_extension("toml").display()
        ),
    )
}
