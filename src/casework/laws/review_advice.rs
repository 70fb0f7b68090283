//! Advice for a review: until when it is sought, by when it is needed, and that no law is made up for it.

use super::story::*;
use crate::casework::advice::{AdviceFor, AdviceStatus, DeclinationGround};
use crate::casework::event::Fact;
use crate::casework::procedure::State;
use crate::casework::review::ReviewState::{self, *};
use crate::casework::review::{
    Arranger, REVIEW, ReviewDecision, ReviewDecisionNotified, ReviewFact, ReviewKind, ReviewMeetingArranged,
    ReviewMeetingHeld, ReviewPeriodStarted,
};
use crate::casework::sending::AmendedPlanSent;
use crate::statute::reading::{Notice, Readings};
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::{ClockKind, Party};

/// Before the opening, and every state: in period, meeting arranged, meeting held, amending, amendment
/// proposed, maintained, amended, abandoned, cease decided, withdrawn, plan ceased, closed, void. A plus permits.
const PERMITTED: &str = "
advice_requested          . + + + + + . . . . . . . .
advice_acknowledged       . + + + + + . . . . . . . .
advice_submitted          . + + + + + + + + + + + + .
advice_returned           . + + + + + . . . . . . . .
advice_accepted           . + + + + + . . . . . . . .
advice_declined           . + + + + + . . . . . . . .
advice_redirected         . + + + + + . . . . . . . .
advice_withdrawn          . + + + + + . . . . . . . .
advice_appointment        . + + + + + . . . . . . . .
advice_exception_claimed  . + + + + + . . . . . . . .
";

fn own(fact: ReviewFact) -> Fact {
    Fact::own(fact)
}

fn opened() -> Story {
    let started = ReviewPeriodStarted {
        kind: ReviewKind::Annual,
    };
    Story::of(&REVIEW)
        .about(child())
        .then("2025-05-01", own(ReviewFact::ReviewPeriodStarted(started)))
}

fn arranged(meeting: &str) -> Fact {
    own(ReviewFact::ReviewMeetingArranged(ReviewMeetingArranged {
        meeting_on: on(meeting),
        arranged_by: Arranger::EducationSetting,
    }))
}

fn held() -> Fact {
    own(ReviewFact::ReviewMeetingHeld(ReviewMeetingHeld {
        reported_by: Arranger::EducationSetting,
        attendance: Vec::new(),
    }))
}

fn decided(decision: ReviewDecision) -> Fact {
    own(ReviewFact::ReviewDecisionNotified(ReviewDecisionNotified {
        decision,
        reasons: None,
    }))
}

fn amended() -> Fact {
    own(ReviewFact::AmendedPlanSent(AmendedPlanSent {
        version: None,
        recipients: Vec::new(),
        waiver: None,
        sent_early_acknowledged: true,
    }))
}

fn medical() -> uuid::Uuid {
    request_id(Requirement::Medical, "paediatrics")
}

#[test]
fn advice_is_sought_while_a_review_is_open_and_taken_ever_after() {
    let types = types_of(&REVIEW);
    for line in PERMITTED.lines().filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (name, cells) = (words[0], &words[1..]);
        let event_type = *types.iter().find(|known| known.name() == name).unwrap();
        assert!(!REVIEW.permits(None, event_type), "{name} opens nothing");
        assert_eq!(cells.len(), ReviewState::ALL.len() + 1);
        for (state, cell) in ReviewState::ALL.into_iter().zip(&cells[1..]) {
            let permitted = REVIEW.permits(Some(State::from(state)), event_type);
            assert_eq!(permitted, *cell == "+", "{name} in {state:?}");
        }
    }
}

#[test]
fn no_clock_runs_on_it_and_it_is_needed_when_the_papers_go_out() {
    let asked = opened().then("2026-01-12", ask(Requirement::Medical, "paediatrics"));
    assert_eq!(asked.timeline().advice.needed_by_on, None);
    // V27: clear days before a meeting on Wednesday 18 March 2026.
    let arranged_once = asked.then("2026-01-20", arranged("2026-03-18"));
    assert_eq!(
        arranged_once.timeline().advice.needed_by_on,
        Some(on("2026-03-03"))
    );
    assert_eq!(
        arranged_once.until(on("2026-01-19")).unwrap().advice.needed_by_on,
        None
    );
    let simply = arranged_once.clone().under(Readings {
        notice: Notice::Simple,
        ..Readings::default()
    });
    assert_eq!(simply.timeline().advice.needed_by_on, Some(on("2026-03-04")));
    let moved = arranged_once.then("2026-01-20", arranged("2026-03-25"));
    assert_eq!(moved.timeline().advice.needed_by_on, Some(on("2026-03-10")));
    let met = moved.then("2026-03-25", held());
    assert_eq!(met.timeline().advice.needed_by_on, Some(on("2026-03-10")));
    assert!(met.clocks(ClockKind::Advice).is_empty());
    assert!(
        met.flag_names("2026-12-01")
            .iter()
            .all(|name| !name.starts_with("advice")),
        "no flag without a limit"
    );
}

#[test]
fn regulation_six_requires_nothing_of_a_review_and_the_familys_views_are_a_part_of_it() {
    let story = opened()
        .then("2026-01-12", ask(Requirement::Medical, "paediatrics"))
        .then("2026-01-20", arranged("2026-03-18"))
        .then("2026-03-18", held())
        .then("2026-03-20", decided(ReviewDecision::Amend))
        .then("2026-04-20", amended());
    let expected = AdviceFor::ReviewMeeting.expected(&child(), on("2026-01-12"));
    for (day, medical_move) in [
        ("2026-03-01", Some(Party::Health)),
        ("2026-03-20", Some(Party::Health)),
        ("2026-04-20", None),
    ] {
        let timeline = story.until(on(day)).unwrap();
        let rows = timeline.advice.matrix(&timeline.clocks, &expected, on(day));
        for row in &rows {
            let (status, needed_by_on) = if row.requirement == Requirement::Medical {
                (AdviceStatus::Awaited, Some(on("2026-03-03")))
            } else if row.requirement == Requirement::Parent {
                (AdviceStatus::NotRequested, Some(on("2026-03-03")))
            } else {
                (AdviceStatus::NotRequired, None)
            };
            assert_eq!(
                (row.status, row.needed_by_on, row.due_on, row.days_late),
                (status, needed_by_on, None, 0),
                "{:?} on {day}",
                row.requirement
            );
        }
        let asked = rows
            .iter()
            .find(|row| row.requirement == Requirement::Medical)
            .unwrap();
        assert_eq!(asked.whose_move, medical_move, "{day}");
        assert!(!story.flag_names(day).contains(&"advice_missing"), "{day}");
    }
    assert_eq!(story.timeline().state, Amended.into());
}

#[test]
fn nobody_has_to_act_on_the_advice_of_a_review_that_is_over() {
    let returned = opened()
        .then("2026-01-12", ask(Requirement::Medical, "paediatrics"))
        .then("2026-02-02", submit(medical()))
        .then("2026-02-03", send_back(medical()));
    let declined = opened()
        .then("2026-01-12", ask(Requirement::Medical, "paediatrics"))
        .then("2026-02-03", decline(medical(), DeclinationGround::NoCapacity));
    for (story, flag) in [(returned, "advice_returned"), (declined, "advice_declined")] {
        assert_eq!(story.flag_names("2026-02-10"), [flag]);
        for decision in [ReviewDecision::Maintain, ReviewDecision::Cease] {
            let over = story.clone().then("2026-03-20", decided(decision));
            assert!(over.flag_names("2026-03-20").is_empty(), "{flag}");
            assert!(over.timeline().advice.is_stopped);
        }
        let amending = story.then("2026-03-20", decided(ReviewDecision::Amend));
        assert!(
            amending.flag_names("2026-03-20").contains(&flag),
            "it goes into the amendments"
        );
        let late = amending
            .then("2026-04-20", amended())
            .then("2026-04-27", submit(medical()));
        assert!(!late.flag_names("2026-04-27").contains(&flag));
        assert!(
            late.timeline().advice.requests[0].submitted_on.is_some(),
            "what comes late is still taken"
        );
    }
}
