//! Errors of `camshaft build` for JavaScript and Python plugins.

use std::path::Path;

use tempfile::tempdir;

use crate::{
    process::{Said, camshaft},
    said, target,
};

/// Builds a new plugin after replacing `from` by `to` in `file`.
fn changed(language: &str, file: &str, from: &str, to: &str) -> Said {
    let folder = tempdir().unwrap();
    said(folder.path(), &format!("new stock --lang {language}")).ends_with(0);
    let folder = folder.path().join("stock");
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(folder.join(file), text.replace(from, to)).unwrap();
    said(&folder, "build")
}

#[test]
fn a_subscription_that_no_function_handles_is_named() {
    for language in ["javascript", "python"] {
        changed(language, "plugin.toml", "order.placed", "order.plcaed")
            .ends_with(3)
            .says("the plugin in ")
            .says("plugin.toml subscribes to \"order.plcaed\", but no function handles it")
            .says("[build-failed]");
    }
}

#[test]
fn code_that_cannot_be_read_is_told_with_its_place() {
    changed("javascript", "plugin.js", "const total =", "const = ").ends_with(3).says("plugin.js:8:8");
    changed("python", "plugin.py", "def add_up(", "def (").ends_with(3).says("plugin.py\", line 7");
    changed("javascript", "plugin.js", "from \"camshaft\"", "from \"left-out\"")
        .ends_with(3)
        .says("left-out");
    changed("python", "plugin.py", "from camshaft", "from left_out").ends_with(3).says("left_out");
}

#[test]
fn a_generator_is_refused_as_a_handler() {
    for function in ["function* addUp", "async function* addUp"] {
        changed("javascript", "plugin.js", "function addUp", function)
            .ends_with(3)
            .says("the handler of \"order.placed\" is a generator: its body would never run");
    }
    changed("python", "plugin.py", "    ctx.publish(", "    yield ctx.publish(")
        .ends_with(3)
        .says("plugin.add_up is a generator: its body would never run");
}

#[test]
fn an_error_of_a_modules_own_code_is_told_with_the_authors_place() {
    let said = changed("javascript", "plugin.js", "function addUp", "null.x;\n\nfunction addUp");
    let said = said.ends_with(3).says("plugin.js:5:").says("can't access property");
    assert!(!said.stderr.contains("bundle.js"), "{said:?}");
    let said = changed("javascript", "plugin.js", "const total =", "const = ").ends_with(3);
    assert!(!said.stderr.contains("node:"), "{said:?}");
}

#[test]
fn a_project_without_its_parts_says_which() {
    changed("javascript", "package.json", "plugin.js", "main.js")
        .ends_with(3)
        .says("there is no \"main.js\" in ");
    changed("python", "pyproject.toml", "\"plugin\"", "\"main\"")
        .ends_with(3)
        .says("there is no \"main.py\" in ");
    changed("python", "pyproject.toml", "module", "modul").ends_with(3).says("unknown field `modul`");
    changed("python", "plugin.toml", "name = \"stock\"", "").ends_with(3).says("missing field `name`");
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("package.json"), "{}").unwrap();
    said(folder.path(), "build").ends_with(3).says("there is no \"plugin.toml\" in ");
}

#[test]
fn a_machine_without_the_tools_is_told_what_to_install() {
    for (language, program) in [("javascript", "Node.js 20"), ("python", "Python 3.11")] {
        let folder = tempdir().unwrap();
        said(folder.path(), &format!("new stock --lang {language}")).ends_with(0);
        let nowhere = Path::new("/nowhere");
        let mut build = camshaft(&folder.path().join("stock"));
        build.arg("build").env("PATH", nowhere).env("CARGO_TARGET_DIR", target());
        Said::of(&mut build).ends_with(2).says("cannot be run").says(program).says("[toolchain-missing]");
    }
}
