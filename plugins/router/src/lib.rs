//! Publishes each event anew, unchanged, under a type that depends on its content.
//!
//! A template: the operator's file says which events, and lists the routes: a type, and a jq condition on the
//! event.

mod routes;

use camshaft_expression::Input;
use camshaft_sdk::prelude::*;

use routes::{Otherwise, Routes};

/// What the runtime sets itself on each published event.
const SET_BY_THE_RUNTIME: [&str; 3] = ["camshafthops", "causationid", "correlationid"];

#[handler("**", "camshaft.**")]
fn route(event: Event<Bytes>, ctx: &mut Context) -> Result {
    let routes = Routes::of_settings(ctx)?;
    let types = routes.taken(&Input::of(&event)?)?;
    for event_type in &types {
        publish(ctx, event_type, &event)?;
    }
    match routes.otherwise {
        _ if !types.is_empty() => Ok(()),
        Otherwise::Drop => Ok(()),
        Otherwise::Reject => {
            Err(Error::reject("no route matches the event, and the setting `otherwise` is \"reject\""))
        }
        Otherwise::Publish(event_type) => publish(ctx, &event_type, &event),
    }
}

/// The same event under another type.
fn publish(ctx: &Context, event_type: &str, event: &Event<Bytes>) -> Result {
    let mut new = ctx.event(event_type, &event.data);
    if let Some(time) = &event.time {
        new = new.time(time);
    }
    if let Some(media_type) = &event.datacontenttype {
        new = new.content_type(media_type);
    }
    if let Some(schema) = &event.dataschema {
        new = new.schema(schema);
    }
    for (name, value) in
        event.extensions.iter().filter(|(name, _)| !SET_BY_THE_RUNTIME.contains(&name.as_str()))
    {
        new = new.extension(name, value);
    }
    // Subject and key are the cause's unless others are set.
    new.publish()
}

#[cfg(test)]
mod tests;
