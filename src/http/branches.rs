//! Unions made decidable: a `oneOf` whose branches are told apart by their `type`, or one with null,
//! is judged by the branch that was meant, so that only its faults are told.
//!
//! The rewritten schemas accept exactly what the published ones accept. Trying every branch and
//! choosing afterwards would also cost a hostile body's sender nothing and us a copy of it for each
//! branch. Called by `http::contract` alone.

use serde_json::{Value, json};

/// The member that tells the branches of a union apart.
const TAG: &str = "type";

/// Rewrites every such union of the document.
pub fn resolve_unions(document: &mut Value) {
    let published = document.clone();
    resolve_within(document, &published);
}

fn resolve_within(schema: &mut Value, document: &Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(|item| resolve_within(item, document)),
        Value::Object(members) => {
            members
                .values_mut()
                .for_each(|member| resolve_within(member, document));
            let Some(Value::Array(branches)) = members.get("oneOf") else {
                return;
            };
            let Some(decided) = decided(branches, document) else {
                return;
            };
            members.remove("oneOf");
            let others = members.entry("allOf").or_insert_with(|| json!([]));
            if let Value::Array(others) = others {
                others.push(decided);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What decides between these branches first and judges by one of them then; `None` leaves the
/// union as it is.
fn decided(branches: &[Value], document: &Value) -> Option<Value> {
    let (nulls, others): (Vec<&Value>, Vec<&Value>) =
        branches.iter().partition(|branch| branch["type"] == "null");
    let tagged = by_tag(&others, document);
    if nulls.is_empty() {
        return tagged;
    }
    let present = match (tagged, others.as_slice()) {
        (Some(tagged), _) => tagged,
        (None, [only]) => (*only).clone(),
        (None, _) => json!({ "oneOf": others }),
    };
    Some(json!({ "if": { "type": "null" }, "else": present }))
}

/// A closed list of tags, and for each tag its branch.
fn by_tag(branches: &[&Value], document: &Value) -> Option<Value> {
    let mut tags: Vec<&Value> = Vec::new();
    let mut rules: Vec<Value> = Vec::new();
    for branch in branches {
        let tag = tag_of(branch, document)?;
        if tags.contains(&tag) {
            return None;
        }
        tags.push(tag);
        let meant = json!({ "type": "object", "required": [TAG], "properties": { TAG: { "const": tag } } });
        rules.push(json!({ "if": meant, "then": branch }));
    }
    (tags.len() > 1).then(|| {
        json!({ "type": "object", "required": [TAG], "properties": { TAG: { "enum": tags } }, "allOf": rules })
    })
}

/// The one value a branch requires its tag to have.
fn tag_of<'s>(branch: &'s Value, document: &'s Value) -> Option<&'s Value> {
    let branch = match branch["$ref"].as_str() {
        Some(place) => document.pointer(place.trim_start_matches('#'))?,
        None => branch,
    };
    if !branch["required"].as_array()?.contains(&json!(TAG)) {
        return None;
    }
    let schema = &branch["properties"][TAG];
    match schema["enum"].as_array().map(Vec::as_slice) {
        Some([only]) => Some(only),
        Some(_) => None,
        None => schema.get("const"),
    }
}
