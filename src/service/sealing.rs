//! Sealing: giving the entries of a trail their order, and chaining each to the one before by a hash.
//!
//! Whoever writes an entry never waits for the chain: entries join it afterwards, in batches, in the order of
//! their ids as far as they are there. One that is committed late comes later. The place, what waits and the
//! head change in one transaction, so that a process may be killed at any moment. Called by the command line's
//! `serve` through [`seal_batch`]; `verifying` walks the chain by the same functions.

use chrono::NaiveDateTime;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Error;
use super::lease::{Duty, Replica};
use crate::store::audit::AuditRow;
use crate::store::chain::{Head, Link, add_links, authorities_that_wait, head_of, unchained};
use crate::store::copy::progress_of;
use crate::store::{AnyConnection, Store};

/// How many entries are sealed in one transaction: on SQLite nobody else writes meanwhile.
pub const BATCH: i64 = 256;
/// What stands before the first entry.
pub const BEFORE_THE_FIRST: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Which fields an entry is made of, and in which order; another form would need another name.
const FORM: &str = "ehcp-audit-1";

/// The hash of an entry at its place, as 64 hexadecimal digits: SHA-256 of the hash before, a line break, and the
/// entry as an array of JSON without spaces. The reason takes part by its digest, so that it can be removed.
pub fn hash_of(before: &str, sequence: i64, entry: &AuditRow) -> String {
    let AuditRow {
        id,
        la_code,
        recorded_at,
        subject,
        action,
        resource_id,
        case_id,
        version,
        trace_id,
        kind,
        roles,
        client_id,
        organisation_id,
        shown_case_ids,
        reason: _,
        reason_sha256,
        client_address,
        outcome,
    } = entry;
    let written = Written(
        FORM,
        la_code,
        sequence,
        id,
        recorded_at.and_utc().timestamp_micros(),
        kind,
        subject,
        client_id,
        organisation_id,
        roles,
        action,
        outcome,
        resource_id,
        case_id,
        shown_case_ids,
        version,
        reason_sha256,
        client_address,
        trace_id,
    );
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update("\n");
    // Texts and numbers can always be written.
    hash.update(serde_json::to_vec(&written).unwrap_or_default());
    hex(&hash.finalize())
}

/// An entry as an array: a tuple longer than the library's.
#[derive(Serialize)]
struct Written<'e>(
    &'static str,
    &'e str,
    i64,
    &'e str,
    i64,
    &'e str,
    &'e str,
    &'e Option<String>,
    &'e Option<String>,
    &'e str,
    &'e str,
    &'e str,
    &'e Option<String>,
    &'e Option<String>,
    &'e Option<String>,
    &'e Option<i64>,
    &'e Option<String>,
    &'e Option<String>,
    &'e str,
);

/// The digest by which a reason takes part in the chain; the same words differ from entry to entry.
pub fn digest_of_reason(entry_id: &str, reason: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(entry_id);
    hash.update("\n");
    hash.update(reason);
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// What came of an attempt to seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealed {
    /// So many entries; more may wait.
    Entries(i64),
    /// Another replica does it, or the authority is being copied to here.
    NotOurs,
}

/// The authorities with entries to be sealed.
pub fn authorities_to_seal(connection: &mut AnyConnection) -> Result<Vec<String>, Error> {
    Ok(authorities_that_wait(connection)?)
}

/// Seals the oldest entries of an authority that wait, if this replica has the duty.
pub fn seal_batch(
    connection: &mut AnyConnection,
    replica: &Replica,
    la_code: &str,
    now: NaiveDateTime,
) -> Result<Sealed, Error> {
    // The lease is held in this transaction: who else asks waits for it, and is refused.
    if !replica.claim(connection, Duty::SealTrail(la_code.to_owned()))? {
        return Ok(Sealed::NotOurs);
    }
    let copied_to_here = progress_of(connection)?;
    if copied_to_here
        .iter()
        .any(|progress| progress.la_code.is_empty() || progress.la_code == la_code)
    {
        return Ok(Sealed::NotOurs);
    }
    seal_entries(connection, la_code, BATCH, now).map(Sealed::Entries)
}

/// Seals so many entries at most, whoever has the duty: two at once cannot both succeed.
pub fn seal_entries(
    connection: &mut AnyConnection,
    la_code: &str,
    limit: i64,
    now: NaiveDateTime,
) -> Result<i64, Error> {
    let head = head_of(connection, la_code)?;
    let entries = unchained(connection, la_code, limit)?;
    if entries.is_empty() {
        return Ok(0);
    }
    let (mut sequence, mut hash) = match &head {
        Some(head) => (head.sequence, head.hash.clone()),
        None => (0, BEFORE_THE_FIRST.to_owned()),
    };
    let mut links = Vec::with_capacity(entries.len());
    for entry in entries {
        sequence += 1;
        hash = hash_of(&hash, sequence, &entry);
        links.push(Link {
            la_code: la_code.to_owned(),
            sequence,
            entry_id: entry.id,
            hash: hash.clone(),
        });
    }
    let sealed = i64::try_from(links.len()).unwrap_or(i64::MAX);
    let after = Head {
        la_code: la_code.to_owned(),
        sequence,
        hash,
        sealed_at: now,
    };
    add_links(connection, head.as_ref(), &links, &after)?;
    Ok(sealed)
}

/// Seals everything that waits; for the command line and tests.
pub fn seal_everything(store: &Store, replica: &Replica, now: NaiveDateTime) -> Result<i64, Error> {
    let mut sealed = 0;
    for la_code in store.read_now(authorities_to_seal)? {
        loop {
            let (sealer, of) = (replica.clone(), la_code.clone());
            match store.write_now(move |connection| seal_batch(connection, &sealer, &of, now))? {
                Sealed::Entries(0) | Sealed::NotOurs => break,
                Sealed::Entries(entries) => sealed += entries,
            }
        }
        replica.release(store, Duty::SealTrail(la_code))?;
    }
    Ok(sealed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is sealed has to be verified for ever, so the form never changes.
    #[test]
    fn an_entry_is_hashed_in_a_form_that_stays() {
        let entry = AuditRow {
            id: "0198e3a4-7d1c-7000-8000-000000000001".to_owned(),
            la_code: "885".to_owned(),
            recorded_at: "2026-02-20T12:00:00.000001".parse().unwrap(),
            subject: "ann \"the\" officer".to_owned(),
            action: "get_case".to_owned(),
            resource_id: Some("one".to_owned()),
            case_id: Some("two".to_owned()),
            version: Some(3),
            trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".to_owned(),
            kind: "reading".to_owned(),
            roles: "caseworker manager".to_owned(),
            client_id: None,
            organisation_id: None,
            shown_case_ids: None,
            reason: Some("a complaint".to_owned()),
            reason_sha256: Some("d1".to_owned()),
            client_address: Some("10.0.0.1".to_owned()),
            outcome: "done".to_owned(),
        };
        let written = concat!(
            "0000000000000000000000000000000000000000000000000000000000000000\n",
            r#"["ehcp-audit-1","885",7,"0198e3a4-7d1c-7000-8000-000000000001",1771588800000001,"reading","#,
            r#""ann \"the\" officer",null,null,"caseworker manager","get_case","done","one","two",null,3,"d1","#,
            r#""10.0.0.1","4bf92f3577b34da6a3ce929d0e0e4736"]"#
        );
        let hash = hash_of(BEFORE_THE_FIRST, 7, &entry);
        assert_eq!(hash, hex(&Sha256::digest(written)));
        let without_reason = AuditRow {
            reason: None,
            ..entry.clone()
        };
        assert_eq!(hash_of(BEFORE_THE_FIRST, 7, &without_reason), hash);
        assert_ne!(hash_of(BEFORE_THE_FIRST, 8, &entry), hash);
        assert_ne!(hash_of(&hash, 7, &entry), hash);
    }
}
