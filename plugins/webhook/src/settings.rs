//! What the operator says under `[config]`.

use camshaft_sdk::prelude::*;

/// The settings, read anew for each event: that costs less than the request.
pub struct Settings {
    pub url: String,
    pub method: String,
    pub body: Body,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The type under which answers are published, if they are.
    pub publish_answer: Option<String>,
}

/// What is sent of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// All of it, in CloudEvents' structured mode.
    Event,
    /// Its data, in CloudEvents' binary mode.
    Data,
}

impl Settings {
    /// # Errors
    /// A retry for what is missing or cannot be understood: the operator can mend it.
    pub fn read(ctx: &Context) -> Result<Self> {
        let body = match ctx.config("body").as_deref() {
            None | Some("event") => Body::Event,
            Some("data") => Body::Data,
            Some(other) => {
                return Err(Error::retry(format_args!(
                    "the setting `body` is \"{other}\"; write \"event\" or \"data\""
                )));
            }
        };
        Ok(Self {
            url: ctx.config("url").retry("the setting `url` is missing; write the receiver's URL")?,
            method: ctx.config("method").unwrap_or_else(|| "POST".to_owned()),
            body,
            headers: headers(&ctx.config("headers").unwrap_or_default())?,
            publish_answer: ctx.config("publish_answer"),
        })
    }
}

/// One header a line, as in `x-tenant: shop`.
fn headers(text: &str) -> Result<Vec<(String, String)>> {
    let lines = (1..).zip(text.lines().map(str::trim)).filter(|(_, line)| !line.is_empty());
    let parsed = lines.map(|(number, line): (u32, &str)| {
        // Not what stands there: it may be a token.
        let (name, value) = line.split_once(':').retry(format_args!(
            "line {number} of the setting `headers` is not a header; write it like \"x-tenant: shop\""
        ))?;
        Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
    });
    parsed.collect()
}
