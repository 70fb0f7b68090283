//! How cost grows: the same reads on databases of several sizes, in turns.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::client::{Pace, Request, Until, get, load};
use super::process::{Program, Server};
use super::table::{Bar, Line, median};
use super::{Bench, make_up};

/// A server on a database of one size.
pub struct Size {
    /// How much there is of what.
    name: String,
    program: Program,
    server: Server,
    token: String,
}

impl Size {
    /// Serves a database that is there.
    pub fn serve(name: String, program: Program) -> Result<Size, String> {
        let token = program.token("caseworker")?;
        Ok(Size {
            name,
            server: program.serve()?,
            program,
            token,
        })
    }

    pub fn stop(self) -> Result<(), String> {
        self.server.stop()
    }
}

/// A case read and a worklist page at each size; the databases stay in the folder of `--data`.
pub fn curve(bench: &mut Bench, sizes: &[u32]) -> Result<(), String> {
    let mut servers = Vec::new();
    for cases in sizes {
        let program = Program {
            folder: bench.program.folder.with_file_name(format!("cases-{cases}")),
            ..bench.program.clone()
        };
        make_up(bench, &program, *cases)?;
        servers.push(Size::serve(format!("{cases} cases"), program)?);
    }
    let reads = ["case read", "worklist page", "overdue page"];
    for (index, work) in reads.into_iter().enumerate() {
        let paths = servers
            .iter()
            .map(|size| match index {
                0 => case_paths(size),
                1 => Ok(vec!["/v1/clocks?include=case&kind=advice".to_owned()]),
                _ => Ok(vec!["/v1/clocks?include=case&status=overdue".to_owned()]),
            })
            .collect::<Result<Vec<_>, _>>()?;
        measure(bench, work, &servers, &paths)?;
    }
    servers.into_iter().try_for_each(Size::stop)
}

/// Every case in random order, which is that of the references; of very many, as many as a process can hold.
pub fn case_paths(size: &Size) -> Result<Vec<String>, String> {
    let rows = size
        .program
        .connect()?
        .query("SELECT id FROM cases ORDER BY reference LIMIT 200000")?;
    Ok(rows
        .iter()
        .map(|row| format!("/v1/cases/{}", row[0].text()))
        .collect())
}

/// Reads the paths of each size in turns, and holds what they cost against the cost at the first size: first as the
/// servers are, and again once asking them for longer makes them no quicker.
pub fn measure(bench: &mut Bench, work: &str, sizes: &[Size], paths: &[Vec<String>]) -> Result<(), String> {
    if !bench.is_wanted(work) {
        return Ok(());
    }
    let requests: Vec<Arc<[Request]>> = sizes
        .iter()
        .zip(paths)
        .map(|(size, paths)| paths.iter().map(|path| get(path, &size.token)).collect())
        .collect();
    let first = rounds(bench, sizes, &requests)?;
    for (size, rate) in sizes.iter().zip(&first) {
        let what = format!("{work}, {}, in its first seconds", size.name);
        bench.report(line(
            what,
            format!("{rate:.0} requests/s"),
            *rate,
            first[0],
            &sizes[0],
        ));
    }
    let mut waits = Vec::new();
    for (size, requests) in sizes.iter().zip(&requests) {
        waits.push(ask_until_still(bench, size, requests)?);
    }
    let later = rounds(bench, sizes, &requests)?;
    for ((size, rate), wait) in sizes.iter().zip(&later).zip(waits) {
        let what = format!("{work}, {}, once its pages are in memory", size.name);
        bench.report(line(
            what,
            format!("{rate:.0} requests/s, {wait}"),
            *rate,
            later[0],
            &sizes[0],
        ));
    }
    Ok(())
}

/// The rates of each size. One round more is sent than counts.
fn rounds(bench: &Bench, sizes: &[Size], requests: &[Arc<[Request]>]) -> Result<Vec<f64>, String> {
    let mut rates = vec![Vec::new(); sizes.len()];
    for round in 0..=bench.options.rounds {
        for ((size, requests), rates) in sizes.iter().zip(requests).zip(&mut rates) {
            let rate = rate(bench, size, requests, bench.options.time())?;
            if round > 0 {
                rates.push(rate);
            }
        }
    }
    Ok(rates.into_iter().map(median).collect())
}

/// Asks until two windows, one after the other, differ by no more than 3%, and for a minute at most; says how long
/// that took.
fn ask_until_still(bench: &Bench, size: &Size, requests: &Arc<[Request]>) -> Result<String, String> {
    const MOST: Duration = Duration::from_secs(60);
    let window = Duration::from_secs(2).min(bench.options.time());
    let started = Instant::now();
    let mut before = rate(bench, size, requests, window)?;
    loop {
        let now = rate(bench, size, requests, window)?;
        let seconds = started.elapsed().as_secs_f64();
        if (now / before - 1.0).abs() <= 0.03 {
            return Ok(format!("after {seconds:.0} s"));
        }
        if started.elapsed() >= MOST || bench.options.smoke {
            return Ok(format!("after {seconds:.0} s and not still"));
        }
        before = now;
    }
}

fn rate(bench: &Bench, size: &Size, requests: &Arc<[Request]>, time: Duration) -> Result<f64, String> {
    let until = Until::Elapsed(time);
    let connections = bench.options.connections;
    let load = load(size.server.address, requests, connections, Pace::Closed, until)?;
    Ok(load.per_second())
}

fn line(work: String, measured: String, rate: f64, smallest: f64, first: &Size) -> Line {
    let cost = smallest / rate;
    Line {
        work,
        measured,
        limit: format!("{smallest:.0} requests/s, {}", first.name),
        figure: cost,
        shown: format!("costs {cost:.2} times as much"),
        bar: Bar::AtMost(1.15),
        statements: None,
    }
}
