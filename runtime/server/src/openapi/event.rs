//! The schema of an event in the JSON format of CloudEvents. It expresses the rules of
//! `camshaft_event::cloudevents`.

use camshaft_event::cloudevents::{MAX_EXTENSIONS, MAX_NAME_BYTES};
use serde_json::{Value, json};

/// Characters of a URI reference, except `:`, `/`, `?` and `#`.
const PLAIN: &str = "[A-Za-z0-9._~@!$&'()*+,;=\\[\\]-]|%[0-9A-Fa-f]{2}";

/// A URI scheme and its colon.
const SCHEME: &str = "[A-Za-z][A-Za-z0-9+.-]*:";

/// A token of a media type.
const TOKEN: &str = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";

/// The schema of one event.
pub fn schema() -> Value {
    let text = json!({"type": "string", "pattern": text_pattern("*")});
    let filled = json!({"type": "string", "pattern": text_pattern("+")});
    let integer = json!({"type": "integer", "minimum": i32::MIN, "maximum": i32::MAX});
    let required = json!({"anyOf": [filled, integer, {"type": "boolean"}]});
    let optional = json!({"anyOf": [filled, integer, {"type": "boolean"}, {"type": "null"}]});
    let extension = json!({"anyOf": [text, integer, {"type": "boolean"}, {"type": "null"}]});
    let rest = format!("(?:{PLAIN}|[:/?])*(?:#(?:{PLAIN}|[:/?])*)?");
    let relative = format!("(?:{PLAIN})*(?:[/?](?:{PLAIN}|[:/?])*)?(?:#(?:{PLAIN}|[:/?])*)?");
    let source = format!("^(?:{SCHEME}{rest}|{relative})$");
    let parameter = format!(";{TOKEN}={TOKEN}");
    let media_type = format!("^{TOKEN}/{TOKEN}(?:{parameter})*$");
    let json_type = format!("^{TOKEN}/(?:[Jj][Ss][Oo][Nn]|{TOKEN}[+][Jj][Ss][Oo][Nn])(?:{parameter})*$");
    let base64 = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$";
    let with_type = |pattern: &str, data: Value| {
        let datacontenttype = json!({"type": "string", "pattern": pattern});
        json!({
            "required": ["datacontenttype"],
            "properties": {"datacontenttype": datacontenttype, "data": data},
        })
    };
    json!({
        "type": "object",
        "description": "An event in the JSON format of CloudEvents 1.0. Every other member is an extension; a member with the value null counts as absent.",
        "required": ["specversion", "id", "source", "type"],
        "properties": {
            "specversion": {"type": "string", "enum": ["1.0"]},
            "id": required,
            "source": {"anyOf": [
                {"type": "string", "minLength": 1, "pattern": source}, integer, {"type": "boolean"},
            ]},
            "type": required,
            "subject": optional,
            "partitionkey": optional,
            "time": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
            "datacontenttype": {"anyOf": [{"type": "string", "pattern": media_type}, {"type": "null"}]},
            "dataschema": {"anyOf": [
                {"type": "string", "pattern": format!("^{SCHEME}{rest}$")}, {"type": "null"},
            ]},
            "data": {},
            "data_base64": {"anyOf": [{"type": "string", "pattern": base64}, {"type": "null"}]},
        },
        "additionalProperties": extension,
        "propertyNames": {"pattern": format!("^(?:data_base64|[a-z0-9]{{1,{MAX_NAME_BYTES}}})$")},
        "maxProperties": MAX_EXTENSIONS,
        "anyOf": [
            // Data with another content type than JSON is a string.
            {"properties": {"datacontenttype": {"type": "null"}}},
            with_type(&json_type, json!({})),
            with_type(&media_type, json!({"type": "string"})),
        ],
        "not": {
            "required": ["data", "data_base64"],
            "properties": {"data_base64": {"type": "string"}},
        },
    })
}

/// Pattern of a text without control characters and Unicode noncharacters. The character class is negated,
/// because tools are slow with the ranges of all allowed characters.
fn text_pattern(repeated: &str) -> String {
    let mut forbidden = String::from("\0-\u{1f}\u{7f}-\u{9f}\u{fdd0}-\u{fdef}\u{fffe}\u{ffff}");
    for plane in 1..=16_u32 {
        let last = [0xfffe, 0xffff].map(|code| (plane << 16) + code);
        forbidden.extend(last.into_iter().filter_map(char::from_u32));
    }
    format!("^[^{forbidden}]{repeated}$")
}
