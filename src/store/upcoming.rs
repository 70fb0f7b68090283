//! Reviews that fall due, and the plans of a year group: what the lists of them read.

use chrono::NaiveDate;
use diesel::dsl::{auto_type, exists};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use uuid::Uuid;

use super::column::{Day, Id, OptionalDay};
use super::connection::AnyConnection;
use super::fragment::{after, among, fixed};
use super::procedure::ProcedureRow;
use super::schema::{advice_requests, cases, clocks, procedures};
use super::{MultiBackend, Root, StoreError};
use crate::casework::plan::PLAN;
use crate::casework::review::REVIEW;
use crate::statute::rulebook::ClockKind;

/// In the words of the unique index, by which SQLite then finds the one of a case; asked for the authority, it would
/// walk all of its procedures.
const ONE_AT_A_TIME: &str = "procedures.excludes_another";

/// Whose children and young people a list is about.
#[derive(Debug, Clone, Copy)]
pub enum Concerning {
    /// All of the authority.
    Authority,
    /// Those at a setting.
    Setting(Uuid),
    /// Those about whom an organisation was asked, and is not out of it again.
    Asked(Uuid),
}

/// Which reviews a list holds; filters add up.
#[derive(Debug, Clone)]
pub struct UpcomingFilter {
    /// The last day on which they fall due.
    pub until_on: NaiveDate,
    pub caseworker: Option<String>,
    pub concerning: Concerning,
    /// Items after this due date and id.
    pub after: Option<(NaiveDate, Uuid)>,
    pub limit: i64,
}

/// A review that is not complete, by its clock.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = clocks)]
pub struct UpcomingRow {
    pub clock_id: Id,
    pub due_on: Day,
    pub case_id: String,
    pub procedure_id: String,
}

/// A child or young person of a list of reviews.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = cases)]
pub struct ReviewedRow {
    pub id: String,
    pub reference: String,
    pub given_name: String,
    pub family_name: String,
    #[diesel(deserialize_as = Day)]
    pub date_of_birth: NaiveDate,
    pub caseworker: Option<String>,
    pub year_group_override: Option<String>,
    pub setting: Option<String>,
}

/// A limit that runs, or was kept, on one of the procedures of a case.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = clocks)]
pub struct LimitOfCase {
    pub la_code: String,
    pub case_id: String,
    #[diesel(deserialize_as = Day)]
    pub due_on: NaiveDate,
    #[diesel(deserialize_as = OptionalDay)]
    pub satisfied_on: Option<NaiveDate>,
}

/// What somebody was asked to contribute to a review.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = advice_requests)]
pub struct ContributionRow {
    pub id: String,
    pub la_code: String,
    pub procedure_id: String,
    pub requirement: String,
    pub service: Option<String>,
    pub organisation_id: Option<String>,
    pub state: String,
    #[diesel(deserialize_as = OptionalDay)]
    pub needed_by_on: Option<NaiveDate>,
}

/// Reviews of an authority that are still to be completed, by the day on which they fall due.
pub fn upcoming_reviews(
    connection: &mut AnyConnection,
    root: &Root,
    filter: &UpcomingFilter,
) -> Result<Vec<UpcomingRow>, StoreError> {
    let mut query = clocks::table
        // In words, since the indexes of reviews that are due hold these alone. What is one officer's is in an index
        // of all that they have to see done, and only the kind of such a review is not to lead to the others.
        .filter(fixed::<Bool>(match filter.caseworker {
            None => "clocks.kind = 'review_due' AND clocks.stopped_on = '9999-12-31'",
            Some(_) => "clocks.kind || '' = 'review_due' AND clocks.stopped_on = '9999-12-31'",
        }))
        .filter(clocks::due_on.le(filter.until_on))
        .filter(root.of_shared_case("clocks.case_id"))
        .select(UpcomingRow::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(caseworker) = &filter.caseworker {
        // With the bound, since an index of what an officer has still to see done has it.
        query = query
            .filter(clocks::caseworker.eq(caseworker.clone()))
            .filter(clocks::bound.eq("no_later_than"));
    }
    let la_code = root.la_code().to_owned();
    match filter.concerning {
        Concerning::Authority => query = query.filter(clocks::la_code.eq(la_code)),
        // The few cases of a setting are the authority's. Named on the clocks too, the authority would be walked instead.
        Concerning::Setting(organisation_id) => {
            let there = cases::table
                .filter(cases::la_code.eq(la_code))
                .filter(cases::setting_organisation_id.eq(organisation_id.to_string()))
                .select(cases::id);
            query = query.filter(clocks::case_id.eq_any(there));
        }
        Concerning::Asked(organisation_id) => {
            let asked = asked_of(la_code.clone(), organisation_id.to_string());
            query = query
                .filter(clocks::la_code.eq(la_code))
                .filter(exists(asked.filter(procedures::case_id.eq(clocks::case_id))));
        }
    }
    if let Some((due_on, clock_id)) = filter.after {
        query = query.filter(after("(clocks.due_on, clocks.clock_id)", due_on, clock_id));
    }
    Ok(query
        .order((clocks::due_on.asc(), clocks::clock_id.asc()))
        .limit(filter.limit)
        .load(connection)?)
}

/// What an organisation was asked for and is not out of again, on procedures of an authority.
#[auto_type]
fn asked_of(la_code: String, organisation_id: String) -> _ {
    procedures::table
        .inner_join(advice_requests::table.on(advice_requests::procedure_id.eq(procedures::id)))
        .filter(procedures::la_code.eq(la_code))
        .filter(advice_requests::organisation_id.eq(organisation_id))
        .filter(advice_requests::is_live.eq(true))
        .filter(advice_requests::is_void.eq(false))
}

/// By when the papers of some reviews have to be with everybody invited, unless that was cancelled.
pub fn papers_due(
    connection: &mut AnyConnection,
    procedure_ids: &[String],
) -> Result<Vec<(String, NaiveDate)>, StoreError> {
    Ok(clocks::table
        .filter(among("clocks.procedure_id", procedure_ids))
        .filter(clocks::kind.eq(ClockKind::ReviewPapers.name()))
        .filter(clocks::cancelled_on.is_null())
        .filter(clocks::effective_until_on.is_null())
        .select((clocks::procedure_id, clocks::due_on))
        .order((clocks::procedure_id.asc(), clocks::due_on.asc()))
        .load(connection)?)
}

/// The limits on naming the next setting, on every procedure of some cases and in the order of their days, unless they
/// were cancelled.
pub fn transfer_limits_of(
    connection: &mut AnyConnection,
    la_code: &str,
    case_ids: &[String],
) -> Result<Vec<LimitOfCase>, StoreError> {
    let mut rows: Vec<LimitOfCase> = clocks::table
        .filter(among("clocks.case_id", case_ids))
        // In words, since the index of these limits holds them alone.
        .filter(fixed::<Bool>("clocks.kind = 'phase_transfer_plan'"))
        .filter(clocks::cancelled_on.is_null())
        .filter(clocks::effective_until_on.is_null())
        .select(LimitOfCase::as_select())
        .order((clocks::due_on.asc(), clocks::clock_id.asc()))
        .load(connection)?;
    // Asked for it too, SQLite walks the limits of the authority.
    rows.retain(|row| row.la_code == la_code);
    Ok(rows)
}

/// What was asked for some procedures and still stands.
pub fn contributions_to(
    connection: &mut AnyConnection,
    la_code: &str,
    procedure_ids: &[String],
) -> Result<Vec<ContributionRow>, StoreError> {
    let mut rows: Vec<ContributionRow> = advice_requests::table
        .filter(among("advice_requests.procedure_id", procedure_ids))
        .filter(advice_requests::is_live.eq(true))
        .filter(advice_requests::is_void.eq(false))
        .order((advice_requests::procedure_id.asc(), advice_requests::id.asc()))
        .select(ContributionRow::as_select())
        .load(connection)?;
    // Asked for both, SQLite walks the requests of the authority.
    rows.retain(|row| row.la_code == la_code);
    Ok(rows)
}

/// The review of each of some cases that is still to be completed.
pub fn open_reviews_of(
    connection: &mut AnyConnection,
    root: &Root,
    case_ids: &[String],
) -> Result<Vec<ProcedureRow>, StoreError> {
    let mut rows: Vec<ProcedureRow> = procedures::table
        .filter(among("procedures.case_id", case_ids))
        .filter(procedures::kind.eq(REVIEW.name))
        .filter(root.of_shared_case("procedures.case_id"))
        .filter(fixed::<Bool>(ONE_AT_A_TIME))
        .select(ProcedureRow::as_select())
        .load(connection)?;
    rows.retain(|row| row.la_code == root.la_code());
    Ok(rows)
}

/// Some children and young people of an authority.
pub fn reviewed(
    connection: &mut AnyConnection,
    la_code: &str,
    case_ids: &[String],
) -> Result<Vec<ReviewedRow>, StoreError> {
    Ok(cases::table
        .filter(cases::la_code.eq(la_code.to_owned()))
        .filter(among("cases.id", case_ids))
        .select(ReviewedRow::as_select())
        .load(connection)?)
}

/// Children and young people with a plan in force who were born within two days, or whose year group is not that
/// of their age; by the id of the case.
pub fn with_plan_born_between(
    connection: &mut AnyConnection,
    root: &Root,
    concerning: &Concerning,
    born: (NaiveDate, NaiveDate),
    after_id: Option<String>,
    limit: i64,
) -> Result<Vec<ReviewedRow>, StoreError> {
    let in_force = procedures::table
        .filter(procedures::case_id.eq(cases::id))
        .filter(procedures::kind.eq(PLAN.name))
        .filter(fixed::<Bool>(ONE_AT_A_TIME))
        .filter(procedures::state.ne("draft"));
    let mut query = cases::table
        .filter(cases::la_code.eq(root.la_code().to_owned()))
        .filter(root.of_shared_case("cases.id"))
        .filter(
            cases::date_of_birth
                .between(born.0, born.1)
                .or(cases::year_group_override.is_not_null()),
        )
        .filter(exists(in_force))
        .select(ReviewedRow::as_select())
        .into_boxed::<MultiBackend>();
    match concerning {
        Concerning::Authority => {}
        Concerning::Setting(organisation_id) => {
            query = query.filter(cases::setting_organisation_id.eq(organisation_id.to_string()));
        }
        Concerning::Asked(organisation_id) => {
            let asked = asked_of(root.la_code().to_owned(), organisation_id.to_string());
            query = query.filter(exists(asked.filter(procedures::case_id.eq(cases::id))));
        }
    }
    if let Some(after_id) = after_id {
        query = query.filter(cases::id.gt(after_id));
    }
    Ok(query.order(cases::id.asc()).limit(limit).load(connection)?)
}
