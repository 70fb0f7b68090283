//! The versions of what plans say. A version is written once; nothing here changes or removes one.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::column::Instant;
use super::connection::{AnyConnection, on_backend};
use super::schema::plan_versions;
use super::{MultiBackend, StoreError};

/// A version as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = plan_versions)]
pub struct PlanVersionRow {
    pub la_code: String,
    pub plan_id: String,
    /// 1 for the first version of a plan.
    pub number: i64,
    pub sections: String,
    pub note: Option<String>,
    /// The version it was written from.
    pub based_on_version: Option<i64>,
    #[diesel(deserialize_as = Instant)]
    pub made_at: NaiveDateTime,
    pub made_by: String,
}

/// A version without what it says.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = plan_versions)]
pub struct PlanVersionSummaryRow {
    pub number: i64,
    pub note: Option<String>,
    pub based_on_version: Option<i64>,
    #[diesel(deserialize_as = Instant)]
    pub made_at: NaiveDateTime,
    pub made_by: String,
}

/// Writes a version; the plan is held by whoever calls.
pub fn insert_plan_version(connection: &mut AnyConnection, row: &PlanVersionRow) -> Result<(), StoreError> {
    on_backend!(connection, inner => diesel::insert_into(plan_versions::table)
        .values(row).execute(inner))?;
    Ok(())
}

pub fn find_plan_version(
    connection: &mut AnyConnection,
    la_code: &str,
    plan_id: &str,
    number: i64,
) -> Result<PlanVersionRow, StoreError> {
    Ok(on_backend!(connection, inner => plan_versions::table
        .filter(plan_versions::la_code.eq(la_code))
        .filter(plan_versions::plan_id.eq(plan_id))
        .filter(plan_versions::number.eq(number))
        .select(PlanVersionRow::as_select()).get_result(inner))?)
}

/// What some versions of a plan say, by their numbers.
pub fn sections_of_versions(
    connection: &mut AnyConnection,
    la_code: &str,
    plan_id: &str,
    numbers: Vec<i64>,
) -> Result<Vec<(i64, String)>, StoreError> {
    Ok(plan_versions::table
        .filter(plan_versions::la_code.eq(la_code.to_owned()))
        .filter(plan_versions::plan_id.eq(plan_id.to_owned()))
        .filter(plan_versions::number.eq_any(numbers))
        .order(plan_versions::number.asc())
        .select((plan_versions::number, plan_versions::sections))
        .load(connection)?)
}

/// The number of the newest version of a plan; none if it has none yet.
pub fn newest_plan_version(
    connection: &mut AnyConnection,
    la_code: &str,
    plan_id: &str,
) -> Result<Option<i64>, StoreError> {
    Ok(on_backend!(connection, inner => plan_versions::table
        .filter(plan_versions::la_code.eq(la_code))
        .filter(plan_versions::plan_id.eq(plan_id))
        .order(plan_versions::number.desc())
        .select(plan_versions::number).first(inner))
    .optional()?)
}

/// Some versions of a plan after a number, in the order of their numbers; those of some numbers only, and those
/// made by an instant only, if they are given.
pub fn page_of_plan_versions(
    connection: &mut AnyConnection,
    la_code: &str,
    plan_id: &str,
    only: Option<&[i64]>,
    made_until: Option<NaiveDateTime>,
    after_number: i64,
    limit: i64,
) -> Result<Vec<PlanVersionSummaryRow>, StoreError> {
    let mut query = plan_versions::table
        .filter(plan_versions::la_code.eq(la_code.to_owned()))
        .filter(plan_versions::plan_id.eq(plan_id.to_owned()))
        .filter(plan_versions::number.gt(after_number))
        .select(PlanVersionSummaryRow::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(only) = only {
        query = query.filter(plan_versions::number.eq_any(only.to_vec()));
    }
    if let Some(made_until) = made_until {
        query = query.filter(plan_versions::made_at.le(made_until));
    }
    Ok(query
        .order(plan_versions::number.asc())
        .limit(limit)
        .load(connection)?)
}
