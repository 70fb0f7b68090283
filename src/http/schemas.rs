//! What the derived schemas lack before they can judge: flattened parts are merged into one object,
//! and every object that clients send is closed against unknown members.
//!
//! Called by `http::openapi` alone, on the whole document, once.

use std::collections::{BTreeMap, BTreeSet};

use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, OneOf, SchemaType};
use utoipa::openapi::{Object, OpenApi, RefOr, Schema, Type};

/// The schemas of the document by name.
type Schemas = BTreeMap<String, RefOr<Schema>>;

/// Writes each `allOf` of objects as the one object it means, or as a `oneOf` of such objects where
/// a part is a union.
///
/// A closed object inside `allOf` would refuse the members of its siblings, so parts cannot be
/// closed one by one. Merged objects are open; [`close`] closes those that are sent.
pub fn merge_flattened(schemas: &mut Schemas) {
    let known = schemas.clone();
    for schema in schemas.values_mut() {
        each(schema, &mut |schema| {
            let RefOr::T(Schema::AllOf(all_of)) = schema else {
                return;
            };
            let (title, description, example) = (
                all_of.title.clone(),
                all_of.description.clone(),
                all_of.example.clone(),
            );
            let Some(forms) = forms(schema, &known, 0) else {
                return;
            };
            *schema = RefOr::T(match <[Object; 1]>::try_from(forms) {
                Ok([object]) => Schema::Object(object),
                Err(forms) => {
                    let mut union = OneOf::new();
                    union.title = title;
                    union.description = description;
                    union.example = example;
                    union.items = forms
                        .into_iter()
                        .map(|object| RefOr::T(Schema::Object(object)))
                        .collect();
                    Schema::OneOf(union)
                }
            });
        });
    }
}

/// Closes every object with named members that a request body can hold.
pub fn close(document: &mut OpenApi) {
    let mut waiting: Vec<String> = Vec::new();
    let close_one = |schema: &mut RefOr<Schema>, waiting: &mut Vec<String>| {
        each(schema, &mut |schema| match schema {
            RefOr::Ref(reference) => waiting.extend(name_of(&reference.ref_location).map(str::to_owned)),
            RefOr::T(Schema::Object(object)) => {
                if object.additional_properties.is_none() && !object.properties.is_empty() {
                    object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
                }
            }
            RefOr::T(_) => {}
        });
    };
    for item in document.paths.paths.values_mut() {
        for operation in super::openapi::operations_mut(item) {
            let Some(RefOr::T(body)) = operation.1.request_body.as_mut() else {
                continue;
            };
            for content in body.content.values_mut() {
                if let RefOr::T(content) = content
                    && let Some(schema) = content.schema.as_mut()
                {
                    close_one(schema, &mut waiting);
                }
            }
        }
    }
    let Some(components) = document.components.as_mut() else {
        return;
    };
    let mut seen = BTreeSet::new();
    while let Some(name) = waiting.pop() {
        if let Some(schema) = components.schemas.get_mut(&name)
            && seen.insert(name)
        {
            close_one(schema, &mut waiting);
        }
    }
}

/// Drops what nothing refers to any more: the parts that flattened schemas were merged from.
pub fn prune(document: &mut OpenApi) {
    let text = |value: serde_json::Result<String>| value.unwrap_or_default();
    let refers = |text: &str, name: &str| text.contains(&format!("\"#/components/schemas/{name}\""));
    let paths = text(serde_json::to_string(&document.paths));
    let Some(components) = document.components.as_mut() else {
        return;
    };
    let texts: BTreeMap<String, String> = components
        .schemas
        .iter()
        .map(|(name, schema)| (name.clone(), text(serde_json::to_string(schema))))
        .collect();
    let mut used: BTreeSet<String> = BTreeSet::new();
    let mut waiting = vec![paths];
    while let Some(referring) = waiting.pop() {
        for (name, schema) in &texts {
            if refers(&referring, name) && used.insert(name.clone()) {
                waiting.push(schema.clone());
            }
        }
    }
    components.schemas.retain(|name, _| used.contains(name));
}

/// The name in a reference to a schema of the document.
fn name_of(location: &str) -> Option<&str> {
    location.strip_prefix("#/components/schemas/")
}

/// Visits a schema after all schemas inside it; references are visited, not followed.
fn each(schema: &mut RefOr<Schema>, visit: &mut dyn FnMut(&mut RefOr<Schema>)) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            object
                .properties
                .values_mut()
                .for_each(|property| each(property, visit));
            if let Some(AdditionalProperties::RefOr(others)) = object.additional_properties.as_deref_mut() {
                each(others, visit);
            }
        }
        RefOr::T(Schema::Array(array)) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                each(items, visit);
            }
        }
        RefOr::T(Schema::OneOf(union)) => union.items.iter_mut().for_each(|item| each(item, visit)),
        RefOr::T(Schema::AnyOf(union)) => union.items.iter_mut().for_each(|item| each(item, visit)),
        RefOr::T(Schema::AllOf(parts)) => parts.items.iter_mut().for_each(|item| each(item, visit)),
        RefOr::Ref(_) | RefOr::T(_) => {}
    }
    visit(schema);
}

/// The objects a schema stands for: one, or one for each branch of a union; `None` when it is
/// something other than objects.
fn forms(schema: &RefOr<Schema>, known: &Schemas, depth: usize) -> Option<Vec<Object>> {
    if depth > 16 {
        return None;
    }
    match schema {
        RefOr::Ref(reference) => forms(known.get(name_of(&reference.ref_location)?)?, known, depth + 1),
        RefOr::T(Schema::Object(object)) => {
            matches!(object.schema_type, SchemaType::Type(Type::Object)).then(|| vec![object.clone()])
        }
        RefOr::T(Schema::OneOf(union)) => {
            let mut all = Vec::new();
            for item in &union.items {
                all.extend(forms(item, known, depth + 1)?);
            }
            Some(all)
        }
        RefOr::T(Schema::AllOf(parts)) => {
            let mut merged: Option<Vec<Object>> = None;
            for part in &parts.items {
                let alternatives = forms(part, known, depth + 1)?;
                merged = Some(match merged {
                    None => alternatives,
                    Some(sofar) => sofar
                        .iter()
                        .flat_map(|one| alternatives.iter().map(move |other| merge(one, other)))
                        .collect(),
                });
            }
            let mut merged = merged?;
            for object in &mut merged {
                if is_closed(object) {
                    object.additional_properties = None;
                }
            }
            if let [only] = merged.as_mut_slice() {
                only.title = parts.title.clone().or(only.title.take());
                only.description = parts.description.clone().or(only.description.take());
                only.example = parts.example.clone();
            }
            Some(merged)
        }
        RefOr::T(_) => None,
    }
}

/// One object with the members of both; where both describe themselves, the first is kept.
fn merge(one: &Object, other: &Object) -> Object {
    let mut both = one.clone();
    both.properties.extend(other.properties.clone());
    for name in &other.required {
        if !both.required.contains(name) {
            both.required.push(name.clone());
        }
    }
    both.title = both.title.or_else(|| other.title.clone());
    both.description = both.description.or_else(|| other.description.clone());
    both.example = None;
    if both.additional_properties.is_none() || is_closed(&both) {
        both.additional_properties = other.additional_properties.clone();
    }
    both
}

fn is_closed(object: &Object) -> bool {
    matches!(
        object.additional_properties.as_deref(),
        Some(AdditionalProperties::FreeForm(false))
    )
}
