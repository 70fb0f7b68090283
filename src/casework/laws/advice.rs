//! Advice: the matrix, the flags and the requests say the same thing.

use super::story::*;
use crate::casework::advice::{AdviceItem, AdviceState, AdviceStatus, AppointmentOutcome};
use crate::casework::assessment::{AssessDecision, DraftReason, PlanDecision};
use crate::casework::claim::AuthorityGround;
use crate::casework::flag::{Flag, FlagCode};
use crate::casework::timeline::Reason;
use crate::statute::clock::ClockStatus;
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::{ClockKind, Ground, Party};

/// A child of whom five sources are required, with advice asked of each of the first two.
fn asked() -> Story {
    Story::assessing("2026-01-05", "2026-02-10")
        .about(child())
        .then("2026-02-10", ask(Requirement::Medical, "paediatrics"))
        .then("2026-02-10", ask(Requirement::Psychological, "psychology"))
}

fn medical() -> uuid::Uuid {
    request_id(Requirement::Medical, "paediatrics")
}

fn rows(story: &Story, day: &str, requirement: Requirement) -> Vec<AdviceItem> {
    let timeline = story.until(on(day)).unwrap();
    let required: Vec<Requirement> = child().required_advice(on(day)).collect();
    let mut items = timeline.advice.matrix(&timeline.clocks, &required, on(day));
    items.retain(|item| item.requirement == requirement);
    items
}

fn statuses(story: &Story, day: &str, requirement: Requirement) -> Vec<AdviceStatus> {
    let rows = rows(story, day, requirement);
    rows.iter().map(|item| item.status).collect()
}

fn missing(story: &Story, day: &str) -> Vec<(Requirement, Option<Party>)> {
    let is_missing = |flag: &&Flag| flag.code == FlagCode::AdviceMissing;
    let flags = story.flags(day);
    flags
        .iter()
        .filter(is_missing)
        .map(|flag| (flag.subject.requirement.unwrap(), flag.whose_move))
        .collect()
}

#[test]
fn a_request_passes_through_the_matrix() {
    let story = asked()
        .then("2026-03-27", submit(medical()))
        .then("2026-03-30", send_back(medical()))
        .then("2026-04-02", submit(medical()))
        .then("2026-04-03", accept(medical()));
    for (day, status, days_late, whose_move) in [
        ("2026-02-10", AdviceStatus::Awaited, 0, Some(Party::Health)),
        ("2026-03-24", AdviceStatus::Awaited, 0, Some(Party::Health)),
        ("2026-03-25", AdviceStatus::Late, 1, Some(Party::Health)),
        (
            "2026-03-27",
            AdviceStatus::Submitted,
            3,
            Some(Party::LocalAuthority),
        ),
        ("2026-03-30", AdviceStatus::Returned, 3, Some(Party::Health)),
        (
            "2026-04-02",
            AdviceStatus::Submitted,
            3,
            Some(Party::LocalAuthority),
        ),
        ("2026-04-03", AdviceStatus::Accepted, 3, None),
    ] {
        let row = &rows(&story, day, Requirement::Medical)[0];
        assert_eq!(
            (row.status, row.days_late, row.whose_move),
            (status, days_late, whose_move),
            "{day}"
        );
    }
    let requests = story.timeline().advice.requests;
    let request = requests.iter().find(|request| request.id == medical()).unwrap();
    assert_eq!(
        request.submitted_on,
        Some(on("2026-03-27")),
        "the first submission"
    );
}

#[test]
fn a_return_does_not_reopen_the_clock() {
    let story = asked()
        .then("2026-03-02", submit(medical()))
        .then("2026-03-04", send_back(medical()));
    let clock = &story.clocks(ClockKind::Advice);
    let met = clock.iter().filter(|clock| clock.subject == Some(medical()));
    for clock in met {
        assert_eq!(
            clock.standing_on(on("2026-06-01")).unwrap().status,
            ClockStatus::Met
        );
    }
    assert!(story.flag_names("2026-03-04").contains(&"advice_returned"));
}

#[test]
fn advice_missing_from_a_plan_is_flagged_until_it_comes() {
    let story = asked()
        .then("2026-03-02", submit(medical()))
        .then("2026-04-01", plan(PlanDecision::Issue))
        .then(
            "2026-04-10",
            submit(request_id(Requirement::Psychological, "psychology")),
        );
    let requirements = |day| missing(&story, day).iter().map(|(r, _)| *r).collect::<Vec<_>>();
    use Requirement::{Education, Parent, Psychological, SocialCare};
    assert!(requirements("2026-03-31").is_empty());
    assert_eq!(
        requirements("2026-04-01"),
        [Parent, Education, Psychological, SocialCare]
    );
    assert_eq!(requirements("2026-04-10"), [Parent, Education, SocialCare]);
    assert_eq!(
        statuses(&story, "2026-04-09", Psychological),
        [AdviceStatus::Missing]
    );
}

#[test]
fn the_flag_of_missing_advice_waits_for_whoever_owes_it_now() {
    let story = asked()
        .then("2026-04-01", plan(PlanDecision::Issue))
        .then("2026-04-03", ask(Requirement::SocialCare, "early help"))
        .then("2026-04-05", redirect(medical(), Party::Other));
    let mover = |day, requirement| {
        let of = |(missing, whose_move): &(Requirement, Option<Party>)| {
            (*missing == requirement).then_some(*whose_move).flatten()
        };
        missing(&story, day).iter().find_map(of)
    };
    assert_eq!(
        mover("2026-04-01", Requirement::SocialCare),
        Some(Party::LocalAuthority)
    );
    assert_eq!(
        mover("2026-04-03", Requirement::SocialCare),
        Some(Party::SocialCare)
    );
    assert_eq!(mover("2026-04-04", Requirement::Medical), Some(Party::Health));
    assert_eq!(mover("2026-04-05", Requirement::Medical), Some(Party::Other));
}

#[test]
fn advice_taken_back_after_it_came_is_missing_again() {
    let story = asked()
        .then("2026-03-02", submit(medical()))
        .then("2026-04-01", plan(PlanDecision::Issue))
        .then("2026-04-08", take_back(medical()));
    let is_missing = |day| {
        missing(&story, day)
            .iter()
            .any(|(r, _)| *r == Requirement::Medical)
    };
    assert!(!is_missing("2026-04-07") && is_missing("2026-04-08"));
    assert_eq!(
        statuses(&story, "2026-04-08", Requirement::Medical),
        [AdviceStatus::Missing]
    );
    let sent = story
        .then("2026-04-10", draft(DraftReason::First))
        .then("2026-05-01", send(bare_plan()))
        .fresh();
    let Reason::PlanNotReady { outstanding, .. } = sent.judged().unwrap_err().reason else {
        panic!("the plan lacks medical advice");
    };
    assert!(outstanding.contains(&Requirement::Medical));
}

#[test]
fn advice_that_was_not_required_is_missing_only_while_it_is_asked_for() {
    let extra = request_id(Requirement::Other, "music therapy");
    let story = Story::assessing("2026-01-05", "2026-02-10")
        .then("2026-02-11", ask(Requirement::Other, "music therapy"))
        .then("2026-04-01", plan(PlanDecision::Issue))
        .then("2026-04-08", take_back(extra));
    let is_missing = |day| missing(&story, day).iter().any(|(r, _)| *r == Requirement::Other);
    assert!(is_missing("2026-04-01") && !is_missing("2026-04-08"));
    assert_eq!(
        statuses(&story, "2026-04-08", Requirement::Other),
        [AdviceStatus::NotRequired]
    );
}

#[test]
fn one_of_two_services_does_not_answer_for_the_other() {
    let story = asked()
        .then("2026-02-12", ask(Requirement::Medical, "camhs"))
        .then("2026-03-02", submit(medical()))
        .then("2026-04-01", plan(PlanDecision::Issue));
    assert_eq!(
        statuses(&story, "2026-04-01", Requirement::Medical),
        [AdviceStatus::Submitted, AdviceStatus::Missing]
    );
    assert!(missing(&story, "2026-04-01").contains(&(Requirement::Medical, Some(Party::Health))));
}

#[test]
fn existing_advice_stands_in_for_what_was_asked() {
    let story = asked()
        .then(
            "2026-02-20",
            agree_existing(Requirement::Medical, on("2026-02-20")),
        )
        .then("2026-04-01", plan(PlanDecision::Issue));
    assert!(
        !missing(&story, "2026-04-01")
            .iter()
            .any(|(r, _)| *r == Requirement::Medical)
    );
    let rows = statuses(&story, "2026-04-01", Requirement::Medical);
    assert!(rows.contains(&AdviceStatus::ExistingAgreed) && !rows.contains(&AdviceStatus::Missing));
}

#[test]
fn nobody_has_to_act_on_the_advice_of_a_procedure_that_stopped() {
    let stopped = asked().then("2026-03-02", withdraw());
    for requirement in Requirement::ALL {
        for row in rows(&stopped, "2026-06-01", requirement) {
            assert_eq!(row.whose_move, None, "{requirement:?} {:?}", row.status);
        }
    }
    let refused = Story::requested("2026-01-05").then("2026-02-10", decide(AssessDecision::Refuse));
    assert_eq!(
        rows(&refused, "2026-02-10", Requirement::Medical)[0].whose_move,
        None
    );
    let not_issued = asked()
        .then("2026-04-01", plan(PlanDecision::Issue))
        .then("2026-04-10", plan(PlanDecision::NotIssue));
    assert!(missing(&not_issued, "2026-04-10").is_empty());
    assert_eq!(
        statuses(&not_issued, "2026-04-10", Requirement::Medical),
        [AdviceStatus::Awaited],
        "there is no plan for it to be missing from"
    );
}

#[test]
fn nothing_is_owed_on_a_request_that_was_taken_back() {
    let story = asked().then("2026-02-20", take_back(medical()));
    let late = story.clone().then("2026-03-02", submit(medical()));
    assert_eq!(
        late.judged().unwrap_err().reason,
        Reason::AdviceActNotPermitted {
            request_state: Some(AdviceState::Withdrawn)
        }
    );
    assert_eq!(
        statuses(&story, "2026-06-01", Requirement::Medical),
        [AdviceStatus::NotRequested]
    );
    assert!(!story.flags("2026-06-01").iter().any(|flag| {
        flag.code == FlagCode::AdviceLate && flag.subject.advice_request_id == Some(medical())
    }));
}

#[test]
fn a_flag_raised_and_lowered_on_one_day_was_never_up() {
    let story = asked()
        .then("2026-03-02", submit(medical()))
        .then("2026-03-02", send_back(medical()))
        .then("2026-03-02", submit(medical()))
        .then("2026-03-05", send_back(medical()));
    let returned = |flags: &[Flag]| {
        let mut since: Vec<_> = flags
            .iter()
            .filter(|f| f.code == FlagCode::AdviceReturned)
            .collect();
        since.dedup();
        since.iter().map(|flag| flag.since_on).collect::<Vec<_>>()
    };
    assert!(returned(&story.flags("2026-03-04")).is_empty());
    assert_eq!(returned(&story.timeline().flags), [on("2026-03-05")]);
}

#[test]
fn a_claim_made_before_its_evidence_excuses_from_the_evidence_on() {
    let story = asked()
        .then(
            "2026-03-10",
            excuse(
                medical(),
                Ground::MissedAppointment,
                on("2026-03-05"),
                on("2026-03-05"),
            ),
        )
        .then(
            "2026-03-20",
            appointment(medical(), on("2026-03-05"), AppointmentOutcome::Missed),
        );
    let excused = |day| {
        let timeline = story.timeline();
        let clock = timeline
            .clocks
            .iter()
            .find(|clock| clock.subject == Some(medical()));
        clock.unwrap().standing_on(on(day)).unwrap().excused
    };
    assert!(!excused("2026-03-19") && excused("2026-03-20"));
}

#[test]
fn a_claim_made_after_its_evidence_excuses_from_the_claim_on() {
    let missed_on = on("2026-03-05");
    let story = asked()
        .then(
            "2026-03-06",
            appointment(medical(), missed_on, AppointmentOutcome::Missed),
        )
        .then(
            "2026-03-10",
            excuse(medical(), Ground::MissedAppointment, missed_on, missed_on),
        );
    let timeline = story.timeline();
    let clock = timeline
        .clocks
        .iter()
        .find(|clock| clock.subject == Some(medical()))
        .unwrap();
    let excused = |day| clock.standing_on(on(day)).unwrap().excused;
    assert!(!excused("2026-03-09") && excused("2026-03-10"));
}

#[test]
fn a_claim_does_not_show_on_a_clock_that_has_not_started() {
    let story = Story::assessing("2026-01-05", "2026-02-10")
        .then(
            "2026-02-12",
            claim(
                AuthorityGround::PersonalCircumstances,
                on("2026-02-20"),
                on("2026-03-01"),
                &[ClockKind::Advice],
            ),
        )
        .then("2026-02-16", ask(Requirement::Medical, "paediatrics"));
    let claimed_since = |day: &str| {
        let flags = story.timeline().flags_on(on(day), DUE_SOON_DAYS);
        let claimed = flags.iter().find(|flag| flag.code == FlagCode::ExceptionClaimed);
        claimed.map(|flag| flag.since_on)
    };
    assert_eq!(claimed_since("2026-02-15"), None);
    assert_eq!(claimed_since("2026-02-16"), Some(on("2026-02-16")));
}

#[test]
fn two_claims_of_one_day_are_one_flag() {
    let twice = claim(
        AuthorityGround::PersonalCircumstances,
        on("2026-02-01"),
        on("2026-02-20"),
        &[ClockKind::FinalPlan],
    );
    let story = Story::assessing("2026-01-05", "2026-02-10")
        .then("2026-02-12", twice.clone())
        .then("2026-02-12", twice);
    assert_eq!(story.flag_names("2026-02-13"), ["exception_claimed"]);
}
