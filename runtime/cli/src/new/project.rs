//! The files of a new plugin and the next steps for its author, by language.

use super::{Lang, carried};

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("../../templates/", $path))
    };
}

/// Paths relative to the plugin's folder, with contents.
pub fn files(name: &str, language: Lang) -> Vec<(String, String)> {
    let (own, handler): (&[(&str, &str)], _) = match language {
        Lang::Rust => (&RUST, "add_up"),
        Lang::JavaScript => (&JAVASCRIPT, "addUp"),
        Lang::TypeScript => (&TYPESCRIPT, "addUp"),
        Lang::Python => (&PYTHON, "add_up"),
    };
    let fill = |&(path, text): &(&str, &str)| {
        (path.to_owned(), text.replace("{{name}}", name).replace("{{handler}}", handler))
    };
    let readme = ("README.md".to_owned(), readme(name, language));
    let own = ANY.iter().chain(own).map(fill);
    own.chain([readme]).chain(carried::files(language.language())).collect()
}

/// The next commands, each with a description.
pub fn next_steps(name: &str, language: Lang) -> Vec<String> {
    let enter = [(format!("cd {name}"), "")];
    let steps = enter.into_iter().chain(commands(language).map(|(command, what)| (command.to_owned(), what)));
    let steps: Vec<_> = steps.collect();
    let width = steps.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
    let line = |(command, what): &(String, &str)| match *what {
        "" => command.clone(),
        what => format!("{command:width$}   # {what}"),
    };
    steps.iter().map(line).collect()
}

fn commands(language: Lang) -> [(&'static str, &'static str); 4] {
    let unit_test = match language {
        Lang::Rust => "cargo test",
        Lang::JavaScript | Lang::TypeScript => "npm install && npm test",
        Lang::Python => "python3 -m unittest",
    };
    [
        (unit_test, "tests the handler as a plain function, with an in-memory context"),
        ("camshaft test", "runs the cases in tests/*.toml against the component"),
        ("camshaft build", "builds one checked .wasm file"),
        ("camshaft run --plugins .", "starts a runtime that loads the plugin from this folder"),
    ]
}

fn readme(name: &str, language: Lang) -> String {
    let source = match language {
        Lang::Rust => "src/lib.rs",
        Lang::JavaScript => "plugin.js",
        Lang::TypeScript => "plugin.ts",
        Lang::Python => "plugin.py",
    };
    let commands: String =
        commands(language).iter().map(|(command, what)| format!("| `{command}` | {what} |\n")).collect();
    format!(
        "# {name}\n\nKeeps a running total of each customer's orders. The handler is in `{source}`. \
         `vendor/` contains the SDK and the contract that the plugin is built against.\n\n\
         | command | does |\n|---|---|\n{commands}"
    )
}

/// Files of a plugin in every language.
const ANY: [(&str, &str); 2] =
    [("tests/totals.toml", template!("any/tests/totals.toml")), (".gitignore", template!("any/gitignore"))];

const RUST: [(&str, &str); 2] =
    [("Cargo.toml", template!("rust/Cargo.toml")), ("src/lib.rs", template!("rust/src/lib.rs"))];

const JAVASCRIPT: [(&str, &str); 4] = [
    ("plugin.toml", template!("any/plugin.toml")),
    ("package.json", template!("javascript/package.json")),
    ("plugin.js", template!("javascript/plugin.js")),
    ("plugin.test.js", template!("javascript/plugin.test.js")),
];

const TYPESCRIPT: [(&str, &str); 5] = [
    ("plugin.toml", template!("any/plugin.toml")),
    ("package.json", template!("typescript/package.json")),
    ("tsconfig.json", template!("typescript/tsconfig.json")),
    ("plugin.ts", template!("typescript/plugin.ts")),
    ("plugin.test.ts", template!("typescript/plugin.test.ts")),
];

const PYTHON: [(&str, &str); 5] = [
    ("plugin.toml", template!("any/plugin.toml")),
    ("pyproject.toml", template!("python/pyproject.toml")),
    ("plugin.py", template!("python/plugin.py")),
    ("tests/__init__.py", template!("python/tests/__init__.py")),
    ("tests/test_plugin.py", template!("python/tests/test_plugin.py")),
];

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn nothing_is_left_to_fill_in() {
        for language in Lang::value_variants().iter().copied() {
            for (path, content) in files("stock", language) {
                // Other text in double braces belongs to the SDK: placeholders of secrets.
                let mut braced = content.split("{{").skip(1).filter_map(|rest| rest.split_once("}}"));
                let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase());
                assert!(!braced.any(|(text, _)| is_name(text)), "{language}: {path}");
            }
        }
    }

    #[test]
    fn the_next_steps_are_shown_side_by_side() {
        insta::assert_snapshot!(next_steps("stock", Lang::JavaScript).join("\n"), @"
        cd stock
        npm install && npm test    # tests the handler as a plain function, with an in-memory context
        camshaft test              # runs the cases in tests/*.toml against the component
        camshaft build             # builds one checked .wasm file
        camshaft run --plugins .   # starts a runtime that loads the plugin from this folder
        ");
    }
}
