//! What one plugin's requests may reach, and the secrets that the host puts into them.
//!
//! Made once when the plugin is loaded, from the operator's rules; shared by all its instances.

use std::{
    collections::BTreeMap,
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
};

pub use super::placeholder::Place;
use super::{address::Destination, http::CAPABILITY, placeholder};
use crate::{
    Manifest, Refusal, RefusalCode,
    manifest::{HttpRule, SecretSource, read_bounded},
};

/// Longest secret, in bytes.
const MAX_SECRET_BYTES: u64 = 16 * 1024;

/// The rules of one plugin, and its secrets.
pub struct Access {
    rules: Vec<HttpRule>,
    secrets: BTreeMap<String, String>,
    /// Where the rules stand, for who has to add one.
    operator_file: PathBuf,
}

impl fmt::Debug for Access {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl Access {
    /// What `manifest`, loaded from `file`, gives access to.
    ///
    /// # Errors
    /// Rules without the capability or the other way round, and secrets that cannot be read.
    pub fn of(manifest: &Manifest, file: &Path) -> Result<Self, Refusal> {
        let operator_file = file.with_extension("toml");
        if manifest.capabilities.contains(CAPABILITY) == manifest.http.is_empty() {
            return Err(mismatch(manifest, &operator_file));
        }
        let mut secrets = BTreeMap::new();
        for (name, source) in &manifest.secrets {
            secrets.insert(name.clone(), read(manifest, name, source, &operator_file)?);
        }
        Ok(Self { rules: manifest.http.clone(), secrets, operator_file })
    }

    /// None at all, for a plugin that is only looked at.
    pub fn none(file: &Path) -> Self {
        Self { rules: Vec::new(), secrets: BTreeMap::new(), operator_file: file.with_extension("toml") }
    }

    /// The rule that allows such a request.
    ///
    /// # Errors
    /// What is missing, and where it would have to stand.
    pub fn rule(&self, method: &str, tls: bool, host: &str, port: u16) -> Result<&HttpRule, String> {
        let here =
            |rule: &&HttpRule| rule.tls == tls && rule.port == port && rule.host.eq_ignore_ascii_case(host);
        let found = self.rules.iter().filter(here);
        found.clone().find(|rule| rule.methods.iter().any(|allowed| allowed == method)).ok_or_else(|| {
            let scheme = if tls { "https" } else { "http" };
            let wanted = format!("denied: {method} {scheme}://{host}:{port}");
            let file = self.operator_file.display();
            match found.count() {
                0 => format!("{wanted}: no [[http]] in \"{file}\" has this host, port and `tls`"),
                _ => format!("{wanted}: `methods` of its [[http]] in \"{file}\" lacks \"{method}\""),
            }
        })
    }

    /// Why a request to a name that a rule allows is denied: the address that it resolves to is not public.
    pub fn prohibited(&self, to: &Destination, address: IpAddr, class: &str) -> String {
        let (Destination { host, port, .. }, file) = (to, self.operator_file.display());
        format!(
            "denied: {host}:{port} resolves to {address}, a {class} address: `private = true` is missing in the [[http]] \
             of this host in \"{file}\""
        )
    }

    /// `text` with its placeholders replaced by secrets as they may stand in `place`; nothing if it has none.
    ///
    /// # Errors
    /// A placeholder that cannot be replaced, and a secret that does not exist or that `rule` does not name.
    pub fn with_secrets(
        &self,
        rule: &HttpRule,
        text: &[u8],
        place: Place,
    ) -> Result<Option<Vec<u8>>, String> {
        placeholder::replace(text, place, &|name| {
            let is_named = rule.secrets.iter().any(|allowed| allowed == name);
            self.secrets.get(name).filter(|_| is_named).map(String::as_str).ok_or_else(|| {
                let file = self.operator_file.display();
                format!(
                    "denied: the secret \"{name}\" is not allowed for {}: `secrets` of its [[http]] in \
                     \"{file}\" lacks it",
                    rule.host
                )
            })
        })
    }
}

fn mismatch(manifest: &Manifest, operator_file: &Path) -> Refusal {
    let (name, file) = (&manifest.name, operator_file.display());
    if manifest.http.is_empty() {
        return Refusal::new(
            RefusalCode::InvalidManifest,
            format!("plugin \"{name}\" is granted \"{CAPABILITY}\", but no [[http]] allows a destination"),
            format!("Add [[http]] with `host`, `port` and `methods` to \"{file}\"."),
        );
    }
    Refusal::new(
        RefusalCode::InvalidManifest,
        format!(
            "\"{file}\" has [[http]], but plugin \"{name}\" does not request capability \"{CAPABILITY}\""
        ),
        "Remove the rules, or update the plugin.",
    )
}

fn read(
    manifest: &Manifest,
    name: &str,
    source: &SecretSource,
    operator_file: &Path,
) -> Result<String, Refusal> {
    let found = match source {
        // What is named is not said: the secret itself may stand in place of its name.
        SecretSource::Env(variable) => std::env::var(variable).map_err(|_| {
            "the environment variable in [secrets] is not set, or is not Unicode text".to_owned()
        }),
        SecretSource::File(path) => {
            let path = operator_file.parent().unwrap_or(Path::new("")).join(path);
            read_bounded(&path, MAX_SECRET_BYTES)
                .map_err(|error| format!("the file in [secrets] cannot be read: {error}"))
        }
    };
    let secret = found.and_then(|text| {
        let text = text.trim_end_matches(['\r', '\n']);
        let fits = !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
        // What is wrong is said without showing any of it.
        fits.then(|| text.to_owned())
            .ok_or_else(|| "it is empty, or not a single line of plain text".to_owned())
    });
    secret.map_err(|why| {
        Refusal::new(
            RefusalCode::SecretUnavailable,
            format!("the secret \"{name}\" of plugin \"{}\" is unavailable: {why}", manifest.name),
            format!("Provide the secret, then touch \"{}\" to reload it.", operator_file.display()),
        )
    })
}
