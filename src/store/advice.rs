//! Advice requests as lists read them, and what was submitted. The state of a request is the
//! engine's; the columns that repeat it are written with the events they follow from.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use uuid::Uuid;

use super::column::{Day, Id, Instant, OptionalDay};
use super::connection::{AnyConnection, on_backend};
use super::fragment::after;
use super::schema::{advice_requests, advice_submissions};
use super::statement::{Insert, Update, column};
use super::{MultiBackend, Root, StoreError};

/// A request as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = advice_requests, treat_none_as_null = true)]
pub struct AdviceRequestRow {
    pub id: String,
    pub la_code: String,
    pub case_id: String,
    pub procedure_id: String,
    pub requirement: String,
    pub service: Option<String>,
    pub organisation_id: Option<String>,
    pub family_story: Option<String>,
    pub questions: Option<String>,
    pub state: String,
    pub is_live: bool,
    pub is_void: bool,
    #[diesel(deserialize_as = Day)]
    pub requested_on: NaiveDate,
    #[diesel(deserialize_as = OptionalDay)]
    pub received_on: Option<NaiveDate>,
    /// None where no time limit runs.
    #[diesel(deserialize_as = OptionalDay)]
    pub due_on: Option<NaiveDate>,
    #[diesel(deserialize_as = OptionalDay)]
    pub submitted_on: Option<NaiveDate>,
    #[diesel(deserialize_as = OptionalDay)]
    pub accepted_on: Option<NaiveDate>,
    pub version: i64,
    /// The day by which it has to be there, where no time limit of its own says so.
    #[diesel(deserialize_as = OptionalDay)]
    pub needed_by_on: Option<NaiveDate>,
}

/// What lists read of a request.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = advice_requests)]
pub struct ListedRequest {
    pub id: Id,
    pub procedure_id: Id,
    pub case_id: Id,
    pub requirement: String,
    pub service: Option<String>,
    pub organisation_id: Option<Id>,
    pub state: String,
    pub version: i64,
    #[diesel(deserialize_as = Day)]
    pub requested_on: NaiveDate,
    #[diesel(deserialize_as = OptionalDay)]
    pub received_on: Option<NaiveDate>,
    #[diesel(deserialize_as = OptionalDay)]
    pub due_on: Option<NaiveDate>,
    #[diesel(deserialize_as = OptionalDay)]
    pub needed_by_on: Option<NaiveDate>,
    #[diesel(deserialize_as = OptionalDay)]
    pub submitted_on: Option<NaiveDate>,
    #[diesel(deserialize_as = OptionalDay)]
    pub accepted_on: Option<NaiveDate>,
}

/// What a body sent in answer to a request. Never changed.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = advice_submissions)]
pub struct SubmissionRow {
    pub id: String,
    pub la_code: String,
    pub request_id: String,
    #[diesel(deserialize_as = Day)]
    pub submitted_on: NaiveDate,
    pub summary: String,
    pub content: Option<String>,
    pub authors: String,
    pub unmet_need: Option<String>,
    #[diesel(deserialize_as = Instant)]
    pub recorded_at: NaiveDateTime,
    pub recorded_by: String,
}

/// Which requests a list holds; filters add up.
#[derive(Debug, Clone, Default)]
pub struct AdviceFilter {
    pub state: Option<String>,
    pub requirement: Option<String>,
    pub organisation_id: Option<Uuid>,
    pub due_before: Option<NaiveDate>,
    /// Items after this day, as [`wanted_on`] gives it, and id.
    pub after: Option<(NaiveDate, Uuid)>,
    pub limit: i64,
}

/// A request that was not opened in error.
pub fn find_advice_request(
    connection: &mut AnyConnection,
    root: &Root,
    request_id: Uuid,
) -> Result<AdviceRequestRow, StoreError> {
    Ok(advice_requests::table
        .filter(advice_requests::la_code.eq(root.la_code().to_owned()))
        .filter(root.of_request("advice_requests.case_id", "advice_requests.organisation_id"))
        .filter(advice_requests::id.eq(request_id.to_string()))
        .filter(advice_requests::is_void.eq(false))
        .select(AdviceRequestRow::as_select())
        .first(connection)?)
}

/// Every request of a procedure, those opened in error too.
pub fn requests_of_procedure(
    connection: &mut AnyConnection,
    la_code: &str,
    procedure_id: &str,
) -> Result<Vec<AdviceRequestRow>, StoreError> {
    Ok(on_backend!(connection, inner => advice_requests::table
        .filter(advice_requests::la_code.eq(la_code))
        .filter(advice_requests::procedure_id.eq(procedure_id))
        .order(advice_requests::id.asc())
        .select(AdviceRequestRow::as_select()).load(inner))?)
}

/// Every request of some procedures of an authority that was not opened in error.
pub fn requests_of_procedures(
    connection: &mut AnyConnection,
    la_code: &str,
    procedure_ids: Vec<String>,
) -> Result<Vec<AdviceRequestRow>, StoreError> {
    let mut rows: Vec<AdviceRequestRow> = advice_requests::table
        .filter(advice_requests::procedure_id.eq_any(procedure_ids))
        .filter(advice_requests::is_void.eq(false))
        .select(AdviceRequestRow::as_select())
        .load(connection)?;
    // Asked for both, SQLite walks the requests of the authority.
    rows.retain(|row| row.la_code == la_code);
    Ok(rows)
}

pub fn insert_advice_request(
    connection: &mut AnyConnection,
    row: &AdviceRequestRow,
) -> Result<(), StoreError> {
    let insert = Insert {
        table: advice_requests::table,
        values: vec![
            column(advice_requests::id, &row.id),
            column(advice_requests::la_code, &row.la_code),
            column(advice_requests::case_id, &row.case_id),
            column(advice_requests::procedure_id, &row.procedure_id),
            column(advice_requests::requirement, &row.requirement),
            column(advice_requests::service, &row.service),
            column(advice_requests::organisation_id, &row.organisation_id),
            column(advice_requests::family_story, &row.family_story),
            column(advice_requests::questions, &row.questions),
            column(advice_requests::state, &row.state),
            column(advice_requests::is_live, row.is_live),
            column(advice_requests::is_void, row.is_void),
            column(advice_requests::requested_on, row.requested_on),
            column(advice_requests::received_on, row.received_on),
            column(advice_requests::due_on, row.due_on),
            column(advice_requests::submitted_on, row.submitted_on),
            column(advice_requests::accepted_on, row.accepted_on),
            column(advice_requests::version, row.version),
            column(advice_requests::needed_by_on, row.needed_by_on),
        ],
    };
    on_backend!(connection, inner => insert.execute(inner))?;
    Ok(())
}

/// Writes what changed of a request.
pub fn update_advice_request(
    connection: &mut AnyConnection,
    before: &AdviceRequestRow,
    row: &AdviceRequestRow,
) -> Result<(), StoreError> {
    let only_answered = AdviceRequestRow {
        state: row.state.clone(),
        submitted_on: row.submitted_on,
        accepted_on: row.accepted_on,
        version: row.version,
        ..before.clone()
    };
    if only_answered == *row {
        let answer = Update {
            table: "advice_requests",
            set: vec![
                column(advice_requests::state, &row.state),
                column(advice_requests::submitted_on, row.submitted_on),
                column(advice_requests::accepted_on, row.accepted_on),
                column(advice_requests::version, row.version),
            ],
            held: vec![
                column(advice_requests::la_code, &row.la_code),
                column(advice_requests::id, &row.id),
            ],
        };
        on_backend!(connection, inner => answer.execute(inner))?;
    } else {
        let stored = advice_requests::table
            .filter(advice_requests::la_code.eq(&row.la_code))
            .filter(advice_requests::id.eq(&row.id));
        on_backend!(connection, inner => diesel::update(stored).set(row).execute(inner))?;
    }
    Ok(())
}

/// The requests of all procedures within a range of ids, in no order.
pub fn requests_between(
    connection: &mut AnyConnection,
    first: &str,
    last: &str,
) -> Result<Vec<AdviceRequestRow>, StoreError> {
    Ok(on_backend!(connection, inner => advice_requests::table
        .filter(advice_requests::procedure_id.ge(first))
        .filter(advice_requests::procedure_id.le(last))
        .select(AdviceRequestRow::as_select())
        .load(inner))?)
}

pub fn insert_submission(connection: &mut AnyConnection, row: &SubmissionRow) -> Result<(), StoreError> {
    on_backend!(connection, inner => diesel::insert_into(advice_submissions::table)
        .values(row).execute(inner))?;
    Ok(())
}

/// What was submitted on a request, the oldest first.
pub fn submissions_of_request(
    connection: &mut AnyConnection,
    la_code: &str,
    request_id: &str,
) -> Result<Vec<SubmissionRow>, StoreError> {
    Ok(on_backend!(connection, inner => advice_submissions::table
        .filter(advice_submissions::la_code.eq(la_code))
        .filter(advice_submissions::request_id.eq(request_id))
        .order(advice_submissions::id.asc())
        .select(SubmissionRow::as_select()).load(inner))?)
}

/// Some submissions of an authority, by their ids.
pub fn submissions_by_id(
    connection: &mut AnyConnection,
    la_code: &str,
    submission_ids: Vec<String>,
) -> Result<Vec<SubmissionRow>, StoreError> {
    let mut rows: Vec<SubmissionRow> = advice_submissions::table
        .filter(advice_submissions::id.eq_any(submission_ids))
        .order(advice_submissions::id.asc())
        .select(SubmissionRow::as_select())
        .load(connection)?;
    // Asked for both, SQLite walks the submissions of the authority.
    rows.retain(|row| row.la_code == la_code);
    Ok(rows)
}

/// The day that stands in the order of lists for a request: when it is due or, without a time limit of its
/// own, needed; what has neither comes last. The databases compute the column of this name alike.
pub fn wanted_on(due_on: Option<NaiveDate>, needed_by_on: Option<NaiveDate>) -> NaiveDate {
    due_on.or(needed_by_on).unwrap_or(NO_DAY)
}

/// Sorts after every day.
const NO_DAY: NaiveDate = match NaiveDate::from_ymd_opt(9999, 12, 31) {
    Some(day) => day,
    None => NaiveDate::MAX,
};

pub fn list_advice_requests(
    connection: &mut AnyConnection,
    root: &Root,
    filter: &AdviceFilter,
) -> Result<Vec<ListedRequest>, StoreError> {
    let mut query = advice_requests::table
        .filter(advice_requests::la_code.eq(root.la_code().to_owned()))
        .filter(root.of_request("advice_requests.case_id", "advice_requests.organisation_id"))
        .filter(advice_requests::is_void.eq(false))
        .select(ListedRequest::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(organisation_id) = filter.organisation_id {
        query = query.filter(advice_requests::organisation_id.eq(organisation_id.to_string()));
    }
    if let Some(state) = &filter.state {
        query = query.filter(advice_requests::state.eq(state.clone()));
    }
    if let Some(requirement) = &filter.requirement {
        query = query.filter(advice_requests::requirement.eq(requirement.clone()));
    }
    if let Some(due_before) = filter.due_before {
        // Said of both, since the index is entered by the first.
        query = query
            .filter(advice_requests::wanted_on.le(due_before))
            .filter(advice_requests::due_on.is_not_null());
    }
    if let Some((wanted_on, request_id)) = filter.after {
        query = query.filter(after(
            "(advice_requests.wanted_on, advice_requests.id)",
            wanted_on,
            request_id,
        ));
    }
    Ok(query
        .order((advice_requests::wanted_on.asc(), advice_requests::id.asc()))
        .limit(filter.limit)
        .load(connection)?)
}
