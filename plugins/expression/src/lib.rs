//! jq expressions over events, for the ready-made plugins beside this crate; not a plugin itself.
//!
//! An operator writes an expression into a setting; it is compiled when an instance first needs it. It sees
//! one event as the object that [`Input`] describes, and nothing else: no clock, no environment, no files, no
//! further input. A mistake in the setting is a retry, since the operator can mend it; an event that it fails
//! on is a reject.

mod input;
mod language;

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use camshaft_sdk::prelude::*;
use jaq_json::Val;
use jaq_std::ValT;

pub use input::{Input, Output};
use language::Program;

/// Most values that one expression may give for one event. It ends what would never end by itself.
const MAX_VALUES: usize = 10_000;

/// Longest part of an error that is shown, in characters: jq's errors quote the values that they are about.
const MAX_SHOWN: usize = 300;

/// A jq expression that is ready to run.
pub struct Expression {
    setting: String,
    text: String,
    program: Program,
}

thread_local! {
    /// What this instance has compiled. A changed configuration comes with a new instance.
    static COMPILED: RefCell<BTreeMap<(String, String), Rc<Expression>>> = const { RefCell::new(BTreeMap::new()) };
}

impl Expression {
    /// The expression in the setting `key`, if there is one.
    ///
    /// # Errors
    /// As [`Expression::compiled`].
    pub fn of_setting(ctx: &Context, key: &str) -> Result<Option<Rc<Self>>> {
        ctx.config(key).map(|text| Self::compiled(key, &text)).transpose()
    }

    /// The expression `text` of the setting that errors call `setting`. It is compiled once.
    ///
    /// # Errors
    /// A retry that shows the expression, the place in it and what is wrong there.
    pub fn compiled(setting: &str, text: &str) -> Result<Rc<Self>> {
        let key = (setting.to_owned(), text.to_owned());
        if let Some(known) = COMPILED.with_borrow(|compiled| compiled.get(&key).cloned()) {
            return Ok(known);
        }
        let program = Program::compile(text).map_err(|mistake| {
            Error::retry(format_args!("{} cannot be used: {mistake}", shown(setting, text)))
        })?;
        let new = Rc::new(Self { setting: setting.to_owned(), text: text.to_owned(), program });
        COMPILED.with_borrow_mut(|compiled| compiled.insert(key, Rc::clone(&new)));
        Ok(new)
    }

    /// All values that it gives for `input`.
    ///
    /// # Errors
    /// A reject if it fails, gives too many values, or one that JSON does not have.
    pub fn outputs(&self, input: &Input) -> Result<Vec<Output>> {
        self.values(input)?.into_iter().map(|value| self.checked(value)).collect()
    }

    /// Whether its value is true, that is: neither `false` nor `null`, and there.
    ///
    /// # Errors
    /// A reject if it fails or gives several values.
    pub fn is_true(&self, input: &Input) -> Result<bool> {
        Ok(!matches!(self.value(input)?, None | Some(Val::Bool(false))))
    }

    /// Its text; a number or a truth value is written out.
    ///
    /// # Errors
    /// A reject if it fails, gives several values, or a list or an object.
    pub fn text(&self, input: &Input) -> Result<Option<String>> {
        match self.value(input)? {
            None => Ok(None),
            Some(Val::TStr(text)) => Ok(Some(String::from_utf8_lossy(&text).into_owned())),
            Some(value @ (Val::Num(_) | Val::Bool(_))) => Ok(Some(value.to_string())),
            Some(other) => Err(self.failed(format_args!("returned {}, which is not text", cut(&other)))),
        }
    }

    /// Its number.
    ///
    /// # Errors
    /// A reject if it fails, gives several values, or one that is no finite number.
    pub fn number(&self, input: &Input) -> Result<Option<f64>> {
        let Some(value) = self.value(input)? else { return Ok(None) };
        match value.as_f64().filter(|number| number.is_finite()) {
            Some(number) => Ok(Some(number)),
            None => Err(self.failed(format_args!("returned {}, which is not a finite number", cut(&value)))),
        }
    }

    /// The one value, if there is any but `null`.
    fn value(&self, input: &Input) -> Result<Option<Val>> {
        let mut values = self.values(input)?;
        if values.len() > 1 {
            return Err(self.failed(format_args!(
                "returned {} values instead of one; use `first(…)`, `any(…)` or `[…]` to get one value",
                values.len()
            )));
        }
        Ok(values.pop().filter(|value| !matches!(value, Val::Null)))
    }

    fn values(&self, input: &Input) -> Result<Vec<Val>> {
        let outputs = self.program.run(input.0.clone()).take(MAX_VALUES + 1);
        let values: Vec<Val> = outputs
            .collect::<std::result::Result<_, String>>()
            .map_err(|error| self.failed(format_args!("failed on this event: {}", cut(&error))))?;
        if values.len() > MAX_VALUES {
            return Err(self.failed(format_args!("returned more than {MAX_VALUES} values")));
        }
        Ok(values)
    }

    /// jq has values that JSON lacks: bytes, infinity, keys that are no text.
    fn checked(&self, value: Val) -> Result<Output> {
        match serde_json::from_str::<serde::de::IgnoredAny>(&value.to_string()) {
            Ok(_) => Ok(Output(value)),
            Err(_) => Err(self.failed(format_args!("returned {}, which is not valid JSON", cut(&value)))),
        }
    }

    fn failed(&self, what: impl std::fmt::Display) -> Error {
        Error::reject(format_args!("{} {what}", shown(&self.setting, &self.text)))
    }
}

fn shown(setting: &str, text: &str) -> String {
    format!("the expression `{}` of the setting `{setting}`", cut(&text.trim()))
}

/// The beginning of what may be long.
fn cut(value: &impl std::fmt::Display) -> String {
    let text = value.to_string();
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(&text)),
        None => text,
    }
}

#[cfg(test)]
mod tests;
