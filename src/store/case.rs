//! Cases, the versions of the facts the engine uses of them, and their references elsewhere.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::clock::{FlagLookup, flag_lookup, is_up, owed_within};
use super::column::{Day, Instant, OptionalDay};
use super::connection::{AnyConnection, on_backend};
use super::convert::{from_json, instant, json};
use super::fragment::{after_instant, among};
use super::schema::{case_external_refs, case_facts, case_grants, cases, clocks, flags, procedures};
use super::seal::awaits_review;
use super::{MultiBackend, Root, StoreError};
use crate::casework::child::ChildFacts;
use crate::casework::flag::FlagCode;

/// A case as it is stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = cases, treat_none_as_null = true)]
pub struct CaseRow {
    pub id: String,
    pub la_code: String,
    pub reference: String,
    pub given_name: String,
    pub family_name: String,
    pub given_name_folded: String,
    pub family_name_folded: String,
    #[diesel(deserialize_as = Day)]
    pub date_of_birth: NaiveDate,
    pub sex: Option<String>,
    pub ethnicity: Option<String>,
    pub upn: Option<String>,
    pub upn_unknown_reason: Option<String>,
    pub nhs_number: Option<String>,
    pub uln: Option<String>,
    pub postcode: Option<String>,
    pub needs: String,
    pub year_group_override: Option<String>,
    pub looked_after: bool,
    pub setting: Option<String>,
    pub caseworker: Option<String>,
    pub external_refs: String,
    #[diesel(deserialize_as = OptionalDay)]
    pub closed_on: Option<NaiveDate>,
    pub closure_reason: Option<String>,
    pub version: i64,
    #[diesel(deserialize_as = Instant)]
    pub created_at: NaiveDateTime,
    #[diesel(deserialize_as = Instant)]
    pub updated_at: NaiveDateTime,
    /// The organisation that `setting` names, for lists.
    pub setting_organisation_id: Option<String>,
    /// Whether it was ever recorded that an authority looks after the child.
    pub has_been_looked_after: bool,
}

/// What a list of cases shows.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = cases)]
pub struct CaseSummaryRow {
    pub id: String,
    pub reference: String,
    pub given_name: String,
    pub family_name: String,
    #[diesel(deserialize_as = Day)]
    pub date_of_birth: NaiveDate,
    pub caseworker: Option<String>,
    #[diesel(deserialize_as = OptionalDay)]
    pub closed_on: Option<NaiveDate>,
    pub version: i64,
    #[diesel(deserialize_as = Instant)]
    pub updated_at: NaiveDateTime,
}

/// Which cases a list holds; filters add up.
#[derive(Debug, Clone, Default)]
pub struct CaseFilter {
    pub caseworker: Option<String>,
    /// The state of an open procedure.
    pub state: Option<String>,
    pub flag: Option<FlagCode>,
    pub external_ref: Option<(String, String)>,
    pub updated_since: Option<DateTime<Utc>>,
    /// The day the flag is looked at, and how many days ahead a clock is due soon.
    pub as_of: NaiveDate,
    pub due_soon_days: u32,
    pub after: CasesAfter,
    pub limit: i64,
}

/// What a page of cases follows, and so what it is in the order of.
#[derive(Debug, Clone, Copy, Default)]
pub enum CasesAfter {
    #[default]
    Start,
    Id(Uuid),
    /// Where `updated_since` is asked for.
    Update(DateTime<Utc>, Uuid),
}

/// What a search looks for.
#[derive(Debug, Clone)]
pub enum CaseSearch {
    /// Folded words; each must begin a word of the given or family name.
    Name(Vec<String>),
    Upn(String),
    NhsNumber(String),
    Uln(String),
}

/// Inserts a case. After a `Duplicate` the transaction goes on, so that the holder can be asked for.
pub fn insert_case(connection: &mut AnyConnection, row: &CaseRow) -> Result<(), StoreError> {
    let insert = diesel::insert_into(cases::table).values(row);
    match connection {
        AnyConnection::Sqlite(inner) => insert.execute(inner)?,
        AnyConnection::Postgres(inner) => inner.transaction(|inner| insert.execute(inner))?,
    };
    Ok(())
}

/// Writes all columns of a case whose version is still the one before. After a `Duplicate` the transaction
/// goes on, so that the holder can be asked for.
pub fn update_case(connection: &mut AnyConnection, row: &CaseRow) -> Result<(), StoreError> {
    let held = cases::table
        .filter(cases::la_code.eq(&row.la_code))
        .filter(cases::id.eq(&row.id))
        .filter(cases::version.eq(row.version - 1));
    let update = diesel::update(held).set(row);
    let updated = match connection {
        AnyConnection::Sqlite(inner) => update.execute(inner)?,
        AnyConnection::Postgres(inner) => inner.transaction(|inner| update.execute(inner))?,
    };
    if updated == 1 {
        Ok(())
    } else {
        Err(StoreError::Stale)
    }
}

pub fn find_case(connection: &mut AnyConnection, root: &Root, case_id: Uuid) -> Result<CaseRow, StoreError> {
    Ok(on_backend!(connection, inner => cases::table
        .filter(cases::la_code.eq(root.la_code()))
        .filter(root.of_one_case(cases::id))
        .filter(cases::id.eq(case_id.to_string()))
        .select(CaseRow::as_select()).get_result(inner))?)
}

/// Reads a case and holds it against other writers until the transaction ends. Whoever holds a case and a
/// procedure of it holds the case first.
pub fn lock_case(connection: &mut AnyConnection, root: &Root, case_id: Uuid) -> Result<CaseRow, StoreError> {
    let query = cases::table
        .filter(cases::la_code.eq(root.la_code()))
        .filter(root.of_one_case(cases::id))
        .filter(cases::id.eq(case_id.to_string()));
    // SQLite has one writer, which holds everything already.
    match connection {
        AnyConnection::Sqlite(inner) => Ok(query.select(CaseRow::as_select()).get_result(inner)?),
        // A row that refers to the case may still be added, or its writer and whoever waits for that would
        // wait for each other.
        AnyConnection::Postgres(inner) => Ok(query
            .select(CaseRow::as_select())
            .for_no_key_update()
            .get_result(inner)?),
    }
}

/// The case that holds an identifier, to name it when a second one claims it.
pub fn case_with_identifier(
    connection: &mut AnyConnection,
    root: &Root,
    search: &CaseSearch,
) -> Result<Option<String>, StoreError> {
    let mut query = cases::table
        .filter(cases::la_code.eq(root.la_code().to_owned()))
        .filter(root.of_case("cases.id"))
        .select(cases::id)
        .into_boxed::<MultiBackend>();
    query = match search {
        CaseSearch::Name(_) => return Ok(None),
        CaseSearch::Upn(upn) => query.filter(cases::upn.eq(upn)),
        CaseSearch::NhsNumber(nhs_number) => query.filter(cases::nhs_number.eq(nhs_number)),
        CaseSearch::Uln(uln) => query.filter(cases::uln.eq(uln)),
    };
    Ok(query.first(connection).optional()?)
}

pub fn insert_facts(
    connection: &mut AnyConnection,
    la_code: &str,
    case_id: Uuid,
    version: i64,
    recorded_at: DateTime<Utc>,
    facts: &ChildFacts,
) -> Result<(), StoreError> {
    on_backend!(connection, inner => diesel::insert_into(case_facts::table)
        .values((
            case_facts::case_id.eq(case_id.to_string()),
            case_facts::version.eq(version),
            case_facts::la_code.eq(la_code),
            case_facts::recorded_at.eq(recorded_at.naive_utc()),
            case_facts::data.eq(json(facts)?),
        )).execute(inner))?;
    Ok(())
}

/// The facts as they are known, or as they were known at an instant; the first ones before any.
pub fn facts_at(
    connection: &mut AnyConnection,
    la_code: &str,
    case_id: &str,
    known_at: Option<DateTime<Utc>>,
) -> Result<ChildFacts, StoreError> {
    let versions = case_facts::table
        .filter(case_facts::la_code.eq(la_code))
        .filter(case_facts::case_id.eq(case_id))
        .select(case_facts::data);
    let newest = versions.order(case_facts::version.desc());
    let data: Option<String> = match known_at {
        None => on_backend!(connection, inner => newest.first(inner)).optional()?,
        Some(known_at) => newest
            .filter(case_facts::recorded_at.le(known_at.naive_utc()))
            .first(connection)
            .optional()?,
    };
    match data {
        Some(data) => from_json(&data),
        None => from_json(
            &versions
                .order(case_facts::version.asc())
                .first::<String>(connection)?,
        ),
    }
}

/// Who keeps a case.
pub fn caseworker_of(
    connection: &mut AnyConnection,
    la_code: &str,
    case_id: &str,
) -> Result<Option<String>, StoreError> {
    Ok(on_backend!(connection, inner => cases::table
        .filter(cases::la_code.eq(la_code))
        .filter(cases::id.eq(case_id))
        .select(cases::caseworker)
        .first(inner))?)
}

/// Every version of the facts with the instant it was recorded at, the first ones first.
pub fn facts_versions(
    connection: &mut AnyConnection,
    la_code: &str,
    case_id: &str,
) -> Result<Vec<(DateTime<Utc>, ChildFacts)>, StoreError> {
    let rows: Vec<(NaiveDateTime, String)> = on_backend!(connection, inner => case_facts::table
        .filter(case_facts::la_code.eq(la_code))
        .filter(case_facts::case_id.eq(case_id))
        .order(case_facts::version.asc())
        .select((case_facts::recorded_at, case_facts::data)).load(inner))?;
    let versions = rows.into_iter();
    versions
        .map(|(recorded_at, data)| Ok((instant(recorded_at), from_json(&data)?)))
        .collect()
}

/// Forgets a case's references elsewhere.
pub fn delete_external_refs(
    connection: &mut AnyConnection,
    la_code: &str,
    case_id: Uuid,
) -> Result<(), StoreError> {
    diesel::delete(
        case_external_refs::table
            .filter(case_external_refs::la_code.eq(la_code))
            .filter(case_external_refs::case_id.eq(case_id.to_string())),
    )
    .execute(connection)?;
    Ok(())
}

/// Adds the references elsewhere of a case that has none.
pub fn insert_external_refs(
    connection: &mut AnyConnection,
    la_code: &str,
    case_id: Uuid,
    references: &[(String, String)],
) -> Result<(), StoreError> {
    for (system, external_id) in references {
        diesel::insert_into(case_external_refs::table)
            .values((
                case_external_refs::la_code.eq(la_code),
                case_external_refs::system.eq(system),
                case_external_refs::external_id.eq(external_id),
                case_external_refs::case_id.eq(case_id.to_string()),
            ))
            .execute(connection)?;
    }
    Ok(())
}

/// A page of an authority's cases, by id; those changed since an instant, by their last change.
///
/// Cases in a state are found by their open procedures, which are few and mostly of the newest cases; other
/// filters are tried on one case after another.
pub fn list_cases(
    connection: &mut AnyConnection,
    root: &Root,
    filter: &CaseFilter,
) -> Result<Vec<CaseSummaryRow>, StoreError> {
    match filter {
        CaseFilter {
            state: Some(state),
            flag: None,
            external_ref: None,
            updated_since: None,
            ..
        } => list_cases_in_state(connection, root, state, filter),
        CaseFilter { .. } => list_cases_one_by_one(connection, root, filter),
    }
}

fn list_cases_in_state(
    connection: &mut AnyConnection,
    root: &Root,
    state: &str,
    filter: &CaseFilter,
) -> Result<Vec<CaseSummaryRow>, StoreError> {
    let mut query = procedures::table
        .inner_join(cases::table)
        .filter(procedures::la_code.eq(root.la_code().to_owned()))
        .filter(procedures::state.eq(state.to_owned()))
        .filter(procedures::is_open)
        .filter(root.of_case("procedures.case_id"))
        .select(CaseSummaryRow::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(caseworker) = &filter.caseworker {
        query = query.filter(cases::caseworker.eq(caseworker.clone()));
    }
    if let CasesAfter::Id(after) = filter.after {
        query = query.filter(procedures::case_id.gt(after.to_string()));
    }
    let mut rows: Vec<CaseSummaryRow> = query
        .order(procedures::case_id.asc())
        .limit(filter.limit)
        .load(connection)?;
    rows.dedup_by(|a, b| a.id == b.id);
    Ok(rows)
}

fn list_cases_one_by_one(
    connection: &mut AnyConnection,
    root: &Root,
    filter: &CaseFilter,
) -> Result<Vec<CaseSummaryRow>, StoreError> {
    let mut query = cases::table
        .filter(cases::la_code.eq(root.la_code().to_owned()))
        .filter(root.of_case("cases.id"))
        .select(CaseSummaryRow::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(caseworker) = &filter.caseworker {
        query = query.filter(cases::caseworker.eq(caseworker.clone()));
    }
    if let Some(state) = &filter.state {
        let in_state = procedures::table
            .filter(procedures::case_id.eq(cases::id))
            .filter(procedures::is_open.eq(true))
            .filter(procedures::state.eq(state.clone()));
        query = query.filter(diesel::dsl::exists(in_state));
    }
    if let Some((system, external_id)) = &filter.external_ref {
        let referenced = case_external_refs::table
            .filter(case_external_refs::case_id.eq(cases::id))
            .filter(case_external_refs::la_code.eq(root.la_code().to_owned()))
            .filter(case_external_refs::system.eq(system.clone()))
            .filter(case_external_refs::external_id.eq(external_id.clone()));
        query = query.filter(diesel::dsl::exists(referenced));
    }
    query = match (filter.updated_since, filter.after) {
        // Of two bounds the index would be entered at the lower one.
        (Some(since), CasesAfter::Update(updated_at, id)) if updated_at >= since => {
            let place = "(cases.updated_at, cases.id)";
            query.filter(after_instant(place, updated_at.naive_utc(), id))
        }
        (Some(since), _) => query.filter(cases::updated_at.ge(since.naive_utc())),
        (None, _) => query,
    };
    if let CasesAfter::Id(id) = filter.after {
        query = query.filter(cases::id.gt(id.to_string()));
    }
    if let Some(flag) = filter.flag {
        query = match flag_lookup(flag, filter.as_of, filter.due_soon_days) {
            FlagLookup::OnClocks(within) => query.filter(diesel::dsl::exists(
                procedures::table
                    .inner_join(clocks::table.on(clocks::procedure_id.eq(procedures::id)))
                    .filter(procedures::case_id.eq(cases::id))
                    .filter(owed_within(within)),
            )),
            FlagLookup::Stored { code, as_of } => query.filter(diesel::dsl::exists(
                flags::table
                    .filter(flags::la_code.eq(root.la_code().to_owned()))
                    .filter(flags::case_id.eq(cases::id))
                    .filter(is_up(code, as_of)),
            )),
            FlagLookup::BrokenGlass => query.filter(diesel::dsl::exists(
                case_grants::table
                    .filter(case_grants::case_id.eq(cases::id))
                    .filter(awaits_review()),
            )),
        };
    }
    // Changes are few beside the cases, or all of them: their own order finds either without a search.
    query = match filter.updated_since {
        Some(_) => query.order((cases::updated_at.asc(), cases::id.asc())),
        None => query.order(cases::id.asc()),
    };
    Ok(query.limit(filter.limit).load(connection)?)
}

pub fn search_cases(
    connection: &mut AnyConnection,
    root: &Root,
    search: &CaseSearch,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<CaseSummaryRow>, StoreError> {
    let mut query = cases::table
        .filter(cases::la_code.eq(root.la_code().to_owned()))
        .filter(root.of_case("cases.id"))
        .select(CaseSummaryRow::as_select())
        .into_boxed::<MultiBackend>();
    match search {
        CaseSearch::Upn(upn) => query = query.filter(cases::upn.eq(upn.clone())),
        CaseSearch::NhsNumber(nhs_number) => query = query.filter(cases::nhs_number.eq(nhs_number.clone())),
        CaseSearch::Uln(uln) => query = query.filter(cases::uln.eq(uln.clone())),
        CaseSearch::Name(words) if words.is_empty() => return Ok(Vec::new()),
        CaseSearch::Name(words) => {
            for word in words {
                // Folded names hold letters, digits and single spaces, so nothing here needs escaping
                // and case cannot differ between backends.
                let (first, later) = (format!("{word}%"), format!("% {word}%"));
                query = query.filter(
                    cases::given_name_folded
                        .like(first.clone())
                        .or(cases::given_name_folded.like(later.clone()))
                        .or(cases::family_name_folded.like(first))
                        .or(cases::family_name_folded.like(later)),
                );
            }
        }
    }
    if let Some(after) = after {
        query = query.filter(cases::id.gt(after.to_string()));
    }
    Ok(query.order(cases::id.asc()).limit(limit).load(connection)?)
}

/// The open procedures, by case, of the cases on a page.
pub fn procedures_of_cases(
    connection: &mut AnyConnection,
    la_code: &str,
    case_ids: &[String],
) -> Result<Vec<(String, String, String, String)>, StoreError> {
    Ok(procedures::table
        .filter(procedures::la_code.eq(la_code))
        .filter(among("procedures.case_id", case_ids))
        .filter(procedures::state.ne("void"))
        .order(procedures::id.asc())
        .select((
            procedures::case_id,
            procedures::id,
            procedures::kind,
            procedures::state,
        ))
        .load(connection)?)
}

/// What lists show of some cases.
pub fn summaries_of(
    connection: &mut AnyConnection,
    root: &Root,
    case_ids: &[String],
) -> Result<Vec<CaseSummaryRow>, StoreError> {
    let found = cases::table
        .filter(cases::la_code.eq(root.la_code()))
        .filter(root.of_case("cases.id"));
    Ok(match connection {
        AnyConnection::Sqlite(inner) => found
            .filter(among("cases.id", case_ids))
            .select(CaseSummaryRow::as_select())
            .load(inner)?,
        // As a list of values, kept and planned for any of them, it would be compared with every case.
        AnyConnection::Postgres(inner) => found
            .filter(cases::id.eq_any(case_ids))
            .select(CaseSummaryRow::as_select())
            .load(inner)?,
    })
}

/// The facts of some cases as they are known, by case.
pub fn facts_of_cases(
    connection: &mut AnyConnection,
    la_code: &str,
    case_ids: &[String],
) -> Result<HashMap<String, ChildFacts>, StoreError> {
    let rows: Vec<(String, String)> = case_facts::table
        .filter(case_facts::la_code.eq(la_code))
        .filter(among("case_facts.case_id", case_ids))
        .order((case_facts::case_id.asc(), case_facts::version.asc()))
        .select((case_facts::case_id, case_facts::data))
        .load(connection)?;
    as_known(rows)
}

/// The last version of each case's facts; later ones come later and take the place of earlier ones.
fn as_known(rows: Vec<(String, String)>) -> Result<HashMap<String, ChildFacts>, StoreError> {
    rows.into_iter()
        .map(|(case_id, data)| Ok((case_id, from_json(&data)?)))
        .collect()
}

/// The facts as they are known of some cases, of whatever authority, by case.
pub fn facts_of_any(
    connection: &mut AnyConnection,
    case_ids: &[String],
) -> Result<HashMap<String, ChildFacts>, StoreError> {
    let rows: Vec<(String, String)> = match connection {
        AnyConnection::Sqlite(inner) => case_facts::table
            .filter(among("case_facts.case_id", case_ids))
            .order((case_facts::case_id.asc(), case_facts::version.asc()))
            .select((case_facts::case_id, case_facts::data))
            .load(inner)?,
        // Joined with a range of procedures, whose length is guessed, it would now and then read all there are.
        AnyConnection::Postgres(inner) => case_facts::table
            .filter(case_facts::case_id.eq_any(case_ids))
            .order((case_facts::case_id.asc(), case_facts::version.asc()))
            .select((case_facts::case_id, case_facts::data))
            .load(inner)?,
    };
    as_known(rows)
}

/// Who keeps some cases, of whatever authority, by case; none for those that nobody keeps.
pub fn caseworkers_of_any(
    connection: &mut AnyConnection,
    case_ids: &[String],
) -> Result<HashMap<String, String>, StoreError> {
    let kept = cases::table
        .filter(cases::caseworker.is_not_null())
        .select((cases::id, cases::caseworker.assume_not_null()));
    let rows: Vec<(String, String)> = match connection {
        AnyConnection::Sqlite(inner) => kept.filter(among("cases.id", case_ids)).load(inner)?,
        AnyConnection::Postgres(inner) => kept.filter(cases::id.eq_any(case_ids)).load(inner)?,
    };
    Ok(rows.into_iter().collect())
}

/// Whether no authority has any case.
pub fn is_empty(connection: &mut AnyConnection) -> Result<bool, StoreError> {
    let any: Option<String> = cases::table.select(cases::id).first(connection).optional()?;
    Ok(any.is_none())
}
