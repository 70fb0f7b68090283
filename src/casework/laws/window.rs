//! The family's window on a draft plan, and the plan that goes out before it has run.

use super::story::*;
use crate::casework::assessment::{DraftReason, FinalPlanSent, ResumptionOutcome};
use crate::casework::event::LegalDates;
use crate::casework::flag::FlagCode;
use crate::casework::sending::{Recipient, RecipientRole};
use crate::casework::timeline::Reason;
use crate::statute::clock::ClockStatus;
use crate::statute::rulebook::ClockKind;

fn drafted() -> Story {
    Story::assessing("2025-12-01", "2026-01-05").then("2026-03-02", draft(DraftReason::First))
}

fn sent_to(days: &[(RecipientRole, &str)]) -> FinalPlanSent {
    FinalPlanSent {
        recipients: days
            .iter()
            .map(|(role, day)| Recipient {
                role: *role,
                sent_on: on(day),
            })
            .collect(),
        ..acknowledged_plan()
    }
}

fn is_cut_short(story: &Story) -> bool {
    let flags = story.flags("2026-12-01");
    flags
        .iter()
        .any(|flag| flag.code == FlagCode::DraftWindowCutShort)
}

#[test]
fn the_day_after_the_window_is_the_first_that_needs_no_word() {
    let early = drafted().then("2026-03-16", send(bare_plan())).fresh();
    assert_eq!(
        early.judged().unwrap_err().reason,
        Reason::PlanNotReady {
            window_ends_on: Some(on("2026-03-16")),
            outstanding: Vec::new(),
        }
    );
    let in_time = drafted().then("2026-03-17", send(bare_plan())).fresh();
    assert!(in_time.judged().is_ok() && !is_cut_short(&in_time));
    assert_eq!(
        in_time
            .standing(ClockKind::DraftRepresentations, "2026-03-17")
            .status,
        ClockStatus::Met
    );
}

#[test]
fn an_acknowledged_early_plan_is_kept_and_its_fault_is_visible() {
    let story = drafted().then("2026-03-16", send(acknowledged_plan())).fresh();
    assert!(is_cut_short(&story));
    let window = story.standing(ClockKind::DraftRepresentations, "2026-04-01");
    assert_eq!(window.cancelled_on, Some(on("2026-03-16")));
    assert_eq!(
        story.standing(ClockKind::FinalPlan, "2026-04-01").status,
        ClockStatus::Met
    );
}

#[test]
fn the_first_sending_cuts_the_window_and_the_last_keeps_the_limit() {
    let sent = sent_to(&[
        (RecipientRole::Family, "2026-03-12"),
        (RecipientRole::Setting, "2026-03-25"),
        (RecipientRole::CommissioningBody, "2026-03-20"),
    ]);
    for occurred_on in ["2026-03-12", "2026-03-16", "2026-03-25"] {
        let story = drafted().then(occurred_on, send(sent.clone()));
        assert!(is_cut_short(&story));
        let window = story.standing(ClockKind::DraftRepresentations, "2026-04-20");
        assert_eq!(
            (window.status, window.cancelled_on),
            (ClockStatus::Cancelled, Some(on("2026-03-12"))),
            "recorded as of {occurred_on}"
        );
        let limit = story.standing(ClockKind::FinalPlan, "2026-04-20");
        assert_eq!(
            (limit.status, limit.satisfied_on),
            (ClockStatus::Met, Some(on("2026-03-25")))
        );
    }
}

#[test]
fn a_plan_is_late_when_its_last_recipient_got_it_late() {
    let sent = sent_to(&[
        (RecipientRole::Family, "2026-04-20"),
        (RecipientRole::Setting, "2026-04-21"),
    ]);
    let story = drafted().then("2026-04-20", send(sent));
    assert_eq!(story.clock(ClockKind::FinalPlan).due_on, on("2026-04-20"));
    let standing = |day| story.standing(ClockKind::FinalPlan, day);
    assert_eq!(standing("2026-04-20").status, ClockStatus::Running);
    assert_eq!(
        (standing("2026-04-21").status, standing("2026-05-30").days_late),
        (ClockStatus::Late, 1)
    );
}

#[test]
fn a_waiver_ends_the_window_on_the_day_it_was_given() {
    let sent = FinalPlanSent {
        waiver: Some(waived_on(on("2026-03-10"))),
        ..bare_plan()
    };
    let story = drafted().then("2026-03-12", send(sent)).fresh();
    assert!(!is_cut_short(&story));
    let window = story.standing(ClockKind::DraftRepresentations, "2026-03-12");
    assert_eq!(
        (window.status, window.satisfied_on),
        (ClockStatus::Met, Some(on("2026-03-10")))
    );
    assert_eq!(
        story
            .standing(ClockKind::DraftRepresentations, "2026-03-11")
            .status,
        ClockStatus::Running,
        "nobody could know before the plan said so"
    );
}

#[test]
fn a_waiver_given_after_the_plan_or_before_the_draft_waives_nothing() {
    for given_on in ["2026-03-13", "2026-03-01"] {
        let sent = |sent_early_acknowledged| FinalPlanSent {
            waiver: Some(waived_on(on(given_on))),
            sent_early_acknowledged,
            ..bare_plan()
        };
        let refused = drafted().then("2026-03-12", send(sent(false))).fresh();
        assert!(refused.judged().is_err(), "given on {given_on}");
        let kept = drafted().then("2026-03-12", send(sent(true))).fresh();
        assert!(is_cut_short(&kept), "given on {given_on}");
    }
}

#[test]
fn a_fresh_window_is_not_waived_by_a_waiver_of_the_last_one() {
    let sent = FinalPlanSent {
        waiver: Some(waived_on(on("2026-03-06"))),
        ..bare_plan()
    };
    let story = drafted()
        .then("2026-03-10", draft(DraftReason::AuthorityChanges))
        .then("2026-03-20", send(sent))
        .fresh();
    assert!(story.judged().is_err());
}

#[test]
fn two_drafts_leave_one_window_open() {
    let story = drafted().then("2026-03-10", draft(DraftReason::AuthorityChanges));
    let windows = story.clocks(ClockKind::DraftRepresentations);
    let status = |at: usize, day| windows[at].standing_on(on(day)).map(|standing| standing.status);
    assert_eq!(status(0, "2026-03-09"), Some(ClockStatus::Running));
    assert_eq!(status(0, "2026-03-10"), Some(ClockStatus::Cancelled));
    assert_eq!(status(1, "2026-03-09"), None);
    assert_eq!(status(1, "2026-03-24"), Some(ClockStatus::Running));
    assert_eq!(status(1, "2026-03-25"), Some(ClockStatus::Met));
}

#[test]
fn a_window_that_has_run_stays_run_whatever_is_served_next() {
    let story = drafted()
        .then("2026-03-20", draft(DraftReason::AuthorityChanges))
        .then("2026-03-25", withdraw());
    let windows = story.clocks(ClockKind::DraftRepresentations);
    assert_eq!(
        windows[0].standing_on(on("2026-05-01")).unwrap().status,
        ClockStatus::Met
    );
    assert_eq!(
        windows[1].standing_on(on("2026-05-01")).unwrap().status,
        ClockStatus::Cancelled
    );
}

#[test]
fn a_draft_served_later_than_it_was_sent_opens_its_window_on_service() {
    let dates = LegalDates {
        sent_on: Some(on("2026-03-01")),
        served_on: Some(on("2026-03-05")),
        ..LegalDates::default()
    };
    let story = Story::assessing("2025-12-01", "2026-01-05").then_dated(
        "2026-03-02",
        draft(DraftReason::First),
        dates,
    );
    let window = story.clock(ClockKind::DraftRepresentations);
    assert_eq!(
        (window.started_on, window.due_on),
        (on("2026-03-05"), on("2026-03-19"))
    );
    assert!(window.standing_on(on("2026-03-01")).is_none());
    let decided = story.standing(ClockKind::PlanDecision, "2026-03-10");
    assert_eq!(
        decided.satisfied_on,
        Some(on("2026-03-01")),
        "the notice went out then"
    );
}

#[test]
fn changes_the_family_asked_for_open_no_window() {
    let story = drafted().then("2026-03-20", draft(DraftReason::RepresentationsAgreed));
    assert_eq!(story.clocks(ClockKind::DraftRepresentations).len(), 1);
}

#[test]
fn a_first_draft_opens_the_window_whatever_its_reason_says() {
    let story = Story::assessing("2026-01-05", "2026-02-10")
        .then("2026-03-02", draft(DraftReason::RepresentationsAgreed));
    assert_eq!(story.clocks(ClockKind::DraftRepresentations).len(), 1);
}

#[test]
fn a_second_reply_to_a_consultation_changes_nothing() {
    let story = drafted()
        .then("2026-03-03", consult("school"))
        .then("2026-03-10", reply("school"))
        .then("2026-03-30", reply("school"));
    let standing = story.standing(ClockKind::SettingReply, "2026-05-01");
    assert_eq!(
        (standing.status, standing.satisfied_on),
        (ClockStatus::Met, Some(on("2026-03-10")))
    );
}

#[test]
fn consultations_are_told_apart_by_their_ids() {
    let twice = drafted()
        .then("2026-03-03", consult("school"))
        .then("2026-03-04", consult("school"));
    assert_eq!(twice.judged().unwrap_err().reason, Reason::ConsultationRepeated);
    let unknown = drafted().then("2026-03-03", reply("school"));
    assert_eq!(unknown.judged().unwrap_err().reason, Reason::ConsultationUnknown);
    let before = drafted()
        .then("2026-03-10", consult("school"))
        .then("2026-03-09", reply("school"));
    assert_eq!(before.judged().unwrap_err().reason, Reason::ConsultationUnknown);
}

#[test]
fn a_consultation_is_due_fifteen_days_after_the_setting_received_it() {
    let dates = LegalDates {
        received_on: Some(on("2026-03-02")),
        ..LegalDates::default()
    };
    let story = drafted().then_dated("2026-03-02", consult("school"), dates);
    assert_eq!(
        story.clock(ClockKind::SettingReply).due_on,
        on("2026-03-17"),
        "V22"
    );
    let stopped = story
        .then("2026-03-05", withdraw())
        .then("2026-03-06", resume(ResumptionOutcome::MakePlan));
    assert_eq!(
        stopped.standing(ClockKind::SettingReply, "2026-05-01").status,
        ClockStatus::Cancelled,
        "it is for the authority to ask again"
    );
}
