//! The contract is the validator: a body or query string is judged by the very JSON Schema that the
//! OpenAPI document publishes for it, so document and behaviour cannot drift apart, and every fault
//! is reported at once.
//!
//! Compiled once at start; `http::extractor` asks. Rules between fields are not here: see
//! `RequestBody::cross_check`.

use std::collections::BTreeMap;

use chrono::Datelike;
use jsonschema::{Draft, Registry, ValidationOptions, Validator};
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;
use uuid::Uuid;
use validator::ValidateEmail;

use super::branches::resolve_unions;
use super::faults::{faults_of, nul_characters, within};
use super::problem::{Fault, Problem};

/// A `format` that strings are held to.
#[derive(Clone, Copy)]
pub struct Format {
    /// As the schema names it.
    pub name: &'static str,
    pub accepts: fn(&str) -> bool,
    /// Completes "must be …" in a fault, such as "a UPN with a correct check letter".
    pub expected: &'static str,
}

/// The formats that have nothing to do with the subject.
const FORMATS: [Format; 4] = [
    Format {
        name: "date",
        accepts: is_civil_date,
        expected: "a date as YYYY-MM-DD, in the years 0001 to 9998",
    },
    Format {
        name: "date-time",
        accepts: is_instant,
        expected: "an instant with its offset, such as 2026-01-05T09:30:00Z",
    },
    Format {
        name: "uuid",
        accepts: is_uuid,
        expected: "a UUID in its hyphenated form",
    },
    Format {
        name: "email",
        accepts: is_email,
        expected: "an e-mail address",
    },
];

/// Formats that only annotate; anything else unknown is refused at start rather than not checked.
const ANNOTATIONS: [&str; 7] = [
    "int32",
    "int64",
    "float",
    "double",
    "password",
    "binary",
    "uri-reference",
];

/// Where the document stands among the schemas that refer to it.
const DOCUMENT: &str = "urn:ehcp:contract";

/// The compiled schemas of everything that clients send.
pub struct Contract {
    bodies: BTreeMap<String, Validator>,
    queries: BTreeMap<String, Query>,
    formats: Vec<Format>,
}

/// The query parameters of one operation.
struct Query {
    validator: Validator,
    parameters: BTreeMap<String, Parameter>,
}

/// How the text of a query parameter becomes the JSON value its schema speaks of.
#[derive(Clone, Copy)]
enum Parameter {
    Text,
    Whole,
    Truth,
    /// Parts separated by commas, or the parameter repeated.
    Listed,
    /// The parameter may be repeated.
    Repeated,
}

impl Contract {
    /// Compiles every schema reachable from a request body and the query of every operation, from a
    /// complete document. Fails on a dangling reference or a format nobody checks.
    pub fn new(document: &OpenApi, formats: &[Format]) -> Result<Contract, String> {
        Contract::compile(
            serde_json::to_value(document).map_err(|error| error.to_string())?,
            formats,
        )
    }

    /// The same from the document as JSON, which may use more of JSON Schema than utoipa writes.
    pub(super) fn compile(mut document: Value, formats: &[Format]) -> Result<Contract, String> {
        let formats: Vec<Format> = FORMATS.iter().chain(formats).copied().collect();
        let queries = query_schemas(&document);
        let schemas: Vec<&Value> = queries.iter().map(|(_, schema, _)| schema).collect();
        document["x-queries"] = json!(schemas);
        resolve_unions(&mut document);
        let registry = Registry::new()
            .draft(Draft::Draft202012)
            .add(DOCUMENT, &document)
            .and_then(|registry| registry.prepare())
            .map_err(|error| error.to_string())?;
        let compile = |place: &str| {
            options(&formats)
                .with_registry(&registry)
                .build(&json!({ "$ref": format!("{DOCUMENT}#{place}") }))
                .map_err(|error| format!("{place}: {error}"))
        };

        let mut bodies = BTreeMap::new();
        for name in schemas_sent(&document) {
            let validator = compile(&format!("/components/schemas/{name}"))?;
            bodies.insert(name, validator);
        }
        let mut compiled = BTreeMap::new();
        for (index, (operation, _, parameters)) in queries.into_iter().enumerate() {
            let validator = compile(&format!("/x-queries/{index}"))?;
            compiled.insert(
                operation,
                Query {
                    validator,
                    parameters,
                },
            );
        }
        Ok(Contract {
            bodies,
            queries: compiled,
            formats,
        })
    }

    /// Every fault of a value by the schema of this name; none means that it conforms.
    ///
    /// Fails when the document has no such schema for a request body: the handler lacks its
    /// `request_body`.
    pub fn faults(&self, schema_name: &str, value: &Value) -> Result<Vec<Fault>, Problem> {
        let validator = self
            .bodies
            .get(schema_name)
            .ok_or_else(|| Problem::bug(format!("no request body of the document uses {schema_name}")))?;
        Ok(self.judge(validator, value))
    }

    /// A query string, given as its decoded pairs, as one JSON object, with every fault of it.
    /// `operation` is the method and the route template, such as `GET /v1/clocks`.
    pub fn query(
        &self,
        operation: &str,
        pairs: Vec<(String, String)>,
    ) -> Result<(Value, Vec<Fault>), Problem> {
        let query = self
            .queries
            .get(operation)
            .ok_or_else(|| Problem::bug(format!("the document has no query for {operation}")))?;
        let mut members: Map<String, Value> = Map::new();
        let mut faults = Vec::new();
        for (name, text) in pairs {
            let parameter = query.parameters.get(&name).copied().unwrap_or(Parameter::Text);
            match (parameter, members.get_mut(&name)) {
                // Not every generated client heeds the style, so a list may also be repeated.
                (Parameter::Listed | Parameter::Repeated, Some(Value::Array(items))) => {
                    if let Value::Array(more) = parameter.read(text) {
                        items.extend(more);
                    }
                }
                (_, Some(_)) => {
                    let fault = Fault::new(within("", &name), "repeated", "must be given once");
                    if !faults.contains(&fault) {
                        faults.push(fault);
                    }
                }
                (_, None) => {
                    members.insert(name, parameter.read(text));
                }
            }
        }
        let value = Value::Object(members);
        faults.extend(self.judge(&query.validator, &value));
        Ok((value, faults))
    }

    fn judge(&self, validator: &Validator, value: &Value) -> Vec<Fault> {
        let expected = |name: &str| match self.formats.iter().find(|format| format.name == name) {
            Some(format) => format.expected.to_owned(),
            None => format!("in the format {name}"),
        };
        let mut faults = Vec::new();
        nul_characters(value, "", &mut faults);
        faults.extend(faults_of(validator.iter_errors(value), &expected));
        faults
    }
}

impl Parameter {
    fn of(parameter: &Value, document: &Value) -> Parameter {
        let explodes = parameter["explode"] != json!(false);
        let mut schema = &parameter["schema"];
        // Follows references and looks through "… or null"; a document has no endless chain of them.
        for _ in 0..8 {
            if let Some(name) = schema["$ref"].as_str() {
                schema = document
                    .pointer(name.trim_start_matches('#'))
                    .unwrap_or(&Value::Null);
            } else if let Some(branches) = schema["oneOf"].as_array() {
                schema = branches
                    .iter()
                    .find(|branch| branch["type"] != "null")
                    .unwrap_or(&Value::Null);
            }
        }
        let is = |name: &str| {
            schema["type"] == name
                || schema["type"]
                    .as_array()
                    .is_some_and(|types| types.contains(&json!(name)))
        };
        if is("array") {
            if explodes {
                Parameter::Repeated
            } else {
                Parameter::Listed
            }
        } else if is("integer") {
            Parameter::Whole
        } else if is("boolean") {
            Parameter::Truth
        } else {
            Parameter::Text
        }
    }

    /// Text that is not what the schema asks for stays text, and the schema says so.
    fn read(self, text: String) -> Value {
        match self {
            Parameter::Text => text.into(),
            Parameter::Whole => text.parse::<i64>().map_or(Value::String(text), Value::from),
            Parameter::Truth => text.parse::<bool>().map_or(Value::String(text), Value::from),
            // As the document's style has it, a list of nothing is written as nothing.
            Parameter::Listed if text.is_empty() => Value::Array(Vec::new()),
            Parameter::Listed => text.split(',').map(str::to_owned).collect(),
            Parameter::Repeated => Value::Array(vec![text.into()]),
        }
    }
}

fn options<'i>(formats: &[Format]) -> ValidationOptions<'i> {
    let mut options = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false);
    for name in ANNOTATIONS {
        options = options.with_format(name, |_: &str| true);
    }
    for format in formats {
        options = options.with_format(format.name, format.accepts);
    }
    options
}

/// For each operation, its query parameters as one closed object schema.
fn query_schemas(document: &Value) -> Vec<(String, Value, BTreeMap<String, Parameter>)> {
    let mut schemas = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let mut properties = Map::new();
            let mut required = Vec::new();
            let mut parameters = BTreeMap::new();
            let listed = operation["parameters"].as_array().into_iter().flatten();
            for parameter in listed.filter(|parameter| parameter["in"] == "query") {
                let Some(name) = parameter["name"].as_str() else {
                    continue;
                };
                properties.insert(name.to_owned(), parameter["schema"].clone());
                parameters.insert(name.to_owned(), Parameter::of(parameter, document));
                if parameter["required"] == json!(true) {
                    required.push(name);
                }
            }
            let schema = json!({
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": false,
            });
            schemas.push((format!("{} {path}", method.to_uppercase()), schema, parameters));
        }
    }
    schemas
}

/// The names of all schemas reachable from a request body.
fn schemas_sent(document: &Value) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut waiting: Vec<&Value> = Vec::new();
    for item in document["paths"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(_, item)| item)
    {
        waiting.extend(
            item.as_object()
                .into_iter()
                .flatten()
                .map(|(_, operation)| &operation["requestBody"]),
        );
    }
    while let Some(value) = waiting.pop() {
        match value {
            Value::Array(items) => waiting.extend(items),
            Value::Object(members) => {
                let referred = members
                    .get("$ref")
                    .and_then(Value::as_str)
                    .and_then(|place| place.rsplit('/').next());
                if let Some(name) = referred
                    && !names.iter().any(|known| known == name)
                {
                    names.push(name.to_owned());
                    waiting.push(&document["components"]["schemas"][name]);
                }
                waiting.extend(members.values());
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    names
}

/// A day that the calendar has, written `YYYY-MM-DD` and in no other way. PostgreSQL knows no year
/// nought, and what is counted from a day of the year 9999 would end in one that has five digits.
fn is_civil_date(text: &str) -> bool {
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let in_range = |date: chrono::NaiveDate| (1..=9998).contains(&date.year());
    shaped && text.parse().is_ok_and(in_range)
}

fn is_instant(text: &str) -> bool {
    chrono::DateTime::parse_from_rfc3339(text).is_ok()
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

fn is_email(text: &str) -> bool {
    text.validate_email()
}
