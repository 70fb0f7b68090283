//! Advice: requests, the acts on them, advice that exists already, and what is missing.
//!
//! Shared by every procedure that seeks advice. A procedure decides whether an act may happen in
//! its state; whether it fits the request is decided here.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

mod fact;
mod matrix;

pub use self::fact::{AdviceFact, Agreements, AppointmentOutcome, DeclinationGround, ReturnReason};
pub use self::matrix::{AdviceItem, AdviceStatus};
use super::child::ChildFacts;
use super::event::{Event, Fact};
use super::flag::{FlagCode, FlagSubject};
use super::procedure::EventType;
use super::timeline::{AdviceStanding, Ledger, Reason};
use crate::statute::clock::Owed;
use crate::statute::exception::{Claim, MissedAppointment};
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::{
    ClockKind, Mark, Party, Provision, REVIEW_ADVICE, REVIEW_PREPARATION_FOR_ADULTHOOD,
};

/// What a procedure seeks advice for, which says what is expected before anybody was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdviceFor {
    /// An assessment, whose sources reg 6 names.
    Assessment,
    /// The meeting of a review. No source of it was found named in law, and no time limit beyond that of the
    /// papers; the family's views are a part of every review, and from year 9 preparing for adulthood is.
    ReviewMeeting,
}

impl AdviceFor {
    /// The sources expected for a child or young person on a day.
    pub fn expected(self, child: &ChildFacts, on: NaiveDate) -> Vec<Requirement> {
        match self {
            AdviceFor::Assessment => child.required_advice(on).collect(),
            AdviceFor::ReviewMeeting => {
                let year_group = child.year_group_on(on);
                let looked_at = [Requirement::Parent, Requirement::PreparationForAdulthood].into_iter();
                looked_at
                    .filter(|requirement| requirement.is_required(year_group, false))
                    .collect()
            }
        }
    }

    /// Where the law asks for advice from a source.
    pub fn provision(self, requirement: Requirement) -> Provision {
        match self {
            AdviceFor::Assessment => requirement.provision(),
            AdviceFor::ReviewMeeting => match requirement {
                Requirement::PreparationForAdulthood => REVIEW_PREPARATION_FOR_ADULTHOOD,
                Requirement::Parent
                | Requirement::Education
                | Requirement::Medical
                | Requirement::Psychological
                | Requirement::SocialCare
                | Requirement::Other
                | Requirement::FamilyRequested
                | Requirement::Sensory => REVIEW_ADVICE,
            },
        }
    }
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdviceState {
    Requested,
    Acknowledged,
    Submitted,
    Returned,
    Accepted,
    Declined,
    Withdrawn,
}

impl AdviceState {
    pub const ALL: [AdviceState; 7] = [
        AdviceState::Requested,
        AdviceState::Acknowledged,
        AdviceState::Submitted,
        AdviceState::Returned,
        AdviceState::Accepted,
        AdviceState::Declined,
        AdviceState::Withdrawn,
    ];

    /// The name used in the API and in stores.
    pub fn name(self) -> &'static str {
        match self {
            AdviceState::Requested => "requested",
            AdviceState::Acknowledged => "acknowledged",
            AdviceState::Submitted => "submitted",
            AdviceState::Returned => "returned",
            AdviceState::Accepted => "accepted",
            AdviceState::Declined => "declined",
            AdviceState::Withdrawn => "withdrawn",
        }
    }

    /// Whether the request stands in the way of another to the same service and organisation.
    pub fn is_live(self) -> bool {
        match self {
            AdviceState::Requested
            | AdviceState::Acknowledged
            | AdviceState::Submitted
            | AdviceState::Returned
            | AdviceState::Accepted => true,
            AdviceState::Declined | AdviceState::Withdrawn => false,
        }
    }

    /// The acts that fit a request in this state.
    pub fn permitted_acts(self) -> &'static [EventType] {
        match self {
            AdviceState::Requested => &[
                EventType::ADVICE_ACKNOWLEDGED,
                EventType::ADVICE_SUBMITTED,
                EventType::ADVICE_DECLINED,
                EventType::ADVICE_REDIRECTED,
                EventType::ADVICE_WITHDRAWN,
                EventType::ADVICE_APPOINTMENT,
                EventType::ADVICE_EXCEPTION_CLAIMED,
            ],
            AdviceState::Acknowledged | AdviceState::Returned => &[
                EventType::ADVICE_SUBMITTED,
                EventType::ADVICE_DECLINED,
                EventType::ADVICE_REDIRECTED,
                EventType::ADVICE_WITHDRAWN,
                EventType::ADVICE_APPOINTMENT,
                EventType::ADVICE_EXCEPTION_CLAIMED,
            ],
            AdviceState::Submitted => &[
                EventType::ADVICE_RETURNED,
                EventType::ADVICE_ACCEPTED,
                EventType::ADVICE_WITHDRAWN,
                EventType::ADVICE_APPOINTMENT,
                EventType::ADVICE_EXCEPTION_CLAIMED,
            ],
            AdviceState::Accepted => &[EventType::ADVICE_EXCEPTION_CLAIMED],
            AdviceState::Declined => &[
                EventType::ADVICE_SUBMITTED,
                EventType::ADVICE_REDIRECTED,
                EventType::ADVICE_WITHDRAWN,
                EventType::ADVICE_APPOINTMENT,
                EventType::ADVICE_EXCEPTION_CLAIMED,
            ],
            AdviceState::Withdrawn => &[],
        }
    }
}

/// Whether the start of a request's clock is on record or presumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StartBasis {
    /// The day the body received the request is recorded.
    Recorded,
    /// It is not; it is presumed to be the day the request was sent.
    Presumed,
}

impl StartBasis {
    /// Recorded exactly when the day of receipt is.
    pub fn of(received_on: Option<NaiveDate>) -> StartBasis {
        if received_on.is_some() {
            StartBasis::Recorded
        } else {
            StartBasis::Presumed
        }
    }
}

/// A request for advice, as its events leave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdviceRequest {
    pub id: Uuid,
    /// The event that first asked; its clock is cited by it.
    pub root_event_id: Uuid,
    pub requirement: Requirement,
    pub service: Option<String>,
    pub organisation_id: Option<Uuid>,
    pub bearer: Party,
    pub state: AdviceState,
    pub requested_on: NaiveDate,
    pub received_on: Option<NaiveDate>,
    /// The first complete submission; a return does not reopen it.
    pub submitted_on: Option<NaiveDate>,
    pub accepted_on: Option<NaiveDate>,
}

impl AdviceRequest {
    /// Whether nothing has come on it yet and something may.
    fn is_awaited(&self) -> bool {
        let is_open = match self.state {
            AdviceState::Requested | AdviceState::Acknowledged => true,
            AdviceState::Submitted
            | AdviceState::Returned
            | AdviceState::Accepted
            | AdviceState::Declined
            | AdviceState::Withdrawn => false,
        };
        is_open && self.submitted_on.is_none()
    }

    fn flag_subject(&self) -> FlagSubject {
        FlagSubject {
            clock_id: None,
            advice_request_id: Some(self.id),
            requirement: Some(self.requirement),
        }
    }
}

/// Advice from before that all three agreed to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExistingAdvice {
    pub requirement: Requirement,
    pub agreed_on: NaiveDate,
}

/// What happened on a request while an organisation was the one that was asked, of events in the order of the fold.
/// What came of it before another was asked instead is between the authority and that other.
pub fn happened_while_asked(events: &[Event], request_id: Uuid, organisation_id: Uuid) -> Vec<&Event> {
    let mut asked = None;
    let of_request = |event: &&Event| match &event.fact {
        Fact::Advice(fact) => fact.request_id() == Some(request_id),
        Fact::Own(_) | Fact::CaseClosed(_) => false,
    };
    events
        .iter()
        .filter(of_request)
        .filter(|event| {
            if let Fact::Advice(fact) = &event.fact
                && let Some(now_asked) = fact.asks()
            {
                asked = now_asked;
            }
            asked == Some(organisation_id)
        })
        .collect()
}

/// The advice of a procedure while its events are folded.
#[derive(Debug, Default)]
pub struct AdviceBook {
    requests: Vec<AdviceRequest>,
    existing: Vec<ExistingAdvice>,
    sought_on: Option<NaiveDate>,
    plan_on: Option<NaiveDate>,
    plan_sent_on: Option<NaiveDate>,
    needed_by_on: Option<NaiveDate>,
    is_stopped: bool,
}

impl AdviceBook {
    /// What the events amount to, whatever order the requests of one day were recorded in.
    pub fn finish(mut self) -> AdviceStanding {
        self.requests
            .sort_by_key(|request| (request.requested_on, request.id));
        AdviceStanding {
            requests: self.requests,
            existing: self.existing,
            sought_on: self.sought_on,
            plan_on: self.plan_on,
            needed_by_on: self.needed_by_on,
            is_stopped: self.is_stopped,
        }
    }

    fn has_come(&self, requirement: Requirement) -> bool {
        is_agreed(&self.existing, requirement)
            || self.requests.iter().any(|request| {
                request.requirement == requirement
                    && request.submitted_on.is_some()
                    && request.state != AdviceState::Withdrawn
            })
    }

    /// The request of a requirement that was asked first and is still waited for.
    fn first_awaited(&self, requirement: Requirement) -> Option<&AdviceRequest> {
        self.requests
            .iter()
            .filter(|request| request.requirement == requirement && request.is_awaited())
            .min_by_key(|request| (request.requested_on, request.id))
    }
}

fn is_agreed(existing: &[ExistingAdvice], requirement: Requirement) -> bool {
    existing.iter().any(|agreed| agreed.requirement == requirement)
}

impl Ledger<'_> {
    /// The decision to assess: from now on advice is sought, and required as for this day.
    pub fn seek_advice(&mut self, event: &Event) {
        self.advice.sought_on.get_or_insert(event.occurred_on);
    }

    /// The advice has to be there when the newest clock of a kind is due.
    pub fn need_advice_by(&mut self, kind: ClockKind) {
        self.advice.needed_by_on = self.clocks.newest_due_on(kind);
    }

    /// The advice that is expected for this child and that has not come.
    pub fn required_and_outstanding(&self, on: NaiveDate) -> Vec<Requirement> {
        let (Some(advice_for), Some(child)) = (self.advice_for, self.child) else {
            return Vec::new();
        };
        let mut required = advice_for.expected(child, self.advice.sought_on.unwrap_or(on));
        required.retain(|requirement| !self.advice.has_come(*requirement));
        required
    }

    /// That, and whatever else was asked for and has not come, with whose move each is.
    fn outstanding_advice(&self, on: NaiveDate) -> Vec<(Requirement, Party)> {
        let required = self.required_and_outstanding(on);
        Requirement::ALL
            .into_iter()
            .filter_map(|requirement| {
                let awaited = self
                    .advice
                    .first_awaited(requirement)
                    .filter(|_| !is_agreed(&self.advice.existing, requirement));
                match awaited {
                    Some(request) => Some((requirement, request.bearer)),
                    None => required
                        .contains(&requirement)
                        .then_some((requirement, Party::LocalAuthority)),
                }
            })
            .collect()
    }

    /// A plan was decided or sent: advice that has not come is missing from it.
    pub fn plan_without_advice(&mut self, event: &Event) {
        self.advice.plan_on.get_or_insert(event.occurred_on);
        self.review_missing_advice(event.occurred_on);
    }

    /// There is no decision to issue a plan any more: nothing is missing from it.
    pub fn no_plan_decided(&mut self, event: &Event) {
        self.advice.plan_on = None;
        self.review_missing_advice(event.occurred_on);
    }

    /// Once a plan is decided, `advice_missing` is up for exactly what is outstanding.
    fn review_missing_advice(&mut self, on: NaiveDate) {
        let outstanding = if self.advice.plan_on.is_some() && !self.advice.is_stopped {
            self.outstanding_advice(on)
        } else {
            Vec::new()
        };
        self.flags.lower(FlagCode::AdviceMissing, on, |subject| {
            !outstanding
                .iter()
                .any(|(requirement, _)| subject.requirement == Some(*requirement))
        });
        for (requirement, whose_move) in outstanding {
            let subject = FlagSubject {
                requirement: Some(requirement),
                ..FlagSubject::default()
            };
            self.flags
                .raise(FlagCode::AdviceMissing, subject, on, Some(whose_move));
        }
    }

    /// The final plan went out: advice from now on comes after it.
    pub fn plan_sent(&mut self, event: &Event) {
        self.advice.plan_sent_on = Some(event.occurred_on);
        self.plan_without_advice(event);
    }

    /// The procedure stopped: nobody has to act on its advice any more.
    pub fn stop_advice(&mut self, event: &Event) {
        self.advice.is_stopped = true;
        for code in [FlagCode::AdviceReturned, FlagCode::AdviceDeclined] {
            self.flags.lower(code, event.occurred_on, |_| true);
        }
        self.review_missing_advice(event.occurred_on);
    }

    /// The procedure goes on: what waited before it stopped waits again.
    pub fn resume_advice(&mut self, event: &Event) {
        self.advice.is_stopped = false;
        let waiting: Vec<AdviceRequest> = self.advice.requests.clone();
        for request in waiting {
            match request.state {
                AdviceState::Returned => {
                    self.raise_on_request(FlagCode::AdviceReturned, &request, request.bearer, event);
                }
                AdviceState::Declined => {
                    self.raise_on_request(FlagCode::AdviceDeclined, &request, Party::LocalAuthority, event);
                }
                AdviceState::Requested
                | AdviceState::Acknowledged
                | AdviceState::Submitted
                | AdviceState::Accepted
                | AdviceState::Withdrawn => {}
            }
        }
        self.review_missing_advice(event.occurred_on);
    }

    /// Raises a flag on a request, unless the procedure stands still and nobody has to act.
    fn raise_on_request(
        &mut self,
        code: FlagCode,
        request: &AdviceRequest,
        whose_move: Party,
        event: &Event,
    ) {
        if !self.advice.is_stopped {
            let subject = request.flag_subject();
            self.flags
                .raise(code, subject, event.occurred_on, Some(whose_move));
        }
    }

    /// Applies an act on advice that the procedure's state permits.
    pub fn apply_advice(&mut self, fact: &AdviceFact, event: &Event) -> Result<(), Reason> {
        self.act(fact, event)?;
        self.review_missing_advice(event.occurred_on);
        Ok(())
    }

    fn act(&mut self, fact: &AdviceFact, event: &Event) -> Result<(), Reason> {
        match fact {
            AdviceFact::AdviceRequested {
                request_id,
                requirement,
                service,
                organisation_id,
                bearer,
                force,
            } => {
                if self
                    .advice
                    .requests
                    .iter()
                    .any(|request| request.id == *request_id)
                {
                    return Err(Reason::AdviceActNotPermitted { request_state: None });
                }
                self.advice.requests.push(AdviceRequest {
                    id: *request_id,
                    root_event_id: event.root_id,
                    requirement: *requirement,
                    service: service.clone(),
                    organisation_id: *organisation_id,
                    bearer: *bearer,
                    state: AdviceState::Requested,
                    requested_on: event.occurred_on,
                    received_on: event.dates.received_on,
                    submitted_on: None,
                    accepted_on: None,
                });
                let owed = Owed {
                    bearer: *bearer,
                    force: *force,
                };
                self.mark_about(Mark::AdviceRequestReceived, event, Some(*request_id), Some(owed));
            }
            AdviceFact::AdviceAcknowledged { request_id } => {
                self.act_on(*request_id, fact, |request| {
                    request.state = AdviceState::Acknowledged
                })?;
            }
            AdviceFact::AdviceSubmitted { request_id } => self.submit(*request_id, fact, event)?,
            AdviceFact::AdviceReturned { request_id, .. } => {
                let request =
                    self.act_on(*request_id, fact, |request| request.state = AdviceState::Returned)?;
                self.raise_on_request(FlagCode::AdviceReturned, &request, request.bearer, event);
            }
            AdviceFact::AdviceAccepted { request_id } => {
                self.act_on(*request_id, fact, |request| {
                    request.state = AdviceState::Accepted;
                    request.accepted_on = Some(event.occurred_on);
                })?;
            }
            AdviceFact::AdviceDeclined {
                request_id, ground, ..
            } => {
                let request =
                    self.act_on(*request_id, fact, |request| request.state = AdviceState::Declined)?;
                self.lower_request_flags(*request_id, event.occurred_on);
                self.raise_on_request(FlagCode::AdviceDeclined, &request, Party::LocalAuthority, event);
                if ground.ends_the_duty() {
                    self.mark_about(Mark::AdviceRequestEnded, event, Some(*request_id), None);
                }
            }
            AdviceFact::AdviceRedirected {
                request_id,
                organisation_id,
                bearer,
                force,
            } => {
                self.act_on(*request_id, fact, |request| {
                    request.state = AdviceState::Requested;
                    request.organisation_id = Some(*organisation_id);
                    request.bearer = *bearer;
                })?;
                self.lower_request_flags(*request_id, event.occurred_on);
                let owed = Owed {
                    bearer: *bearer,
                    force: *force,
                };
                self.mark_about(Mark::AdviceRedirected, event, Some(*request_id), Some(owed));
            }
            AdviceFact::AdviceWithdrawn { request_id, .. } => {
                self.act_on(*request_id, fact, |request| {
                    request.state = AdviceState::Withdrawn
                })?;
                self.lower_request_flags(*request_id, event.occurred_on);
                self.mark_about(Mark::AdviceRequestEnded, event, Some(*request_id), None);
            }
            AdviceFact::AdviceAppointment {
                request_id,
                offered_on,
                outcome,
                ..
            } => {
                self.act_on(*request_id, fact, |_| {})?;
                if *outcome == AppointmentOutcome::Missed {
                    self.clocks.miss(MissedAppointment {
                        subject: *request_id,
                        offered_on: *offered_on,
                        occurred_on: event.occurred_on,
                    });
                }
            }
            AdviceFact::AdviceExceptionClaimed {
                request_id,
                ground,
                from,
                to,
                causal_link,
                ..
            } => {
                self.act_on(*request_id, fact, |_| {})?;
                self.clocks.claim(Claim {
                    event_id: event.id,
                    occurred_on: event.occurred_on,
                    ground: *ground,
                    clocks: vec![ClockKind::Advice],
                    subject: Some(*request_id),
                    from_on: *from,
                    to_on: *to,
                    closed_from_on: None,
                    reopens_on: None,
                    advice_requested_on: None,
                    causal_link: causal_link.clone(),
                });
            }
            AdviceFact::ExistingAdviceAgreed { requirement, .. } => {
                self.advice.existing.push(ExistingAdvice {
                    requirement: *requirement,
                    agreed_on: event.occurred_on,
                });
            }
        }
        Ok(())
    }

    fn submit(&mut self, request_id: Uuid, fact: &AdviceFact, event: &Event) -> Result<(), Reason> {
        let request = self.act_on(request_id, fact, |request| {
            request.state = AdviceState::Submitted;
            request.submitted_on.get_or_insert(event.occurred_on);
        })?;
        self.lower_request_flags(request_id, event.occurred_on);
        if self.advice.plan_sent_on.is_some() {
            self.flags.raise(
                FlagCode::AdviceAfterPlan,
                request.flag_subject(),
                event.occurred_on,
                None,
            );
        }
        self.mark_about(Mark::AdviceSubmitted, event, Some(request_id), None);
        Ok(())
    }

    /// Changes a request if the act fits its state, and gives it as it is then.
    fn act_on(
        &mut self,
        request_id: Uuid,
        fact: &AdviceFact,
        change: impl FnOnce(&mut AdviceRequest),
    ) -> Result<AdviceRequest, Reason> {
        let found = self
            .advice
            .requests
            .iter_mut()
            .find(|request| request.id == request_id);
        let Some(request) = found else {
            return Err(Reason::AdviceActNotPermitted { request_state: None });
        };
        if !request.state.permitted_acts().contains(&fact.event_type()) {
            return Err(Reason::AdviceActNotPermitted {
                request_state: Some(request.state),
            });
        }
        change(request);
        Ok(request.clone())
    }

    fn lower_request_flags(&mut self, request_id: Uuid, on: NaiveDate) {
        for code in [FlagCode::AdviceReturned, FlagCode::AdviceDeclined] {
            self.flags
                .lower(code, on, |subject| subject.advice_request_id == Some(request_id));
        }
    }
}
