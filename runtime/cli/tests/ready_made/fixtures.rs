//! Runs each plugin's fixtures against its component, with the example operator's file from its README.

use std::fs;

use tempfile::tempdir;

use super::{
    SELF_CONTAINED, SENDING, component,
    process::{Said, camshaft},
    sources,
};

#[test]
fn the_fixtures_of_every_plugin_hold() {
    let folder = tempdir().unwrap();
    for name in SELF_CONTAINED.into_iter().chain(SENDING) {
        let source = sources().join(name);
        let mut command = camshaft(folder.path());
        command.arg("test").arg(component(name)).arg("--fixtures").arg(source.join("tests"));
        if source.join("example.toml").exists() {
            command.arg("--operator").arg(source.join("example.toml"));
        }
        Said::of(&mut command).ends_with(0).prints(" passed, 0 failed");
    }
}

#[test]
fn every_plugin_is_tested_and_has_a_readme_that_shows_its_example() {
    let mut tested: Vec<&str> = SELF_CONTAINED.into_iter().chain(SENDING).collect();
    tested.sort_unstable();
    let folders = fs::read_dir(sources()).unwrap().map(|entry| entry.unwrap().path());
    let mut plugins: Vec<_> = folders.filter(|folder| folder.join("tests").exists()).collect();
    plugins.sort();
    let names: Vec<_> = plugins.iter().map(|folder| folder.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, tested);
    for folder in plugins {
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        if let Ok(example) = fs::read_to_string(folder.join("example.toml")) {
            assert!(
                readme.contains(&format!("```toml\n{example}```\n")),
                "{} shows another one",
                folder.display()
            );
        }
    }
}
