//! The one mapping from what a use case says no with to the problem a client reads.

use serde_json::json;

use super::extractor::invalid_token;
use super::problem::{Code, Fault, Problem};
use super::procedures::permitted_events;
use crate::casework::advice::AdviceState;
use crate::casework::procedure::EventType;
use crate::casework::timeline::{Reason, Refusal};
use crate::service::error::Refused;
use crate::service::{self, Error};
use crate::statute::calendar::in_words;
use crate::store::StoreError;

impl From<service::Fault> for Fault {
    fn from(fault: service::Fault) -> Fault {
        Fault {
            pointer: fault.pointer,
            code: fault.code,
            message: fault.message,
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::Store(store) => of_store(&store),
            Error::NotFound => Problem::not_found(),
            Error::Invalid(faults) => Problem::invalid_content(faults.into_iter().map(Fault::from).collect()),
            Error::Question(fault) => Problem::new(Code::InvalidQuery).with_faults(vec![fault.into()]),
            Error::Stale { current_version } => {
                Problem::new(Code::StaleVersion).with_member("current_version", current_version)
            }
            Error::Refused(refused) => of_refused(&refused),
            Error::ActRefused {
                act,
                request_state,
                permitted_acts,
            } => of_act(act, request_state, permitted_acts),
            Error::AlreadyOpen { procedure_id } => {
                Problem::new(Code::AlreadyOpen).with_member("existing_id", procedure_id.to_string())
            }
            Error::NoOpenReview => Problem::new(Code::NoOpenReview),
            Error::SeveralOpenReviews { review_ids } => {
                Problem::new(Code::SeveralOpenReviews).with_member("review_ids", review_ids)
            }
            Error::Duplicate { what, existing_id } => {
                let problem = Problem::new(Code::Duplicate)
                    .with_detail(format!("There is one with the same {what} already."));
                match existing_id {
                    Some(id) => problem.with_member("existing_id", id),
                    None => problem,
                }
            }
            Error::GoneOn { procedure_id } => {
                Problem::new(Code::GoneOn).with_member("existing_id", procedure_id.to_string())
            }
            Error::FollowsFromAnother {
                caused_by,
                procedure_id,
                pointer,
            } => {
                let code = Code::FollowsFromAnother;
                Problem::new(code)
                    .with_faults(vec![Fault::new(pointer, code.name(), code.row().meaning)])
                    .with_member("caused_by", caused_by.to_string())
                    .with_member("procedure_id", procedure_id)
            }
            Error::PlanEnded { state } => Problem::new(Code::PlanEnded).with_member("state", json!(state)),
            Error::VersionOutdated { newest } => {
                Problem::new(Code::VersionOutdated).with_member("newest_version", newest)
            }
            Error::TooManySecrets => Problem::new(Code::TooManySecrets),
            Error::ShutOut => invalid_token("client_shut_out"),
            Error::CaseClosed => Problem::new(Code::CaseClosed),
            Error::AlreadySealed => Problem::new(Code::AlreadySealed),
            Error::BrokenGlassOnly => Problem::new(Code::BrokenGlassOnly),
            Error::OwnReading => Problem::new(Code::OwnReading),
            Error::NothingDue => Problem::new(Code::NothingDue),
            Error::OwnList => Problem::new(Code::OwnList),
            Error::DisposalListState { state } => {
                Problem::new(Code::DisposalListState).with_member("state", json!(state))
            }
            Error::KeyReused => Problem::new(Code::IdempotencyKeyReused),
            Error::KeyInFlight => Problem::new(Code::IdempotencyInFlight),
        }
    }
}

fn of_store(error: &StoreError) -> Problem {
    match error {
        StoreError::NotFound => Problem::not_found(),
        StoreError::Unavailable { trouble, reason } => Problem::new(Code::Unavailable)
            .with_member("reason", trouble.name())
            .with_cause(reason.clone()),
        StoreError::OutcomeUnknown { reason } => Problem::new(Code::OutcomeUnknown)
            .with_member("reason", Code::OutcomeUnknown.name())
            .with_cause(reason.clone()),
        // Every uniqueness that users rely on has its own refusal; what is left is a race or a bug.
        StoreError::Duplicate(index) => Problem::new(Code::Duplicate).with_cause(index.clone()),
        StoreError::Stale => Problem::new(Code::StaleVersion),
        StoreError::Bug(_) => Problem::internal(error),
    }
}

fn of_act(act: EventType, request_state: AdviceState, permitted_acts: &[EventType]) -> Problem {
    let (act, state) = (act.name(), request_state.name());
    let detail = if permitted_acts.is_empty() {
        format!("Nothing fits this request any more, which is {state}.")
    } else {
        format!("{act} does not fit a request that is {state}.")
    };
    Problem::new(Code::EventNotPermitted)
        .with_detail(detail.clone())
        .with_faults(vec![Fault::new("", Code::EventNotPermitted.name(), detail)])
        .with_member("request_state", json!(request_state))
        .with_member("permitted_acts", json!(permitted_acts))
}

fn of_refused(refused: &Refused) -> Problem {
    let refusal = &refused.refusal;
    let code = match refusal.reason {
        Reason::PlanNotReady { .. } => Code::PlanNotReady,
        Reason::NotPermitted
        | Reason::NotAnOpening
        | Reason::ConsultationRepeated
        | Reason::ConsultationUnknown
        | Reason::AppealStillPossible { .. }
        | Reason::AdviceActNotPermitted { .. } => Code::EventNotPermitted,
    };
    let detail = if refused.rules_out_recorded {
        format!(
            "It would make an event on record impossible: {} on {}. {}",
            refusal.event_type.name(),
            in_words(refusal.occurred_on),
            in_sentences(refusal)
        )
    } else {
        in_sentences(refusal)
    };
    let detail = match refused.follows_on {
        Some(_) => format!("It leads to an event on another procedure of the case. There: {detail}"),
        None => detail,
    };
    let problem = Problem::new(code)
        .with_detail(detail.clone())
        .with_faults(vec![Fault::new(refused.pointer.clone(), code.name(), detail)])
        .with_member("state", json!(refused.state))
        .with_member(
            "permitted_events",
            json!(permitted_events(refused.permitted.clone())),
        );
    let problem = match refused.follows_on {
        Some(procedure_id) => problem.with_member("procedure_id", procedure_id.to_string()),
        None => problem,
    };
    match &refusal.reason {
        Reason::PlanNotReady {
            window_ends_on,
            outstanding,
        } => problem
            .with_member("window_ends_on", json!(window_ends_on))
            .with_member("outstanding_advice", json!(outstanding)),
        Reason::AdviceActNotPermitted { request_state } => problem
            .with_member("request_state", json!(request_state))
            .with_member(
                "permitted_acts",
                json!(request_state.map(|state| state.permitted_acts())),
            ),
        Reason::AppealStillPossible { kept_until_on } => {
            problem.with_member("kept_until_on", json!(kept_until_on))
        }
        Reason::NotPermitted
        | Reason::NotAnOpening
        | Reason::ConsultationRepeated
        | Reason::ConsultationUnknown => problem,
    }
}

/// Why an event cannot stand, in words.
pub fn in_sentences(refusal: &Refusal) -> String {
    let event = refusal.event_type.name();
    let day = in_words(refusal.occurred_on);
    let state = refusal.state.map_or("not opened", |state| state.name());
    match &refusal.reason {
        Reason::NotPermitted => format!("{event} is not permitted on {day}, when the state was {state}."),
        Reason::NotAnOpening => {
            format!("{event} on {day} cannot come first: a procedure starts with the event that opens it.")
        }
        Reason::PlanNotReady {
            window_ends_on,
            outstanding,
        } => {
            let mut sentences = Vec::new();
            if let Some(ends_on) = window_ends_on {
                sentences.push(format!(
                    "The family's window runs to the end of {}: give its waiver, or set \
                     sent_early_acknowledged.",
                    in_words(*ends_on)
                ));
            }
            if !outstanding.is_empty() {
                let names: Vec<&str> = outstanding.iter().map(|requirement| requirement.name()).collect();
                sentences.push(format!(
                    "Required advice is outstanding ({}): give missing_advice_reason.",
                    names.join(", ")
                ));
            }
            sentences.join(" ")
        }
        Reason::AppealStillPossible { kept_until_on } => format!(
            "The plan is kept to the end of {}, while an appeal against ceasing it can be made: if one was \
             finally determined, give appeal_determined_on.",
            in_words(*kept_until_on)
        ),
        Reason::ConsultationRepeated => "A consultation with this consultation_id is on record.".to_owned(),
        Reason::ConsultationUnknown => {
            "No consultation with this consultation_id, and of this setting if one is named, is on record."
                .to_owned()
        }
        Reason::AdviceActNotPermitted {
            request_state: Some(state),
        } => {
            format!(
                "{event} does not fit a request that is {} on {day}.",
                state.name()
            )
        }
        Reason::AdviceActNotPermitted { request_state: None } => {
            format!("{event} on {day} does not fit: its request is not on record by then, or twice.")
        }
    }
}
