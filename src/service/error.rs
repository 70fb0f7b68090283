//! How a use case says no. One mapping in `http` turns each into a problem.

use std::borrow::Cow;

use uuid::Uuid;

use super::disposal_list::DisposalListState;
use crate::casework::advice::AdviceState;
use crate::casework::procedure::{EventType, State};
use crate::casework::timeline::Refusal;
use crate::store::StoreError;

/// Something in the content of a request that only the use case can judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// A JSON pointer into the body.
    pub pointer: String,
    pub code: Cow<'static, str>,
    /// What is expected; never what was sent.
    pub message: String,
}

impl Fault {
    pub fn new(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Fault {
        Fault {
            pointer: pointer.into(),
            code: Cow::Borrowed(code),
            message: message.into(),
        }
    }
}

/// Why a use case did not do what was asked. Nothing was written.
#[derive(Debug, Clone, PartialEq)]
pub enum Error {
    Store(StoreError),
    /// It does not exist for whoever asks.
    NotFound,
    /// The content has faults.
    Invalid(Vec<Fault>),
    /// A parameter of the question does not fit what it asks about.
    Question(Fault),
    /// The version given is not the current one.
    Stale {
        current_version: i64,
    },
    /// An event cannot stand.
    Refused(Box<Refused>),
    /// An act on a request cannot stand, for the organisation that was asked: of the procedure it is told nothing.
    ActRefused {
        act: EventType,
        request_state: AdviceState,
        permitted_acts: &'static [EventType],
    },
    /// The case has an open procedure of the kind.
    AlreadyOpen {
        procedure_id: Uuid,
    },
    /// The case has no review that is open.
    NoOpenReview,
    /// Several reviews of the case are open, and each could be meant.
    SeveralOpenReviews {
        review_ids: Vec<String>,
    },
    /// Something else holds what has to be unique.
    Duplicate {
        what: &'static str,
        existing_id: Option<String>,
    },
    /// What it opened has gone on since: that would have to be corrected first.
    GoneOn {
        procedure_id: Uuid,
    },
    /// It follows from an event on another procedure of the case, and goes with that.
    FollowsFromAnother {
        caused_by: Uuid,
        procedure_id: Option<String>,
        /// Where in the body it was to go.
        pointer: String,
    },
    /// The plan takes no further versions.
    PlanEnded {
        state: State,
    },
    /// A version of the plan was not written from the newest.
    VersionOutdated {
        newest: i64,
    },
    /// As many secrets of the system are good as may be.
    TooManySecrets,
    /// The system that asks is shut out, or no longer granted what its token says.
    ShutOut,
    /// The case is closed.
    CaseClosed,
    /// The case is sealed already.
    AlreadySealed,
    /// The case is open to whoever asks by a broken glass alone.
    BrokenGlassOnly,
    /// Who broke the glass does not review it.
    OwnReading,
    /// No case is due to be disposed of.
    NothingDue,
    /// Who made a list of cases to dispose of does not review it.
    OwnList,
    /// A list of cases to dispose of has come less far, or further.
    DisposalListState {
        state: DisposalListState,
    },
    /// The idempotency key stands for another request.
    KeyReused,
    /// The idempotency key stands for a request that is still being worked on.
    KeyInFlight,
}

/// An event that cannot stand, with what could.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    pub refusal: Refusal,
    /// The state on the day of what was to be recorded.
    pub state: Option<State>,
    pub permitted: Vec<EventType>,
    /// Where in the body the event stands that was refused.
    pub pointer: String,
    /// Whether the refused event is not the new one, but one on record that the new one rules out.
    pub rules_out_recorded: bool,
    /// The other procedure of the case that it would have happened on, as what follows from the event that was
    /// sent.
    pub follows_on: Option<Uuid>,
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Error {
        match error {
            StoreError::NotFound => Error::NotFound,
            other => Error::Store(other),
        }
    }
}
