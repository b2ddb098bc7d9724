//! Escapes text for output: plugins, producers and peers write what people read on a terminal or in a log.
//!
//! The command line and the server's log call it; there is no other escaping of text. It covers control characters and
//! characters that reorder a line. JSON needs it on a terminal only, since JSON escapes line breaks itself.

use std::{borrow::Cow, fmt::Write};

/// Blanks in place of a tab.
const TAB: &str = "    ";

/// The text on one line: everything that moves a cursor, starts a line or reorders one is escaped.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    escape(text, is_active, readable)
}

/// The same for text whose line breaks are the layout. Its parts must have gone through [`line`].
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    escape(text, |character| is_active(character) && character != '\n', readable)
}

/// The same JSON with what acts on a terminal escaped as JSON does it. The value stays the same: outside of strings
/// JSON has no such characters but white space, which stays.
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

/// Whether a character does something to a terminal instead of being shown by it.
fn is_active(character: char) -> bool {
    character.is_control()
        || matches!(character,
            // Marks, embeddings, overrides and isolates of bidirectional text.
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
            // Separators of lines and paragraphs, annotations, and the mark of byte order.
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
