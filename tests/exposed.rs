//! A server that others can reach: what it refuses to be, and TLS that it speaks itself.

#![cfg(test)]
#![cfg(unix)]

#[expect(dead_code, reason = "it is shared, and not everybody uses all of it")]
#[cfg(test)]
mod support;

use std::fs::{Permissions, set_permissions, write};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};
use tempfile::{TempDir, tempdir};

use support::{Server, ehcp, refusal, run, text};

const NAME: &str = "ehcp.example";
const PATIENCE: Duration = Duration::from_secs(60);

/// Writes a certificate for the name, signed by itself, and its key.
fn certify(folder: &Path) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![NAME.to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let (certificate_file, key_file) = (folder.join("tls.pem"), folder.join("tls.key"));
    write(&certificate_file, certificate.pem()).unwrap();
    write(&key_file, key.serialize_pem()).unwrap();
    set_permissions(&key_file, Permissions::from_mode(0o600)).unwrap();
    (text(&certificate_file).to_owned(), text(&key_file).to_owned())
}

/// The head of the answer to a question over TLS, from a server whose certificate this file vouches for.
fn asked_over_tls(
    address: &str,
    certificate: &Path,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<String, String> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(certificate).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(NAME).unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).map_err(|error| error.to_string())?;
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address).unwrap());
    stream
        .write_all(
            format!("GET /health/live HTTP/1.1\r\nhost: {NAME}\r\nconnection: close\r\n\r\n").as_bytes(),
        )
        .map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    // Not everybody says goodbye in TLS before they hang up.
    let _goodbye = stream.read_to_end(&mut answer);
    Ok(String::from_utf8(answer).unwrap())
}

#[test]
fn tls_is_spoken_and_its_certificate_renewed() {
    let data = tempdir().unwrap();
    let files = tempdir().unwrap();
    let (certificate, key) = certify(files.path());
    let server = Server::start(&[
        "serve",
        "--data",
        text(data.path()),
        "--tls-certificate-file",
        &certificate,
        "--tls-key-file",
        &key,
    ]);
    let first = files.path().join("first.pem");
    std::fs::copy(&certificate, &first).unwrap();
    for version in [&TLS12, &TLS13] {
        let answer = asked_over_tls(&server.address, &first, &[version]).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert!(answer.contains("strict-transport-security: max-age="), "{answer}");
    }
    let healthy = |certificate: &str| {
        let arguments = [
            "health",
            "--bind",
            &server.address,
            "--tls-certificate-file",
            certificate,
            "--tls-key-file",
            &key,
        ];
        run(&arguments).status.code()
    };
    assert_eq!(healthy(&certificate), Some(0));
    let other = tempdir().unwrap();
    assert_eq!(healthy(&certify(other.path()).0), Some(69));
    // In plain it says nothing that anybody could use.
    let mut plain = TcpStream::connect(&server.address).unwrap();
    plain
        .write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    let _cut = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");

    // A key that does not fit leaves everything as it was.
    write(&key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    server.signal("-HUP");
    server.hear("the certificate is not renewed");
    assert!(asked_over_tls(&server.address, &first, &[&TLS13]).is_ok());

    certify(files.path());
    server.signal("-HUP");
    server.hear("the certificate is renewed");
    assert!(asked_over_tls(&server.address, &first, &[&TLS13]).is_err());
    let renewed = asked_over_tls(&server.address, Path::new(&certificate), &[&TLS13]).unwrap();
    assert!(renewed.starts_with("HTTP/1.1 200 OK"), "{renewed}");
}

#[test]
fn files_that_are_no_certificate_are_refused_and_not_shown() {
    let data = tempdir().unwrap();
    let files = tempdir().unwrap();
    let (certificate, key) = certify(files.path());
    let nonsense = files.path().join("nonsense.pem");
    write(&nonsense, "hush").unwrap();
    for (certificate, key) in [
        (text(&nonsense), key.as_str()),
        (certificate.as_str(), text(&nonsense)),
        (certificate.as_str(), "/nowhere.key"),
    ] {
        let (code, said) = refusal(&run(&[
            "serve",
            "--bind",
            "127.0.0.1:0",
            "--data",
            text(data.path()),
            "--tls-certificate-file",
            certificate,
            "--tls-key-file",
            key,
            "--log-filter",
            "off",
        ]));
        assert_eq!(code, 78, "{said}");
        assert!(
            said.contains("cannot be used for TLS") && !said.contains("hush"),
            "{said}"
        );
    }
}

fn open_to_all() -> TempDir {
    let data = tempdir().unwrap();
    write(data.path().join("issuer.key"), "5a".repeat(32)).unwrap();
    set_permissions(data.path().join("issuer.key"), Permissions::from_mode(0o644)).unwrap();
    set_permissions(data.path(), Permissions::from_mode(0o755)).unwrap();
    data
}

#[test]
fn a_server_that_others_could_reach_refuses_to_be_insecure() {
    let data = open_to_all();
    for command in ["serve", "demo"] {
        let (code, said) = refusal(&run(&[
            command,
            "--bind",
            "0.0.0.0:0",
            "--data",
            text(data.path()),
        ]));
        assert_eq!(code, 78, "{said}");
        for fault in [
            "no issuer of tokens but the built-in one",
            "neither tls_certificate_file nor trusted_proxies",
            &format!("{} is open to everybody", text(data.path())),
            "issuer.key is open to everybody",
            "--allow-insecure",
        ] {
            assert!(said.contains(fault), "{fault}: {said}");
        }
        assert!(!data.path().join("ehcp.db").exists());
    }
    let (code, said) = refusal(&run(&[
        "serve",
        "--bind",
        "0.0.0.0:0",
        "--trusted-proxies",
        "10.0.0.0/8",
        "--data",
        text(data.path()),
    ]));
    assert_eq!(code, 78);
    assert!(!said.contains("trusted_proxies"), "{said}");
}

#[test]
fn a_server_that_others_could_reach_wants_nobody_else_to_say_whom_it_believes() {
    let folder = tempdir().unwrap();
    let data = tempdir().unwrap();
    set_permissions(data.path(), Permissions::from_mode(0o700)).unwrap();
    let made = |name: &str, content: &str, mode: u32| {
        let path = folder.path().join(name);
        write(&path, content).unwrap();
        set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    };
    let shared = folder.path().join("shared");
    std::fs::create_dir(&shared).unwrap();
    set_permissions(&shared, Permissions::from_mode(0o777)).unwrap();
    let keys = made("keys.json", "{\"keys\": []}", 0o664);
    let issuers = format!(
        "[[issuers]]\nissuer = \"https://login.example.org\"\naudience = \"ehcp\"\njwks_file = \"{}\"\n\
         algorithms = [\"EdDSA\"]\nla = \"885\"\n[issuers.claims]\nroles = \"roles\"\n\
         [issuers.roles]\nofficers = \"caseworker\"\n",
        text(&keys)
    );
    let issuers = made("issuers.toml", &issuers, 0o666);
    let database = shared.join("ehcp.db");
    let settings = format!(
        "issuers_file = \"{}\"\ndatabase_url = \"sqlite:{}\"\n",
        text(&issuers),
        text(&database)
    );
    let settings = made("ehcp.toml", &settings, 0o666);
    let started = || {
        let arguments = [
            "serve",
            "--config",
            text(&settings),
            "--bind",
            "0.0.0.0:0",
            "--trusted-proxies",
            "10.0.0.0/8",
            "--data",
            text(data.path()),
        ];
        let (code, said) = refusal(&run(&arguments));
        assert_eq!(code, 78, "{said}");
        said
    };
    let said = started();
    for path in [&settings, &issuers, &keys, &shared] {
        let fault = format!("{} can be changed by others", text(path));
        assert!(said.contains(&fault), "{fault}: {said}");
    }
    assert!(!said.contains("is open to everybody"), "{said}");
    assert!(!database.exists());

    write(&database, "").unwrap();
    set_permissions(&database, Permissions::from_mode(0o644)).unwrap();
    for path in [&settings, &issuers, &keys] {
        set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    }
    set_permissions(&shared, Permissions::from_mode(0o755)).unwrap();
    let said = started();
    assert!(
        said.contains(&format!("{} is open to everybody", text(&database))),
        "{said}"
    );
    assert!(!said.contains("can be changed"), "{said}");

    // What holds the password of a database is read by nobody else.
    let url = "postgres://ehcp:hush@db.example.org/ehcp";
    let url_file = made("database_url", url, 0o644);
    write(
        &settings,
        format!(
            "issuers_file = \"{}\"\ndatabase_url_file = \"{}\"\n",
            text(&issuers),
            text(&url_file)
        ),
    )
    .unwrap();
    let said = started();
    assert!(
        said.contains(&format!("{} is open to everybody", text(&url_file))),
        "{said}"
    );
    write(
        &settings,
        format!(
            "issuers_file = \"{}\"\ndatabase_url = \"{url}\"\n",
            text(&issuers)
        ),
    )
    .unwrap();
    let said = started();
    assert!(
        said.contains(&format!("{} is open to everybody", text(&settings))),
        "{said}"
    );
    assert!(!said.contains("hush"), "{said}");
}

#[test]
fn whoever_insists_is_warned_at_every_start() {
    let data = open_to_all();
    let mut child = ehcp(&[
        "serve",
        "--bind",
        "0.0.0.0:0",
        "--allow-insecure",
        "--data",
        text(data.path()),
    ])
    .stderr(std::process::Stdio::piped())
    .spawn()
    .unwrap();
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    let (mut line, mut heard, started) = (String::new(), String::new(), Instant::now());
    while !heard.contains("serve: ready") && started.elapsed() < PATIENCE {
        line.clear();
        if std::io::BufRead::read_line(&mut stderr, &mut line).unwrap() == 0 {
            break;
        }
        heard.push_str(&line);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        heard.contains("it is allowed to be insecure") && heard.contains("serve: ready"),
        "{heard}"
    );
}

#[test]
fn what_holds_a_secret_has_no_flag_and_shows_none_of_it() {
    use ehcp_timeline::auth::IssuerKey;
    use ehcp_timeline::config::{Kind, Setting};
    use ehcp_timeline::store::Location;
    for setting in Setting::ALL {
        let row = setting.row();
        let is_secret = ["password", "secret", "token", "url"]
            .iter()
            .any(|word| row.name.ends_with(word));
        match row.kind {
            Kind::Database => assert_eq!(row.flag, None, "{}", row.name),
            // Of other secrets only the files are named, and where the API is reached is none.
            Kind::File | Kind::Url => {}
            _ => assert!(!is_secret, "{}", row.name),
        }
    }
    let folder = tempdir().unwrap();
    let key = IssuerKey::load_or_create(folder.path(), None).unwrap();
    let secret = std::fs::read_to_string(folder.path().join("issuer.key")).unwrap();
    assert!(!format!("{key:?} {key:#?}").contains(secret.trim()));
    let location = Location::parse("postgres://ehcp:hush@db/ehcp?sslpassword=hushed").unwrap();
    assert!(!format!("{location} {location:?} {location:#?}").contains("hush"));
}
