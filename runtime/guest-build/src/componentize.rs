//! Converts a core module to a component. The module names its world in a custom section that its bindings
//! contain.

use thiserror::Error;
use wit_component::ComponentEncoder;

/// Why a core module could not be converted to a component.
#[derive(Debug, Error)]
#[error("the module cannot become a component: {reason}")]
pub struct ComponentizeError {
    /// The chain of causes that the encoder reported.
    pub reason: String,
}

/// Wraps a core module of `wasm32-unknown-unknown` into the component that it describes, and validates the
/// result. A component is returned unchanged.
///
/// # Errors
/// The bytes are not a module, or the module has no world or does not match it.
pub fn componentize(module: &[u8]) -> Result<Vec<u8>, ComponentizeError> {
    if is_component(module) {
        return Ok(module.to_vec());
    }
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| ComponentizeError { reason: format!("{error:#}") })
}

/// Components and modules have the same magic number; the version field after it differs.
fn is_component(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0asm\x0d\x00\x01\x00")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_without_a_world_is_refused_with_the_reason() {
        let text = componentize(b"hello").unwrap_err().to_string();
        assert!(text.starts_with("the module cannot become a component: "), "{text}");
        let empty_module = b"\0asm\x01\x00\x00\x00";
        componentize(empty_module).expect("an empty module is an empty component");
    }

    #[test]
    fn a_component_is_answered_unchanged() {
        let component = componentize(b"\0asm\x01\x00\x00\x00").unwrap();
        assert!(is_component(&component));
        assert_eq!(componentize(&component).unwrap(), component);
    }
}
