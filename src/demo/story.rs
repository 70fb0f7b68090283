//! The story of one made-up request: everything that happens in it, day by day, until today.
//!
//! Pure: the choices of a [`Script`] and a generator in, steps out. [`super::recorder`] records them.

use std::collections::HashSet;

use chrono::{DateTime, Days, Months, NaiveDate, TimeDelta, Utc};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use super::advice_story::advice_steps;
use super::authority::{Bodies, SettingKind, caseworker};
use super::child::{Child, weighted};
use super::schedule::{at_work, schedule};
use super::script::{AfterReview, ClaimScript, Fate, Script, WindowScript};
use super::sections::{amended_sections_for, sections_for};
use super::step::{Act, AdviceAct, Step};
use crate::casework::advice::Agreements;
use crate::casework::assessment::{
    AssessDecision, AssessDecisionNotified, AssessmentFact, AssessmentResumed, AssessmentWithdrawn,
    BecameResponsible, BroughtBy, Channel, DraftPlanServed, DraftReason, FinalPlanSent,
    FurtherRequestReceived, JointAttendance, JointMeetingArranged, JointMeetingHeld, MovedOut, PlanDecision,
    PlanDecisionNotified, RepresentationsReceived, RequestReceived, Requester, ResumptionBasis,
    ResumptionOutcome, WithdrawnBy,
};
use crate::casework::attendance::{Attended, Invited};
use crate::casework::child::ChildFacts;
use crate::casework::claim::{AuthorityGround, ExceptionClaimed};
use crate::casework::consultation::{ConsultationAnswered, ConsultationFact, ConsultationReceived};
use crate::casework::place::SettingAnswer;
use crate::casework::plan::{
    CeaseConsulted, CeaseReason, DirectPaymentsStarted, PlacementRank, PlacementStarted, PlanCeased, PlanFact,
};
use crate::casework::review::{
    AmendmentNoticeSent, Arranger, PapersCirculated, ReviewDecision, ReviewDecisionNotified, ReviewFact,
    ReviewMeetingArranged, ReviewMeetingHeld, ReviewReportSent,
};
use crate::casework::sending::{AmendedPlanSent, Recipient, RecipientRole, WaivedBy, Waiver};
use crate::clock::london_date;
use crate::service::advice::NewExistingAdvice;
use crate::statute::calendar::first_working_day_on_or_after;
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::{ClockKind, Party};

/// Everything that is on record about one made-up child on a day.
#[derive(Debug, Clone)]
pub struct Story {
    pub child: Child,
    pub opened_at: DateTime<Utc>,
    /// In order of recording, which is also that of happening.
    pub steps: Vec<(DateTime<Utc>, Step)>,
}

/// Tells what was recorded before `today`.
pub fn tell_story(
    rng: &mut ChaCha8Rng,
    script: &Script,
    child: Child,
    bodies: &Bodies,
    today: NaiveDate,
) -> Story {
    let mut teller = Teller {
        rng,
        script,
        child: &child,
        bodies,
        steps: Vec::new(),
        halts: Vec::new(),
        issued_on: None,
    };
    teller.tell();
    let mut steps = teller.possible_steps();
    steps.sort_by_key(|step| step.on);
    give_reason_for_missing_advice(&mut steps, &child);
    let opened_at = at_work(script.arrived_on, TimeDelta::minutes(rng.random_range(0..60)));
    let mut steps = schedule(rng, opened_at, steps);
    steps.retain(|(recorded_at, _)| london_date(*recorded_at) < today);
    Story {
        child,
        opened_at,
        steps,
    }
}

/// Days from the notice that a plan will cease to its end: more than an appeal may ever take to be made.
pub const CEASED_AFTER_DAYS: i64 = 100;

/// The first working day so many days after another.
pub fn later(on: NaiveDate, days: i64) -> NaiveDate {
    first_working_day_on_or_after(on + TimeDelta::days(days))
}

struct Teller<'s> {
    rng: &'s mut ChaCha8Rng,
    script: &'s Script,
    child: &'s Child,
    bodies: &'s Bodies,
    steps: Vec<Step>,
    /// When nothing can happen: from the first day, until the second if it ends.
    halts: Vec<(NaiveDate, Option<NaiveDate>)>,
    issued_on: Option<NaiveDate>,
}

impl Teller<'_> {
    fn tell(&mut self) {
        let script = self.script;
        if script.fate == Fate::AskedByNeighbour {
            return self.be_asked_by_neighbour();
        }
        self.arrive();
        match script.fate {
            Fate::AssessmentRefused { resumed_after_days } => self.refuse_to_assess(resumed_after_days),
            Fate::PlanIssued => {
                let asked_on = self.decide_to_assess();
                let drafted_on = self.decide_to_issue(0);
                self.make_plan(drafted_on);
                self.seek_advice(asked_on);
            }
            Fate::PlanRefused { resumed_after_days } => {
                let asked_on = self.decide_to_assess();
                self.refuse_plan(resumed_after_days);
                self.seek_advice(asked_on);
            }
            Fate::Withdrawn | Fate::MovedOut | Fate::Closed(_) => {
                let asked_on = self.decide_to_assess();
                let drafted_on = self.decide_to_issue(0);
                self.make_plan(drafted_on);
                self.seek_advice(asked_on);
                self.end(script.day(script.ends_after));
            }
            Fate::AskedByNeighbour => {}
            Fate::OpenedInError => {
                self.push(script.day(4), Act::CorrectOpening { arrived_on: None });
                self.halts.push((script.day(4), None));
            }
        }
        if let (Fate::PlanIssued, Some(issued_on)) = (script.fate, self.issued_on) {
            self.live_with_plan(issued_on);
        }
        if self.rng.random_bool(0.05) {
            let caseworker = caseworker(self.rng.random_range(1..=8));
            let on = script.day(self.rng.random_range(20..=120));
            self.push(on, Act::HandOver { caseworker });
        }
    }

    fn arrive(&mut self) {
        let script = self.script;
        let age = script.arrived_on.years_since(self.child.details.date_of_birth);
        let requester = if age.is_some_and(|age| age >= 16) {
            weighted(
                self.rng,
                [(Requester::YoungPerson, 45), (Requester::EducationSetting, 55)],
            )
        } else {
            weighted(
                self.rng,
                [(Requester::Parent, 46), (Requester::EducationSetting, 54)],
            )
        };
        let opening = if self.rng.random_bool(0.05) {
            AssessmentFact::BecameResponsible(BecameResponsible {
                brought_by: BroughtBy::Health,
            })
        } else {
            AssessmentFact::RequestReceived(RequestReceived {
                requested_by: requester,
                channel: Some(weighted(
                    self.rng,
                    [(Channel::Email, 50), (Channel::Portal, 35), (Channel::Post, 15)],
                )),
            })
        };
        if script.has_wrong_day && script.fate != Fate::OpenedInError {
            self.push(script.day(3), Act::Open(opening));
            let arrived_on = Some(script.arrived_on);
            self.push(script.day(7), Act::CorrectOpening { arrived_on });
        } else {
            self.push(script.arrived_on, Act::Open(opening));
        }
        if script.has_existing_advice {
            let agreements = Agreements {
                adviser_on: script.day(10),
                authority_on: script.day(12),
                family_on: script.day(15),
            };
            let existing = NewExistingAdvice {
                requirement: Requirement::Psychological,
                author: "An educational psychologist of the made-up service".to_owned(),
                dated_on: script.arrived_on - Months::new(5),
                agreements,
            };
            self.push(agreements.complete_on(), Act::AgreeExistingAdvice(existing));
        }
        if self.rng.random_bool(0.02) {
            let further = FurtherRequestReceived {
                requested_by: Requester::EducationSetting,
            };
            self.event(script.day(17), AssessmentFact::FurtherRequestReceived(further));
        }
    }

    fn refuse_to_assess(&mut self, resumed_after_days: Option<i64>) {
        let decided_on = self.script.day(self.script.decided_after);
        self.event(decided_on, assess_decision(AssessDecision::Refuse));
        let Some(days) = resumed_after_days else {
            self.halts.push((decided_on, None));
            return;
        };
        let resumed_on = later(decided_on, days);
        self.halts.push((decided_on, Some(resumed_on)));
        self.event(resumed_on, resumption(ResumptionOutcome::Reconsider));
        let decided_on = later(resumed_on, 6);
        self.event(decided_on, assess_decision(AssessDecision::Assess));
        let drafted_on = self.decide_to_issue(days + 6);
        self.make_plan(drafted_on);
        self.seek_advice(decided_on);
    }

    fn decide_to_assess(&mut self) -> NaiveDate {
        let decided_on = self.script.day(self.script.decided_after);
        self.event(decided_on, assess_decision(AssessDecision::Assess));
        decided_on
    }

    /// Gives the day on which the draft is served.
    fn decide_to_issue(&mut self, days_lost: i64) -> NaiveDate {
        let drafted_on = self.script.day(self.script.draft_after + days_lost);
        if let Some(after) = self.script.plan_decided_after {
            let decided_on = self.script.day(after + days_lost).min(drafted_on);
            self.event(decided_on, plan_decision(PlanDecision::Issue));
        }
        drafted_on
    }

    fn refuse_plan(&mut self, resumed_after_days: Option<i64>) {
        let script = self.script;
        let refused_on = script.day(script.plan_decided_after.unwrap_or(script.draft_after));
        self.event(refused_on, plan_decision(PlanDecision::NotIssue));
        let Some(days) = resumed_after_days else {
            self.halts.push((refused_on, None));
            return;
        };
        let resumed_on = later(refused_on, days);
        self.halts.push((refused_on, Some(resumed_on)));
        self.event(resumed_on, resumption(ResumptionOutcome::MakePlan));
        self.make_plan(script.day(script.draft_after).max(later(resumed_on, 14)));
    }

    fn make_plan(&mut self, drafted_on: NaiveDate) {
        let script = self.script;
        if script.fate == Fate::PlanIssued {
            self.push(drafted_on, Act::DraftPlan(Box::new(sections_for(self.child))));
        }
        self.event(drafted_on, draft(DraftReason::First));
        let (waiver, issued_on) = match script.window {
            WindowScript::Kept => {
                let meant_on = script.day(script.issued_after);
                (None, meant_on.max(later(drafted_on, 17)))
            }
            WindowScript::CutShort => (None, later(drafted_on, 9)),
            WindowScript::Waived => {
                let waiver = Waiver {
                    given_by: WaivedBy::Parent,
                    given_on: later(drafted_on, 7),
                };
                (Some(waiver), later(drafted_on, 9))
            }
        };
        self.issued_on = Some(issued_on);
        if self.rng.random_bool(0.6) {
            let on = later(drafted_on, self.rng.random_range(3..=13));
            let representations = RepresentationsReceived {};
            self.event(on, AssessmentFact::RepresentationsReceived(representations));
            if script.window == WindowScript::Kept && self.rng.random_bool(0.3) {
                self.event(later(on, 3), draft(DraftReason::RepresentationsAgreed));
            }
        }
        self.consult(drafted_on);
        let recipients = [RecipientRole::Family, RecipientRole::Setting].map(|role| Recipient {
            role,
            sent_on: issued_on,
        });
        let sent = FinalPlanSent {
            version: None,
            recipients: if self.rng.random_bool(0.5) {
                recipients.to_vec()
            } else {
                Vec::new()
            },
            waiver,
            sent_early_acknowledged: script.window == WindowScript::CutShort,
            missing_advice_reason: None,
        };
        self.event(issued_on, AssessmentFact::FinalPlanSent(sent));
    }

    /// The first year of the plan: a setting, and a review near its end.
    fn live_with_plan(&mut self, issued_on: NaiveDate) {
        let urn = format!("{}", 116_900 + self.rng.random_range(0..80));
        self.push(later(issued_on, 14), Act::OnPlan(placement(urn)));
        if self.rng.random_bool(0.04) {
            let started = PlanFact::DirectPaymentsStarted(DirectPaymentsStarted {});
            self.push(later(issued_on, 40), Act::OnPlan(started));
        }
        let set = self.script.after_review;
        let days = self.rng.random_range(295..=350);
        let meeting_on = later(issued_on, if set.is_some() { 300 } else { days });
        let arranged_on = later(meeting_on, -self.rng.random_range(12..=40));
        let mut review = vec![
            (
                arranged_on,
                ReviewFact::ReviewMeetingArranged(ReviewMeetingArranged {
                    meeting_on,
                    arranged_by: Arranger::EducationSetting,
                }),
            ),
            (
                later(arranged_on, 4),
                ReviewFact::PapersCirculated(PapersCirculated {}),
            ),
            (
                meeting_on,
                ReviewFact::ReviewMeetingHeld(ReviewMeetingHeld {
                    reported_by: Arranger::EducationSetting,
                    attendance: Vec::new(),
                }),
            ),
        ];
        if self.rng.random_bool(0.9) {
            let sent_on = later(meeting_on, self.rng.random_range(4..=25));
            review.push((sent_on, ReviewFact::ReviewReportSent(ReviewReportSent {})));
        }
        // 44 % of the decisions of 2024 came within four weeks of the meeting.
        let decided_on = if set.is_some() || self.rng.random_bool(0.444) {
            later(meeting_on, self.rng.random_range(10..=25))
        } else {
            later(meeting_on, self.rng.random_range(29..=90))
        };
        let decision = match set {
            Some(AfterReview::Amended) => ReviewDecision::Amend,
            Some(AfterReview::BeingCeased | AfterReview::Ceased) => ReviewDecision::Cease,
            None => weighted(
                self.rng,
                [
                    (ReviewDecision::Maintain, 66),
                    (ReviewDecision::Amend, 32),
                    (ReviewDecision::Cease, 2),
                ],
            ),
        };
        let notified = ReviewDecisionNotified {
            decision,
            reasons: None,
        };
        review.push((decided_on, ReviewFact::ReviewDecisionNotified(notified)));
        for (on, fact) in review {
            self.push(on, Act::OnReview(fact));
        }
        if set.is_some() || self.rng.random_bool(0.08) {
            self.ask_for_review(meeting_on);
        }
        match decision {
            ReviewDecision::Maintain => {}
            ReviewDecision::Amend => {
                if set.is_some() || self.rng.random_bool(0.25) {
                    self.amend(decided_on);
                }
            }
            ReviewDecision::Cease => {
                let is_kept = set == Some(AfterReview::BeingCeased);
                self.cease(decided_on, is_kept);
            }
        }
    }

    /// The family and the paediatrician say how it went, before the papers go out.
    fn ask_for_review(&mut self, meeting_on: NaiveDate) {
        let asked_on = later(meeting_on, -63);
        let asked = [
            ((Requirement::Parent, None), None),
            (
                (Requirement::Medical, Some("paediatrics")),
                Some(self.bodies.community_health),
            ),
        ];
        for (key, organisation_id) in asked {
            self.push(asked_on, Act::AskForReview { key, organisation_id });
            if self.rng.random_bool(0.8) {
                let submitted_on = later(asked_on, self.rng.random_range(10..=25));
                let act = AdviceAct::Submit;
                self.push(submitted_on, Act::ForReview { key, act });
                let act = AdviceAct::Accept;
                self.push(later(submitted_on, 4), Act::ForReview { key, act });
            }
        }
    }

    fn amend(&mut self, decided_on: NaiveDate) {
        let sections = Box::new(amended_sections_for(self.child));
        self.push(later(decided_on, 2), Act::AmendPlan(sections));
        let notice = ReviewFact::AmendmentNoticeSent(AmendmentNoticeSent { version: None });
        self.push(later(decided_on, 5), Act::OnDecidedReview(notice));
        let sent = ReviewFact::AmendedPlanSent(AmendedPlanSent {
            version: None,
            recipients: Vec::new(),
            waiver: None,
            sent_early_acknowledged: false,
        });
        self.push(later(decided_on, 40), Act::OnDecidedReview(sent));
    }

    fn cease(&mut self, decided_on: NaiveDate, is_kept: bool) {
        let reason = CeaseReason::NeedsMetWithoutPlan;
        let consulted = PlanFact::CeaseConsulted(CeaseConsulted { reason });
        self.push(later(decided_on, -3), Act::OnPlan(consulted));
        if !is_kept {
            let ceased = PlanFact::Ceased(PlanCeased {
                reason,
                appeal_determined_on: None,
            });
            self.push(later(decided_on, CEASED_AFTER_DAYS), Act::OnPlan(ceased));
        }
    }

    fn consult(&mut self, drafted_on: NaiveDate) {
        let age = drafted_on.years_since(self.child.details.date_of_birth);
        let kind = match age.unwrap_or(0) {
            ..4 => SettingKind::EarlyYears,
            4..11 => SettingKind::Primary,
            11..16 => SettingKind::Secondary,
            _ => SettingKind::College,
        };
        let asked: Vec<Uuid> = self.bodies.settings_of(kind).take(2).collect();
        for organisation_id in asked {
            let consulted_on = later(drafted_on, 1);
            self.push(consulted_on, Act::Consult { organisation_id });
            if self.rng.random_bool(0.85) {
                let reply = weighted(
                    self.rng,
                    [
                        (SettingAnswer::CanMeet, 70),
                        (SettingAnswer::Conditional, 15),
                        (SettingAnswer::CannotMeet, 15),
                    ],
                );
                let replied_on = later(consulted_on, self.rng.random_range(4..=22));
                if reply == SettingAnswer::CanMeet && self.rng.random_bool(0.15) {
                    self.push(later(replied_on, 1), Act::AwaitPlace { organisation_id });
                }
                self.push(
                    replied_on,
                    Act::Reply {
                        organisation_id,
                        reply,
                    },
                );
            }
        }
    }

    fn be_asked_by_neighbour(&mut self) {
        let received_on = self.script.arrived_on;
        let received = ConsultationFact::ConsultationReceived(ConsultationReceived {
            from_la: "884".to_owned(),
            organisation_id: None,
        });
        self.push(received_on, Act::OnConsultation(received));
        if self.rng.random_bool(0.85) {
            let answered = ConsultationFact::ConsultationAnswered(ConsultationAnswered {
                answer: SettingAnswer::CanMeet,
                ground: None,
            });
            let answered_on = later(received_on, self.rng.random_range(4..=22));
            self.push(answered_on, Act::OnConsultation(answered));
        }
    }

    /// Those who were asked meet, instead of writing to each other.
    fn meet_jointly(&mut self, asked_on: NaiveDate) {
        let meeting_on = later(asked_on, 26);
        let parties = [Party::Family, Party::Health, Party::EducationSetting];
        let arranged = JointMeetingArranged {
            meeting_on,
            invited: parties
                .map(|party| Invited {
                    party,
                    organisation_id: None,
                })
                .to_vec(),
        };
        self.event(later(asked_on, 9), AssessmentFact::JointMeetingArranged(arranged));
        let held = JointMeetingHeld {
            attendance: parties
                .map(|party| JointAttendance {
                    party,
                    organisation_id: None,
                    attended: Attended::InPerson,
                    advice_request_id: None,
                })
                .to_vec(),
        };
        self.event(meeting_on, AssessmentFact::JointMeetingHeld(held));
    }

    fn seek_advice(&mut self, asked_on: NaiveDate) {
        if self.script.decided_after % 12 == 0 {
            self.meet_jointly(asked_on);
        }
        self.claim(asked_on);
        let steps = advice_steps(
            self.rng,
            self.script,
            self.child,
            self.bodies,
            asked_on,
            self.issued_on,
        );
        self.steps.extend(steps);
    }

    fn claim(&mut self, asked_on: NaiveDate) {
        let Some(claim) = self.script.claim else { return };
        let (ground, from, to, claimed_on) = match claim {
            ClaimScript::SchoolClosed { closed_for_days } => {
                let is_young = asked_on
                    .years_since(self.child.details.date_of_birth)
                    .is_some_and(|age| age < 5);
                let ground = if is_young {
                    AuthorityGround::EarlyYearsClosed
                } else {
                    AuthorityGround::SchoolClosed
                };
                let closed_from = asked_on + Days::new(4);
                let reopens_on = closed_from + Days::new(closed_for_days);
                (
                    ground,
                    closed_from,
                    reopens_on - Days::new(1),
                    later(reopens_on, 2),
                )
            }
            ClaimScript::Absent { absent_for_days } => {
                let from = self.script.arrived_on + Days::new(10);
                let to = from + Days::new(absent_for_days - 1);
                (AuthorityGround::Absent, from, to, later(to, 2))
            }
            ClaimScript::PersonalCircumstances => {
                let from = asked_on + Days::new(9);
                let to = from + Days::new(12);
                (AuthorityGround::PersonalCircumstances, from, to, later(to, 1))
            }
        };
        let is_closure = matches!(claim, ClaimScript::SchoolClosed { .. });
        let claimed = ExceptionClaimed {
            ground,
            from,
            to,
            clocks: if is_closure {
                vec![ClockKind::NoPlanNotice, ClockKind::FinalPlan]
            } else {
                vec![ClockKind::AssessDecision, ClockKind::FinalPlan]
            },
            evidence: Some("A letter on the made-up file.".to_owned()),
            decided_by: Some("manager-1".to_owned()),
            decided_on: Some(claimed_on),
            causal_link: Some("Nobody could be seen in that time.".to_owned()),
            closed_from: is_closure.then_some(from),
            reopens_on: is_closure.then(|| to + Days::new(1)),
            advice_requested_on: is_closure.then_some(asked_on),
        };
        self.event(claimed_on, AssessmentFact::ExceptionClaimed(claimed));
    }

    fn end(&mut self, on: NaiveDate) {
        let before_plan = self.issued_on.map_or(on, |issued_on| issued_on - Days::new(1));
        let on = on.max(self.script.day(8)).min(before_plan);
        self.halts.push((on, None));
        let act = match self.script.fate {
            Fate::Withdrawn => Act::Event(AssessmentFact::AssessmentWithdrawn(AssessmentWithdrawn {
                withdrawn_by: WithdrawnBy::Parent,
                reason: "The family wants to see what the setting can do first.".to_owned(),
            })),
            Fate::MovedOut => Act::Event(AssessmentFact::MovedOut(MovedOut {
                to_la: "884".to_owned(),
            })),
            Fate::Closed(reason) => Act::CloseCase(reason),
            Fate::AssessmentRefused { .. }
            | Fate::PlanIssued
            | Fate::PlanRefused { .. }
            | Fate::OpenedInError
            | Fate::AskedByNeighbour => return,
        };
        // It comes first on its day, since nothing else happens on it.
        self.steps.insert(0, Step { on, act });
    }

    fn event(&mut self, on: NaiveDate, fact: AssessmentFact) {
        self.push(on, Act::Event(fact));
    }

    fn push(&mut self, on: NaiveDate, act: Act) {
        self.steps.push(Step { on, act });
    }

    /// The steps that fit the state of their day.
    fn possible_steps(&mut self) -> Vec<Step> {
        let (halts, issued_on) = (self.halts.clone(), self.issued_on);
        let mut steps = std::mem::take(&mut self.steps);
        let mut broken_off = HashSet::new();
        steps.retain(|step| {
            let halted = |(from, until): &(NaiveDate, Option<NaiveDate>)| {
                *from <= step.on && until.is_none_or(|until| step.on < until)
            };
            let is_halted = halts.iter().any(halted);
            let is_planned = issued_on.is_some_and(|issued_on| issued_on <= step.on);
            match &step.act {
                Act::Open(_) | Act::CloseCase(_) | Act::CorrectOpening { .. } => true,
                Act::Event(
                    AssessmentFact::AssessmentWithdrawn(_)
                    | AssessmentFact::MovedOut(_)
                    | AssessmentFact::AssessmentResumed(_),
                ) => true,
                Act::Event(fact) if halts_itself(fact) => !halts
                    .iter()
                    .any(|(from, until)| *from < step.on && until.is_none_or(|until| step.on < until)),
                Act::Event(AssessmentFact::FinalPlanSent(_))
                | Act::OnPlan(_)
                | Act::DraftPlan(_)
                | Act::OnConsultation(_)
                | Act::OnReview(_)
                | Act::OnDecidedReview(_)
                | Act::AmendPlan(_)
                | Act::AskForReview { .. }
                | Act::ForReview { .. }
                | Act::HandOver { .. } => !is_halted,
                Act::Event(_)
                | Act::Consult { .. }
                | Act::Reply { .. }
                | Act::AwaitPlace { .. }
                | Act::AgreeExistingAdvice(_) => !is_halted && !is_planned,
                Act::AskAdvice { key, .. } | Act::Advice { key, .. } => {
                    // What follows on a request rests on what came before.
                    let happens = !is_halted && !broken_off.contains(key);
                    if !happens {
                        broken_off.insert(*key);
                    }
                    happens
                }
            }
        });
        steps
    }
}

/// Whether a decision is what the halt on its day comes from.
fn halts_itself(fact: &AssessmentFact) -> bool {
    match fact {
        AssessmentFact::AssessDecisionNotified(notified) => notified.decision == AssessDecision::Refuse,
        AssessmentFact::PlanDecisionNotified(notified) => notified.decision == PlanDecision::NotIssue,
        _ => false,
    }
}

fn assess_decision(decision: AssessDecision) -> AssessmentFact {
    AssessmentFact::AssessDecisionNotified(AssessDecisionNotified {
        decision,
        reasons: (decision == AssessDecision::Refuse)
            .then(|| "The setting can meet the needs with what it has.".to_owned()),
        notice: None,
    })
}

fn plan_decision(decision: PlanDecision) -> AssessmentFact {
    AssessmentFact::PlanDecisionNotified(PlanDecisionNotified {
        decision,
        reasons: None,
    })
}

fn placement(urn: String) -> PlanFact {
    PlanFact::PlacementStarted(PlacementStarted {
        rank: PlacementRank::Primary,
        organisation_id: None,
        urn: Some(urn),
        ukprn: None,
        setting_type: None,
        sen_unit: false,
        resourced_provision: false,
    })
}

fn draft(reason: DraftReason) -> AssessmentFact {
    AssessmentFact::DraftPlanServed(DraftPlanServed {
        version: None,
        reason,
    })
}

fn resumption(outcome: ResumptionOutcome) -> AssessmentFact {
    AssessmentFact::AssessmentResumed(AssessmentResumed {
        basis: ResumptionBasis::AuthorityReconsidered,
        outcome,
        dispute_id: None,
    })
}

/// A plan that goes out without required advice says why.
fn give_reason_for_missing_advice(steps: &mut [Step], child: &Child) {
    let facts = ChildFacts {
        date_of_birth: child.details.date_of_birth,
        year_group_override: None,
        needs: child.details.needs.iter().map(|need| need.need_type).collect(),
    };
    let mut sought_on = None;
    let mut came = Vec::new();
    for step in steps {
        match &mut step.act {
            Act::Event(AssessmentFact::AssessDecisionNotified(notified))
                if notified.decision == AssessDecision::Assess =>
            {
                sought_on.get_or_insert(step.on);
            }
            Act::Advice {
                key: (requirement, _),
                act: AdviceAct::Submit,
            } => came.push(*requirement),
            Act::AgreeExistingAdvice(existing) => came.push(existing.requirement),
            Act::Event(AssessmentFact::FinalPlanSent(sent)) => {
                let mut required = facts.required_advice(sought_on.unwrap_or(step.on));
                if required.any(|requirement| !came.contains(&requirement)) {
                    sent.missing_advice_reason =
                        Some("It was asked for and chased, and has not come.".to_owned());
                }
            }
            _ => {}
        }
    }
}
