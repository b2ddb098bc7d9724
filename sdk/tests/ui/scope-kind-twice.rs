//! Two types cannot be the state of one kind.
use camshaft_sdk::prelude::*;

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Course;

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Lesson;

#[scope("course")]
impl Evolve for Course {
    fn evolve(&mut self, _: &Fact) -> Result {
        Ok(())
    }
}

#[scope("course")]
impl Evolve for Lesson {
    fn evolve(&mut self, _: &Fact) -> Result {
        Ok(())
    }
}

fn main() {}
