//! Requests that write: events recorded on assessments, beside the same statements run in this process.
//!
//! SQLite only: the server's own writer groups commits there. Every event changes two clocks.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use ehcp_timeline::store::Location;
use serde_json::json;

use super::Bench;
use super::capture::{parse_all, recorded_of};
use super::client::{Load, Pace, Request, Until, load, post};
use super::process::{Program, Server};
use super::replay::show_costs;
use super::statement::{Connection, Statement};
use super::table::{Bar, Line, median};

/// As many writes as the server puts into one commit.
const GROUP: usize = 64;
/// How many writes there are at most in a second, for making enough of them beforehand.
const MOST_PER_SECOND: f64 = 6_000.0;

/// Makes one event after another, each on the version that the one before has left.
struct Events {
    token: String,
    today: String,
    targets: Vec<Target>,
    next: usize,
}

/// An open assessment as the next event will find it.
struct Target {
    id: String,
    version: i64,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Assessing,
    Drafting,
    DraftServed,
}

impl Events {
    /// On open assessments as they now stand, those first in which advice is being sought.
    fn on_assessments(bench: &Bench, database: &mut Connection) -> Result<Events, String> {
        let rows = database.query(
            "SELECT id, version, state FROM procedures WHERE state IN ('assessing', 'drafting', 'draft_served') \
             ORDER BY state, id LIMIT 50000",
        )?;
        let targets: Vec<Target> = rows
            .iter()
            .map(|row| Target {
                id: row[0].text().to_owned(),
                version: row[1].integer(),
                state: match row[2].text() {
                    "assessing" => State::Assessing,
                    "drafting" => State::Drafting,
                    _ => State::DraftServed,
                },
            })
            .collect();
        if targets.is_empty() {
            return Err("there is no assessment to record events on".to_owned());
        }
        Ok(Events {
            token: bench.token.clone(),
            today: bench.today.to_string(),
            targets,
            next: 0,
        })
    }

    /// So many connections, or fewer where two could be on one assessment at a time.
    fn connections(&self, wanted: usize) -> usize {
        wanted.min(self.targets.len() / 4).max(1)
    }

    /// The next events. First the decision to issue a plan, which satisfies one clock and cancels another;
    /// then drafts, each of which ends the family's window and opens a fresh one.
    fn next(&mut self, number: usize) -> Vec<Request> {
        (0..number).map(|_| self.event()).collect()
    }

    fn event(&mut self) -> Request {
        let index = self.next % self.targets.len();
        self.next += 1;
        let target = &mut self.targets[index];
        let (version, on) = (target.version, &self.today);
        target.version += 1;
        let body = match target.state {
            State::Assessing => {
                target.state = State::Drafting;
                json!({ "type": "plan_decision_notified", "occurred_on": on, "decision": "issue" })
            }
            State::Drafting => {
                target.state = State::DraftServed;
                json!({ "type": "draft_plan_served", "occurred_on": on, "reason": "first" })
            }
            State::DraftServed => {
                json!({ "type": "draft_plan_served", "occurred_on": on, "reason": "authority_changes" })
            }
        };
        post(
            &format!("/v1/assessments/{}/events", target.id),
            &self.token,
            Some(version),
            &body,
        )
    }
}

/// Two copies of the database that are given the same events: one to capture their statements from, and one
/// to run those on.
pub struct Copies {
    folder: tempfile::TempDir,
}

impl Copies {
    /// While no server runs on the database.
    pub fn make(bench: &Bench) -> Result<Copies, String> {
        let beside = bench.program.folder.parent().unwrap_or(Path::new("."));
        let copies = Copies {
            folder: tempfile::tempdir_in(beside).map_err(|error| error.to_string())?,
        };
        // A server that was stopped in a hurry leaves its last writes in the log beside the file.
        bench.connect()?.query("PRAGMA wal_checkpoint(TRUNCATE)")?;
        for copy in [copies.captured(), copies.replayed()] {
            let copied =
                std::fs::copy(bench.program.file(), &copy).and_then(|_| File::open(&copy)?.sync_all());
            copied.map_err(|error| error.to_string())?;
        }
        Ok(copies)
    }

    fn captured(&self) -> PathBuf {
        self.folder.path().join("captured.db")
    }

    fn replayed(&self) -> PathBuf {
        self.folder.path().join("replayed.db")
    }

    fn recorded(&self) -> PathBuf {
        self.folder.path().join("recorded.json")
    }

    /// Carries out the next so many events on the first copy, and gives what each has run.
    fn capture(&self, bench: &Bench, number: usize) -> Result<Vec<Vec<String>>, String> {
        let mut events = Events::on_assessments(bench, &mut Connection::sqlite(&self.captured())?)?;
        let location = Location::SqliteFile(self.captured());
        recorded_of(&location, &bench.program.folder, &events.next(number))
    }
}

/// `POST /v1/assessments/{id}/events` at full durability, and how long it takes at 70% of that.
pub fn events(bench: &mut Bench, server: &Server, copies: &Copies) -> Result<(), String> {
    let (seconds, rounds) = (bench.options.seconds, bench.options.rounds);
    let warm_up = bench.options.time().mul_f64(0.2);
    let mut events = Events::on_assessments(bench, &mut bench.connect()?)?;
    let connections = events.connections(2 * GROUP);
    let enough = events.next((MOST_PER_SECOND * seconds * 0.2) as usize);
    let warmed = send(server, enough, connections, Until::Elapsed(warm_up))?;
    // Not all of those were sent.
    events = Events::on_assessments(bench, &mut bench.connect()?)?;

    let per_round = ((warmed.per_second() * seconds) as usize).max(GROUP);
    let captured = parse_all(&copies.capture(bench, per_round * rounds + 1)?)?;
    let mut replaying = Connection::sqlite(&copies.replayed())?;
    let before = total_changes(&mut replaying)?;
    commit(&mut replaying, &captured[..1])?;
    let rows = total_changes(&mut replaying)? - before;
    let (mut rates, mut limits) = (Vec::new(), Vec::new());
    for statements in captured[1..].chunks(per_round) {
        let load = send(server, events.next(per_round), connections, Until::AllSent)?;
        rates.push(load.per_second());
        limits.push(in_groups(&mut replaying, statements)?);
    }
    if bench.options.show {
        show_costs(&mut replaying, &parse_all(&copies.capture(bench, 200)?)?)?;
    }
    let (rate, limit) = (median(rates), median(limits));
    let counts = captured
        .iter()
        .map(|all| all.iter().filter(|one| !one.is_control()).count());
    bench.report(Line {
        work: format!("`POST /v1/assessments/{{id}}/events`, {connections} connections"),
        measured: format!("{rate:.0} requests/s"),
        limit: format!("{limit:.0} replays/s in groups of {GROUP}"),
        figure: rate / limit,
        shown: format!("{:.2} of the limit", rate / limit),
        bar: Bar::AtLeast(0.6),
        statements: counts.max(),
    });
    bench.report(Line {
        work: "row writes of an event that changes two clocks".to_owned(),
        measured: String::new(),
        limit: String::new(),
        figure: rows as f64,
        shown: rows.to_string(),
        bar: Bar::AtMost(12.0),
        statements: None,
    });
    open_loop(bench, server, &mut events, rate * 0.7)
}

/// Latencies at 70% of saturation, from when each request was due.
fn open_loop(bench: &mut Bench, server: &Server, events: &mut Events, per_second: f64) -> Result<(), String> {
    let connections = events.connections(4 * GROUP);
    let mut medians = Vec::new();
    let mut tails = Vec::new();
    for _ in 0..bench.options.rounds {
        let number = (per_second * bench.options.seconds) as usize;
        let requests: Arc<[Request]> = events.next(number.max(1)).into();
        let pace = Pace::Open { per_second };
        let mut load = load(server.address, &requests, connections, pace, Until::AllSent)?;
        medians.push(load.percentile(0.5).as_secs_f64() * 1_000.0);
        tails.push(load.percentile(0.99).as_secs_f64() * 1_000.0);
    }
    let (half, tail) = (median(medians), median(tails));
    bench.report(Line {
        work: format!("the same, open loop at {per_second:.0}/s (70%): p99"),
        measured: format!("p50 {half:.1} ms, p99 {tail:.1} ms"),
        limit: String::new(),
        figure: tail,
        shown: format!("{tail:.1} ms"),
        bar: Bar::AtMost(30.0),
        statements: None,
    });
    Ok(())
}

/// The same where every fsync takes two milliseconds, beside a writer that commits each request alone.
pub fn slow_disk(bench: &mut Bench, copies: &Copies, shim: &Path) -> Result<(), String> {
    let rounds = bench.options.rounds;
    // A commit alone takes at least two milliseconds.
    let share = ((400.0 * bench.options.seconds) as usize).max(1);
    let recorded = copies.capture(bench, share * rounds)?;
    let text = serde_json::to_string(&recorded).map_err(|error| error.to_string())?;
    std::fs::write(copies.recorded(), text).map_err(|error| error.to_string())?;

    let slow = Program {
        preload: Some(shim.to_owned()),
        ..bench.program.clone()
    };
    let server = slow.serve()?;
    let mut alone = Vec::new();
    let mut rates = vec![Vec::new(); 2];
    for round in 0..rounds {
        for (rates, connections) in rates.iter_mut().zip([32, 128]) {
            let mut events = Events::on_assessments(bench, &mut bench.connect()?)?;
            let enough = events.next((MOST_PER_SECOND * bench.options.seconds) as usize);
            let connections = events.connections(connections);
            let load = send(&server, enough, connections, Until::Elapsed(bench.options.time()))?;
            rates.push(load.per_second());
        }
        alone.push(child_alone(copies, shim, round * share, share)?);
    }
    server.stop()?;
    let limit = median(alone);
    for (rates, (connections, times)) in rates.into_iter().zip([(32, 6.0), (128, 10.0)]) {
        let rate = median(rates);
        bench.report(Line {
            work: format!("`POST …/events`, every fsync 2 ms, {connections} connections"),
            measured: format!("{rate:.0} requests/s"),
            limit: format!("{limit:.0}/s committed one by one"),
            figure: rate / limit,
            shown: format!("{:.1} times", rate / limit),
            bar: Bar::AtLeast(times),
            statements: None,
        });
    }
    Ok(())
}

fn send(server: &Server, requests: Vec<Request>, connections: usize, until: Until) -> Result<Load, String> {
    load(server.address, &requests.into(), connections, Pace::Closed, until)
}

fn total_changes(connection: &mut Connection) -> Result<i64, String> {
    let rows = connection.query("SELECT total_changes()")?;
    Ok(rows
        .first()
        .and_then(|row| row.first())
        .map_or(0, |count| count.integer()))
}

/// How many requests a second come out of running their statements in groups, a commit for each group.
fn in_groups(connection: &mut Connection, requests: &[Vec<Statement>]) -> Result<f64, String> {
    let started = Instant::now();
    for group in requests.chunks(GROUP) {
        commit(connection, group)?;
    }
    Ok(requests.len() as f64 / started.elapsed().as_secs_f64())
}

fn commit(connection: &mut Connection, group: &[Vec<Statement>]) -> Result<(), String> {
    let failed = |error: diesel::result::Error| error.to_string();
    connection.control("BEGIN IMMEDIATE").map_err(failed)?;
    for statement in group
        .iter()
        .flatten()
        .filter(|statement| !statement.is_outermost())
    {
        connection.run(statement).map_err(failed)?;
    }
    connection.control("COMMIT").map_err(failed)
}

/// Runs this program again with slow fsyncs, to commit recorded requests one by one.
fn child_alone(copies: &Copies, shim: &Path, skip: usize, number: usize) -> Result<f64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(program)
        .arg("--alone")
        .arg(copies.replayed())
        .arg("--recorded")
        .arg(copies.recorded())
        .args(["--skip", &skip.to_string(), "--number", &number.to_string()])
        .env("LD_PRELOAD", shim)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.trim()
        .parse()
        .map_err(|_| format!("the writer that commits each request alone said: {said}"))
}

/// What the program does when [`child_alone`] runs it: prints how many requests a second were committed.
pub fn alone(database: &Path, recorded: &Path, skip: usize, number: usize) -> Result<(), String> {
    let text = std::fs::read_to_string(recorded).map_err(|error| error.to_string())?;
    let recorded: Vec<Vec<String>> = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let chosen: Vec<Vec<String>> = recorded.into_iter().skip(skip).take(number).collect();
    let requests = parse_all(&chosen)?;
    let mut connection = Connection::sqlite(database)?;
    let started = Instant::now();
    for request in &requests {
        commit(&mut connection, std::slice::from_ref(request))?;
    }
    println!("{}", requests.len() as f64 / started.elapsed().as_secs_f64());
    Ok(())
}

/// Compiles the file that makes every fsync take two milliseconds.
pub fn compile_shim(folder: &Path) -> Result<PathBuf, String> {
    let source = folder.join("slow_fsync.c");
    let shim = folder.join("slow_fsync.so");
    std::fs::write(&source, include_str!("slow_fsync.c")).map_err(|error| error.to_string())?;
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-O2", "-o"])
        .args([&shim, &source])
        .status()
        .map_err(|error| format!("the C compiler cannot be run: {error}"))?;
    if status.success() {
        Ok(shim)
    } else {
        Err(format!("the C compiler ended with {status}"))
    }
}
