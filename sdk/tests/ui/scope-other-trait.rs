//! The attribute is on an `impl` of `Evolve`.
use camshaft_sdk::prelude::*;

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Course;

#[scope("course")]
impl Clone for Course {
    fn clone(&self) -> Self {
        Self
    }
}

fn main() {}
