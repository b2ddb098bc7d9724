//! `[[http]]` and `[secrets]` of the operator's file: where a plugin's requests may go, and with what.
//!
//! Only form is judged here; secrets are read when the plugin is loaded.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Deserializer, Serialize, de::Error};

/// Requests to one host and port, by some methods, are allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HttpRule {
    /// The host as requests name it: a name or an address, in lower case.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether it is `https`.
    pub tls: bool,
    /// The methods, in upper case.
    pub methods: Vec<String>,
    /// The secrets that may be put into these requests.
    pub secrets: Vec<String>,
    /// Whether the host name may resolve to an address that is not public. An address as `host` needs it not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
}

/// Where a secret is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretSource {
    /// An environment variable of the runtime.
    Env(String),
    /// A file; a path that is not absolute begins at the operator's file.
    File(PathBuf),
}

/// As the operator writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with `host` and `methods`")]
struct Written {
    host: String,
    port: Option<u16>,
    #[serde(default = "yes")]
    tls: bool,
    methods: Vec<String>,
    #[serde(default)]
    secrets: Vec<String>,
    #[serde(default)]
    private: bool,
}

const fn yes() -> bool {
    true
}

impl<'de> Deserialize<'de> for HttpRule {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let Written { host, port, tls, methods, secrets, private } = Written::deserialize(source)?;
        if methods.is_empty() {
            return Err(D::Error::custom("`methods` is empty; write it like methods = [\"POST\"]"));
        }
        let is_token = |method: &String| !method.is_empty() && method.bytes().all(|c| c.is_ascii_uppercase());
        if let Some(method) = methods.iter().find(|method| !is_token(method)) {
            return Err(D::Error::custom(format!(
                "\"{method}\" is not a method; write it in upper case, like \"POST\""
            )));
        }
        Ok(Self {
            host: checked_host(&host).map_err(D::Error::custom)?,
            port: port.unwrap_or(if tls { 443 } else { 80 }),
            tls,
            methods,
            secrets,
            private,
        })
    }
}

/// The host alone: what stands around it in a URL has keys of its own.
fn checked_host(host: &str) -> Result<String, String> {
    let is_address = host.parse::<std::net::Ipv6Addr>().is_ok();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if host.is_empty() || !(is_address || host.chars().all(is_plain)) {
        // What stands there may hold a password.
        let shown = match host.contains('@') {
            true => "`host`".to_owned(),
            false => format!("\"{host}\""),
        };
        return Err(format!(
            "{shown} is not a host; write only its name or address, and use the keys `port` and `tls`"
        ));
    }
    Ok(host.to_ascii_lowercase())
}

impl HttpRule {
    /// `https` or `http`.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }
}

impl fmt::Display for HttpRule {
    /// Such as `POST https://hooks.internal:443`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}://{}:{}", self.methods.join("|"), self.scheme(), self.host, self.port)?;
        if !self.secrets.is_empty() {
            write!(f, " with {}", self.secrets.join(", "))?;
        }
        if self.private {
            write!(f, ", private addresses too")?;
        }
        Ok(())
    }
}
