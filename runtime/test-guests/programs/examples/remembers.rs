//! Publishes how many events this instance has seen, which it keeps in its memory.
use std::sync::atomic::{AtomicU64, Ordering};

use camshaft_sdk::prelude::*;

static SEEN: AtomicU64 = AtomicU64::new(0);

#[handler("test.event", publishes("test.seen"))]
fn remember(_: Event<Bytes>, ctx: &mut Context) -> Result {
    ctx.publish("test.seen", &(SEEN.fetch_add(1, Ordering::Relaxed) + 1))
}
