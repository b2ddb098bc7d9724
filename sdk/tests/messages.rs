//! The compile errors for misuse of the attributes: one file per rule in `ui/`, with the expected error
//! beside it. The rules for `plugin.toml` are tested in camshaft-sdk-macros.

#[test]
fn misuse_of_the_attribute_is_answered_at_the_token_with_what_is_allowed() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
