//! Answers kept for a day, so that a client that lost one gets the same again and nothing is done
//! twice. A key is claimed in the transaction of the work it stands for, before anything else is done
//! there: whoever comes with the same key waits until it is known how that ended.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

use super::StoreError;
use super::connection::AnyConnection;
use super::schema::idempotency_keys;

/// How long an answer is kept.
const KEPT_FOR: TimeDelta = TimeDelta::hours(24);

/// An answer, with what it answered.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = idempotency_keys, primary_key(la_code, client, idempotency_key))]
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

/// What is claimed: a key of a client of an authority, for one request.
#[derive(Debug, Clone)]
pub struct NewClaim<'c> {
    pub la_code: &'c str,
    pub client: &'c str,
    pub key: &'c str,
    pub method: &'c str,
    pub path: &'c str,
    pub body_sha256: &'c str,
}

impl NewClaim<'_> {
    fn answered(&self, status: i32, headers: &str, body: &str, now: NaiveDateTime) -> KeptAnswer {
        KeptAnswer {
            la_code: self.la_code.to_owned(),
            client: self.client.to_owned(),
            idempotency_key: self.key.to_owned(),
            method: self.method.to_owned(),
            path: self.path.to_owned(),
            body_sha256: self.body_sha256.to_owned(),
            status,
            headers: headers.to_owned(),
            body: body.to_owned(),
            created_at: now,
        }
    }
}

/// Claims a key until the transaction ends, unless an answer that is not too old is kept under it, which
/// is then given. Whoever has claimed a key gives its answer to [`keep_answer`] in the same transaction.
pub fn claim_key(
    connection: &mut AnyConnection,
    claim: &NewClaim<'_>,
    now: NaiveDateTime,
) -> Result<Option<KeptAnswer>, StoreError> {
    let kept = idempotency_keys::table.find((claim.la_code, claim.client, claim.key));
    match connection {
        // Its one writer has claimed every key.
        AnyConnection::Sqlite(inner) => Ok(kept
            .filter(idempotency_keys::created_at.gt(now - KEPT_FOR))
            .select(KeptAnswer::as_select())
            .get_result(inner)
            .optional()?),
        AnyConnection::Postgres(inner) => {
            let row = claim.answered(0, "", "", now);
            let key = (
                idempotency_keys::la_code,
                idempotency_keys::client,
                idempotency_keys::idempotency_key,
            );
            let upsert = diesel::insert_into(idempotency_keys::table)
                .values(&row)
                .on_conflict(key);
            let is_too_old = idempotency_keys::created_at.le(now - KEPT_FOR);
            let claimed =
                diesel::query_dsl::methods::FilterDsl::filter(upsert.do_update().set(&row), is_too_old)
                    .execute(inner)?;
            if claimed == 1 {
                return Ok(None);
            }
            Ok(Some(kept.select(KeptAnswer::as_select()).get_result(inner)?))
        }
    }
}

/// Keeps the answer under the key that was claimed for it at the same instant.
pub fn keep_answer(
    connection: &mut AnyConnection,
    claim: &NewClaim<'_>,
    status: i32,
    headers: &str,
    body: &str,
    now: NaiveDateTime,
) -> Result<(), StoreError> {
    match connection {
        AnyConnection::Sqlite(inner) => {
            let row = claim.answered(status, headers, body, now);
            diesel::replace_into(idempotency_keys::table)
                .values(row)
                .execute(inner)?;
        }
        AnyConnection::Postgres(inner) => {
            let claimed = idempotency_keys::table.find((claim.la_code, claim.client, claim.key));
            let answer = (
                idempotency_keys::status.eq(status),
                idempotency_keys::headers.eq(headers),
                idempotency_keys::body.eq(body),
            );
            diesel::update(claimed).set(answer).execute(inner)?;
        }
    }
    Ok(())
}

/// Forgets answers that are too old, of every authority.
pub fn forget_old_answers(connection: &mut AnyConnection, now: NaiveDateTime) -> Result<usize, StoreError> {
    Ok(
        diesel::delete(idempotency_keys::table.filter(idempotency_keys::created_at.le(now - KEPT_FOR)))
            .execute(connection)?,
    )
}
