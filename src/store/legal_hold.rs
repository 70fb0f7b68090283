//! Legal holds: what keeps a case from being disposed of, whatever the rules say.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use uuid::Uuid;

use super::StoreError;
use super::column::{Instant, OptionalInstant};
use super::connection::{AnyConnection, on_backend};
use super::schema::legal_holds;

/// One hold. Rows go only with their case.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = legal_holds, treat_none_as_null = true)]
pub struct LegalHoldRow {
    pub id: String,
    pub la_code: String,
    pub case_id: String,
    pub reason: String,
    #[diesel(deserialize_as = Instant)]
    pub placed_at: NaiveDateTime,
    pub placed_by: String,
    #[diesel(deserialize_as = OptionalInstant)]
    pub lifted_at: Option<NaiveDateTime>,
    pub lifted_by: Option<String>,
}

/// Adds a hold to a case that is held by whoever calls.
pub fn insert_legal_hold(connection: &mut AnyConnection, row: &LegalHoldRow) -> Result<(), StoreError> {
    on_backend!(connection, inner => diesel::insert_into(legal_holds::table)
        .values(row).execute(inner))?;
    Ok(())
}

pub fn update_legal_hold(connection: &mut AnyConnection, row: &LegalHoldRow) -> Result<(), StoreError> {
    let stored = legal_holds::table
        .filter(legal_holds::la_code.eq(&row.la_code))
        .filter(legal_holds::id.eq(&row.id));
    on_backend!(connection, inner => diesel::update(stored).set(row).execute(inner))?;
    Ok(())
}

pub fn find_legal_hold(
    connection: &mut AnyConnection,
    la_code: &str,
    case_id: Uuid,
    hold_id: Uuid,
) -> Result<LegalHoldRow, StoreError> {
    Ok(on_backend!(connection, inner => legal_holds::table
        .filter(legal_holds::la_code.eq(la_code))
        .filter(legal_holds::case_id.eq(case_id.to_string()))
        .filter(legal_holds::id.eq(hold_id.to_string()))
        .select(LegalHoldRow::as_select()).get_result(inner))?)
}

/// All holds that were ever placed on a case, the oldest first.
pub fn legal_holds_of_case(
    connection: &mut AnyConnection,
    la_code: &str,
    case_id: &str,
) -> Result<Vec<LegalHoldRow>, StoreError> {
    Ok(on_backend!(connection, inner => legal_holds::table
        .filter(legal_holds::la_code.eq(la_code))
        .filter(legal_holds::case_id.eq(case_id))
        .order(legal_holds::id.asc())
        .select(LegalHoldRow::as_select()).load(inner))?)
}
