//! What a procedure is to everything outside its own file: a name, states, types of event, rules, and
//! the function that applies one event.
//!
//! A procedure's file implements [`Procedure`] for its own states and facts, exhaustively matched there;
//! [`ProcedureKind`] is the same without those types, so that the service, the store and the API need
//! not know which one they hold. No law and no transition stands here.

use std::any::Any;
use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::openapi::schema::{Schema, Type};
use utoipa::openapi::{ObjectBuilder, RefOr};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::PROCEDURES;
use super::advice::{AdviceFact, AdviceFor};
use super::event::{Event, LegalDates};
use super::timeline::{Ledger, Reason, Refusal, Setting, Timeline, fold_as};
use crate::statute::rulebook::{ClockKind, Rule};

/// Where a procedure stands, in the words of its own file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct State {
    name: &'static str,
    is_open: bool,
    excludes_another: bool,
    place: u8,
}

impl State {
    /// A state by its name, whether something is still to be done in it, and its place among the states
    /// of its procedure. While it is open, no other of its kind may be open on the case.
    pub const fn new(name: &'static str, is_open: bool, place: u8) -> State {
        State {
            name,
            is_open,
            excludes_another: is_open,
            place,
        }
    }

    /// The same state beside which another of its kind may be open on the case.
    pub const fn beside_another(self) -> State {
        State {
            excludes_another: false,
            ..self
        }
    }

    /// The name used in the API and in stores.
    pub fn name(self) -> &'static str {
        self.name
    }

    pub fn is_open(self) -> bool {
        self.is_open
    }

    /// Whether no other of its kind may be open on the case.
    pub fn excludes_another(self) -> bool {
        self.excludes_another
    }

    /// Every procedure has a state of this name, for a case that was closed.
    fn is_closed(self) -> bool {
        self.name == "closed"
    }

    /// Every procedure has a state of this name, for one that was opened in error.
    fn is_void(self) -> bool {
        self.name == "void"
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

impl PartialSchema for State {
    fn schema() -> RefOr<Schema> {
        let mut names: Vec<&str> = Vec::new();
        for state in PROCEDURES.iter().flat_map(|kind| kind.states) {
            if !names.contains(&state.name) {
                names.push(state.name);
            }
        }
        names_schema("Where a procedure stands: the states of all of them.", names)
    }
}

impl ToSchema for State {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ProcedureState")
    }
}

/// Some states of one procedure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct States(u32);

impl States {
    pub const NONE: States = States(0);
    /// Before the procedure has opened.
    pub const BEFORE_OPENING: States = States(1 << 31);

    /// These and one more, by its place.
    pub const fn with(self, place: u8) -> States {
        States(self.0 | 1 << place)
    }

    /// These and those.
    pub const fn and(self, others: States) -> States {
        States(self.0 | others.0)
    }

    fn includes_before_opening(self) -> bool {
        self.0 & States::BEFORE_OPENING.0 != 0
    }

    fn hold(self, state: Option<State>) -> bool {
        match state {
            Some(state) => self.0 & (1 << state.place) != 0,
            None => self.includes_before_opening(),
        }
    }
}

/// When an event of a type may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permitted {
    /// In these states of the one procedure that has it.
    In(States),
    /// Where the procedure seeks advice.
    WhereAdviceIsSought,
    /// Where the procedure still takes advice that was sought.
    WhereAdviceIsTaken,
    /// Until the case was closed once.
    UntilClosed,
    /// It is never folded.
    Never,
}

/// What is said of a type of event in one place.
#[derive(Debug)]
pub struct EventRow {
    /// The name used in the API and in stores.
    pub name: &'static str,
    /// Where it stands among the events of one day. Acts on advice share a rank, since a submission, its
    /// return and the next submission may all fall on one day; the order of recording then decides.
    pub rank: u8,
    /// The fields it must have beside its type and day.
    pub required: &'static [&'static str],
    pub permitted: Permitted,
    /// Whether it may make something happen on another procedure of the case.
    pub leads_on: bool,
    /// Whether it is the authority's own act or one between it and others, of which the family is not told.
    pub is_internal: bool,
    pub made_by: MadeBy,
}

/// How events of a type come to be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MadeBy {
    /// Whoever may record on the procedure records them.
    Anybody,
    /// They follow from an event on another procedure of the case, and are recorded in no other way.
    Consequence,
    /// The same, where a clock of this kind runs.
    ConsequenceFor(ClockKind),
}

impl EventRow {
    /// A row of one procedure's own.
    pub const fn own(
        name: &'static str,
        rank: u8,
        required: &'static [&'static str],
        permitted_in: States,
    ) -> EventRow {
        EventRow {
            name,
            rank,
            required,
            permitted: Permitted::In(permitted_in),
            leads_on: false,
            is_internal: false,
            made_by: MadeBy::Anybody,
        }
    }

    /// The same row for a type that only follows from an event on another procedure of the case.
    pub const fn following(self) -> EventRow {
        EventRow {
            made_by: MadeBy::Consequence,
            ..self
        }
    }

    /// The same, for one that happens only where a clock of this kind runs.
    pub const fn following_for(self, kind: ClockKind) -> EventRow {
        EventRow {
            made_by: MadeBy::ConsequenceFor(kind),
            ..self
        }
    }

    /// The same row for a type that may make something happen on another procedure of the case.
    pub const fn leading_on(self) -> EventRow {
        EventRow {
            leads_on: true,
            ..self
        }
    }

    /// The same row for a type of which the family is not told.
    pub const fn internal(self) -> EventRow {
        EventRow {
            is_internal: true,
            ..self
        }
    }
}

/// A type of event, of one procedure or of all.
#[derive(Clone, Copy)]
pub struct EventType(&'static EventRow);

impl EventType {
    pub const fn of(row: &'static EventRow) -> EventType {
        EventType(row)
    }

    /// The name used in the API and in stores.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    pub fn rank(self) -> u8 {
        self.0.rank
    }

    /// The fields it must have beside its type and day.
    pub fn required_fields(self) -> &'static [&'static str] {
        self.0.required
    }

    /// Whether procedures begin with it.
    pub fn opens(self) -> bool {
        match self.0.permitted {
            Permitted::In(states) => states.includes_before_opening(),
            Permitted::WhereAdviceIsSought
            | Permitted::WhereAdviceIsTaken
            | Permitted::UntilClosed
            | Permitted::Never => false,
        }
    }

    /// Whether it may make something happen on another procedure of the case.
    pub fn leads_on(self) -> bool {
        self.0.leads_on
    }

    /// Whether it is the authority's own act or one between it and others, of which the family is not told.
    pub fn is_internal(self) -> bool {
        self.0.is_internal
    }

    /// Whether it only follows from an event on another procedure of the case, so that nobody records it.
    pub fn only_follows(self) -> bool {
        match self.0.made_by {
            MadeBy::Anybody => false,
            MadeBy::Consequence | MadeBy::ConsequenceFor(_) => true,
        }
    }

    /// The kind of clock that has to run where it follows, if one has to.
    pub fn follows_for(self) -> Option<ClockKind> {
        match self.0.made_by {
            MadeBy::ConsequenceFor(kind) => Some(kind),
            MadeBy::Anybody | MadeBy::Consequence => None,
        }
    }

    /// Every type of every procedure: their own in turn, then what all of them have.
    pub fn all() -> Vec<EventType> {
        let own = PROCEDURES.iter().flat_map(|kind| kind.event_types);
        let shared = AdviceFact::EVENT_TYPES
            .iter()
            .chain(&[EventType::CASE_CLOSED, EventType::CORRECTION]);
        let mut types: Vec<EventType> = Vec::new();
        for event_type in own.chain(shared) {
            if !types.contains(event_type) {
                types.push(*event_type);
            }
        }
        types
    }
}

impl PartialEq for EventType {
    fn eq(&self, other: &EventType) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for EventType {}

impl Debug for EventType {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.0.name)
    }
}

impl Serialize for EventType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name)
    }
}

impl PartialSchema for EventType {
    fn schema() -> RefOr<Schema> {
        let names: Vec<&str> = EventType::all().into_iter().map(EventType::name).collect();
        names_schema("Every type of event, of every procedure.", names)
    }
}

impl ToSchema for EventType {}

/// The schema of a closed list of names.
pub fn names_schema<'n>(description: &str, names: impl IntoIterator<Item = &'n str>) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .enum_values(Some(names))
        .into()
}

/// What can happen in one procedure, as its own file writes it down.
pub trait ProcedureFact: Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    fn event_type(&self) -> EventType;

    /// What happened, as a clause that a day can follow: `the final plan was sent`. Nothing in it is free text,
    /// a name or a reason.
    fn in_words(&self) -> String;

    /// The days it says have passed, beside those that every event has, by their fields.
    fn days_past(&self) -> Vec<(String, NaiveDate)> {
        Vec::new()
    }

    /// The days it names that may lie ahead, and not before the procedure opened, by their fields.
    fn days_since_opening(&self) -> Vec<(String, NaiveDate)> {
        Vec::new()
    }

    /// The organisations it names, by their fields.
    fn organisations(&self) -> Vec<(String, Uuid)> {
        Vec::new()
    }
}

/// A [`ProcedureFact`] without its type.
trait AnyFact: Any + Debug + Send + Sync {
    fn event_type(&self) -> EventType;
    fn in_words(&self) -> String;
    fn days_past(&self) -> Vec<(String, NaiveDate)>;
    fn days_since_opening(&self) -> Vec<(String, NaiveDate)>;
    fn organisations(&self) -> Vec<(String, Uuid)>;
    fn equals(&self, other: &dyn AnyFact) -> bool;
    fn to_value(&self) -> serde_json::Result<serde_json::Value>;
    fn to_kept(&self, dates: LegalDates, caused_by: Option<Uuid>) -> serde_json::Result<String>;
}

impl<F: ProcedureFact> AnyFact for F {
    fn event_type(&self) -> EventType {
        ProcedureFact::event_type(self)
    }

    fn in_words(&self) -> String {
        ProcedureFact::in_words(self)
    }

    fn days_past(&self) -> Vec<(String, NaiveDate)> {
        ProcedureFact::days_past(self)
    }

    fn days_since_opening(&self) -> Vec<(String, NaiveDate)> {
        ProcedureFact::days_since_opening(self)
    }

    fn organisations(&self) -> Vec<(String, Uuid)> {
        ProcedureFact::organisations(self)
    }

    fn equals(&self, other: &dyn AnyFact) -> bool {
        (other as &dyn Any).downcast_ref::<F>() == Some(self)
    }

    fn to_value(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::to_value(self)
    }

    fn to_kept(&self, dates: LegalDates, caused_by: Option<Uuid>) -> serde_json::Result<String> {
        serde_json::to_string(&Kept {
            dates,
            caused_by,
            fact: self,
        })
    }
}

/// A fact that one procedure's own file knows; copies share it.
#[derive(Debug, Clone)]
pub struct OwnFact(Arc<dyn AnyFact>);

impl OwnFact {
    pub fn new<F: ProcedureFact>(fact: F) -> OwnFact {
        OwnFact(Arc::new(fact))
    }

    /// The fact, if it is of this type.
    pub fn of<F: ProcedureFact>(&self) -> Option<&F> {
        (self.0.as_ref() as &dyn Any).downcast_ref()
    }

    pub fn event_type(&self) -> EventType {
        self.0.event_type()
    }

    /// What happened, as a clause that a day can follow.
    pub fn in_words(&self) -> String {
        self.0.in_words()
    }

    /// The days it says have passed, beside those that every event has, by their fields.
    pub fn days_past(&self) -> Vec<(String, NaiveDate)> {
        self.0.days_past()
    }

    /// The days it names that may lie ahead, and not before the procedure opened, by their fields.
    pub fn days_since_opening(&self) -> Vec<(String, NaiveDate)> {
        self.0.days_since_opening()
    }

    /// The organisations it names, by their fields.
    pub fn organisations(&self) -> Vec<(String, Uuid)> {
        self.0.organisations()
    }

    /// The fact as the API shows it.
    pub fn to_value(&self) -> serde_json::Result<serde_json::Value> {
        self.0.to_value()
    }

    /// The fact, with its dates and what made it happen, as stores keep it.
    pub fn to_kept(&self, dates: LegalDates, caused_by: Option<Uuid>) -> serde_json::Result<String> {
        self.0.to_kept(dates, caused_by)
    }
}

impl PartialEq for OwnFact {
    fn eq(&self, other: &OwnFact) -> bool {
        self.0.equals(other.0.as_ref())
    }
}

impl Eq for OwnFact {}

/// A fact as stores keep it, with the dates beside the day of the act and what made it happen.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept<T> {
    #[serde(default, skip_serializing_if = "is_default")]
    pub dates: LegalDates,
    /// The event on another procedure that made it happen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caused_by: Option<Uuid>,
    pub fact: T,
}

impl<T> Kept<T> {
    /// The same about what becomes of its fact.
    pub fn map<U>(self, of: impl FnOnce(T) -> U) -> Kept<U> {
        Kept {
            dates: self.dates,
            caused_by: self.caused_by,
            fact: of(self.fact),
        }
    }
}

fn is_default(dates: &LegalDates) -> bool {
    *dates == LegalDates::default()
}

/// One procedure, in its own types.
pub trait Procedure: 'static {
    /// The name used in the API and in stores.
    const NAME: &'static str;
    type State: Copy + Into<State>;
    type Fact: ProcedureFact;
    /// Every state, in the order a procedure meets them.
    const STATES: &'static [State];
    /// The events that may be recorded on it as such, in the order in which they are shown.
    const EVENT_TYPES: &'static [EventType];
    /// The time limits that run on it.
    const RULES: &'static [Rule];
    /// What advice is sought for, where it is.
    const ADVICE_FOR: Option<AdviceFor> = None;
    /// Where advice may be asked for and acted on.
    const ADVICE_SOUGHT_IN: States;
    /// Where advice may still come in.
    const ADVICE_TAKEN_IN: States;
    /// Where it is over and something may still be owed.
    const OUTLASTS_IN: States;
    /// The case was closed while the procedure was open.
    const CLOSED: Self::State;

    /// Applies a fact that the state permits: reports its marks and gives the next state, or says why not.
    fn apply(
        state: Option<Self::State>,
        fact: &Self::Fact,
        event: &Event,
        ledger: &mut Ledger<'_>,
    ) -> Result<Self::State, Reason>;
}

/// One procedure without its types.
pub struct ProcedureKind {
    /// The name used in the API and in stores.
    pub name: &'static str,
    pub states: &'static [State],
    /// The events that may be recorded on it as such, in the order in which they are shown.
    pub event_types: &'static [EventType],
    pub rules: &'static [Rule],
    /// What advice is sought for, where it is.
    pub advice_for: Option<AdviceFor>,
    advice_sought_in: States,
    advice_taken_in: States,
    outlasts_in: States,
    pub(super) fold: fn(&[Event], Setting<'_>) -> Result<Option<Timeline>, Refusal>,
    read: fn(&str) -> serde_json::Result<Kept<OwnFact>>,
    given: fn(serde_json::Value) -> serde_json::Result<OwnFact>,
}

impl ProcedureKind {
    pub const fn of<P: Procedure>() -> ProcedureKind {
        ProcedureKind {
            name: P::NAME,
            states: P::STATES,
            event_types: P::EVENT_TYPES,
            rules: P::RULES,
            advice_for: P::ADVICE_FOR,
            advice_sought_in: P::ADVICE_SOUGHT_IN,
            advice_taken_in: P::ADVICE_TAKEN_IN,
            outlasts_in: P::OUTLASTS_IN,
            fold: fold_as::<P>,
            read: read_as::<P::Fact>,
            given: given_as::<P::Fact>,
        }
    }

    /// The procedure of a stored or given name.
    pub fn named(name: &str) -> Option<&'static ProcedureKind> {
        PROCEDURES.into_iter().find(|kind| kind.name == name)
    }

    /// The state of a stored or given name.
    pub fn state_named(&self, name: &str) -> Option<State> {
        self.states.iter().copied().find(|state| state.name == name)
    }

    /// The state of one that was opened in error.
    pub fn void(&self) -> State {
        let void = self.states.iter().copied().find(|state| state.is_void());
        void.unwrap_or(State::new("void", false, 0))
    }

    /// Whether something may still be owed in a state in which it is over.
    pub fn outlasts(&self, state: State) -> bool {
        self.outlasts_in.hold(Some(state))
    }

    /// Whether an event of a type may happen in a state; before the opening there is none.
    pub fn permits(&self, state: Option<State>, event_type: EventType) -> bool {
        permits(self.advice_sought_in, self.advice_taken_in, state, event_type)
    }

    /// The event types that may be recorded in a state.
    pub fn permitted_types(&self, state: Option<State>) -> Vec<EventType> {
        let own = self.event_types.iter().copied();
        own.filter(|event_type| !event_type.only_follows() && self.permits(state, *event_type))
            .collect()
    }

    /// A fact of this procedure's own, as clients send it: its type and its fields.
    pub fn given(&self, fact: serde_json::Value) -> serde_json::Result<OwnFact> {
        (self.given)(fact)
    }

    /// A fact of this procedure's own, as stores keep it.
    pub fn read(&self, kept: &str) -> serde_json::Result<Kept<OwnFact>> {
        (self.read)(kept)
    }
}

impl PartialEq for ProcedureKind {
    fn eq(&self, other: &ProcedureKind) -> bool {
        self.name == other.name
    }
}

impl Eq for ProcedureKind {}

impl Debug for ProcedureKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name)
    }
}

/// Whether an event of a type may happen in a state of a procedure that seeks and takes advice in these.
pub(super) fn permits(
    advice_sought_in: States,
    advice_taken_in: States,
    state: Option<State>,
    event_type: EventType,
) -> bool {
    match event_type.0.permitted {
        Permitted::In(states) => states.hold(state),
        Permitted::WhereAdviceIsSought => state.is_some() && advice_sought_in.hold(state),
        Permitted::WhereAdviceIsTaken => state.is_some() && advice_taken_in.hold(state),
        Permitted::UntilClosed => state.is_some_and(|state| !state.is_closed() && !state.is_void()),
        Permitted::Never => false,
    }
}

fn given_as<F: ProcedureFact>(fact: serde_json::Value) -> serde_json::Result<OwnFact> {
    serde_json::from_value::<F>(fact).map(OwnFact::new)
}

fn read_as<F: ProcedureFact>(kept: &str) -> serde_json::Result<Kept<OwnFact>> {
    let kept: Kept<F> = serde_json::from_str(kept)?;
    Ok(kept.map(OwnFact::new))
}
