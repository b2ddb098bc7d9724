//! The files of a new plugin and the next steps for its author, by language.

use super::{Lang, Template, carried};

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("../../templates/", $path))
    };
}

/// Paths relative to the plugin's folder, with contents.
pub fn files(name: &str, template: Template) -> Vec<(String, String)> {
    let (own, handler): (&[(&str, &str)], _) = match template {
        Template::Handler(Lang::Rust) => (&RUST, "add_up"),
        Template::Handler(Lang::JavaScript) => (&JAVASCRIPT, "addUp"),
        Template::Handler(Lang::TypeScript) => (&TYPESCRIPT, "addUp"),
        Template::Handler(Lang::Python) => (&PYTHON, "add_up"),
        Template::Aggregate => (&AGGREGATE, ""),
    };
    let fixtures: &[(&str, &str)] = match template {
        Template::Handler(_) => &FIXTURES,
        Template::Aggregate => &[],
    };
    let fill = |&(path, text): &(&str, &str)| {
        let text = text.replace("{{name}}", name).replace("{{handler}}", handler);
        (path.to_owned(), text.replace("{{description}}", description(template)))
    };
    let readme = ("README.md".to_owned(), readme(name, template));
    let own = ANY.iter().chain(fixtures).chain(own).map(fill);
    own.chain([readme]).chain(carried::files(template.lang().language())).collect()
}

/// The next commands, each with a description.
pub fn next_steps(name: &str, template: Template) -> Vec<String> {
    let enter = [(format!("cd {name}"), "")];
    let commands = commands(template).into_iter().map(|(command, what)| (command.to_owned(), what));
    let steps: Vec<_> = enter.into_iter().chain(commands).collect();
    let width = steps.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
    let line = |(command, what): &(String, &str)| match *what {
        "" => command.clone(),
        what => format!("{command:width$}   # {what}"),
    };
    steps.iter().map(line).collect()
}

fn commands(template: Template) -> Vec<(&'static str, &'static str)> {
    let unit_test = match template.lang() {
        Lang::Rust => "cargo test",
        Lang::JavaScript | Lang::TypeScript => "npm install && npm test",
        Lang::Python => "python3 -m unittest",
    };
    let build = ("camshaft build", "builds one checked .wasm file");
    let run = ("camshaft run --plugins .", "starts a runtime that loads the plugin from this folder");
    match template {
        Template::Handler(_) => vec![
            (unit_test, "tests the handler as a plain function, with an in-memory context"),
            ("camshaft test", "runs the cases in tests/*.toml against the component"),
            build,
            run,
        ],
        Template::Aggregate => vec![
            (unit_test, "sends commands to the aggregate, with its facts in memory"),
            build,
            run,
            (
                "camshaft send account.deposit '{\"cents\": 500}' --subject ada",
                "sends a command to that runtime and prints its answer",
            ),
        ],
    }
}

/// The purpose of the plugin, as the manifest has it.
const fn description(template: Template) -> &'static str {
    match template {
        Template::Handler(_) => "keeps a running total of each customer's orders",
        Template::Aggregate => "decides about accounts, and keeps each account from being overdrawn",
    }
}

fn readme(name: &str, template: Template) -> String {
    let source = match template.lang() {
        Lang::Rust => "src/lib.rs",
        Lang::JavaScript => "plugin.js",
        Lang::TypeScript => "plugin.ts",
        Lang::Python => "plugin.py",
    };
    let about = match template {
        Template::Handler(_) => {
            format!("Keeps a running total of each customer's orders. The handler is in `{source}`.")
        }
        Template::Aggregate => format!(
            "Decides commands about accounts and records what happened as facts. `account.deposit` and \
             `account.withdraw` name the account in their subject. The aggregate is in `{source}`."
        ),
    };
    let commands: String =
        commands(template).iter().map(|(command, what)| format!("| `{command}` | {what} |\n")).collect();
    format!(
        "# {name}\n\n{about} `vendor/` contains the SDK and the contract that the plugin is built against.\n\n\
         | command | does |\n|---|---|\n{commands}"
    )
}

/// Files of every plugin.
const ANY: [(&str, &str); 1] = [(".gitignore", template!("any/gitignore"))];

/// Test cases for the component of a handler in any language.
const FIXTURES: [(&str, &str); 1] = [("tests/totals.toml", template!("any/tests/totals.toml"))];

const RUST: [(&str, &str); 2] =
    [("Cargo.toml", template!("rust/Cargo.toml")), ("src/lib.rs", template!("rust/src/lib.rs"))];

const AGGREGATE: [(&str, &str); 2] =
    [("Cargo.toml", template!("rust/Cargo.toml")), ("src/lib.rs", template!("rust/aggregate/lib.rs"))];

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
        let handlers = Lang::value_variants().iter().copied().map(Template::Handler);
        for template in handlers.chain([Template::Aggregate]) {
            for (path, content) in files("stock", template) {
                // Other text in double braces belongs to the SDK: placeholders of secrets.
                let mut braced = content.split("{{").skip(1).filter_map(|rest| rest.split_once("}}"));
                let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase());
                assert!(!braced.any(|(text, _)| is_name(text)), "{template:?}: {path}");
            }
        }
    }

    #[test]
    fn the_next_steps_are_shown_side_by_side() {
        insta::assert_snapshot!(next_steps("stock", Template::Handler(Lang::JavaScript)).join("\n"), @"
        cd stock
        npm install && npm test    # tests the handler as a plain function, with an in-memory context
        camshaft test              # runs the cases in tests/*.toml against the component
        camshaft build             # builds one checked .wasm file
        camshaft run --plugins .   # starts a runtime that loads the plugin from this folder
        ");
        insta::assert_snapshot!(next_steps("bank", Template::Aggregate).join("\n"), @r#"
        cd bank
        cargo test                                                     # sends commands to the aggregate, with its facts in memory
        camshaft build                                                 # builds one checked .wasm file
        camshaft run --plugins .                                       # starts a runtime that loads the plugin from this folder
        camshaft send account.deposit '{"cents": 500}' --subject ada   # sends a command to that runtime and prints its answer
        "#);
    }
}
