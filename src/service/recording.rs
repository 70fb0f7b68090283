//! The one way events get into a stream, whatever procedure and whoever records: hold the
//! procedure, judge the stream with what is new in it, write events, index and version together.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::consequence::{make_or_change, take_back_gone};
use super::error::Refused;
use super::request_rows::{RequestContent, renewed_requests, write_requests};
use super::settings::Settings;
use super::{Error, Fault, Work};
use crate::casework::advice::AdviceFact;
use crate::casework::child::ChildFacts;
use crate::casework::event::{Event, Fact, LegalDates};
use crate::casework::history::{Correction, Entry, EntryBody, effective};
use crate::casework::procedure::{EventType, ProcedureKind, State};
use crate::casework::timeline::{Reason, Refusal, Setting, Timeline, fold, fold_until, sort_events};
use crate::statute::reading::Readings;
use crate::store::advice::{AdviceRequestRow, requests_of_procedure};
use crate::store::case::{caseworker_of, facts_at, find_case};
use crate::store::clock::{Index, IndexKey, index_of, load_index, rests_from_on, write_index};
use crate::store::convert;
use crate::store::procedure::{
    EntryNote, ProcedureRow, insert_entry, insert_procedure, kind_named, load_entries, lock_procedure,
    procedures_of_case, reopen_procedure, update_procedure,
};
use crate::store::settings::{keep_settings, settings_at};
use crate::store::{AnyConnection, Root, StoreError};

/// A procedure held for writing, with all that its engine reads.
#[derive(Debug)]
pub struct Held {
    pub procedure: ProcedureRow,
    pub kind: &'static ProcedureKind,
    pub entries: Vec<Entry>,
    /// Its requests for advice, as the entries leave them.
    pub requests: Vec<AdviceRequestRow>,
    pub of_case: KnownOfCase,
    pub settings: Settings,
    stored: Stored,
}

/// What a procedure and its index take from their case.
#[derive(Debug)]
pub struct KnownOfCase {
    pub child: ChildFacts,
    /// Who keeps it.
    pub caseworker: Option<String>,
}

impl KnownOfCase {
    fn read(connection: &mut AnyConnection, la_code: &str, case_id: &str) -> Result<KnownOfCase, StoreError> {
        Ok(KnownOfCase {
            child: facts_at(connection, la_code, case_id, None)?,
            caseworker: caseworker_of(connection, la_code, case_id)?,
        })
    }
}

/// How much of a held procedure is in the store.
#[derive(Debug)]
struct Stored {
    /// None if nothing of it is there yet.
    procedure: Option<ProcedureRow>,
    requests: Vec<AdviceRequestRow>,
    /// What the entries that are not there yet carry beside what the engine reads.
    notes: Vec<EntryNote>,
}

impl Held {
    fn was_open(&self) -> bool {
        let stored = self.stored.procedure.as_ref();
        stored.is_some_and(|stored| stored.is_open)
    }

    fn excluded_another(&self) -> bool {
        let stored = self.stored.procedure.as_ref();
        stored.is_some_and(|stored| stored.excludes_another)
    }

    fn is_new(&self) -> bool {
        self.stored.procedure.is_none()
    }
}

/// An entry about to be recorded.
#[derive(Debug, Clone)]
pub struct Draft {
    pub id: Uuid,
    /// The first record of the fact, when this replaces another.
    pub root_id: Option<Uuid>,
    pub occurred_on: NaiveDate,
    pub dates: LegalDates,
    pub body: EntryBody,
    pub note: Option<String>,
    /// The event on another procedure that makes it happen.
    pub caused_by: Option<Uuid>,
    /// Where in the request's body it stands.
    pub pointer: String,
}

impl Draft {
    /// A fact on a day, at the top of the request's body.
    pub fn of(id: Uuid, occurred_on: NaiveDate, fact: Fact) -> Draft {
        Draft {
            id,
            root_id: None,
            occurred_on,
            dates: LegalDates::default(),
            body: EntryBody::Fact(fact),
            note: None,
            caused_by: None,
            pointer: String::new(),
        }
    }

    /// A correction; its day only says when it was made.
    pub fn correction(
        id: Uuid,
        occurred_on: NaiveDate,
        correction: Correction,
        note: Option<String>,
    ) -> Draft {
        Draft {
            id,
            root_id: None,
            occurred_on,
            dates: LegalDates::default(),
            body: EntryBody::Correction(correction),
            note,
            caused_by: None,
            pointer: String::new(),
        }
    }
}

/// Holds a procedure, which whoever asks was let into, against other writers and loads what its engine reads.
///
/// Refuses with the current version if another one is expected.
pub fn hold(work: &mut Work<'_>, procedure_id: Uuid, if_match: Option<i64>) -> Result<Held, Error> {
    let root = work.whole();
    hold_where(work, &root, procedure_id, if_match, |_| true)
}

fn hold_where(
    work: &mut Work<'_>,
    root: &Root,
    procedure_id: Uuid,
    if_match: Option<i64>,
    is_wanted: impl FnOnce(&ProcedureKind) -> bool,
) -> Result<Held, Error> {
    let la_code = work.la_code();
    let procedure = lock_procedure(work.connection, root, procedure_id)?;
    let kind = kind_of(&procedure)?;
    if !is_wanted(kind) {
        return Err(Error::NotFound);
    }
    if if_match.is_some_and(|version| version != procedure.version) {
        return Err(Error::Stale {
            current_version: procedure.version,
        });
    }
    let (entries, requests) = match work.take_ahead(&procedure) {
        Some(ahead) => ahead,
        None => (
            load_entries(work.connection, &procedure)?,
            requests_of_procedure(work.connection, &la_code, &procedure.id)?,
        ),
    };
    let of_case = KnownOfCase::read(work.connection, &la_code, &procedure.case_id)?;
    let (_, settings) = settings_at(work.connection, &la_code, None)?;
    Ok(Held {
        stored: Stored {
            procedure: Some(procedure.clone()),
            requests: requests.clone(),
            notes: Vec::new(),
        },
        procedure,
        kind,
        entries,
        requests,
        of_case,
        settings,
    })
}

/// [`hold`] for a procedure of a kind, as it exists for whoever asks; one of another kind is not there.
pub fn hold_of(
    work: &mut Work<'_>,
    kind: &ProcedureKind,
    procedure_id: Uuid,
    if_match: Option<i64>,
) -> Result<Held, Error> {
    let root = work.root()?;
    hold_where(work, &root, procedure_id, if_match, |held| held == kind)
}

/// A procedure that does not exist yet, on a case that is held.
pub fn open_new(
    work: &mut Work<'_>,
    kind: &'static ProcedureKind,
    case_id: &str,
    opened_on: NaiveDate,
) -> Result<Held, Error> {
    let la_code = work.la_code();
    let of_case = KnownOfCase::read(work.connection, &la_code, case_id)?;
    // Whoever changes the settings then computes again what is there: that must include this one.
    keep_settings(work.connection, &la_code)?;
    let (_, settings) = settings_at(work.connection, &la_code, None)?;
    Ok(new_procedure(work, kind, case_id, opened_on, of_case, settings))
}

/// A procedure that does not exist yet, on a case with these facts under these settings.
pub fn new_procedure(
    work: &Work<'_>,
    kind: &'static ProcedureKind,
    case_id: &str,
    opened_on: NaiveDate,
    of_case: KnownOfCase,
    settings: Settings,
) -> Held {
    let procedure = ProcedureRow {
        id: work.new_id().to_string(),
        la_code: work.la_code(),
        case_id: case_id.to_owned(),
        kind: kind.name.to_owned(),
        state: String::new(),
        is_open: true,
        opened_on,
        version: 0,
        fingerprint: String::new(),
        created_at: work.now.naive_utc(),
        updated_at: work.now.naive_utc(),
        excludes_another: true,
        rests_from_on: None,
    };
    Held {
        procedure,
        kind,
        entries: Vec::new(),
        requests: Vec::new(),
        of_case,
        settings,
        stored: Stored {
            procedure: None,
            requests: Vec::new(),
            notes: Vec::new(),
        },
    }
}

/// Judges the drafts together with the stream and writes everything, or nothing; then what follows from it on
/// other procedures of the case. Whoever records what may lead on holds them all before.
///
/// Gives what the stream amounts to now; none if it was opened in error.
pub fn record(
    work: &mut Work<'_>,
    held: &mut Held,
    drafts: Vec<Draft>,
    contents: &HashMap<Uuid, RequestContent>,
) -> Result<Option<Timeline>, Error> {
    if !drafts.iter().any(|draft| draft.body.event_type().leads_on()) {
        return record_alone(work, held, drafts, contents);
    }
    let readings = &held.settings.readings;
    let before = derive(
        &held.procedure,
        &held.entries,
        &held.of_case.child,
        readings,
        None,
    )?;
    let led_to = |timeline: &Option<Timeline>| match timeline {
        Some(timeline) => timeline.consequences.clone(),
        None => Vec::new(),
    };
    let stands_when_closed = stands_when_closed(&drafts);
    let timeline = apply(work, held, drafts, contents)?;
    let (before, after) = (led_to(&before), led_to(&timeline));
    // What it opened goes before it is judged whether it may stand beside that.
    take_back_gone(work, &held.procedure.case_id, &before, &after)?;
    admit_and_save(work, held, timeline.as_ref(), stands_when_closed)?;
    make_or_change(work, &held.procedure.case_id, &before, &after)?;
    Ok(timeline)
}

fn record_alone(
    work: &mut Work<'_>,
    held: &mut Held,
    drafts: Vec<Draft>,
    contents: &HashMap<Uuid, RequestContent>,
) -> Result<Option<Timeline>, Error> {
    let stands_when_closed = stands_when_closed(&drafts);
    let timeline = apply(work, held, drafts, contents)?;
    admit_and_save(work, held, timeline.as_ref(), stands_when_closed)?;
    Ok(timeline)
}

/// Whether a closed case takes them.
fn stands_when_closed(drafts: &[Draft]) -> bool {
    let is_late_advice = |draft: &Draft| draft.body.event_type() == EventType::ADVICE_SUBMITTED;
    is_correcting(drafts) || drafts.iter().all(is_late_advice)
}

/// Writes what was applied, unless its case is closed or it may not stand beside another.
fn admit_and_save(
    work: &mut Work<'_>,
    held: &mut Held,
    timeline: Option<&Timeline>,
    stands_when_closed: bool,
) -> Result<(), Error> {
    if !held.was_open() {
        refuse_if_case_closed(work, held, stands_when_closed)?;
    }
    if !held.excluded_another() {
        refuse_beside_another(work, held)?;
    }
    save_procedure(work.connection, held).map_err(|error| other_is_open(work, held, error))?;
    save_entries(work.connection, held, timeline)
}

/// Judges the drafts together with the stream and puts them into it, without writing anything; on a
/// refusal what is held is of no use any more.
///
/// Gives what the stream amounts to now; none if it was opened in error.
pub fn apply(
    work: &Work<'_>,
    held: &mut Held,
    drafts: Vec<Draft>,
    contents: &HashMap<Uuid, RequestContent>,
) -> Result<Option<Timeline>, Error> {
    let faults = day_faults(work, Some(held), &drafts);
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    refuse_void(held, &drafts)?;
    let already_recorded = held.entries.len();
    let last_recorded_at = held.entries.last().map(|entry| entry.recorded_at);
    let recorded_at = last_recorded_at.map_or(work.now, |last| last.max(work.now));
    let fresh: HashSet<Uuid> = drafts.iter().map(|draft| draft.id).collect();
    let touched: HashSet<Uuid> = drafts
        .iter()
        .filter_map(|draft| request_of(&draft.body))
        .collect();
    for (draft, sequence) in drafts.iter().zip(already_recorded as i64 + 1..) {
        held.entries.push(entry_of(draft, sequence, recorded_at));
    }
    let timeline = judge(held, &fresh, &drafts)?;
    update_derived(&mut held.procedure, timeline.as_ref(), &held.settings.readings)?;
    held.procedure.version = held.entries.len() as i64;
    held.procedure.updated_at = work.now.naive_utc();
    held.requests = renewed_requests(
        &held.procedure,
        timeline.as_ref(),
        &held.requests,
        &touched,
        contents,
    )?;
    held.stored
        .notes
        .extend(drafts.into_iter().map(|draft| EntryNote {
            note: draft.note,
            recorded_by: work.principal.subject.clone(),
        }));
    Ok(timeline)
}

/// Writes what was applied to a procedure since it was held: its events, its version, its requests and the
/// difference of its index.
pub fn save(
    connection: &mut AnyConnection,
    held: &mut Held,
    timeline: Option<&Timeline>,
) -> Result<(), Error> {
    save_procedure(connection, held)?;
    save_entries(connection, held, timeline)
}

/// After a `Duplicate` the transaction goes on.
fn save_procedure(connection: &mut AnyConnection, held: &Held) -> Result<(), StoreError> {
    let procedure = &held.procedure;
    match &held.stored.procedure {
        Some(before) if procedure.excludes_another && !before.excludes_another => {
            reopen_procedure(connection, before, procedure)
        }
        Some(before) => update_procedure(connection, before, procedure),
        None => insert_procedure(connection, procedure),
    }
}

fn save_entries(
    connection: &mut AnyConnection,
    held: &mut Held,
    timeline: Option<&Timeline>,
) -> Result<(), Error> {
    let procedure = &held.procedure;
    let indexed = stored_index(connection, held)?;
    let notes = std::mem::take(&mut held.stored.notes);
    let unsaved = &held.entries[held.entries.len() - notes.len()..];
    for (entry, noted) in unsaved.iter().zip(&notes) {
        insert_entry(connection, &procedure.la_code, &procedure.id, entry, noted)?;
    }
    write_requests(connection, &held.stored.requests, &held.requests)?;
    let key = key_of(procedure, held.of_case.caseworker.as_deref());
    let index = index_of(&key, timeline)?;
    write_index(connection, &indexed, &index)?;
    held.stored.procedure = Some(procedure.clone());
    held.stored.requests.clone_from(&held.requests);
    Ok(())
}

/// What the index of a held procedure holds. This engine's own work is computed again, which is quicker than
/// reading it; what other code or readings made is read.
fn stored_index(connection: &mut AnyConnection, held: &Held) -> Result<Index, Error> {
    let readings = &held.settings.readings;
    match &held.stored.procedure {
        None => Ok(Index::default()),
        Some(stored) if stored.fingerprint == fingerprint(readings) => {
            let recorded = &held.entries[..held.entries.len() - held.stored.notes.len()];
            let timeline = derive(stored, recorded, &held.of_case.child, readings, None)?;
            let key = key_of(stored, held.of_case.caseworker.as_deref());
            Ok(index_of(&key, timeline.as_ref())?)
        }
        Some(stored) => Ok(load_index(connection, &stored.id)?),
    }
}

/// What a stream amounts to under the facts and readings given; none if it was opened in error.
pub fn derive(
    procedure: &ProcedureRow,
    entries: &[Entry],
    child: &ChildFacts,
    readings: &Readings,
    as_of: Option<NaiveDate>,
) -> Result<Option<Timeline>, Error> {
    let kind = kind_of(procedure)?;
    let mut events = effective(entries, &HashSet::new());
    sort_events(&mut events);
    let setting = Setting {
        procedure_id: convert::id(&procedure.id)?,
        readings,
        child: Some(child),
    };
    let folded = match as_of {
        Some(as_of) => fold_until(kind, &events, as_of, setting),
        None => fold(kind, &events, setting),
    };
    folded.map_err(|refusal| unfoldable(&refusal))
}

/// Recorded events were judged when they were recorded; a refusal now is a fault of ours.
pub(super) fn unfoldable(refusal: &Refusal) -> Error {
    Error::Store(StoreError::Bug(format!(
        "a recorded stream cannot be folded: {} is refused",
        refusal.event_type.name()
    )))
}

/// Writes again what a stream amounts to, after its facts, readings or code have changed.
pub fn reindex(
    connection: &mut AnyConnection,
    procedure: &ProcedureRow,
    entries: &[Entry],
    child: &ChildFacts,
    readings: &Readings,
) -> Result<(), Error> {
    let timeline = derive(procedure, entries, child, readings, None)?;
    let mut renewed = procedure.clone();
    update_derived(&mut renewed, timeline.as_ref(), readings)?;
    renewed.version = entries.len() as i64;
    update_procedure(connection, procedure, &renewed)?;
    let stored = requests_of_procedure(connection, &renewed.la_code, &renewed.id)?;
    let requests = renewed_requests(
        &renewed,
        timeline.as_ref(),
        &stored,
        &HashSet::new(),
        &HashMap::new(),
    )?;
    write_requests(connection, &stored, &requests)?;
    let indexed = load_index(connection, &renewed.id)?;
    let caseworker = caseworker_of(connection, &renewed.la_code, &renewed.case_id)?;
    let index = index_of(&key_of(&renewed, caseworker.as_deref()), timeline.as_ref())?;
    Ok(write_index(connection, &indexed, &index)?)
}

/// What an index row was computed by: the code of the engine, its rulebook, and the readings.
pub fn fingerprint(readings: &Readings) -> String {
    let mut digest = Sha256::new();
    digest.update(env!("ENGINE_FINGERPRINT"));
    digest.update(format!("{readings:?}"));
    format!("{:x}", digest.finalize())[..16].to_owned()
}

/// Where the index of a procedure is kept.
pub fn key_of(procedure: &ProcedureRow, caseworker: Option<&str>) -> IndexKey {
    IndexKey {
        la_code: procedure.la_code.clone(),
        case_id: procedure.case_id.clone(),
        caseworker: caseworker.map(str::to_owned),
        procedure_id: procedure.id.clone(),
    }
}

/// The kind of a stored procedure.
pub fn kind_of(procedure: &ProcedureRow) -> Result<&'static ProcedureKind, Error> {
    Ok(kind_named(&procedure.kind)?)
}

/// The state of a stored procedure.
pub fn state_of(procedure: &ProcedureRow) -> Result<State, Error> {
    kind_of(procedure)?.state_named(&procedure.state).ok_or_else(|| {
        Error::Store(StoreError::Bug(
            "a stored procedure's state is unknown".to_owned(),
        ))
    })
}

fn entry_of(draft: &Draft, sequence: i64, recorded_at: DateTime<Utc>) -> Entry {
    Entry {
        id: draft.id,
        root_id: draft.root_id.unwrap_or(draft.id),
        sequence,
        occurred_on: draft.occurred_on,
        dates: draft.dates,
        body: draft.body.clone(),
        recorded_at,
        caused_by: draft.caused_by,
    }
}

fn request_of(body: &EntryBody) -> Option<Uuid> {
    match body {
        EntryBody::Fact(Fact::Advice(fact)) => fact.request_id(),
        EntryBody::Fact(Fact::Own(_) | Fact::CaseClosed(_)) | EntryBody::Correction(_) => None,
    }
}

/// Nothing is recorded before it happened or before its procedure opened; service may follow.
///
/// Gives each fault once, however many drafts stand for the same part of the body.
pub fn day_faults(work: &Work<'_>, held: Option<&Held>, drafts: &[Draft]) -> Vec<Fault> {
    let today = work.today();
    let opened_on = held
        .filter(|held| !held.entries.is_empty())
        .map(|held| held.procedure.opened_on);
    let mut faults: Vec<Fault> = Vec::new();
    let mut find = |fault: Fault| {
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    };
    for draft in drafts {
        for (field, date) in days_past(draft) {
            if date > today {
                let pointer = format!("{}/{field}", draft.pointer);
                find(Fault::new(
                    pointer,
                    "in_the_future",
                    "must not be after today in London",
                ));
            }
        }
        let is_correcting = draft.root_id.is_some() || matches!(draft.body, EntryBody::Correction(_));
        let mut days = match &draft.body {
            EntryBody::Fact(Fact::Own(fact)) => fact.days_since_opening(),
            EntryBody::Fact(Fact::Advice(_) | Fact::CaseClosed(_)) | EntryBody::Correction(_) => Vec::new(),
        };
        days.push(("occurred_on".to_owned(), draft.occurred_on));
        days.retain(|(_, date)| !is_correcting && opened_on.is_some_and(|opened_on| *date < opened_on));
        for (field, _) in days {
            find(Fault::new(
                format!("{}/{field}", draft.pointer),
                "before_opening",
                "must not be before the procedure opened",
            ));
        }
    }
    faults
}

/// The days of a draft that say what has happened already, by their fields.
fn days_past(draft: &Draft) -> Vec<(String, NaiveDate)> {
    let LegalDates {
        decided_on,
        sent_on,
        served_on: _,
        received_on,
    } = draft.dates;
    let mut days = vec![("occurred_on".to_owned(), draft.occurred_on)];
    let legal = [
        ("decided_on", decided_on),
        ("sent_on", sent_on),
        ("received_on", received_on),
    ];
    days.extend(
        legal
            .into_iter()
            .filter_map(|(field, date)| Some((field.to_owned(), date?))),
    );
    match &draft.body {
        EntryBody::Fact(Fact::Own(fact)) => days.extend(fact.days_past()),
        EntryBody::Fact(Fact::Advice(AdviceFact::AdviceAppointment {
            held_on: Some(held_on),
            ..
        })) => {
            days.push(("held_on".to_owned(), *held_on));
        }
        EntryBody::Fact(Fact::Advice(AdviceFact::ExistingAdviceAgreed { dated_on, .. })) => {
            days.push(("dated_on".to_owned(), *dated_on));
        }
        EntryBody::Fact(Fact::Advice(_) | Fact::CaseClosed(_)) | EntryBody::Correction(_) => {}
    }
    days
}

fn is_correcting(drafts: &[Draft]) -> bool {
    drafts
        .iter()
        .any(|draft| matches!(draft.body, EntryBody::Correction(_)))
}

/// Nothing but a correction touches a procedure that was opened in error.
fn refuse_void(held: &Held, drafts: &[Draft]) -> Result<(), Error> {
    let is_void = !held.is_new() && effective(&held.entries, &HashSet::new()).is_empty();
    match drafts.first() {
        Some(draft) if is_void && !is_correcting(drafts) => {
            let state = Some(held.kind.void());
            Err(Error::Refused(Box::new(Refused {
                refusal: Refusal {
                    event_id: draft.id,
                    event_type: draft.body.event_type(),
                    occurred_on: draft.occurred_on,
                    state,
                    reason: Reason::NotPermitted,
                },
                state,
                permitted: held.kind.permitted_types(state),
                pointer: pointer_of(draft),
                rules_out_recorded: false,
                follows_on: None,
            })))
        }
        Some(_) | None => Ok(()),
    }
}

/// What was not open does not go on when its case is closed; a closed case still takes corrections, and
/// advice that comes late.
fn refuse_if_case_closed(work: &mut Work<'_>, held: &Held, stands_when_closed: bool) -> Result<(), Error> {
    let (root, case_id) = (work.whole(), &held.procedure.case_id);
    if held.procedure.is_open || !stands_when_closed {
        let case = find_case(work.connection, &root, convert::id(case_id)?)?;
        if case.closed_on.is_some() {
            return Err(Error::CaseClosed);
        }
    }
    Ok(())
}

/// What did not exclude another does not come to do so while there is one.
fn refuse_beside_another(work: &mut Work<'_>, held: &Held) -> Result<(), Error> {
    if !held.procedure.excludes_another {
        return Ok(());
    }
    match excluded_beside(work, held)? {
        Some(procedure_id) => Err(Error::AlreadyOpen { procedure_id }),
        None => Ok(()),
    }
}

/// The other procedure of the kind on the case beside which it may not stand.
fn excluded_beside(work: &mut Work<'_>, held: &Held) -> Result<Option<Uuid>, Error> {
    let (la_code, case_id) = (work.la_code(), &held.procedure.case_id);
    let others = procedures_of_case(work.connection, &la_code, case_id)?;
    let is_other = |other: &&ProcedureRow| {
        other.excludes_another && other.kind == held.procedure.kind && other.id != held.procedure.id
    };
    let other = others.iter().find(is_other);
    Ok(other.map(|other| convert::id(&other.id)).transpose()?)
}

/// Names the procedure that opened, or opened again, between the question for it and the index that refused.
fn other_is_open(work: &mut Work<'_>, held: &Held, error: StoreError) -> Error {
    let StoreError::Duplicate(_) = &error else {
        return error.into();
    };
    match excluded_beside(work, held) {
        Ok(Some(procedure_id)) => Error::AlreadyOpen { procedure_id },
        Ok(None) => error.into(),
        Err(other) => other,
    }
}

/// The part of the body that a refused draft was made from: the type of its event, where it has one.
fn pointer_of(draft: &Draft) -> String {
    match draft.body {
        EntryBody::Fact(Fact::Own(_)) => format!("{}/type", draft.pointer),
        EntryBody::Fact(Fact::Advice(_)) if draft.root_id.is_some() => format!("{}/type", draft.pointer),
        EntryBody::Fact(Fact::Advice(_) | Fact::CaseClosed(_)) => draft.pointer.clone(),
        EntryBody::Correction(_) => format!("{}/changes", draft.pointer),
    }
}

fn judge(held: &Held, fresh: &HashSet<Uuid>, drafts: &[Draft]) -> Result<Option<Timeline>, Error> {
    let mut events = effective(&held.entries, fresh);
    sort_events(&mut events);
    let setting = Setting {
        procedure_id: convert::id(&held.procedure.id)?,
        readings: &held.settings.readings,
        child: Some(&held.of_case.child),
    };
    fold(held.kind, &events, setting)
        .map_err(|refusal| Error::Refused(Box::new(refused(refusal, held.kind, &events, setting, drafts))))
}

/// Names the state on the day of what was to be recorded, which is not always where the fold broke.
fn refused(
    refusal: Refusal,
    kind: &'static ProcedureKind,
    events: &[Event],
    setting: Setting<'_>,
    drafts: &[Draft],
) -> Refused {
    let broken = drafts.iter().find(|draft| draft.id == refusal.event_id);
    let state = match broken {
        Some(_) => refusal.state,
        None => {
            let before_fresh = events.iter().position(|event| event.fresh).unwrap_or(0);
            fold(kind, &events[..before_fresh], setting)
                .ok()
                .flatten()
                .map(|timeline| timeline.state)
        }
    };
    Refused {
        state,
        permitted: kind.permitted_types(state),
        pointer: broken.or(drafts.first()).map(pointer_of).unwrap_or_default(),
        rules_out_recorded: broken.is_none(),
        follows_on: None,
        refusal,
    }
}

/// Sets the columns of a procedure that the engine decides.
pub fn update_derived(
    procedure: &mut ProcedureRow,
    timeline: Option<&Timeline>,
    readings: &Readings,
) -> Result<(), Error> {
    let state = match timeline {
        Some(timeline) => timeline.state,
        None => kind_of(procedure)?.void(),
    };
    procedure.state = state.name().to_owned();
    procedure.is_open = state.is_open();
    procedure.excludes_another = state.excludes_another();
    procedure.opened_on = timeline.map_or(procedure.opened_on, |timeline| timeline.opened_on);
    procedure.rests_from_on = timeline.and_then(rests_from_on);
    procedure.fingerprint = fingerprint(readings);
    Ok(())
}
