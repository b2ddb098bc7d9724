//! Escapes text for output, because plugins, producers and peers write text that people read at a terminal or
//! in a log.
//!
//! The command line and the server's log use it; there is no other escaping of text. It covers control
//! characters and characters that reorder a line. JSON needs it only at a terminal, since JSON itself escapes
//! line breaks.

use std::{borrow::Cow, fmt::Write};

/// Spaces in place of a tab.
const TAB: &str = "    ";

/// The text as one line: escapes all characters that move the cursor, start a line or reorder one.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    escape(text, is_active, readable)
}

/// Like [`line`], but keeps line breaks as layout. Parts from outside must have gone through [`line`] before.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    escape(text, |character| is_active(character) && character != '\n', readable)
}

/// JSON of the same value, with characters that act on a terminal as JSON escapes. The value cannot change:
/// outside strings, JSON contains no such characters except white space, which is kept.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    escape(
        text,
        |character| is_active(character) && !matches!(character, '\t' | '\n' | '\r'),
        |out, character| {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                write!(out, "\\u{unit:04x}").expect("a string takes all text");
            }
        },
    )
}

fn escape(text: &str, acts: impl Fn(char) -> bool, write: impl Fn(&mut String, char)) -> Cow<'_, str> {
    if !text.chars().any(&acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if acts(character) { write(&mut out, character) } else { out.push(character) }
    }
    Cow::Owned(out)
}

fn readable(out: &mut String, character: char) {
    match character {
        '\t' => out.push_str(TAB),
        other => out.extend(other.escape_default()),
    }
}

/// Whether a terminal acts on a character instead of showing it.
fn is_active(character: char) -> bool {
    character.is_control()
        || matches!(character,
            // Marks, embeddings, overrides and isolates of bidirectional text.
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
            // Line and paragraph separators, annotations, and the byte order mark.
            | '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line_and_keeps_its_order() {
        assert_eq!(line("a\nFORGED\r\u{1b}[31mb\tc"), "a\\nFORGED\\r\\u{1b}[31mb    c");
        assert_eq!(line("x\u{9b}31m\u{85}y\u{7f}"), "x\\u{9b}31m\\u{85}y\\u{7f}");
        for acting in
            ['\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}', '\u{2028}']
        {
            assert_eq!(line(&acting.to_string()), format!("\\u{{{:x}}}", u32::from(acting)));
        }
        let plain = "größe 库存 👩‍👧 שלום \"q\" \\n";
        assert!(matches!(line(plain), Cow::Borrowed(text) if text == plain));
    }

    #[test]
    fn lines_keep_their_line_breaks_and_nothing_else() {
        assert_eq!(lines("a\nb\r\u{202e}c"), "a\nb\\r\\u{202e}c");
    }

    #[test]
    fn json_keeps_its_value() {
        let value = serde_json::json!({"k\u{202e}": "\u{9b}31m\u{feff}\n\u{7f}"});
        let text = serde_json::to_string(&value).unwrap();
        let escaped = json(&text);
        assert_eq!(escaped, r#"{"k\u202e":"\u009b31m\ufeff\n\u007f"}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
    }
}
