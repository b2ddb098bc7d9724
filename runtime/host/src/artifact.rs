//! What a `.wasm` file is: read with a bound, told apart from everything else, and turned into a component.
//!
//! The host's loader calls it first, and has the manifest judged before it makes a component of a core
//! module. Here sections, names and bounds are looked at; types, manifest and code are judged by others.

mod bounds;
mod survey;
mod types;

use std::{fs::File, io::Read, path::Path};

use camshaft_event::Limit;
use sha2::{Digest, Sha256};
use wit_component::ComponentEncoder;

use crate::{Refusal, RefusalCode, panic::catch_panic};
pub use survey::{Form, Survey};

/// A file that holds a component, or a core module that one can be made of.
pub struct Artifact {
    /// SHA-256 of the file's bytes, in hexadecimal.
    pub digest: String,
    /// The file's length in bytes.
    pub size: u64,
    /// What the file was found to be.
    pub form: Form,
    /// What is in it.
    pub survey: Survey,
    /// The component's bytes; the module's before [`Artifact::componentized`].
    pub component: Vec<u8>,
}

impl Artifact {
    /// Looks through `bytes`; `file` is only named in refusals. The work is linear in their length, and what
    /// they hold is bounded afterwards.
    pub fn of(bytes: Vec<u8>, file: &Path) -> Result<Self, Refusal> {
        let survey = Survey::of(&bytes, file)?;
        let (digest, size) = (hexadecimal(&Sha256::digest(&bytes)), bytes.len() as u64);
        let artifact = Self { digest, size, form: survey.form, survey, component: bytes };
        artifact.refuse_other_modules(file)?;
        Ok(artifact)
    }

    /// The same with a component of the core module, where the file holds one.
    pub fn componentized(self, file: &Path) -> Result<Self, Refusal> {
        if self.form == Form::Component {
            return Ok(self);
        }
        let component = componentize(&self.component, file)?;
        let survey = Survey::of(&component, file)?;
        Ok(Self { survey, component, ..self })
    }

    /// A core module whose own section does not say which world it was built for cannot be made a component.
    fn refuse_other_modules(&self, file: &Path) -> Result<(), Refusal> {
        if self.form == Form::Component {
            return Ok(());
        }
        if !self.survey.describes_world {
            return Err(Refusal::new(
                RefusalCode::UnsupportedWorld,
                format!("\"{}\" is a core WebAssembly module that implements no contract", file.display()),
                "Build it with camshaft-sdk, or make it a component of the world `camshaft:plugin/handler`.",
            ));
        }
        if self.survey.imports.iter().any(|import| import.starts_with("wasi_snapshot_preview1")) {
            return Err(Refusal::new(
                RefusalCode::UnknownImport,
                format!("\"{}\" is a core module that imports \"wasi_snapshot_preview1\"", file.display()),
                "Build it for the target wasm32-wasip2, or for wasm32-unknown-unknown.",
            ));
        }
        Ok(())
    }
}

/// The bytes of `file`, at most `max_bytes` of them.
pub fn read(file: &Path, max_bytes: u64) -> Result<Vec<u8>, Refusal> {
    let refuse = |error: std::io::Error| {
        let message = format!("cannot read \"{}\": {error}", file.display());
        Refusal::new(RefusalCode::Io, message, "Check that the file exists and that this user may read it.")
    };
    let mut bytes = Vec::new();
    let limited = File::open(file).map_err(refuse)?.take(max_bytes.saturating_add(1));
    { limited }.read_to_end(&mut bytes).map_err(refuse)?;
    if bytes.len() as u64 > max_bytes {
        return Err(Refusal::new(
            RefusalCode::PluginTooLarge,
            format!("\"{}\" is longer than the limit of {max_bytes} bytes", file.display()),
            format!(
                "Build it optimised and without debug information, or raise the {}.",
                Limit::PluginFile.raised_by()
            ),
        ));
    }
    Ok(bytes)
}

/// Wraps a core module into the component that its own section describes.
fn componentize(module: &[u8], file: &Path) -> Result<Vec<u8>, Refusal> {
    // The encoder reads sections that the guest wrote, so it may meet what its authors never did.
    let encoded = catch_panic(|| {
        ComponentEncoder::default().validate(true).module(module).and_then(|mut encoder| encoder.encode())
    });
    let reason = match encoded {
        Ok(Ok(component)) => return Ok(component),
        Ok(Err(error)) => format!("{error:#}"),
        Err(panic) => panic,
    };
    Err(Refusal::new(
        RefusalCode::InvalidComponent,
        format!("the core module \"{}\" cannot be made a component: {reason}", file.display()),
        "Rebuild it with an SDK and a toolchain of the same release.",
    ))
}

/// Lower-case hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}
