//! Publishes the data of each event, unchanged, as `test.echoed`.
use camshaft_sdk::prelude::*;

#[handler("test.event", publishes("test.echoed"))]
fn echo(event: Event<Bytes>, ctx: &mut Context) -> Result {
    let media_type = event.datacontenttype.unwrap_or_else(|| "application/json".to_owned());
    ctx.event("test.echoed", &event.data).content_type(media_type).publish()
}
