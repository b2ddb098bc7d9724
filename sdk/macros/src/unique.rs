//! Names that a crate may define once, such as that of a command type.
//!
//! An attribute does not see the other attributes of its crate. The compiler does: it refuses two exported
//! macros of one name, and points at both.

use std::fmt::Write as _;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;

/// Generates the definition of `name`. A second one in the crate is a compile error at `span`.
pub fn unique(name: &str, span: Span) -> TokenStream {
    let name = Ident::new(name, span);
    quote_spanned! {span=>
        #[allow(non_local_definitions)]
        #[doc(hidden)]
        #[macro_export]
        macro_rules! #name { () => {}; }
    }
}

/// A name for a text that is no identifier: `course.subscribe` is `course__subscribe`. Different texts have
/// different names.
pub fn identifier(text: &str) -> String {
    let mut name = String::new();
    for character in text.chars() {
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' => name.push(character),
            '.' => name.push_str("__"),
            other => write!(name, "_{:x}_", u32::from(other)).expect("a string takes everything"),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::identifier;

    #[test]
    fn different_types_have_different_names() {
        assert_eq!(identifier("course.subscribe"), "course__subscribe");
        assert_eq!(identifier("a-b"), "a_2d_b");
        let texts = ["a.b", "a_b", "a-b", "a.2d.b", "a_2d_b", "a__b", "ä.b"];
        for (at, text) in texts.iter().enumerate() {
            assert!(texts.iter().skip(at + 1).all(|other| identifier(other) != identifier(text)), "{text}");
        }
    }
}
