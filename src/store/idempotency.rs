//! Answers kept for a day, so that a client that lost one gets the same again and nothing is done
//! twice. A key is claimed in the transaction of the work it stands for.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

use super::StoreError;
use super::connection::{AnyConnection, on_backend};
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

/// The answer kept under a key, unless it is too old: then it is forgotten.
pub fn find_answer(
    connection: &mut AnyConnection,
    la_code: &str,
    client: &str,
    key: &str,
    now: NaiveDateTime,
) -> Result<Option<KeptAnswer>, StoreError> {
    let under_key = idempotency_keys::table
        .filter(idempotency_keys::la_code.eq(la_code))
        .filter(idempotency_keys::client.eq(client))
        .filter(idempotency_keys::idempotency_key.eq(key));
    let found: Option<KeptAnswer> =
        on_backend!(connection, inner => under_key.select(KeptAnswer::as_select()).get_result(inner))
            .optional()?;
    match found {
        Some(answer) if answer.created_at <= now - KEPT_FOR => {
            let too_old = under_key.filter(idempotency_keys::created_at.eq(answer.created_at));
            on_backend!(connection, inner => diesel::delete(too_old).execute(inner))?;
            Ok(None)
        }
        Some(_) | None => Ok(found),
    }
}

/// Keeps an answer. A second one under the same key is refused as a duplicate.
pub fn keep_answer(connection: &mut AnyConnection, answer: &KeptAnswer) -> Result<(), StoreError> {
    let insert = diesel::insert_into(idempotency_keys::table).values(answer);
    on_backend!(connection, inner => insert.execute(inner))?;
    Ok(())
}

/// Forgets answers that are too old, of every authority.
pub fn forget_old_answers(connection: &mut AnyConnection, now: NaiveDateTime) -> Result<usize, StoreError> {
    Ok(
        diesel::delete(idempotency_keys::table.filter(idempotency_keys::created_at.le(now - KEPT_FOR)))
            .execute(connection)?,
    )
}
