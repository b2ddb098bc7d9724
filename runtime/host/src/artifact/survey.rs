//! One walk over the sections of a WebAssembly file: its form, its imports and exports, its manifest, its
//! bounds.
//!
//! Nothing is validated beyond what the walk needs; the compiler does that later. What is too much for a
//! compiler is refused by the walk.

use std::{collections::BTreeSet, path::Path};

use wasmparser::{ComponentTypeRef, Parser, Payload};

use super::{
    bounds::{self, Bounds, Fault},
    types::Types,
};
use crate::{Refusal, RefusalCode};

/// Name of the custom section that holds the author's manifest.
pub const MANIFEST_SECTION: &str = "camshaft:manifest";

/// What kind of WebAssembly a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// A component.
    Component,
    /// A core module, to be made a component.
    Module,
}

/// What the walk found.
#[derive(Debug)]
pub struct Survey {
    /// Component or core module.
    pub form: Form,
    /// Imports of the outermost component, or the modules a core module imports from.
    pub imports: Vec<String>,
    /// Imports of the outermost component that are instances without functions: interfaces that it takes only
    /// types of.
    pub type_imports: BTreeSet<String>,
    /// Exports of the outermost component.
    pub exports: Vec<String>,
    /// Contents of the manifest sections, at any depth, in file order.
    pub manifest_sections: Vec<Vec<u8>>,
    /// Whether a core module says which world it was built for.
    pub describes_world: bool,
    types: Types,
}

impl Survey {
    /// Walks over `bytes`; `file` is only named in refusals.
    pub fn of(bytes: &[u8], file: &Path) -> Result<Self, Refusal> {
        let mut survey = Self {
            form: form_of(bytes, file)?,
            imports: Vec::new(),
            type_imports: BTreeSet::new(),
            exports: Vec::new(),
            manifest_sections: Vec::new(),
            describes_world: false,
            types: Types::default(),
        };
        match survey.walk(bytes) {
            Ok(()) => Ok(survey),
            Err(Fault::Broken(error)) => Err(broken(&error, file)),
            Err(Fault::Beyond(what)) => Err(bounds::beyond(&what, file)),
        }
    }

    fn walk(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let (mut depth, mut bounds) = (0_u32, Bounds::default());
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            bounds.note(&payload, bytes)?;
            match payload {
                Payload::Version { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                payload => self.note(payload, depth)?,
            }
        }
        Ok(())
    }

    fn note(&mut self, payload: Payload<'_>, depth: u32) -> Result<(), Fault> {
        if depth == 1 {
            self.types.note(&payload)?;
        }
        match payload {
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    let import = import?;
                    // A type is only a name for something; it asks the host for nothing.
                    if !matches!(import.ty, ComponentTypeRef::Type(_)) {
                        self.imports.push(import.name.name.to_owned());
                    }
                    if self.types.is_without_functions(import.ty) {
                        self.type_imports.insert(import.name.name.to_owned());
                    }
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    self.exports.push(export?.name.name.to_owned());
                }
            }
            Payload::ImportSection(section) if depth == 1 => {
                for import in section.into_imports() {
                    self.imports.push(import?.module.to_owned());
                }
            }
            Payload::CustomSection(section) => {
                if section.name() == MANIFEST_SECTION {
                    self.manifest_sections.push(section.data().to_vec());
                }
                if depth == 1 && section.name().starts_with("component-type") {
                    self.describes_world = true;
                    // A module is made a component by reading this section, which holds one itself.
                    if self.form == Form::Module && Parser::is_component(section.data()) {
                        Bounds::check(section.data())?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Tells WebAssembly from everything else by its first eight bytes.
fn form_of(bytes: &[u8], file: &Path) -> Result<Form, Refusal> {
    let not_wasm = |what: &str, hint: &str| {
        let message = format!("\"{}\" is not a WebAssembly file: it is {what}", file.display());
        Err(Refusal::new(RefusalCode::NotWasm, message, hint))
    };
    let build = "Build the plugin with `camshaft build` and copy the `.wasm` file that it makes.";
    let Some(rest) = bytes.strip_prefix(b"\0asm") else {
        if b"\0asm".starts_with(bytes) && !bytes.is_empty() {
            return Err(truncated(file));
        }
        return match bytes {
            [] => not_wasm("empty", build),
            [0x7f, b'E', b'L', b'F', ..] => {
                not_wasm("native code", "Precompiled code is never loaded; copy the `.wasm` file itself.")
            }
            _ if bytes.trim_ascii_start().starts_with(b"(") => {
                not_wasm("WebAssembly text", "Convert it to the binary format first.")
            }
            _ if std::str::from_utf8(bytes).is_ok() => not_wasm("text", build),
            _ => not_wasm("something else", build),
        };
    };
    if rest.len() < 4 {
        return Err(truncated(file));
    }
    if Parser::is_component(bytes) {
        Ok(Form::Component)
    } else if Parser::is_core_wasm(bytes) {
        Ok(Form::Module)
    } else {
        let message = format!("\"{}\" has a WebAssembly version that is not supported", file.display());
        Err(Refusal::new(RefusalCode::InvalidComponent, message, "Build it with a current toolchain."))
    }
}

fn broken(error: &wasmparser::Error, file: &Path) -> Refusal {
    if error.message().contains("unexpected end") {
        return truncated(file);
    }
    Refusal::new(
        RefusalCode::InvalidComponent,
        format!("\"{}\" is not valid WebAssembly: {error}", file.display()),
        "Rebuild it; if it was copied, compare the copy with the original.",
    )
}

fn truncated(file: &Path) -> Refusal {
    Refusal::new(
        RefusalCode::TruncatedWasm,
        format!("\"{}\" is truncated", file.display()),
        "Copy it again under another name and then rename it, so that the complete file appears at once.",
    )
}
