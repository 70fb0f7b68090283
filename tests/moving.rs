//! Data on the move, as its operator sees it: backed up beside a running server, restored, and copied from one
//! database to another, with everything that can break off in between.

#![cfg(test)]

#[expect(dead_code, reason = "only other tests stop and start a server")]
#[path = "support/postgres.rs"]
mod postgres;
#[expect(dead_code, reason = "other tests do more with the program")]
mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::{PgConnection, SqliteConnection, sql_query};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

use support::{Server, ehcp, open_assessment, refusal, run, text, token};

/// A data folder with some made-up cases that nobody serves.
fn demo(cases: u32) -> TempDir {
    let data = tempdir().unwrap();
    let cases = cases.to_string();
    let mut server = Server::start(&[
        "demo",
        "--cases",
        &cases,
        "--today",
        "2026-02-20",
        "--data",
        text(data.path()),
    ]);
    server.kill();
    data
}

fn database(data: &Path) -> PathBuf {
    data.join("ehcp.db")
}

fn sqlite_url(data: &Path) -> String {
    format!("sqlite:{}", database(data).display())
}

fn execute(database: &Path, statement: &str) {
    let mut connection = SqliteConnection::establish(text(database)).unwrap();
    assert!(
        sql_query(statement).execute(&mut connection).unwrap() > 0,
        "{statement}"
    );
}

fn backup(data: &Path, to: &Path) -> Output {
    run(&["backup", "--to", text(to), "--data", text(data)])
}

fn check(backup: &Path) -> Output {
    run(&["restore", "--check", "--from", text(backup)])
}

fn restore(backup: &Path, data: &Path) -> Output {
    run(&["restore", "--from", text(backup), "--data", text(data)])
}

fn copy(from: &str, to: &str, more: &[&str]) -> Output {
    ehcp(&["copy", "--from", from, "--to", to])
        .args(more)
        .output()
        .unwrap()
}

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The code and the last thing that was said; what came before told how far it was.
fn refused(output: &Output) -> (i32, String) {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    let last = said.lines().last().unwrap_or_default().to_owned();
    assert!(last.starts_with("ehcp: ") && last.ends_with(['.', '?']), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    (output.status.code().unwrap(), last)
}

/// The lines of the printed table, with the checksum of everything in the last.
fn tables(printed: &str) -> Vec<&str> {
    printed.lines().take_while(|line| !line.is_empty()).collect()
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// What a server on a data folder, or on the database of a URL, answers to a caseworker about all cases.
fn answers(data: &Path, database_url: Option<&str>) -> Vec<Value> {
    let mut command = ehcp(&["serve", "--data", text(data)]);
    if let Some(url) = database_url {
        command.env("DATABASE_URL", url);
    }
    let server = Server::start_as(command);
    let caseworker = token(data, "caseworker");
    let get = |path: &str| {
        let (status, body) = server.get(&caseworker, path);
        assert_eq!(status, 200, "{path}: {body}");
        body
    };
    let cases = get("/v1/cases?limit=100");
    let ids: Vec<String> = cases["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| case["id"].as_str().unwrap().to_owned())
        .collect();
    assert!(!ids.is_empty());
    let mut answers = vec![
        cases,
        get("/v1/clocks?as_of=2026-02-20&include=case&limit=100"),
        get("/v1/advice-requests?limit=100"),
        get("/v1/organisations"),
        get("/v1/settings"),
    ];
    answers.extend(ids.iter().map(|id| get(&format!("/v1/cases/{id}"))));
    answers
}

#[test]
fn a_backup_made_under_writes_is_one_moment_and_can_be_served() {
    let data = tempdir().unwrap();
    let caseworker = token(data.path(), "caseworker");
    let server = Server::start(&["serve", "--data", text(data.path())]);
    let (sender, acknowledged) = channel();
    let writers: Vec<_> = (0..3)
        .map(|writer| {
            let (sender, address, token) = (sender.clone(), server.address.clone(), caseworker.clone());
            std::thread::spawn(move || {
                for number in 0.. {
                    let ids = open_assessment(&address, &token, &format!("{writer}-{number}"));
                    if ids.is_none_or(|ids| sender.send(ids).is_err()) {
                        return;
                    }
                }
            })
        })
        .collect();
    drop(sender);
    let before: Vec<(String, String)> = acknowledged.iter().take(20).collect();
    let folder = tempdir().unwrap();
    let file = folder.path().join("of today?.db");
    let printed = done(&backup(data.path(), &file));
    let meanwhile = acknowledged.try_iter().count();
    assert!(meanwhile > 0, "nothing was written while the backup was made");
    drop(acknowledged);
    for writer in writers {
        writer.join().unwrap();
    }
    assert!(printed.contains("issuer's key is not in it"), "{printed}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(names_in(folder.path()), ["of today?.db"]);

    let bytes = fs::read(&file).unwrap();
    let checked = done(&check(&file));
    assert_eq!(tables(&checked), tables(&printed));
    assert!(checked.contains("equals their events"), "{checked}");
    assert!(bytes == fs::read(&file).unwrap(), "the check changed the backup");
    assert_eq!(names_in(folder.path()), ["of today?.db"]);

    let restored = tempdir().unwrap();
    let said = done(&restore(&file, restored.path()));
    assert!(said.contains("issuer.key"), "{said}");
    assert_eq!(names_in(restored.path()), ["ehcp.db", "ehcp.lock"]);
    let rebuilt = run(&["rebuild", "--check", "--data", text(restored.path())]);
    assert!(rebuilt.status.success(), "{rebuilt:?}");
    fs::copy(data.path().join("issuer.key"), restored.path().join("issuer.key")).unwrap();
    let second = Server::start(&["serve", "--data", text(restored.path())]);
    for (case_id, assessment_id) in &before {
        for path in [
            format!("/v1/cases/{case_id}"),
            format!("/v1/assessments/{assessment_id}?as_of=2026-03-01"),
        ] {
            let (status, answer) = second.get(&caseworker, &path);
            assert_eq!(status, 200, "{answer}");
            assert_eq!(answer, server.get(&caseworker, &path).1);
        }
    }
}

#[test]
fn a_backup_overwrites_nothing_and_a_killed_one_leaves_nothing_in_the_way() {
    let data = demo(3);
    let folder = tempdir().unwrap();
    let file = folder.path().join("backup.db");
    fs::write(
        folder.path().join("backup.db.partial"),
        "what a killed process left",
    )
    .unwrap();
    done(&backup(data.path(), &file));
    assert_eq!(names_in(folder.path()), ["backup.db"]);
    let before = fs::read(&file).unwrap();
    let (code, said) = refusal(&backup(data.path(), &file));
    assert_eq!(code, 73);
    assert!(said.contains("backup.db is there already"), "{said}");
    assert!(before == fs::read(&file).unwrap());

    let (code, said) = refusal(&backup(data.path(), Path::new("/proc/backup.db")));
    assert_eq!(code, 73, "{said}");
    let (code, said) = refusal(&backup(folder.path(), &folder.path().join("other.db")));
    assert_eq!(code, 66, "{said}");
    assert_eq!(names_in(folder.path()), ["backup.db"]);
}

#[test]
fn postgresql_is_left_to_its_own_tools() {
    let data = tempdir().unwrap();
    let file = data.path().join("backup.db");
    for (command, option, tool) in [("backup", "--to", "pg_dump"), ("restore", "--from", "pg_restore")] {
        let mut command = ehcp(&[command, option, text(&file), "--data", text(data.path())]);
        command.env("DATABASE_URL", "postgres://ehcp:hush@127.0.0.1:1/ehcp");
        let (code, said) = refusal(&command.output().unwrap());
        assert_eq!(code, 64);
        assert!(said.contains(tool) && !said.contains("hush"), "{said}");
    }
}

#[test]
fn a_backup_that_is_not_what_it_was_is_refused() {
    let data = demo(4);
    execute(
        &database(data.path()),
        "UPDATE cases SET family_name = 'Quillfeather'",
    );
    let folder = tempdir().unwrap();
    let file = folder.path().join("backup.db");
    done(&backup(data.path(), &file));
    let whole = fs::read(&file).unwrap();
    let refused_as = |expected: i32, words: &str| {
        let names = names_in(folder.path());
        let (code, said) = refusal(&check(&file));
        assert_eq!(code, expected, "{said}");
        assert!(said.contains(words) && said.contains("backup.db"), "{said}");
        assert_eq!(names_in(folder.path()), names);
        let empty = tempdir().unwrap();
        assert_eq!(refusal(&restore(&file, empty.path())).0, expected);
        assert_eq!(names_in(empty.path()), ["ehcp.lock"]);
    };

    let one_letter = {
        let mut bytes = whole.clone();
        let place = bytes
            .windows(12)
            .position(|part| part == b"Quillfeather")
            .unwrap();
        bytes[place] = b'K';
        bytes
    };
    fs::write(&file, one_letter).unwrap();
    refused_as(65, "does not hold what it held when it was made (cases)");

    let mut one_page = whole.clone();
    let middle = whole.len() / 2 / 4096 * 4096;
    one_page[middle..middle + 4096].fill(0x5a);
    fs::write(&file, one_page).unwrap();
    refused_as(65, "is damaged");

    for length in [whole.len() / 2, whole.len() - 4096, 5000] {
        fs::write(&file, &whole[..length]).unwrap();
        refused_as(65, "is damaged");
    }
    fs::write(&file, "not a database\n".repeat(1000)).unwrap();
    refused_as(65, "is not a database of this program");
    fs::write(&file, "").unwrap();
    refused_as(65, "is not a database of this program");

    fs::write(&file, &whole).unwrap();
    fs::write(folder.path().join("backup.db-wal"), "as beside a database in use").unwrap();
    refused_as(65, "backup.db-wal beside it");
    fs::remove_file(folder.path().join("backup.db-wal")).unwrap();
    done(&check(&file));

    // Without it the trail could be altered, though every row is as it was.
    let mut connection = SqliteConnection::establish(text(&file)).unwrap();
    connection
        .batch_execute("DROP TRIGGER audit_entries_stand")
        .unwrap();
    drop(connection);
    refused_as(65, "does not hold what it held when it was made (sqlite_schema)");
    fs::write(&file, &whole).unwrap();

    execute(&file, "DELETE FROM ehcp_backup_contents");
    refused_as(65, "does not hold what it held");
    fs::remove_file(&file).unwrap();
    let (code, said) = refusal(&check(&file));
    assert_eq!(code, 66, "{said}");
}

#[test]
fn a_backup_of_a_newer_version_is_refused() {
    let data = demo(2);
    execute(
        &database(data.path()),
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')",
    );
    let folder = tempdir().unwrap();
    let file = folder.path().join("backup.db");
    done(&backup(data.path(), &file));
    let (code, said) = refusal(&check(&file));
    assert_eq!(code, 78, "{said}");
    assert!(
        said.contains("newer version") && said.contains("20990101000000"),
        "{said}"
    );
}

#[test]
fn an_index_that_differs_is_told_and_can_be_restored_and_rebuilt() {
    let data = demo(3);
    execute(&database(data.path()), "UPDATE clocks SET due_on = '2001-01-01'");
    let folder = tempdir().unwrap();
    let file = folder.path().join("backup.db");
    done(&backup(data.path(), &file));
    let output = check(&file);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("index of 3 of 3 procedures differs"), "{said}");
    let restored = tempdir().unwrap();
    assert_eq!(restore(&file, restored.path()).status.code(), Some(1));
    let rebuild = |more: &[&str]| {
        ehcp(&["rebuild", "--data", text(restored.path())])
            .args(more)
            .output()
            .unwrap()
    };
    done(&rebuild(&[]));
    done(&rebuild(&["--check"]));
}

#[test]
fn a_backup_is_restored_only_where_there_is_no_database() {
    let data = demo(2);
    let folder = tempdir().unwrap();
    let file = folder.path().join("backup.db");
    done(&backup(data.path(), &file));
    let before = fs::read(database(data.path())).unwrap();
    let (code, said) = refusal(&restore(&file, data.path()));
    assert_eq!(code, 73);
    assert!(said.contains("ehcp.db is there already"), "{said}");
    assert!(before == fs::read(database(data.path())).unwrap());

    let remains = tempdir().unwrap();
    fs::write(remains.path().join("ehcp.db-wal"), "of another database").unwrap();
    assert_eq!(refusal(&restore(&file, remains.path())).0, 73);

    let _server = Server::start(&["serve", "--data", text(data.path())]);
    assert_eq!(refusal(&restore(&file, data.path())).0, 75);

    let empty = tempdir().unwrap();
    fs::write(empty.path().join("ehcp.db.partial"), "what a killed process left").unwrap();
    done(&restore(&file, empty.path()));
    assert_eq!(names_in(empty.path()), ["ehcp.db", "ehcp.lock"]);
}

/// Starts a command and kills it as soon as a file is there.
fn killed_once_there(arguments: &[&str], file: &Path) {
    let mut command = ehcp(arguments);
    let mut process = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !file.exists() && process.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "it never made {}", file.display());
        std::thread::yield_now();
    }
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn what_is_killed_leaves_a_whole_file_or_none() {
    let data = demo(3);
    let folder = tempdir().unwrap();
    let file = folder.path().join("backup.db");
    let partial = folder.path().join("backup.db.partial");
    for _ in 0..5 {
        let arguments = ["backup", "--to", text(&file), "--data", text(data.path())];
        killed_once_there(&arguments, &partial);
        if file.exists() {
            done(&check(&file));
            fs::remove_file(&file).unwrap();
        }
    }
    done(&backup(data.path(), &file));
    assert_eq!(names_in(folder.path()), ["backup.db"]);
    let restored = tempdir().unwrap();
    let database = database(restored.path());
    for _ in 0..5 {
        let arguments = ["restore", "--from", text(&file), "--data", text(restored.path())];
        killed_once_there(&arguments, &restored.path().join("ehcp.db.partial"));
        if database.exists() {
            done(&run(&["rebuild", "--check", "--data", text(restored.path())]));
            fs::remove_file(&database).unwrap();
        }
    }
    done(&restore(&file, restored.path()));
    done(&run(&["rebuild", "--check", "--data", text(restored.path())]));
}

#[derive(QueryableByName, Debug, PartialEq)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// Values that are easily lost on the way, as each database shows them.
const TELLING: &str = "SELECT coalesce(upn, 'none') || '|' || family_name || '|' || coalesce(caseworker, 'none') || '|' || \
    CAST(looked_after AS TEXT) || '|' || CAST(date_of_birth AS TEXT) || '|' || CAST(created_at AS TEXT) AS line \
    FROM cases ORDER BY created_at, id";

#[test]
fn a_copy_to_postgresql_and_back_is_equal() {
    let Some(server) = postgres::server() else { return };
    let url = server.database();
    let data = demo(6);
    // Each of them once; the rest of the cases keep what the demo gave them.
    for (place, created_at) in [
        "1999-12-31 23:59:59",
        "1999-12-31 23:59:59.1",
        "2000-01-01 00:00:00.120",
        "2000-01-01 00:00:00.123456",
    ]
    .iter()
    .enumerate()
    {
        // As Diesel writes them: no fraction, thousandths or millionths.
        let created_at = created_at.replace("59.1", "59.100");
        execute(
            &database(data.path()),
            &format!(
                "UPDATE cases SET created_at = '{created_at}', looked_after = {place} % 2, date_of_birth = '2016-02-29', \
                 caseworker = CASE {place} WHEN 0 THEN '' WHEN 1 THEN NULL ELSE 'a \"quoted\" \\ line' || char(10) || 'é 🙂' END \
                 WHERE id = (SELECT id FROM cases ORDER BY id LIMIT 1 OFFSET {place})"
            ),
        );
    }
    // Each clock says who keeps its case.
    execute(
        &database(data.path()),
        "UPDATE clocks SET caseworker = (SELECT caseworker FROM cases WHERE cases.id = clocks.case_id)",
    );
    let to_postgres = done(&copy(&sqlite_url(data.path()), &url, &["--batch", "50"]));
    let back = tempdir().unwrap();
    let to_sqlite = done(&copy(&url, &sqlite_url(back.path()), &[]));
    assert_eq!(tables(&to_postgres), tables(&to_sqlite));

    let telling = |database: &Path| -> Vec<Line> {
        let mut connection = SqliteConnection::establish(text(database)).unwrap();
        sql_query(TELLING).load(&mut connection).unwrap()
    };
    let lines = telling(&database(data.path()));
    assert_eq!(telling(&database(back.path())), lines);
    let mut connection = PgConnection::establish(&url).unwrap();
    let in_postgres: Vec<Line> = sql_query(TELLING).load(&mut connection).unwrap();
    for (line, expected) in in_postgres.iter().zip(&lines) {
        let fields = |line: &str| line.split('|').map(str::to_owned).collect::<Vec<_>>();
        let (mut shown, expected) = (fields(&line.line), fields(&expected.line));
        shown[3] = if shown[3] == "true" {
            "1".to_owned()
        } else {
            "0".to_owned()
        };
        assert_eq!(shown[..5], expected[..5]);
        // PostgreSQL shows an instant without the zeros at its end.
        assert_eq!(shown[5], expected[5].replace(".100", ".1").replace(".120", ".12"));
    }

    let key = "issuer.key";
    fs::copy(data.path().join(key), back.path().join(key)).unwrap();
    let wanted = answers(data.path(), None);
    assert_eq!(answers(back.path(), None), wanted);
    assert_eq!(answers(data.path(), Some(&url)), wanted);
    let mut rebuild = ehcp(&["rebuild", "--check", "--data", text(data.path())]);
    done(&rebuild.env("DATABASE_URL", &url).output().unwrap());

    // A server may have written meanwhile; then the copy is of something else.
    execute(&database(data.path()), "UPDATE cases SET version = version + 1");
    let (code, said) = refused(&copy(&sqlite_url(data.path()), &url, &[]));
    assert_eq!(code, 73, "{said}");
    assert!(said.contains("already holds other data"), "{said}");
}

/// What the verification of the one authority's trail reports.
fn verified(data: &Path, database_url: Option<&str>, noted: Option<&str>) -> Value {
    let mut command = ehcp(&["audit", "verify", "--format", "json", "--la", "885"]);
    command.args(["--data", text(data)]);
    if let Some(url) = database_url {
        command.env("DATABASE_URL", url);
    }
    if let Some(head) = noted {
        command.args(["--head", head]);
    }
    let reports: Value = serde_json::from_str(&done(&command.output().unwrap())).unwrap();
    reports[0].clone()
}

#[test]
fn a_backup_and_a_copy_carry_the_chain_of_the_trail() {
    let data = demo(6);
    let mut server = Server::start(&["serve", "--data", text(data.path())]);
    let caseworker = token(data.path(), "caseworker");
    assert_eq!(server.get(&caseworker, "/v1/cases").0, 200);
    let started = std::time::Instant::now();
    while verified(data.path(), None, None)["unsealed"] != 0 {
        assert!(started.elapsed().as_secs() < 60, "it is never sealed");
    }
    // The next reading waits for its place.
    assert_eq!(server.get(&caseworker, "/v1/cases").0, 200);
    server.signal("-TERM");
    assert_eq!(server.ended(), 0);
    let report = verified(data.path(), None, None);
    let head = format!(
        "{}:{}",
        report["head"]["sequence"],
        report["head"]["hash"].as_str().unwrap()
    );

    let folder = tempdir().unwrap();
    let file = folder.path().join("kept.db");
    done(&backup(data.path(), &file));
    let restored = folder.path().join("restored");
    done(&restore(&file, &restored));
    assert_eq!(verified(&restored, None, Some(&head)), report);

    let Some(server) = postgres::server() else { return };
    let url = server.database();
    done(&copy(&sqlite_url(data.path()), &url, &[]));
    assert_eq!(verified(data.path(), Some(&url), Some(&head)), report);
    let command = ehcp(&["serve", "--data", text(data.path())]);
    let mut server = serve_on(command, &url);
    while verified(data.path(), Some(&url), Some(&head))["unsealed"] != 0 {
        assert!(started.elapsed().as_secs() < 120, "it is never sealed");
    }
    server.kill();
    let back = tempdir().unwrap();
    done(&copy(&url, &sqlite_url(back.path()), &[]));
    let there = verified(back.path(), None, Some(&head));
    assert!(there["verified"].as_i64() >= report["verified"].as_i64());
}

fn serve_on(mut command: std::process::Command, url: &str) -> Server {
    command.env("DATABASE_URL", url);
    Server::start_as(command)
}

/// Kills the copy as soon as it has said what is expected; whether it was still running then.
fn killed_when(from: &str, to: &str, expected: &str) -> bool {
    let mut command = ehcp(&["copy", "--from", from, "--to", to, "--batch", "3"]);
    let mut process = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let heard = lines.map_while(Result::ok).any(|line| line.starts_with(expected));
    process.kill().unwrap();
    !process.wait().unwrap().success() && heard
}

fn kill_and_resume(from: &Path, to: &str) {
    let source = sqlite_url(from);
    for expected in ["reading the source", "copying", "copying", "copying", "comparing"] {
        assert!(
            killed_when(&source, to, expected),
            "it was not killed at `{expected}`"
        );
    }
    let printed = done(&copy(&source, to, &[]));
    assert!(
        printed.contains("that an earlier run had written") || printed.contains("was there already"),
        "{printed}"
    );
    let again = done(&copy(&source, to, &[]));
    assert!(again.contains("was there already"), "{again}");
    assert_eq!(tables(&again), tables(&printed));
}

#[test]
fn a_copy_that_is_killed_again_and_again_comes_to_its_end() {
    let data = demo(6);
    let other = tempdir().unwrap();
    kill_and_resume(data.path(), &sqlite_url(other.path()));
    let rebuilt = run(&["rebuild", "--check", "--data", text(other.path())]);
    assert!(rebuilt.status.success(), "{rebuilt:?}");
    let Some(server) = postgres::server() else { return };
    kill_and_resume(data.path(), &server.database());
}

#[test]
fn a_copy_that_was_begun_of_something_else_is_not_gone_on_with() {
    let data = demo(4);
    let target = tempdir().unwrap();
    let (from, to) = (sqlite_url(data.path()), sqlite_url(target.path()));
    assert!(killed_when(&from, &to, "copying"));
    // Half of it is not to be relied on.
    let half = run(&["serve", "--data", text(target.path()), "--bind", "127.0.0.1:0"]);
    let (code, said) = refusal(&half);
    assert_eq!(code, 75);
    assert!(
        said.contains("a copy into the database is not finished"),
        "{said}"
    );
    execute(&database(data.path()), "UPDATE cases SET version = version + 1");
    let (code, said) = refused(&copy(&from, &to, &[]));
    assert_eq!(code, 73);
    assert!(
        said.contains("the source has changed since it was begun"),
        "{said}"
    );
    let (code, said) = refused(&copy(&from, &to, &["--authority", "885"]));
    assert_eq!(code, 73);
    assert!(
        said.contains("another copy into the target is not finished"),
        "{said}"
    );
}

#[test]
fn a_target_with_other_data_is_refused_and_left_alone() {
    let (data, other) = (demo(2), demo(3));
    let before = answers(other.path(), None);
    let (code, said) = refused(&copy(&sqlite_url(data.path()), &sqlite_url(other.path()), &[]));
    assert_eq!(code, 73);
    assert!(said.contains("the target already holds other data"), "{said}");
    assert_eq!(answers(other.path(), None), before);
}

#[test]
fn one_authority_moves_to_where_others_are() {
    let data = tempdir().unwrap();
    {
        let server = Server::start(&["serve", "--data", text(data.path())]);
        for la_code in ["885", "886"] {
            let of = [
                "token",
                "--role",
                "caseworker",
                "--la",
                la_code,
                "--data",
                text(data.path()),
            ];
            let caseworker = done(&run(&of));
            for number in 0..4 {
                open_assessment(
                    &server.address,
                    caseworker.trim_end(),
                    &format!("{la_code}-{number}"),
                )
                .unwrap();
            }
        }
    }
    let source = sqlite_url(data.path());
    let target = tempdir().unwrap();
    let mut urls = vec![sqlite_url(target.path())];
    urls.extend(postgres::server().map(postgres::Server::database));
    for url in &urls {
        for la_code in ["886", "885"] {
            let printed = done(&copy(&source, url, &["--authority", la_code]));
            let cases = printed.lines().find(|line| line.starts_with("cases ")).unwrap();
            assert_eq!(cases.split_whitespace().nth(1), Some("4"), "{printed}");
        }
        let printed = done(&copy(&source, url, &[]));
        assert!(printed.contains("was there already"), "{printed}");
        let (code, said) = refused(&copy(&source, url, &["--authority", "999"]));
        assert_eq!(code, 64, "{said}");
    }
    let server = Server::start(&["serve", "--data", text(target.path())]);
    let of = [
        "token",
        "--role",
        "caseworker",
        "--la",
        "886",
        "--data",
        text(target.path()),
    ];
    let (status, cases) = server.get(done(&run(&of)).trim_end(), "/v1/cases");
    assert_eq!(status, 200, "{cases}");
    assert_eq!(cases["items"].as_array().unwrap().len(), 4);
}

#[test]
fn what_cannot_be_copied_is_named() {
    let data = demo(1);
    let (from, empty) = (sqlite_url(data.path()), tempdir().unwrap());
    for (source, target, expected, words) in [
        (from.as_str(), from.as_str(), 64, "same database"),
        (
            "mysql://root:hush@db/ehcp",
            from.as_str(),
            64,
            "--from cannot be used",
        ),
        (from.as_str(), "ehcp.db", 64, "--to cannot be used"),
        (
            "sqlite:/nowhere/ehcp.db",
            from.as_str(),
            66,
            "cannot read /nowhere/ehcp.db",
        ),
        (
            from.as_str(),
            "postgres://ehcp:hush@127.0.0.1:1/ehcp?connect_timeout=2",
            69,
            "cannot connect",
        ),
    ] {
        let (code, said) = refused(&copy(source, target, &[]));
        assert_eq!(code, expected, "{said}");
        assert!(said.contains(words) && !said.contains("hush"), "{said}");
    }
    let _server = Server::start(&["serve", "--data", text(data.path())]);
    let (code, said) = refused(&copy(&from, &sqlite_url(empty.path()), &[]));
    assert_eq!(code, 75);
    assert!(said.contains("in use by another server"), "{said}");
}
