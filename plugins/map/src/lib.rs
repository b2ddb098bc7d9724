//! Publishes each event in another shape, by a jq expression of the operator's.
//!
//! A template: the operator's file says which events, and what becomes of them. Each value that the
//! expression gives is the data of one new event; no value, no event.

use camshaft_expression::{Expression, Input};
use camshaft_sdk::prelude::*;

#[handler("**", "camshaft.**")]
fn map(event: Event<Bytes>, ctx: &mut Context) -> Result {
    let expression = Expression::of_setting(ctx, "expression")?
        .retry("the setting `expression` is missing; write a jq expression, such as \".data\"")?;
    let attributes = Attributes::of_settings(ctx)?;
    let input = Input::of(&event)?;
    for output in expression.outputs(&input)? {
        let seen = input.with_output(&output);
        let (event_type, data) = (attributes.event_type(&seen)?, output.json());
        let mut new = ctx.event(&event_type, &data);
        // It tells of what happened then, not of now.
        if let Some(time) = &event.time {
            new = new.time(time);
        }
        if let Some(subject) = attributes.subject.of(&seen)? {
            new = new.subject(subject);
        }
        if let Some(key) = attributes.key.of(&seen)? {
            new = new.key(key);
        }
        if let Some(schema) = attributes.dataschema.of(&seen)? {
            new = new.schema(schema);
        }
        new.publish()?;
    }
    Ok(())
}

/// What the new events have beside their data.
struct Attributes {
    /// Fixed, unless `type_expression` tells it of each event.
    event_type: Option<String>,
    type_expression: Optional,
    subject: Optional,
    key: Optional,
    dataschema: Optional,
}

/// An expression that need not be there.
struct Optional(Option<std::rc::Rc<Expression>>);

impl Attributes {
    fn of_settings(ctx: &Context) -> Result<Self> {
        let optional = |key: &str| Expression::of_setting(ctx, key).map(Optional);
        let (event_type, type_expression) = (ctx.config("type"), optional("type_expression")?);
        if event_type.is_some() == type_expression.0.is_some() {
            return Err(Error::retry(
                "exactly one of the settings `type` and `type_expression` is required; write the type of the \
                 new events",
            ));
        }
        Ok(Self {
            event_type,
            type_expression,
            subject: optional("subject")?,
            key: optional("key")?,
            dataschema: optional("dataschema")?,
        })
    }

    fn event_type(&self, input: &Input) -> Result<String> {
        match &self.event_type {
            Some(event_type) => Ok(event_type.clone()),
            None => {
                self.type_expression.of(input)?.reject("the expression in `type_expression` returned no type")
            }
        }
    }
}

impl Optional {
    fn of(&self, input: &Input) -> Result<Option<String>> {
        self.0.as_ref().map_or(Ok(None), |expression| expression.text(input))
    }
}

#[cfg(test)]
mod tests;
