//! The walks of ARCHITECTURE.md name each function once, and each is where they say.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The functions that a walk names, as ``name` (`file.rs``, with their files.
fn named(walk: &str) -> Vec<(&str, &str)> {
    let spans: Vec<&str> = walk.split('`').collect();
    let pairs = spans.windows(3).filter(|window| window[1] == " (" && window[2].ends_with(".rs"));
    pairs.map(|window| (window[0], window[2])).collect()
}

#[test]
fn the_walks_name_each_function_once_and_it_exists() {
    let page = include_str!("../../ARCHITECTURE.md");
    let (_, walks) = page.split_once("## Three walks").expect("the page has its walks");
    let (walks, _) = walks.split_once("## The map").expect("the map follows the walks");
    let walks: Vec<&str> = walks.split("\n### ").skip(1).collect();
    assert_eq!(walks.len(), 3);
    let mut seen = BTreeSet::new();
    for walk in walks {
        let title = walk.lines().next().unwrap_or_default();
        let functions = named(walk);
        assert!(functions.len() >= 10, "\"{title}\" names too little to be a walk");
        for (name, file) in functions {
            assert!(seen.insert((name, file)), "{name} of {file} is named twice");
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
            let text = fs::read_to_string(&path);
            let text = text.unwrap_or_else(|error| panic!("\"{title}\": {}: {error}", path.display()));
            let is_there = ["(", "<"].iter().any(|next| text.contains(&format!("fn {name}{next}")));
            assert!(is_there, "\"{title}\": there is no function {name} in {file}");
        }
    }
}
