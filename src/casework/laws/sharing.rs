//! Which advice has come to the family: what was there when it was sent, and never what was sent back.

use super::review;
use super::story::*;
use crate::casework::assessment::{ASSESSMENT, AssessDecision, DraftReason};
use crate::casework::event::LegalDates;
use crate::casework::review::{REVIEW, ReviewKind};
use crate::casework::sharing::{SharedBy, Sharing, shared_submissions, sharings};
use crate::statute::requirement::Requirement;

/// What is shared of a story on a day, by request and day, with what else was sent.
fn shared(story: &Story, others: &[Sharing], as_of: &str) -> Vec<(String, SharedBy, String)> {
    let events = story.sorted();
    let all: Vec<Sharing> = sharings(&events).chain(others.iter().copied()).collect();
    shared_submissions(&events, &all, on(as_of))
        .into_iter()
        .map(|one| {
            let event = story
                .events
                .iter()
                .find(|event| event.root_id == one.submission_id);
            (
                event.unwrap().occurred_on.to_string(),
                one.by,
                one.shared_on.to_string(),
            )
        })
        .collect()
}

fn one(submitted_on: &str, by: SharedBy, shared_on: &str) -> (String, SharedBy, String) {
    (submitted_on.to_owned(), by, shared_on.to_owned())
}

fn asked() -> Story {
    Story::of(&ASSESSMENT)
        .then("2026-01-05", request())
        .then("2026-02-10", decide(AssessDecision::Assess))
        .then("2026-02-10", ask(Requirement::Medical, "x"))
}

#[test]
fn a_draft_plan_shares_what_was_there_and_nothing_that_was_sent_back() {
    use SharedBy::DraftPlanServed;
    let it = request_id(Requirement::Medical, "x");
    let served = |story: Story, day: &str| story.then(day, draft(DraftReason::First));
    let given = asked().then("2026-03-02", submit(it));
    assert_eq!(shared(&given, &[], "2026-06-01"), [], "nothing was sent");

    let drafted = served(given.clone(), "2026-03-02");
    let first = one("2026-03-02", DraftPlanServed, "2026-03-02");
    assert_eq!(
        shared(&drafted, &[], "2026-03-02"),
        [first],
        "advice of the same day goes with it"
    );
    assert_eq!(shared(&drafted, &[], "2026-03-01"), []);

    for returned_on in ["2026-03-03", "2026-03-20"] {
        let story = served(given.clone().then(returned_on, send_back(it)), "2026-03-10");
        assert_eq!(
            shared(&story, &[], "2026-06-01"),
            [],
            "sent back on {returned_on}, before or after"
        );
    }
    let again = given
        .clone()
        .then("2026-03-03", send_back(it))
        .then("2026-03-05", submit(it));
    assert_eq!(
        shared(&served(again.clone(), "2026-03-10"), &[], "2026-06-01"),
        [one("2026-03-05", DraftPlanServed, "2026-03-10")]
    );
    let late = served(again, "2026-03-04").then("2026-03-12", draft(DraftReason::AuthorityChanges));
    assert_eq!(
        shared(&late, &[], "2026-06-01"),
        [one("2026-03-05", DraftPlanServed, "2026-03-12")],
        "with the draft that followed it"
    );
    let withdrawn = served(given, "2026-03-10").then("2026-03-11", take_back(it));
    assert_eq!(shared(&withdrawn, &[], "2026-06-01"), []);
}

#[test]
fn a_draft_that_is_served_later_shares_later_what_was_there_when_it_was_sent() {
    let it = request_id(Requirement::Medical, "x");
    let dates = LegalDates {
        served_on: Some(on("2026-03-12")),
        ..LegalDates::default()
    };
    let story =
        asked()
            .then("2026-03-02", submit(it))
            .then_dated("2026-03-09", draft(DraftReason::First), dates);
    assert_eq!(shared(&story, &[], "2026-03-11"), []);
    assert_eq!(
        shared(&story, &[], "2026-03-12"),
        [one("2026-03-02", SharedBy::DraftPlanServed, "2026-03-12")]
    );
    let between = asked()
        .then_dated("2026-03-09", draft(DraftReason::First), dates)
        .then("2026-03-10", submit(it));
    assert_eq!(shared(&between, &[], "2026-06-01"), []);
}

#[test]
fn papers_of_a_review_share_its_advice_also_that_of_their_own_day() {
    let it = request_id(Requirement::Education, "school");
    let papers = review::fact_of("papers_circulated", 0, on("2026-03-04"));
    let story = Story::of(&REVIEW)
        .then("2025-05-01", review::start(ReviewKind::Annual))
        .then("2026-02-10", ask(Requirement::Education, "school"))
        .then("2026-02-10", review::arrange(on("2026-03-18")))
        .then("2026-03-04", submit(it))
        .then("2026-03-04", papers);
    assert_eq!(
        shared(&story, &[], "2026-03-04"),
        [one("2026-03-04", SharedBy::PapersCirculated, "2026-03-04")]
    );
}

#[test]
fn a_plan_shares_the_requests_it_names_unless_they_came_before() {
    let (medical, other) = (
        request_id(Requirement::Medical, "x"),
        request_id(Requirement::Other, "y"),
    );
    let version = |request_id, day: &str| Sharing {
        by: SharedBy::PlanVersion,
        gathered_on: on(day),
        shared_on: on(day),
        request_id: Some(request_id),
    };
    let story = asked()
        .then("2026-02-10", ask(Requirement::Other, "y"))
        .then("2026-03-02", submit(medical))
        .then("2026-03-02", submit(other));
    let sent = [version(medical, "2026-03-01"), version(other, "2026-03-30")];
    assert_eq!(
        shared(&story, &sent, "2026-06-01"),
        [one("2026-03-02", SharedBy::PlanVersion, "2026-03-30")],
        "what came after a version was not sent with it"
    );
    let drafted = story.then("2026-03-10", draft(DraftReason::First));
    let by: Vec<_> = shared(&drafted, &sent, "2026-06-01")
        .into_iter()
        .map(|(_, by, on)| (by, on))
        .collect();
    assert_eq!(by, vec![(SharedBy::DraftPlanServed, "2026-03-10".to_owned()); 2]);
}
