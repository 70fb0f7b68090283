//! The published document: the same as the committed one, and complete.

use ehcp_timeline::casework::assessment::ASSESSMENT;
use ehcp_timeline::casework::procedure::EventType;
use ehcp_timeline::casework::review::REVIEW;
use ehcp_timeline::http::document;
use serde_json::Value;

use crate::harness::Service;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/ehcp.v1.json");
const PUBLIC: [&str; 6] = [
    "/oauth/token",
    "/health/live",
    "/health/ready",
    "/openapi.json",
    "/v1/timelines",
    "/v1/rules",
];

fn whole() -> Value {
    serde_json::to_value(document()).unwrap()
}

/// Every operation as `METHOD path` with what the document says of it.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            item.as_object()
                .unwrap()
                .iter()
                .map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
        })
        .collect()
}

/// Visits every value of the document with its place.
fn each(value: &Value, place: &str, visit: &mut dyn FnMut(&str, &Value)) {
    visit(place, value);
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(name, member)| each(member, &format!("{place}/{name}"), visit)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, item)| each(item, &format!("{place}/{index}"), visit)),
        _ => {}
    }
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

#[test]
fn the_committed_document_is_the_one_the_code_makes() {
    let made = format!("{}\n", document().to_pretty_json().unwrap());
    let committed = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        made == committed,
        "openapi/ehcp.v1.json differs from the code. Renew it and look at the difference:\n\n    cargo run -- openapi > openapi/ehcp.v1.json\n"
    );
}

#[actix_web::test]
async fn the_served_document_is_the_same() {
    let service = Service::new();
    let served = service
        .send(crate::harness::anonymous(
            actix_web::http::Method::GET,
            "/openapi.json",
        ))
        .await
        .expect(200);
    assert_eq!(served.body, whole());
}

#[test]
fn every_operation_says_what_it_is_for_and_who_may() {
    let document = whole();
    let tags: Vec<&Value> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| &tag["name"])
        .collect();
    let mut ids = Vec::new();
    for (name, operation) in operations(&document) {
        for field in ["summary", "operationId"] {
            assert!(is_text(&operation[field]), "{name} has no {field}");
        }
        ids.push(operation["operationId"].clone());
        let own = operation["tags"].as_array().unwrap();
        assert!(
            own.len() == 1 && tags.contains(&&own[0]),
            "{name} has the tags {own:?}"
        );
        let is_public = PUBLIC.contains(&name.split_once(' ').unwrap().1);
        assert_eq!(
            operation.get("security").is_none(),
            is_public,
            "security of {name}"
        );
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(
                is_text(&parameter["description"]),
                "{name}: {} is not described",
                parameter["name"]
            );
            assert!(parameter["schema"].is_object(), "{name}: {}", parameter["name"]);
        }
        let successes = operation["responses"]
            .as_object()
            .unwrap()
            .keys()
            .filter(|status| status.starts_with('2'));
        assert_eq!(successes.count(), 1, "{name} succeeds in one way");
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(
                is_text(&response["description"]),
                "{name}: {status} is not described"
            );
            assert!(response["content"].is_object(), "{name}: {status} has no content");
            for (header, described) in response["headers"].as_object().into_iter().flatten() {
                assert!(is_text(&described["description"]), "{name}: {status} {header}");
            }
        }
        if !is_public {
            assert!(
                operation["responses"].get("401").is_some() && operation["responses"].get("403").is_some(),
                "{name}"
            );
        }
    }
    let before = ids.len();
    ids.sort_by_key(ToString::to_string);
    ids.dedup();
    assert_eq!(ids.len(), before, "operation ids are unique");
}

#[test]
fn everything_that_can_be_said_no_to_is_documented() {
    let document = whole();
    for (name, operation) in operations(&document) {
        let answers = |status: &str| operation["responses"].get(status).is_some();
        let takes = |place: &str, parameter: &str| {
            let given = operation["parameters"].as_array().into_iter().flatten();
            given
                .into_iter()
                .any(|held| held["in"] == place && (parameter.is_empty() || held["name"] == parameter))
        };
        // What breaks the glass names a case in its body.
        let names_something = name.contains('{') || name == "POST /v1/break-glass-readings";
        assert_eq!(answers("404"), names_something, "404 of {name}");
        assert_eq!(answers("412"), takes("header", "If-Match"), "412 of {name}");
        if operation.get("requestBody").is_some() {
            // A form has no faults at pointers.
            let takes_json = operation["requestBody"]["content"]
                .get("application/json")
                .is_some();
            for status in ["400", "413", "415"] {
                assert!(answers(status), "{status} of {name}");
            }
            assert_eq!(answers("422"), takes_json, "422 of {name}");
            assert_eq!(operation["requestBody"]["required"], true, "{name}");
        }
        if name.starts_with("POST") && operation.get("security").is_some() && name != "POST /v1/cases/search"
        {
            assert!(takes("header", "Idempotency-Key"), "{name}");
        }
        if takes("query", "") {
            assert!(answers("400"), "{name}");
        }
    }
}

#[test]
fn nothing_dangles_and_nothing_is_left_over() {
    let document = whole();
    let mut referred = Vec::new();
    each(&document, "", &mut |place, value| {
        assert!(
            !place.ends_with("/x-problems"),
            "an unknown problem is named at {place}"
        );
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            assert!(
                document.pointer(reference.trim_start_matches('#')).is_some(),
                "{reference} at {place} leads nowhere"
            );
            referred.push(reference.to_owned());
        }
    });
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(
            referred.contains(&format!("#/components/schemas/{name}")),
            "nothing refers to {name}"
        );
    }
}

#[test]
fn days_and_instants_say_what_they_are() {
    let document = whole();
    each(&document["components"]["schemas"], "", &mut |place, value| {
        for (name, property) in value
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let wanted = match name.rsplit('_').next() {
                Some("on") if name.contains('_') => "date",
                Some("at") if name.contains('_') => "date-time",
                _ => continue,
            };
            assert_eq!(property["format"], wanted, "{place}/{name}");
        }
    });
}

#[test]
fn every_schema_and_every_field_of_a_body_is_described_or_plain() {
    let document = whole();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let is_page = name.starts_with("Page_");
        assert!(
            is_page || is_text(&schema["description"]) || schema["oneOf"].is_array(),
            "{name} is not described"
        );
    }
}

/// The branch of the union of recordable events for a type.
fn branch<'d>(document: &'d Value, union: &str, event_type: EventType) -> &'d Value {
    let branches = document["components"]["schemas"][union]["oneOf"]
        .as_array()
        .unwrap();
    let named = |branch: &'d Value| match branch["$ref"].as_str() {
        Some(place) => document.pointer(place.trim_start_matches('#')).unwrap(),
        None => branch,
    };
    branches
        .iter()
        .map(named)
        .find(|branch| branch["properties"]["type"]["enum"][0] == event_type.name())
        .unwrap_or_else(|| panic!("no {}", event_type.name()))
}

#[test]
fn what_permitted_events_require_is_what_the_schema_requires() {
    let document = whole();
    let assessment = ASSESSMENT
        .event_types
        .iter()
        .map(|own| ("AssessmentEventInput", own));
    // What only follows from other events is sent by nobody.
    let sent = || REVIEW.event_types.iter().filter(|own| !own.only_follows());
    let review = sent().map(|own| ("ReviewEventInput", own));
    let asked = sent().map(|own| ("TimelineEventInput", own));
    for (union, event_type) in assessment.chain(review).chain(asked) {
        let required = branch(&document, union, *event_type)["required"]
            .as_array()
            .unwrap();
        let mut required: Vec<&str> = required
            .iter()
            .map(|field| field.as_str().unwrap())
            .filter(|field| !["type", "occurred_on"].contains(field))
            .collect();
        let mut told = event_type.required_fields().to_vec();
        required.sort();
        told.sort();
        assert_eq!(told, required, "{}", event_type.name());
    }
    let branches = document["components"]["schemas"]["AssessmentEventInput"]["oneOf"]
        .as_array()
        .unwrap();
    assert_eq!(
        branches.len(),
        ASSESSMENT.event_types.len() + 1,
        "those, and the correction"
    );
}

/// The schemas of everything that clients send, each with the operation it belongs to.
fn inputs(document: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (name, operation) in operations(document) {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let place = format!("{name} {}", parameter["name"].as_str().unwrap());
            found.push((place, &parameter["schema"]));
        }
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        if body.is_object() {
            found.push((name, body));
        }
    }
    found
}

/// Lists the arrays, strings, numbers and maps below a schema to which nothing sets an end.
fn unbounded(document: &Value, schema: &Value, place: &str, seen: &mut Vec<String>, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        if !seen.iter().any(|seen| seen == reference) {
            seen.push(reference.to_owned());
            let target = document.pointer(&reference[1..]).unwrap();
            let name = reference.rsplit('/').next().unwrap();
            unbounded(document, target, name, seen, found);
        }
        return;
    }
    let is = |name: &str| match &schema["type"] {
        Value::Array(names) => names.iter().any(|one| one == name),
        one => one == name,
    };
    let has = |keyword: &str| schema.get(keyword).is_some();
    // An anchored pattern without a star, a plus or an open count matches texts of bounded length alone.
    let ends = |pattern: &str| {
        pattern.starts_with('^')
            && pattern.ends_with('$')
            && !["*", "+", ",}"].iter().any(|open| pattern.contains(open))
    };
    let has_length = has("maxLength")
        || has("enum")
        || has("const")
        || schema["format"].as_str().is_some_and(|format| {
            ["date", "date-time", "uuid", "upn", "nhs-number", "uln"].contains(&format)
        })
        || schema["pattern"].as_str().is_some_and(ends);
    let bounds = [
        ("array", has("maxItems")),
        ("string", has_length),
        ("integer", has("minimum") && has("maximum")),
        ("number", has("minimum") && has("maximum")),
    ];
    for (kind, is_bounded) in bounds {
        if is(kind) && !is_bounded {
            found.push(format!("{place}: {kind}"));
        }
    }
    if schema["additionalProperties"].is_object() && !has("maxProperties") {
        found.push(format!("{place}: map"));
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        unbounded(document, property, &format!("{place}/{name}"), seen, found);
    }
    for keyword in ["oneOf", "anyOf", "allOf"] {
        for branch in schema[keyword].as_array().into_iter().flatten() {
            unbounded(document, branch, place, seen, found);
        }
    }
    for keyword in ["items", "additionalProperties"] {
        if schema[keyword].is_object() {
            unbounded(
                document,
                &schema[keyword],
                &format!("{place}/{keyword}"),
                seen,
                found,
            );
        }
    }
}

#[test]
fn everything_that_is_sent_has_an_end() {
    let document = whole();
    let inputs = inputs(&document);
    assert!(inputs.len() > 100, "{}", inputs.len());
    let (mut seen, mut found) = (Vec::new(), Vec::new());
    for (place, schema) in inputs {
        unbounded(&document, schema, &place, &mut seen, &mut found);
    }
    assert!(seen.len() > 50, "{seen:?}");
    assert_eq!(found, Vec::<String>::new());
}
