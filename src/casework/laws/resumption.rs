//! What a resumption takes back, and what it leaves alone.

use super::story::*;
use crate::casework::advice::DeclinationGround;
use crate::casework::assessment::{
    AssessDecision, AssessmentState, DraftReason, PlanDecision, ResumptionOutcome,
};
use crate::casework::flag::FlagCode;
use crate::statute::clock::ClockStatus;
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::{ClockKind, Party};

#[test]
fn a_resumption_keeps_the_first_dates_of_what_is_owed_again() {
    let story = Story::requested("2026-01-05")
        .then("2026-02-10", decide(AssessDecision::Refuse))
        .then("2026-03-02", resume(ResumptionOutcome::Assess));
    for (kind, due_on) in [
        (ClockKind::PlanDecision, "2026-04-27"),
        (ClockKind::NoPlanNotice, "2026-04-27"),
        (ClockKind::FinalPlan, "2026-05-25"),
    ] {
        assert_eq!(story.clock(kind).due_on, on(due_on));
        assert_eq!(story.standing(kind, "2026-02-09").status, ClockStatus::Running);
        assert_eq!(story.standing(kind, "2026-02-10").status, ClockStatus::Cancelled);
        assert_eq!(story.standing(kind, "2026-03-01").status, ClockStatus::Cancelled);
        assert_eq!(story.standing(kind, "2026-03-02").status, ClockStatus::Running);
        assert_eq!(story.standing(kind, "2026-06-01").status, ClockStatus::Overdue);
    }
    let decided = story.standing(ClockKind::AssessDecision, "2026-06-01");
    assert_eq!(
        decided.satisfied_on,
        Some(on("2026-02-10")),
        "the refusal was a decision"
    );
}

#[test]
fn a_request_that_was_taken_back_is_not_owed_again() {
    let medical = request_id(Requirement::Medical, "paediatrics");
    let story = Story::assessing("2026-01-05", "2026-02-10")
        .then("2026-02-10", ask(Requirement::Medical, "paediatrics"))
        .then("2026-02-12", take_back(medical))
        .then("2026-02-20", withdraw())
        .then("2026-03-02", resume(ResumptionOutcome::Assess));
    assert_eq!(
        story.standing(ClockKind::Advice, "2026-06-01").status,
        ClockStatus::Cancelled
    );
}

#[test]
fn advice_that_came_while_the_assessment_stood_still_has_come() {
    let medical = request_id(Requirement::Medical, "paediatrics");
    let story = Story::assessing("2026-01-05", "2026-02-10")
        .then("2026-02-10", ask(Requirement::Medical, "paediatrics"))
        .then("2026-02-20", withdraw())
        .then("2026-02-25", submit(medical))
        .then("2026-03-02", resume(ResumptionOutcome::Assess));
    let standing = |day| story.standing(ClockKind::Advice, day);
    assert_eq!(standing("2026-02-26").status, ClockStatus::Cancelled);
    assert_eq!(standing("2026-03-02").status, ClockStatus::Met);
    assert_eq!(standing("2026-03-02").satisfied_on, Some(on("2026-02-25")));
    assert!(!story.flag_names("2026-06-01").contains(&"advice_late"));
}

#[test]
fn advice_that_came_too_late_while_nothing_was_owed_is_late_once_it_is_owed_again() {
    let medical = request_id(Requirement::Medical, "paediatrics");
    let story = Story::assessing("2026-01-05", "2026-02-10")
        .then("2026-02-10", ask(Requirement::Medical, "paediatrics"))
        .then("2026-02-20", withdraw())
        .then("2026-03-27", submit(medical))
        .then("2026-04-02", resume(ResumptionOutcome::Assess));
    assert_eq!(
        story.standing(ClockKind::Advice, "2026-04-01").status,
        ClockStatus::Cancelled
    );
    assert_eq!(story.standing(ClockKind::Advice, "2026-04-02").days_late, 3);
}

#[test]
fn the_body_asked_after_one_whose_duty_fell_away_owes_by_the_first_date() {
    let medical = request_id(Requirement::Medical, "paediatrics");
    let story = Story::assessing("2026-01-05", "2026-02-10")
        .then("2026-02-10", ask(Requirement::Medical, "paediatrics"))
        .then("2026-02-16", decline(medical, DeclinationGround::AdverseEffect))
        .then("2026-02-20", redirect(medical, Party::SocialCare));
    let clock = story.clock(ClockKind::Advice);
    let standing = |day| clock.standing_on(on(day)).unwrap();
    assert_eq!(standing("2026-02-16").status, ClockStatus::Cancelled);
    assert_eq!(standing("2026-02-20").status, ClockStatus::Running);
    assert_eq!(clock.due_on, on("2026-03-24"));
    assert_eq!(standing("2026-03-25").status, ClockStatus::Overdue);
    let bearer = |day| clock.segment_on(on(day)).unwrap().bearer;
    assert_eq!(bearer("2026-02-19"), Party::Health);
    assert_eq!(bearer("2026-02-20"), Party::SocialCare);
}

#[test]
fn a_plan_decided_and_then_refused_has_its_notice_judged() {
    for (refused_on, status) in [
        ("2026-04-27", ClockStatus::Met),
        ("2026-05-01", ClockStatus::Late),
    ] {
        let story = Story::assessing("2026-01-05", "2026-02-10")
            .then("2026-03-02", plan(PlanDecision::Issue))
            .then(refused_on, plan(PlanDecision::NotIssue));
        assert_eq!(
            story.standing(ClockKind::NoPlanNotice, "2026-04-20").status,
            ClockStatus::Cancelled
        );
        let notice = story.standing(ClockKind::NoPlanNotice, "2026-06-01");
        assert_eq!(
            (notice.status, notice.satisfied_on),
            (status, Some(on(refused_on)))
        );
    }
}

#[test]
fn a_decision_on_a_plan_that_is_taken_again_may_be_a_refusal() {
    let drafting = Story::assessing("2026-01-05", "2026-02-10")
        .then("2026-03-02", plan(PlanDecision::Issue))
        .then("2026-03-10", withdraw());
    let again = drafting
        .clone()
        .then("2026-03-20", resume(ResumptionOutcome::Assess));
    let notice = again.standing(ClockKind::NoPlanNotice, "2026-03-20");
    assert_eq!(notice.status, ClockStatus::Running);
    let goes_on = drafting.then("2026-03-20", resume(ResumptionOutcome::MakePlan));
    let notice = goes_on.standing(ClockKind::NoPlanNotice, "2026-03-20");
    assert_eq!(
        (notice.status, notice.cancelled_on),
        (ClockStatus::Cancelled, Some(on("2026-03-02"))),
        "cancelled by the decision to issue, which stands"
    );
}

#[test]
fn what_follows_from_a_resumption_may_happen_on_its_day() {
    let refused = Story::requested("2026-01-05").then("2026-02-10", decide(AssessDecision::Refuse));
    let asked = refused
        .clone()
        .then("2026-03-02", resume(ResumptionOutcome::Assess))
        .then("2026-03-02", ask(Requirement::Medical, "paediatrics"));
    assert_eq!(asked.timeline().advice.requests.len(), 1);
    let refused_plan =
        Story::assessing("2026-01-05", "2026-02-10").then("2026-03-02", plan(PlanDecision::NotIssue));
    let decided = refused_plan
        .then("2026-04-01", resume(ResumptionOutcome::Reconsider))
        .then("2026-04-01", plan(PlanDecision::Issue))
        .then("2026-04-01", draft(DraftReason::First));
    assert_eq!(decided.timeline().state, AssessmentState::DraftServed.into());
    let same_day = refused.then("2026-02-10", resume(ResumptionOutcome::Assess));
    assert_eq!(same_day.timeline().state, AssessmentState::Assessing.into());
}

#[test]
fn where_a_resumption_leads() {
    use AssessmentState::*;
    use ResumptionOutcome::*;
    let refused = Story::requested("2026-01-05").then("2026-02-10", decide(AssessDecision::Refuse));
    let no_plan =
        Story::assessing("2026-01-05", "2026-02-10").then("2026-03-02", plan(PlanDecision::NotIssue));
    let withdrawn = Story::requested("2026-01-05").then("2026-02-10", withdraw());
    for (story, outcome, state) in [
        (&refused, Assess, Assessing),
        (&refused, MakePlan, Drafting),
        (&refused, Reconsider, ConsideringRequest),
        (&no_plan, Assess, Assessing),
        (&no_plan, MakePlan, Drafting),
        (&no_plan, Reconsider, Assessing),
        (&withdrawn, Assess, Assessing),
        (&withdrawn, MakePlan, Drafting),
        (&withdrawn, Reconsider, ConsideringRequest),
    ] {
        let resumed = story.clone().then("2026-04-01", resume(outcome));
        assert_eq!(resumed.timeline().state, state.into());
    }
}

#[test]
fn a_decision_to_be_taken_again_leaves_no_plan_without_advice() {
    let story = Story::assessing("2026-01-05", "2026-02-10")
        .about(child())
        .then("2026-03-02", plan(PlanDecision::Issue))
        .then("2026-03-10", withdraw())
        .then("2026-03-20", resume(ResumptionOutcome::Assess));
    let is_up = |day| {
        let missing = |flag: &crate::casework::flag::Flag| flag.code == FlagCode::AdviceMissing;
        story.flags(day).iter().any(missing)
    };
    assert!(is_up("2026-03-02") && !is_up("2026-03-10") && !is_up("2026-03-20"));
    assert_eq!(story.timeline().advice.plan_on, None);
}
