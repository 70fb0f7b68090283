//! From what a JSON Schema finds wrong to the faults a client reads: one stable code each, the
//! pointer where it is, and what is expected there, never what was sent.
//!
//! Called by `http::contract` alone.

use std::collections::BTreeSet;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

use super::problem::Fault;

/// How many faults one answer tells; nobody mends more at a time.
const FAULT_LIMIT: usize = 1000;

/// Every fault behind these errors, in order of their pointers. `expected` words a format.
pub fn faults_of<'e>(
    errors: impl Iterator<Item = ValidationError<'e>>,
    expected: &dyn Fn(&str) -> String,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    for error in errors {
        add(&error, expected, &mut faults);
    }
    faults.sort_by(|one, other| one.pointer.cmp(&other.pointer));
    faults.dedup();
    // A value of the wrong type breaks other rules as well; saying so would only hide the cause.
    let mistyped: BTreeSet<String> = faults
        .iter()
        .filter(|fault| fault.code == "wrong_type")
        .map(|fault| fault.pointer.clone())
        .collect();
    faults.retain(|fault| fault.code == "wrong_type" || !mistyped.contains(&fault.pointer));
    faults.truncate(FAULT_LIMIT);
    faults
}

/// Whether a string anywhere inside holds a NUL character, which no store of ours can keep.
pub fn nul_characters(value: &Value, pointer: &str, faults: &mut Vec<Fault>) {
    match value {
        Value::String(text) if text.contains('\0') => {
            faults.push(Fault::new(
                pointer,
                "malformed",
                "must not contain a NUL character",
            ));
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                nul_characters(item, &format!("{pointer}/{index}"), faults);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                if name.contains('\0') {
                    faults.push(Fault::new(
                        pointer,
                        "malformed",
                        "a name must not contain a NUL character",
                    ));
                }
                nul_characters(member, &within(pointer, name), faults);
            }
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The pointer to a member of the object at a pointer.
pub fn within(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn add(error: &ValidationError<'_>, expected: &dyn Fn(&str) -> String, faults: &mut Vec<Fault>) {
    let pointer = error.instance_path().as_str();
    let mut say = |code: &'static str, message: String| faults.push(Fault::new(pointer, code, message));
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            faults.push(Fault::new(within(pointer, name), "missing", "is required"));
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            for name in unexpected {
                faults.push(Fault::new(
                    within(pointer, name),
                    "unknown_field",
                    "is not a field of this object",
                ));
            }
        }
        ValidationErrorKind::Type { kind } => say("wrong_type", format!("must be {}", types(kind))),
        ValidationErrorKind::Enum { options } => say("not_one_of", one_of(options)),
        ValidationErrorKind::Constant { expected_value } => say("not_one_of", one_of(expected_value)),
        ValidationErrorKind::Format { format } => say("malformed", format!("must be {}", expected(format))),
        ValidationErrorKind::Pattern { pattern } => {
            say("malformed", format!("must match the pattern {pattern}"));
        }
        ValidationErrorKind::MinLength { limit: 1 } => say("too_short", "must not be empty".to_owned()),
        ValidationErrorKind::MinLength { limit } => {
            say(
                "too_short",
                format!("must have at least {}", count(*limit, "character")),
            );
        }
        ValidationErrorKind::MaxLength { limit } => {
            say(
                "too_long",
                format!("must have at most {}", count(*limit, "character")),
            );
        }
        ValidationErrorKind::Minimum { limit } => say("out_of_range", format!("must be at least {limit}")),
        ValidationErrorKind::Maximum { limit } => say("out_of_range", format!("must be at most {limit}")),
        ValidationErrorKind::ExclusiveMinimum { limit } => {
            say("out_of_range", format!("must be more than {limit}"));
        }
        ValidationErrorKind::ExclusiveMaximum { limit } => {
            say("out_of_range", format!("must be less than {limit}"));
        }
        ValidationErrorKind::MinItems { limit } => {
            say("too_few", format!("must have at least {}", count(*limit, "item")))
        }
        ValidationErrorKind::MaxItems { limit } => {
            say("too_many", format!("must have at most {}", count(*limit, "item")))
        }
        ValidationErrorKind::MinProperties { limit } => {
            say(
                "too_few",
                format!("must have at least {}", count(*limit, "member")),
            );
        }
        ValidationErrorKind::MaxProperties { limit } => {
            say(
                "too_many",
                format!("must have at most {}", count(*limit, "member")),
            );
        }
        ValidationErrorKind::UniqueItems => say("repeated", "must not hold the same item twice".to_owned()),
        ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } => {
            add_of_union(pointer, context, expected, faults);
        }
        _ => say("invalid", "is not what this field takes".to_owned()),
    }
}

/// No branch of a union without tags fits: reports the faults of the branch that was meant, which is
/// the one with the fewest, if one has fewer than all others.
fn add_of_union(
    pointer: &str,
    branches: &[Vec<ValidationError<'static>>],
    expected: &dyn Fn(&str) -> String,
    faults: &mut Vec<Fault>,
) {
    let mut readings: Vec<Vec<Fault>> = Vec::new();
    for branch in branches {
        let mut reading = Vec::new();
        for error in branch {
            add(error, expected, &mut reading);
        }
        if !readings.contains(&reading) {
            readings.push(reading);
        }
    }
    readings.sort_by_key(Vec::len);
    let meant = match readings.as_slice() {
        [only] => Some(only),
        [closest, next, ..] if closest.len() < next.len() => Some(closest),
        _ => None,
    };
    match meant {
        Some(reading) => faults.extend(reading.iter().cloned()),
        None => faults.push(Fault::new(
            pointer,
            "invalid",
            "has none of the forms this field takes",
        )),
    }
}

fn count(limit: u64, noun: &str) -> String {
    if limit == 1 {
        format!("1 {noun}")
    } else {
        format!("{limit} {noun}s")
    }
}

fn one_of(options: &Value) -> String {
    let word = |option: &Value| match option {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match options {
        Value::Array(options) => {
            let words: Vec<String> = options
                .iter()
                .filter(|option| !option.is_null())
                .map(word)
                .collect();
            format!("must be one of: {}", words.join(", "))
        }
        only => format!("must be {}", word(only)),
    }
}

fn types(kind: &TypeKind) -> String {
    let word = |kind: JsonType| match kind {
        JsonType::Null => "null",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "a string",
        JsonType::Array => "an array",
        JsonType::Object => "an object",
    };
    match kind {
        TypeKind::Single(kind) => word(*kind).to_owned(),
        TypeKind::Multiple(kinds) => {
            let mut kinds: Vec<JsonType> = kinds.iter().collect();
            kinds.sort_by_key(|kind| *kind == JsonType::Null);
            kinds.into_iter().map(word).collect::<Vec<_>>().join(" or ")
        }
    }
}
