//! The disposable index of clocks and flags, written as differences, and the lists read from it.
//!
//! A row is one segment of a clock. Status is never stored: for the day asked about it is derived
//! here in SQL, by the same cases as [`crate::statute::clock::standing`]; a property test holds the
//! two together.

use std::collections::HashMap;

use chrono::{Days, NaiveDate};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Date, Nullable, Text};
use uuid::Uuid;

use super::column::{Day, Id, OptionalDay};
use super::connection::{AnyConnection, on_backend};
use super::convert::{id, name_of, named, text_of};
use super::fragment::{after, among, fixed};
use super::schema::{clocks, flags, procedures};
use super::statement::{Insert, Update, column};
use super::{MultiBackend, Root, StoreError};
use crate::casework::flag::{Flag, FlagCode};
use crate::casework::timeline::Timeline;
use crate::statute::clock::{Clock, ClockStatus, Segment};
use crate::statute::rulebook::{Bound, ClockKind, Party, Rule, place_of, rule_for, rules};

/// Later than any day in a record.
const LAST_DAY: NaiveDate = match NaiveDate::from_ymd_opt(9999, 12, 31) {
    Some(last_day) => last_day,
    None => NaiveDate::MAX,
};

/// One segment of one clock.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = clocks, treat_none_as_null = true)]
pub struct ClockRow {
    pub clock_id: String,
    pub segment: i64,
    pub la_code: String,
    pub case_id: String,
    /// Who keeps the case.
    pub caseworker: Option<String>,
    pub procedure_id: String,
    pub advice_request_id: Option<String>,
    pub organisation_id: Option<String>,
    pub kind: String,
    pub bearer: String,
    pub force: String,
    pub bound: String,
    #[diesel(deserialize_as = Day)]
    pub started_on: NaiveDate,
    #[diesel(deserialize_as = Day)]
    pub due_on: NaiveDate,
    #[diesel(deserialize_as = Day)]
    pub day_one_due_on: NaiveDate,
    #[diesel(deserialize_as = OptionalDay)]
    pub satisfied_on: Option<NaiveDate>,
    #[diesel(deserialize_as = OptionalDay)]
    pub cancelled_on: Option<NaiveDate>,
    #[diesel(deserialize_as = OptionalDay)]
    pub excused_from_on: Option<NaiveDate>,
    /// The first day on which it no longer runs, so that what runs is found without what has run.
    #[diesel(deserialize_as = Day)]
    pub stopped_on: NaiveDate,
    #[diesel(deserialize_as = Day)]
    pub effective_from_on: NaiveDate,
    #[diesel(deserialize_as = OptionalDay)]
    pub effective_until_on: Option<NaiveDate>,
    /// The place of its rule in the rulebook of the program that wrote it.
    pub rule_place: Option<i64>,
}

/// What lists read of a segment.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = clocks)]
struct ListedRow {
    clock_id: Id,
    case_id: Id,
    procedure_id: Id,
    advice_request_id: Option<Id>,
    kind: String,
    bearer: String,
    force: String,
    started_on: Day,
    due_on: Day,
    day_one_due_on: Day,
    satisfied_on: Option<Day>,
    cancelled_on: Option<Day>,
    excused_from_on: Option<Day>,
    effective_from_on: Day,
    effective_until_on: Option<Day>,
    rule_place: Option<i64>,
}

/// One interval of one flag.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = flags, treat_none_as_null = true)]
pub struct FlagRow {
    pub id: String,
    pub la_code: String,
    pub case_id: String,
    pub procedure_id: String,
    pub code: String,
    #[diesel(deserialize_as = Day)]
    pub since_on: NaiveDate,
    #[diesel(deserialize_as = OptionalDay)]
    pub until_on: Option<NaiveDate>,
}

/// Whose index is written.
#[derive(Debug, Clone)]
pub struct IndexKey {
    pub la_code: String,
    pub case_id: String,
    /// Who keeps the case.
    pub caseworker: Option<String>,
    pub procedure_id: String,
}

/// What the index of a procedure should hold; nothing for one that was opened in error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    pub clocks: Vec<ClockRow>,
    pub flags: Vec<FlagRow>,
}

impl Index {
    /// The order in which two are compared.
    pub fn put_in_order(&mut self) {
        self.flags.sort_by(|a, b| a.id.cmp(&b.id));
        self.clocks
            .sort_by(|a, b| (&a.clock_id, a.segment).cmp(&(&b.clock_id, b.segment)));
    }
}

/// Makes the index rows of a timeline.
pub fn index_of(key: &IndexKey, timeline: Option<&Timeline>) -> Result<Index, StoreError> {
    let Some(timeline) = timeline else {
        return Ok(Index::default());
    };
    let mut index = Index::default();
    for clock in &timeline.clocks {
        let asked = timeline
            .advice
            .requests
            .iter()
            .find(|request| Some(request.id) == clock.subject);
        let rule_place = place_of(clock.rule).and_then(|place| i64::try_from(place).ok());
        for (segment_number, segment) in (0..).zip(&clock.segments) {
            index.clocks.push(ClockRow {
                clock_id: clock.id.to_string(),
                segment: segment_number,
                la_code: key.la_code.clone(),
                case_id: key.case_id.clone(),
                caseworker: key.caseworker.clone(),
                procedure_id: key.procedure_id.clone(),
                advice_request_id: asked.map(|request| request.id.to_string()),
                organisation_id: text_of(asked.and_then(|request| request.organisation_id)),
                kind: clock.rule.kind.name().to_owned(),
                bearer: name_of(&segment.bearer)?,
                force: name_of(&segment.force)?,
                bound: name_of(&clock.rule.bound)?,
                started_on: clock.started_on,
                due_on: clock.due_on,
                day_one_due_on: clock.day_one_due_on,
                satisfied_on: segment.satisfied_on,
                cancelled_on: segment.cancelled_on,
                excused_from_on: segment.excused_from_on,
                stopped_on: stopped_on(clock, segment),
                effective_from_on: segment.effective_from_on,
                effective_until_on: segment.effective_until_on,
                rule_place,
            });
        }
    }
    for flag in &timeline.flags {
        index.flags.push(FlagRow {
            id: flag_id(key, flag)?,
            la_code: key.la_code.clone(),
            case_id: key.case_id.clone(),
            procedure_id: key.procedure_id.clone(),
            code: flag.code.name().to_owned(),
            since_on: flag.since_on,
            until_on: flag.until_on,
        });
    }
    index.put_in_order();
    index.flags.dedup_by(|a, b| a.id == b.id);
    Ok(index)
}

/// When a segment stops: done, cancelled, followed by another or, for a window, run. Never, as the last
/// day both backends can compare.
fn stopped_on(clock: &Clock, segment: &Segment) -> NaiveDate {
    let has_run_on = match clock.rule.bound {
        Bound::NoLaterThan => None,
        Bound::NoEarlierThan => Some(clock.due_on + Days::new(1)),
    };
    let stops = [
        segment.satisfied_on,
        segment.cancelled_on,
        segment.effective_until_on,
        has_run_on,
    ];
    stops.into_iter().flatten().min().unwrap_or(LAST_DAY)
}

fn flag_id(key: &IndexKey, flag: &Flag) -> Result<String, StoreError> {
    let name = format!(
        "{}:{}:{:?}:{:?}:{:?}",
        flag.code.name(),
        flag.since_on,
        flag.subject.clock_id,
        flag.subject.advice_request_id,
        flag.subject.requirement.map(|requirement| requirement.name()),
    );
    Ok(Uuid::new_v5(&id(&key.procedure_id)?, name.as_bytes()).to_string())
}

/// From when on nothing of a procedure runs or is flagged, whatever the day: then its row says all there is to say of
/// it. None while something may still come of it.
pub fn rests_from_on(timeline: &Timeline) -> Option<NaiveDate> {
    if timeline.state.is_open() {
        return None;
    }
    let clocks = timeline
        .clocks
        .iter()
        .flat_map(|clock| clock.segments.iter().map(|segment| stopped_on(clock, segment)));
    let flags = timeline
        .flags
        .iter()
        .map(|flag| flag.until_on.unwrap_or(LAST_DAY));
    let rests_from_on = clocks.chain(flags).fold(timeline.opened_on, NaiveDate::max);
    (rests_from_on < LAST_DAY).then_some(rests_from_on)
}

/// Puts the clocks of a case, whose procedures are held, into the hands of whoever keeps it now.
pub fn hand_over_clocks(
    connection: &mut AnyConnection,
    la_code: &str,
    case_id: &str,
    caseworker: Option<&str>,
) -> Result<(), StoreError> {
    let procedures = of_case(la_code.to_owned(), case_id.to_owned());
    let theirs = clocks::table.filter(clocks::procedure_id.eq_any(procedures));
    let update = diesel::update(theirs).set(clocks::caseworker.eq(caseworker));
    on_backend!(connection, inner => update.execute(inner))?;
    Ok(())
}

/// The procedures of a case, by which its clocks are found.
#[diesel::dsl::auto_type]
fn of_case(la_code: String, case_id: String) -> _ {
    procedures::table
        .filter(procedures::la_code.eq(la_code))
        .filter(procedures::case_id.eq(case_id))
        .select(procedures::id)
}

/// Reads the index of one procedure.
pub fn load_index(connection: &mut AnyConnection, procedure_id: &str) -> Result<Index, StoreError> {
    on_backend!(connection, inner => Ok(Index {
        clocks: clocks::table
            .filter(clocks::procedure_id.eq(procedure_id))
            .order((clocks::clock_id.asc(), clocks::segment.asc()))
            .select(ClockRow::as_select())
            .load(inner)?,
        flags: flags::table
            .filter(flags::procedure_id.eq(procedure_id))
            .order(flags::id.asc())
            .select(FlagRow::as_select())
            .load(inner)?,
    }))
}

/// The indexes of all procedures within a range of ids, in one heap and in no order.
pub fn indexes_between(connection: &mut AnyConnection, first: &str, last: &str) -> Result<Index, StoreError> {
    on_backend!(connection, inner => Ok(Index {
        clocks: clocks::table
            .filter(clocks::procedure_id.ge(first))
            .filter(clocks::procedure_id.le(last))
            .select(ClockRow::as_select())
            .load(inner)?,
        flags: flags::table
            .filter(flags::procedure_id.ge(first))
            .filter(flags::procedure_id.le(last))
            .select(FlagRow::as_select())
            .load(inner)?,
    }))
}

fn insert_clock(connection: &mut AnyConnection, row: &ClockRow) -> Result<(), StoreError> {
    let insert = Insert {
        table: clocks::table,
        values: vec![
            column(clocks::clock_id, &row.clock_id),
            column(clocks::segment, row.segment),
            column(clocks::la_code, &row.la_code),
            column(clocks::case_id, &row.case_id),
            column(clocks::caseworker, &row.caseworker),
            column(clocks::procedure_id, &row.procedure_id),
            column(clocks::advice_request_id, &row.advice_request_id),
            column(clocks::organisation_id, &row.organisation_id),
            column(clocks::kind, &row.kind),
            column(clocks::bearer, &row.bearer),
            column(clocks::force, &row.force),
            column(clocks::bound, &row.bound),
            column(clocks::started_on, row.started_on),
            column(clocks::due_on, row.due_on),
            column(clocks::day_one_due_on, row.day_one_due_on),
            column(clocks::satisfied_on, row.satisfied_on),
            column(clocks::cancelled_on, row.cancelled_on),
            column(clocks::excused_from_on, row.excused_from_on),
            column(clocks::stopped_on, row.stopped_on),
            column(clocks::effective_from_on, row.effective_from_on),
            column(clocks::effective_until_on, row.effective_until_on),
            column(clocks::rule_place, row.rule_place),
        ],
    };
    on_backend!(connection, inner => insert.execute(inner))?;
    Ok(())
}

/// Writes what changed of a segment: mostly that it was done or is no longer owed, which few indexes are on.
fn update_clock(connection: &mut AnyConnection, before: &ClockRow, row: &ClockRow) -> Result<(), StoreError> {
    let only_stopped = ClockRow {
        satisfied_on: row.satisfied_on,
        cancelled_on: row.cancelled_on,
        excused_from_on: row.excused_from_on,
        stopped_on: row.stopped_on,
        effective_until_on: row.effective_until_on,
        ..before.clone()
    };
    if only_stopped == *row {
        let stop = Update {
            table: "clocks",
            set: vec![
                column(clocks::satisfied_on, row.satisfied_on),
                column(clocks::cancelled_on, row.cancelled_on),
                column(clocks::excused_from_on, row.excused_from_on),
                column(clocks::stopped_on, row.stopped_on),
                column(clocks::effective_until_on, row.effective_until_on),
            ],
            held: vec![
                column(clocks::procedure_id, &row.procedure_id),
                column(clocks::clock_id, &row.clock_id),
                column(clocks::segment, row.segment),
            ],
        };
        on_backend!(connection, inner => stop.execute(inner))?;
    } else {
        let stored = clocks::table
            .filter(clocks::procedure_id.eq(&row.procedure_id))
            .filter(clocks::clock_id.eq(&row.clock_id))
            .filter(clocks::segment.eq(row.segment));
        on_backend!(connection, inner => diesel::update(stored).set(row).execute(inner))?;
    }
    Ok(())
}

/// Writes the difference between what the index of a procedure holds and what it should hold.
pub fn write_index(connection: &mut AnyConnection, held: &Index, wanted: &Index) -> Result<(), StoreError> {
    let held_clocks: HashMap<_, _> = held
        .clocks
        .iter()
        .map(|row| ((&row.clock_id, row.segment), row))
        .collect();
    for row in &wanted.clocks {
        match held_clocks.get(&(&row.clock_id, row.segment)) {
            Some(held_row) if *held_row == row => {}
            Some(held_row) => update_clock(connection, held_row, row)?,
            None => insert_clock(connection, row)?,
        }
    }
    let is_wanted = |row: &ClockRow| {
        wanted
            .clocks
            .iter()
            .any(|other| other.clock_id == row.clock_id && other.segment == row.segment)
    };
    for row in held.clocks.iter().filter(|row| !is_wanted(row)) {
        diesel::delete(
            clocks::table
                .filter(clocks::procedure_id.eq(&row.procedure_id))
                .filter(clocks::clock_id.eq(&row.clock_id))
                .filter(clocks::segment.eq(row.segment)),
        )
        .execute(connection)?;
    }
    let held_flags: HashMap<_, _> = held.flags.iter().map(|row| (&row.id, row)).collect();
    for row in &wanted.flags {
        match held_flags.get(&row.id) {
            Some(held_row) if *held_row == row => {}
            Some(_) => {
                let update = diesel::update(flags::table.find((&row.procedure_id, &row.id))).set(row);
                on_backend!(connection, inner => update.execute(inner))?;
            }
            None => {
                let insert = diesel::insert_into(flags::table).values(row);
                on_backend!(connection, inner => insert.execute(inner))?;
            }
        }
    }
    for row in held
        .flags
        .iter()
        .filter(|row| !wanted.flags.iter().any(|other| other.id == row.id))
    {
        diesel::delete(flags::table.find((&row.procedure_id, &row.id))).execute(connection)?;
    }
    Ok(())
}

/// Which clocks a list holds; filters add up.
#[derive(Debug, Clone)]
pub struct ClockFilter {
    pub status: Option<ClockStatus>,
    pub kind: Option<ClockKind>,
    pub bearer: Option<Party>,
    pub procedure: Option<&'static str>,
    pub caseworker: Option<String>,
    pub case_id: Option<Uuid>,
    /// Only of these procedures.
    pub procedure_ids: Option<Vec<String>>,
    pub due_before: Option<NaiveDate>,
    pub as_of: NaiveDate,
    /// Items after this due date and id.
    pub after: Option<(NaiveDate, Uuid)>,
    pub limit: i64,
}

impl ClockFilter {
    fn is_of_some_procedures(&self) -> bool {
        self.case_id.is_some() || self.procedure_ids.is_some()
    }
}

/// A clock on a list: its row, and its segment in the engine's own terms.
#[derive(Debug, Clone)]
pub struct ListedClock {
    pub id: Uuid,
    pub rule: &'static Rule,
    pub started_on: NaiveDate,
    pub due_on: NaiveDate,
    pub day_one_due_on: NaiveDate,
    pub segment: Segment,
    pub case_id: Uuid,
    pub procedure_id: Uuid,
    pub advice_request_id: Option<Uuid>,
}

type ClockCondition = Box<dyn BoxableExpression<clocks::table, MultiBackend, SqlType = Nullable<Bool>>>;

/// The rows that hold on a day.
#[diesel::dsl::auto_type]
fn effective_on(as_of: NaiveDate) -> _ {
    clocks::effective_from_on.le(as_of).and(
        clocks::effective_until_on
            .is_null()
            .or(clocks::effective_until_on.gt(as_of)),
    )
}

/// Effective on a day and running or overdue on it.
#[diesel::dsl::auto_type]
pub fn still_owed(as_of: NaiveDate) -> _ {
    clocks::effective_from_on
        .le(as_of)
        .and(clocks::stopped_on.gt(as_of))
}

/// The condition by which a row has a status on a day.
fn has_status(status: ClockStatus, as_of: NaiveDate) -> ClockCondition {
    let limit = clocks::bound.eq("no_later_than");
    let window = clocks::bound.eq("no_earlier_than");
    let not_cancelled = || clocks::cancelled_on.is_null().or(clocks::cancelled_on.gt(as_of));
    let not_satisfied = || clocks::satisfied_on.is_null().or(clocks::satisfied_on.gt(as_of));
    match status {
        ClockStatus::Running => Box::new(still_owed(as_of).and(clocks::due_on.ge(as_of)).nullable()),
        ClockStatus::Overdue => Box::new(
            still_owed(as_of)
                .and(clocks::due_on.lt(as_of))
                .and(limit)
                .nullable(),
        ),
        ClockStatus::Met => {
            let done = effective_on(as_of).and(clocks::satisfied_on.le(as_of));
            let in_time = clocks::satisfied_on.le(clocks::due_on.nullable()).or(window);
            let has_run = effective_on(as_of)
                .and(clocks::due_on.lt(as_of))
                .and(window)
                .and(not_cancelled());
            Box::new(done.and(in_time).or(has_run))
        }
        ClockStatus::Late => Box::new(
            effective_on(as_of)
                .and(clocks::satisfied_on.le(as_of))
                .and(clocks::satisfied_on.gt(clocks::due_on.nullable()))
                .and(limit),
        ),
        ClockStatus::Cancelled => Box::new(
            effective_on(as_of)
                .and(clocks::cancelled_on.le(as_of))
                .and(not_satisfied()),
        ),
    }
}

/// How a flag is looked up: in the clocks, for those the day raises, in its own rows, or in those of the broken
/// glass.
pub enum FlagLookup {
    OnClocks(OwedWithin),
    Stored { code: &'static str, as_of: NaiveDate },
    BrokenGlass,
}

/// Limits still owed on a day whose due dates lie within bounds.
pub struct OwedWithin {
    as_of: NaiveDate,
    due_from: NaiveDate,
    due_to: NaiveDate,
    day_one_due_to: NaiveDate,
    kinds: Vec<&'static str>,
}

/// How the flag of a code is looked up for a day.
pub fn flag_lookup(code: FlagCode, as_of: NaiveDate, due_soon_days: u32) -> FlagLookup {
    let first_day = NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or(as_of);
    let last_day = LAST_DAY;
    let of_advice = |is_advice: bool| {
        ClockKind::ALL
            .into_iter()
            .filter(|kind| (*kind == ClockKind::Advice) == is_advice)
            .map(ClockKind::name)
            .collect::<Vec<_>>()
    };
    let overdue = |kinds| OwedWithin {
        as_of,
        due_from: first_day,
        due_to: as_of - Days::new(1),
        day_one_due_to: last_day,
        kinds,
    };
    match code {
        FlagCode::AdviceLate => FlagLookup::OnClocks(overdue(of_advice(true))),
        FlagCode::ClockOverdue => FlagLookup::OnClocks(overdue(of_advice(false))),
        FlagCode::DueSoon => FlagLookup::OnClocks(OwedWithin {
            as_of,
            due_from: as_of,
            due_to: last_day,
            day_one_due_to: as_of + Days::new(due_soon_days.into()),
            kinds: ClockKind::ALL.into_iter().map(ClockKind::name).collect(),
        }),
        FlagCode::AdviceMissing
        | FlagCode::AdviceReturned
        | FlagCode::AdviceDeclined
        | FlagCode::AdviceAfterPlan
        | FlagCode::ExceptionClaimed
        | FlagCode::DraftWindowCutShort
        | FlagCode::EarlyYearsReview
        | FlagCode::PlaceAwaited => FlagLookup::Stored {
            code: code.name(),
            as_of,
        },
        FlagCode::GlassBroken => FlagLookup::BrokenGlass,
    }
}

/// The condition of [`OwedWithin`] on the rows of clocks.
#[diesel::dsl::auto_type]
pub fn owed_within(within: OwedWithin) -> _ {
    let OwedWithin {
        as_of,
        due_from,
        due_to,
        day_one_due_to,
        kinds,
    } = within;
    let as_of: NaiveDate = as_of;
    let due_from: NaiveDate = due_from;
    let due_to: NaiveDate = due_to;
    let day_one_due_to: NaiveDate = day_one_due_to;
    let kinds: Vec<&'static str> = kinds;
    let owed: still_owed = still_owed(as_of);
    owed.and(clocks::bound.eq("no_later_than"))
        .and(clocks::started_on.le(as_of))
        .and(clocks::due_on.ge(due_from))
        .and(clocks::due_on.le(due_to))
        .and(clocks::day_one_due_on.le(day_one_due_to))
        .and(clocks::kind.eq_any(kinds))
}

/// The condition by which a stored flag is up on a day.
#[diesel::dsl::auto_type]
pub fn is_up(code: &'static str, as_of: NaiveDate) -> _ {
    flags::code
        .eq(code)
        .and(flags::since_on.le(as_of))
        .and(flags::until_on.is_null().or(flags::until_on.gt(as_of)))
}

/// A page of an authority's clocks, by due date and id.
///
/// What is overdue, or an officer has still to see done, is nearly always what has not stopped at all. An index finds
/// that first, and what was so then but has stopped since is looked up apart; otherwise a page would walk all that was
/// ever due, or all that anybody has to do.
pub fn list_clocks(
    connection: &mut AnyConnection,
    root: &Root,
    filter: &ClockFilter,
) -> Result<Vec<ListedClock>, StoreError> {
    let of_few = root.is_narrow() || filter.is_of_some_procedures();
    let is_apart = match filter.status {
        Some(ClockStatus::Overdue) => !of_few,
        Some(ClockStatus::Running) => !of_few && filter.caseworker.is_some(),
        Some(ClockStatus::Met | ClockStatus::Late | ClockStatus::Cancelled) | None => false,
    };
    let rows = if is_apart {
        let mut rows = filtered(root, filter, Part::NeverStopped)?.load(connection)?;
        rows.extend(filtered(root, filter, Part::StoppedSince)?.load(connection)?);
        rows.sort_by_key(|row: &ListedRow| (row.due_on.0, row.clock_id.0));
        rows.truncate(usize::try_from(filter.limit).unwrap_or(usize::MAX));
        rows
    } else {
        filtered(root, filter, Part::All)?.load(connection)?
    };
    rows.iter().map(listed).collect()
}

type ClockQuery<'q> = clocks::BoxedQuery<
    'q,
    MultiBackend,
    diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<ListedRow, MultiBackend>>,
>;

/// What a statement looks through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    /// What is still owed whatever the day; a window is not, once it has run.
    NeverStopped,
    /// What has stopped or will, by when it does. In an order that no index has, or that would be followed instead.
    StoppedSince,
}

/// The day that the order of lists begins with, as no index has it.
const DUE_APART: &str = "coalesce(clocks.due_on, clocks.due_on)";

fn filtered(root: &Root, filter: &ClockFilter, part: Part) -> Result<ClockQuery<'static>, StoreError> {
    let mut query = clocks::table
        .filter(root.of_request("clocks.case_id", "clocks.organisation_id"))
        .select(ListedRow::as_select())
        .into_boxed::<MultiBackend>();
    let la_code = root.la_code().to_owned();
    query = if filter.is_of_some_procedures() {
        // They are found by those. As it stands in the indexes, the authority would be walked instead.
        query.filter(fixed::<Text>("clocks.la_code || ''").eq(la_code))
    } else {
        query.filter(clocks::la_code.eq(la_code))
    };
    query = match part {
        Part::All => query,
        // In the words of the index of what an officer has still to see done.
        Part::NeverStopped => query.filter(fixed::<Bool>(
            "clocks.stopped_on = '9999-12-31' AND clocks.bound = 'no_later_than'",
        )),
        Part::StoppedSince => query.filter(fixed::<Bool>(
            "clocks.stopped_on < '9999-12-31' AND clocks.bound IN ('no_later_than', 'no_earlier_than')",
        )),
    };
    query = match (filter.status, filter.after, part) {
        // The page begins later, and of two bounds the index would be entered at the lower one.
        (Some(ClockStatus::Running), Some((due_on, _)), Part::All | Part::NeverStopped)
            if due_on >= filter.as_of =>
        {
            query.filter(still_owed(filter.as_of))
        }
        (Some(ClockStatus::Running), _, Part::StoppedSince) => query
            .filter(still_owed(filter.as_of))
            .filter(fixed::<Date>(DUE_APART).ge(filter.as_of)),
        (Some(status), _, _) => query.filter(has_status(status, filter.as_of)),
        (None, _, _) => query.filter(effective_on(filter.as_of)),
    };
    if let Some(kind) = filter.kind {
        query = query.filter(clocks::kind.eq(kind.name()));
    }
    if let Some(bearer) = filter.bearer {
        query = query.filter(clocks::bearer.eq(name_of(&bearer)?));
    }
    if let Some(procedure) = filter.procedure {
        let of_kind = procedures::table
            .filter(procedures::id.eq(clocks::procedure_id))
            .filter(procedures::kind.eq(procedure));
        query = query.filter(diesel::dsl::exists(of_kind));
    }
    if let Some(caseworker) = &filter.caseworker {
        query = query.filter(clocks::caseworker.eq(caseworker.clone()));
    }
    if let Some(case_id) = filter.case_id {
        let procedures = of_case(root.la_code().to_owned(), case_id.to_string());
        query = query.filter(clocks::procedure_id.eq_any(procedures));
    }
    if let Some(procedure_ids) = &filter.procedure_ids {
        query = query.filter(among("clocks.procedure_id", procedure_ids));
    }
    if let Some(due_before) = filter.due_before {
        query = query.filter(clocks::due_on.le(due_before));
    }
    let (place, due_on) = match part {
        Part::All | Part::NeverStopped => ("(clocks.due_on, clocks.clock_id)", "clocks.due_on"),
        Part::StoppedSince => (
            "(coalesce(clocks.due_on, clocks.due_on), clocks.clock_id)",
            DUE_APART,
        ),
    };
    if let Some((due_on, clock_id)) = filter.after {
        query = query.filter(after(place, due_on, clock_id));
    }
    Ok(query
        .order((fixed::<Date>(due_on), clocks::clock_id.asc()))
        .limit(filter.limit))
}

fn listed(row: &ListedRow) -> Result<ListedClock, StoreError> {
    Ok(ListedClock {
        id: row.clock_id.0,
        rule: rule_of(row)?,
        started_on: row.started_on.0,
        due_on: row.due_on.0,
        day_one_due_on: row.day_one_due_on.0,
        segment: Segment {
            effective_from_on: row.effective_from_on.0,
            effective_until_on: row.effective_until_on.map(|day| day.0),
            bearer: named(&row.bearer)?,
            force: named(&row.force)?,
            satisfied_on: row.satisfied_on.map(|day| day.0),
            cancelled_on: row.cancelled_on.map(|day| day.0),
            excused_from_on: row.excused_from_on.map(|day| day.0),
        },
        case_id: row.case_id.0,
        procedure_id: row.procedure_id.0,
        advice_request_id: row.advice_request_id.map(|id| id.0),
    })
}

/// The rule it runs under. What a program wrote that noted no place runs under the rule of its kind.
fn rule_of(row: &ListedRow) -> Result<&'static Rule, StoreError> {
    let kind = named(&row.kind)?;
    let place = row.rule_place.and_then(|place| usize::try_from(place).ok());
    place
        .and_then(|place| rules().nth(place))
        .filter(|rule| rule.kind == kind)
        .or_else(|| rule_for(kind, row.started_on.0))
        .ok_or_else(|| StoreError::Bug("the index holds a clock that no rule is for".to_owned()))
}

/// The procedures of a case on which a clock of a kind runs that had started by a day.
pub fn procedures_owing(
    connection: &mut AnyConnection,
    la_code: &str,
    case_id: &str,
    kind: ClockKind,
    started_by_on: NaiveDate,
) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String, String)> = clocks::table
        .filter(clocks::procedure_id.eq_any(of_case(la_code.to_owned(), case_id.to_owned())))
        .filter(clocks::stopped_on.eq(LAST_DAY))
        .filter(clocks::started_on.le(started_by_on))
        .select((clocks::procedure_id, clocks::kind))
        .load(connection)?;
    let of_kind = rows.into_iter().filter(|(_, name)| name == kind.name());
    Ok(of_kind.map(|(procedure_id, _)| procedure_id).collect())
}
