//! Doing something once, however often it is asked.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Error, Origin, Work};
use crate::store::convert::{from_json, json};
use crate::store::idempotency::{NewClaim, claim_key, keep_answer};
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
/// one waits, and is refused where that takes too long. An answer that is given again is a reading on the trail.
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
        let (resource_id, case_id) = told_of(work.origin, &answer);
        work.audit_repetition(resource_id, case_id)?;
        return Ok(answer);
    }
    let answer = decide(work)?;
    let headers = json(&answer.headers)?;
    keep_answer(
        work.connection,
        &new_claim,
        answer.status.into(),
        &headers,
        &answer.body,
        work.now.naive_utc(),
    )?;
    Ok(answer)
}

/// What a kept answer is about, and of which case it tells: what the address names; else what was made, which for a
/// case is the case itself.
fn told_of(origin: &Origin, answer: &Answer) -> (Option<String>, Option<String>) {
    // Not every answer has a body.
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let id_in = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let parts = || body.as_object().into_iter().flat_map(|members| members.values());
    let made = id_in(&body, "id");
    let case_id = id_in(&body, "case_id").or_else(|| parts().find_map(|part| id_in(part, "case_id")));
    match &origin.named {
        Some(named) => (Some(named.resource_id.clone()), named.case_id.clone().or(case_id)),
        None if body.get("reference").is_some() => (made.clone(), case_id.or(made)),
        None => (made, case_id),
    }
}
