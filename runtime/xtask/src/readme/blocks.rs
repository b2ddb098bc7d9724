//! The blocks of a Markdown text that a reader acts on.

/// A file to save, or commands to type.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Block {
    File { path: String, content: String },
    Console(Vec<Command>),
}

/// A command and what it prints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) line: String,
    pub(crate) expected: Vec<String>,
}

/// All blocks, in order.
pub(crate) fn blocks(markdown: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let content: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
        let file = info.split_whitespace().find_map(|word| word.strip_prefix("file="));
        if let Some(path) = file {
            found.push(Block::File { path: path.to_owned(), content: content.join("\n") + "\n" });
        } else if info.trim() == "console" {
            found.push(Block::Console(commands(&content)));
        }
    }
    found
}

fn commands(lines: &[&str]) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    let mut continues = false;
    for line in lines {
        if continues {
            if let Some(command) = commands.last_mut() {
                command.line.push('\n');
                command.line.push_str(line);
            }
        } else if let Some(line) = line.strip_prefix("$ ") {
            commands.push(Command { line: line.to_owned(), expected: Vec::new() });
        } else if let Some(command) = commands.last_mut() {
            command.expected.push((*line).to_owned());
            continue;
        }
        continues = line.ends_with('\\');
    }
    commands
}

impl Command {
    /// Whether `printed` is what the text says; a command without an expectation may print anything.
    pub(crate) fn matches(&self, printed: &str) -> bool {
        let expected: Vec<&str> = self.expected.iter().map(|line| line.trim_end()).collect();
        let printed: Vec<&str> = printed.lines().map(str::trim_end).collect();
        expected.is_empty() || lines_match(&expected, &printed)
    }
}

fn lines_match(expected: &[&str], printed: &[&str]) -> bool {
    match (expected.split_first(), printed.split_first()) {
        (None, None) => true,
        (Some((&"…", rest)), _) => (0..=printed.len()).any(|skip| lines_match(rest, &printed[skip..])),
        (Some((line, expected)), Some((actual, printed))) => {
            line_matches(line, actual) && lines_match(expected, printed)
        }
        _ => false,
    }
}

fn line_matches(expected: &str, actual: &str) -> bool {
    let mut parts = expected.split('…');
    let Some(mut rest) = parts.next().and_then(|first| actual.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str, expected: &[&str]) -> Command {
        Command { line: line.into(), expected: expected.iter().map(|line| (*line).to_owned()).collect() }
    }

    #[test]
    fn files_and_commands_are_found_in_order() {
        let text = "# Title\n```toml file=a/b.toml\nx = 1\n```\n```console\n$ one \\\n  more\nout\n$ two\n```\n```rust\nfn f() {}\n```\n";
        let expected = vec![
            Block::File { path: "a/b.toml".into(), content: "x = 1\n".into() },
            Block::Console(vec![command("one \\\n  more", &["out"]), command("two", &[])]),
        ];
        assert_eq!(blocks(text), expected);
    }

    #[test]
    fn an_ellipsis_stands_for_anything_and_nothing_else_does() {
        assert!(command("c", &["offset … of …", "…", "end"]).matches("offset 1 of 2\nmore\nmore\nend\n"));
        assert!(!command("c", &["offset … of …"]).matches("offset 1\n"));
        assert!(!command("c", &["one"]).matches("one\ntwo\n"));
        assert!(!command("c", &["two"]).matches(""));
    }
}
