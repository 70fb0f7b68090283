//! Procedures and their append-only streams of events.

use std::collections::HashMap;

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use serde::Deserialize;
use uuid::Uuid;

use super::case::lock_case;
use super::clock::{FlagLookup, flag_lookup, is_up, owed_within, still_owed};
use super::column::{Day, Id, Instant, OptionalDay};
use super::connection::{AnyConnection, on_backend};
use super::convert::{from_json, id, instant, json, unreadable, unwritable};
use super::fragment::among;
use super::schema::{case_grants, cases, clocks, events, flags, procedures};
use super::seal::awaits_review;
use super::statement::{Insert, Update, column};
use super::{MultiBackend, Root, StoreError};
use crate::casework::advice::AdviceFact;
use crate::casework::event::{ClosureReason, Fact};
use crate::casework::flag::FlagCode;
use crate::casework::history::{Correction, Entry, EntryBody};
use crate::casework::procedure::{EventType, Kept, ProcedureKind};
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::{Force, Party};

/// A procedure as it is stored; state and openness are the engine's, for lists.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = procedures)]
pub struct ProcedureRow {
    pub id: String,
    pub la_code: String,
    pub case_id: String,
    pub kind: String,
    pub state: String,
    pub is_open: bool,
    #[diesel(deserialize_as = Day)]
    pub opened_on: NaiveDate,
    pub version: i64,
    pub fingerprint: String,
    #[diesel(deserialize_as = Instant)]
    pub created_at: NaiveDateTime,
    #[diesel(deserialize_as = Instant)]
    pub updated_at: NaiveDateTime,
    pub excludes_another: bool,
    /// From when on nothing of it runs or is flagged, so that this row says all there is to say of it.
    #[diesel(deserialize_as = OptionalDay)]
    pub rests_from_on: Option<NaiveDate>,
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = events)]
struct EntryRow {
    id: Id,
    sequence: i64,
    event_type: String,
    occurred_on: Day,
    data: String,
    root_id: Id,
    recorded_at: Instant,
}

/// What an entry has beside what the engine reads.
#[derive(Debug, Clone)]
pub struct EntryNote {
    pub note: Option<String>,
    pub recorded_by: String,
}

/// Which procedures a list holds; filters add up.
#[derive(Debug, Clone)]
pub struct ProcedureFilter {
    pub kind: &'static str,
    pub state: Option<String>,
    pub caseworker: Option<String>,
    pub flag: Option<FlagCode>,
    /// Something still owed, or a window still open, is due on or before this day.
    pub due_before: Option<NaiveDate>,
    pub as_of: NaiveDate,
    pub due_soon_days: u32,
    pub after: Option<Uuid>,
    pub limit: i64,
}

/// What a list of procedures shows.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = procedures)]
pub struct ProcedureSummaryRow {
    pub id: String,
    pub case_id: String,
    pub kind: String,
    pub state: String,
    #[diesel(deserialize_as = Day)]
    pub opened_on: NaiveDate,
    pub version: i64,
}

/// Inserts a procedure. After a `Duplicate` the transaction goes on, so that the other one can be asked for.
pub fn insert_procedure(connection: &mut AnyConnection, row: &ProcedureRow) -> Result<(), StoreError> {
    let insert = diesel::insert_into(procedures::table).values(row);
    match connection {
        AnyConnection::Sqlite(inner) => insert.execute(inner)?,
        AnyConnection::Postgres(inner) => inner.transaction(|inner| insert.execute(inner))?,
    };
    Ok(())
}

/// Writes what changed of a procedure whose version is still the one before. Columns that are set cost
/// their indexes even where they stay what they were.
pub fn update_procedure(
    connection: &mut AnyConnection,
    before: &ProcedureRow,
    row: &ProcedureRow,
) -> Result<(), StoreError> {
    let mut set = vec![
        column(procedures::version, row.version),
        column(procedures::updated_at, row.updated_at),
    ];
    let only_recorded = ProcedureRow {
        version: row.version,
        updated_at: row.updated_at,
        ..before.clone()
    };
    let only_moved_on = ProcedureRow {
        state: row.state.clone(),
        ..only_recorded.clone()
    };
    if only_recorded != *row {
        set.push(column(procedures::state, &row.state));
    }
    if only_moved_on != *row {
        set.extend([
            column(procedures::is_open, row.is_open),
            column(procedures::excludes_another, row.excludes_another),
            column(procedures::opened_on, row.opened_on),
            column(procedures::fingerprint, &row.fingerprint),
            column(procedures::rests_from_on, row.rests_from_on),
        ]);
    }
    let update = Update {
        table: "procedures",
        set,
        held: vec![
            column(procedures::la_code, &row.la_code),
            column(procedures::id, &row.id),
            column(procedures::version, before.version),
        ],
    };
    let updated = on_backend!(connection, inner => update.execute(inner))?;
    if updated == 1 {
        Ok(())
    } else {
        Err(StoreError::Stale)
    }
}

/// [`update_procedure`] for one that excludes others again. After a `Duplicate` the transaction goes on, so that
/// the other one can be asked for.
pub fn reopen_procedure(
    connection: &mut AnyConnection,
    before: &ProcedureRow,
    row: &ProcedureRow,
) -> Result<(), StoreError> {
    connection.transaction(|connection| update_procedure(connection, before, row))
}

pub fn find_procedure(
    connection: &mut AnyConnection,
    root: &Root,
    procedure_id: Uuid,
) -> Result<ProcedureRow, StoreError> {
    Ok(on_backend!(connection, inner => procedures::table
        .filter(procedures::la_code.eq(root.la_code()))
        .filter(root.of_one_case(procedures::case_id))
        .filter(procedures::id.eq(procedure_id.to_string()))
        .select(ProcedureRow::as_select()).get_result(inner))?)
}

/// Reads a procedure and holds it against other writers until the transaction ends.
pub fn lock_procedure(
    connection: &mut AnyConnection,
    root: &Root,
    procedure_id: Uuid,
) -> Result<ProcedureRow, StoreError> {
    let query = procedures::table
        .filter(procedures::la_code.eq(root.la_code()))
        .filter(root.of_one_case(procedures::case_id))
        .filter(procedures::id.eq(procedure_id.to_string()));
    // SQLite has one writer, which holds everything already.
    match connection {
        AnyConnection::Sqlite(inner) => Ok(query.select(ProcedureRow::as_select()).get_result(inner)?),
        AnyConnection::Postgres(inner) => Ok(query
            .select(ProcedureRow::as_select())
            .for_no_key_update()
            .get_result(inner)?),
    }
}

/// Holds the case of a procedure and all its procedures against other writers, in the order in which everybody
/// does.
pub fn lock_siblings(
    connection: &mut AnyConnection,
    root: &Root,
    procedure_id: Uuid,
) -> Result<(), StoreError> {
    if let AnyConnection::Sqlite(_) = connection {
        return Ok(());
    }
    let procedure = find_procedure(connection, root, procedure_id)?;
    lock_case(connection, root, id(&procedure.case_id)?)?;
    lock_procedures_of_case(connection, root.la_code(), &procedure.case_id)?;
    Ok(())
}

/// Reads all procedures of a case, the oldest first, and holds them like [`lock_procedure`].
pub fn lock_procedures_of_case(
    connection: &mut AnyConnection,
    la_code: &str,
    case_id: &str,
) -> Result<Vec<ProcedureRow>, StoreError> {
    let query = procedures::table
        .filter(procedures::la_code.eq(la_code))
        .filter(procedures::case_id.eq(case_id))
        .order(procedures::id.asc());
    match connection {
        AnyConnection::Sqlite(inner) => Ok(query.select(ProcedureRow::as_select()).load(inner)?),
        AnyConnection::Postgres(inner) => Ok(query
            .select(ProcedureRow::as_select())
            .for_no_key_update()
            .load(inner)?),
    }
}

/// All procedures of a case, the oldest first.
pub fn procedures_of_case(
    connection: &mut AnyConnection,
    la_code: &str,
    case_id: &str,
) -> Result<Vec<ProcedureRow>, StoreError> {
    Ok(on_backend!(connection, inner => procedures::table
        .filter(procedures::la_code.eq(la_code))
        .filter(procedures::case_id.eq(case_id))
        .order(procedures::id.asc())
        .select(ProcedureRow::as_select()).load(inner))?)
}

/// Reads some procedures of an authority in the order of their ids, and holds them like [`lock_procedure`].
pub fn lock_procedures(
    connection: &mut AnyConnection,
    la_code: &str,
    procedure_ids: &[String],
) -> Result<Vec<ProcedureRow>, StoreError> {
    let query = procedures::table
        .filter(among("procedures.id", procedure_ids))
        .order(procedures::id.asc());
    match connection {
        // Asked for both, SQLite walks the procedures of the authority.
        AnyConnection::Sqlite(inner) => {
            let mut rows: Vec<ProcedureRow> = query.select(ProcedureRow::as_select()).load(inner)?;
            rows.retain(|row| row.la_code == la_code);
            Ok(rows)
        }
        AnyConnection::Postgres(inner) => Ok(query
            .filter(procedures::la_code.eq(la_code))
            .select(ProcedureRow::as_select())
            .for_no_key_update()
            .load(inner)?),
    }
}

/// Whether an index of an authority was made under another fingerprint.
pub fn has_other_fingerprint(
    connection: &mut AnyConnection,
    la_code: &str,
    right_fingerprint: &str,
) -> Result<bool, StoreError> {
    let stale = procedures::table
        .filter(procedures::la_code.eq(la_code))
        .filter(procedures::fingerprint.ne(right_fingerprint));
    Ok(diesel::select(diesel::dsl::exists(stale)).get_result(connection)?)
}

/// Some procedures of an authority and kind whose index was made under another fingerprint, after an id.
pub fn procedures_with_other_fingerprint(
    connection: &mut AnyConnection,
    la_code: &str,
    kind: &str,
    right_fingerprint: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<ProcedureRow>, StoreError> {
    Ok(on_backend!(connection, inner => procedures::table
        .filter(procedures::la_code.eq(la_code))
        .filter(procedures::kind.eq(kind))
        .filter(procedures::id.gt(after))
        .filter(procedures::fingerprint.ne(right_fingerprint))
        .order(procedures::id.asc())
        .limit(limit)
        .select(ProcedureRow::as_select()).load(inner))?)
}

/// The procedures of an authority among some ids.
pub fn procedures_by_id(
    connection: &mut AnyConnection,
    la_code: &str,
    procedure_ids: &[String],
) -> Result<Vec<ProcedureRow>, StoreError> {
    let mut rows: Vec<ProcedureRow> = procedures::table
        .filter(among("procedures.id", procedure_ids))
        .select(ProcedureRow::as_select())
        .load(connection)?;
    // Asked for both, SQLite walks the procedures of the authority.
    rows.retain(|row| row.la_code == la_code);
    Ok(rows)
}

/// The procedures of every authority, a batch at a time.
pub fn procedures_after(
    connection: &mut AnyConnection,
    after: &str,
    limit: i64,
) -> Result<Vec<ProcedureRow>, StoreError> {
    Ok(on_backend!(connection, inner => procedures::table
        .filter(procedures::id.gt(after))
        .order(procedures::id.asc())
        .limit(limit)
        .select(ProcedureRow::as_select()).load(inner))?)
}

/// The authorities that have procedures.
pub fn authorities(connection: &mut AnyConnection) -> Result<Vec<String>, StoreError> {
    Ok(procedures::table
        .select(procedures::la_code)
        .distinct()
        .order(procedures::la_code.asc())
        .load(connection)?)
}

pub fn insert_entry(
    connection: &mut AnyConnection,
    la_code: &str,
    procedure_id: &str,
    entry: &Entry,
    noted: &EntryNote,
) -> Result<(), StoreError> {
    let (id, root_id) = (entry.id.to_string(), entry.root_id.to_string());
    let data = encode(entry)?;
    let insert = Insert {
        table: events::table,
        values: vec![
            column(events::id, &id),
            column(events::la_code, la_code),
            column(events::procedure_id, procedure_id),
            column(events::sequence, entry.sequence),
            column(events::event_type, entry.body.event_type().name()),
            column(events::occurred_on, entry.occurred_on),
            column(events::data, &data),
            column(events::note, &noted.note),
            column(events::root_id, &root_id),
            column(events::recorded_at, entry.recorded_at.naive_utc()),
            column(events::recorded_by, &noted.recorded_by),
        ],
    };
    on_backend!(connection, inner => insert.execute(inner))?;
    Ok(())
}

/// The whole stream of a procedure, in the order of recording.
pub fn load_entries(
    connection: &mut AnyConnection,
    procedure: &ProcedureRow,
) -> Result<Vec<Entry>, StoreError> {
    let kind = kind_named(&procedure.kind)?;
    let rows: Vec<EntryRow> = on_backend!(connection, inner => events::table
        .filter(events::la_code.eq(&procedure.la_code))
        .filter(events::procedure_id.eq(&procedure.id))
        .order(events::sequence.asc())
        .select(EntryRow::as_select()).load(inner))?;
    rows.into_iter().map(|row| decode(kind, row)).collect()
}

/// The streams of several procedures, by procedure and in the order of recording.
pub fn load_streams(
    connection: &mut AnyConnection,
    procedures: &[ProcedureRow],
) -> Result<Vec<(String, Entry)>, StoreError> {
    let ids: Vec<String> = procedures.iter().map(|procedure| procedure.id.clone()).collect();
    let rows: Vec<(String, EntryRow)> = events::table
        .filter(among("events.procedure_id", &ids))
        .order((events::procedure_id.asc(), events::sequence.asc()))
        .select((events::procedure_id, EntryRow::as_select()))
        .load(connection)?;
    decode_streams(procedures, rows)
}

/// The streams of all procedures within the range of ids that these make up, in no order: a database that reads them
/// as they lie would have to sort them.
pub fn streams_between(
    connection: &mut AnyConnection,
    procedures: &[ProcedureRow],
    first: &str,
    last: &str,
) -> Result<Vec<(String, Entry)>, StoreError> {
    let rows: Vec<(String, EntryRow)> = on_backend!(connection, inner => events::table
        .filter(events::procedure_id.ge(first))
        .filter(events::procedure_id.le(last))
        .select((events::procedure_id, EntryRow::as_select()))
        .load(inner))?;
    decode_streams(procedures, rows)
}

fn decode_streams(
    procedures: &[ProcedureRow],
    rows: Vec<(String, EntryRow)>,
) -> Result<Vec<(String, Entry)>, StoreError> {
    let mut kinds: HashMap<&str, &ProcedureKind> = HashMap::with_capacity(procedures.len());
    for procedure in procedures {
        kinds.insert(&procedure.id, kind_named(&procedure.kind)?);
    }
    rows.into_iter()
        .map(|(procedure_id, row)| {
            let kind = kinds.get(procedure_id.as_str()).copied();
            let kind = kind.ok_or_else(|| StoreError::Bug("a stream has no procedure".to_owned()))?;
            Ok((procedure_id, decode(kind, row)?))
        })
        .collect()
}

/// The procedure of a stored name.
pub fn kind_named(name: &str) -> Result<&'static ProcedureKind, StoreError> {
    ProcedureKind::named(name)
        .ok_or_else(|| StoreError::Bug("a stored procedure's kind is unknown".to_owned()))
}

/// A page of the stream with what people noted, after a sequence.
pub fn page_of_entries(
    connection: &mut AnyConnection,
    procedure: &ProcedureRow,
    after_sequence: i64,
    limit: i64,
) -> Result<Vec<(Entry, EntryNote)>, StoreError> {
    let kind = kind_named(&procedure.kind)?;
    let rows: Vec<(EntryRow, Option<String>, String)> = events::table
        .filter(events::la_code.eq(&procedure.la_code))
        .filter(events::procedure_id.eq(&procedure.id))
        .filter(events::sequence.gt(after_sequence))
        .order(events::sequence.asc())
        .limit(limit)
        .select((EntryRow::as_select(), events::note, events::recorded_by))
        .load(connection)?;
    rows.into_iter()
        .map(|(row, note, recorded_by)| Ok((decode(kind, row)?, EntryNote { note, recorded_by })))
        .collect()
}

/// The corrections of a stream: what superseded the entries of a page.
pub fn load_corrections(
    connection: &mut AnyConnection,
    procedure: &ProcedureRow,
) -> Result<Vec<Entry>, StoreError> {
    let kind = kind_named(&procedure.kind)?;
    let rows: Vec<EntryRow> = events::table
        .filter(events::la_code.eq(&procedure.la_code))
        .filter(events::procedure_id.eq(&procedure.id))
        .filter(events::event_type.eq(EventType::CORRECTION.name()))
        .order(events::sequence.asc())
        .select(EntryRow::as_select())
        .load(connection)?;
    rows.into_iter().map(|row| decode(kind, row)).collect()
}

pub fn list_procedures(
    connection: &mut AnyConnection,
    root: &Root,
    filter: &ProcedureFilter,
) -> Result<Vec<ProcedureSummaryRow>, StoreError> {
    let mut query = procedures::table
        .filter(procedures::la_code.eq(root.la_code().to_owned()))
        .filter(root.of_case("procedures.case_id"))
        .filter(procedures::kind.eq(filter.kind))
        .select(ProcedureSummaryRow::as_select())
        .into_boxed::<MultiBackend>();
    query = match &filter.state {
        Some(state) => query.filter(procedures::state.eq(state.clone())),
        // Opened in error: out of lists unless asked for by name.
        None => query.filter(procedures::state.ne("void")),
    };
    if let Some(caseworker) = &filter.caseworker {
        let theirs = cases::table
            .filter(cases::id.eq(procedures::case_id))
            .filter(cases::la_code.eq(root.la_code().to_owned()))
            .filter(cases::caseworker.eq(caseworker.clone()));
        query = query.filter(diesel::dsl::exists(theirs));
    }
    if let Some(due_before) = filter.due_before {
        let owed = clocks::table
            .filter(clocks::procedure_id.eq(procedures::id))
            .filter(clocks::due_on.le(due_before))
            .filter(still_owed(filter.as_of))
            // A window is not owed once it has run.
            .filter(
                clocks::bound
                    .eq("no_later_than")
                    .or(clocks::due_on.ge(filter.as_of)),
            );
        query = query.filter(diesel::dsl::exists(owed));
    }
    if let Some(flag) = filter.flag {
        query = match flag_lookup(flag, filter.as_of, filter.due_soon_days) {
            FlagLookup::OnClocks(within) => query.filter(diesel::dsl::exists(
                clocks::table
                    .filter(clocks::procedure_id.eq(procedures::id))
                    .filter(owed_within(within)),
            )),
            FlagLookup::Stored { code, as_of } => query.filter(diesel::dsl::exists(
                flags::table
                    .filter(flags::procedure_id.eq(procedures::id))
                    .filter(is_up(code, as_of)),
            )),
            FlagLookup::BrokenGlass => query.filter(diesel::dsl::exists(
                case_grants::table
                    .filter(case_grants::case_id.eq(procedures::case_id))
                    .filter(awaits_review()),
            )),
        };
    }
    if let Some(after) = filter.after {
        query = query.filter(procedures::id.gt(after.to_string()));
    }
    Ok(query
        .order(procedures::id.asc())
        .limit(filter.limit)
        .load(connection)?)
}

fn encode(entry: &Entry) -> Result<String, StoreError> {
    let (dates, caused_by) = (entry.dates, entry.caused_by);
    match &entry.body {
        EntryBody::Fact(Fact::Own(fact)) => fact.to_kept(dates, caused_by).map_err(unwritable),
        EntryBody::Fact(Fact::Advice(fact)) => json(&Kept {
            dates,
            caused_by,
            fact,
        }),
        EntryBody::Fact(Fact::CaseClosed(fact)) => json(&Kept {
            dates,
            caused_by,
            fact,
        }),
        EntryBody::Correction(fact) => json(&Kept {
            dates,
            caused_by,
            fact,
        }),
    }
}

/// What most events hold. The column says which they are, so their data need not be searched for it.
#[derive(Deserialize)]
struct OnRequest {
    request_id: Uuid,
}

/// What is held of a request that was made, like [`OnRequest`].
#[derive(Deserialize)]
struct Asked {
    request_id: Uuid,
    requirement: Requirement,
    #[serde(default)]
    service: Option<String>,
    #[serde(default)]
    organisation_id: Option<Uuid>,
    bearer: Party,
    force: Force,
}

fn advice_fact(name: &str, data: &str) -> Result<Kept<AdviceFact>, StoreError> {
    let on_request = |fact: fn(Uuid) -> AdviceFact| {
        let kept: Kept<OnRequest> = from_json(data)?;
        Ok(kept.map(|on| fact(on.request_id)))
    };
    if name == EventType::ADVICE_REQUESTED.name() {
        let kept: Kept<Asked> = from_json(data)?;
        Ok(kept.map(|asked| AdviceFact::AdviceRequested {
            request_id: asked.request_id,
            requirement: asked.requirement,
            service: asked.service,
            organisation_id: asked.organisation_id,
            bearer: asked.bearer,
            force: asked.force,
        }))
    } else if name == EventType::ADVICE_ACKNOWLEDGED.name() {
        on_request(|request_id| AdviceFact::AdviceAcknowledged { request_id })
    } else if name == EventType::ADVICE_SUBMITTED.name() {
        on_request(|request_id| AdviceFact::AdviceSubmitted { request_id })
    } else if name == EventType::ADVICE_ACCEPTED.name() {
        on_request(|request_id| AdviceFact::AdviceAccepted { request_id })
    } else {
        from_json(data)
    }
}

fn decode(kind: &ProcedureKind, row: EntryRow) -> Result<Entry, StoreError> {
    let name = row.event_type.as_str();
    let kept = if name == EventType::CORRECTION.name() {
        let kept: Kept<Correction> = from_json(&row.data)?;
        kept.map(EntryBody::Correction)
    } else if name == EventType::CASE_CLOSED.name() {
        let kept: Kept<ClosureReason> = from_json(&row.data)?;
        kept.map(|reason| EntryBody::Fact(Fact::CaseClosed(reason)))
    } else if AdviceFact::EVENT_TYPES.iter().any(|known| known.name() == name) {
        advice_fact(name, &row.data)?.map(|fact| EntryBody::Fact(Fact::Advice(fact)))
    } else {
        let kept = kind.read(&row.data).map_err(unreadable)?;
        kept.map(|fact| EntryBody::Fact(Fact::Own(fact)))
    };
    Ok(Entry {
        id: row.id.0,
        root_id: row.root_id.0,
        sequence: row.sequence,
        occurred_on: row.occurred_on.0,
        dates: kept.dates,
        body: kept.fact,
        recorded_at: instant(row.recorded_at.0),
        caused_by: kept.caused_by,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::casework::event::LegalDates;

    #[test]
    fn what_is_read_by_its_name_is_what_was_kept() {
        let request_id = Uuid::from_u128(1);
        let asked = |service: Option<&str>, organisation_id| AdviceFact::AdviceRequested {
            request_id,
            requirement: Requirement::Medical,
            service: service.map(str::to_owned),
            organisation_id,
            bearer: Party::Health,
            force: Force::Statutory,
        };
        for fact in [
            asked(None, None),
            asked(Some("paediatrics"), Some(Uuid::from_u128(2))),
            AdviceFact::AdviceAcknowledged { request_id },
            AdviceFact::AdviceSubmitted { request_id },
            AdviceFact::AdviceAccepted { request_id },
            AdviceFact::AdviceWithdrawn {
                request_id,
                reason: Some("asked twice".to_owned()),
            },
        ] {
            let name = fact.event_type().name();
            let kept = Kept {
                dates: LegalDates {
                    sent_on: NaiveDate::from_ymd_opt(2026, 2, 20),
                    ..LegalDates::default()
                },
                caused_by: Some(Uuid::from_u128(3)),
                fact,
            };
            assert_eq!(advice_fact(name, &json(&kept).unwrap()).unwrap(), kept, "{name}");
        }
    }
}
