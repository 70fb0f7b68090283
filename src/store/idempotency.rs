//! Answers kept for a day, so that a client that lost one gets the same again and nothing is done
//! twice. A key is claimed in the transaction of the work it stands for.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use sha2::{Digest, Sha256};

use super::StoreError;
use super::connection::AnyConnection;
use super::convert::json;
use super::schema::idempotency_keys;

/// How long an answer is kept.
const KEPT_FOR: TimeDelta = TimeDelta::hours(24);

/// An answer, with what it answered.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = idempotency_keys)]
pub struct KeptAnswer {
    pub la_code: String,
    pub client: String,
    pub idempotency_key: String,
    pub method: String,
    pub path: String,
    pub body_sha256: String,
    pub status: i32,
    pub headers: String,
    pub body: String,
    pub created_at: NaiveDateTime,
}

/// Waits until nobody else works under the key, and keeps others from it to the end of the transaction.
/// SQLite has one writer and needs no telling.
pub fn hold_key(
    connection: &mut AnyConnection,
    la_code: &str,
    client: &str,
    key: &str,
) -> Result<(), StoreError> {
    match connection {
        AnyConnection::Sqlite(_) => {}
        AnyConnection::Postgres(inner) => {
            // Two keys of the same number would wait for each other, and no worse.
            let digest = Sha256::digest(json(&(la_code, client, key))?);
            let number = digest
                .iter()
                .take(8)
                .fold(0, |number, byte| (number << 8) | i64::from(*byte));
            inner.batch_execute(&format!("SELECT pg_advisory_xact_lock({number})"))?;
        }
    }
    Ok(())
}

/// The answer kept under a key, unless it is too old.
pub fn find_answer(
    connection: &mut AnyConnection,
    la_code: &str,
    client: &str,
    key: &str,
    now: NaiveDateTime,
) -> Result<Option<KeptAnswer>, StoreError> {
    Ok(idempotency_keys::table
        .filter(idempotency_keys::la_code.eq(la_code))
        .filter(idempotency_keys::client.eq(client))
        .filter(idempotency_keys::idempotency_key.eq(key))
        .filter(idempotency_keys::created_at.gt(now - KEPT_FOR))
        .select(KeptAnswer::as_select())
        .first(connection)
        .optional()?)
}

/// Keeps an answer, in place of one under the same key that was too old.
pub fn keep_answer(connection: &mut AnyConnection, answer: &KeptAnswer) -> Result<(), StoreError> {
    diesel::delete(
        idempotency_keys::table
            .filter(idempotency_keys::la_code.eq(&answer.la_code))
            .filter(idempotency_keys::client.eq(&answer.client))
            .filter(idempotency_keys::idempotency_key.eq(&answer.idempotency_key)),
    )
    .execute(connection)?;
    diesel::insert_into(idempotency_keys::table)
        .values(answer)
        .execute(connection)?;
    Ok(())
}

/// Forgets answers that are too old, of every authority.
pub fn forget_old_answers(connection: &mut AnyConnection, now: NaiveDateTime) -> Result<usize, StoreError> {
    Ok(
        diesel::delete(idempotency_keys::table.filter(idempotency_keys::created_at.le(now - KEPT_FOR)))
            .execute(connection)?,
    )
}
