//! A scope has a kind.
use camshaft_sdk::prelude::*;

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Course;

#[scope]
impl Evolve for Course {
    fn evolve(&mut self, _: &Fact) -> Result {
        Ok(())
    }
}

fn main() {}
