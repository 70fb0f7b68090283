//! The database goes away and comes back, in every way it can.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use serde_json::json;

use crate::harness::{Act, Answer, Replica, Service, free_address, get, post, wait_until};
use crate::load::{Load, assert_each_once};
use crate::postgres::{Cluster, Settings, Stop};
use crate::proxy::{Proxy, Way};

/// While an outage is known, nobody waits for a connection in vain.
const AT_ONCE: Duration = Duration::from_secs(2);

fn cases(replica: &Replica, service: &Service) -> Answer {
    get(&replica.address, &service.token, "/v1/cases?limit=1").unwrap()
}

fn readiness(replica: &Replica) -> (u16, String) {
    let answer = get(&replica.address, "", "/health/ready").unwrap();
    (
        answer.status,
        answer.body["reason"].as_str().unwrap_or_default().to_owned(),
    )
}

fn assert_is_away(replica: &Replica, service: &Service) {
    wait_until("readiness that says the database is away", || {
        readiness(replica) == (503, "database_unreachable".to_owned())
    });
    assert_eq!(get(&replica.address, "", "/health/live").unwrap().status, 200);
    let refused = cases(replica, service);
    assert_eq!((refused.status, refused.code()), (503, "unavailable"));
    assert_eq!(refused.body["reason"], "database_unreachable");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(refused.took < AT_ONCE, "{refused:?}");
}

#[test]
fn a_database_that_restarts_is_found_again() {
    let Some(cluster) = Cluster::create(&Settings {
        fsync: true,
        ..Settings::default()
    }) else {
        return;
    };
    let service = Service::on(cluster.url());
    let mut replicas = [service.replica(), service.replica()];
    let load = Load::start(&service, &replicas, 4);
    load.wait_for(20);
    for how in [Stop::Fast, Stop::Immediate] {
        cluster.stop(how);
        replicas
            .iter()
            .for_each(|replica| assert_is_away(replica, &service));
        cluster.start();
        replicas.iter().for_each(Replica::wait_until_ready);
        load.wait_for(20);
    }
    let seen = load.finish();
    assert_each_once(&service.database, &seen);
    service.assert_index_is_right();
    for replica in &mut replicas {
        assert!(replica.lives(), "{:#?}", replica.log());
        let log = replica.log();
        let said = |text: &str| log.iter().filter(|line| line.contains(text)).count();
        assert_eq!(
            said("the database cannot be reached; requests are refused"),
            2,
            "{log:#?}"
        );
        assert_eq!(said("the database is reached again"), 2, "{log:#?}");
        assert_eq!(said("r2d2"), 0, "{log:#?}");
    }
}

#[test]
fn connections_cut_stalled_or_refused_heal() {
    let settings = Settings {
        fsync: true,
        tcp: true,
        ..Settings::default()
    };
    let Some(cluster) = Cluster::create(&settings) else {
        return;
    };
    let proxy = Proxy::to(cluster.port());
    let service = Service::on(format!("postgresql://postgres@127.0.0.1:{}/postgres", proxy.port));
    let mut measured = service.command(&["serve"]);
    let measures = free_address();
    measured.args(["--metrics-bind", &measures]);
    let mut replicas = [Replica::new(measured, free_address())];
    replicas[0].start();
    replicas[0].wait_until_ready();
    let load = Load::start(&service, &replicas, 4);
    load.wait_for(20);
    for _ in 0..10 {
        proxy.cut();
        load.wait_for(5);
    }

    // Committed, and nobody was told: the answer says so, and the same key finds out.
    proxy.set(Way::CutAtCommit);
    wait_until("outcomes that nobody knows", || {
        load.refused_with("outcome_unknown") >= 3
    });
    proxy.set(Way::Open);
    load.wait_for(20);

    proxy.set(Way::Stalled);
    wait_until("readiness that says so", || readiness(&replicas[0]).0 == 503);
    assert_eq!(cases(&replicas[0], &service).status, 503);
    assert_eq!(get(&replicas[0].address, "", "/health/live").unwrap().status, 200);
    // What is measured of an outage is told while it lasts.
    let scraped = get(&measures, "", "/metrics").unwrap();
    assert_eq!(scraped.status, 200);
    assert!(scraped.took < Duration::from_secs(5), "{scraped:?}");
    proxy.set(Way::Open);
    replicas[0].wait_until_ready();
    load.wait_for(20);

    proxy.set(Way::Refused);
    proxy.cut();
    assert_is_away(&replicas[0], &service);
    proxy.set(Way::Open);
    replicas[0].wait_until_ready();
    load.wait_for(20);

    let seen = load.finish();
    assert_each_once(&cluster.url(), &seen);
    service.assert_index_is_right();
    assert!(replicas[0].lives());
}

#[test]
fn a_database_that_takes_no_writes_is_read_and_heals() {
    let Some(cluster) = Cluster::create(&Settings::default()) else {
        return;
    };
    let service = Service::on(cluster.url());
    let replica = service.replica();
    let case = json!({"given_name": "Merrin", "family_name": "Quillfeather", "date_of_birth": "2018-03-04"});
    let act = Act {
        path: "/v1/cases",
        key: "one",
        if_match: None,
        body: &case,
    };
    let open = || post(&replica.address, &service.token, &act).unwrap();
    let mut administrator = PgConnection::establish(&cluster.url()).unwrap();
    let mut read_only = |is_on: &str| {
        administrator
            .batch_execute("SET default_transaction_read_only = off")
            .unwrap();
        administrator
            .batch_execute(&format!(
                "ALTER SYSTEM SET default_transaction_read_only = {is_on}"
            ))
            .unwrap();
        administrator.batch_execute("SELECT pg_reload_conf()").unwrap();
    };
    assert_eq!(
        post(&replica.address, &service.token, &Act { key: "zero", ..act })
            .unwrap()
            .status,
        201
    );
    read_only("on");
    wait_until("a refusal", || open().status == 503);
    let refused = open();
    assert_eq!(
        (refused.code(), &refused.body["reason"]),
        ("unavailable", &json!("database_read_only"))
    );
    assert_eq!(cases(&replica, &service).status, 200);
    read_only("off");
    wait_until("a write", || open().status == 201);
}
