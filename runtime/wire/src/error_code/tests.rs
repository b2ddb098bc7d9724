//! The catalogue of errors, compared with its page, the limits and the codes of refusals.

use camshaft_event::{Limit, RefusalCode};

use super::*;

#[test]
fn the_error_page_lists_every_code_as_the_catalogue_has_it() {
    let page = include_str!("../../../ERRORS.md");
    let section = |code: &ErrorCode| {
        let status = code.status().map_or_else(|| "—".to_owned(), |status| status.to_string());
        let exit = code.exit() as u8;
        format!("### `{code}`\n\nHTTP {status} · exit {exit} · {}.\n\n", code.title())
    };
    for code in ErrorCode::ALL {
        assert!(page.contains(&section(code)), "runtime/ERRORS.md should hold:\n{}", section(code));
    }
    assert_eq!(page.matches("### `").count(), ErrorCode::ALL.len(), "the page lists an unknown code");
}

#[test]
fn hints_and_the_error_page_name_settings_that_raise_a_limit() {
    let named = |text: &'static str| {
        let end = |rest: &'static str| rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next();
        text.split("limits.").skip(1).filter_map(end).filter(|key| !key.is_empty())
    };
    let hints = ErrorCode::ALL.iter().flat_map(|code| named(code.hint()));
    for key in hints.chain(named(include_str!("../../../ERRORS.md"))) {
        let raised_by = format!("setting `limits.{key}`");
        let raises = |limit: &&Limit| limit.raised_by().to_string() == raised_by;
        assert!(Limit::ALL.iter().any(|limit| raises(&limit)), "no limit is raised by limits.{key}");
    }
}

#[test]
fn a_refusal_keeps_its_code() {
    for code in RefusalCode::ALL {
        assert_eq!(ErrorCode::from(*code).as_str(), code.as_str());
    }
}

#[test]
fn codes_are_kebab_case_and_found_by_their_urn() {
    for code in ErrorCode::ALL {
        let text = code.as_str();
        assert!(text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{text}");
        assert_eq!(ErrorCode::from_urn(&code.urn()), Some(*code));
    }
    assert_eq!(ErrorCode::from_urn("urn:camshaft:error:none"), None);
}
