//! Events made of parts that are right, nearly right or anything.

use std::time::Duration;

use bolero::generator::ValueGenerator;
use bolero::{TypeGenerator, one_of, one_value_of, produce};
use camshaft_event::Event;

/// How long `cargo test` runs a target; `BOLERO_RANDOM_TEST_TIME_MS` overrides it.
pub const MOMENT: Duration = Duration::from_secs(2);

/// An event to be, whose attributes may break any rule, though mostly none does.
#[derive(Clone, Debug, TypeGenerator)]
pub struct BuiltEvent {
    #[generator(text(["1", "o-17", "a b"], ["", "ü%20"]))]
    id: String,
    #[generator(text(["/shop", "urn:shop", "/a%20b"], ["/a%2", "1:b", "#a#b"]))]
    source: String,
    #[generator(text(["order.placed", "a", "camshaft.x"], ["", "a b", "**"]))]
    event_type: String,
    #[generator(optional(text(["o-17", "\"q\"\\", "é"], ["", "a\nb", "\u{fdd0}"])))]
    subject: Option<String>,
    #[generator(optional(text(["2026-01-31T12:00:00Z", "2026-01-31t12:00:00.5+01:00"], ["2026-01-31 12:00:00Z", "now"])))]
    time: Option<String>,
    #[generator(optional(text(MEDIA_TYPES, ["json", "a/b; c="])))]
    datacontenttype: Option<String>,
    #[generator(optional(text(["urn:schema:1", "https://example.com/s#a"], ["/s.json", ""])))]
    dataschema: Option<String>,
    #[generator(optional(text(["k", " "], ["", "\r"])))]
    partitionkey: Option<String>,
    #[generator(named_texts())]
    extensions: Vec<(String, String)>,
    #[generator(any_data())]
    data: Vec<u8>,
}

const MEDIA_TYPES: [&str; 5] =
    ["application/json", "text/plain; charset=utf-8", "a/b; c=\"d;e\"", "a/b; c=\"ü\"", "x/y+xml"];

impl BuiltEvent {
    pub fn event(&self) -> Event {
        let Self { id, source, event_type, subject, time, .. } = self.clone();
        let Self { datacontenttype, dataschema, partitionkey, mut extensions, data, .. } = self.clone();
        extensions.sort();
        Event {
            id,
            source,
            event_type,
            subject,
            time,
            datacontenttype,
            dataschema,
            partitionkey,
            extensions,
            data,
        }
    }
}

/// Mostly something right, sometimes something odd, seldom anything.
fn text<const R: usize, const O: usize>(
    right: [&'static str; R],
    odd: [&'static str; O],
) -> impl ValueGenerator<Output = String> {
    let any = produce::<String>().with().len(0..12_usize);
    (0..64_u8, one_value_of(right), one_value_of(odd), any).map_gen(|(kind, right, odd, any)| match kind {
        0..2 => any,
        2..5 => odd.to_owned(),
        _ => right.to_owned(),
    })
}

fn optional(value: impl ValueGenerator<Output = String>) -> impl ValueGenerator<Output = Option<String>> {
    (produce::<bool>(), value).map_gen(|(is_present, value)| is_present.then_some(value))
}

fn named_texts() -> impl ValueGenerator<Output = Vec<(String, String)>> {
    let name = text(["tenant", "traceparent", "x1", "a"], ["offset", "Tenant", "datacontenttype"]);
    let value = text(["", "acme", "-3", "a b"], ["\u{7}", "\u{ffff}"]);
    produce::<Vec<(String, String)>>().with().values((name, value)).len(0..3_usize)
}

fn any_data() -> impl ValueGenerator<Output = Vec<u8>> {
    let json = ["{}", " {\"a\": 1}\n", "{\"a\":\r\n[1.50, 1e400]}", "\"\\ud800\"", "null"];
    let bytes = produce::<Vec<u8>>().with().len(0..16_usize);
    one_of((text(json, ["", "text", "{\"a\":"]).map_gen(String::into_bytes), bytes))
}
