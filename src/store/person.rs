//! The people around a child or young person.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use uuid::Uuid;

use super::column::{Instant, OptionalDay};
use super::connection::{AnyConnection, on_backend};
use super::schema::people;
use super::{MultiBackend, Root, StoreError};

/// A person as they are stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = people, treat_none_as_null = true)]
pub struct PersonRow {
    pub id: String,
    pub la_code: String,
    pub case_id: String,
    pub name: String,
    pub relationship: String,
    pub parental_responsibility: bool,
    pub receives_notices: bool,
    #[diesel(deserialize_as = OptionalDay)]
    pub is_decision_maker_from_on: Option<NaiveDate>,
    pub address: Option<String>,
    pub address_withheld: bool,
    pub language: Option<String>,
    pub interpreter: bool,
    pub communication_needs: Option<String>,
    pub preferred_channel: Option<String>,
    pub version: i64,
    #[diesel(deserialize_as = Instant)]
    pub created_at: NaiveDateTime,
    #[diesel(deserialize_as = Instant)]
    pub updated_at: NaiveDateTime,
    /// From when a young person who decides lets them see the case.
    #[diesel(deserialize_as = OptionalDay)]
    pub young_person_allows_from_on: Option<NaiveDate>,
}

pub fn insert_person(connection: &mut AnyConnection, row: &PersonRow) -> Result<(), StoreError> {
    on_backend!(connection, inner => diesel::insert_into(people::table)
        .values(row).execute(inner))?;
    Ok(())
}

/// Writes all columns of a person whose version is still the one before.
pub fn update_person(connection: &mut AnyConnection, row: &PersonRow) -> Result<(), StoreError> {
    let updated = diesel::update(
        people::table
            .filter(people::la_code.eq(&row.la_code))
            .filter(people::id.eq(&row.id))
            .filter(people::version.eq(row.version - 1)),
    )
    .set(row)
    .execute(connection)?;
    if updated == 1 {
        Ok(())
    } else {
        Err(StoreError::Stale)
    }
}

pub fn find_person(
    connection: &mut AnyConnection,
    root: &Root,
    case_id: Uuid,
    person_id: Uuid,
) -> Result<PersonRow, StoreError> {
    Ok(people::table
        .filter(people::la_code.eq(root.la_code()))
        .filter(root.of_one_case(people::case_id))
        .filter(people::case_id.eq(case_id.to_string()))
        .filter(people::id.eq(person_id.to_string()))
        .select(PersonRow::as_select())
        .first(connection)?)
}

/// Reads a person and holds it against other writers until the transaction ends.
pub fn lock_person(
    connection: &mut AnyConnection,
    root: &Root,
    case_id: Uuid,
    person_id: Uuid,
) -> Result<PersonRow, StoreError> {
    let query = people::table
        .filter(people::la_code.eq(root.la_code()))
        .filter(root.of_one_case(people::case_id))
        .filter(people::case_id.eq(case_id.to_string()))
        .filter(people::id.eq(person_id.to_string()));
    // SQLite has one writer, which holds everything already.
    match connection {
        AnyConnection::Sqlite(inner) => Ok(query.select(PersonRow::as_select()).first(inner)?),
        AnyConnection::Postgres(inner) => Ok(query
            .select(PersonRow::as_select())
            .for_no_key_update()
            .first(inner)?),
    }
}

/// The people of a case after an id.
pub fn people_of_case(
    connection: &mut AnyConnection,
    root: &Root,
    case_id: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<PersonRow>, StoreError> {
    let mut query = people::table
        .filter(people::la_code.eq(root.la_code().to_owned()))
        .filter(root.of_case("people.case_id"))
        .filter(people::case_id.eq(case_id.to_string()))
        .select(PersonRow::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(after) = after {
        query = query.filter(people::id.gt(after.to_string()));
    }
    Ok(query.order(people::id.asc()).limit(limit).load(connection)?)
}

/// Whether the address of anybody of a case must reach nobody else.
pub fn has_withheld_address(
    connection: &mut AnyConnection,
    la_code: &str,
    case_id: &str,
) -> Result<bool, StoreError> {
    let found: Option<String> = people::table
        .filter(people::la_code.eq(la_code))
        .filter(people::case_id.eq(case_id))
        .filter(people::address_withheld.eq(true))
        .select(people::id)
        .first(connection)
        .optional()?;
    Ok(found.is_some())
}

/// Somebody named as the one who decides.
#[derive(Debug, Clone)]
pub struct NamedDecisionMaker {
    pub person_id: String,
    pub relationship: String,
    pub from_on: NaiveDate,
}

/// The person named to decide from the latest day on or before the one asked about, if any is.
pub fn decision_maker_on(
    connection: &mut AnyConnection,
    la_code: &str,
    case_id: &str,
    on: NaiveDate,
) -> Result<Option<NamedDecisionMaker>, StoreError> {
    let named: Option<(String, String, Option<NaiveDate>)> = people::table
        .filter(people::la_code.eq(la_code))
        .filter(people::case_id.eq(case_id))
        .filter(people::is_decision_maker_from_on.le(on))
        .order((people::is_decision_maker_from_on.desc(), people::id.desc()))
        .select((
            people::id,
            people::relationship,
            people::is_decision_maker_from_on,
        ))
        .first(connection)
        .optional()?;
    Ok(named.and_then(|(person_id, relationship, from_on)| {
        Some(NamedDecisionMaker {
            person_id,
            relationship,
            from_on: from_on?,
        })
    }))
}
