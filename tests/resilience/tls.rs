//! The way to the database: a server elsewhere has to prove who it is.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::BigInt;
use diesel::{Connection, PgConnection, RunQueryDsl};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use crate::harness::{Service, text};
use crate::postgres::{Cluster, Settings};

/// The name in the server's certificate. It is looked up nowhere: `hostaddr` says where the server is.
const NAME: &str = "db.example";

/// An authority of the test's own; its certificate is written to a file.
fn authority(file: &Path) -> Issuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, text(file));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    std::fs::write(file, params.self_signed(&key).unwrap().pem()).unwrap();
    Issuer::new(params, key)
}

/// Gives the server a certificate for its name.
fn certify(cluster: &Cluster, authority: &Issuer<'_, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, NAME);
    let certificate = params.signed_by(&key, authority).unwrap();
    let owner = cluster.folder().metadata().unwrap();
    for (name, content) in [
        ("server.crt", certificate.pem()),
        ("server.key", key.serialize_pem()),
    ] {
        let path = cluster.folder().join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    let folder = cluster.folder().display();
    let mut administrator = PgConnection::establish(&cluster.url()).unwrap();
    for statement in [
        format!("ALTER SYSTEM SET ssl_cert_file = '{folder}/server.crt'"),
        format!("ALTER SYSTEM SET ssl_key_file = '{folder}/server.key'"),
        "ALTER SYSTEM SET ssl = on".to_owned(),
        "SELECT pg_reload_conf()".to_owned(),
    ] {
        administrator.batch_execute(&statement).unwrap();
    }
}

/// What `ehcp migrate` says to a database, on its way to an end with code 69, or nothing where it is done.
fn refusal(database: &str) -> Option<String> {
    let output = Service::on(database.to_owned())
        .command(&["migrate"])
        .output()
        .unwrap();
    if output.status.success() {
        return None;
    }
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(69), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(!said.contains("hush"), "{said}");
    Some(said)
}

#[test]
fn a_server_elsewhere_is_reached_over_tls_and_checked() {
    let Some(cluster) = Cluster::create(&Settings {
        tcp: true,
        ..Settings::default()
    }) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (folder.path().join("ours.pem"), folder.path().join("theirs.pem"));
    let our_authority = authority(&ours);
    authority(&theirs);
    let to = |name: &str, options: &str| {
        let port = cluster.port();
        format!("postgresql://postgres:hush@{name}:{port}/postgres?hostaddr=127.0.0.1{options}")
    };
    let rooted = |name: &str, root: &Path| to(name, &format!("&sslrootcert={}", text(root)));

    // Before it speaks TLS at all.
    let said = refusal(&rooted(NAME, &ours)).unwrap();
    assert!(
        said.contains("does not support SSL") && said.contains("say sslmode=disable"),
        "{said}"
    );
    assert_eq!(refusal(&to(NAME, "&sslmode=disable")), None);
    assert_eq!(refusal(&cluster.tcp_url()), None);

    certify(&cluster, &our_authority);
    assert_eq!(refusal(&rooted(NAME, &ours)), None);
    let said = refusal(&rooted("other.example", &ours)).unwrap();
    assert!(
        said.contains("does not match host name") && said.contains("a name that the certificate has"),
        "{said}"
    );
    let unknown = [
        to(NAME, ""),
        to(NAME, "&sslmode=verify-full&sslrootcert=system"),
        rooted(NAME, &theirs),
    ];
    for unknown in unknown {
        let said = refusal(&unknown).unwrap();
        assert!(
            said.contains("certificate verify failed") && said.contains("with sslrootcert"),
            "{said}"
        );
    }

    let service = Service::on(rooted(NAME, &ours));
    let _replica = service.replica();
    let mut administrator = PgConnection::establish(&cluster.url()).unwrap();
    let mut ours_with = |tls: &str| -> i64 {
        let sessions = format!(
            "(SELECT count(*) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) \
             WHERE application_name = 'ehcp' AND {tls})"
        );
        diesel::select(sql::<BigInt>(&sessions))
            .get_result(&mut administrator)
            .unwrap()
    };
    assert!(ours_with("ssl") > 0);
    assert_eq!(ours_with("NOT ssl"), 0);
}
