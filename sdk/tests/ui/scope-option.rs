//! A scope has no options.
use camshaft_sdk::prelude::*;

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Course;

#[scope("course", "lesson")]
impl Evolve for Course {
    fn evolve(&mut self, _: &Fact) -> Result {
        Ok(())
    }
}

fn main() {}
