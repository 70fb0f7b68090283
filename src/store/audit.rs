//! The trail: who did or saw what of which record. Rows are added and never changed; their order is that of
//! `store::chain`.
//!
//! A row holds ids, never what a record says. `service::work` adds changes in their own transaction,
//! `service::readings` the readings in groups.

use std::collections::{HashMap, HashSet};

use chrono::{NaiveDateTime, SubsecRound, TimeDelta, Timelike};
use diesel::prelude::*;
use uuid::Uuid;

use super::column::Instant;
use super::connection::AnyConnection;
use super::schema::{audit_entries, audit_shown, audit_unchained};
use super::statement::{Columns, column, insert_rows};
use super::{MultiBackend, StoreError};

/// What stands between the ids of the cases that a list showed.
const SEPARATOR: char = ' ';

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = audit_entries)]
pub struct AuditRow {
    /// Begins with the millisecond of `recorded_at`, so that ids sort by time.
    pub id: String,
    pub la_code: String,
    #[diesel(deserialize_as = Instant)]
    pub recorded_at: NaiveDateTime,
    pub subject: String,
    pub action: String,
    pub resource_id: Option<String>,
    /// The one case that it is about.
    pub case_id: Option<String>,
    pub version: Option<i64>,
    pub trace_id: String,
    /// `change` or `reading`.
    pub kind: String,
    /// Names with a space between them.
    pub roles: String,
    pub client_id: Option<String>,
    pub organisation_id: Option<String>,
    /// The cases that a list showed, with a space between their ids.
    pub shown_case_ids: Option<String>,
    pub reason: Option<String>,
    /// Stays when a reason is removed.
    pub reason_sha256: Option<String>,
    pub client_address: Option<String>,
    /// `done`, or the code of the problem.
    pub outcome: String,
}

/// Which entries to list.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    pub case_id: Option<Uuid>,
    pub subject: Option<String>,
    pub action: Option<String>,
    pub from_at: Option<NaiveDateTime>,
    /// The first instant that does not count.
    pub until_at: Option<NaiveDateTime>,
    pub after: Option<Uuid>,
    pub limit: i64,
}

/// The ids of several cases as one text.
pub fn joined<I: AsRef<str>>(case_ids: impl IntoIterator<Item = I>) -> Option<String> {
    let mut text = String::new();
    for id in case_ids {
        if !text.is_empty() {
            text.push(SEPARATOR);
        }
        text.push_str(id.as_ref());
    }
    (!text.is_empty()).then_some(text)
}

/// The ids in such a text.
pub fn parted(case_ids: Option<&str>) -> impl Iterator<Item = &str> {
    case_ids
        .into_iter()
        .flat_map(|text| text.split(SEPARATOR))
        .filter(|id| !id.is_empty())
}

/// Adds one entry, which waits for its place in the chain.
pub fn insert_audit_entry(connection: &mut AnyConnection, row: &AuditRow) -> Result<(), StoreError> {
    let added = insert_rows(connection, "audit_entries", &[columns_of(row)])?;
    let waits = insert_rows(connection, "audit_unchained", &[waiting(row)])?;
    match (added, waits) {
        (1, 1) => Ok(()),
        _ => Err(StoreError::Bug(
            "an entry of the trail was there already".to_owned(),
        )),
    }
}

/// Adds many at once; those that are there already are left as they are, so that an addition of which nobody
/// knows whether it was committed can be made again. In which minutes a case was shown is written but once,
/// and not again while `seen` remembers it.
pub fn insert_audit_entries(
    connection: &mut AnyConnection,
    rows: &[AuditRow],
    seen: &mut Seen,
) -> Result<(), StoreError> {
    let entries: Vec<Columns<'_>> = rows.iter().map(columns_of).collect();
    insert_rows(connection, "audit_entries", &entries)?;
    let entries: Vec<Columns<'_>> = rows.iter().map(waiting).collect();
    insert_rows(connection, "audit_unchained", &entries)?;
    let mut sightings: Vec<Columns<'_>> = Vec::new();
    for row in rows {
        let minute_at = minute_of(row.recorded_at);
        for case_id in parted(row.shown_case_ids.as_deref()) {
            if seen.is_new(&row.la_code, minute_at, case_id) {
                sightings.push(shown(&row.la_code, case_id, minute_at));
            }
        }
    }
    insert_rows(connection, "audit_shown", &sightings)?;
    Ok(())
}

/// How many sightings are remembered.
const REMEMBERED: usize = 100_000;

/// Which cases were on lists in the newest minute: only that comes again.
#[derive(Debug, Default)]
pub struct Seen {
    minute_at: NaiveDateTime,
    cases: HashMap<String, HashSet<Uuid>>,
}

impl Seen {
    /// Whether it is not remembered that a list showed a case in a minute; from now on it is, if it can be.
    fn is_new(&mut self, la_code: &str, minute_at: NaiveDateTime, case_id: &str) -> bool {
        let Ok(case_id) = Uuid::try_parse(case_id) else {
            return true;
        };
        let count: usize = self.cases.values().map(HashSet::len).sum();
        if minute_at > self.minute_at || count >= REMEMBERED {
            self.minute_at = minute_at;
            self.cases.clear();
        }
        if minute_at < self.minute_at {
            return true;
        }
        match self.cases.get_mut(la_code) {
            Some(cases) => cases.insert(case_id),
            None => self.cases.entry(la_code.to_owned()).or_default().insert(case_id),
        }
    }
}

fn minute_of(at: NaiveDateTime) -> NaiveDateTime {
    at.with_second(0).unwrap_or(at).trunc_subsecs(0)
}

fn columns_of(row: &AuditRow) -> Columns<'_> {
    use audit_entries as e;
    vec![
        column(e::id, &row.id),
        column(e::la_code, &row.la_code),
        column(e::recorded_at, row.recorded_at),
        column(e::subject, &row.subject),
        column(e::action, &row.action),
        column(e::resource_id, &row.resource_id),
        column(e::case_id, &row.case_id),
        column(e::version, row.version),
        column(e::trace_id, &row.trace_id),
        column(e::kind, &row.kind),
        column(e::roles, &row.roles),
        column(e::client_id, &row.client_id),
        column(e::organisation_id, &row.organisation_id),
        column(e::shown_case_ids, &row.shown_case_ids),
        column(e::reason, &row.reason),
        column(e::reason_sha256, &row.reason_sha256),
        column(e::client_address, &row.client_address),
        column(e::outcome, &row.outcome),
    ]
}

fn waiting(row: &AuditRow) -> Columns<'_> {
    vec![
        column(audit_unchained::la_code, &row.la_code),
        column(audit_unchained::entry_id, &row.id),
    ]
}

fn shown<'v>(la_code: &'v str, case_id: &'v str, minute_at: NaiveDateTime) -> Columns<'v> {
    vec![
        column(audit_shown::la_code, la_code),
        column(audit_shown::case_id, case_id),
        column(audit_shown::minute_at, minute_at),
    ]
}

/// The entries of an authority, the oldest first.
///
/// With a case, those about it and the lists that showed it.
pub fn audit_entries_of(
    connection: &mut AnyConnection,
    la_code: &str,
    filter: &AuditFilter,
) -> Result<Vec<AuditRow>, StoreError> {
    let Some(case_id) = filter.case_id.map(|id| id.to_string()) else {
        return Ok(filtered(la_code, filter)
            .limit(filter.limit)
            .load::<AuditRow>(connection)?);
    };
    let about = filtered(la_code, filter).filter(audit_entries::case_id.eq(case_id.clone()));
    let mut found = about.limit(filter.limit).load::<AuditRow>(connection)?;
    found.extend(lists_that_showed(connection, la_code, &case_id, filter)?);
    found.sort_by(|one, other| one.id.cmp(&other.id));
    found.truncate(usize::try_from(filter.limit).unwrap_or(usize::MAX));
    Ok(found)
}

type Boxed = audit_entries::BoxedQuery<
    'static,
    MultiBackend,
    diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<AuditRow, MultiBackend>>,
>;

fn filtered(la_code: &str, filter: &AuditFilter) -> Boxed {
    let mut query = audit_entries::table
        .filter(audit_entries::la_code.eq(la_code.to_owned()))
        .select(AuditRow::as_select())
        .order(audit_entries::id)
        .into_boxed::<MultiBackend>();
    if let Some(subject) = &filter.subject {
        query = query.filter(audit_entries::subject.eq(subject.clone()));
    }
    if let Some(action) = &filter.action {
        query = query.filter(audit_entries::action.eq(action.clone()));
    }
    if let Some(from_at) = filter.from_at {
        query = query
            .filter(audit_entries::id.ge(first_id_of(from_at)))
            .filter(audit_entries::recorded_at.ge(from_at));
    }
    if let Some(until_at) = filter.until_at {
        query = query
            .filter(audit_entries::id.lt(first_id_of(until_at + TimeDelta::milliseconds(1))))
            .filter(audit_entries::recorded_at.lt(until_at));
    }
    if let Some(after) = filter.after {
        query = query.filter(audit_entries::id.gt(after.to_string()));
    }
    query
}

/// Goes through the minutes in which the case was shown until there are enough lists.
fn lists_that_showed(
    connection: &mut AnyConnection,
    la_code: &str,
    case_id: &str,
    filter: &AuditFilter,
) -> Result<Vec<AuditRow>, StoreError> {
    let wanted = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let mut found: Vec<AuditRow> = Vec::new();
    let from_at = filter
        .from_at
        .max(filter.after.and_then(instant_of))
        .map(minute_of);
    let mut next = from_at;
    let mut seen: Option<NaiveDateTime> = None;
    while found.len() < wanted {
        let mut minutes = audit_shown::table
            .filter(audit_shown::la_code.eq(la_code.to_owned()))
            .filter(audit_shown::case_id.eq(case_id.to_owned()))
            .order(audit_shown::minute_at)
            .select(audit_shown::minute_at)
            .limit(MINUTES_AT_A_TIME)
            .into_boxed::<MultiBackend>();
        if let Some(from_at) = next {
            minutes = minutes.filter(audit_shown::minute_at.ge(from_at));
        }
        if let Some(seen) = seen {
            minutes = minutes.filter(audit_shown::minute_at.gt(seen));
        }
        if let Some(until_at) = filter.until_at {
            minutes = minutes.filter(audit_shown::minute_at.lt(until_at));
        }
        let minutes: Vec<NaiveDateTime> = minutes.load(connection)?;
        for minute_at in &minutes {
            let lists = filtered(la_code, filter)
                .filter(audit_entries::shown_case_ids.is_not_null())
                .filter(audit_entries::id.ge(first_id_of(*minute_at)))
                .filter(audit_entries::id.lt(first_id_of(*minute_at + TimeDelta::minutes(1))))
                .load::<AuditRow>(connection)?;
            let showed = |row: &AuditRow| parted(row.shown_case_ids.as_deref()).any(|id| id == case_id);
            found.extend(lists.into_iter().filter(showed));
            if found.len() >= wanted {
                break;
            }
        }
        match minutes.last() {
            Some(last) if i64::try_from(minutes.len()).unwrap_or(0) == MINUTES_AT_A_TIME => {
                seen = Some(*last);
                next = None;
            }
            Some(_) | None => break,
        }
    }
    Ok(found)
}

const MINUTES_AT_A_TIME: i64 = 100;

/// No id made from this millisecond on sorts before it.
fn first_id_of(at: NaiveDateTime) -> String {
    let milliseconds = u64::try_from(at.and_utc().timestamp_millis()).unwrap_or(0);
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&milliseconds.to_be_bytes()[2..]);
    Uuid::from_bytes(bytes).to_string()
}

/// The millisecond that an id begins with.
pub fn instant_of(id: Uuid) -> Option<NaiveDateTime> {
    let mut bytes = [0; 8];
    bytes[2..].copy_from_slice(&id.as_bytes()[..6]);
    let milliseconds = i64::try_from(u64::from_be_bytes(bytes)).ok()?;
    chrono::DateTime::from_timestamp_millis(milliseconds).map(|at| at.naive_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_new_on_lists_once_a_minute_for_each_authority() {
        let minute = |minute: u32| NaiveDateTime::default() + TimeDelta::minutes(minute.into());
        let case = |number: u128| Uuid::from_u128(number).to_string();
        let mut seen = Seen::default();
        for (la_code, at, case_id, is_new) in [
            ("885", minute(1), case(1), true),
            ("885", minute(1), case(1), false),
            ("885", minute(1), case(2), true),
            ("886", minute(1), case(1), true),
            ("885", minute(2), case(1), true),
            ("885", minute(2), case(1), false),
            // What comes late is written again, which changes nothing.
            ("885", minute(1), case(1), true),
            ("885", minute(2), case(1), false),
        ] {
            assert_eq!(
                seen.is_new(la_code, at, &case_id),
                is_new,
                "{la_code} {at} {case_id}"
            );
        }
    }
}
