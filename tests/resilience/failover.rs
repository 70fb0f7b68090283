//! A standby takes over.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::BigInt;
use diesel::{Connection, PgConnection, RunQueryDsl};

use crate::harness::{Replica, Service, wait_until};
use crate::load::{Load, assert_each_once};
use crate::postgres::{Cluster, Settings, Stop};

#[test]
fn a_promoted_standby_has_all_that_was_acknowledged() {
    let settings = Settings {
        fsync: true,
        ..Settings::default()
    };
    let Some(primary) = Cluster::create(&settings) else {
        return;
    };
    let standby = Cluster::standby_of(&primary, &settings).unwrap();
    let mut administrator = PgConnection::establish(&primary.url()).unwrap();
    administrator
        .batch_execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        .unwrap();
    administrator.batch_execute("SELECT pg_reload_conf()").unwrap();
    wait_until("a synchronous standby", || {
        let synchronous = "(SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync')";
        diesel::select(sql::<BigInt>(synchronous)).get_result(&mut administrator) == Ok(1)
    });
    let service = Service::on(format!(
        "postgresql://postgres@/postgres?host={},{}&port={},{}&target_session_attrs=read-write",
        primary.folder().display(),
        standby.folder().display(),
        primary.port(),
        standby.port()
    ));
    let mut replicas = [service.replica(), service.replica()];
    let load = Load::start(&service, &replicas, 4);
    load.wait_for(40);

    primary.stop(Stop::Immediate);
    let mut promoted = PgConnection::establish(&standby.url()).unwrap();
    promoted.batch_execute("SELECT pg_promote(true, 60)").unwrap();
    load.wait_for(40);
    replicas.iter().for_each(Replica::wait_until_ready);

    let seen = load.finish();
    assert_each_once(&standby.url(), &seen);
    service.assert_index_is_right();
    assert!(replicas.iter_mut().all(Replica::lives));
}

#[test]
fn a_commit_that_waits_for_its_standby_is_not_acknowledged_before() {
    let Some(primary) = Cluster::create(&Settings {
        fsync: true,
        ..Settings::default()
    }) else {
        return;
    };
    let service = Service::on(primary.url());
    let replicas = [service.replica()];
    let mut administrator = PgConnection::establish(&primary.url()).unwrap();
    // Only the standby that never comes could answer for it.
    administrator
        .batch_execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        .unwrap();
    administrator.batch_execute("SELECT pg_reload_conf()").unwrap();
    let load = Load::start(&service, &replicas, 1);
    wait_until("an outcome that nobody knows", || {
        load.refused_with("outcome_unknown") >= 1
    });
    let waiting = "(SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep')";
    let waits = diesel::select(sql::<BigInt>(waiting)).get_result(&mut administrator);
    assert_eq!(waits, Ok(1), "the commit was cut short");
    administrator
        .batch_execute("ALTER SYSTEM RESET synchronous_standby_names")
        .unwrap();
    administrator.batch_execute("SELECT pg_reload_conf()").unwrap();
    load.wait_for(6);
    assert_each_once(&primary.url(), &load.finish());
}
