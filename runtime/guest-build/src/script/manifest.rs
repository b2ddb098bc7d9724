//! The author's `plugin.toml`: parses the parts that a build needs, and embeds the whole file in the
//! component.

use std::path::Path;

use serde::Deserialize;
use wasm_encoder::{ComponentSection, CustomSection};

use super::{ScriptError, read};

/// The section that the host reads.
const SECTION: &str = "camshaft:manifest";

/// The capability to send requests.
const HTTP: &str = "http";

/// The content of `plugin.toml`.
pub struct AuthorsManifest {
    /// The plugin's name.
    pub name: String,
    /// All event types that it subscribes to.
    pub types: Vec<String>,
    /// Whether it asks for the capability to send requests.
    pub sends: bool,
    text: String,
}

impl AuthorsManifest {
    /// Reads the file in the plugin's `folder`.
    pub fn read(folder: &Path) -> Result<Self, ScriptError> {
        #[derive(Deserialize)]
        struct Document {
            name: String,
            #[serde(default)]
            subscriptions: Vec<Subscription>,
            #[serde(default)]
            capabilities: Vec<String>,
        }
        #[derive(Deserialize)]
        struct Subscription {
            #[serde(default)]
            types: Vec<String>,
        }
        let path = folder.join("plugin.toml");
        if !path.is_file() {
            return Err(ScriptError::FileMissing {
                file: "plugin.toml".to_owned(),
                folder: folder.to_path_buf(),
                purpose: "it contains the plugin's name and subscriptions",
            });
        }
        let text = read(&path)?;
        let document: Document = toml::from_str(&text)
            .map_err(|error| ScriptError::Invalid { path: path.clone(), reason: error.to_string() })?;
        // The name becomes a file name.
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if document.name.is_empty() || !document.name.chars().all(is_plain) {
            let reason = format!(
                "`name` is \"{}\"; a name may contain only letters a to z, digits and -",
                document.name
            );
            return Err(ScriptError::Invalid { path, reason });
        }
        let types = document.subscriptions.into_iter().flat_map(|subscription| subscription.types).collect();
        let sends = document.capabilities.iter().any(|capability| capability == HTTP);
        Ok(Self { name: document.name, types, sends, text })
    }

    /// The text of the file.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Appends the whole file to the component, as the only record of the section.
    pub fn embed(&self, component: &mut Vec<u8>) {
        let length = u32::try_from(self.text.len()).expect("a manifest is a short text");
        let mut record = length.to_le_bytes().to_vec();
        record.extend_from_slice(self.text.as_bytes());
        CustomSection { name: SECTION.into(), data: record.into() }.append_to_component(component);
    }

    /// The types as a list that is valid in both JavaScript and Python.
    pub fn types_as_json(&self) -> String {
        serde_json::to_string(&self.types).expect("text is JSON")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn manifest(text: &str) -> Result<AuthorsManifest, ScriptError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("plugin.toml"), text).unwrap();
        AuthorsManifest::read(folder.path())
    }

    #[test]
    fn name_and_types_are_read_and_the_whole_text_is_embedded() {
        let text = "name = \"stock\"\n[[subscriptions]]\ntypes = [\"a.b\"]\n[[subscriptions]]\ntypes = [\"c\", \"d\"]";
        let manifest = manifest(text).unwrap();
        assert_eq!(
            (manifest.name.as_str(), manifest.types_as_json().as_str()),
            ("stock", r#"["a.b","c","d"]"#)
        );
        assert!(!manifest.sends);
        let mut component = b"\0asm\x0d\x00\x01\x00".to_vec();
        manifest.embed(&mut component);
        let record = component.split_off(component.len() - text.len());
        assert_eq!(record, text.as_bytes());
        assert!(component.ends_with(&u32::try_from(text.len()).unwrap().to_le_bytes()));
        assert!(component.windows(SECTION.len()).any(|name| name == SECTION.as_bytes()));
    }

    #[test]
    fn who_asks_for_http_sends() {
        assert!(manifest("capabilities = [\"http\"]\nname = \"hook\"").unwrap().sends);
        assert!(!manifest("capabilities = [\"files\"]\nname = \"hook\"").unwrap().sends);
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_place() {
        let reason = |text: &str| manifest(text).err().expect("refused").to_string();
        assert!(reason("version = 1").contains("missing field `name`"), "{}", reason("version = 1"));
        assert!(reason("name = ").contains("line 1"), "{}", reason("name = "));
        assert!(reason("name = \"../x\"").ends_with("a name may contain only letters a to z, digits and -"));
        let empty = tempfile::tempdir().unwrap();
        let text = AuthorsManifest::read(empty.path()).err().expect("refused").to_string();
        assert!(text.starts_with("there is no plugin.toml in "), "{text}");
    }
}
