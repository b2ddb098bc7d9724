//! Merges schemas that combine several parts. If a part allows no other members, `allOf` would reject the
//! members of the other parts. This module replaces such an `allOf` with one object.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

const REFERENCE: &str = "#/components/schemas/";

/// Replaces each such schema with one object. Only schemas of request bodies still forbid other members.
pub fn merge(json: &mut Value) {
    let Some(schemas) = json.pointer("/components/schemas").and_then(Value::as_object).cloned() else {
        return;
    };
    let requests = requested(json);
    for (name, schema) in super::members(json, "/components/schemas") {
        merge_in(schema, &schemas, requests.contains(name));
    }
}

/// Merges one schema and the schemas inside it, such as the items of a list.
fn merge_in(schema: &mut Value, schemas: &Map<String, Value>, is_requested: bool) {
    let parts = schema.get("allOf").and_then(Value::as_array).into_iter().flatten();
    let parts: Vec<Value> = parts.map(|part| resolved(part, schemas).clone()).collect();
    if parts.iter().any(|part| part["additionalProperties"] == false) {
        *schema = merged(&parts, &schema["description"], is_requested);
    }
    let within: Vec<&mut Value> = match schema {
        Value::Object(members) => members.values_mut().collect(),
        Value::Array(items) => items.iter_mut().collect(),
        _ => return,
    };
    within.into_iter().for_each(|schema| merge_in(schema, schemas, is_requested));
}

/// The names of the schemas of request bodies.
fn requested(json: &Value) -> BTreeSet<String> {
    let paths = json["paths"].as_object().into_iter().flat_map(Map::values);
    let operations = paths.filter_map(Value::as_object).flat_map(Map::values);
    let contents = operations.filter_map(|operation| operation["requestBody"]["content"].as_object());
    let references = contents.flat_map(Map::values).filter_map(|content| content["schema"]["$ref"].as_str());
    references.filter_map(|reference| reference.strip_prefix(REFERENCE)).map(str::to_owned).collect()
}

fn resolved<'s>(part: &'s Value, schemas: &'s Map<String, Value>) -> &'s Value {
    let name = part["$ref"].as_str().and_then(|reference| reference.strip_prefix(REFERENCE));
    name.and_then(|name| schemas.get(name)).unwrap_or(part)
}

fn merged(parts: &[Value], description: &Value, is_closed: bool) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for part in parts {
        properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
        required.extend(part["required"].as_array().cloned().unwrap_or_default());
    }
    json!({
        "type": "object",
        "description": description,
        "properties": properties,
        "required": required,
        "additionalProperties": !is_closed,
    })
}
