use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::*;
use crate::casework::advice::AdviceState;
use crate::casework::assessment::AssessmentState;
use crate::casework::flag::FlagCode;
use crate::service::assessment::{AssessmentReading, get_assessment};
use crate::service::rebuild::{Report, rebuild_all};
use crate::store::Location;

fn on(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

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

    fn assessments(&self) -> Vec<AssessmentReading> {
        let manager = staff("manager-1", Role::Manager).unwrap();
        let now = noon(self.today);
        self.lines("SELECT id AS line FROM procedures")
            .iter()
            .map(|id| {
                let read = self.store.read_now(|connection| {
                    let mut work = Work {
                        connection,
                        principal: &manager,
                        trace_id: "",
                        now,
                        ids: &Ids::Random,
                    };
                    get_assessment(&mut work, id.parse().unwrap(), None, None)
                });
                read.unwrap()
            })
            .collect()
    }
}

#[test]
fn the_same_day_and_number_make_the_same_authority() {
    let (first, second) = (made_up("2026-11-20", 60), made_up("2026-11-20", 60));
    let (first_rows, second_rows) = (first.dump(), second.dump());
    assert!(first_rows.len() > 3_000, "{} rows", first_rows.len());
    assert!(first_rows == second_rows, "two runs differ");
    assert_eq!(first.made.cases, 60);
}

#[test]
fn every_state_and_flag_is_there_whatever_day_it_is() {
    for today in ["2026-11-20", "2026-01-01", "2025-08-31", "2024-02-29"] {
        let made_up = made_up(today, 40);
        let readings = made_up.assessments();
        let state_of = |reading: &AssessmentReading| match &reading.timeline {
            Some(timeline) => timeline.state,
            None => AssessmentState::Void,
        };
        for state in AssessmentState::ALL {
            let found = readings.iter().any(|reading| state_of(reading) == state);
            assert!(found, "no assessment is {} on {today}", state.name());
        }
        let up: BTreeSet<FlagCode> = readings
            .iter()
            .filter_map(|reading| reading.timeline.as_ref())
            .flat_map(|timeline| timeline.flags_on(made_up.today, 10))
            .map(|flag| flag.code)
            .collect();
        for code in FlagCode::ALL {
            assert!(up.contains(&code), "no flag {} is up on {today}", code.name());
        }
        let requests: BTreeSet<AdviceState> = readings
            .iter()
            .filter_map(|reading| reading.timeline.as_ref())
            .flat_map(|timeline| &timeline.advice.requests)
            .map(|request| request.state)
            .collect();
        for state in [
            AdviceState::Requested,
            AdviceState::Acknowledged,
            AdviceState::Submitted,
            AdviceState::Returned,
            AdviceState::Accepted,
            AdviceState::Declined,
        ] {
            assert!(
                requests.contains(&state),
                "no advice is {} on {today}",
                state.name()
            );
        }
        let late = &made_up.made.examples.as_ref().unwrap();
        let example = readings
            .iter()
            .find(|reading| reading.procedure.id == late.assessment_id.to_string())
            .unwrap();
        let flags = example.timeline.as_ref().unwrap().flags_on(made_up.today, 10);
        assert!(
            flags.iter().any(|flag| flag.code == FlagCode::AdviceLate
                && flag.subject.advice_request_id == Some(late.advice_request_id)),
            "the example's medical advice is not late on {today}"
        );
    }
}

#[test]
fn excuses_are_claimed_that_hold_and_that_do_not() {
    let readings = made_up("2026-11-20", 40).assessments();
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
    let made_up = made_up("2026-11-20", 60);
    let unlikely = made_up.lines(
        "SELECT id AS line FROM events WHERE date(recorded_at) >= '2026-11-20' \
         OR (date(recorded_at) < occurred_on AND event_type <> 'correction')",
    );
    assert_eq!(unlikely, [""; 0]);
    let later_steps = "SELECT a.id AS line FROM events a JOIN events b \
                       ON a.procedure_id = b.procedure_id AND a.sequence < b.sequence \
                       WHERE a.recorded_at > b.recorded_at";
    assert_eq!(made_up.lines(later_steps), [""; 0]);
}

#[test]
fn the_index_is_what_the_events_amount_to() {
    let made_up = made_up("2026-11-20", 60);
    let report = rebuild_all(&made_up.store, true, |_| {}).unwrap();
    let procedures = made_up.lines("SELECT id AS line FROM procedures").len();
    assert_eq!(
        report,
        Report {
            procedures: procedures as u64,
            differing: 0
        }
    );
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
    let names = |cases| {
        made_up("2026-11-20", cases)
            .lines("SELECT given_name || ' ' || family_name || ' ' || nhs_number AS line FROM cases")
            .into_iter()
            .collect::<BTreeSet<_>>()
    };
    assert!(names(10).is_subset(&names(20)));
}
