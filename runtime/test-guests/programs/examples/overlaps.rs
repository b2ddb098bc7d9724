//! Has two handlers whose types overlap, which no compiler sees.
use camshaft_sdk::prelude::*;

#[handler("test.event")]
fn one(_: Event<Bytes>) -> Result {
    Ok(())
}

#[handler("test.*")]
fn all(_: Event<Bytes>) -> Result {
    Ok(())
}
