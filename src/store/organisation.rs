//! Organisations: whoever owes or gives something.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use uuid::Uuid;

use super::column::Instant;
use super::connection::{AnyConnection, on_backend};
use super::schema::organisations;
use super::{MultiBackend, StoreError};

/// An organisation as it is stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = organisations, treat_none_as_null = true)]
pub struct OrganisationRow {
    pub id: String,
    pub la_code: String,
    pub name: String,
    pub kind: String,
    pub code: Option<String>,
    pub section_31_body: bool,
    pub contact_email: Option<String>,
    pub version: i64,
    #[diesel(deserialize_as = Instant)]
    pub created_at: NaiveDateTime,
    #[diesel(deserialize_as = Instant)]
    pub updated_at: NaiveDateTime,
}

pub fn insert_organisation(connection: &mut AnyConnection, row: &OrganisationRow) -> Result<(), StoreError> {
    diesel::insert_into(organisations::table)
        .values(row)
        .execute(connection)?;
    Ok(())
}

/// Writes all columns of an organisation whose version is still the one before.
pub fn update_organisation(connection: &mut AnyConnection, row: &OrganisationRow) -> Result<(), StoreError> {
    let updated = diesel::update(
        organisations::table
            .filter(organisations::la_code.eq(&row.la_code))
            .filter(organisations::id.eq(&row.id))
            .filter(organisations::version.eq(row.version - 1)),
    )
    .set(row)
    .execute(connection)?;
    if updated == 1 {
        Ok(())
    } else {
        Err(StoreError::Stale)
    }
}

pub fn find_organisation(
    connection: &mut AnyConnection,
    la_code: &str,
    organisation_id: Uuid,
) -> Result<OrganisationRow, StoreError> {
    Ok(on_backend!(connection, inner => organisations::table
        .filter(organisations::la_code.eq(la_code))
        .filter(organisations::id.eq(organisation_id.to_string()))
        .select(OrganisationRow::as_select()).get_result(inner))?)
}

/// The names of some organisations, by their ids.
pub fn names_of(
    connection: &mut AnyConnection,
    la_code: &str,
    organisation_ids: Vec<String>,
) -> Result<HashMap<String, String>, StoreError> {
    let rows: Vec<(String, String, String)> = organisations::table
        .filter(organisations::id.eq_any(organisation_ids))
        .select((organisations::id, organisations::la_code, organisations::name))
        .load(connection)?;
    let own = rows.into_iter().filter(|(_, held_by, _)| held_by == la_code);
    Ok(own.map(|(id, _, name)| (id, name)).collect())
}

/// Reads an organisation and holds it against other writers until the transaction ends.
pub fn lock_organisation(
    connection: &mut AnyConnection,
    la_code: &str,
    organisation_id: Uuid,
) -> Result<OrganisationRow, StoreError> {
    let query = organisations::table
        .filter(organisations::la_code.eq(la_code))
        .filter(organisations::id.eq(organisation_id.to_string()));
    // SQLite has one writer, which holds everything already.
    match connection {
        AnyConnection::Sqlite(inner) => Ok(query.select(OrganisationRow::as_select()).first(inner)?),
        AnyConnection::Postgres(inner) => Ok(query
            .select(OrganisationRow::as_select())
            .for_no_key_update()
            .first(inner)?),
    }
}

pub fn list_organisations(
    connection: &mut AnyConnection,
    la_code: &str,
    kind: Option<&str>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<OrganisationRow>, StoreError> {
    let mut query = organisations::table
        .filter(organisations::la_code.eq(la_code.to_owned()))
        .select(OrganisationRow::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(kind) = kind {
        query = query.filter(organisations::kind.eq(kind.to_owned()));
    }
    if let Some(after) = after {
        query = query.filter(organisations::id.gt(after.to_string()));
    }
    Ok(query
        .order(organisations::id.asc())
        .limit(limit)
        .load(connection)?)
}
