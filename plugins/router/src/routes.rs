//! The routes that the operator lists under `[config]`.

use std::rc::Rc;

use camshaft_expression::{Expression, Input};
use camshaft_sdk::prelude::*;

/// Where events go.
pub struct Routes {
    /// In the operator's order.
    routes: Vec<(String, Rc<Expression>)>,
    /// Whether all routes that match are taken, not only the first.
    all: bool,
    pub otherwise: Otherwise,
}

/// What becomes of an event that no route takes.
pub enum Otherwise {
    Drop,
    Reject,
    Publish(String),
}

impl Routes {
    /// # Errors
    /// A retry for what is missing or cannot be understood: the operator can mend it.
    pub fn of_settings(ctx: &Context) -> Result<Self> {
        let text = ctx
            .config("routes")
            .retry("the setting `routes` is missing; write lines like \"order.large: .data.total > 1000\"")?;
        let mut routes = Vec::new();
        for (event_type, condition) in lines(&text)? {
            routes.push((
                event_type.to_owned(),
                Expression::compiled(&format!("routes: {event_type}"), &condition)?,
            ));
        }
        let otherwise = match ctx.config("otherwise").as_deref() {
            None | Some("drop") => Otherwise::Drop,
            Some("reject") => Otherwise::Reject,
            Some(event_type) => Otherwise::Publish(event_type.to_owned()),
        };
        Ok(Self { routes, all: ctx.config_as("all")?.unwrap_or(false), otherwise })
    }

    /// The types under which the event of `input` is published.
    ///
    /// # Errors
    /// A reject if a condition fails on it.
    pub fn taken(&self, input: &Input) -> Result<Vec<&str>> {
        let mut taken = Vec::new();
        for (event_type, condition) in &self.routes {
            if condition.is_true(input)? {
                taken.push(event_type.as_str());
                if !self.all {
                    break;
                }
            }
        }
        Ok(taken)
    }
}

/// Type and condition of each route. A line that begins with a space continues the one before.
fn lines(text: &str) -> Result<Vec<(&str, String)>> {
    let mut routes: Vec<(&str, String)> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match (line.starts_with(char::is_whitespace), routes.last_mut()) {
            (true, Some((_, condition))) => {
                condition.push('\n');
                condition.push_str(line);
            }
            _ => {
                let (event_type, condition) = line.split_once(": ").retry(format_args!(
                    "\"{line}\" of the setting `routes` is not a route; write a type and a condition, such \
                     as \"order.large: .data.total > 1000\""
                ))?;
                routes.push((event_type.trim(), condition.to_owned()));
            }
        }
    }
    Ok(routes)
}
