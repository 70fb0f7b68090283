//! The published document: equal to the code, complete, and true to itself.

use std::collections::BTreeSet;

use ehcp_timeline::casework::assessment::{RECORDED_TYPES, required_fields};
use ehcp_timeline::http::document;
use serde_json::Value;

fn published() -> Value {
    serde_json::to_value(document()).unwrap()
}

/// Every operation as (name, operation).
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .unwrap()
                .iter()
                .map(move |(method, operation)| (format!("{method} {path}"), operation))
        })
        .collect()
}

#[test]
fn the_committed_document_is_the_one_of_the_code() {
    let committed = include_str!("../../openapi/ehcp.v1.json");
    let current = document().to_pretty_json().unwrap() + "\n";
    assert!(
        committed == current,
        "renew it with: cargo run -- openapi > openapi/ehcp.v1.json"
    );
}

#[test]
fn every_reference_leads_somewhere_and_no_schema_is_unused() {
    let document = published();
    let text = document.to_string();
    let referred: BTreeSet<&str> = text
        .split("\"$ref\":\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    for place in &referred {
        assert!(
            document.pointer(place.trim_start_matches('#')).is_some(),
            "{place}"
        );
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(
            referred.contains(format!("#/components/schemas/{name}").as_str()),
            "{name} is unused"
        );
    }
}

#[test]
fn every_operation_says_what_it_is_who_may_and_what_may_come_back() {
    let document = published();
    let mut ids = BTreeSet::new();
    for (name, operation) in operations(&document) {
        assert!(
            operation["summary"].as_str().is_some_and(|text| !text.is_empty()),
            "{name} has no summary"
        );
        assert!(
            operation["tags"].as_array().is_some_and(|tags| tags.len() == 1),
            "{name} has no tag"
        );
        assert!(
            ids.insert(operation["operationId"].as_str().unwrap()),
            "{name} shares its id"
        );
        assert!(
            operation.get("x-problems").is_none(),
            "{name} names an unknown problem"
        );
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let said = parameter["description"].as_str().unwrap_or_default();
            assert!(!said.is_empty(), "{name}: {} is not described", parameter["name"]);
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(
                !response["description"].as_str().unwrap().is_empty(),
                "{name} {status}"
            );
            let content = response["content"].as_object().unwrap();
            let kind = if status.starts_with('2') {
                "application/json"
            } else {
                "application/problem+json"
            };
            assert!(content.contains_key(kind), "{name} {status} has no {kind}");
        }
        let is_public = operation.get("security").is_none();
        assert_eq!(is_public, operation["responses"].get("401").is_none(), "{name}");
    }
}

#[test]
fn what_changes_something_takes_what_the_manners_ask() {
    let document = published();
    let storing_nothing = ["post /v1/timelines", "post /v1/cases/search"];
    for (name, operation) in operations(&document) {
        let takes = |header: &str| {
            operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|parameter| {
                    parameter["name"] == header
                        && parameter["in"] == "header"
                        && parameter["required"] == true
                })
        };
        let records = name.starts_with("post ") && !storing_nothing.contains(&name.as_str());
        assert_eq!(takes("Idempotency-Key"), records, "{name}");
        let acts_on_a_version = name.starts_with("patch ")
            || name.ends_with("{id}/events") && name.starts_with("post")
            || name.starts_with("post /v1/advice-requests/");
        assert_eq!(takes("If-Match"), acts_on_a_version, "{name}");
    }
}

#[test]
fn every_field_that_can_be_sent_says_what_it_means() {
    let document = published();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let sent = schemas.iter().flat_map(|(name, schema)| {
        let branches = schema["oneOf"]
            .as_array()
            .cloned()
            .unwrap_or_else(|| vec![schema.clone()]);
        branches.into_iter().map(move |branch| (name, branch))
    });
    for (name, schema) in sent.filter(|(_, schema)| schema["additionalProperties"] == false) {
        for (field, property) in schema["properties"].as_object().unwrap() {
            // A reference is described by what it refers to.
            let is_told = property.get("description").is_some() || property.to_string().contains("$ref");
            assert!(is_told || field == "type", "{name}.{field} is not described");
        }
    }
}

#[test]
fn permitted_events_require_what_the_schema_of_their_type_requires() {
    let document = published();
    let branches = document["components"]["schemas"]["AssessmentEventInput"]["oneOf"]
        .as_array()
        .unwrap();
    let resolved = |branch: &Value| -> Value {
        match branch["$ref"].as_str() {
            Some(place) => document.pointer(place.trim_start_matches('#')).unwrap().clone(),
            None => branch.clone(),
        }
    };
    for event_type in RECORDED_TYPES {
        let branch = branches
            .iter()
            .map(resolved)
            .find(|branch| branch["properties"]["type"]["enum"][0] == event_type.name())
            .unwrap_or_else(|| panic!("{} is not in the document", event_type.name()));
        let mut documented: Vec<&str> = branch["required"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| field.as_str().unwrap())
            .collect();
        documented.retain(|field| !["type", "occurred_on"].contains(field));
        documented.sort_unstable();
        let mut told = required_fields(event_type).to_vec();
        told.sort_unstable();
        assert_eq!(documented, told, "{}", event_type.name());
    }
}
