//! What whoever runs the program relies on: its configuration, its measures, and that it ends well.

#![cfg(test)]
#![cfg(unix)]

#[cfg(test)]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection};
use serde_json::{Value, json};
use tempfile::tempdir;

use support::{Server, ehcp, open_assessment, refusal, request, run, text, token};

/// Long enough for anything here on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again until it is so.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "not in time: {what}");
        std::thread::yield_now();
    }
}

#[test]
fn settings_that_nobody_knows_are_refused_by_every_command() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("ehcp.toml");
    std::fs::write(&file, "workers = 2\nworker = \"hush\"\n").unwrap();
    for command in ["serve", "migrate", "rebuild", "config", "openapi"] {
        let mut command = ehcp(&[command, "--config", text(&file)]);
        command
            .env("EHCP_LOGFORMAT", "hush")
            .env("EHCP_TEST_OF_MINE", "1");
        let (code, said) = refusal(&command.arg("--data").arg(folder.path()).output().unwrap());
        assert_eq!(code, 78);
        assert!(said.contains("`EHCP_LOGFORMAT` is no setting"), "{said}");
        assert!(
            said.contains("`worker` in") && said.contains("line 2 is no setting"),
            "{said}"
        );
        assert!(!said.contains("hush") && !said.contains("OF_MINE"), "{said}");
    }
}

#[test]
fn the_settings_that_hold_are_shown_with_who_set_them_and_without_secrets() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("ehcp.toml");
    std::fs::write(&file, "workers = 3\nlog_format = \"json\"\n").unwrap();
    let output = ehcp(&["config", "--config", text(&file), "--drain-seconds", "4"])
        .env("DATABASE_URL", "postgres://ehcp:hush@db/ehcp?sslmode=verify-full")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(!printed.contains("hush"), "{printed}");
    for (start, end) in [
        ("workers = 3 ", format!("# {} line 1", text(&file))),
        ("drain_seconds = 4 ", "# --drain-seconds".to_owned()),
        (
            "database_url = \"postgres://ehcp:***@db/ehcp?sslmode=verify-full\" ",
            "# DATABASE_URL".to_owned(),
        ),
        ("keep_alive_seconds = 5 ", "# default".to_owned()),
        ("# metrics_bind ", "# not set".to_owned()),
    ] {
        let line = printed.lines().find(|line| line.starts_with(start));
        assert!(
            line.is_some_and(|line| line.ends_with(&end)),
            "{start}: {printed}"
        );
    }

    // It is a configuration file itself.
    std::fs::write(&file, &printed).unwrap();
    let again = String::from_utf8(run(&["config", "--config", text(&file)]).stdout).unwrap();
    let settings = |printed: &str| -> Vec<String> {
        let lines = printed.lines().map(|line| line.split("  # ").next().unwrap());
        lines.map(|line| line.trim_end().to_owned()).collect()
    };
    assert_eq!(settings(&again), settings(&printed));
}

#[test]
fn a_server_takes_its_settings_from_the_file() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("ehcp.toml");
    let data = folder.path().join("kept");
    let written = format!("data = {:?}\nlog_format = \"text\"\nworkers = 1\n", text(&data));
    std::fs::write(&file, written).unwrap();
    let mut command = ehcp(&["serve"]);
    command.env("EHCP_CONFIG", &file);
    let server = Server::start_as(command);
    assert!(data.join("ehcp.db").exists());
    assert!(server.heard().iter().any(|line| line.contains("workers=1")));
}

#[test]
fn whoever_closes_the_pipe_early_hears_no_complaint() {
    let mut child = ehcp(&["openapi"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// A demo that tells its measures, and where.
fn measured(data: &Path) -> (Server, String) {
    let server = Server::start(&[
        "demo",
        "--cases",
        "25",
        "--today",
        "2026-02-20",
        "--metrics-bind",
        "127.0.0.1:0",
        "--data",
        text(data),
    ]);
    let heard = server.heard();
    let line = heard
        .iter()
        .find(|line| line.contains("telling measures"))
        .unwrap();
    let address = line.split("address=").nth(1).unwrap().trim().to_owned();
    (server, address)
}

/// The measures, each by its name with its labels.
fn scrape(address: &str) -> BTreeMap<String, f64> {
    let mut stream = TcpStream::connect(address).unwrap();
    let asked = format!("GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(asked.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains("application/openmetrics-text"), "{head}");
    assert!(body.ends_with("# EOF\n"), "{body}");
    let lines = body.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

#[test]
fn measures_tell_exactly_what_was_asked() {
    let data = tempdir().unwrap();
    let (server, measures) = measured(data.path());
    let caseworker = token(data.path(), "caseworker");
    let ask = |token: &str, method: &str, path: &str| request(&server.address, token, method, path, None);
    let (_, cases) = server.get(&caseworker, "/v1/cases?limit=3");
    for case in cases["items"].as_array().unwrap() {
        assert_eq!(
            server
                .get(
                    &caseworker,
                    &format!("/v1/cases/{}", case["id"].as_str().unwrap())
                )
                .0,
            200
        );
    }
    assert_eq!(server.get("", "/v1/cases").0, 401);
    assert_eq!(server.get(&caseworker, "/v1/quillfeather/885").0, 404);
    assert_eq!(server.get(&caseworker, "/quillfeather?name=merrin").0, 404);
    assert_eq!(ask(&caseworker, "PUT", "/v1/cases").unwrap().0, 405);
    assert_eq!(ask(&caseworker, "MERRIN", "/v1/quillfeather").unwrap().0, 404);
    for number in 0..2 {
        open_assessment(&server.address, &caseworker, &format!("measured-{number}")).unwrap();
    }

    let told = scrape(&measures);
    let requests: BTreeMap<&str, f64> = told
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("ehcp_requests_total")?, *value)))
        .collect();
    let expected: BTreeMap<&str, f64> = [
        (r#"{method="GET",route="/v1/cases",status="200"}"#, 1.0),
        (r#"{method="GET",route="/v1/cases",status="401"}"#, 1.0),
        (r#"{method="GET",route="/v1/cases/{id}",status="200"}"#, 3.0),
        (r#"{method="GET",route="unmatched",status="404"}"#, 2.0),
        (r#"{method="PUT",route="/v1/cases",status="405"}"#, 1.0),
        (r#"{method="other",route="unmatched",status="404"}"#, 1.0),
        (r#"{method="POST",route="/v1/cases",status="201"}"#, 2.0),
        (r#"{method="POST",route="/v1/assessments",status="201"}"#, 2.0),
    ]
    .into();
    assert_eq!(requests, expected);
    let of = |name: &str| {
        told.get(name)
            .copied()
            .unwrap_or_else(|| panic!("no {name} in {told:#?}"))
    };
    assert_eq!(
        of(r#"ehcp_request_duration_seconds_count{method="GET",route="/v1/cases"}"#),
        2.0
    );
    assert_eq!(
        of(r#"ehcp_request_duration_seconds_bucket{le="+Inf",method="GET",route="/v1/cases"}"#),
        2.0
    );
    assert_eq!(of("ehcp_writer_queue"), 0.0);
    assert_eq!(
        of("ehcp_writer_group_count"),
        of("ehcp_writer_commit_seconds_count")
    );
    assert!(of("ehcp_writer_group_sum") >= 4.0, "{told:#?}");
    assert_eq!(of(r#"ehcp_pool_waiting{pool="read"}"#), 0.0);
    assert_eq!(
        of(r#"ehcp_pool_open{pool="read"}"#) - of(r#"ehcp_pool_idle{pool="read"}"#),
        0.0
    );
    assert!(of(r#"ehcp_pool_limit{pool="read"}"#) >= 2.0);
    assert_eq!(of(r#"ehcp_unavailable_total{cause="database_unreachable"}"#), 0.0);
    assert!(of("ehcp_memory_bytes") > 1_000_000.0);
    assert_eq!(
        of(concat!(
            "ehcp_build_info{version=\"",
            env!("CARGO_PKG_VERSION"),
            "\"}"
        )),
        1.0
    );

    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/OPERATIONS.md")).unwrap();
    let (_, watched) = page.split_once("## What to watch").unwrap();
    let named: BTreeSet<&str> = watched
        .split(|c: char| !c.is_ascii_lowercase() && c != '_')
        .filter(|word| word.starts_with("ehcp_"))
        .collect();
    assert!(named.len() > 10, "{named:?}");
    for name in named {
        let parts = ["", "_bucket"].map(|part| format!("{name}{part}"));
        let is_told = |told: &String| {
            parts
                .iter()
                .any(|part| told == part || told.starts_with(&format!("{part}{{")))
        };
        assert!(told.keys().any(is_told), "{name} is documented and not told");
    }

    for state in ["running", "overdue"] {
        let ending = format!("state=\"{state}\"}}");
        let counted: f64 = told
            .iter()
            .filter(|(name, _)| name.starts_with("ehcp_clocks{") && name.ends_with(&ending))
            .map(|(_, number)| number)
            .sum();
        let mut path = format!("/v1/clocks?status={state}&limit=200");
        let mut listed = 0;
        loop {
            let (status, page) = server.get(&caseworker, &path);
            assert_eq!(status, 200, "{page}");
            listed += page["items"].as_array().unwrap().len();
            match page["next"].as_str() {
                Some(next) => path = next.to_owned(),
                None => break,
            }
        }
        assert!(listed > 0, "the demo has none that is {state}");
        assert_eq!(counted, listed as f64, "{state}");
    }
}

#[derive(QueryableByName)]
struct Text {
    #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
    value: Option<String>,
}

/// Every value by which somebody or their authority could be told, and the words in it.
fn personal_words(data: &Path) -> BTreeSet<String> {
    let mut connection = SqliteConnection::establish(text(&data.join("ehcp.db"))).unwrap();
    let mut words = BTreeSet::new();
    for (table, columns) in [
        (
            "cases",
            &[
                "id",
                "la_code",
                "reference",
                "given_name",
                "family_name",
                "given_name_folded",
                "family_name_folded",
                "date_of_birth",
                "upn",
                "nhs_number",
                "uln",
                "postcode",
                "caseworker",
            ][..],
        ),
        ("people", &["id", "name", "address"][..]),
        ("organisations", &["id", "name", "code", "contact_email"][..]),
        ("procedures", &["id"][..]),
        ("advice_requests", &["id"][..]),
        ("clocks", &["clock_id"][..]),
        ("audit_entries", &["subject", "trace_id"][..]),
    ] {
        for column in columns {
            let sql = format!("SELECT DISTINCT CAST({column} AS TEXT) AS value FROM {table}");
            let found: Vec<Text> = diesel::sql_query(sql).load(&mut connection).unwrap();
            for value in found.into_iter().filter_map(|row| row.value) {
                words.extend(
                    value
                        .split_whitespace()
                        .filter(|word| word.len() > 2)
                        .map(str::to_owned),
                );
                words.insert(value);
            }
        }
    }
    words.remove("");
    words
}

#[test]
fn no_label_tells_of_anybody() {
    let data = tempdir().unwrap();
    let (server, measures) = measured(data.path());
    let caseworker = token(data.path(), "caseworker");
    let words = personal_words(data.path());
    assert!(words.len() > 200, "{words:?}");
    for word in words
        .iter()
        .filter(|word| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
    {
        for path in [
            format!("/v1/{word}"),
            format!("/v1/cases/{word}"),
            format!("/{word}?name={word}"),
        ] {
            request(&server.address, &caseworker, "GET", &path, None);
        }
    }
    let told = scrape(&measures);
    let labels: BTreeSet<&str> = told
        .keys()
        .flat_map(|name| name.split('"').skip(1).step_by(2))
        .collect();
    assert!(
        labels.contains("/v1/cases/{id}") && labels.contains("unmatched"),
        "{labels:?}"
    );
    for label in labels {
        let is_word = |part: &str| words.contains(part);
        let parts = label.split(|c: char| !c.is_alphanumeric() && c != '-');
        assert!(!is_word(label) && !parts.into_iter().any(is_word), "{label}");
    }
}

#[test]
fn the_supervisor_is_told_when_it_is_ready_and_when_it_stops() {
    let data = tempdir().unwrap();
    let socket = data.path().join("notify");
    let listening = UnixDatagram::bind(&socket).unwrap();
    listening.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = ehcp(&["serve", "--data", text(data.path())]);
    command.env("NOTIFY_SOCKET", &socket);
    let mut server = Server::start_as(command);
    let mut news = [0; 64];
    let length = listening.recv(&mut news).unwrap();
    assert_eq!(&news[..length], b"READY=1");
    server.signal("-TERM");
    let length = listening.recv(&mut news).unwrap();
    assert_eq!(&news[..length], b"STOPPING=1");
    assert_eq!(server.ended(), 0);
}

/// A request of which the server has read the head and waits for the body.
struct InFlight {
    stream: TcpStream,
    body: String,
}

impl InFlight {
    fn begin(address: &str, token: &str, key: &str) -> InFlight {
        let body =
            json!({"given_name": "Merrin", "family_name": "Quillfeather", "date_of_birth": "2018-03-04"});
        let body = body.to_string();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "POST /v1/cases HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nidempotency-key: \"{key}\"\r\n\
             expect: 100-continue\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut heard = [0; 25];
        stream.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"HTTP/1.1 100 Continue\r\n\r\n");
        InFlight { stream, body }
    }

    /// Sends the body and gives the answer, after which the server closes the connection.
    fn finish(mut self) -> (String, Value) {
        self.stream.write_all(self.body.as_bytes()).unwrap();
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), serde_json::from_str(body).unwrap())
    }
}

#[test]
fn what_was_accepted_is_answered_though_it_was_told_to_stop() {
    let data = tempdir().unwrap();
    let caseworker = token(data.path(), "caseworker");
    let mut server = Server::start(&["serve", "--drain-seconds", "3", "--data", text(data.path())]);
    let in_flight: Vec<InFlight> = (0..8)
        .map(|number| InFlight::begin(&server.address, &caseworker, &format!("in-flight-{number}")))
        .collect();
    let health = || run(&["health", "--bind", &server.address]).status.code();
    assert_eq!(health(), Some(0));
    server.signal("-TERM");
    server.hear("told to stop");
    // Unready first, while it still takes what comes.
    eventually("it is not ready", || {
        let answer = request(&server.address, "", "GET", "/health/ready", None);
        answer.is_some_and(|(status, _)| status == 503)
    });
    assert_eq!(health(), Some(69));
    assert_eq!(server.get(&caseworker, "/v1/cases").0, 200);
    // Whoever keeps a connection is told to go elsewhere with what comes next.
    let mut kept = TcpStream::connect(&server.address).unwrap();
    kept.set_read_timeout(Some(PATIENCE)).unwrap();
    let asked = format!("GET /health/live HTTP/1.1\r\nhost: {}\r\n\r\n", server.address);
    kept.write_all(asked.as_bytes()).unwrap();
    let mut answer = String::new();
    kept.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        answer.to_lowercase().contains("\r\nconnection: close\r\n"),
        "{answer}"
    );
    eventually("it accepts no more", || {
        TcpStream::connect(&server.address).is_err()
    });
    let mut ids = Vec::new();
    for request in in_flight {
        let (head, case) = request.finish();
        assert!(head.starts_with("HTTP/1.1 201 "), "{head}: {case}");
        ids.push(case["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(server.ended(), 0);
    server.hear("stopped");

    let server = Server::start(&["serve", "--data", text(data.path())]);
    for id in ids {
        assert_eq!(server.get(&caseworker, &format!("/v1/cases/{id}")).0, 200);
    }
}

/// What came back for one request on a connection of its own.
fn exchange(address: &str, token: &str, key: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(address).ok()?;
    let body = json!({"given_name": "Merrin", "family_name": "Quillfeather", "date_of_birth": "2018-03-04"})
        .to_string();
    let asked = format!(
        "POST /v1/cases HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nidempotency-key: \"{key}\"\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(asked.as_bytes()).ok()?;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    if answer.is_empty() {
        // Not accepted: nothing was answered, and the key makes it safe to ask again.
        return None;
    }
    read.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("half an answer");
    assert!(head.starts_with("HTTP/1.1 201 "), "{head}");
    Some(serde_json::from_str(body).expect("half an answer"))
}

#[test]
fn under_load_it_stops_without_half_an_answer_or_a_lost_one() {
    let data = tempdir().unwrap();
    let caseworker = token(data.path(), "caseworker");
    let mut server = Server::start(&["serve", "--data", text(data.path())]);
    let (sender, acknowledged) = channel();
    let writers: Vec<_> = (0..6)
        .map(|writer| {
            let (sender, address, token) = (sender.clone(), server.address.clone(), caseworker.clone());
            std::thread::spawn(move || {
                (0..)
                    .map_while(|number| exchange(&address, &token, &format!("{writer}-{number}")))
                    .for_each(|case| sender.send(case).unwrap());
            })
        })
        .collect();
    drop(sender);
    let mut cases: Vec<Value> = acknowledged.iter().take(60).collect();
    server.signal("-INT");
    assert_eq!(server.ended(), 0);
    for writer in writers {
        writer.join().unwrap();
    }
    cases.extend(acknowledged.iter());

    let server = Server::start(&["serve", "--data", text(data.path())]);
    for case in &cases {
        let path = format!("/v1/cases/{}", case["id"].as_str().unwrap());
        assert_eq!(server.get(&caseworker, &path).0, 200, "{case}");
    }
}

/// Who read what, by the trail in the file.
fn readings(data: &Path) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = diesel::sql_types::Text)]
        line: String,
    }
    let mut connection = SqliteConnection::establish(text(&data.join("ehcp.db"))).unwrap();
    let asked = "SELECT action || ' ' || case_id || ' ' || subject || ' ' || client_address AS line \
                 FROM audit_entries WHERE kind = 'reading' ORDER BY id";
    let found: Vec<Line> = diesel::sql_query(asked).load(&mut connection).unwrap();
    found.into_iter().map(|found| found.line).collect()
}

#[test]
fn a_durable_reading_outlives_a_kill_and_any_reading_a_stop() {
    let folder = tempdir().unwrap();
    let data = folder.path();
    let mut server = Server::start(&["serve", "--data", text(data), "--audit-readings", "durable"]);
    let token = token(data, "caseworker");
    let (case, _) = open_assessment(&server.address, &token, "one").unwrap();
    let path = format!("/v1/cases/{case}");
    assert_eq!(server.get(&token, &path).0, 200);
    server.kill();
    let line = format!("get_case {case} caseworker 127.0.0.1");
    assert_eq!(readings(data), std::slice::from_ref(&line));

    let mut server = Server::start(&["serve", "--data", text(data)]);
    assert_eq!(server.get(&token, &path).0, 200);
    server.signal("-TERM");
    assert_eq!(server.ended(), 0);
    assert_eq!(readings(data), [line.clone(), line.clone()]);

    let mut server = Server::start(&["serve", "--data", text(data)]);
    assert_eq!(server.get(&token, &path).0, 200);
    eventually("the reading is written down", || readings(data).len() == 3);
    server.kill();
}

/// The code it ends with, and the one report.
fn verify(data: &Path, more: &[&str]) -> (i32, Value) {
    let mut arguments = vec!["audit", "verify", "--format", "json", "--data", text(data)];
    arguments.extend(more);
    let output = run(&arguments);
    let reports: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), reports[0].clone())
}

#[test]
fn the_trail_is_sealed_while_it_serves_and_verified_beside_it() {
    let folder = tempdir().unwrap();
    let data = folder.path();
    let mut server = Server::start(&["serve", "--data", text(data)]);
    let token = token(data, "caseworker");
    let (case, _) = open_assessment(&server.address, &token, "one").unwrap();
    assert_eq!(server.get(&token, &format!("/v1/cases/{case}")).0, 200);
    eventually("everything is sealed", || {
        let (code, report) = verify(data, &[]);
        assert_eq!((code, &report["findings"]), (0, &json!([])), "{report}");
        report["unsealed"] == 0 && report["verified"] == 3
    });
    let (_, report) = verify(data, &[]);
    let head = format!(
        "{}:{}",
        report["head"]["sequence"],
        report["head"]["hash"].as_str().unwrap()
    );
    let noted = ["--la", report["la_code"].as_str().unwrap(), "--head", &head];
    assert_eq!(verify(data, &noted).0, 0);
    server.signal("-TERM");
    assert_eq!(server.ended(), 0);

    let mut connection = SqliteConnection::establish(text(&data.join("ehcp.db"))).unwrap();
    for statement in [
        "DROP TRIGGER audit_entries_stand",
        "UPDATE audit_entries SET subject = 'somebody-else' WHERE action = 'open_assessment'",
    ] {
        diesel::sql_query(statement).execute(&mut connection).unwrap();
    }
    let (code, report) = verify(data, &noted);
    assert_eq!((code, &report["wrong"]), (1, &json!(1)));
    assert_eq!(
        (&report["findings"][0]["code"], &report["findings"][0]["sequence"]),
        (&json!("altered"), &json!(2))
    );
    let said = run(&["audit", "verify", "--data", text(data)]);
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(
        said.contains("WRONG     2: ") && said.contains("1 thing is wrong"),
        "{said}"
    );
    let other = "0".repeat(64);
    let (code, report) = verify(data, &["--la", "885", "--head", &format!("3:{other}")]);
    assert_eq!((code, &report["wrong"]), (1, &json!(2)));
}

#[test]
fn without_a_certificate_to_renew_it_goes_on() {
    let data = tempdir().unwrap();
    let caseworker = token(data.path(), "caseworker");
    let mut server = Server::start(&["serve", "--data", text(data.path())]);
    server.signal("-HUP");
    server.hear("there is no certificate to renew");
    assert_eq!(server.get(&caseworker, "/v1/cases").0, 200);
    server.signal("-TERM");
    assert_eq!(server.ended(), 0);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let data = tempdir().unwrap();
    let caseworker = token(data.path(), "caseworker");
    let mut server = Server::start(&["serve", "--shutdown-seconds", "3600", "--data", text(data.path())]);
    let _stuck = InFlight::begin(&server.address, &caseworker, "stuck");
    server.signal("-TERM");
    server.hear("told to stop");
    server.signal("-TERM");
    assert_eq!(server.ended(), 130);
    server.hear("told to stop again");
}

#[test]
fn a_request_that_never_ends_does_not_keep_it() {
    let data = tempdir().unwrap();
    let caseworker = token(data.path(), "caseworker");
    let mut server = Server::start(&["serve", "--shutdown-seconds", "4", "--data", text(data.path())]);
    let stuck = InFlight::begin(&server.address, &caseworker, "stuck");
    let told = Instant::now();
    server.signal("-TERM");
    assert_eq!(server.ended(), 0);
    assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
    drop(stuck.stream.shutdown(Shutdown::Both));
}
