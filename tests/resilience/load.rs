//! Clients that write without pause and try again with the same key until they are answered, and what
//! must be true of the database afterwards.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, PgConnection, RunQueryDsl};
use serde_json::{Value, json};

use crate::harness::{Act, Answer, PATIENCE, Replica, Service, post, wait_until};

/// Between an attempt that failed and the next.
const PACE: Duration = Duration::from_millis(25);

/// What the clients have seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// The cases whose three acts were all acknowledged: the mark of each, and its id.
    pub acknowledged: BTreeMap<String, String>,
    /// Answers that no client could do anything with.
    pub odd: Vec<String>,
    pub broken_connections: usize,
    /// How often each code was refused with that may be tried again.
    pub refused: BTreeMap<String, usize>,
}

/// Clients at work.
pub struct Load {
    clients: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
}

struct Shared {
    addresses: Vec<String>,
    token: String,
    is_over: AtomicBool,
    acknowledged: AtomicUsize,
    seen: Mutex<Seen>,
}

impl Load {
    /// Each client asks the replicas in turn.
    pub fn start(service: &Service, replicas: &[Replica], clients: usize) -> Load {
        let shared = Arc::new(Shared {
            addresses: replicas.iter().map(|replica| replica.address.clone()).collect(),
            token: service.token.clone(),
            is_over: AtomicBool::new(false),
            acknowledged: AtomicUsize::new(0),
            seen: Mutex::default(),
        });
        let clients = (0..clients)
            .map(|client| {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || shared.write(client))
            })
            .collect();
        Load { clients, shared }
    }

    /// Waits until so many more acts are acknowledged.
    pub fn wait_for(&self, more: usize) {
        let wanted = self.shared.acknowledged.load(Ordering::Relaxed) + more;
        wait_until("more acknowledged acts", || {
            let seen = self.shared.seen.lock().unwrap();
            assert!(seen.odd.is_empty(), "{seen:#?}");
            self.shared.acknowledged.load(Ordering::Relaxed) >= wanted
        });
    }

    pub fn refused_with(&self, code: &str) -> usize {
        self.shared
            .seen
            .lock()
            .unwrap()
            .refused
            .get(code)
            .copied()
            .unwrap_or_default()
    }

    /// Lets the clients finish what they have begun, and says what they have seen.
    pub fn finish(self) -> Seen {
        self.shared.is_over.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().unwrap();
        }
        std::mem::take(&mut *self.shared.seen.lock().unwrap())
    }
}

impl Shared {
    fn write(&self, client: usize) {
        for number in 0.. {
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            let mark = format!("{client}-{number}");
            let Some(case_id) = self.case_with_an_assessment(&mark) else {
                return;
            };
            self.seen.lock().unwrap().acknowledged.insert(mark, case_id);
        }
    }

    /// Three acts: a case, an assessment on it, an event on that.
    fn case_with_an_assessment(&self, mark: &str) -> Option<String> {
        let case = json!({"given_name": "Merrin", "family_name": mark, "date_of_birth": "2018-03-04"});
        let case = self.done(mark, "/v1/cases", None, &case)?;
        let case_id = case.body["id"].as_str().unwrap().to_owned();
        let opening = json!({
            "case_id": case_id,
            "event": {"type": "request_received", "occurred_on": "2026-01-05", "requested_by": "parent"},
        });
        let assessment = self.done(mark, "/v1/assessments", None, &opening)?;
        let events = format!(
            "/v1/assessments/{}/events",
            assessment.body["id"].as_str().unwrap()
        );
        let event = json!({
            "type": "further_request_received", "occurred_on": "2026-01-07", "requested_by": "parent",
        });
        self.done(mark, &events, assessment.header("etag"), &event)?;
        Some(case_id)
    }

    /// Asks with one key until it is answered.
    fn done(&self, mark: &str, path: &str, if_match: Option<&str>, body: &Value) -> Option<Answer> {
        let key = format!("{mark}:{path}");
        let act = Act {
            path,
            key: &key,
            if_match,
            body,
        };
        let deadline = Instant::now() + PATIENCE;
        for attempt in mark.len().. {
            let address = &self.addresses[attempt % self.addresses.len()];
            let answer = post(address, &self.token, &act);
            match answer {
                Some(answer) if answer.status == 201 => {
                    self.acknowledged.fetch_add(1, Ordering::Relaxed);
                    return Some(answer);
                }
                Some(answer) if may_be_tried_again(&answer) => {
                    let code = answer.code().to_owned();
                    *self.seen.lock().unwrap().refused.entry(code).or_default() += 1;
                }
                Some(answer) => {
                    self.seen.lock().unwrap().odd.push(format!("{key}: {answer:?}"));
                    return None;
                }
                None => self.seen.lock().unwrap().broken_connections += 1,
            }
            if Instant::now() > deadline {
                self.seen
                    .lock()
                    .unwrap()
                    .odd
                    .push(format!("{key}: never answered"));
                return None;
            }
            std::thread::sleep(PACE);
        }
        None
    }
}

/// A refusal that says what is the matter and when to come back.
fn may_be_tried_again(answer: &Answer) -> bool {
    let says_when = answer
        .header("retry-after")
        .is_some_and(|seconds| seconds.parse::<u32>().is_ok());
    match (answer.status, answer.code()) {
        (503, "unavailable" | "outcome_unknown") | (409, "idempotency_in_flight") => says_when,
        _ => false,
    }
}

#[derive(diesel::QueryableByName)]
struct Counted {
    #[diesel(sql_type = Text)]
    mark: String,
    #[diesel(sql_type = Text)]
    case_id: String,
    #[diesel(sql_type = BigInt)]
    cases: i64,
    #[diesel(sql_type = BigInt)]
    assessments: i64,
    #[diesel(sql_type = BigInt)]
    events: i64,
}

/// Every acknowledged act is in the database, and no act is there twice.
pub fn assert_each_once(database: &str, seen: &Seen) {
    assert!(seen.odd.is_empty(), "{:#?}", seen.odd);
    let mut connection = PgConnection::establish(database).unwrap();
    let rows: Vec<Counted> = diesel::sql_query(
        "SELECT family_name AS mark, max(cases.id) AS case_id, count(DISTINCT cases.id) AS cases, \
                count(DISTINCT procedures.id) AS assessments, count(events.id) AS events \
         FROM cases LEFT JOIN procedures ON case_id = cases.id LEFT JOIN events ON procedure_id = procedures.id \
         GROUP BY family_name",
    )
    .load(&mut connection)
    .unwrap();
    let found: BTreeMap<&str, &Counted> = rows.iter().map(|row| (row.mark.as_str(), row)).collect();
    for (mark, case_id) in &seen.acknowledged {
        let row = found.get(mark.as_str());
        let row = row.unwrap_or_else(|| panic!("the acknowledged case {mark} is lost"));
        assert_eq!((&row.case_id, row.events), (case_id, 2), "{mark}");
    }
    for row in &rows {
        assert_eq!(
            (row.cases, row.assessments),
            (1, 1),
            "{} is there twice or half",
            row.mark
        );
    }
    assert_eq!(rows.len(), seen.acknowledged.len());
}
