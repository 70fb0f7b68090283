//! Doing something once, however often it is asked.

use serde::{Deserialize, Serialize};

use super::{Error, Work};
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
/// one waits, and is refused where that takes too long.
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
        return if is_same {
            Ok(Answer {
                status: u16::try_from(kept.status).unwrap_or_default(),
                headers: from_json(&kept.headers)?,
                body: kept.body,
            })
        } else {
            Err(Error::KeyReused)
        };
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
