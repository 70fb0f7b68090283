//! What of cases decides how long they are kept, and which of them may be due.
//!
//! Whether one is due is decided in `casework::retention`, from the rows that are read here.

use chrono::NaiveDate;
use diesel::prelude::*;
use uuid::Uuid;

use super::column::{Day, OptionalDay};
use super::connection::AnyConnection;
use super::fragment;
use super::schema::{cases, disposal_items, events, legal_holds, procedures};
use super::{MultiBackend, Root, StoreError};
use crate::casework::plan::{PLAN, PLAN_MADE};

/// What of a case decides how long it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = cases)]
pub struct RetainedRow {
    pub id: String,
    pub reference: String,
    #[diesel(deserialize_as = Day)]
    pub date_of_birth: NaiveDate,
    #[diesel(deserialize_as = OptionalDay)]
    pub closed_on: Option<NaiveDate>,
    pub looked_after: bool,
    pub has_been_looked_after: bool,
}

/// A plan of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanOfCase {
    pub case_id: String,
    pub state: String,
    /// Whether it is on record that it was made.
    pub is_recorded_as_made: bool,
}

/// Some closed cases on which there is no hold and which are on no list that waits, by the date of birth and id;
/// those born before a day, if it is given.
pub fn closed_cases(
    connection: &mut AnyConnection,
    root: &Root,
    born_before: Option<NaiveDate>,
    after: Option<(NaiveDate, Uuid)>,
    limit: i64,
) -> Result<Vec<RetainedRow>, StoreError> {
    let held = legal_holds::table
        .filter(legal_holds::case_id.eq(cases::id))
        .filter(legal_holds::lifted_at.is_null());
    let listed = disposal_items::table
        .filter(disposal_items::case_id.eq(cases::id))
        .filter(disposal_items::is_pending);
    let mut query = cases::table
        .filter(cases::la_code.eq(root.la_code().to_owned()))
        .filter(root.of_case("cases.id"))
        .filter(cases::closed_on.is_not_null())
        .filter(diesel::dsl::not(diesel::dsl::exists(held)))
        .filter(diesel::dsl::not(diesel::dsl::exists(listed)))
        .select(RetainedRow::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(day) = born_before {
        query = query.filter(cases::date_of_birth.lt(day));
    }
    if let Some((date_of_birth, id)) = after {
        query = query.filter(fragment::after(
            "(cases.date_of_birth, cases.id)",
            date_of_birth,
            id,
        ));
    }
    Ok(query
        .order((cases::date_of_birth.asc(), cases::id.asc()))
        .limit(limit)
        .load(connection)?)
}

/// What decides of some cases, in the order of their ids.
pub fn retained_cases(
    connection: &mut AnyConnection,
    root: &Root,
    case_ids: &[String],
) -> Result<Vec<RetainedRow>, StoreError> {
    Ok(cases::table
        .filter(cases::la_code.eq(root.la_code()))
        .filter(root.of_case("cases.id"))
        .filter(cases::id.eq_any(case_ids.to_vec()))
        .order(cases::id.asc())
        .select(RetainedRow::as_select())
        .load(connection)?)
}

/// Those of some cases on which there is a hold.
pub fn held_cases(
    connection: &mut AnyConnection,
    la_code: &str,
    case_ids: &[String],
) -> Result<Vec<String>, StoreError> {
    Ok(legal_holds::table
        .filter(legal_holds::la_code.eq(la_code))
        .filter(legal_holds::case_id.eq_any(case_ids.to_vec()))
        .filter(legal_holds::lifted_at.is_null())
        .select(legal_holds::case_id)
        .load(connection)?)
}

/// The plans of some cases.
pub fn plans_of_cases(
    connection: &mut AnyConnection,
    la_code: &str,
    case_ids: &[String],
) -> Result<Vec<PlanOfCase>, StoreError> {
    let mut found: Vec<(String, String, String, String)> = procedures::table
        .filter(procedures::la_code.eq(la_code))
        .filter(procedures::case_id.eq_any(case_ids.to_vec()))
        .select((
            procedures::case_id,
            procedures::id,
            procedures::state,
            procedures::kind,
        ))
        .load(connection)?;
    // Asked for the kind, SQLite walks all plans of the authority.
    found.retain(|(.., kind)| kind == PLAN.name);
    let plan_ids: Vec<String> = found.iter().map(|(_, id, ..)| id.clone()).collect();
    let made: Vec<String> = events::table
        .filter(events::procedure_id.eq_any(plan_ids))
        .filter(events::event_type.eq(PLAN_MADE.name()))
        .select(events::procedure_id)
        .load(connection)?;
    let plan = |(case_id, id, state, _): (String, String, String, String)| PlanOfCase {
        is_recorded_as_made: made.contains(&id),
        case_id,
        state,
    };
    Ok(found.into_iter().map(plan).collect())
}
