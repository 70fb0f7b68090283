//! What the store promises, on SQLite and on PostgreSQL.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Waker};
use std::time::Instant;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer};
use tempfile::TempDir;

use super::*;
use crate::casework::flag::FlagCode;
use crate::statute::clock::ClockStatus;
use crate::statute::rulebook::ClockKind;

mod log;
mod mapping;
#[expect(dead_code, reason = "only other tests stop and start a server")]
#[path = "../../tests/support/postgres.rs"]
mod postgres;
mod schemas;

diesel::table! {
    counters (name) {
        name -> Text,
        value -> Integer,
    }
}

struct TestStore {
    store: Store,
    location: Location,
    _folder: TempDir,
}

fn open(location: Location, folder: TempDir) -> TestStore {
    let store = Store::open(&location).unwrap();
    store
        .write_now(|connection| {
            connection.batch_execute(
                "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL CHECK (value >= 0)); \
                 INSERT INTO counters VALUES ('cases', 0)",
            )?;
            Ok::<_, StoreError>(())
        })
        .unwrap();
    TestStore {
        store,
        location,
        _folder: folder,
    }
}

fn on_sqlite() -> TestStore {
    let folder = tempfile::tempdir().unwrap();
    open(Location::SqliteFile(folder.path().join("ehcp.db")), folder)
}

/// What opens connections to a SQLite file without the pools and threads of a store.
fn connector(file: &Path, access: Access) -> Connector {
    Connector {
        location: Location::SqliteFile(file.to_owned()),
        access,
        statements: Arc::default(),
        breaker: Arc::default(),
    }
}

fn execute(connection: &mut AnyConnection, statement: &str) {
    connection.batch_execute(statement).unwrap();
}

/// A schema of its own, unless there is no PostgreSQL.
fn postgres_location() -> Option<Location> {
    let server = postgres::server()?;
    Some(Location::parse(&server.database()).unwrap())
}

fn on_both() -> Vec<TestStore> {
    let postgres = postgres_location().map(|location| open(location, tempfile::tempdir().unwrap()));
    std::iter::once(on_sqlite()).chain(postgres).collect()
}

fn value(connection: &mut AnyConnection, name: &str) -> Result<i32, StoreError> {
    Ok(counters::table
        .find(name)
        .select(counters::value)
        .first(connection)?)
}

fn insert(connection: &mut AnyConnection, name: &str) -> Result<(), StoreError> {
    let row = (counters::name.eq(name), counters::value.eq(1));
    diesel::insert_into(counters::table)
        .values(row)
        .execute(connection)?;
    Ok(())
}

fn add_one(connection: &mut AnyConnection) -> Result<(), StoreError> {
    if let AnyConnection::Postgres(inner) = connection {
        let locked = counters::table.find("cases").select(counters::value).for_update();
        locked.first::<i32>(inner)?;
    }
    let next = value(connection, "cases")? + 1;
    diesel::update(counters::table.find("cases"))
        .set(counters::value.eq(next))
        .execute(connection)?;
    Ok(())
}

/// Jobs submitted after this form one group, which runs when the sender is dropped.
fn hold_the_writer(writer: &Writer) -> (Sender<()>, Receiver<Result<(), StoreError>>) {
    let (started, has_started) = channel();
    let (release, released) = channel::<()>();
    let answers = submit(writer, move |connection| {
        insert(connection, "first")?;
        started.send(()).unwrap();
        released.recv().unwrap_err();
        Ok(())
    });
    has_started.recv().unwrap();
    (release, answers)
}

fn submit<T: Send + 'static>(
    writer: &Writer,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, StoreError> + Send + 'static,
) -> Receiver<Result<T, StoreError>> {
    let (answer, answers) = channel();
    writer.submit(work, move |outcome| answer.send(outcome).unwrap());
    answers
}

fn writer(store: &Store) -> &Writer {
    match &store.writes {
        Writes::Sqlite(writer) => writer,
        Writes::Postgres(_) => panic!("not on SQLite"),
    }
}

fn is_there(store: &Store, name: &'static str) -> bool {
    store.read_now(|connection| value(connection, name)).is_ok()
}

#[test]
fn concurrent_writers_lose_no_update() {
    for TestStore { store, .. } in on_both() {
        std::thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| (0..15).for_each(|_| store.write_now(add_one).unwrap()));
            }
        });
        assert_eq!(store.read_now(|connection| value(connection, "cases")), Ok(180));
    }
}

#[test]
fn a_panic_or_an_error_takes_back_its_own_job_alone() {
    let TestStore { store, .. } = &on_sqlite();
    let (release, first) = hold_the_writer(writer(store));
    let panics = submit(writer(store), |connection| {
        insert(connection, "panics")?;
        connection.transaction(|connection| {
            insert(connection, "panics within")?;
            panic!("as this test wants it")
        })
    });
    let fails = submit(writer(store), |connection| {
        insert(connection, "fails")?;
        Err::<(), _>(StoreError::Stale)
    });
    let last = submit(writer(store), |connection| insert(connection, "last"));
    drop(release);

    assert_eq!(first.recv().unwrap(), Ok(()));
    assert!(matches!(panics.recv().unwrap(), Err::<(), _>(StoreError::Bug(_))));
    assert_eq!(fails.recv().unwrap(), Err(StoreError::Stale));
    assert_eq!(last.recv().unwrap(), Ok(()));
    let kept = ["first", "panics", "panics within", "fails", "last"].map(|name| is_there(store, name));
    assert_eq!(kept, [true, false, false, false, true]);
}

#[test]
fn when_the_disk_is_full_the_whole_group_is_told_and_the_next_works() {
    let TestStore { store, .. } = &on_sqlite();
    let (release, first) = hold_the_writer(writer(store));
    let fills = submit(writer(store), |connection| {
        connection.batch_execute("PRAGMA max_page_count = 1")?;
        diesel::sql_query("INSERT INTO counters VALUES (CAST(randomblob(1000000) AS TEXT), 1)")
            .execute(connection)?;
        Ok(())
    });
    drop(release);

    assert!(matches!(
        first.recv().unwrap(),
        Err(StoreError::Unavailable { .. })
    ));
    assert!(matches!(
        fills.recv().unwrap(),
        Err(StoreError::Unavailable { .. })
    ));
    assert!(!is_there(store, "first"));
    let more_room = |connection: &mut AnyConnection| {
        connection.batch_execute("PRAGMA max_page_count = 1000000")?;
        insert(connection, "next")
    };
    assert_eq!(store.write_now(more_room), Ok(()));
    assert!(is_there(store, "next"));
}

#[test]
fn an_answer_comes_after_the_commit() {
    let TestStore { store, .. } = &on_sqlite();
    let (answer, answers) = channel();
    let reader = store.clone();
    writer(store).submit(
        |connection| insert(connection, "row"),
        move |outcome: Result<(), StoreError>| answer.send((outcome, is_there(&reader, "row"))).unwrap(),
    );
    assert_eq!(answers.recv().unwrap(), (Ok(()), true));
}

#[test]
fn a_full_queue_refuses_at_once_and_keeps_what_it_took() {
    let TestStore { store, .. } = &on_sqlite();
    let (release, _first) = hold_the_writer(writer(store));
    let waiting: Vec<_> = (0..1024).map(|_| submit(writer(store), add_one)).collect();
    let refused = submit(writer(store), add_one).recv().unwrap();
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })));
    drop(release);
    assert!(waiting.iter().all(|answer| answer.recv().unwrap().is_ok()));
    assert_eq!(store.read_now(|connection| value(connection, "cases")), Ok(1024));
}

#[test]
fn closing_finishes_what_was_accepted() {
    let TestStore { store, .. } = &on_sqlite();
    let (release, _first) = hold_the_writer(writer(store));
    let waiting: Vec<_> = (0..100).map(|_| submit(writer(store), add_one)).collect();
    drop(release);
    store.clone().close();
    assert!(waiting.iter().all(|answer| answer.try_recv().unwrap().is_ok()));
    assert!(matches!(
        store.write_now(add_one),
        Err(StoreError::Unavailable { .. })
    ));
    assert_eq!(store.read_now(|connection| value(connection, "cases")), Ok(100));
}

#[test]
fn a_nested_transaction_rolls_back_alone() {
    for TestStore { store, .. } in on_both() {
        let outcome = store.write_now(|connection| {
            insert(connection, "outer")?;
            let inner = connection.transaction(|connection| {
                insert(connection, "inner")?;
                insert(connection, "outer")
            });
            assert!(matches!(inner, Err(StoreError::Duplicate(_))));
            connection.transaction(|connection| insert(connection, "second try"))
        });
        assert_eq!(outcome, Ok(()));
        let kept = ["outer", "inner", "second try"].map(|name| is_there(&store, name));
        assert_eq!(kept, [true, false, true]);
    }
}

#[test]
fn an_error_that_work_swallows_is_not_answered_as_committed() {
    for TestStore { store, location, .. } in on_both() {
        let outcome = store.write_now(|connection| {
            insert(connection, "kept?")?;
            insert(connection, "cases").unwrap_err();
            Ok::<_, StoreError>(())
        });
        assert_eq!(outcome.is_ok(), is_there(&store, "kept?"), "{location}");
    }
}

#[test]
fn work_that_leaves_a_transaction_open_is_rolled_back() {
    for TestStore { store, .. } in on_both() {
        let outcome = store.write_now(|connection| {
            insert(connection, "row")?;
            transaction::begin_savepoint(connection)?;
            Ok::<_, StoreError>(())
        });
        assert!(matches!(outcome, Err(StoreError::Bug(_))), "{outcome:?}");
        assert!(!is_there(&store, "row"));
        assert_eq!(store.write_now(|connection| insert(connection, "row")), Ok(()));
    }
}

#[test]
fn a_duplicate_names_what_it_violates_and_no_value() {
    for TestStore { store, location, .. } in on_both() {
        let of = |sql: &'static str| {
            store
                .write_now(move |connection| {
                    connection.batch_execute(sql)?;
                    connection.batch_execute(sql)?;
                    Ok::<_, StoreError>(())
                })
                .unwrap_err()
        };
        let key = of(
            "INSERT INTO idempotency_keys VALUES ('202', 'c', 'k', 'POST', '/', '', 201, '', '', '2026-01-05 09:00:00', NULL)",
        );
        store
            .write_now(|connection| {
                connection.batch_execute("CREATE UNIQUE INDEX one_of_a_name ON counters (lower(name))")?;
                Ok::<_, StoreError>(())
            })
            .unwrap();
        let expression = of("INSERT INTO counters VALUES (CAST(random() AS TEXT), 1); \
             INSERT INTO counters VALUES ('Kofi', 1); INSERT INTO counters VALUES ('kofi', 1)");
        let columns = "idempotency_keys.la_code,idempotency_keys.client,idempotency_keys.idempotency_key";
        let expected_key = match location {
            Location::SqliteFile(_) => columns,
            Location::Postgres(_) => "idempotency_keys_pkey",
        };
        assert_eq!(key, StoreError::Duplicate(expected_key.to_owned()));
        assert_eq!(expression, StoreError::Duplicate("one_of_a_name".to_owned()));
    }
}

#[test]
fn a_fault_tells_no_value() {
    for TestStore { store, location, .. } in on_both() {
        let of = |sql: &'static str| {
            let run =
                move |connection: &mut AnyConnection| Ok::<_, StoreError>(connection.batch_execute(sql)?);
            store.write_now(run).unwrap_err().to_string()
        };
        for fault in [
            of("INSERT INTO counters VALUES ('Kofi', -1)"),
            of("INSERT INTO counters VALUES ('Kofi', NULL)"),
            of("INSERT INTO counters VALUES ('Kofi', 'Kofi', 'Kofi')"),
            of("INSERT INTO counters SELECT 'Kofi', CAST(name || 'Kofi' AS INTEGER) + NULL FROM counters"),
        ] {
            assert!(!fault.contains("Kofi"), "{location}: {fault}");
        }
    }
}

#[test]
fn a_read_sees_one_moment_and_cannot_write() {
    for TestStore { store, .. } in on_both() {
        let seen = store.read_now(|connection| {
            let before = value(connection, "cases")?;
            store.write_now(add_one)?;
            Ok::<_, StoreError>((before, value(connection, "cases")?))
        });
        assert_eq!(seen, Ok((0, 0)));
        let written = store.read_now(|connection| insert(connection, "row"));
        let is_refused = matches!(
            written,
            Err(StoreError::Unavailable {
                trouble: Trouble::ReadOnly,
                ..
            })
        );
        assert!(is_refused, "{written:?}");
        assert!(!is_there(&store, "row"));
    }
}

/// What a request is answered on.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
}

#[test]
fn work_runs_from_an_async_task_and_a_panic_in_it_is_a_bug() {
    let runtime = runtime();
    for TestStore { store, .. } in on_both() {
        runtime.block_on(async {
            store.write(add_one).await.unwrap();
            assert_eq!(store.read(|connection| value(connection, "cases")).await, Ok(1));
            let reading = store
                .read(|_| -> Result<(), StoreError> { panic!("as this test wants it") })
                .await;
            assert!(matches!(reading, Err(StoreError::Bug(_))));
            let writing = store
                .write(|_| -> Result<(), StoreError> { panic!("as this test wants it") })
                .await;
            assert!(matches!(writing, Err(StoreError::Bug(_))));
            store.write(add_one).await.unwrap();
            assert_eq!(store.read(|connection| value(connection, "cases")).await, Ok(2));
        });
    }
}

#[test]
fn reads_take_turns_on_as_many_threads_as_there_are_connections() {
    let runtime = runtime();
    let sizes = Sizes {
        read_connections: 2,
        ..Sizes::default()
    };
    for TestStore { location, .. } in &on_both() {
        let store = &Store::open_sized(location, sizes).unwrap();
        let thread = |connection: &mut AnyConnection| -> Result<std::thread::ThreadId, StoreError> {
            value(connection, "cases")?;
            Ok(std::thread::current().id())
        };
        let threads = runtime.block_on(async {
            let mut reads = tokio::task::JoinSet::new();
            for _ in 0..64 {
                let store = store.clone();
                reads.spawn(async move { store.read(thread).await.unwrap() });
            }
            reads.join_all().await
        });
        let different: std::collections::HashSet<_> = threads.iter().collect();
        assert_eq!(threads.len(), 64);
        assert!(different.len() <= 2, "{different:?}");
        assert_eq!(store.load().reads.waiting, 0);
    }
}

/// Whoever does not wait any more is not read for, and nobody waits behind them.
#[test]
fn whoever_goes_away_before_their_turn_gives_it_up() {
    let runtime = runtime();
    let sizes = Sizes {
        read_connections: 1,
        ..Sizes::default()
    };
    for TestStore { location, .. } in &on_both() {
        let store = &Store::open_sized(location, sizes).unwrap();
        let (started, has_started) = channel::<()>();
        let (release, released) = channel::<()>();
        let first = store.read(move |_| -> Result<(), StoreError> {
            started.send(()).unwrap();
            released.recv().unwrap_err();
            Ok(())
        });
        let (ran, has_run) = channel();
        runtime.block_on(async {
            let mut context = Context::from_waker(Waker::noop());
            let mut first = std::pin::pin!(first);
            assert!(first.as_mut().poll(&mut context).is_pending());
            has_started.recv().unwrap();
            let mut others: Vec<_> = (0..8)
                .map(|number| {
                    let ran = ran.clone();
                    Box::pin(store.read(move |_| -> Result<(), StoreError> {
                        ran.send(number).unwrap();
                        Ok(())
                    }))
                })
                .collect();
            for other in &mut others {
                assert!(other.as_mut().poll(&mut context).is_pending());
            }
            assert_eq!(store.load().reads.waiting, 8);
            let last = others.pop().unwrap();
            drop(others);
            drop(release);
            first.await.unwrap();
            last.await.unwrap();
            assert_eq!(store.load().reads.waiting, 0);
        });
        drop(ran);
        // One stood behind the first on its thread by then.
        assert_eq!(has_run.iter().collect::<Vec<_>>(), [0, 7]);
    }
}

#[test]
fn statements_are_counted_without_transaction_control() {
    for TestStore { store, location, .. } in on_both() {
        let before = store.statements();
        let read = |connection: &mut AnyConnection| {
            value(connection, "cases")?;
            value(connection, "cases")
        };
        store.read_now(read).unwrap();
        assert_eq!(store.statements() - before, 2);
        let before = store.statements();
        store
            .write_now(|connection| connection.transaction(|connection| insert(connection, "row")))
            .unwrap();
        let expected = match location {
            Location::SqliteFile(_) => 1,
            Location::Postgres(_) => 2,
        };
        assert_eq!(store.statements() - before, expected);
    }
}

/// PostgreSQL plans by what it counted last, which may be while many waited.
#[test]
fn what_waits_to_be_sealed_is_found_without_going_through_what_is_sealed() {
    let Some(location) = postgres_location() else {
        return;
    };
    let TestStore { store, .. } = &open(location, tempfile::tempdir().unwrap());
    let many_are_sealed = |connection: &mut AnyConnection| -> Result<(), StoreError> {
        twenty_thousand_wait(connection)?;
        connection.batch_execute("DELETE FROM audit_unchained WHERE entry_id <= lpad('19800', 36, '0')")?;
        Ok(())
    };
    store.write_now(many_are_sealed).unwrap();
    let sealing = |connection: &mut AnyConnection| -> Result<(usize, i64), StoreError> {
        let before = rows_read(connection, "audit_entries")?;
        let found = chain::unchained(connection, "885", 100)?;
        Ok((found.len(), rows_read(connection, "audit_entries")? - before))
    };
    let (found, read) = store.read_now(sealing).unwrap();
    assert_eq!(found, 100);
    assert!(read <= 200, "{read} entries were read to find {found}");
}

/// PostgreSQL plans a statement for any values once it has run some times.
#[test]
fn what_is_sealed_waits_no_more_without_going_through_what_does() {
    let Some(location) = postgres_location() else {
        return;
    };
    let TestStore { store, .. } = &open(location, tempfile::tempdir().unwrap());
    store.write_now(twenty_thousand_wait).unwrap();
    let seal = |connection: &mut AnyConnection| -> Result<i64, StoreError> {
        let before = chain::head_of(connection, "885")?;
        let mut sequence = before.as_ref().map_or(0, |head| head.sequence);
        let entries = chain::unchained(connection, "885", 256)?.into_iter();
        let links: Vec<chain::Link> = entries
            .map(|entry| {
                sequence += 1;
                chain::Link {
                    la_code: entry.la_code,
                    sequence,
                    entry_id: entry.id,
                    hash: String::new(),
                }
            })
            .collect();
        let after = chain::Head {
            la_code: "885".to_owned(),
            sequence,
            hash: String::new(),
            sealed_at: chrono::NaiveDateTime::default(),
        };
        let read = rows_read(connection, "audit_unchained")?;
        chain::add_links(connection, before.as_ref(), &links, &after)?;
        Ok(rows_read(connection, "audit_unchained")? - read)
    };
    let read: Vec<i64> = (0..10).map(|_| store.write_now(seal).unwrap()).collect();
    assert!(read[9] <= 512, "{read:?} that wait were read to seal 256");
}

fn twenty_thousand_wait(connection: &mut AnyConnection) -> Result<(), StoreError> {
    connection.batch_execute(
        "INSERT INTO audit_entries (id, la_code, recorded_at, subject, action, trace_id) \
         SELECT lpad(number::text, 36, '0'), '885', '2026-02-20', 's', 'a', 't' \
         FROM generate_series(1, 20000) AS number; \
         INSERT INTO audit_unchained (la_code, entry_id) SELECT la_code, id FROM audit_entries; \
         ANALYZE audit_entries; ANALYZE audit_unchained",
    )?;
    Ok(())
}

/// How many rows of a table this transaction on PostgreSQL has read.
fn rows_read(connection: &mut AnyConnection, table: &str) -> Result<i64, StoreError> {
    let read = format!(
        "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables \
         WHERE relid = '{table}'::regclass"
    );
    Ok(sql::<BigInt>(&read).get_result(connection)?)
}

#[test]
fn the_whole_of_a_large_sqlite_file_is_mapped() {
    let TestStore { store, .. } = &on_sqlite();
    let mapped = |connection: &mut AnyConnection| -> Result<i64, StoreError> {
        Ok(sql::<BigInt>("PRAGMA mmap_size").get_result(connection)?)
    };
    // Built without its flag, SQLite maps two gigabytes, however much it was asked for.
    let a_terabyte = 1 << 40;
    assert_eq!(store.read_now(mapped).unwrap(), a_terabyte);
    assert_eq!(store.write_now(mapped).unwrap(), a_terabyte);
}

/// The steps by which SQLite answers the lists that `ask` reads.
fn plans_of_lists(
    store: &Store,
    ask: impl Fn(&mut AnyConnection) -> Result<(), StoreError>,
) -> Vec<Vec<String>> {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = diesel::sql_types::Text)]
        detail: String,
    }

    store.record_statements();
    store.take_recorded_statements();
    store.read_now(ask).unwrap();
    let texts = store.take_recorded_statements().into_iter();
    let lists = texts.filter_map(|text| Some(text.split_once(" -- binds")?.0.to_owned()));
    lists
        .map(|list| {
            let plan = diesel::sql_query(format!("EXPLAIN QUERY PLAN {list}"));
            let steps: Result<Vec<Step>, StoreError> =
                store.read_now(|connection| Ok(plan.load(connection)?));
            steps.unwrap().into_iter().map(|step| step.detail).collect()
        })
        .collect()
}

/// What an officer has to see done is read in the order of its days, of them alone.
#[test]
fn an_officers_worklists_begin_with_what_is_theirs() {
    let TestStore { store, .. } = &on_sqlite();
    let day = chrono::NaiveDate::from_ymd_opt(2026, 2, 20).unwrap();
    let root = Root::of_staff("885", "ann", chrono::DateTime::UNIX_EPOCH);
    for after in [None, Some((day, uuid::Uuid::nil()))] {
        let plans = plans_of_lists(store, |connection| {
            for status in [ClockStatus::Overdue, ClockStatus::Running] {
                let filter = clock::ClockFilter {
                    status: Some(status),
                    kind: None,
                    bearer: None,
                    procedure: None,
                    caseworker: Some("ann".to_owned()),
                    case_id: None,
                    procedure_ids: None,
                    due_before: None,
                    as_of: day,
                    after,
                    limit: 51,
                };
                clock::list_clocks(connection, &root, &filter)?;
            }
            let filter = upcoming::UpcomingFilter {
                until_on: day,
                caseworker: Some("ann".to_owned()),
                concerning: upcoming::Concerning::Authority,
                after,
                limit: 51,
            };
            upcoming::upcoming_reviews(connection, &root, &filter)?;
            Ok(())
        });
        let first_steps: Vec<&str> = plans.iter().map(|steps| steps[0].as_str()).collect();
        let theirs = "SEARCH clocks USING INDEX clocks_of_officer (la_code=? AND caseworker=? AND bound=? AND stopped_on=?";
        let since =
            "SEARCH clocks USING INDEX clocks_owed (la_code=? AND bound=? AND stopped_on>? AND stopped_on<?";
        let expected = [theirs, since, theirs, since, theirs];
        assert_eq!(first_steps.len(), expected.len());
        for (step, expected) in first_steps.iter().zip(expected) {
            assert!(step.starts_with(expected), "{plans:#?}");
        }
        for steps in plans.iter().step_by(2) {
            assert!(
                steps.iter().all(|step| !step.contains("TEMP B-TREE")),
                "{steps:#?}"
            );
        }
    }
}

/// However many clocks the authority has, by whatever the list is filtered beside.
#[test]
fn the_clocks_of_a_case_are_found_by_its_procedures() {
    let TestStore { store, .. } = &on_sqlite();
    let day = chrono::NaiveDate::from_ymd_opt(2026, 2, 20).unwrap();
    let root = Root::of_staff("885", "ann", chrono::DateTime::UNIX_EPOCH);
    let one = uuid::Uuid::nil();
    let plans = plans_of_lists(store, |connection| {
        for (case_id, procedure_ids) in [(Some(one), None), (None, Some(vec![one.to_string()]))] {
            for status in [None, Some(ClockStatus::Overdue), Some(ClockStatus::Met)] {
                for (kind, caseworker) in [(None, None), (Some(ClockKind::ReviewDue), Some("ann".to_owned()))]
                {
                    let filter = clock::ClockFilter {
                        status,
                        kind,
                        bearer: None,
                        procedure: None,
                        caseworker,
                        case_id,
                        procedure_ids: procedure_ids.clone(),
                        due_before: Some(day),
                        as_of: day,
                        after: Some((day, one)),
                        limit: 51,
                    };
                    clock::list_clocks(connection, &root, &filter)?;
                }
            }
        }
        clock::procedures_owing(connection, "885", "a case", ClockKind::ReviewDue, day)?;
        let filter = case::CaseFilter {
            flag: Some(FlagCode::AdviceLate),
            state: None,
            caseworker: None,
            external_ref: None,
            updated_since: None,
            after: case::CasesAfter::Start,
            as_of: day,
            due_soon_days: 10,
            limit: 51,
        };
        case::list_cases(connection, &root, &filter)?;
        Ok(())
    });
    assert_eq!(plans.len(), 14);
    for plan in plans {
        let clocks: Vec<&String> = plan.iter().filter(|step| step.contains(" clocks ")).collect();
        let of_procedures = "SEARCH clocks USING INDEX sqlite_autoindex_clocks_1 (procedure_id=?)";
        assert_eq!(clocks, [of_procedures], "{plan:?}");
    }
}

/// What a list says of the next setting is looked up for its cases alone, however long theirs and others' stories are.
#[test]
fn changes_of_phase_are_found_by_their_cases() {
    let TestStore { store, .. } = &on_sqlite();
    let plans = plans_of_lists(store, |connection| {
        let case_ids = [uuid::Uuid::nil().to_string()];
        upcoming::transfer_limits_of(connection, "885", &case_ids)?;
        upcoming::papers_due(connection, &case_ids)?;
        Ok(())
    });
    assert_eq!(plans.len(), 2);
    assert!(
        plans[0][0].starts_with("SEARCH clocks USING INDEX phase_transfers_of_case (case_id=?"),
        "{plans:#?}"
    );
    assert!(plans[1][0].contains("(procedure_id=?"), "{plans:#?}");
}

/// It runs with every write.
#[test]
fn whether_cases_are_in_sight_is_looked_up_by_their_ids() {
    let TestStore { store, .. } = &on_sqlite();
    let root = Root::of_staff("885", "ann", chrono::DateTime::UNIX_EPOCH);
    let case_ids = [uuid::Uuid::nil(), uuid::Uuid::max()].map(|id| id.to_string());
    for some in [&case_ids[..1], &case_ids[..]] {
        let plans = plans_of_lists(store, |connection| {
            seal::cases_in_sight(connection, &root, some)?;
            Ok(())
        });
        // One is found by the index of both columns, several by their primary key.
        assert!(plans[0][0].ends_with("id=?)"), "{plans:#?}");
    }
}

/// SQLite enters an index at a place of two columns only where both are columns; otherwise a far page is walked to.
#[test]
fn far_pages_begin_where_the_page_before_ended() {
    let TestStore { store, .. } = &on_sqlite();
    let (day, id) = (
        chrono::NaiveDate::from_ymd_opt(2026, 2, 20).unwrap(),
        uuid::Uuid::nil(),
    );
    let root = Root::of_staff("885", "ann", chrono::DateTime::UNIX_EPOCH);
    let plans = plans_of_lists(store, |connection| {
        for (state, organisation_id) in [(None, None), (Some("accepted"), None), (None, Some(id))] {
            let filter = advice::AdviceFilter {
                state: state.map(str::to_owned),
                requirement: None,
                organisation_id,
                due_before: None,
                after: Some((day, id)),
                limit: 51,
            };
            advice::list_advice_requests(connection, &root, &filter)?;
        }
        for status in [None, Some(ClockStatus::Met), Some(ClockStatus::Running)] {
            let filter = clock::ClockFilter {
                status,
                kind: None,
                bearer: None,
                procedure: None,
                caseworker: None,
                case_id: None,
                procedure_ids: None,
                due_before: None,
                as_of: day,
                after: Some((day, id)),
                limit: 51,
            };
            clock::list_clocks(connection, &root, &filter)?;
        }
        Ok(())
    });
    assert_eq!(plans.len(), 6);
    for plan in plans {
        assert!(plan[0].contains("_on,"), "{plan:?}");
        assert!(plan[0].contains(")>(?,?)"), "{plan:?}");
    }
}

#[test]
fn what_is_stale_is_gone_through_once() {
    let TestStore { store, .. } = &on_sqlite();
    let plans = plans_of_lists(store, |connection| {
        procedure::procedures_with_other_fingerprint(connection, "885", "review", "right", "", 200)?;
        Ok(())
    });
    assert_eq!(plans.len(), 1);
    assert_eq!(plans[0].len(), 1, "{plans:?}");
    assert!(plans[0][0].contains("id>?"), "{plans:?}");
}

#[test]
fn a_database_that_a_newer_version_migrated_is_refused() {
    for TestStore { store, location, .. } in on_both() {
        store
            .write_now(|connection| {
                connection
                    .batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231')")?;
                Ok::<_, StoreError>(())
            })
            .unwrap();
        let refusal = Store::open(&location).err().unwrap();
        assert!(
            matches!(refusal, OpenError::Migrate(MigrateError::Newer { .. })),
            "{refusal}"
        );
        assert!(
            refusal
                .to_string()
                .contains("newer version of this program: it has 20991231,"),
            "{refusal}"
        );
    }
}

#[test]
fn replicas_that_start_together_migrate_once() {
    let Some(location) = postgres_location() else {
        return;
    };
    std::thread::scope(|scope| {
        let opening: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| Store::open(&location).map(drop)))
            .collect();
        for outcome in opening {
            outcome.join().unwrap().unwrap();
        }
    });
}

#[test]
fn connections_the_server_has_closed_are_replaced_unnoticed() {
    let Some(location) = postgres_location() else {
        return;
    };
    let TestStore { store, .. } = &open(location, tempfile::tempdir().unwrap());
    let server_process = |connection: &mut AnyConnection| -> Result<i32, StoreError> {
        Ok(diesel::select(sql::<Integer>("pg_backend_pid()")).get_result(connection)?)
    };
    let reader = store.read_now(server_process).unwrap();
    let closed = store.write_now(move |connection| -> Result<bool, StoreError> {
        let terminate = format!("pg_terminate_backend({reader}, 5000)");
        Ok(diesel::select(sql::<Bool>(&terminate)).get_result(connection)?)
    });
    assert_eq!(closed, Ok(true));
    assert_ne!(store.read_now(server_process).unwrap(), reader);
}

#[test]
fn a_database_that_cannot_be_opened_is_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::SqliteFile(folder.path().join("nowhere").join("ehcp.db"));
    let refusal = Store::open(&location).err().unwrap().to_string();
    assert!(
        refusal.contains("nowhere") && refusal.contains("unable to open"),
        "{refusal}"
    );

    let location = Location::parse("postgres://ehcp:hunter2@127.0.0.1:1/ehcp").unwrap();
    let refusal = Store::open(&location).err().unwrap().to_string();
    assert!(
        refusal.contains("127.0.0.1") && refusal.contains("refused"),
        "{refusal}"
    );
    assert!(!refusal.contains("hunter2"), "{refusal}");
}

#[test]
fn where_the_files_cannot_be_written_it_is_told_and_they_are_opened_again() {
    let TestStore { store, .. } = &on_sqlite();
    let refused = store.write_now(|connection| {
        connection.batch_execute("PRAGMA query_only = ON")?;
        insert(connection, "row")
    });
    let is_told = matches!(
        refused,
        Err(StoreError::Unavailable {
            trouble: Trouble::ReadOnly,
            ..
        })
    );
    assert!(is_told, "{refused:?}");
    assert_eq!(store.write_now(|connection| insert(connection, "row")), Ok(()));
}

#[test]
fn a_lease_is_held_by_one_until_it_is_given_back_or_runs_out() {
    let hour = chrono::TimeDelta::hours(1);
    let over = chrono::TimeDelta::seconds(-1);
    for TestStore { store, location, .. } in on_both() {
        let claim = |holder: &'static str, held_for| {
            store.write_now(move |connection| lease::claim_lease(connection, "duty", holder, held_for))
        };
        let release = |holder: &'static str| {
            store.write_now(move |connection| lease::release_lease(connection, "duty", holder))
        };
        assert_eq!(claim("a", hour), Ok(true), "{location}");
        assert_eq!((claim("b", hour), claim("a", hour)), (Ok(false), Ok(true)));
        release("b").unwrap();
        assert_eq!(claim("b", hour), Ok(false), "{location}");
        release("a").unwrap();
        assert_eq!((claim("b", over), claim("a", over)), (Ok(true), Ok(true)));
        // Run out as it is, one of many that ask at once has it.
        let holders = ["c", "d", "e", "f", "g", "h"];
        let taken = std::thread::scope(|scope| {
            let asking = holders.map(|holder| scope.spawn(move || claim(holder, hour).unwrap()));
            asking.map(|asked| asked.join().unwrap())
        });
        assert_eq!(
            taken.iter().filter(|has| **has).count(),
            1,
            "{location}: {taken:?}"
        );
    }
}

#[test]
fn while_the_server_is_away_work_is_refused_at_once_even_for_a_role_that_may_set_little() {
    let Some(cluster) = postgres::Cluster::create(&postgres::Settings::default()) else {
        return;
    };
    let mut administrator = diesel::PgConnection::establish(&cluster.url()).unwrap();
    administrator
        .batch_execute("CREATE ROLE clerk LOGIN; GRANT CREATE ON SCHEMA public TO clerk")
        .unwrap();
    let url = cluster.url().replace("postgres@", "clerk@");
    let TestStore { store, .. } = &open(Location::parse(&url).unwrap(), tempfile::tempdir().unwrap());
    cluster.stop(postgres::Stop::Immediate);
    let started = Instant::now();
    let refused: Vec<_> = (0..8).map(|_| store.write_now(add_one)).collect();
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    for refusal in refused {
        let is_told = matches!(
            refusal,
            Err(StoreError::Unavailable {
                trouble: Trouble::Unreachable,
                ..
            })
        );
        assert!(is_told, "{refusal:?}");
    }
    cluster.start();
    let deadline = Instant::now() + Duration::from_secs(30);
    while store.write_now(add_one).is_err() {
        assert!(Instant::now() < deadline, "it never came back");
    }
}

#[test]
fn a_write_that_is_waited_for_no_longer_is_done_once_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Location::SqliteFile(folder.path().join("ehcp.db"));
    for location in std::iter::once(sqlite).chain(postgres_location()) {
        let test = open(location.clone(), tempfile::tempdir().unwrap());
        let impatient = Sizes {
            answer_within: Duration::from_millis(500),
            ..Sizes::default()
        };
        let store = match location {
            // The one writer is this one's.
            Location::SqliteFile(_) => Store {
                answer_within: impatient.answer_within,
                ..test.store.clone()
            },
            Location::Postgres(_) => Store::open_sized(&location, impatient).unwrap(),
        };
        let (release, released) = channel::<()>();
        let system = actix_web::rt::System::new();
        let written = system.block_on(store.write(move |connection| {
            add_one(connection)?;
            released.recv().unwrap_err();
            Ok::<_, StoreError>(())
        }));
        assert!(
            matches!(written, Err(StoreError::OutcomeUnknown { .. })),
            "{written:?}"
        );
        drop(release);
        // It comes after the other: behind it in the queue, or behind the lock on its row.
        let done = test.store.write_now(|connection| {
            add_one(connection)?;
            value(connection, "cases")
        });
        assert_eq!(done, Ok(2));
    }
}
