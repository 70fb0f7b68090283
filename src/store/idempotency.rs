//! Answers kept for a day, so that a client that lost one gets the same again and nothing is done
//! twice. A key is claimed in the transaction of the work it stands for, before anything else is done
//! there: whoever comes with the same key waits until it is known how that ended.

use std::collections::BTreeSet;

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use uuid::fmt::Hyphenated;

use super::audit::parted;
use super::column::Instant;
use super::connection::AnyConnection;
use super::packed::{packed, unpacked};
use super::schema::idempotency_keys;
use super::{MultiBackend, StoreError};

/// How long an answer is kept.
const KEPT_FOR: TimeDelta = TimeDelta::hours(24);
/// How many answers are looked through at a time.
const ANSWERS_AT_A_TIME: i64 = 200;

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
    /// Packed in the table, and as it was given wherever a row has left this file.
    pub body: String,
    #[diesel(deserialize_as = Instant)]
    pub created_at: NaiveDateTime,
    /// The cases that it tells of and that existed for the client, with a space between their ids. Versions before did
    /// not note them.
    pub case_ids: Option<String>,
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

/// What is kept under a claimed key.
#[derive(Debug, Clone, Default)]
pub struct NewAnswer<'a> {
    pub status: i32,
    pub headers: &'a str,
    pub body: &'a str,
    pub case_ids: Option<String>,
}

impl KeptAnswer {
    fn unpacked(self) -> Result<KeptAnswer, StoreError> {
        Ok(KeptAnswer {
            body: unpacked(self.body)?,
            ..self
        })
    }
}

impl NewClaim<'_> {
    fn answered(&self, answer: &NewAnswer<'_>, now: NaiveDateTime) -> KeptAnswer {
        KeptAnswer {
            la_code: self.la_code.to_owned(),
            client: self.client.to_owned(),
            idempotency_key: self.key.to_owned(),
            method: self.method.to_owned(),
            path: self.path.to_owned(),
            body_sha256: self.body_sha256.to_owned(),
            status: answer.status,
            headers: answer.headers.to_owned(),
            body: packed(answer.body).into_owned(),
            created_at: now,
            case_ids: answer.case_ids.clone(),
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
    let found = match connection {
        // Its one writer has claimed every key.
        AnyConnection::Sqlite(inner) => kept
            .filter(idempotency_keys::created_at.gt(now - KEPT_FOR))
            .select(KeptAnswer::as_select())
            .get_result(inner)
            .optional()?,
        AnyConnection::Postgres(inner) => {
            let row = claim.answered(&NewAnswer::default(), now);
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
            Some(kept.select(KeptAnswer::as_select()).get_result(inner)?)
        }
    };
    found.map(KeptAnswer::unpacked).transpose()
}

/// Keeps the answer under the key that was claimed for it at the same instant.
pub fn keep_answer(
    connection: &mut AnyConnection,
    claim: &NewClaim<'_>,
    answer: &NewAnswer<'_>,
    now: NaiveDateTime,
) -> Result<(), StoreError> {
    match connection {
        AnyConnection::Sqlite(inner) => {
            let row = claim.answered(answer, now);
            diesel::replace_into(idempotency_keys::table)
                .values(row)
                .execute(inner)?;
        }
        AnyConnection::Postgres(inner) => {
            let claimed = idempotency_keys::table.find((claim.la_code, claim.client, claim.key));
            let answer = (
                idempotency_keys::status.eq(answer.status),
                idempotency_keys::headers.eq(answer.headers),
                idempotency_keys::body.eq(packed(answer.body)),
                idempotency_keys::case_ids.eq(&answer.case_ids),
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

/// Forgets the answers of an authority, however old, that tell of one of some ids or name it anywhere.
pub fn forget_answers_naming(
    connection: &mut AnyConnection,
    la_code: &str,
    ids: &BTreeSet<String>,
) -> Result<(), StoreError> {
    let mut after: Option<(String, String)> = None;
    loop {
        let mut query = idempotency_keys::table
            .filter(idempotency_keys::la_code.eq(la_code.to_owned()))
            .order((
                idempotency_keys::client.asc(),
                idempotency_keys::idempotency_key.asc(),
            ))
            .limit(ANSWERS_AT_A_TIME)
            .select(KeptAnswer::as_select())
            .into_boxed::<MultiBackend>();
        if let Some((client, key)) = &after {
            let of_client = idempotency_keys::client
                .eq(client.clone())
                .and(idempotency_keys::idempotency_key.gt(key.clone()));
            query = query.filter(idempotency_keys::client.gt(client.clone()).or(of_client));
        }
        let answers: Vec<KeptAnswer> = query.load(connection)?;
        let Some(last) = answers.last() else {
            return Ok(());
        };
        after = Some((last.client.clone(), last.idempotency_key.clone()));
        for answer in answers {
            let answer = answer.unpacked()?;
            let texts = [&answer.path, &answer.headers, &answer.body];
            let tells = parted(answer.case_ids.as_deref()).any(|id| ids.contains(id));
            if tells || texts.into_iter().any(|text| names_any(text, ids)) {
                let key = (la_code, &answer.client, &answer.idempotency_key);
                diesel::delete(idempotency_keys::table.find(key)).execute(connection)?;
            }
        }
    }
}

/// Whether a text holds one of some ids, each of which has the form that ids are written in.
fn names_any(text: &str, ids: &BTreeSet<String>) -> bool {
    const LENGTH: usize = Hyphenated::LENGTH;
    // An id has its first hyphen at the ninth place; only what stands around a hyphen is looked up.
    text.match_indices('-').any(|(hyphen, _)| {
        let start = hyphen.checked_sub(8);
        let place = start.and_then(|start| text.get(start..start + LENGTH));
        place.is_some_and(|place| ids.contains(place))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Location, Store};

    #[test]
    fn an_answer_is_forgotten_that_names_an_id_in_a_packed_body() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::SqliteFile(folder.path().join("ehcp.db"))).unwrap();
        let id = "0198e3a4-7d1c-7000-8000-000000000001";
        let now = "2026-02-20T12:00:00".parse().unwrap();
        let claim = NewClaim {
            la_code: "885",
            client: "c",
            key: "k",
            method: "POST",
            path: "/v1/cases",
            body_sha256: "",
        };
        let left = store.write_now(move |connection| {
            let body = format!("{{\"id\":\"{id}\",\"notes\":\"{}\"}}", "word ".repeat(500));
            let answer = NewAnswer {
                status: 201,
                headers: "[]",
                body: &body,
                case_ids: None,
            };
            keep_answer(connection, &claim, &answer, now)?;
            let kept = claim_key(connection, &claim, now)?.map(|kept| kept.body);
            assert_eq!(kept, Some(body));
            forget_answers_naming(connection, "885", &BTreeSet::from([id.to_owned()]))?;
            claim_key(connection, &claim, now)
        });
        assert!(matches!(left, Ok::<_, StoreError>(None)), "{left:?}");
    }

    #[test]
    fn an_id_is_found_wherever_it_stands() {
        let id = "0198e3a4-7d1c-7000-8000-000000000001";
        let ids = BTreeSet::from([id.to_owned()]);
        for text in [
            id.to_owned(),
            format!("/v1/cases/{id}/people"),
            format!("{{\"é\":\"{id}\",\"day\":\"2026-02-20\"}}"),
        ] {
            assert!(names_any(&text, &ids), "{text}");
        }
        for text in ["", "2026-02-20", "é-", "0198e3a4-7d1c-7000-8000-000000000002"] {
            assert!(!names_any(text, &ids), "{text}");
        }
    }
}
