//! The attribute is not on the type's own methods.
use camshaft_sdk::prelude::*;

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Course;

#[scope("course")]
impl Course {}

fn main() {}
