//! Has two manifest records that do not agree.
use camshaft_sdk::prelude::*;

camshaft_test_programs::record!("version = '9.9.9'");

#[handler("test.event")]
fn ignore(_: Event<Bytes>) -> Result {
    Ok(())
}
