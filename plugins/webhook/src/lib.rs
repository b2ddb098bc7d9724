//! Sends each event to an HTTP address: as a CloudEvent, or its data alone with the attributes as headers.
//!
//! A template: the operator's file says which events, where to, and with which headers. What the receiver
//! answers decides what becomes of the event. Secrets are put in by the runtime, never by this code.

mod answer;
mod cloudevents;
mod settings;

use camshaft_sdk::{http::Request, prelude::*};

use settings::{Body, Settings};

#[handler("**", "camshaft.**")]
fn send(event: Event<Bytes>, ctx: &mut Context) -> Result {
    let settings = Settings::read(ctx)?;
    let mut request = Request::new(&settings.method, &settings.url)
        .header("idempotency-key", cloudevents::idempotency_key(&event));
    match settings.body {
        Body::Event => {
            request = request
                .header("content-type", "application/cloudevents+json; charset=utf-8")
                .body(cloudevents::structured(&event)?);
        }
        Body::Data => {
            for (name, value) in cloudevents::headers(&event) {
                request = request.header(&name, value);
            }
            request = request.body(event.data.0);
        }
    }
    for (name, value) in settings.headers {
        request.headers.retain(|(set, _)| *set != name);
        request = request.header(&name, value);
    }
    let response = request.send(ctx)?.accepted()?;
    match settings.publish_answer {
        Some(event_type) => answer::publish(ctx, &event_type, &response),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
