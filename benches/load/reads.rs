//! Requests that read: how many a second, beside how often their own statements can be run.

use std::sync::Arc;
use std::time::Duration;

use super::Bench;
use super::capture::statements_of;
use super::client::{Caller, Load, Pace, Request, Until, get, load};
use super::process::Server;
use super::replay::{reads_per_second, show_costs};
use super::statement::Statement;
use super::table::{Bar, Line, median};

/// A request to be measured, or several alike that take turns.
struct Read {
    work: String,
    requests: Arc<[Request]>,
    statements: Vec<Vec<Statement>>,
    rates: Vec<f64>,
    limits: Vec<f64>,
}

impl Read {
    fn new(bench: &Bench, work: &str, paths: &[String]) -> Result<Read, String> {
        let requests: Vec<Request> = paths.iter().map(|path| get(path, &bench.token)).collect();
        let statements = statements_of(&bench.location(), &bench.program.folder, &requests)?;
        if bench.options.show {
            println!("\n{work}");
            let often: Vec<_> = statements.iter().cloned().cycle().take(200).collect();
            show_costs(&mut bench.connect()?, &often)?;
        }
        Ok(Read {
            work: work.to_owned(),
            requests: requests.into(),
            statements,
            rates: Vec::new(),
            limits: Vec::new(),
        })
    }

    /// One round: the server, then the replay.
    fn measure(&mut self, bench: &Bench, server: &Server) -> Result<(), String> {
        let time = bench.options.time();
        self.send(bench, server, time.mul_f64(0.2))?;
        self.rates.push(self.send(bench, server, time)?.per_second());
        let mut connections = bench.connections(bench.cores)?;
        reads_per_second(&mut connections, &self.statements, time.mul_f64(0.2))?;
        self.limits
            .push(reads_per_second(&mut connections, &self.statements, time)?);
        Ok(())
    }

    fn send(&self, bench: &Bench, server: &Server, time: Duration) -> Result<Load, String> {
        let connections = bench.options.connections;
        load(
            server.address,
            &self.requests,
            connections,
            Pace::Closed,
            Until::Elapsed(time),
        )
    }

    fn rate(&self) -> f64 {
        median(self.rates.clone())
    }

    /// How many statements the request runs, less `BEGIN` and `COMMIT`.
    fn count(&self) -> usize {
        let counts = self.statements.iter();
        counts
            .map(|all| all.iter().filter(|statement| !statement.is_control()).count())
            .max()
            .unwrap_or(0)
    }

    fn line(&self, bar: f64) -> Line {
        let (rate, limit) = (self.rate(), median(self.limits.clone()));
        Line {
            work: self.work.clone(),
            measured: format!("{rate:.0} requests/s"),
            limit: format!("{limit:.0} replays/s"),
            figure: rate / limit,
            shown: format!("{:.2} of the limit", rate / limit),
            bar: Bar::AtLeast(bar),
            statements: Some(self.count()),
        }
    }

    fn count_line(&self, most: usize) -> Line {
        Line {
            work: format!("{}: statements", self.work),
            measured: String::new(),
            limit: String::new(),
            figure: self.count() as f64,
            shown: self.count().to_string(),
            bar: Bar::AtMost(most as f64),
            statements: None,
        }
    }
}

/// `GET /v1/assessments/{id}` of assessments with ten advice requests and twenty events.
pub fn assessment(bench: &mut Bench, server: &Server, ids: &[String]) -> Result<(), String> {
    let paths: Vec<String> = ids.iter().map(|id| format!("/v1/assessments/{id}")).collect();
    let mut read = Read::new(
        bench,
        "`GET /v1/assessments/{id}`, 10 requests, 20 events",
        &paths,
    )?;
    for _ in 0..bench.options.rounds {
        read.measure(bench, server)?;
    }
    bench.report(read.line(0.4));
    bench.report(read.count_line(5));
    Ok(())
}

/// A list, its first page and its thousandth.
pub fn list(bench: &mut Bench, server: &Server, path: &str) -> Result<(), String> {
    let (cursor, page) = far_cursor(bench, server, path)?;
    let separator = if path.contains('?') { '&' } else { '?' };
    let mut first = Read::new(bench, &format!("`GET {path}`, page 1"), &[path.to_owned()])?;
    let far_path = cursor.map_or_else(
        || path.to_owned(),
        |cursor| format!("{path}{separator}cursor={cursor}"),
    );
    let mut far = Read::new(bench, &format!("`GET {path}`, page {page}"), &[far_path])?;
    for _ in 0..bench.options.rounds {
        first.measure(bench, server)?;
        far.measure(bench, server)?;
    }
    bench.report(first.line(0.3));
    bench.report(far.line(0.3));
    bench.report(far.count_line(4));
    let cost = first.rate() / far.rate();
    bench.report(Line {
        work: format!("`GET {path}`: page {page} beside page 1"),
        measured: String::new(),
        limit: String::new(),
        figure: cost,
        shown: format!("costs {cost:.2} times as much"),
        bar: Bar::AtMost(1.15),
        statements: None,
    });
    Ok(())
}

/// The cursor of the thousandth page of fifty, or of the last full one where there are fewer.
fn far_cursor(bench: &Bench, server: &Server, path: &str) -> Result<(Option<String>, usize), String> {
    const PAGES: usize = 1_000;
    let separator = if path.contains('?') { '&' } else { '?' };
    let mut caller = Caller::connect(server.address).map_err(|error| error.to_string())?;
    let mut cursor: Option<String> = None;
    let mut page = 1;
    while page < PAGES {
        let step = 4.min(PAGES - page);
        let after = cursor
            .as_ref()
            .map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let asked = format!("{path}{separator}limit={}{after}", step * 50);
        let answer = caller
            .call(&get(&asked, &bench.token))
            .map_err(|error| error.to_string())?;
        let answer = answer.expect_success(&asked)?;
        let Some(next) = answer.body["next_cursor"].as_str() else {
            break;
        };
        cursor = Some(next.to_owned());
        page += step;
    }
    Ok((cursor, page))
}
