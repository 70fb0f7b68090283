//! The consultation received: every state and every event. The table is written by hand.

use chrono::{NaiveDate, TimeDelta};

use super::story::{Story, claimed, id, on, types_of};
use crate::casework::claim::AuthorityGround;
use crate::casework::consultation::ConsultationState::{self, *};
use crate::casework::consultation::{
    CONSULTATION, ConsultationAnswered, ConsultationFact, ConsultationReceived, ConsultationWithdrawn,
};
use crate::casework::event::{ClosureReason, Fact};
use crate::casework::place::SettingAnswer;
use crate::casework::procedure::{EventType, State};
use crate::statute::clock::ClockStatus;
use crate::statute::rulebook::{ClockKind, Force, Party};

/// A column for each state: before the opening, received, answered, withdrawn, closed. A dot refuses, `=`
/// stays.
const TRANSITIONS: &str = "
consultation_received     rec  .   .   .   .
consultation_answered      .  ans  .   .   .
consultation_withdrawn     .  wit  .   .   .
exception_claimed          .   =   .   .   .
case_closed                .  clo  =   =   .
";

const STATES: [(&str, Option<ConsultationState>); 5] = [
    ("-", None),
    ("rec", Some(Received)),
    ("ans", Some(Answered)),
    ("wit", Some(Withdrawn)),
    ("clo", Some(Closed)),
];

/// A fact of a type, its details drawn from a number.
pub fn fact_of(name: &str, detail: usize, day: NaiveDate) -> Fact {
    let answers = [
        SettingAnswer::CanMeet,
        SettingAnswer::Conditional,
        SettingAnswer::CannotMeet,
    ];
    Fact::own(match name {
        "consultation_received" => ConsultationFact::ConsultationReceived(ConsultationReceived {
            from_la: "884".to_owned(),
            organisation_id: detail.is_multiple_of(2).then(|| id("school")),
        }),
        "consultation_answered" => ConsultationFact::ConsultationAnswered(ConsultationAnswered {
            answer: answers[detail % 3],
            ground: None,
        }),
        "consultation_withdrawn" => ConsultationFact::ConsultationWithdrawn(ConsultationWithdrawn {}),
        "exception_claimed" => ConsultationFact::ExceptionClaimed(claimed(
            AuthorityGround::Absent,
            day - TimeDelta::days(detail as i64 % 30),
            day,
            &[ClockKind::SettingReply],
        )),
        other => panic!("no fact of a consultation is made up for {other}"),
    })
}

/// What leads somewhere from a state.
pub fn likely(state: Option<State>) -> &'static [&'static str] {
    match state {
        None => &["consultation_received"],
        Some(_) => &[
            "exception_claimed",
            "consultation_answered",
            "exception_claimed",
            "consultation_withdrawn",
        ],
    }
}

fn received() -> Story {
    Story::of(&CONSULTATION).then(
        "2026-03-02",
        fact_of("consultation_received", 1, on("2026-03-02")),
    )
}

fn reaching(state: Option<ConsultationState>) -> Story {
    let day = on("2026-03-10");
    match state {
        None => Story::of(&CONSULTATION),
        Some(Received) => received(),
        Some(Answered) => received().then("2026-03-10", fact_of("consultation_answered", 0, day)),
        Some(Withdrawn) => received().then("2026-03-10", fact_of("consultation_withdrawn", 0, day)),
        Some(Closed) => received().then("2026-03-10", Fact::CaseClosed(ClosureReason::Died)),
        Some(Void) => unreachable!("no stream folds to void: it is what is left of a voided one"),
    }
}

#[test]
fn every_pair_of_state_and_event_is_a_transition_or_a_refusal() {
    let mut names = Vec::new();
    for line in TRANSITIONS.lines().filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let fact = match words[0] {
            "case_closed" => Fact::CaseClosed(ClosureReason::AgedOut),
            name => fact_of(name, 1, on("2026-06-01")),
        };
        names.push(words[0]);
        for ((_, state), cell) in STATES.into_iter().zip(&words[1..]) {
            let expected = match *cell {
                "." => None,
                "=" => state,
                other => STATES.into_iter().find(|(known, _)| *known == other).unwrap().1,
            };
            let told = state.map(State::from);
            assert_eq!(
                CONSULTATION.permits(told, fact.event_type()),
                expected.is_some(),
                "{words:?} in {state:?}"
            );
            let after = reaching(state).then("2026-06-01", fact.clone()).judged();
            assert_eq!(
                after.ok().map(|timeline| timeline.state),
                expected.map(State::from),
                "{words:?} in {state:?}"
            );
        }
    }
    for event_type in CONSULTATION.event_types.iter().chain(&[EventType::CASE_CLOSED]) {
        assert!(names.contains(&event_type.name()), "{event_type:?} has no row");
    }
    for event_type in types_of(&CONSULTATION) {
        assert!(!CONSULTATION.permits(Some(Void.into()), event_type));
    }
    for state in ConsultationState::ALL {
        assert!(!State::from(state).excludes_another(), "{state:?}");
    }
}

#[test]
fn this_authority_owes_the_answer_as_guidance() {
    // V22: received on Monday 2 March 2026.
    let clock = received().clock(ClockKind::SettingReply);
    let segment = clock.segments[0];
    assert_eq!(
        (clock.due_on, segment.bearer, segment.force),
        (on("2026-03-17"), Party::LocalAuthority, Force::Guidance)
    );
    let late = received().then(
        "2026-03-18",
        fact_of("consultation_answered", 2, on("2026-03-18")),
    );
    assert_eq!(
        late.standing(ClockKind::SettingReply, "2026-03-18").status,
        ClockStatus::Late
    );
    for ended in [reaching(Some(Withdrawn)), reaching(Some(Closed))] {
        assert_eq!(
            ended.standing(ClockKind::SettingReply, "2026-03-20").status,
            ClockStatus::Cancelled
        );
    }
}
