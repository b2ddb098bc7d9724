//! The state of a scope is one type.
use camshaft_sdk::prelude::*;

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Course<T>(T);

#[scope("course")]
impl<T: Default + serde::Serialize + serde::de::DeserializeOwned + 'static> Evolve for Course<T> {
    fn evolve(&mut self, _: &Fact) -> Result {
        Ok(())
    }
}

fn main() {}
