//! A second assessment, written plainly: variables and ifs, no rulebook, no segments.
//!
//! It knows what holds after the last event told, and nothing of the days before.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use uuid::Uuid;

use super::limit::{Limit, Why};
use super::story::on;
use super::transitions::{act_leads_to, leads_to};
use crate::casework::advice::{AdviceFact, AdviceState, DeclinationGround};
use crate::casework::assessment::{
    AssessDecision, AssessmentFact, AssessmentState, DraftReason, FinalPlanSent, PlanDecision,
    ResumptionOutcome,
};
use crate::casework::child::ChildFacts;
use crate::casework::event::{Event, Fact};
use crate::casework::flag::FlagCode;
use crate::casework::place::{PlaceAwaited, PlaceOffered};
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::{ClockKind, Party};

#[derive(Debug, Clone)]
pub struct Asked {
    pub requirement: Requirement,
    pub state: AdviceState,
    pub came: Option<NaiveDate>,
    pub bearer: Party,
}

#[derive(Debug, Clone, Default)]
pub struct Model {
    pub state: Option<AssessmentState>,
    pub limits: Vec<Limit>,
    pub requests: BTreeMap<Uuid, Asked>,
    pub child: Option<ChildFacts>,
    agreed: Vec<Requirement>,
    consulted: Vec<Uuid>,
    sought: Option<NaiveDate>,
    has_plan: bool,
    is_sent: bool,
    stands_still: bool,
    cut_short: bool,
    after_plan: Vec<Uuid>,
}

/// The event cannot stand.
#[derive(Debug, PartialEq, Eq)]
pub struct Impossible;

impl Model {
    /// Tells the model events in the order of the fold.
    pub fn told(child: Option<ChildFacts>, events: &[Event]) -> Result<Model, Impossible> {
        let mut model = Model {
            child,
            ..Model::default()
        };
        for event in events {
            model.tell(event)?;
        }
        Ok(model)
    }

    fn tell(&mut self, event: &Event) -> Result<(), Impossible> {
        let day = event.occurred_on;
        let next = leads_to(self.state, &event.fact).ok_or(Impossible)?;
        match &event.fact {
            Fact::Own(fact) => self.tell_fact(fact.of().unwrap(), event)?,
            Fact::Advice(fact) => self.tell_act(fact, event)?,
            Fact::CaseClosed(_) => self.stand_still(day),
        }
        self.state = Some(next);
        Ok(())
    }

    fn tell_fact(&mut self, fact: &AssessmentFact, event: &Event) -> Result<(), Impossible> {
        use ClockKind::*;
        let day = event.occurred_on;
        let sent = event.dates.sent_on.unwrap_or(day);
        let received = event.dates.received_on.unwrap_or(day);
        match fact {
            AssessmentFact::RequestReceived(_) => self.open(received),
            AssessmentFact::BecameResponsible(_) => self.open(day),
            AssessmentFact::AssessDecisionNotified(notified) => {
                self.each(AssessDecision, |limit| limit.do_it(sent));
                match notified.decision {
                    self::AssessDecision::Assess => self.sought = self.sought.or(Some(day)),
                    self::AssessDecision::Refuse => {
                        for kind in [PlanDecision, NoPlanNotice, FinalPlan, Advice] {
                            self.each(kind, |limit| limit.drop_it(sent, Why::Stopped));
                        }
                        self.stands_still = true;
                    }
                }
            }
            AssessmentFact::PlanDecisionNotified(notified) => match notified.decision {
                self::PlanDecision::Issue => self.decide_plan(sent),
                self::PlanDecision::NotIssue => {
                    self.each(PlanDecision, |limit| limit.do_it(sent));
                    self.each(NoPlanNotice, |limit| {
                        limit.owe_again(Why::PlanDecided);
                        limit.do_it(sent);
                    });
                    for kind in [FinalPlan, Advice, DraftRepresentations, SettingReply] {
                        self.each(kind, |limit| limit.drop_it(sent, Why::Stopped));
                    }
                    self.has_plan = false;
                    self.stands_still = true;
                }
            },
            AssessmentFact::DraftPlanServed(served) => {
                self.decide_plan(sent);
                let served_on = event.dates.served_on.unwrap_or(day);
                let had_window = self.limits.iter().any(|limit| limit.kind == DraftRepresentations);
                if served.reason != DraftReason::RepresentationsAgreed || !had_window {
                    self.each(DraftRepresentations, |limit| {
                        limit.drop_it(served_on, Why::Overtaken)
                    });
                    self.start(DraftRepresentations, None, served_on, 14, Party::Family);
                }
            }
            AssessmentFact::SettingConsulted(consulted) => {
                let consultation = consulted.consultation_id;
                if self.consulted.contains(&consultation) {
                    return Err(Impossible);
                }
                self.consulted.push(consultation);
                self.start(
                    SettingReply,
                    Some(consultation),
                    received,
                    15,
                    Party::EducationSetting,
                );
            }
            AssessmentFact::SettingReplied(replied) => {
                let consultation = replied.consultation_id;
                if !self.consulted.contains(&consultation) {
                    return Err(Impossible);
                }
                self.about(consultation, |limit| limit.do_it(received));
            }
            AssessmentFact::PlaceAwaited(PlaceAwaited { consultation_id, .. })
            | AssessmentFact::PlaceOffered(PlaceOffered { consultation_id, .. }) => {
                if !self.consulted.contains(consultation_id) {
                    return Err(Impossible);
                }
            }
            AssessmentFact::FinalPlanSent(plan) => self.send_plan(plan, event)?,
            AssessmentFact::AssessmentWithdrawn(_) | AssessmentFact::MovedOut(_) => self.stand_still(day),
            AssessmentFact::AssessmentResumed(resumed) => self.go_on(resumed.outcome, sent, day),
            AssessmentFact::FurtherRequestReceived(_)
            | AssessmentFact::JointMeetingArranged(_)
            | AssessmentFact::JointMeetingHeld(_)
            | AssessmentFact::RepresentationsReceived(_)
            | AssessmentFact::ExceptionClaimed(_) => {}
        }
        Ok(())
    }

    fn open(&mut self, day: NaiveDate) {
        for (kind, days) in [
            (ClockKind::AssessDecision, 42),
            (ClockKind::PlanDecision, 112),
            (ClockKind::NoPlanNotice, 112),
            (ClockKind::FinalPlan, 140),
        ] {
            self.start(kind, None, day, days, Party::LocalAuthority);
        }
    }

    fn start(&mut self, kind: ClockKind, about: Option<Uuid>, start: NaiveDate, days: i64, bearer: Party) {
        if start >= on("2014-09-01") {
            self.limits.push(Limit::running(kind, about, start, days, bearer));
        }
    }

    fn each(&mut self, kind: ClockKind, change: impl Fn(&mut Limit)) {
        self.limits
            .iter_mut()
            .filter(|limit| limit.kind == kind)
            .for_each(change);
    }

    fn about(&mut self, subject: Uuid, change: impl Fn(&mut Limit)) {
        self.limits
            .iter_mut()
            .filter(|limit| limit.about == Some(subject))
            .for_each(change);
    }

    fn decide_plan(&mut self, sent: NaiveDate) {
        self.each(ClockKind::PlanDecision, |limit| limit.do_it(sent));
        self.each(ClockKind::NoPlanNotice, |limit| {
            limit.drop_it(sent, Why::PlanDecided)
        });
        self.has_plan = true;
    }

    fn stand_still(&mut self, day: NaiveDate) {
        for limit in &mut self.limits {
            limit.drop_it(day, Why::Stopped);
        }
        self.stands_still = true;
    }

    fn go_on(&mut self, outcome: ResumptionOutcome, sent: NaiveDate, day: NaiveDate) {
        use ClockKind::*;
        for kind in [AssessDecision, PlanDecision, NoPlanNotice, FinalPlan, Advice] {
            self.each(kind, |limit| limit.owe_again(Why::Stopped));
        }
        self.stands_still = false;
        let decides_to_assess = match outcome {
            ResumptionOutcome::Assess | ResumptionOutcome::MakePlan => true,
            ResumptionOutcome::Reconsider => false,
        };
        if decides_to_assess {
            self.each(AssessDecision, |limit| limit.do_it(sent));
            self.sought = self.sought.or(Some(day));
        }
        if outcome == ResumptionOutcome::MakePlan {
            self.decide_plan(sent);
        } else {
            self.each(NoPlanNotice, |limit| limit.owe_again(Why::PlanDecided));
            self.has_plan = false;
        }
    }

    fn send_plan(&mut self, plan: &FinalPlanSent, event: &Event) -> Result<(), Impossible> {
        let mut days: Vec<NaiveDate> = plan
            .recipients
            .iter()
            .map(|recipient| recipient.sent_on)
            .collect();
        if days.is_empty() {
            days.push(event.dates.sent_on.unwrap_or(event.occurred_on));
        }
        days.sort();
        let (first, last) = (days[0], days[days.len() - 1]);
        let newest = self.limits.iter().rfind(|limit| limit.is_window()).cloned();
        let open = newest.filter(|window| window.done.is_none());
        let given = plan.waiver.as_ref().map(|waiver| waiver.given_on);
        let mut is_early = open.as_ref().is_some_and(|window| first <= window.end());
        if let (Some(window), Some(given)) = (&open, given)
            && window.start <= given
            && given <= first
        {
            self.each(ClockKind::DraftRepresentations, |limit| limit.do_it(given));
            // A waiver of a window that fell away keeps nothing from having been cut short.
            is_early = is_early && (window.dropped.is_some() || given > window.end());
        }
        let required = self.required_and_missing(event.occurred_on);
        let is_told = (plan.sent_early_acknowledged || !is_early)
            && (plan.missing_advice_reason.is_some() || required.is_empty());
        if event.fresh && !is_told {
            return Err(Impossible);
        }
        if is_early {
            self.cut_short = true;
            self.each(ClockKind::DraftRepresentations, |limit| {
                limit.drop_it(first, Why::Overtaken)
            });
        }
        self.each(ClockKind::FinalPlan, |limit| limit.do_it(last));
        self.each(ClockKind::SettingReply, |limit| {
            limit.drop_it(last, Why::Overtaken)
        });
        self.has_plan = true;
        self.is_sent = true;
        Ok(())
    }

    fn tell_act(&mut self, fact: &AdviceFact, event: &Event) -> Result<(), Impossible> {
        let day = event.occurred_on;
        let received = event.dates.received_on.unwrap_or(day);
        let Some(request_id) = fact.request_id() else {
            if let AdviceFact::ExistingAdviceAgreed { requirement, .. } = fact {
                self.agreed.push(*requirement);
            }
            return Ok(());
        };
        let before = self.requests.get(&request_id).map(|asked| asked.state);
        let after = act_leads_to(before, fact).ok_or(Impossible)?;
        if let AdviceFact::AdviceRequested {
            requirement, bearer, ..
        } = fact
        {
            let asked = Asked {
                requirement: *requirement,
                state: after,
                came: None,
                bearer: *bearer,
            };
            self.requests.insert(request_id, asked);
            self.start(ClockKind::Advice, Some(request_id), received, 42, *bearer);
            return Ok(());
        }
        let asked = self.requests.get_mut(&request_id).ok_or(Impossible)?;
        asked.state = after;
        match fact {
            AdviceFact::AdviceSubmitted { .. } => {
                asked.came = asked.came.or(Some(day));
                if self.is_sent {
                    self.after_plan.push(request_id);
                }
                self.about(request_id, |limit| limit.do_it(received));
            }
            AdviceFact::AdviceDeclined { ground, .. } => {
                let falls_away = [
                    DeclinationGround::IncompatibleWithDuties,
                    DeclinationGround::AdverseEffect,
                ];
                if falls_away.contains(ground) {
                    self.about(request_id, |limit| limit.drop_it(day, Why::RequestEnded));
                }
            }
            AdviceFact::AdviceRedirected { bearer, .. } => {
                asked.bearer = *bearer;
                self.about(request_id, |limit| {
                    limit.owe_again(Why::RequestEnded);
                    limit.bearer = *bearer;
                });
            }
            AdviceFact::AdviceWithdrawn { .. } => {
                self.about(request_id, |limit| limit.drop_it(day, Why::RequestEnded));
            }
            AdviceFact::AdviceRequested { .. }
            | AdviceFact::AdviceAcknowledged { .. }
            | AdviceFact::AdviceReturned { .. }
            | AdviceFact::AdviceAccepted { .. }
            | AdviceFact::AdviceAppointment { .. }
            | AdviceFact::AdviceExceptionClaimed { .. }
            | AdviceFact::ExistingAdviceAgreed { .. } => {}
        }
        Ok(())
    }

    fn required_and_missing(&self, day: NaiveDate) -> Vec<Requirement> {
        let Some(child) = &self.child else {
            return Vec::new();
        };
        let has_come = |requirement| {
            let by_request = |asked: &Asked| {
                asked.requirement == requirement
                    && asked.came.is_some()
                    && asked.state != AdviceState::Withdrawn
            };
            self.agreed.contains(&requirement) || self.requests.values().any(by_request)
        };
        let mut required: Vec<_> = child.required_advice(self.sought.unwrap_or(day)).collect();
        required.retain(|requirement| !has_come(*requirement));
        required
    }

    /// The flags that are up after everything told, on the day of the last event.
    pub fn flags(&self, day: NaiveDate) -> Vec<(FlagCode, Option<Uuid>, Option<Requirement>)> {
        let mut flags = Vec::new();
        if self.has_plan && !self.stands_still {
            let mut missing = self.required_and_missing(day);
            for asked in self.requests.values() {
                let waits = [AdviceState::Requested, AdviceState::Acknowledged].contains(&asked.state);
                if waits && asked.came.is_none() && !self.agreed.contains(&asked.requirement) {
                    missing.push(asked.requirement);
                }
            }
            flags.extend(
                missing
                    .into_iter()
                    .map(|it| (FlagCode::AdviceMissing, None, Some(it))),
            );
        }
        for (id, asked) in &self.requests {
            let mut raise = |code| flags.push((code, Some(*id), Some(asked.requirement)));
            if asked.state == AdviceState::Returned && !self.stands_still {
                raise(FlagCode::AdviceReturned);
            }
            if asked.state == AdviceState::Declined && !self.stands_still {
                raise(FlagCode::AdviceDeclined);
            }
            if self.after_plan.contains(id) {
                raise(FlagCode::AdviceAfterPlan);
            }
        }
        if self.cut_short {
            flags.push((FlagCode::DraftWindowCutShort, None, None));
        }
        flags.sort();
        flags.dedup();
        flags
    }
}
