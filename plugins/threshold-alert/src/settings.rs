//! What the operator says under `[config]`.

use std::rc::Rc;

use camshaft_expression::Expression;
use camshaft_sdk::prelude::*;
use jiff::SignedDuration;

use crate::window::{Aggregate, BUCKETS};

/// The settings, read anew for each event.
pub struct Settings {
    /// Absent where every event counts as one.
    pub value: Option<Rc<Expression>>,
    /// Absent where the event's key is its group.
    pub group: Option<Rc<Expression>>,
    pub rule: Rule,
    /// The window as the operator wrote it.
    pub window: String,
    pub publish: String,
    pub publish_cleared: Option<String>,
}

/// What a window is, and when its number is beyond the threshold.
pub struct Rule {
    pub aggregate: Aggregate,
    /// How long a bucket is, in milliseconds; a window has [`BUCKETS`] of them.
    pub width_ms: u64,
    pub threshold: Threshold,
    /// From here on an alert is over; beyond it, on the threshold's side, it goes on.
    pub clear: f64,
    /// How long a group without samples is kept, in milliseconds.
    pub forget_ms: u64,
}

/// Where the alert begins, and on which side.
#[derive(Clone, Copy, Debug)]
pub enum Threshold {
    Above(f64),
    Below(f64),
}

impl Settings {
    /// # Errors
    /// A retry for what is missing or cannot be understood: the operator can mend it.
    pub fn read(ctx: &Context) -> Result<Self> {
        let aggregate = ctx.config("aggregate").unwrap_or_else(|| "count".to_owned());
        let aggregate = Aggregate::named(&aggregate).retry(format_args!(
            "the setting `aggregate` is \"{aggregate}\"; write \"count\", \"sum\", \"mean\", \"min\" or \"max\""
        ))?;
        let value = Expression::of_setting(ctx, "value")?;
        if value.is_none() && aggregate != Aggregate::Count {
            return Err(Error::retry(
                "the setting `value` is missing; write an expression for a number, such as \".data.ms\"",
            ));
        }
        let window = ctx
            .config("window")
            .retry("the setting `window` is missing; write a duration, such as \"5m\"")?;
        let window_ms = duration_ms("window", &window)?;
        let threshold = threshold(ctx)?;
        let rule = Rule {
            aggregate,
            width_ms: window_ms.div_ceil(BUCKETS),
            threshold,
            clear: clear(ctx, threshold)?,
            forget_ms: duration_ms("forget", &ctx.config("forget").unwrap_or_else(|| "24h".to_owned()))?,
        };
        if rule.forget_ms < window_ms {
            return Err(Error::retry(
                "the setting `forget` is shorter than `window`; write a duration of at least one window",
            ));
        }
        Ok(Self {
            value,
            group: Expression::of_setting(ctx, "group")?,
            rule,
            window,
            publish: ctx
                .config("publish")
                .retry("the setting `publish` is missing; write the type of the alert")?,
            publish_cleared: ctx.config("publish_cleared"),
        })
    }
}

fn threshold(ctx: &Context) -> Result<Threshold> {
    match (number(ctx, "above")?, number(ctx, "below")?) {
        (Some(above), None) => Ok(Threshold::Above(above)),
        (None, Some(below)) => Ok(Threshold::Below(below)),
        _ => Err(Error::retry("exactly one of the settings `above` and `below` is required")),
    }
}

/// Where an alert is over: at the threshold itself, or further back.
fn clear(ctx: &Context, threshold: Threshold) -> Result<f64> {
    let (begin, given) = (threshold.number(), number(ctx, "clear")?);
    let clear = given.unwrap_or(begin);
    let (name, is_behind) = match threshold {
        Threshold::Above(begin) => ("above", clear <= begin),
        Threshold::Below(begin) => ("below", clear >= begin),
    };
    match is_behind {
        true => Ok(clear),
        false => Err(Error::retry(format_args!(
            "the setting `clear` = {clear} is beyond `{name}` = {begin}, so an alert would end as it begins"
        ))),
    }
}

fn number(ctx: &Context, key: &str) -> Result<Option<f64>> {
    let number: Option<f64> = ctx.config_as(key)?;
    match number.filter(|number| !number.is_finite()) {
        None => Ok(number),
        Some(number) => Err(Error::retry(format_args!("the setting `{key}` is {number}; write a number"))),
    }
}

fn duration_ms(key: &str, text: &str) -> Result<u64> {
    let duration =
        text.parse::<SignedDuration>().ok().and_then(|duration| u64::try_from(duration.as_millis()).ok());
    duration.filter(|ms| *ms >= 1000).retry(format_args!(
        "the setting `{key}` is \"{text}\"; write a duration of a second or more, such as \"5m\" or \"24h\""
    ))
}

impl Threshold {
    pub fn number(self) -> f64 {
        match self {
            Self::Above(number) | Self::Below(number) => number,
        }
    }
}
