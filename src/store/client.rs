//! Systems that ask for themselves: what each authority lets them do, and what they prove themselves with.
//!
//! Rows of a system are found by its id alone where nobody has said yet who asks; everything else is of one
//! authority.

use std::fmt;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use uuid::Uuid;

use super::column::{Instant, OptionalInstant};
use super::connection::{AnyConnection, on_backend};
use super::schema::{client_assertions, client_grants, client_secrets, clients};
use super::{MultiBackend, StoreError};

/// A system as the authority that registered it keeps it.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = clients, treat_none_as_null = true)]
pub struct ClientRow {
    pub id: String,
    pub la_code: String,
    pub name: String,
    pub belongs_to: String,
    /// Its public keys, as a list of JSON Web Keys.
    pub keys: String,
    #[diesel(deserialize_as = OptionalInstant)]
    pub disabled_at: Option<NaiveDateTime>,
    #[diesel(deserialize_as = Instant)]
    pub created_at: NaiveDateTime,
    #[diesel(deserialize_as = Instant)]
    pub updated_at: NaiveDateTime,
}

/// What an authority lets a system do.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = client_grants, primary_key(la_code, client_id), treat_none_as_null = true)]
pub struct GrantRow {
    pub la_code: String,
    pub client_id: String,
    pub organisation_id: Option<String>,
    pub scopes: String,
    #[diesel(deserialize_as = OptionalInstant)]
    pub disabled_at: Option<NaiveDateTime>,
    #[diesel(deserialize_as = OptionalInstant)]
    pub last_used_at: Option<NaiveDateTime>,
    pub version: i64,
    #[diesel(deserialize_as = Instant)]
    pub created_at: NaiveDateTime,
    #[diesel(deserialize_as = Instant)]
    pub updated_at: NaiveDateTime,
}

/// A secret, of which nothing is kept but what it can be compared with. `Debug` shows nothing of that.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = client_secrets)]
pub struct SecretRow {
    pub id: String,
    pub la_code: String,
    pub client_id: String,
    pub hash: String,
    #[diesel(deserialize_as = Instant)]
    pub created_at: NaiveDateTime,
    #[diesel(deserialize_as = OptionalInstant)]
    pub revoked_at: Option<NaiveDateTime>,
    #[diesel(deserialize_as = OptionalInstant)]
    pub last_used_at: Option<NaiveDateTime>,
}

impl fmt::Debug for SecretRow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SecretRow({} of {})", self.id, self.client_id)
    }
}

pub fn insert_client(connection: &mut AnyConnection, row: &ClientRow) -> Result<(), StoreError> {
    on_backend!(connection, inner => diesel::insert_into(clients::table).values(row).execute(inner))?;
    Ok(())
}

pub fn update_client(connection: &mut AnyConnection, row: &ClientRow) -> Result<(), StoreError> {
    let updated = on_backend!(connection, inner => diesel::update(clients::table.find(&row.id))
        .set(row).execute(inner))?;
    if updated == 1 {
        Ok(())
    } else {
        Err(StoreError::NotFound)
    }
}

/// A system, whoever registered it.
pub fn find_client(connection: &mut AnyConnection, client_id: Uuid) -> Result<Option<ClientRow>, StoreError> {
    Ok(
        on_backend!(connection, inner => clients::table.find(client_id.to_string())
        .select(ClientRow::as_select()).get_result(inner).optional())?,
    )
}

/// Reads a system and holds it against other writers until the transaction ends.
pub fn lock_client(connection: &mut AnyConnection, client_id: Uuid) -> Result<ClientRow, StoreError> {
    let query = clients::table.find(client_id.to_string());
    // SQLite has one writer, which holds everything already.
    match connection {
        AnyConnection::Sqlite(inner) => Ok(query.select(ClientRow::as_select()).first(inner)?),
        AnyConnection::Postgres(inner) => Ok(query
            .select(ClientRow::as_select())
            .for_no_key_update()
            .first(inner)?),
    }
}

pub fn insert_grant(connection: &mut AnyConnection, row: &GrantRow) -> Result<(), StoreError> {
    on_backend!(connection, inner => diesel::insert_into(client_grants::table).values(row).execute(inner))?;
    Ok(())
}

/// Writes all columns of a grant whose version is still the one before.
pub fn update_grant(connection: &mut AnyConnection, row: &GrantRow) -> Result<(), StoreError> {
    let updated = diesel::update(
        client_grants::table
            .filter(client_grants::la_code.eq(&row.la_code))
            .filter(client_grants::client_id.eq(&row.client_id))
            .filter(client_grants::version.eq(row.version - 1)),
    )
    .set(row)
    .execute(connection)?;
    if updated == 1 {
        Ok(())
    } else {
        Err(StoreError::Stale)
    }
}

/// What an authority lets a system do, with the system.
pub fn find_granted(
    connection: &mut AnyConnection,
    la_code: &str,
    client_id: Uuid,
) -> Result<Option<(GrantRow, ClientRow)>, StoreError> {
    Ok(on_backend!(connection, inner => client_grants::table
        .inner_join(clients::table.on(clients::id.eq(client_grants::client_id)))
        .filter(client_grants::la_code.eq(la_code))
        .filter(client_grants::client_id.eq(client_id.to_string()))
        .select((GrantRow::as_select(), ClientRow::as_select()))
        .get_result(inner).optional())?)
}

/// The systems that an authority has granted something, in order of their ids.
pub fn list_granted(
    connection: &mut AnyConnection,
    la_code: &str,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<(GrantRow, ClientRow)>, StoreError> {
    let mut query = client_grants::table
        .inner_join(clients::table.on(clients::id.eq(client_grants::client_id)))
        .filter(client_grants::la_code.eq(la_code.to_owned()))
        .select((GrantRow::as_select(), ClientRow::as_select()))
        .into_boxed::<MultiBackend>();
    if let Some(after) = after {
        query = query.filter(client_grants::client_id.gt(after.to_string()));
    }
    Ok(query
        .order(client_grants::client_id.asc())
        .limit(limit)
        .load(connection)?)
}

/// What every authority lets a system do.
pub fn grants_of(connection: &mut AnyConnection, client_id: Uuid) -> Result<Vec<GrantRow>, StoreError> {
    Ok(on_backend!(connection, inner => client_grants::table
        .filter(client_grants::client_id.eq(client_id.to_string()))
        .order(client_grants::la_code.asc())
        .select(GrantRow::as_select()).load(inner))?)
}

pub fn insert_secret(connection: &mut AnyConnection, row: &SecretRow) -> Result<(), StoreError> {
    on_backend!(connection, inner => diesel::insert_into(client_secrets::table).values(row).execute(inner))?;
    Ok(())
}

/// The secrets of some systems of an authority, the oldest first, also those that were revoked.
pub fn secrets_of(
    connection: &mut AnyConnection,
    la_code: &str,
    client_ids: &[String],
) -> Result<Vec<SecretRow>, StoreError> {
    Ok(on_backend!(connection, inner => client_secrets::table
        .filter(client_secrets::la_code.eq(la_code))
        .filter(client_secrets::client_id.eq_any(client_ids))
        .order(client_secrets::id.asc())
        .select(SecretRow::as_select()).load(inner))?)
}

/// A secret of a system that has not been revoked.
pub fn find_live_secret(
    connection: &mut AnyConnection,
    client_id: Uuid,
    secret_id: Uuid,
) -> Result<Option<SecretRow>, StoreError> {
    Ok(
        on_backend!(connection, inner => client_secrets::table.find(secret_id.to_string())
        .filter(client_secrets::client_id.eq(client_id.to_string()))
        .filter(client_secrets::revoked_at.is_null())
        .select(SecretRow::as_select()).get_result(inner).optional())?,
    )
}

/// Revokes a secret, and answers whether it was there to be revoked.
pub fn revoke_secret(
    connection: &mut AnyConnection,
    client_id: Uuid,
    secret_id: Uuid,
    now: NaiveDateTime,
) -> Result<bool, StoreError> {
    let revoked = on_backend!(connection, inner => diesel::update(client_secrets::table.find(secret_id.to_string())
        .filter(client_secrets::client_id.eq(client_id.to_string()))
        .filter(client_secrets::revoked_at.is_null()))
        .set(client_secrets::revoked_at.eq(now)).execute(inner))?;
    Ok(revoked == 1)
}

/// Notes that a system was used for an authority, by a secret if it was one.
pub fn note_use(
    connection: &mut AnyConnection,
    la_code: &str,
    client_id: Uuid,
    secret_id: Option<Uuid>,
    now: NaiveDateTime,
) -> Result<(), StoreError> {
    on_backend!(connection, inner => diesel::update(client_grants::table
        .find((la_code, client_id.to_string())))
        .set(client_grants::last_used_at.eq(now)).execute(inner))?;
    if let Some(secret_id) = secret_id {
        on_backend!(connection, inner => diesel::update(client_secrets::table.find(secret_id.to_string()))
            .set(client_secrets::last_used_at.eq(now)).execute(inner))?;
    }
    Ok(())
}

/// Takes an assertion, unless it was taken before, and forgets those of the system that have expired.
pub fn take_assertion(
    connection: &mut AnyConnection,
    client: &ClientRow,
    jti_sha256: &str,
    expires_at: NaiveDateTime,
    now: NaiveDateTime,
) -> Result<bool, StoreError> {
    on_backend!(connection, inner => diesel::delete(client_assertions::table
        .filter(client_assertions::client_id.eq(&client.id))
        .filter(client_assertions::expires_at.le(now))).execute(inner))?;
    let row = (
        client_assertions::client_id.eq(&client.id),
        client_assertions::jti_sha256.eq(jti_sha256),
        client_assertions::la_code.eq(&client.la_code),
        client_assertions::expires_at.eq(expires_at),
    );
    let taken = on_backend!(connection, inner => diesel::insert_into(client_assertions::table)
        .values(row).on_conflict_do_nothing().execute(inner))?;
    Ok(taken == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_secret_is_compared_with_is_not_shown() {
        let row = SecretRow {
            id: "1".to_owned(),
            la_code: "885".to_owned(),
            client_id: "2".to_owned(),
            hash: "$argon2id$hush".to_owned(),
            created_at: NaiveDateTime::default(),
            revoked_at: None,
            last_used_at: None,
        };
        let shown = format!("{row:?} {row:#?}");
        assert!(!shown.contains("hush") && !shown.contains("argon2"), "{shown}");
    }
}
