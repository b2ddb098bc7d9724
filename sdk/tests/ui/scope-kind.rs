//! The kind of a scope has lower-case letters, digits, hyphens and underscores.
use camshaft_sdk::prelude::*;

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Course;

#[scope("my course")]
impl Evolve for Course {
    fn evolve(&mut self, _: &Fact) -> Result {
        Ok(())
    }
}

fn main() {}
