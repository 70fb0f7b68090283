//! Streams written by hand: short words for facts, and a story that puts them on days.

use chrono::NaiveDate;
use uuid::Uuid;

use crate::casework::advice::{AdviceFact, AppointmentOutcome, DeclinationGround, ReturnReason};
use crate::casework::assessment::*;
use crate::casework::attendance::{Attended, Invited};
use crate::casework::child::ChildFacts;
use crate::casework::claim::{AuthorityGround, ExceptionClaimed};
use crate::casework::event::{Event, Fact, LegalDates};
use crate::casework::flag::Flag;
use crate::casework::place::{PlaceAwaited, PlaceOffered, SettingAnswer, SettingConsulted, SettingReplied};
use crate::casework::procedure::{EventType, ProcedureKind};
use crate::casework::sending::{WaivedBy, Waiver};
use crate::casework::timeline::{Refusal, Setting, Timeline, fold, fold_until, sort_events};
use crate::statute::clock::{Clock, Standing};
use crate::statute::reading::Readings;
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::{ClockKind, Force, Ground, Party};

pub const DUE_SOON_DAYS: u32 = 10;

pub fn on(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// The id of anything, by a name.
pub fn id(name: &str) -> Uuid {
    Uuid::new_v5(&Uuid::nil(), name.as_bytes())
}

/// Every type of event that can be in the stream of a procedure, corrections last.
pub fn types_of(kind: &ProcedureKind) -> Vec<EventType> {
    let own = kind.event_types.iter().copied();
    own.chain(AdviceFact::EVENT_TYPES)
        .chain([EventType::CASE_CLOSED, EventType::CORRECTION])
        .collect()
}

/// A child in year 3, of whom the five sources of reg 6(1)(a) to (e) are required.
pub fn child() -> ChildFacts {
    ChildFacts {
        date_of_birth: on("2018-01-01"),
        year_group_override: None,
        needs: Vec::new(),
    }
}

/// Facts in the order they were recorded.
#[derive(Debug, Clone)]
pub struct Story {
    pub kind: &'static ProcedureKind,
    pub events: Vec<Event>,
    pub readings: Readings,
    pub child: Option<ChildFacts>,
}

impl Default for Story {
    fn default() -> Story {
        Story::of(&ASSESSMENT)
    }
}

impl Story {
    /// Nothing yet, of a procedure.
    pub fn of(kind: &'static ProcedureKind) -> Story {
        Story {
            kind,
            events: Vec::new(),
            readings: Readings::default(),
            child: None,
        }
    }

    /// A request received on a day.
    pub fn requested(day: &str) -> Story {
        Story::default().then(day, request())
    }

    /// A request received on a day, and a decision to assess on another.
    pub fn assessing(requested: &str, decided: &str) -> Story {
        Story::requested(requested).then(decided, decide(AssessDecision::Assess))
    }

    pub fn about(mut self, child: ChildFacts) -> Story {
        self.child = Some(child);
        self
    }

    pub fn under(mut self, readings: Readings) -> Story {
        self.readings = readings;
        self
    }

    /// Records a fact.
    pub fn then(self, day: &str, fact: Fact) -> Story {
        self.then_dated(day, fact, LegalDates::default())
    }

    /// Records a fact that has legal dates of its own.
    pub fn then_dated(mut self, day: &str, fact: Fact, dates: LegalDates) -> Story {
        let sequence = self.events.len() as i64 + 1;
        let id = id(&format!("event {sequence}"));
        self.events.push(Event {
            id,
            root_id: id,
            sequence,
            occurred_on: on(day),
            dates,
            fact,
            fresh: false,
        });
        self
    }

    /// Judges the last fact as one being recorded now.
    pub fn fresh(mut self) -> Story {
        if let Some(last) = self.events.last_mut() {
            last.fresh = true;
        }
        self
    }

    /// Nothing in it is being recorded now.
    pub fn settled(mut self) -> Story {
        for event in &mut self.events {
            event.fresh = false;
        }
        self
    }

    pub fn sorted(&self) -> Vec<Event> {
        let mut events = self.events.clone();
        sort_events(&mut events);
        events
    }

    pub fn setting(&self) -> Setting<'_> {
        Setting {
            procedure_id: id("procedure"),
            readings: &self.readings,
            child: self.child.as_ref(),
        }
    }

    /// The fold of everything, or the refusal.
    pub fn judged(&self) -> Result<Timeline, Box<Refusal>> {
        fold(self.kind, &self.sorted(), self.setting())
            .map(|timeline| timeline.expect("a story has a beginning"))
            .map_err(Box::new)
    }

    pub fn timeline(&self) -> Timeline {
        self.judged().unwrap()
    }

    /// The fold of what had happened by a day; none before the opening.
    pub fn until(&self, day: NaiveDate) -> Option<Timeline> {
        fold_until(self.kind, &self.sorted(), day, self.setting()).unwrap()
    }

    /// The only clock of a kind.
    pub fn clock(&self, kind: ClockKind) -> Clock {
        let mut clocks = self.clocks(kind);
        assert_eq!(clocks.len(), 1, "clocks of {kind:?}");
        clocks.remove(0)
    }

    /// Every clock of a kind, by due date.
    pub fn clocks(&self, kind: ClockKind) -> Vec<Clock> {
        let mut clocks = self.timeline().clocks;
        clocks.retain(|clock| clock.rule.kind == kind);
        clocks
    }

    /// Where the only clock of a kind stands on a day.
    pub fn standing(&self, kind: ClockKind, day: &str) -> Standing {
        self.clock(kind).standing_on(on(day)).unwrap()
    }

    /// The flags that are up on a day, as far as had happened by then.
    pub fn flags(&self, day: &str) -> Vec<Flag> {
        self.until(on(day)).unwrap().flags_on(on(day), DUE_SOON_DAYS)
    }

    /// Their names.
    pub fn flag_names(&self, day: &str) -> Vec<&'static str> {
        self.flags(day).iter().map(|flag| flag.code.name()).collect()
    }
}

pub fn request() -> Fact {
    Fact::own(AssessmentFact::RequestReceived(RequestReceived {
        requested_by: Requester::Parent,
        channel: None,
    }))
}

pub fn responsible() -> Fact {
    Fact::own(AssessmentFact::BecameResponsible(BecameResponsible {
        brought_by: BroughtBy::Health,
    }))
}

pub fn further_request() -> Fact {
    Fact::own(AssessmentFact::FurtherRequestReceived(FurtherRequestReceived {
        requested_by: Requester::EducationSetting,
    }))
}

pub fn decide(decision: AssessDecision) -> Fact {
    Fact::own(AssessmentFact::AssessDecisionNotified(AssessDecisionNotified {
        decision,
        reasons: None,
        notice: None,
    }))
}

pub fn arrange_joint_meeting(meeting_on: NaiveDate) -> Fact {
    Fact::own(AssessmentFact::JointMeetingArranged(JointMeetingArranged {
        meeting_on,
        invited: vec![Invited {
            party: Party::Health,
            organisation_id: None,
        }],
    }))
}

pub fn hold_joint_meeting() -> Fact {
    Fact::own(AssessmentFact::JointMeetingHeld(JointMeetingHeld {
        attendance: vec![JointAttendance {
            party: Party::Health,
            organisation_id: None,
            attended: Attended::InPerson,
            advice_request_id: None,
        }],
    }))
}

pub fn plan(decision: PlanDecision) -> Fact {
    Fact::own(AssessmentFact::PlanDecisionNotified(PlanDecisionNotified {
        decision,
        reasons: None,
    }))
}

pub fn draft(reason: DraftReason) -> Fact {
    Fact::own(AssessmentFact::DraftPlanServed(DraftPlanServed {
        version: None,
        reason,
    }))
}

pub fn representations() -> Fact {
    Fact::own(AssessmentFact::RepresentationsReceived(
        RepresentationsReceived {},
    ))
}

pub fn consult(consultation: &str) -> Fact {
    Fact::own(AssessmentFact::SettingConsulted(SettingConsulted {
        consultation_id: id(consultation),
        organisation_id: id("school"),
    }))
}

pub fn reply(consultation: &str) -> Fact {
    Fact::own(AssessmentFact::SettingReplied(SettingReplied {
        consultation_id: id(consultation),
        organisation_id: None,
        reply: SettingAnswer::CanMeet,
        ground: None,
    }))
}

pub fn await_place(consultation: &str, since_on: NaiveDate) -> Fact {
    Fact::own(AssessmentFact::PlaceAwaited(PlaceAwaited {
        consultation_id: id(consultation),
        since_on,
    }))
}

pub fn offer_place(consultation: &str) -> Fact {
    Fact::own(AssessmentFact::PlaceOffered(PlaceOffered {
        consultation_id: id(consultation),
        place_from_on: None,
    }))
}

/// A final plan that says everything it may have to say.
pub fn acknowledged_plan() -> FinalPlanSent {
    FinalPlanSent {
        version: None,
        recipients: Vec::new(),
        waiver: None,
        sent_early_acknowledged: true,
        missing_advice_reason: Some("not given in time".to_owned()),
    }
}

/// A final plan that says nothing.
pub fn bare_plan() -> FinalPlanSent {
    FinalPlanSent {
        version: None,
        recipients: Vec::new(),
        waiver: None,
        sent_early_acknowledged: false,
        missing_advice_reason: None,
    }
}

pub fn waived_on(day: NaiveDate) -> Waiver {
    Waiver {
        given_by: WaivedBy::Parent,
        given_on: day,
    }
}

pub fn send(sent: FinalPlanSent) -> Fact {
    Fact::own(AssessmentFact::FinalPlanSent(sent))
}

pub fn withdraw() -> Fact {
    Fact::own(AssessmentFact::AssessmentWithdrawn(AssessmentWithdrawn {
        withdrawn_by: WithdrawnBy::Parent,
        reason: "no longer wanted".to_owned(),
    }))
}

pub fn move_out() -> Fact {
    Fact::own(AssessmentFact::MovedOut(MovedOut {
        to_la: "884".to_owned(),
    }))
}

pub fn resume(outcome: ResumptionOutcome) -> Fact {
    Fact::own(AssessmentFact::AssessmentResumed(AssessmentResumed {
        basis: ResumptionBasis::AuthorityReconsidered,
        outcome,
        dispute_id: None,
    }))
}

/// A claim without the dates that closures need.
pub fn claimed(
    ground: AuthorityGround,
    from: NaiveDate,
    to: NaiveDate,
    clocks: &[ClockKind],
) -> ExceptionClaimed {
    ExceptionClaimed {
        ground,
        from,
        to,
        clocks: clocks.to_vec(),
        evidence: None,
        decided_by: None,
        decided_on: None,
        causal_link: None,
        closed_from: None,
        reopens_on: None,
        advice_requested_on: None,
    }
}

pub fn claim(ground: AuthorityGround, from: NaiveDate, to: NaiveDate, clocks: &[ClockKind]) -> Fact {
    claim_of(claimed(ground, from, to, clocks))
}

pub fn claim_of(claimed: ExceptionClaimed) -> Fact {
    Fact::own(AssessmentFact::ExceptionClaimed(claimed))
}

/// A request for advice, named by its requirement and a service.
pub fn ask(requirement: Requirement, service: &str) -> Fact {
    Fact::Advice(AdviceFact::AdviceRequested {
        request_id: request_id(requirement, service),
        requirement,
        service: Some(service.to_owned()),
        organisation_id: None,
        bearer: requirement.usual_bearer(),
        force: requirement.usual_force(),
    })
}

pub fn request_id(requirement: Requirement, service: &str) -> Uuid {
    id(&format!("{} {service}", requirement.name()))
}

pub fn acknowledge(request_id: Uuid) -> Fact {
    Fact::Advice(AdviceFact::AdviceAcknowledged { request_id })
}

pub fn submit(request_id: Uuid) -> Fact {
    Fact::Advice(AdviceFact::AdviceSubmitted { request_id })
}

pub fn send_back(request_id: Uuid) -> Fact {
    Fact::Advice(AdviceFact::AdviceReturned {
        request_id,
        reasons: vec![ReturnReason::Unclear],
        comment: String::new(),
    })
}

pub fn accept(request_id: Uuid) -> Fact {
    Fact::Advice(AdviceFact::AdviceAccepted { request_id })
}

pub fn decline(request_id: Uuid, ground: DeclinationGround) -> Fact {
    Fact::Advice(AdviceFact::AdviceDeclined {
        request_id,
        ground,
        reasons: String::new(),
    })
}

pub fn redirect(request_id: Uuid, bearer: Party) -> Fact {
    Fact::Advice(AdviceFact::AdviceRedirected {
        request_id,
        organisation_id: id("another body"),
        bearer,
        force: Force::Guidance,
    })
}

pub fn take_back(request_id: Uuid) -> Fact {
    Fact::Advice(AdviceFact::AdviceWithdrawn {
        request_id,
        reason: None,
    })
}

pub fn appointment(request_id: Uuid, offered_on: NaiveDate, outcome: AppointmentOutcome) -> Fact {
    Fact::Advice(AdviceFact::AdviceAppointment {
        request_id,
        offered_on,
        held_on: None,
        outcome,
    })
}

pub fn excuse(request_id: Uuid, ground: Ground, from: NaiveDate, to: NaiveDate) -> Fact {
    Fact::Advice(AdviceFact::AdviceExceptionClaimed {
        request_id,
        ground,
        from,
        to,
        evidence: None,
        causal_link: None,
    })
}

pub fn agree_existing(requirement: Requirement, day: NaiveDate) -> Fact {
    Fact::Advice(AdviceFact::ExistingAdviceAgreed {
        requirement,
        author: "A paediatrician".to_owned(),
        dated_on: day,
        agreements: crate::casework::advice::Agreements {
            adviser_on: day,
            authority_on: day,
            family_on: day,
        },
    })
}

/// Holds the fields that the table of events requires to those that a fact cannot be read without.
pub fn fields_said_to_be_required_are(kind: &ProcedureKind, fact_of: impl Fn(&str) -> Fact) {
    for event_type in kind.event_types {
        let Fact::Own(fact) = fact_of(event_type.name()) else {
            unreachable!("its own");
        };
        let whole = fact.to_value().unwrap();
        let reads = |fields: &[&str]| {
            let mut given = whole.clone();
            let given_fields = given.as_object_mut().unwrap();
            given_fields.retain(|field, _| field == "type" || fields.contains(&field.as_str()));
            kind.given(given).is_ok()
        };
        let required = event_type.required_fields();
        assert!(reads(required), "{event_type:?} needs more than {required:?}");
        for left_out in required {
            let rest: Vec<&str> = required
                .iter()
                .copied()
                .filter(|field| field != left_out)
                .collect();
            assert!(!reads(&rest), "{event_type:?} does not need {left_out}");
        }
    }
}
