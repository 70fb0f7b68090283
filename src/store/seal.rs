//! Seals of cases, and to whom sealed cases were opened. What a seal hides is said in [`super::root`].

use chrono::NaiveDateTime;
use diesel::prelude::*;
use uuid::Uuid;

use super::column::{Instant, OptionalInstant};
use super::connection::{AnyConnection, on_backend};
use super::fragment::among;
use super::schema::{advice_requests, case_grants, case_seals, cases, procedures};
use super::{MultiBackend, Root, StoreError};

/// The seal of a case.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = case_seals)]
pub struct SealRow {
    pub case_id: String,
    pub la_code: String,
    pub ground: String,
    pub note: Option<String>,
    #[diesel(deserialize_as = Instant)]
    pub sealed_at: NaiveDateTime,
    pub sealed_by: String,
}

/// One opening of a sealed case to somebody. Rows are never removed.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = case_grants, treat_none_as_null = true)]
pub struct GrantRow {
    pub id: String,
    pub la_code: String,
    pub case_id: String,
    /// As [`super::root::grantee_person`], [`super::root::grantee_organisation`] and
    /// [`super::root::grantee_of_family`] write it.
    pub grantee: String,
    pub reason: String,
    pub is_break_glass: bool,
    #[diesel(deserialize_as = Instant)]
    pub granted_at: NaiveDateTime,
    pub granted_by: String,
    /// The first instant at which it no longer holds.
    #[diesel(deserialize_as = Instant)]
    pub until_at: NaiveDateTime,
    #[diesel(deserialize_as = OptionalInstant)]
    pub reviewed_at: Option<NaiveDateTime>,
    pub reviewed_by: Option<String>,
}

/// Seals a case that is held; `Duplicate` if it is sealed already.
pub fn insert_seal(connection: &mut AnyConnection, row: &SealRow) -> Result<(), StoreError> {
    on_backend!(connection, inner => diesel::insert_into(case_seals::table)
        .values(row).execute(inner))?;
    Ok(())
}

/// Takes the seal off a case.
pub fn delete_seal(connection: &mut AnyConnection, la_code: &str, case_id: &str) -> Result<(), StoreError> {
    diesel::delete(
        case_seals::table
            .filter(case_seals::la_code.eq(la_code))
            .filter(case_seals::case_id.eq(case_id)),
    )
    .execute(connection)?;
    Ok(())
}

/// The seal of a case, if it has one.
pub fn find_seal(
    connection: &mut AnyConnection,
    la_code: &str,
    case_id: &str,
) -> Result<Option<SealRow>, StoreError> {
    Ok(case_seals::table
        .filter(case_seals::la_code.eq(la_code))
        .filter(case_seals::case_id.eq(case_id))
        .select(SealRow::as_select())
        .first(connection)
        .optional()?)
}

pub fn insert_grant(connection: &mut AnyConnection, row: &GrantRow) -> Result<(), StoreError> {
    on_backend!(connection, inner => diesel::insert_into(case_grants::table)
        .values(row).execute(inner))?;
    Ok(())
}

pub fn update_grant(connection: &mut AnyConnection, row: &GrantRow) -> Result<(), StoreError> {
    let stored = case_grants::table
        .filter(case_grants::la_code.eq(&row.la_code))
        .filter(case_grants::id.eq(&row.id));
    on_backend!(connection, inner => diesel::update(stored).set(row).execute(inner))?;
    Ok(())
}

/// Whether a case is open to a grantee at an instant.
pub fn is_open_to(
    connection: &mut AnyConnection,
    la_code: &str,
    case_id: &str,
    grantee: &str,
    at: NaiveDateTime,
) -> Result<bool, StoreError> {
    let open = case_grants::table
        .filter(case_grants::la_code.eq(la_code))
        .filter(case_grants::case_id.eq(case_id))
        .filter(case_grants::grantee.eq(grantee))
        .filter(case_grants::until_at.gt(at))
        .select(case_grants::id);
    let found: Option<String> = on_backend!(connection, inner => open.first(inner).optional())?;
    Ok(found.is_some())
}

/// Ends every opening of a case that still holds.
pub fn end_grants(
    connection: &mut AnyConnection,
    la_code: &str,
    case_id: &str,
    now: NaiveDateTime,
) -> Result<(), StoreError> {
    let open = case_grants::table
        .filter(case_grants::la_code.eq(la_code))
        .filter(case_grants::case_id.eq(case_id))
        .filter(case_grants::until_at.gt(now));
    on_backend!(connection, inner => diesel::update(open)
        .set(case_grants::until_at.eq(now)).execute(inner))?;
    Ok(())
}

/// One opening of a case; whatever case it is of, if none is given.
pub fn find_grant(
    connection: &mut AnyConnection,
    la_code: &str,
    case_id: Option<Uuid>,
    grant_id: Uuid,
) -> Result<GrantRow, StoreError> {
    let mut query = case_grants::table
        .filter(case_grants::la_code.eq(la_code.to_owned()))
        .filter(case_grants::id.eq(grant_id.to_string()))
        .select(GrantRow::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(case_id) = case_id {
        query = query.filter(case_grants::case_id.eq(case_id.to_string()));
    }
    Ok(query.first(connection)?)
}

/// To whom a case was ever opened, the oldest first.
pub fn grants_of_case(
    connection: &mut AnyConnection,
    la_code: &str,
    case_id: &str,
) -> Result<Vec<GrantRow>, StoreError> {
    Ok(case_grants::table
        .filter(case_grants::la_code.eq(la_code))
        .filter(case_grants::case_id.eq(case_id))
        .order(case_grants::id.asc())
        .select(GrantRow::as_select())
        .load(connection)?)
}

/// The condition by which a broken glass still waits to be reviewed.
#[diesel::dsl::auto_type]
pub fn awaits_review() -> _ {
    case_grants::is_break_glass
        .eq(true)
        .and(case_grants::reviewed_at.is_null())
}

/// When a sealed case was first opened by breaking the glass without anybody having reviewed that since.
pub fn unreviewed_since(
    connection: &mut AnyConnection,
    case_id: &str,
) -> Result<Option<NaiveDateTime>, StoreError> {
    Ok(on_backend!(connection, inner => case_grants::table
        .filter(case_grants::case_id.eq(case_id))
        .filter(awaits_review())
        .order(case_grants::granted_at.asc())
        .select(case_grants::granted_at).first(inner))
    .optional()?)
}

/// The openings by breaking the glass after an id, the oldest first; those reviewed or not only, if asked for.
pub fn list_break_glass(
    connection: &mut AnyConnection,
    la_code: &str,
    is_reviewed: Option<bool>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<GrantRow>, StoreError> {
    let mut query = case_grants::table
        .filter(case_grants::la_code.eq(la_code.to_owned()))
        .filter(case_grants::is_break_glass)
        .select(GrantRow::as_select())
        .into_boxed::<MultiBackend>();
    query = match is_reviewed {
        Some(true) => query.filter(case_grants::reviewed_at.is_not_null()),
        Some(false) => query.filter(case_grants::reviewed_at.is_null()),
        None => query,
    };
    if let Some(after) = after {
        query = query.filter(case_grants::id.gt(after.to_string()));
    }
    Ok(query.order(case_grants::id.asc()).limit(limit).load(connection)?)
}

/// The id of the case of a reference, whether or not it is sealed.
pub fn case_with_reference(
    connection: &mut AnyConnection,
    la_code: &str,
    reference: &str,
) -> Result<Option<String>, StoreError> {
    Ok(cases::table
        .filter(cases::la_code.eq(la_code))
        .filter(cases::reference.eq(reference))
        .select(cases::id)
        .first(connection)
        .optional()?)
}

/// The id of the case that something with an id of its own is of, whether or not it is sealed: a procedure, an advice
/// request or an opening.
pub fn case_of(
    connection: &mut AnyConnection,
    la_code: &str,
    id: &str,
) -> Result<Option<String>, StoreError> {
    let of_procedure: Option<String> = procedures::table
        .filter(procedures::la_code.eq(la_code))
        .filter(procedures::id.eq(id))
        .select(procedures::case_id)
        .first(connection)
        .optional()?;
    if of_procedure.is_some() {
        return Ok(of_procedure);
    }
    let of_request: Option<String> = advice_requests::table
        .filter(advice_requests::la_code.eq(la_code))
        .filter(advice_requests::id.eq(id))
        .select(advice_requests::case_id)
        .first(connection)
        .optional()?;
    if of_request.is_some() {
        return Ok(of_request);
    }
    Ok(case_grants::table
        .filter(case_grants::la_code.eq(la_code))
        .filter(case_grants::id.eq(id))
        .select(case_grants::case_id)
        .first(connection)
        .optional()?)
}

/// Those of some cases that exist for whoever looks; for an organisation, that are not sealed from it.
pub fn cases_in_sight(
    connection: &mut AnyConnection,
    root: &Root,
    case_ids: &[String],
) -> Result<Vec<String>, StoreError> {
    if case_ids.is_empty() {
        return Ok(Vec::new());
    }
    let in_sight = cases::table
        .filter(cases::la_code.eq(root.la_code()))
        .filter(root.of_shared_case("cases.id"))
        .order(cases::id.asc())
        .select(cases::id);
    Ok(match connection {
        AnyConnection::Sqlite(inner) => in_sight.filter(among("cases.id", case_ids)).load(inner)?,
        AnyConnection::Postgres(inner) => in_sight.filter(cases::id.eq_any(case_ids)).load(inner)?,
    })
}
