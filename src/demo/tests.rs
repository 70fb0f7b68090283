use std::collections::BTreeSet;
use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::step::Act;
use super::story::{CEASED_AFTER_DAYS, later};
use super::*;
use crate::casework::PROCEDURES;
use crate::casework::advice::AdviceState;
use crate::casework::assessment::{ASSESSMENT, AssessmentFact};
use crate::casework::flag::FlagCode;
use crate::casework::procedure::State;
use crate::service::origin::OWN;
use crate::service::procedure::{ProcedureReading, get_procedure};
use crate::service::rebuild::{Report, rebuild_all};
use crate::statute::reading::Readings;
use crate::statute::rulebook::{ClockKind, rule_for};
use crate::store::Location;

fn on(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Shared by the tests that only look: making it takes seconds.
static NOVEMBER: LazyLock<MadeUp> = LazyLock::new(|| made_up("2026-11-20", 60));

struct MadeUp {
    folder: tempfile::TempDir,
    store: Store,
    made: Made,
    today: NaiveDate,
}

fn made_up(today: &str, cases: u32) -> MadeUp {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::SqliteFile(folder.path().join("ehcp.db"))).unwrap();
    let made = make(&store, on(today), cases, |_| {}).unwrap();
    MadeUp {
        folder,
        store,
        made,
        today: on(today),
    }
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

impl MadeUp {
    fn lines(&self, query: &str) -> Vec<String> {
        let path = self.folder.path().join("ehcp.db");
        let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        let lines: Vec<Line> = diesel::sql_query(query).load(&mut connection).unwrap();
        lines.into_iter().map(|line| line.line).collect()
    }

    /// Every row of every table, apart from when the migrations were run.
    fn dump(&self) -> Vec<String> {
        let tables = "SELECT name AS line FROM sqlite_schema WHERE type = 'table' \
                      AND name <> '__diesel_schema_migrations' ORDER BY name";
        self.lines(tables)
            .into_iter()
            .flat_map(|table| {
                let columns = self
                    .lines(&format!("SELECT name AS line FROM pragma_table_info('{table}')"))
                    .join(", ");
                self.lines(&format!(
                    "SELECT '{table} ' || json_array({columns}) AS line FROM {table} ORDER BY line"
                ))
            })
            .collect()
    }

    fn assessments(&self) -> Vec<ProcedureReading> {
        let manager = staff("manager-1", Role::Manager).unwrap();
        let now = noon(self.today);
        self.lines("SELECT id AS line FROM procedures WHERE kind = 'assessment'")
            .iter()
            .map(|id| {
                let read = self.store.read_now(|connection| {
                    let mut work = Work::new(connection, &manager, &OWN, now, &Ids::Random);
                    get_procedure(&mut work, &ASSESSMENT, id.parse().unwrap(), None, None)
                });
                read.unwrap()
            })
            .collect()
    }
}

#[test]
fn the_same_day_and_number_make_the_same_authority() {
    let rows = NOVEMBER.dump();
    assert!(rows.len() > 2_000, "{} rows", rows.len());
    assert!(rows == made_up("2026-11-20", 60).dump(), "two runs differ");
}

#[test]
fn it_is_not_done_before_the_last_index_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::SqliteFile(folder.path().join("ehcp.db"))).unwrap();
    let mut told = Vec::new();
    make(&store, on("2026-11-20"), 3, |progress| told.push(progress)).unwrap();
    assert_eq!(told.first(), Some(&Progress::Cases(3)));
    assert_eq!(told.last(), Some(&Progress::Indexes { left: 0 }));
}

#[test]
fn every_state_and_flag_is_there_whatever_day_it_is() {
    every_state_and_flag_is_there(&NOVEMBER);
    for today in ["2026-01-01", "2024-02-29"] {
        every_state_and_flag_is_there(&made_up(today, 30));
    }
}

fn every_state_and_flag_is_there(made_up: &MadeUp) {
    let today = made_up.today;
    let readings = made_up.assessments();
    let timelines: Vec<_> = readings
        .iter()
        .filter_map(|reading| reading.timeline.as_ref())
        .collect();
    let mut states: BTreeSet<State> = timelines.iter().map(|timeline| timeline.state).collect();
    if timelines.len() < readings.len() {
        states.insert(ASSESSMENT.void());
    }
    assert_eq!(states, ASSESSMENT.states.iter().copied().collect(), "on {today}");
    let flags: BTreeSet<FlagCode> = timelines
        .iter()
        .flat_map(|timeline| timeline.flags_on(today, 10))
        .map(|flag| flag.code)
        .collect();
    let of_assessments = FlagCode::ALL
        .into_iter()
        .filter(|code| ![FlagCode::EarlyYearsReview, FlagCode::GlassBroken].contains(code));
    assert_eq!(flags, of_assessments.collect(), "on {today}");
    let requests: BTreeSet<AdviceState> = timelines
        .iter()
        .flat_map(|timeline| &timeline.advice.requests)
        .map(|request| request.state)
        .collect();
    let shown = AdviceState::ALL
        .into_iter()
        .filter(|state| *state != AdviceState::Withdrawn);
    for state in shown {
        assert!(
            requests.contains(&state),
            "no advice is {} on {today}",
            state.name()
        );
    }
}

#[test]
fn every_kind_of_procedure_is_there_and_plans_say_something() {
    let made_up = made_up("2026-11-20", 400);
    let mut names: Vec<&str> = PROCEDURES.iter().map(|kind| kind.name).collect();
    names.sort();
    assert_eq!(
        made_up.lines("SELECT DISTINCT kind AS line FROM procedures ORDER BY kind"),
        names
    );
    let sent = made_up.lines(
        "SELECT v.plan_id AS line FROM plan_versions v JOIN events e ON e.procedure_id = v.plan_id \
         WHERE e.event_type = 'plan_made' AND json_extract(e.data, '$.fact.version') = v.number",
    );
    assert!(sent.len() > 50, "{}", sent.len());
    let reviewed = made_up.lines(
        "SELECT id AS line FROM procedures WHERE kind = 'review' AND state IN ('maintained', 'amending')",
    );
    assert!(!reviewed.is_empty());
}

#[test]
fn plans_are_amended_and_ceased_after_reviews_that_had_advice() {
    let amended = NOVEMBER.lines(
        "SELECT DISTINCT p.kind AS line FROM events e JOIN procedures p ON p.id = e.procedure_id \
         JOIN plan_versions v ON v.number = json_extract(e.data, '$.fact.version') \
         WHERE e.event_type = 'amended_plan_sent' AND v.number = 2 AND v.based_on_version = 1 ORDER BY 1",
    );
    assert_eq!(amended, ["plan", "review"]);
    let states =
        NOVEMBER.lines("SELECT DISTINCT state AS line FROM procedures WHERE kind = 'plan' ORDER BY 1");
    for state in ["cease_notified", "ceased", "in_force"] {
        assert!(
            states.contains(&state.to_owned()),
            "no plan is {state}: {states:?}"
        );
    }
    let advised = NOVEMBER.lines(
        "SELECT DISTINCT r.requirement AS line FROM advice_requests r \
         JOIN procedures p ON p.id = r.procedure_id JOIN advice_submissions s ON s.request_id = r.id \
         WHERE p.kind = 'review' AND r.state = 'accepted' ORDER BY 1",
    );
    assert_eq!(advised, ["medical", "parent"]);
}

#[test]
fn the_example_is_a_case_whose_medical_advice_is_late() {
    let examples = NOVEMBER.made.examples.as_ref().unwrap();
    let readings = NOVEMBER.assessments();
    let example = readings
        .iter()
        .find(|reading| reading.procedure.id == examples.assessment_id.to_string())
        .unwrap();
    assert_eq!(example.procedure.case_id, examples.case_id.to_string());
    let flags = example.timeline.as_ref().unwrap().flags_on(NOVEMBER.today, 10);
    assert!(flags.iter().any(|flag| flag.code == FlagCode::AdviceLate
        && flag.subject.advice_request_id == Some(examples.advice_request_id)));
}

#[test]
fn excuses_are_claimed_that_hold_and_that_do_not() {
    let readings = NOVEMBER.assessments();
    let claims: Vec<bool> = readings
        .iter()
        .filter_map(|reading| reading.timeline.as_ref())
        .flat_map(|timeline| &timeline.clocks)
        .flat_map(|clock| &clock.claims)
        .map(|tested| tested.why_not.is_empty())
        .collect();
    assert!(claims.contains(&true) && claims.contains(&false), "{claims:?}");
}

#[test]
fn nothing_is_recorded_before_it_happened_or_after_the_day_before_today() {
    let unlikely = NOVEMBER.lines(
        "SELECT id AS line FROM events WHERE date(recorded_at) >= '2026-11-20' \
         OR (date(recorded_at) < occurred_on AND event_type <> 'correction')",
    );
    assert_eq!(unlikely, [""; 0]);
    let out_of_order = NOVEMBER.lines(
        "SELECT a.id AS line FROM events a JOIN events b \
         ON a.procedure_id = b.procedure_id AND a.sequence < b.sequence WHERE a.recorded_at > b.recorded_at",
    );
    assert_eq!(out_of_order, [""; 0]);
}

#[test]
fn the_index_is_what_the_events_amount_to() {
    let report = rebuild_all(&NOVEMBER.store, true, |_| {}).unwrap();
    let procedures = NOVEMBER.lines("SELECT id AS line FROM procedures").len();
    let expected = Report {
        procedures: procedures as u64,
        differing: 0,
    };
    assert_eq!(report, expected);
}

#[test]
fn a_database_with_anything_in_it_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::SqliteFile(folder.path().join("ehcp.db"))).unwrap();
    assert!(is_untouched(&store).unwrap());
    make(&store, on("2026-11-20"), 0, |_| {}).unwrap();
    assert!(!is_untouched(&store).unwrap(), "it has organisations");
}

#[test]
fn more_cases_leave_the_first_ones_as_they_are() {
    let names = |made_up: &MadeUp| -> BTreeSet<String> {
        let query = "SELECT given_name || ' ' || family_name || ' ' || nhs_number AS line FROM cases";
        made_up.lines(query).into_iter().collect()
    };
    assert!(names(&made_up("2026-11-20", 10)).is_subset(&names(&NOVEMBER)));
}

#[test]
fn nothing_but_advice_follows_the_end_of_a_story() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::SqliteFile(folder.path().join("ehcp.db"))).unwrap();
    let admin = staff("admin-1", Role::Admin).unwrap();
    let set_up = store.write_now(move |connection| {
        authority::set_up_authority(&mut Work::new(
            connection,
            &admin,
            &OWN,
            noon(on("2020-01-01")),
            &Ids::Random,
        ))
    });
    let bodies = set_up.unwrap();
    for number in 0..3_000 {
        let story = story_of(number, on("2026-11-20"), &bodies);
        let steps: Vec<_> = story.steps.iter().map(|(_, step)| step).collect();
        let Some(end) = steps.iter().position(|step| ends_the_story(&step.act)) else {
            continue;
        };
        for step in &steps[end + 1..] {
            let is_possible = match &step.act {
                Act::AskAdvice { .. } | Act::Advice { .. } => true,
                Act::HandOver { .. } | Act::CorrectOpening { .. } => true,
                Act::OnPlan(_) | Act::OnReview(_) | Act::OnDecidedReview(_) => true,
                Act::AmendPlan(_) | Act::AskForReview { .. } | Act::ForReview { .. } => true,
                Act::DraftPlan(_) | Act::OnConsultation(_) => false,
                Act::Open(_) | Act::Event(_) | Act::AgreeExistingAdvice(_) => false,
                Act::Consult { .. } | Act::Reply { .. } | Act::AwaitPlace { .. } => false,
                Act::CloseCase(_) => false,
            };
            assert!(is_possible, "{step:?} follows the end of story {number}");
        }
    }
}

fn ends_the_story(act: &Act) -> bool {
    match act {
        Act::CloseCase(_) => true,
        Act::Event(fact) => matches!(
            fact,
            AssessmentFact::FinalPlanSent(_)
                | AssessmentFact::AssessmentWithdrawn(_)
                | AssessmentFact::MovedOut(_)
        ),
        _ => false,
    }
}

#[test]
fn plans_have_five_years_of_reviews_and_the_next_one_open() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::SqliteFile(folder.path().join("ehcp.db"))).unwrap();
    make_plans(&store, on("2026-11-20"), 30, |_| {}).unwrap();
    let report = rebuild_all(&store, true, |_| {}).unwrap();
    let expected = Report {
        procedures: 30 * 7,
        differing: 0,
    };
    assert_eq!(report, expected);
    let made_up = MadeUp {
        folder,
        store,
        made: Made {
            cases: 30,
            events: 0,
            examples: None,
        },
        today: on("2026-11-20"),
    };
    let plans = "SELECT c.caseworker || ' ' || p.state AS line FROM procedures p JOIN cases c \
                 ON c.id = p.case_id WHERE p.kind = 'plan'";
    assert_eq!(made_up.lines(plans), vec!["caseworker-1 in_force"; 30]);
    let in_period = "SELECT case_id AS line FROM procedures WHERE kind = 'review' AND state = 'in_period'";
    let cases: BTreeSet<String> = made_up.lines(in_period).into_iter().collect();
    assert_eq!(cases.len(), 30, "one of each case is open");
    let amended = "SELECT id AS line FROM procedures WHERE kind = 'review' \
                   AND state IN ('amending', 'amendment_proposed', 'amended')";
    assert_eq!(made_up.lines(amended).len(), 50, "one in three");
    let due_in = "SELECT DISTINCT substr(due_on, 1, 7) AS line FROM clocks \
                  WHERE kind = 'review_due' AND stopped_on = '9999-12-31' ORDER BY 1";
    let months = made_up.lines(due_in);
    assert!(months.len() >= 12, "due in {months:?} alone");
}

#[test]
fn no_plan_ceases_while_an_appeal_may_still_be_made() {
    let first_day: NaiveDate = "2026-01-01".parse().unwrap();
    for notified_on in first_day.iter_days().take(366) {
        let rule = rule_for(ClockKind::CeaseHold, notified_on).unwrap();
        let kept_until_on = rule.counting.due(notified_on, &Readings::default()).due_on;
        assert!(
            later(notified_on, CEASED_AFTER_DAYS) > kept_until_on,
            "{notified_on}"
        );
    }
}

/// Among so many, somebody hands one over while something on it is still recorded.
#[test]
fn a_case_that_changes_hands_takes_its_clocks_along() {
    let made_up = made_up("2026-11-20", 400);
    let report = rebuild_all(&made_up.store, true, |_| {}).unwrap();
    assert_eq!(report.differing, 0);
}
