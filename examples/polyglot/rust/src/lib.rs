//! Keeps what each meter shows and adds up what was used. The same plugin stands beside it in other
//! languages.

use camshaft_sdk::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Reading {
    meter: String,
    watt_hours: i64,
}

#[derive(Deserialize)]
struct Removal {
    meter: String,
}

/// The state of a meter, under its name.
#[derive(Serialize, Deserialize)]
struct Meter {
    readings: u64,
    last: i64,
    used: i64,
}

#[derive(Serialize)]
struct Replaced {
    meter: String,
    last: i64,
}

#[derive(Serialize)]
struct Used {
    meter: String,
    watt_hours: i64,
}

#[derive(Serialize)]
struct Summed {
    meters: u64,
    watt_hours: i64,
}

#[handler("meter.read", publishes("meter.replaced", "use.high"))]
fn read(reading: Event<Reading>, ctx: &mut Context) -> Result {
    let Reading { meter, watt_hours } = reading.data;
    if watt_hours < 0 {
        return Err(Error::reject(format_args!("meter {meter} cannot show {watt_hours}")));
    }
    let high_use: i64 = ctx.config_as("high_use")?.unwrap_or(i64::MAX);
    let known = Meter { readings: 0, last: watt_hours, used: 0 };
    let mut known: Meter = ctx.state().get(&meter)?.unwrap_or(known);
    if watt_hours < known.last {
        ctx.publish("meter.replaced", &Replaced { meter: meter.clone(), last: known.last })?;
    } else {
        let used = watt_hours - known.last;
        known.used += used;
        if used > high_use {
            ctx.publish("use.high", &Used { meter: meter.clone(), watt_hours: used })?;
        }
    }
    known.readings += 1;
    known.last = watt_hours;
    ctx.state().set(&meter, &known)
}

#[handler("meter.removed", publishes("meter.closed"))]
fn remove(removal: Event<Removal>, ctx: &mut Context) -> Result {
    let Removal { meter } = removal.data;
    let known: Meter = ctx.state().get(&meter)?.reject(format_args!("meter {meter} was never read"))?;
    ctx.state().delete(&meter)?;
    ctx.event("meter.closed", &Used { meter: meter.clone(), watt_hours: known.used }).subject(meter).publish()
}

#[handler("day.ended", publishes("day.summed"))]
fn sum(_: Event<Bytes>, ctx: &mut Context) -> Result {
    let mut summed = Summed { meters: 0, watt_hours: 0 };
    for entry in ctx.state().scan::<Meter>("")? {
        summed.meters += 1;
        summed.watt_hours += entry?.value.used;
    }
    ctx.publish("day.summed", &summed)
}
