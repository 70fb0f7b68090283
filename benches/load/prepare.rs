//! The assessments that the bench asks for, made through the API where the made-up data has none alike.

use std::net::SocketAddr;

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use super::client::{Caller, post};
use super::statement::Connection;

/// An assessment of a known size.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub events: usize,
    pub requests: usize,
}

/// Makes an assessment of a size on a new case, and gives its id.
pub fn make_assessment(
    address: SocketAddr,
    token: &str,
    database: &mut Connection,
    today: NaiveDate,
    size: Size,
) -> Result<String, String> {
    let mut caller = Caller::connect(address).map_err(|error| error.to_string())?;
    let mut send = |path: &str, version: Option<i64>, body: Value| {
        let answer = caller
            .call(&post(path, token, version, &body))
            .map_err(|error| error.to_string())?;
        answer.expect_success(&format!("POST {path}"))
    };
    let ago = |days: u64| today - Days::new(days);
    let child = json!({ "given_name": "Ada", "family_name": "Bench", "date_of_birth": ago(3_000) });
    let case = send("/v1/cases", None, child)?;
    let request = json!({ "type": "request_received", "occurred_on": ago(60), "requested_by": "parent" });
    let opened = send(
        "/v1/assessments",
        None,
        json!({ "case_id": case.body["id"], "event": request }),
    )?;
    let id = opened.body["id"]
        .as_str()
        .ok_or("an assessment has no id")?
        .to_owned();
    let path = format!("/v1/assessments/{id}");
    let decision =
        json!({ "type": "assess_decision_notified", "occurred_on": ago(30), "decision": "assess" });
    send(&format!("{path}/events"), Some(1), decision)?;

    let mut requests = advice_requests(database, &id)?;
    for number in requests.len()..size.requests {
        let asked = json!({
            "requirement": "other", "service": format!("service_{number}"), "requested_on": ago(29),
            "questions": "What does the child need?",
        });
        send(&format!("{path}/advice-requests"), None, asked)?;
    }
    requests = advice_requests(database, &id)?;
    let mut events = 2 + requests.len();
    for request in requests.iter().take(size.events.saturating_sub(events)) {
        let path = format!("/v1/advice-requests/{request}/acknowledgement");
        send(&path, Some(1), json!({ "occurred_on": ago(20) }))?;
        events += 1;
    }
    for request in requests.iter().take(size.events.saturating_sub(events)) {
        let advice = json!({ "occurred_on": ago(10), "summary": "Needs help.", "authors": ["A. Author"] });
        let path = format!("/v1/advice-requests/{request}/submission");
        send(&path, Some(2), advice)?;
    }
    let recorded = database.query(&format!(
        "SELECT count(*) FROM events WHERE procedure_id = '{id}'"
    ))?;
    let recorded = recorded
        .first()
        .and_then(|row| row.first())
        .map_or(0, |count| count.integer());
    if recorded != size.events as i64 || requests.len() != size.requests {
        return Err(format!(
            "an assessment came to {recorded} events and {} requests instead of {size:?}",
            requests.len()
        ));
    }
    Ok(id)
}

fn advice_requests(database: &mut Connection, assessment_id: &str) -> Result<Vec<String>, String> {
    let rows = database.query(&format!(
        "SELECT id FROM advice_requests WHERE procedure_id = '{assessment_id}' ORDER BY id"
    ))?;
    Ok(rows
        .iter()
        .filter_map(|row| Some(row.first()?.text().to_owned()))
        .collect())
}
