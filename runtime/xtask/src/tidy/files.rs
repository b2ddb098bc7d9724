//! Rules for each source file.

use std::path::Path;

use super::Tracked;

/// A longer file holds more than one noun.
const MAX_LINES: usize = 400;

/// The width of a comment, in characters. It is rustfmt's width of code.
const MAX_COLUMNS: usize = 110;

/// Each breach in the sources of Rust.
pub(super) fn breaches(tracked: &Tracked) -> Vec<String> {
    let in_file = |path: &Path, text: &str| {
        let breaches = check(path, text).into_iter();
        breaches.map(|breach| format!("{}: {breach}", path.display())).collect::<Vec<_>>()
    };
    tracked.with_extension(&["rs"]).flat_map(|(path, text)| in_file(path, text)).collect()
}

fn check(path: &Path, text: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    let lines = text.lines().count();
    if lines > MAX_LINES {
        breaches.push(format!("{lines} lines exceed the limit of {MAX_LINES}; split the file by meaning"));
    }
    for (number, line) in text.lines().enumerate() {
        let columns = line.chars().count();
        // A link or a path cannot be broken.
        let can_break = line.trim_start().split(' ').count() > 2;
        if line.trim_start().starts_with("//") && columns > MAX_COLUMNS && can_break {
            let number = number + 1;
            breaches.push(format!("line {number}: a comment of {columns} columns exceeds {MAX_COLUMNS}"));
        }
    }
    breaches.extend(imports(text));
    if path.file_name().is_some_and(|name| name == "mod.rs") {
        breaches.push("a module is `name.rs` beside `name/`, not `mod.rs`".to_owned());
    }
    // Written apart, so that this file keeps the rule too.
    for marker in [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("#[ig", "nore")] {
        if text.contains(marker) {
            breaches.push(format!("it contains `{marker}`"));
        }
    }
    breaches
}

/// Imports come in three groups with an empty line between them: the standard library, other packages, this
/// package.
fn imports(text: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    // The group of the import before, and whether an empty line followed it.
    let mut before: Option<(u8, bool)> = None;
    let mut is_inside = false;
    for (number, line) in text.lines().enumerate() {
        if let Some(path) = line.strip_prefix("use ") {
            let group = group(path, text);
            if let Some((last, is_apart)) = before
                && (group < last || (group == last) == is_apart)
            {
                let number = number + 1;
                breaches.push(format!(
                    "line {number}: imports are three groups with an empty line between: the standard library, \
                     other packages, this package"
                ));
            }
            before = Some((group, false));
            is_inside = !line.contains(';');
        } else if is_inside {
            is_inside = !line.contains(';');
        } else if line.is_empty() {
            before = before.map(|(group, _)| (group, true));
        } else if !line.starts_with("#[") {
            before = None;
        }
    }
    breaches
}

fn group(path: &str, text: &str) -> u8 {
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(path.len());
    let root = &path[..end];
    let is_module = || {
        let declares = |line: &str| {
            let line = line.trim_end_matches([';', '{', ' ']);
            line.rsplit_once("mod ").is_some_and(|(_, name)| name == root)
        };
        text.lines().any(declares)
    };
    match root {
        "alloc" | "core" | "std" => 0,
        "crate" | "self" | "super" => 2,
        _ if is_module() => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_that_are_not_three_groups_are_named() {
        let kept =
            "mod own;\n\nuse std::{\n    fs,\n};\n\nuse anyhow::Result;\n\nuse crate::a;\nuse own::b;\n";
        assert_eq!(imports(kept), Vec::<String>::new());
        let broken = [
            "use std::fs;\nuse anyhow::Result;\n",
            "use a::b;\n\nuse c::d;\n",
            "use a::b;\n\nuse std::fs;\n",
        ];
        for text in broken {
            assert_eq!(imports(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn breaches_are_named() {
        let long = "\n".repeat(MAX_LINES + 1);
        assert_eq!(check(Path::new("a/mod.rs"), &long).len(), 2);
        assert_eq!(check(Path::new("a.rs"), concat!("// TO", "DO: later")).len(), 1);
        assert_eq!(check(Path::new("a.rs"), "fn main() {}\n"), Vec::<String>::new());
    }

    #[test]
    fn a_wide_comment_is_named_and_a_wide_text_or_link_is_not() {
        let words = "word ".repeat(MAX_COLUMNS / 5);
        let breach = "line 2: a comment of 114 columns exceeds 110".to_owned();
        assert_eq!(check(Path::new("a.rs"), &format!("\n/// {words}")), [breach]);
        assert_eq!(check(Path::new("a.rs"), &format!("let text = \"{words}\";")), Vec::<String>::new());
        let link = "x".repeat(MAX_COLUMNS);
        assert_eq!(check(Path::new("a.rs"), &format!("//! <https://{link}>")), Vec::<String>::new());
    }
}
