//! Waiting for a place: since when it is told, from when it is up, and what brings it down.

use super::story::*;
use crate::casework::assessment::{AssessDecision, DraftReason, PlanDecision};
use crate::casework::event::{ClosureReason, Fact};
use crate::casework::flag::{Flag, FlagCode};
use crate::casework::timeline::Reason;
use crate::statute::rulebook::{ClockKind, Party};

/// A draft is with the family, and two settings were asked.
fn consulted() -> Story {
    Story::requested("2026-01-05")
        .then("2026-02-02", decide(AssessDecision::Assess))
        .then("2026-03-02", draft(DraftReason::First))
        .then("2026-03-02", consult("school"))
        .then("2026-03-03", consult("college"))
}

fn waiting(story: &Story, day: &str) -> Vec<Flag> {
    let mut flags = story.flags(day);
    flags.retain(|flag| flag.code == FlagCode::PlaceAwaited);
    flags
}

#[test]
fn it_is_told_since_the_day_given_and_up_from_the_day_of_the_act() {
    let story = consulted().then("2026-03-20", await_place("school", on("2026-03-10")));
    assert!(waiting(&story, "2026-03-19").is_empty(), "nobody had said so");
    let flags = waiting(&story, "2026-03-20");
    assert_eq!(flags.len(), 1);
    assert_eq!(
        (flags[0].told_since(), flags[0].since_on, flags[0].whose_move),
        (on("2026-03-10"), on("2026-03-20"), Some(Party::EducationSetting))
    );
    let clock = story.clocks(ClockKind::SettingReply).remove(0);
    assert_eq!(flags[0].subject.clock_id, Some(clock.id));
    assert_eq!(
        flags[0].in_words(),
        "A place at a consulted setting is waited for since 10 March 2026."
    );
    let again = story.then("2026-03-25", await_place("school", on("2026-03-15")));
    assert_eq!(waiting(&again, "2026-03-25"), flags, "the first day stands");
    let ahead = consulted().then("2026-03-20", await_place("school", on("2026-03-23")));
    assert!(waiting(&ahead, "2026-03-22").is_empty());
    assert_eq!(waiting(&ahead, "2026-03-23")[0].told_since(), on("2026-03-23"));
}

#[test]
fn an_offer_brings_down_what_it_answers_and_nothing_else() {
    let both = consulted()
        .then("2026-03-20", await_place("school", on("2026-03-10")))
        .then("2026-03-20", await_place("college", on("2026-03-12")));
    let offered = both.then("2026-04-01", offer_place("school"));
    assert_eq!(waiting(&offered, "2026-03-31").len(), 2);
    let left = waiting(&offered, "2026-04-01");
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].told_since(), on("2026-03-12"));
    // An offer that came to nothing: they wait again, and were not waiting in between.
    let again = offered.then("2026-04-20", await_place("school", on("2026-03-10")));
    assert_eq!(waiting(&again, "2026-04-10").len(), 1);
    assert_eq!(waiting(&again, "2026-04-20").len(), 2);
}

#[test]
fn the_plan_does_not_bring_it_down_and_the_end_of_the_procedure_does() {
    let story = consulted().then("2026-03-20", await_place("school", on("2026-03-10")));
    let issued = story.clone().then("2026-04-01", send(acknowledged_plan()));
    assert_eq!(waiting(&issued, "2026-09-01").len(), 1, "the child still waits");
    let offered = issued.clone().then("2026-09-02", offer_place("school"));
    assert!(waiting(&offered, "2026-09-02").is_empty());
    for ending in [
        withdraw(),
        move_out(),
        plan(PlanDecision::NotIssue),
        Fact::CaseClosed(ClosureReason::Other),
    ] {
        let ended = story.clone().then("2026-04-01", ending.clone());
        assert!(waiting(&ended, "2026-04-01").is_empty(), "{ending:?}");
    }
    let closed = issued.then("2026-09-02", Fact::CaseClosed(ClosureReason::Died));
    assert!(waiting(&closed, "2026-09-02").is_empty());
}

#[test]
fn nobody_waits_for_a_place_that_nobody_was_asked_about() {
    for fact in [await_place("unit", on("2026-03-10")), offer_place("unit")] {
        let refusal = consulted().then("2026-03-20", fact).judged().unwrap_err();
        assert_eq!(refusal.reason, Reason::ConsultationUnknown);
    }
}

#[test]
fn what_became_of_each_setting_is_told() {
    let waiting = consulted().then("2026-03-20", await_place("school", on("2026-03-10")));
    let told = |story: &Story| {
        let mut consultations = story.timeline().consultations;
        assert_eq!(
            consultations
                .iter()
                .filter(|one| one.consultation_id == id("school"))
                .count(),
            1
        );
        consultations.retain(|one| one.consultation_id == id("school"));
        consultations.remove(0)
    };
    assert_eq!(told(&waiting).awaited_since_on, Some(on("2026-03-10")));
    let offered = waiting.clone().then("2026-04-02", offer_place("school"));
    assert_eq!(told(&offered).awaited_since_on, None);
    assert_eq!(
        told(&offered).offer.map(|offer| offer.offered_on),
        Some(on("2026-04-02"))
    );
    let withdrawn = waiting.then("2026-04-01", withdraw());
    assert_eq!(told(&withdrawn).awaited_since_on, None, "nobody waits any more");
}
