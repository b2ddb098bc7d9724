//! Notes under `key/<key>` which numbers it handled, and publishes which version did; its mark says what else
//! it does.
use std::hint::black_box;

use camshaft_sdk::prelude::*;
use serde::{Deserialize, Serialize};

// Raised in the bytes, too: a version that writes state which earlier ones cannot read.
camshaft_test_programs::record!("state_revision = 1");

/// Tests make other versions of this guest by changing these bytes: a number, and what becomes of each event.
#[used]
static MARK: [u8; 16] = *b"version 001 good";

#[derive(Deserialize)]
struct Number {
    number: u64,
    /// A reject, whatever the version: business as usual.
    #[serde(default)]
    refuse: bool,
}

#[derive(Serialize)]
struct Noted {
    number: u64,
    version: u64,
}

#[handler("test.event", publishes("test.noted"))]
fn note(event: Event<Number>, ctx: &mut Context) -> Result {
    let mark = black_box(&MARK);
    let version = mark[8..11].iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    let Number { number, refuse } = event.data;
    if refuse {
        return Err(Error::reject("refused by the business"));
    }
    match &mark[12..] {
        b"trap" => panic!("version {version} traps"),
        b"odd!" if number % 2 == 1 => panic!("version {version} traps on odd numbers"),
        b"late" => return Err(Error::retry(format_args!("version {version} is not ready"))),
        _ => {}
    }
    let key = format!("key/{}", event.key().unwrap_or_default());
    let mut numbers: Vec<u64> = ctx.state().get(&key)?.unwrap_or_default();
    numbers.push(number);
    ctx.state().set(&key, &numbers)?;
    ctx.publish("test.noted", &Noted { number, version })
}
