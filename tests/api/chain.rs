//! The chain of the trail: nothing on it can be altered, taken away or moved without being found, and several who
//! seal at once make one chain.

use actix_web::http::Method;
use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, QueryableByName, RunQueryDsl};
use ehcp_timeline::service::Error;
use ehcp_timeline::service::lease::Replica;
use ehcp_timeline::service::sealing::{Sealed, seal_batch, seal_entries, seal_everything};
use ehcp_timeline::service::verifying::{Finding, NotedHead, Report, verify};
use ehcp_timeline::store::{AnyConnection, Location, Store, StoreError};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::harness::Service;

const LA: &str = "885";

fn now() -> chrono::NaiveDateTime {
    "2026-02-20T12:00:00".parse().unwrap()
}

pub fn verified(connection: &mut AnyConnection, from: i64, noted: Option<&NotedHead>) -> Report {
    verify(|work| work(connection), LA, from, noted, |_, _| {}).unwrap()
}

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = BigInt)]
    sequence: i64,
    #[diesel(sql_type = Text)]
    entry_id: String,
}

fn places(connection: &mut AnyConnection) -> Vec<Place> {
    let sql = "SELECT sequence, entry_id FROM audit_chain ORDER BY sequence";
    diesel::sql_query(sql).load(connection).unwrap()
}

/// A trail of everything: changes and readings, of one and of many, with and without a reason, refused and done.
async fn trail() -> Service {
    let service = Service::new();
    for number in 0..4 {
        let case_id = service.case().await;
        service.assessment_on(&case_id, "2026-01-05").await;
        let uri = format!("/v1/cases/{case_id}");
        service.read(&uri).await.expect(200);
        let request = service.caseworker().request(Method::GET, &uri);
        let reason = ("Access-Reason", format!("Complaint {number}"));
        service.send(request.insert_header(reason)).await.expect(200);
        service.read("/v1/cases").await.expect(200);
        service.get(&service.family(&case_id), &uri).await.expect(403);
    }
    service
        .patch(
            &service.caseworker(),
            "/v1/cases/01890000-0000-7000-8000-000000000001",
            1,
            json!({}),
        )
        .await
        .expect(404);
    service.app.write_readings().await.unwrap();
    service
}

fn seal_all(service: &Service) -> i64 {
    seal_everything(&service.app.store, &Replica::new(), now()).unwrap()
}

/// What somebody does who can write to the database.
#[derive(Debug, Clone)]
enum Tampering {
    /// Another value in a column of an entry.
    Entry(usize),
    /// A reason where there was one, or none.
    Reason,
    Link(usize),
    DeleteEntry,
    DeleteLink,
    DeleteBoth,
    /// Two entries change places.
    Swap(prop::sample::Index),
    /// Both with what was hashed of them.
    SwapWithHashes(prop::sample::Index),
}

const COLUMNS: [(&str, &str); 16] = [
    ("la_code", "'999'"),
    ("recorded_at", "'2020-01-01 00:00:00'"),
    ("subject", "subject || 'x'"),
    ("action", "action || 'x'"),
    ("resource_id", "COALESCE(resource_id, '') || 'x'"),
    ("case_id", "COALESCE(case_id, '') || 'x'"),
    ("version", "COALESCE(version, 0) + 1"),
    ("trace_id", "trace_id || 'x'"),
    ("kind", "CASE kind WHEN 'change' THEN 'reading' ELSE 'change' END"),
    ("roles", "roles || ' admin'"),
    ("client_id", "COALESCE(client_id, '') || 'x'"),
    ("organisation_id", "COALESCE(organisation_id, '') || 'x'"),
    ("shown_case_ids", "COALESCE(shown_case_ids, '') || ' x'"),
    ("reason_sha256", "COALESCE(reason_sha256, '') || 'x'"),
    ("client_address", "COALESCE(client_address, '') || 'x'"),
    ("outcome", "outcome || 'x'"),
];
const OF_A_LINK: [(&str, &str); 2] = [("entry_id", "entry_id || 'x'"), ("hash", "hash || 'x'")];

fn tampering() -> impl Strategy<Value = Tampering> {
    prop_oneof![
        4 => (0..COLUMNS.len()).prop_map(Tampering::Entry),
        1 => Just(Tampering::Reason),
        1 => (0..OF_A_LINK.len()).prop_map(Tampering::Link),
        1 => Just(Tampering::DeleteEntry),
        1 => Just(Tampering::DeleteLink),
        1 => Just(Tampering::DeleteBoth),
        1 => any::<prop::sample::Index>().prop_map(Tampering::Swap),
        1 => any::<prop::sample::Index>().prop_map(Tampering::SwapWithHashes),
    ]
}

impl Tampering {
    /// The statements that do it to a place, and the places at which it has to be found.
    fn statements(&self, all: &[Place], at: usize) -> (Vec<String>, Vec<i64>) {
        let place = &all[at];
        let (sequence, id) = (place.sequence, &place.entry_id);
        let entry = |set: &str| format!("UPDATE audit_entries SET {set} WHERE id = '{id}'");
        let other = |index: &prop::sample::Index| {
            let other = &all[index.index(all.len())];
            if other.sequence == sequence {
                &all[(at + 1) % all.len()]
            } else {
                other
            }
        };
        match self {
            Tampering::Entry(column) => {
                let (name, value) = COLUMNS[*column];
                (vec![entry(&format!("{name} = {value}"))], vec![sequence])
            }
            Tampering::Reason => (
                vec![entry("reason = COALESCE(reason, '') || 'x'")],
                vec![sequence],
            ),
            Tampering::Link(column) => {
                let (name, value) = OF_A_LINK[*column];
                let link = format!("UPDATE audit_chain SET {name} = {value} WHERE sequence = {sequence}");
                (vec![link], vec![sequence])
            }
            Tampering::DeleteEntry => (
                vec![format!("DELETE FROM audit_entries WHERE id = '{id}'")],
                vec![sequence],
            ),
            Tampering::DeleteLink => (
                vec![format!("DELETE FROM audit_chain WHERE sequence = {sequence}")],
                vec![sequence],
            ),
            Tampering::DeleteBoth => (
                vec![
                    format!("DELETE FROM audit_entries WHERE id = '{id}'"),
                    format!("DELETE FROM audit_chain WHERE sequence = {sequence}"),
                ],
                vec![sequence],
            ),
            Tampering::Swap(index) => {
                let other = other(index);
                let set = |sequence: i64, id: &str| {
                    format!("UPDATE audit_chain SET entry_id = '{id}' WHERE sequence = {sequence}")
                };
                let statements = vec![
                    set(sequence, "on its way"),
                    set(other.sequence, id),
                    set(sequence, &other.entry_id),
                ];
                (statements, vec![sequence, other.sequence])
            }
            Tampering::SwapWithHashes(index) => {
                let other = other(index);
                let set = |from: i64, to: i64| {
                    format!("UPDATE audit_chain SET sequence = {to} WHERE sequence = {from}")
                };
                let statements = vec![
                    set(sequence, -1),
                    set(other.sequence, sequence),
                    set(-1, other.sequence),
                ];
                (statements, vec![sequence, other.sequence])
            }
        }
    }
}

const TRIGGERS: [(&str, &str); 6] = [
    ("audit_entries_are_kept", "audit_entries"),
    ("audit_entries_stand", "audit_entries"),
    ("audit_chain_is_kept", "audit_chain"),
    ("audit_chain_stands", "audit_chain"),
    ("audit_chain_heads_are_kept", "audit_chain_heads"),
    ("audit_chain_heads_go_on", "audit_chain_heads"),
];

fn drop_triggers(connection: &mut AnyConnection) {
    for (name, table) in TRIGGERS {
        let statement = match connection {
            AnyConnection::Sqlite(_) => format!("DROP TRIGGER {name}"),
            AnyConnection::Postgres(_) => format!("DROP TRIGGER {name} ON {table}"),
        };
        connection.batch_execute(&statement).unwrap();
    }
}

fn found_at(report: &Report) -> Vec<i64> {
    let places = report.findings.iter().filter_map(|finding| match finding {
        Finding::Altered { sequence }
        | Finding::EntryMissing { sequence }
        | Finding::PlaceMissing { sequence }
        | Finding::BehindTheHead { sequence }
        | Finding::HeadDiffers { sequence }
        | Finding::NotedHeadMissing { sequence } => Some(*sequence),
        Finding::HeadMissing | Finding::Outside { .. } | Finding::WaitingForNothing { .. } => None,
    });
    places.collect()
}

#[actix_web::test]
async fn whatever_is_altered_taken_away_or_moved_is_found_at_its_place() {
    let service = trail().await;
    let sealed = seal_all(&service);
    assert!(sealed > 20, "{sealed}");
    let mut connection = service.behind();
    let whole = verified(&mut connection, 1, None);
    assert_eq!((whole.wrong, whole.verified, whole.unsealed), (0, sealed, 0));
    drop_triggers(&mut connection);
    let all = places(&mut connection);
    let mut runner = TestRunner::new(Config {
        cases: 200,
        failure_persistence: None,
        ..Config::default()
    });
    let connection = std::cell::RefCell::new(connection);
    runner
        .run(&(tampering(), 0..all.len()), |(tampering, at)| {
            let connection = &mut *connection.borrow_mut();
            let (statements, expected) = tampering.statements(&all, at);
            let mut report = None;
            let undone: Result<(), diesel::result::Error> = connection.transaction(|connection| {
                for statement in &statements {
                    connection.batch_execute(statement)?;
                }
                report = Some(verified(connection, 1, None));
                Err(diesel::result::Error::RollbackTransaction)
            });
            prop_assert_eq!(undone, Err(diesel::result::Error::RollbackTransaction));
            let report = report.unwrap();
            let found = found_at(&report);
            for sequence in expected {
                prop_assert!(found.contains(&sequence), "{sequence} in {:?}", report.findings);
            }
            Ok(())
        })
        .unwrap();
    let mut connection = connection.into_inner();
    assert_eq!(verified(&mut connection, 1, None).wrong, 0);
}

#[actix_web::test]
async fn a_chain_that_was_cut_off_is_told_by_its_head_or_by_one_that_was_noted() {
    let service = trail().await;
    let last = seal_all(&service);
    let mut connection = service.behind();
    let head = verified(&mut connection, 1, None).head.unwrap();
    let noted = NotedHead {
        sequence: head.sequence,
        hash: head.hash.clone(),
    };
    assert_eq!(verified(&mut connection, last - 3, Some(&noted)).wrong, 0);
    drop_triggers(&mut connection);
    let cut = format!(
        "DELETE FROM audit_entries WHERE id IN (SELECT entry_id FROM audit_chain WHERE sequence > {0}); \
         DELETE FROM audit_chain WHERE sequence > {0}",
        last - 2
    );
    connection.batch_execute(&cut).unwrap();
    assert_eq!(
        verified(&mut connection, 1, None).findings,
        [
            Finding::PlaceMissing { sequence: last - 1 },
            Finding::PlaceMissing { sequence: last }
        ]
    );
    // Whoever moves the head too is found by what was noted elsewhere alone.
    let moved = format!(
        "UPDATE audit_chain_heads SET sequence = {0}, hash = (SELECT hash FROM audit_chain WHERE sequence = {0})",
        last - 2
    );
    connection.batch_execute(&moved).unwrap();
    assert_eq!(verified(&mut connection, 1, None).wrong, 0);
    assert_eq!(
        verified(&mut connection, 1, Some(&noted)).findings,
        [Finding::NotedHeadMissing { sequence: last }]
    );
}

#[actix_web::test]
async fn an_entry_that_comes_late_or_by_another_way_is_sealed_or_told() {
    let service = trail().await;
    let sealed = seal_all(&service);
    let copy_of_first = |id: &str| {
        format!(
            "INSERT INTO audit_entries (id, la_code, recorded_at, subject, action, trace_id) \
             SELECT '{id}', la_code, recorded_at, subject, action, trace_id FROM audit_entries \
             WHERE id = (SELECT entry_id FROM audit_chain WHERE sequence = 1)"
        )
    };
    // As if its transaction had begun before all others.
    let late = "01890000-0000-7000-8000-00000000000a";
    service.tamper(&copy_of_first(late));
    let mut connection = service.behind();
    assert_eq!(
        verified(&mut connection, 1, None).findings,
        [Finding::Outside { entries: 1 }]
    );
    service.tamper(&format!(
        "INSERT INTO audit_unchained (la_code, entry_id) VALUES ('{LA}', '{late}')"
    ));
    let waiting = verified(&mut connection, 1, None);
    assert_eq!((waiting.wrong, waiting.unsealed), (0, 1));
    assert_eq!(seal_all(&service), 1);
    let whole = verified(&mut connection, 1, None);
    assert_eq!((whole.wrong, whole.verified, whole.unsealed), (0, sealed + 1, 0));
    assert_eq!(places(&mut connection).last().unwrap().entry_id, late);
}

#[actix_web::test]
async fn an_entry_that_was_taken_away_before_it_was_sealed_is_told_and_holds_up_no_other() {
    let service = trail().await;
    let entries = service.count("audit_entries");
    let mut connection = service.behind();
    drop_triggers(&mut connection);
    let oldest = "(SELECT entry_id FROM audit_unchained ORDER BY entry_id LIMIT 1)";
    connection
        .batch_execute(&format!("DELETE FROM audit_entries WHERE id = {oldest}"))
        .unwrap();
    assert_eq!(seal_all(&service), entries - 1);
    let report = verified(&mut connection, 1, None);
    assert_eq!((report.verified, report.unsealed), (entries - 1, 1));
    assert!(matches!(
        report.findings.as_slice(),
        [Finding::WaitingForNothing { .. }]
    ));
}

/// A store of its own on the same database, as another replica has it.
fn another(location: &Location) -> Store {
    Store::open(location).unwrap()
}

#[actix_web::test]
async fn several_that_seal_at_once_make_one_chain() {
    let service = trail().await;
    let more = 200;
    let is_writing = std::sync::atomic::AtomicBool::new(true);
    std::thread::scope(|scope| {
        use std::sync::atomic::Ordering;
        let is_writing = &is_writing;
        let writer = another(&service.location);
        let location = &service.location;
        scope.spawn(move || {
            for number in 0..more {
                let id = format!("01890000-0000-7000-8000-{number:012x}");
                let statement = format!(
                    "INSERT INTO audit_entries (id, la_code, recorded_at, subject, action, trace_id) VALUES \
                     ('{id}', '{LA}', '2026-02-20 12:00:00', 's', 'a', 't'); \
                     INSERT INTO audit_unchained (la_code, entry_id) VALUES ('{LA}', '{id}')"
                );
                let written: Result<(), StoreError> = writer.write_now(move |connection| {
                    connection
                        .batch_execute(&statement)
                        .map_err(|error| StoreError::Bug(error.to_string()))
                });
                written.unwrap();
            }
            is_writing.store(false, Ordering::Release);
        });
        for number in 0..4 {
            let store = another(location);
            scope.spawn(move || {
                let replica = Replica::new();
                loop {
                    let done = !is_writing.load(Ordering::Acquire);
                    let replica = replica.clone();
                    let sealed: Result<Sealed, Error> = store.write_now(move |connection| {
                        // Half of them do not know of leases.
                        if number % 2 == 0 {
                            seal_batch(connection, &replica, LA, now())
                        } else {
                            seal_entries(connection, LA, 3, now()).map(Sealed::Entries)
                        }
                    });
                    match sealed {
                        Ok(Sealed::Entries(0)) if done => break,
                        Ok(Sealed::NotOurs) if done => break,
                        // Somebody else was quicker.
                        Ok(_) | Err(Error::Store(_)) => {}
                        Err(other) => panic!("{other:?}"),
                    }
                }
            });
        }
    });
    while seal_entries_now(&service) > 0 {}
    let mut connection = service.behind();
    let report = verified(&mut connection, 1, None);
    assert_eq!((report.wrong, report.unsealed), (0, 0), "{:?}", report.findings);
    assert_eq!(report.verified, service.count("audit_entries"));
    assert!(report.verified > more);
}

fn seal_entries_now(service: &Service) -> i64 {
    service
        .app
        .store
        .write_now(|connection| seal_entries(connection, LA, 100, now()))
        .unwrap()
}
