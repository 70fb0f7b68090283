//! Several replicas on one database.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use serde_json::json;

use crate::harness::{Act, Replica, Service, free_address, get, post, run, wait_until};
use crate::load::{Load, Seen, assert_each_once};
use crate::postgres;

/// How many replicas are killed, one each second.
const KILLED: usize = 8;

#[test]
fn replicas_killed_under_load_lose_and_double_nothing() {
    let Some(server) = postgres::server() else {
        return;
    };
    let service = Service::on(server.database());
    let mut replicas: Vec<Replica> = (0..3).map(|_| service.replica()).collect();
    let load = Load::start(&service, &replicas, 6);
    load.wait_for(20);
    for number in 0..KILLED {
        let replica = &mut replicas[number % 3];
        replica.kill();
        replica.start();
        std::thread::sleep(Duration::from_secs(1));
    }
    load.wait_for(20);
    let seen = load.finish();
    assert!(seen.broken_connections > 0, "nobody noticed: {seen:?}");
    assert_each_once(&service.database, &seen);
    service.assert_index_is_right();
}

#[test]
fn a_replica_that_is_told_to_stop_under_load_breaks_nothing_off() {
    let Some(server) = postgres::server() else {
        return;
    };
    let service = Service::on(server.database());
    let mut replicas: Vec<Replica> = (0..2).map(|_| service.replica()).collect();
    let load = Load::start(&service, &replicas, 6);
    for number in 0..4 {
        load.wait_for(20);
        let replica = &mut replicas[number % 2];
        run("kill", &["-TERM", &replica.pid().to_string()]);
        let ended = replica.child.take().unwrap().wait().unwrap();
        assert!(ended.success(), "{ended:?}: {:#?}", replica.log());
        replica.start();
        replica.wait_until_ready();
    }
    load.wait_for(20);
    let seen = load.finish();
    assert_each_once(&service.database, &seen);
    service.assert_index_is_right();
}

#[test]
fn a_duplicate_in_flight_waits_and_is_refused_where_that_takes_too_long() {
    let Some(server) = postgres::server() else {
        return;
    };
    let service = Service::on(server.database());
    let replicas = [service.replica(), service.replica()];
    let case = json!({"given_name": "Merrin", "family_name": "Quillfeather", "date_of_birth": "2018-03-04"});
    let act = Act {
        path: "/v1/cases",
        key: "the-same",
        if_match: None,
        body: &case,
    };
    // As a replica has claimed the key that cannot come to an end.
    let mut in_the_way = PgConnection::establish(&service.database).unwrap();
    in_the_way
        .batch_execute(
            "BEGIN; INSERT INTO idempotency_keys VALUES \
             ('885', 'caseworker', 'the-same', 'POST', '/v1/cases', '', 0, '', '', '2026-01-05 09:00:00')",
        )
        .unwrap();
    let refused = post(&replicas[0].address, &service.token, &act).unwrap();
    assert_eq!((refused.status, refused.code()), (409, "idempotency_in_flight"));
    assert_eq!(refused.header("retry-after"), Some("1"));

    in_the_way.batch_execute("ROLLBACK").unwrap();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let asked: Vec<_> = replicas
            .iter()
            .cycle()
            .take(8)
            .map(|replica| scope.spawn(|| post(&replica.address, &service.token, &act).unwrap()))
            .collect();
        asked.into_iter().map(|asking| asking.join().unwrap()).collect()
    });
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (201, &answers[0].body));
    }
}

/// What a replica that is gone again has written.
fn written(service: &Service) -> Seen {
    let replica = [service.replica()];
    let load = Load::start(service, &replica, 2);
    load.wait_for(30);
    load.finish()
}

#[test]
fn one_replica_rebuilds_at_the_start_and_the_others_wait_for_it() {
    let Some(server) = postgres::server() else {
        return;
    };
    let service = Service::on(server.database());
    let seen = written(&service);
    // As if other code had computed it, while a replica that has died meanwhile was at it.
    let mut connection = PgConnection::establish(&service.database).unwrap();
    connection
        .batch_execute(
            "UPDATE procedures SET fingerprint = 'other'; UPDATE clocks SET due_on = '2001-01-01'; \
             INSERT INTO leases VALUES ('rebuild_index', 'dead', now() + INTERVAL '1 day')",
        )
        .unwrap();
    let mut replicas: Vec<Replica> = (0..3)
        .map(|_| Replica::new(service.command(&["serve"]), free_address()))
        .collect();
    replicas.iter_mut().for_each(Replica::start);
    replicas.iter().for_each(|replica| {
        replica.hear("another replica computes again");
    });
    assert_eq!(
        get(&replicas[0].address, "", "/health/ready").unwrap().body["reason"],
        "starting"
    );
    connection
        .batch_execute("UPDATE leases SET expires_at = now() - INTERVAL '1 day'")
        .unwrap();
    replicas.iter().for_each(Replica::wait_until_ready);
    let rebuilt: Vec<String> = replicas
        .iter()
        .flat_map(Replica::log)
        .filter(|line| line.contains("computed again what other code had computed"))
        .collect();
    assert_eq!(rebuilt.len(), 1, "{rebuilt:#?}");
    assert!(
        rebuilt[0].contains(&format!("procedures={}", seen.acknowledged.len())),
        "{rebuilt:#?}"
    );
    service.assert_index_is_right();
}

#[test]
fn a_replica_is_ready_though_another_version_goes_on_writing_and_computes_that_again() {
    let Some(server) = postgres::server() else {
        return;
    };
    let service = Service::on(server.database());
    written(&service);
    let is_over = AtomicBool::new(false);
    let mut replica = Replica::new(service.command(&["serve"]), free_address());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut connection = PgConnection::establish(&service.database).unwrap();
            // Every version holds procedures in the order of their ids, so that none waits for another in a circle.
            let written = "UPDATE procedures SET fingerprint = 'other' \
                           WHERE id IN (SELECT id FROM procedures ORDER BY id FOR NO KEY UPDATE)";
            while !is_over.load(Ordering::Relaxed) {
                connection.batch_execute(written).unwrap();
            }
        });
        replica.start();
        replica.wait_until_ready();
        is_over.store(true, Ordering::Relaxed);
    });
    replica.hear("computed again what a replica of another version wrote");
    wait_until("nothing is left of it", || {
        let mut connection = PgConnection::establish(&service.database).unwrap();
        let left =
            "DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM procedures WHERE fingerprint = 'other'); END $$";
        connection.batch_execute(left).is_ok()
    });
    service.assert_index_is_right();
}

#[test]
fn a_replica_that_waits_for_another_to_migrate_lives_and_is_not_ready() {
    let Some(server) = postgres::server() else {
        return;
    };
    let service = Service::on(server.database());
    let mut another = PgConnection::establish(&service.database).unwrap();
    // The lock on migrating.
    let lock = 0x4548_4350;
    another
        .batch_execute(&format!("SELECT pg_advisory_lock({lock})"))
        .unwrap();
    let mut replica = Replica::new(service.command(&["serve"]), free_address());
    replica.start();
    replica.hear("another replica is migrating the database");
    assert_eq!(get(&replica.address, "", "/health/live").unwrap().status, 200);
    for path in ["/health/ready", "/v1/cases"] {
        let answer = get(&replica.address, &service.token, path).unwrap();
        assert_eq!((answer.status, answer.code()), (503, "unavailable"), "{answer:?}");
        assert_eq!(answer.body["reason"], "starting");
        assert_eq!(answer.body["instance"], path);
        assert!(answer.header("retry-after").is_some());
    }
    another
        .batch_execute(&format!("SELECT pg_advisory_unlock({lock})"))
        .unwrap();
    replica.wait_until_ready();
    assert_eq!(
        get(&replica.address, &service.token, "/v1/cases").unwrap().status,
        200
    );
}

#[test]
fn a_database_that_cannot_hold_every_name_is_refused() {
    let Some(cluster) = postgres::Cluster::create(&postgres::Settings::default()) else {
        return;
    };
    let mut administrator = PgConnection::establish(&cluster.url()).unwrap();
    let narrow = "CREATE DATABASE narrow ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
    administrator.batch_execute(narrow).unwrap();
    let service = Service::on(cluster.url().replacen("@/postgres", "@/narrow", 1));
    let refused = service.command(&["migrate"]).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(78), "{said}");
    assert!(
        said.contains("its encoding is LATIN1, and UTF8 is needed"),
        "{said}"
    );
}

#[test]
fn a_key_that_other_replicas_do_not_have_is_warned_of() {
    let Some(server) = postgres::server() else {
        return;
    };
    let service = Service::on(server.database());
    let mut with_a_key_of_its_own = service.command(&["serve"]);
    with_a_key_of_its_own.env_remove("EHCP_ISSUER_KEY_FILE");
    let mut replica = Replica::new(with_a_key_of_its_own, free_address());
    replica.start();
    let said = replica.hear("give all the same key with EHCP_ISSUER_KEY_FILE");
    assert!(said.contains("WARN"), "{said}");
    let silent = service.replica();
    assert!(
        !silent
            .log()
            .iter()
            .any(|line| line.contains("EHCP_ISSUER_KEY_FILE"))
    );
}
