//! Two commands cannot have one type.
use camshaft_sdk::prelude::*;

#[command("course.subscribe", scope = "course")]
fn f(_: Command<Bytes>, _: &mut Decide) -> Decided {
    Ok(())
}

mod other {
    use super::*;

    #[command("course.subscribe", scope = "course")]
    fn g(_: Command<Bytes>, _: &mut Decide) -> Decided {
        Ok(())
    }
}

fn main() {}
