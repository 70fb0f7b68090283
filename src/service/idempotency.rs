//! Doing something once, however often it is asked.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Error, Work};
use crate::store::audit::{joined, parted};
use crate::store::convert::{from_json, json};
use crate::store::idempotency::{NewAnswer, NewClaim, claim_key, keep_answer};
use crate::store::seal::cases_in_sight;
use crate::store::{StoreError, Trouble};

/// A client's claim on a key, with what makes two requests the same.
#[derive(Debug, Clone)]
pub struct Claim {
    pub key: String,
    pub method: String,
    pub path: String,
    pub body_sha256: String,
}

/// An answer as it was first given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// Gives the answer kept under the key, or decides and keeps what it answers.
///
/// Only successes are kept, in the transaction of the work, so an answer exists exactly when its
/// work was done. The key belongs to the authority and the client. While another request has it, this
/// one waits, and is refused where that takes too long. An answer that is given again is a reading on the trail; it is
/// not given to somebody for whom a case that it tells of no longer exists.
pub fn once(
    work: &mut Work<'_>,
    claim: &Claim,
    decide: impl FnOnce(&mut Work<'_>) -> Result<Answer, Error>,
) -> Result<Answer, Error> {
    let (la_code, client) = (work.la_code(), work.principal.subject.clone());
    let new_claim = NewClaim {
        la_code: &la_code,
        client: &client,
        key: &claim.key,
        method: &claim.method,
        path: &claim.path,
        body_sha256: &claim.body_sha256,
    };
    let claimed =
        claim_key(work.connection, &new_claim, work.now.naive_utc()).map_err(|error| match error {
            // Whoever has it has not come to an end within the time that a lock is waited for.
            StoreError::Unavailable {
                trouble: Trouble::Busy,
                ..
            } => Error::KeyInFlight,
            other => Error::from(other),
        })?;
    if let Some(kept) = claimed {
        let is_same =
            kept.method == claim.method && kept.path == claim.path && kept.body_sha256 == claim.body_sha256;
        if !is_same {
            return Err(Error::KeyReused);
        }
        let answer = Answer {
            status: u16::try_from(kept.status).unwrap_or_default(),
            headers: from_json(&kept.headers)?,
            body: kept.body,
        };
        let case_ids = match &kept.case_ids {
            Some(case_ids) => parted(Some(case_ids)).map(str::to_owned).collect(),
            None => cases_named_in(&kept.path, &answer),
        };
        let root = work.root()?;
        let in_sight = cases_in_sight(work.connection, &root, &case_ids)?;
        if let Some(gone) = case_ids.iter().find(|case_id| !in_sight.contains(case_id)) {
            work.tells_of_case("not_found", gone);
            return Err(Error::NotFound);
        }
        let named = work.origin.named.as_ref();
        let resource_id = named.map_or_else(|| made_by(&answer), |named| Some(named.resource_id.clone()));
        work.audit_repetition(resource_id, case_ids)?;
        return Ok(answer);
    }
    let answer = decide(work)?;
    let headers = json(&answer.headers)?;
    let (root, case_ids) = (work.root()?, work.case_ids());
    // What somebody may do without seeing the case, they may be told again without seeing it.
    let in_sight = cases_in_sight(work.connection, &root, &case_ids)?;
    let new_answer = NewAnswer {
        status: answer.status.into(),
        headers: &headers,
        body: &answer.body,
        case_ids: Some(joined(in_sight).unwrap_or_default()),
    };
    keep_answer(work.connection, &new_claim, &new_answer, work.now.naive_utc())?;
    Ok(answer)
}

/// The cases that an answer names, where the version that kept it did not note of which it tells.
fn cases_named_in(path: &str, answer: &Answer) -> Vec<String> {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let mut case_ids = Vec::new();
    find_case_ids(&body, &mut case_ids);
    match path.strip_prefix("/v1/cases") {
        Some("") => case_ids.extend(made_by(answer)),
        Some(rest) => case_ids.extend(rest.split('/').nth(1).map(str::to_owned)),
        None => {}
    }
    case_ids
}

fn find_case_ids(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(case_id)) = members.get("case_id") {
                found.push(case_id.clone());
            }
            members.values().for_each(|member| find_case_ids(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| find_case_ids(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What an answer says that it made.
fn made_by(answer: &Answer) -> Option<String> {
    // Not every answer has a body.
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    body.get("id").and_then(Value::as_str).map(str::to_owned)
}
