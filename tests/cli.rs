//! The program as its operator meets it: started, refused, stopped and killed.

#![cfg(test)]

#[expect(dead_code, reason = "it is shared, and not everybody uses all of it")]
#[cfg(test)]
mod support;

use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::channel;

use diesel::{Connection, RunQueryDsl, SqliteConnection};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

use support::{Server, ehcp, open_assessment, refusal, run, text, token};

fn migrated() -> TempDir {
    let data = tempdir().unwrap();
    assert!(run(&["migrate", "--data", text(data.path())]).status.success());
    data
}

#[test]
fn a_second_server_on_the_same_file_is_refused() {
    let data = tempdir().unwrap();
    let _first = Server::start(&["serve", "--data", text(data.path())]);
    let second = run(&["serve", "--bind", "127.0.0.1:0", "--data", text(data.path())]);
    let (code, said) = refusal(&second);
    assert_eq!(code, 75);
    assert!(said.contains("is in use by another server"), "{said}");
    assert_eq!(refusal(&run(&["migrate", "--data", text(data.path())])).0, 75);
}

#[test]
fn a_database_from_a_newer_version_is_refused_and_left_alone() {
    let data = migrated();
    let path = data.path().join("ehcp.db");
    let mut connection = SqliteConnection::establish(text(&path)).unwrap();
    diesel::sql_query("INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')")
        .execute(&mut connection)
        .unwrap();
    drop(connection);
    let before = std::fs::read(&path).unwrap();
    for command in ["serve", "demo", "migrate", "rebuild"] {
        let (code, said) = refusal(&run(&[command, "--data", text(data.path())]));
        assert_eq!(code, 78, "{command}");
        assert!(
            said.contains("newer version") && said.contains("20990101000000"),
            "{said}"
        );
    }
    assert!(before == std::fs::read(&path).unwrap(), "the file was touched");
}

#[test]
fn a_data_folder_that_cannot_be_used_is_named() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    for (data, expected) in [
        (text(&file), 66),
        (text(&file.join("below")), 73),
        ("/proc/ehcp", 73),
    ] {
        for command in ["serve", "demo", "migrate", "rebuild"] {
            let (code, said) = refusal(&run(&[command, "--data", data]));
            assert_eq!(code, expected, "{said}");
            assert!(said.contains(data), "{said}");
        }
    }
}

#[test]
fn a_taken_port_is_refused_before_anything_is_made() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for command in ["serve", "demo"] {
        let data = tempdir().unwrap();
        let output = run(&[command, "--bind", &address, "--data", text(data.path())]);
        let (code, said) = refusal(&output);
        assert_eq!(code, 75, "{said}");
        assert!(said.contains(&address) && said.contains("taken"), "{said}");
        assert!(!data.path().join("ehcp.db").exists(), "{command}");
    }
    let (code, _) = refusal(&run(&[
        "serve",
        "--bind",
        "8080",
        "--data",
        text(tempdir().unwrap().path()),
    ]));
    assert_eq!(code, 64);
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let data = tempdir().unwrap();
    std::fs::write(data.path().join("ehcp.db"), "garbage\n".repeat(500)).unwrap();
    let (code, said) = refusal(&run(&["serve", "--data", text(data.path())]));
    assert_eq!(code, 65);
    assert!(said.contains("ehcp.db is not a database"), "{said}");
}

#[test]
fn an_environment_that_cannot_be_used_is_refused_without_repeating_it() {
    let data = tempdir().unwrap();
    let with = |variable: &str, value: &str| {
        let mut command = ehcp(&["serve", "--data", text(data.path())]);
        refusal(&command.env(variable, value).output().unwrap())
    };
    let (code, said) = with("DATABASE_URL", "mysql://root:hush@db/ehcp");
    assert_eq!(code, 78);
    assert!(
        said.contains("`mysql` are not supported") && !said.contains("hush"),
        "{said}"
    );
    let (code, said) = with(
        "DATABASE_URL",
        "postgres://ehcp:hush@127.0.0.1:1/ehcp?connect_timeout=2",
    );
    assert_eq!(code, 69);
    assert!(!said.contains("hush"), "{said}");
    assert_eq!(with("EHCP_LOG_FORMAT", "xml").0, 78);
    let key = data.path().join("key");
    std::fs::write(&key, "not a key").unwrap();
    let (code, said) = with("EHCP_ISSUER_KEY_FILE", text(&key));
    assert_eq!(code, 78);
    assert!(
        said.contains("malformed") && !said.contains("not a key"),
        "{said}"
    );
    assert_eq!(
        with("EHCP_ISSUER_KEY_FILE", text(&data.path().join("nowhere"))).0,
        66
    );
}

#[cfg(unix)]
#[test]
fn what_is_made_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let _server = Server::start(&["serve", "--data", text(&data)]);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for file in ["ehcp.db", "ehcp.db-wal", "issuer.key"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
}

#[test]
fn a_token_is_printed_alone_and_works() {
    let data = tempdir().unwrap();
    let server = Server::start(&["serve", "--data", text(data.path())]);
    let output = run(&["token", "--role", "caseworker", "--data", text(data.path())]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed.lines().count(), 1);
    assert_eq!(printed.trim_end().split('.').count(), 3, "{printed}");
    assert_eq!(server.get(printed.trim_end(), "/v1/cases").0, 200);
    assert_eq!(server.get("", "/v1/cases").0, 401);
    let expired = run(&[
        "token",
        "--role",
        "manager",
        "--ttl",
        "0h",
        "--data",
        text(data.path()),
    ]);
    assert_eq!(expired.status.code(), Some(64));
}

#[test]
fn a_token_without_what_its_role_needs_is_a_usage_error() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    for (role, option) in [("contributor", "--org"), ("family", "--case")] {
        let (code, said) = refusal(&run(&["token", "--role", role, "--data", text(&data)]));
        assert_eq!(code, 64);
        assert!(said.contains(option), "{said}");
        let id = "01890000-0000-7000-8000-000000000001";
        let bound = run(&["token", "--role", role, option, id, "--data", text(&data)]);
        assert!(bound.status.success());
    }
    let unknown = run(&["token", "--role", "owner", "--data", text(&data)]);
    assert_eq!(unknown.status.code(), Some(64));
    assert!(!data.join("ehcp.db").exists(), "a token opens no database");
}

#[test]
fn the_document_is_printed_as_json() {
    let output = run(&["openapi"]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.ends_with("}\n"));
    let document: Value = serde_json::from_str(&printed).unwrap();
    assert!(document["paths"]["/health/live"].is_object());
}

#[test]
fn the_demo_shows_what_it_says() {
    let data = tempdir().unwrap();
    let arguments = [
        "demo",
        "--cases",
        "30",
        "--today",
        "2026-02-20",
        "--data",
        text(data.path()),
    ];
    let mut server = Server::start(&arguments);
    server.kill();
    let mut printed = String::new();
    let mut stdout = server.child.stdout.take().unwrap();
    stdout.read_to_string(&mut printed).unwrap();
    let base = format!("http://{}", server.address);
    assert!(
        printed.contains("Made up 30 cases") && printed.contains("20 February 2026"),
        "{printed}"
    );
    assert!(
        printed.contains("assumption") && printed.contains(&format!("{base}/docs/")),
        "{printed}"
    );

    // Served again, it is what was printed: on the real day, which no path here depends on.
    let server = Server::start(&["serve", "--data", text(data.path())]);
    let printed_token = |role: &str| {
        let line = printed.lines().find(|line| line.trim_start().starts_with(role));
        line.unwrap().split_whitespace().nth(1).unwrap().to_owned()
    };
    let paths: Vec<&str> = printed
        .lines()
        .filter(|line| line.contains("curl"))
        .map(|line| line.split('\'').nth(1).unwrap().strip_prefix(&base).unwrap())
        .collect();
    assert_eq!(paths.len(), 7, "{printed}");
    for path in &paths {
        let (status, body) = server.get(&printed_token("caseworker"), path);
        assert_eq!(status, 200, "{path}: {body}");
    }
    for role in ["manager", "auditor", "admin"] {
        assert_eq!(server.get(&printed_token(role), "/v1/cases").0, 200, "{role}");
    }
    let (late_advice, assessment, story) = (paths[6], paths[4], paths[3]);
    assert!(story.ends_with("/timeline"));
    assert_eq!(server.get(&printed_token("contributor"), late_advice).0, 200);
    assert_eq!(server.get(&printed_token("family"), story).0, 200);
    assert_eq!(server.get(&printed_token("family"), assessment).0, 200);
    assert_eq!(server.get(&printed_token("family"), "/v1/cases").0, 403);
    drop(server);

    let (code, said) = refusal(&run(&["demo", "--data", text(data.path())]));
    assert_eq!(code, 73);
    assert!(said.contains("is not empty"), "{said}");
    let checked = run(&["rebuild", "--check", "--data", text(data.path())]);
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn a_difference_between_index_and_events_is_reported_and_mended() {
    let data = tempdir().unwrap();
    let mut server = Server::start(&["demo", "--cases", "5", "--data", text(data.path())]);
    server.kill();
    let path = data.path().join("ehcp.db");
    let mut connection = SqliteConnection::establish(text(&path)).unwrap();
    diesel::sql_query("UPDATE clocks SET due_on = '2001-01-01'")
        .execute(&mut connection)
        .unwrap();
    drop(connection);
    let rebuild = |arguments: &[&str]| {
        let output = ehcp(&["rebuild", "--data", text(data.path())])
            .args(arguments)
            .output()
            .unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (code, said) = rebuild(&["--check"]);
    assert_eq!(
        (code, said.as_str()),
        (1, "5 of 5 procedures differ from their events.\n")
    );
    assert_eq!(rebuild(&[]).0, 0);
    let (code, said) = rebuild(&["--check"]);
    assert_eq!(
        (code, said.as_str()),
        (0, "0 of 5 procedures differ from their events.\n")
    );
}

#[cfg(unix)]
#[test]
fn a_server_told_to_stop_ends_well() {
    let data = tempdir().unwrap();
    for signal in ["-TERM", "-INT"] {
        let mut server = Server::start(&["serve", "--data", text(data.path())]);
        server.signal(signal);
        assert_eq!(server.ended(), 0, "{signal}");
        server.hear("stopped");
    }
}

#[test]
fn a_killed_server_has_lost_nothing_that_it_acknowledged() {
    let data = tempdir().unwrap();
    let caseworker = token(data.path(), "caseworker");
    let mut server = Server::start(&["serve", "--data", text(data.path())]);
    let (sender, acknowledged) = channel();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (sender, address, token) = (sender.clone(), server.address.clone(), caseworker.clone());
            std::thread::spawn(move || {
                for number in 0.. {
                    let key = format!("{writer}-{number}");
                    let Some(ids) = open_assessment(&address, &token, &key) else {
                        return;
                    };
                    if sender.send(ids).is_err() {
                        return;
                    }
                }
            })
        })
        .collect();
    drop(sender);
    let mut ids: Vec<(String, String)> = acknowledged.iter().take(40).collect();
    server.kill();
    for writer in writers {
        writer.join().unwrap();
    }
    ids.extend(acknowledged.try_iter());

    let server = Server::start(&["serve", "--data", text(data.path())]);
    for (case_id, assessment_id) in &ids {
        let (status, assessment) = server.get(&caseworker, &format!("/v1/assessments/{assessment_id}"));
        assert_eq!(status, 200, "{assessment}");
        assert_eq!(assessment["case_id"].as_str(), Some(case_id.as_str()));
        assert_eq!(assessment["state"], "considering_request");
        let clocks = assessment["clocks"].as_array().unwrap();
        assert!(
            clocks.iter().any(|clock| clock["due_on"] == "2026-02-16"),
            "{clocks:?}"
        );
    }
    drop(server);
    let checked = run(&["rebuild", "--check", "--data", text(data.path())]);
    assert!(checked.status.success(), "{checked:?}");
}
