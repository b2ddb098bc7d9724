//! The attribute is on the `impl`, not on the type.
use camshaft_sdk::prelude::*;

#[scope("course")]
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Course;

fn main() {}
