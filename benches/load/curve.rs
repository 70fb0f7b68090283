//! How cost grows: the same reads on databases of several sizes, in turns.

use std::sync::Arc;

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

/// Cases from all over the database: their references are random.
pub fn case_paths(size: &Size) -> Result<Vec<String>, String> {
    let rows = size
        .program
        .connect()?
        .query("SELECT id FROM cases ORDER BY reference LIMIT 1000")?;
    Ok(rows
        .iter()
        .map(|row| format!("/v1/cases/{}", row[0].text()))
        .collect())
}

/// Reads the paths of each size in turns, and holds what they cost against the cost at the first size.
pub fn measure(bench: &mut Bench, work: &str, sizes: &[Size], paths: &[Vec<String>]) -> Result<(), String> {
    let time = bench.options.time();
    let requests: Vec<Arc<[Request]>> = sizes
        .iter()
        .zip(paths)
        .map(|(size, paths)| paths.iter().map(|path| get(path, &size.token)).collect())
        .collect();
    let mut rates = vec![Vec::new(); sizes.len()];
    for round in 0..=bench.options.rounds {
        for ((size, requests), rates) in sizes.iter().zip(&requests).zip(&mut rates) {
            let until = Until::Elapsed(time);
            let load = load(
                size.server.address,
                requests,
                bench.options.connections,
                Pace::Closed,
                until,
            )?;
            // The first round warms up.
            if round > 0 {
                rates.push(load.per_second());
            }
        }
    }
    let mut smallest = None;
    for (size, rates) in sizes.iter().zip(rates) {
        let rate = median(rates);
        let smallest: f64 = *smallest.get_or_insert(rate);
        bench.report(Line {
            work: format!("{work}, {}", size.name),
            measured: format!("{rate:.0} requests/s"),
            limit: format!("{smallest:.0} requests/s, {}", sizes[0].name),
            figure: smallest / rate,
            shown: format!("costs {:.2} times as much", smallest / rate),
            bar: Bar::AtMost(1.15),
            statements: None,
        });
    }
    Ok(())
}
