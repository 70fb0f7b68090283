//! What a use case will judge of a procedure, read before its turn to write. On SQLite one thread writes for
//! everybody: what it finds read it need not read while all others wait.
//!
//! Read by [`super::App`], used by [`super::recording`] where it still holds.

use uuid::Uuid;

use crate::casework::history::Entry;
use crate::store::advice::{AdviceRequestRow, requests_of_procedure};
use crate::store::procedure::{ProcedureRow, find_procedure, load_entries};
use crate::store::{AnyConnection, Root, StoreError};

/// The stream of a procedure and its requests, with its row as it was then.
#[derive(Debug)]
pub struct Ahead {
    procedure: ProcedureRow,
    entries: Vec<Entry>,
    requests: Vec<AdviceRequestRow>,
}

impl Ahead {
    pub fn read(
        connection: &mut AnyConnection,
        la_code: &str,
        procedure_id: Uuid,
    ) -> Result<Ahead, StoreError> {
        let procedure = find_procedure(connection, &Root::of_authority(la_code), procedure_id)?;
        Ok(Ahead {
            entries: load_entries(connection, &procedure)?,
            requests: requests_of_procedure(connection, la_code, &procedure.id)?,
            procedure,
        })
    }

    /// What was read, unless the procedure, which is held now, has moved on: whatever is recorded on it raises its
    /// version, and whoever computes what its requests hold by other readings writes their fingerprint on it.
    pub(super) fn of(self, held: &ProcedureRow) -> Option<(Vec<Entry>, Vec<AdviceRequestRow>)> {
        (self.procedure == *held).then_some((self.entries, self.requests))
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use serde_json::json;

    use super::*;
    use crate::auth::{LaCode, Principal, Role};
    use crate::casework::assessment::{
        ASSESSMENT, AssessmentFact, FurtherRequestReceived, RequestReceived, Requester,
    };
    use crate::casework::event::LegalDates;
    use crate::casework::procedure::OwnFact;
    use crate::service::case::open_case;
    use crate::service::origin::OWN;
    use crate::service::procedure::{NewEvent, open_procedure, record_procedure_event};
    use crate::service::timeline::{GivenEvent, GivenFact};
    use crate::service::{Error, Ids, Work};
    use crate::store::{Location, Store};

    const OPENED_ON: NaiveDate = NaiveDate::from_ymd_opt(2026, 1, 5).unwrap();

    fn in_turn<T: Send + 'static>(
        store: &Store,
        ahead: Option<Ahead>,
        use_case: impl FnOnce(&mut Work<'_>) -> Result<T, Error> + Send + 'static,
    ) -> T {
        let written = store.write_now(move |connection| {
            let caseworker = Principal {
                subject: "caseworker-1".to_owned(),
                la_code: LaCode::parse("885").unwrap(),
                roles: vec![Role::Caseworker],
                organisation_id: None,
                case_id: None,
                person_id: None,
                client: None,
            };
            let now = "2026-02-20T12:00:00Z".parse().unwrap();
            use_case(&mut Work::new(connection, &caseworker, &OWN, now, &Ids::Random).with_ahead(ahead))
        });
        written.unwrap()
    }

    fn given(fact: AssessmentFact) -> GivenEvent {
        GivenEvent {
            occurred_on: OPENED_ON,
            dates: LegalDates::default(),
            note: None,
            fact: GivenFact::Own(OwnFact::new(fact)),
        }
    }

    fn an_assessment(store: &Store) -> Uuid {
        let child = json!({ "given_name": "Ada", "family_name": "Merrin", "date_of_birth": "2018-05-01" });
        let details = serde_json::from_value(child).unwrap();
        let request = RequestReceived {
            requested_by: Requester::Parent,
            channel: None,
        };
        in_turn(store, None, move |work| {
            let case = open_case(work, &details)?;
            let case_id = case.row.id.parse().unwrap();
            let event = given(AssessmentFact::RequestReceived(request));
            let opened = open_procedure(work, &ASSESSMENT, case_id, &event)?;
            Ok(opened.procedure.id.parse().unwrap())
        })
    }

    /// The version after one more event.
    fn asked_again(store: &Store, id: Uuid, version: i64, ahead: Option<Ahead>) -> i64 {
        in_turn(store, ahead, move |work| {
            let asked = FurtherRequestReceived {
                requested_by: Requester::Parent,
            };
            let event = NewEvent::Event(given(AssessmentFact::FurtherRequestReceived(asked)));
            let recorded = record_procedure_event(work, &ASSESSMENT, id, version, &event)?;
            Ok(recorded.reading.procedure.version)
        })
    }

    fn read(store: &Store, id: Uuid) -> Option<Ahead> {
        let read = store.read_now(move |connection| Ahead::read(connection, "885", id));
        Some(read.unwrap())
    }

    fn reads_the_stream(store: &Store) -> bool {
        let ran = store.take_recorded_statements();
        ran.iter()
            .any(|statement| statement.starts_with("SELECT") && statement.contains("FROM `events`"))
    }

    #[test]
    fn what_was_read_ahead_is_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::SqliteFile(folder.path().join("ehcp.db"))).unwrap();
        let id = an_assessment(&store);
        let ahead = read(&store, id);
        store.record_statements();
        assert_eq!(asked_again(&store, id, 1, ahead), 2);
        assert!(!reads_the_stream(&store));
        assert_eq!(asked_again(&store, id, 2, None), 3);
        assert!(reads_the_stream(&store));
    }

    #[test]
    fn what_was_recorded_since_it_was_read_ahead_counts() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::SqliteFile(folder.path().join("ehcp.db"))).unwrap();
        let id = an_assessment(&store);
        let (first, second) = (read(&store, id), read(&store, id));
        assert_eq!(asked_again(&store, id, 1, first), 2);
        assert_eq!(asked_again(&store, id, 2, second), 3);
        let another = an_assessment(&store);
        assert_eq!(asked_again(&store, another, 1, read(&store, id)), 2);
    }
}
