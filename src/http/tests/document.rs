//! What the document says of operations that say little of themselves.

use serde_json::{Value, json};

use super::super::document_of;
use super::resources;

fn document() -> Value {
    serde_json::to_value(document_of(resources)).unwrap()
}

#[test]
fn an_operation_is_given_what_follows_from_what_it_takes() {
    let document = document();
    let recording = &document["paths"]["/v1/trips/{id}/events"]["post"];
    assert_eq!(recording["security"], json!([{ "bearer": [] }]));
    let statuses: Vec<&String> = recording["responses"].as_object().unwrap().keys().collect();
    assert_eq!(
        statuses,
        [
            "201", "400", "401", "403", "404", "408", "409", "412", "413", "415", "422", "428", "429", "500",
            "503"
        ]
    );
    for (status, response) in recording["responses"].as_object().unwrap() {
        assert_ne!(response["description"], "", "{status}");
        if status.starts_with(['4', '5']) {
            let schema = &response["content"]["application/problem+json"]["schema"];
            assert_eq!(schema["$ref"], "#/components/schemas/Problem", "{status}");
        }
    }
    let conflict = recording["responses"]["409"]["description"].as_str().unwrap();
    assert!(
        conflict.starts_with("The trip is over.\n\n`event_not_permitted`: "),
        "{conflict}"
    );
    assert_eq!(
        recording["responses"]["201"]["headers"]["ETag"]["description"],
        "Its version."
    );
    let parameters = recording["parameters"].as_array().unwrap();
    let names: Vec<&Value> = parameters.iter().map(|parameter| &parameter["name"]).collect();
    assert_eq!(names, ["id", "If-Match", "Idempotency-Key", "Access-Reason"]);

    let listing = &document["paths"]["/v1/trips"]["get"]["responses"];
    let statuses: Vec<&String> = listing.as_object().unwrap().keys().collect();
    assert_eq!(statuses, ["200", "400", "401", "403", "429", "500", "503"]);
    let health = &document["paths"]["/health/live"]["get"];
    assert_eq!(health.get("security"), None);
    assert_eq!(health["responses"].as_object().unwrap().len(), 1);
}

#[test]
fn what_is_sent_is_closed_and_what_is_answered_stays_open() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["TripInput"]["additionalProperties"], false);
    assert_eq!(
        schemas["TripInput"]["properties"]["labels"]["additionalProperties"]["type"],
        "string"
    );
    let branches = ["Departed", "Paid", "Cancelled"].map(|tag| &schemas[format!("Event{tag}")]);
    for branch in branches {
        assert_eq!(branch["additionalProperties"], false);
        assert_eq!(branch["properties"]["occurred_on"]["format"], "date");
        assert!(
            branch["required"]
                .as_array()
                .unwrap()
                .contains(&json!("occurred_on"))
        );
    }
    assert_eq!(branches[0]["description"], "It began.");
    assert_eq!(branches[1]["description"], "Something was paid.");
    assert_eq!(schemas["Payment"]["additionalProperties"], false);
    // The same event flattened into an answer is open.
    for tag in ["Departed", "Paid", "Cancelled"] {
        let branch = &schemas[format!("TripView{tag}")];
        assert_eq!(branch.get("additionalProperties"), None);
        assert!(branch["properties"].get("version").is_some());
    }
    assert_eq!(schemas["Problem"].get("additionalProperties"), None);
}

#[test]
fn a_change_takes_null_only_for_what_may_be_absent() {
    let document = document();
    let change = &document["components"]["schemas"]["CaseDetailsPatch"];
    assert_eq!(change["properties"]["given_name"]["type"], "string");
    assert_eq!(change["properties"]["upn"]["type"], json!(["string", "null"]));
    assert_eq!(change.get("required"), None);
}

#[test]
fn what_generated_clients_would_number_has_a_name() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let union = &schemas["Event"];
    assert_eq!(
        union["oneOf"],
        json!([
            { "$ref": "#/components/schemas/EventDeparted" },
            { "$ref": "#/components/schemas/EventPaid" },
            { "$ref": "#/components/schemas/EventCancelled" },
        ])
    );
    assert_eq!(union["discriminator"]["propertyName"], "type");
    assert_eq!(
        union["discriminator"]["mapping"]["paid"],
        "#/components/schemas/EventPaid"
    );
    assert_eq!(
        schemas["Page_ClockView"]["properties"]["items"]["items"]["$ref"],
        "#/components/schemas/ClockView"
    );
    let parameters = document["paths"]["/v1/clocks"]["get"]["parameters"]
        .as_array()
        .unwrap();
    let kind = parameters
        .iter()
        .find(|parameter| parameter["name"] == "kind")
        .unwrap();
    assert_eq!(
        kind["schema"],
        json!({ "$ref": "#/components/schemas/ClockKind" })
    );
    assert_eq!(kind["description"], "Only clocks of this kind.");
}

#[test]
fn every_reference_and_tag_of_the_document_leads_somewhere() {
    let document = document();
    let text = document.to_string();
    for place in text
        .split("\"$ref\":\"#")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
    {
        assert!(document.pointer(place).is_some(), "{place}");
    }
    let tags: Vec<&Value> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| &tag["name"])
        .collect();
    assert!(
        tags.contains(&&json!("cases")) && !tags.contains(&&json!("reports")),
        "used tags only: {tags:?}"
    );
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn the_problem_is_documented_with_all_its_codes() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    assert_eq!(
        schemas["Problem"]["properties"]["code"]["$ref"],
        "#/components/schemas/ProblemCode"
    );
    assert_eq!(
        schemas["Problem"]["properties"]["errors"]["items"]["$ref"],
        "#/components/schemas/Fault"
    );
    assert_eq!(
        schemas["ProblemCode"]["enum"].as_array().unwrap().len(),
        super::Code::ALL.len()
    );
    assert!(schemas["Problem"]["properties"].get("members").is_none());
}
