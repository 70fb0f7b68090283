//! The contract on schemas made by hand: each way of being wrong gives its code where it is.

use serde_json::{Value, json};

use super::super::contract::{Contract, Format};
use super::super::problem::Code;

const FORMATS: [Format; 1] = [Format {
    name: "nhs-number",
    accepts: |text| text == "9434765919",
    expected: "an NHS number with a correct check digit",
}];

/// A document whose one operation takes `Sent` as its body.
fn document(schemas: Value) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": { "title": "made up", "version": "1" },
        "paths": { "/": { "post": {
            "responses": {},
            "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Sent" } } } },
        } } },
        "components": { "schemas": schemas },
    })
}

/// The faults of a value by one property `it` of this schema, as `pointer code: message`.
fn faults_in(it: Value, others: Value, value: Value) -> Vec<String> {
    let mut schemas = json!({ "Sent": { "type": "object", "properties": { "it": it } } });
    schemas
        .as_object_mut()
        .unwrap()
        .extend(others.as_object().cloned().unwrap_or_default());
    let contract = Contract::compile(document(schemas), &FORMATS).unwrap();
    let faults = contract.faults("Sent", &json!({ "it": value })).unwrap();
    faults
        .iter()
        .map(|fault| format!("{} {}: {}", fault.pointer, fault.code, fault.message))
        .collect()
}

fn faults(it: Value, value: Value) -> Vec<String> {
    faults_in(it, json!({}), value)
}

#[test]
fn each_rule_of_a_schema_has_its_code() {
    let object = json!({ "type": "object", "required": ["a/b"], "properties": { "a/b": {} }, "additionalProperties": false });
    let cases = [
        (
            object,
            json!({ "x~y": 1, "z": 2 }),
            vec![
                "/it/a~1b missing: is required",
                "/it/x~0y unknown_field: is not a field of this object",
                "/it/z unknown_field: is not a field of this object",
            ],
        ),
        (
            json!({ "type": "string" }),
            json!(7),
            vec!["/it wrong_type: must be a string"],
        ),
        (
            json!({ "type": ["integer", "null"] }),
            json!("7"),
            vec!["/it wrong_type: must be a whole number or null"],
        ),
        (
            json!({ "type": "boolean" }),
            json!(null),
            vec!["/it wrong_type: must be true or false"],
        ),
        (
            json!({ "type": "string", "enum": ["a", "b"] }),
            json!("c"),
            vec!["/it not_one_of: must be one of: a, b"],
        ),
        (
            json!({ "type": "string", "enum": ["a", "b"] }),
            json!(1),
            vec!["/it wrong_type: must be a string"],
        ),
        (
            json!({ "type": "string", "minLength": 1 }),
            json!(""),
            vec!["/it too_short: must not be empty"],
        ),
        (
            json!({ "type": "string", "minLength": 3 }),
            json!("éé"),
            vec!["/it too_short: must have at least 3 characters"],
        ),
        (
            json!({ "type": "string", "maxLength": 2 }),
            json!("ééé"),
            vec!["/it too_long: must have at most 2 characters"],
        ),
        (
            json!({ "type": "integer", "minimum": 1 }),
            json!(0),
            vec!["/it out_of_range: must be at least 1"],
        ),
        (
            json!({ "type": "integer", "maximum": 9 }),
            json!(10),
            vec!["/it out_of_range: must be at most 9"],
        ),
        (
            json!({ "type": "array", "items": {}, "minItems": 1 }),
            json!([]),
            vec!["/it too_few: must have at least 1 item"],
        ),
        (
            json!({ "type": "array", "items": {}, "maxItems": 1 }),
            json!([1, 2]),
            vec!["/it too_many: must have at most 1 item"],
        ),
        (
            json!({ "type": "array", "items": {}, "uniqueItems": true }),
            json!([1, 1]),
            vec!["/it repeated: must not hold the same item twice"],
        ),
        (
            json!({ "type": "string", "pattern": "^[0-9]{3}$" }),
            json!("12"),
            vec!["/it malformed: must match the pattern ^[0-9]{3}$"],
        ),
        (
            json!({ "type": "string", "format": "nhs-number" }),
            json!("1"),
            vec!["/it malformed: must be an NHS number with a correct check digit"],
        ),
        (
            json!({ "type": "number", "multipleOf": 5 }),
            json!(7),
            vec!["/it invalid: is not what this field takes"],
        ),
        (
            json!({ "type": "string" }),
            json!("a\u{0}"),
            vec!["/it malformed: must not contain a NUL character"],
        ),
        (
            json!({}),
            json!({ "deep": ["\u{0}"] }),
            vec!["/it/deep/0 malformed: must not contain a NUL character"],
        ),
    ];
    for (schema, value, expected) in cases {
        assert_eq!(
            faults(schema.clone(), value.clone()),
            expected,
            "{schema} {value}"
        );
    }
}

#[test]
fn formats_are_exact() {
    let cases = [
        (
            "date",
            vec!["2026-02-28", "2028-02-29"],
            vec![
                "2026-02-29",
                "2026-2-28",
                "+026-02-28",
                "2026-02-28T00:00:00Z",
                "28/02/2026",
                "",
            ],
        ),
        (
            "date-time",
            vec!["2026-01-05T09:30:00Z", "2026-07-05T09:30:00.25+01:00"],
            vec!["2026-01-05T09:30:00", "2026-01-05", "now"],
        ),
        (
            "uuid",
            vec!["0198e3a4-7d1c-7000-8000-000000000001"],
            vec!["0198e3a47d1c70008000000000000001", "x"],
        ),
        (
            "email",
            vec!["ann@example.org"],
            vec!["ann", "ann@", "@example.org"],
        ),
    ];
    for (format, good, bad) in cases {
        let schema = json!({ "type": "string", "format": format });
        for text in good {
            assert_eq!(
                faults(schema.clone(), json!(text)),
                Vec::<String>::new(),
                "{format} {text}"
            );
        }
        for text in bad {
            let found = faults(schema.clone(), json!(text));
            assert!(
                found.len() == 1 && found[0].starts_with("/it malformed: must be a"),
                "{format} {text} {found:?}"
            );
        }
    }
}

/// A union told apart by `type`, one branch by reference and two inline.
fn union() -> (Value, Value) {
    let tagged = |tag: Value, name: &str, schema: Value| {
        json!({ "type": "object", "required": ["type", name], "additionalProperties": false,
                "properties": { "type": tag, name: schema } })
    };
    let walked = tagged(
        json!({ "type": "string", "enum": ["walked"] }),
        "miles",
        json!({ "type": "integer" }),
    );
    let nested = tagged(
        json!({ "type": "string", "const": "nested" }),
        "inner",
        json!({ "$ref": "#/components/schemas/Union" }),
    );
    let slept = tagged(
        json!({ "type": "string", "enum": ["slept"] }),
        "hours",
        json!({ "type": "integer", "maximum": 24 }),
    );
    let union = json!({ "oneOf": [{ "$ref": "#/components/schemas/Walked" }, nested, slept] });
    (
        json!({ "$ref": "#/components/schemas/Union" }),
        json!({ "Union": union, "Walked": walked }),
    )
}

#[test]
fn only_the_branch_that_was_meant_speaks() {
    let cases = [
        (
            json!({ "type": "slept", "hours": 25 }),
            vec!["/it/hours out_of_range: must be at most 24"],
        ),
        (
            json!({ "type": "walked", "hours": 3 }),
            vec![
                "/it/hours unknown_field: is not a field of this object",
                "/it/miles missing: is required",
            ],
        ),
        (json!({ "hours": 3 }), vec!["/it/type missing: is required"]),
        (
            json!({ "type": "flew", "hours": 3 }),
            vec!["/it/type not_one_of: must be one of: walked, nested, slept"],
        ),
        (
            json!({ "type": 7 }),
            vec!["/it/type not_one_of: must be one of: walked, nested, slept"],
        ),
        (json!("slept"), vec!["/it wrong_type: must be an object"]),
        (
            json!({ "type": "nested", "inner": { "type": "nested", "inner": { "type": "slept", "hours": "x" } } }),
            vec!["/it/inner/inner/hours wrong_type: must be a whole number"],
        ),
        (
            json!({ "type": "nested", "inner": { "type": "flew" } }),
            vec!["/it/inner/type not_one_of: must be one of: walked, nested, slept"],
        ),
    ];
    for (value, expected) in cases {
        let (schema, others) = union();
        assert_eq!(faults_in(schema, others, value.clone()), expected, "{value}");
    }
}

#[test]
fn a_union_of_two_and_a_list_of_unions_speak_the_same_way() {
    let (_, others) = union();
    let two = json!({ "oneOf": [
        { "type": "object", "required": ["type"], "properties": { "type": { "enum": ["a"] } }, "additionalProperties": false },
        { "type": "object", "required": ["type", "n"], "properties": { "type": { "enum": ["b"] }, "n": {} }, "additionalProperties": false },
    ] });
    assert_eq!(
        faults(two.clone(), json!({ "type": "b" })),
        ["/it/n missing: is required"]
    );
    assert_eq!(faults(two, json!({})), ["/it/type missing: is required"]);
    let list = json!({ "type": "array", "items": { "$ref": "#/components/schemas/Union" } });
    assert_eq!(
        faults_in(
            list,
            others,
            json!([{ "type": "walked", "miles": 1 }, { "type": "walked" }])
        ),
        ["/it/1/miles missing: is required"]
    );
}

#[test]
fn a_nullable_value_has_the_faults_of_what_it_is_when_present() {
    let (schema, others) = union();
    let nullable = json!({ "oneOf": [{ "type": "null" }, schema] });
    assert_eq!(
        faults_in(nullable.clone(), others.clone(), json!(null)),
        Vec::<String>::new()
    );
    assert_eq!(
        faults_in(nullable.clone(), others.clone(), json!({ "type": "walked" })),
        ["/it/miles missing: is required"]
    );
    assert_eq!(
        faults_in(nullable, others, json!([])),
        ["/it wrong_type: must be an object"]
    );
    let word = json!({ "oneOf": [{ "$ref": "#/components/schemas/Word" }, { "type": "null" }] });
    let words = json!({ "Word": { "type": "string", "enum": ["a", "b"] } });
    assert_eq!(
        faults_in(word, words, json!("c")),
        ["/it not_one_of: must be one of: a, b"]
    );
}

#[test]
fn an_untagged_union_speaks_for_its_closest_branch() {
    let named = |name: &str| {
        json!({ "type": "object", "required": [name, "from_on"], "additionalProperties": false,
                "properties": { name: { "type": "string" }, "from_on": { "type": "string", "format": "date" } } })
    };
    let setting = json!({ "oneOf": [named("organisation_id"), named("urn"), named("ukprn")] });
    assert_eq!(
        faults(setting.clone(), json!({ "urn": "100", "from_on": "soon" })),
        ["/it/from_on malformed: must be a date as YYYY-MM-DD, in the years 0001 to 9998"]
    );
    assert_eq!(
        faults(setting, json!({ "from_on": "2026-01-05" })),
        ["/it invalid: has none of the forms this field takes"]
    );
}

#[test]
fn a_document_that_cannot_judge_is_refused_at_start() {
    let dangling = json!({ "Sent": { "type": "object", "properties": { "it": { "$ref": "#/components/schemas/Gone" } } } });
    assert!(Contract::compile(document(dangling), &[]).is_err());
    let unknown = json!({ "Sent": { "type": "string", "format": "nhs-number" } });
    assert!(Contract::compile(document(unknown.clone()), &[]).is_err());
    let contract = Contract::compile(document(unknown), &FORMATS).unwrap();
    assert_eq!(
        contract.faults("Other", &json!(1)).unwrap_err().code(),
        Code::InternalError
    );
}
