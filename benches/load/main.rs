//! The bench: builds a database, runs the server on it, loads it, and prints a table in which every
//! figure stands beside a limit taken in the same run. `docs/PERFORMANCE.md` says how to read it.
//!
//!     cargo bench --bench load -- --cases 100000

mod capture;
mod client;
mod curve;
mod engine;
mod plans;
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "it is for tests, which use the rest of it too"
)]
#[path = "../../tests/support/postgres.rs"]
mod postgres;
mod prepare;
mod process;
mod reads;
mod recorded;
mod replay;
mod statement;
mod table;
mod writes;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use clap::Parser;
use ehcp_timeline::clock::Clock;
use ehcp_timeline::statute::calendar::in_words;
use ehcp_timeline::store::Location;

use postgres::{Cluster, Settings};
use prepare::{Size, make_assessment};
use process::{Memory, Program, Server};
use statement::Connection;
use table::{Bar, HEAD, Line, markdown};

/// Measures the server beside the limits of the machine and its database.
#[derive(Debug, Parser)]
struct Options {
    /// How many cases the database holds
    #[arg(long, default_value_t = 100_000)]
    cases: u32,
    /// How long each load of a round goes on
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// How many rounds, of which the median counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How many connections the load is sent over
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// On a PostgreSQL started for the bench
    #[arg(long, conflicts_with = "data")]
    postgres: bool,
    /// How cost grows: the same reads on databases of these sizes, and nothing else
    #[arg(long, value_name = "CASES,…", value_delimiter = ',')]
    curve: Vec<u32>,
    /// The same with plans that were reviewed for five years
    #[arg(long, value_name = "PLANS,…", value_delimiter = ',', conflicts_with_all = ["postgres", "curve"])]
    plans: Vec<u32>,
    /// Only the work whose name holds this
    #[arg(long)]
    only: Option<String>,
    /// Keep the database in this folder, and use the one that is there
    #[arg(long)]
    data: Option<PathBuf>,
    /// Measure this program instead of the one that was built with the bench
    #[arg(long, default_value = env!("CARGO_BIN_EXE_ehcp"))]
    program: PathBuf,
    /// What `RUST_LOG` says to the server, which writes its log to a file
    #[arg(long, default_value = "info")]
    log: String,
    /// Show the statements of each work and what each costs
    #[arg(long)]
    show: bool,
    /// End with 1 if a bar is not met
    #[arg(long)]
    strict: bool,
    /// Every part once and quickly on little data, so that the bench is known to work; no bar counts
    #[arg(long)]
    smoke: bool,
    /// Commits recorded requests one by one on this database, and does nothing else
    #[arg(long, hide = true, requires = "recorded")]
    alone: Option<PathBuf>,
    #[arg(long, hide = true)]
    recorded: Option<PathBuf>,
    #[arg(long, hide = true, default_value_t = 0)]
    skip: usize,
    #[arg(long, hide = true, default_value_t = 0)]
    number: usize,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

/// The lists measured, by name; each is filtered and sorted.
const LISTS: [(&str, &str); 4] = [
    ("cases", "/v1/cases?updated_since=2020-01-01T00:00:00Z"),
    ("clocks", "/v1/clocks?status=met&include=case"),
    ("overdue", "/v1/clocks?status=overdue&include=case"),
    ("advice", "/v1/advice-requests?state=accepted"),
];

/// One run.
pub struct Bench {
    options: Options,
    program: Program,
    token: String,
    today: NaiveDate,
    cores: usize,
    lines: Vec<Line>,
}

impl Bench {
    fn location(&self) -> Location {
        match &self.program.postgres {
            Some(url) => Location::Postgres(url.clone()),
            None => Location::SqliteFile(self.program.file()),
        }
    }

    fn connect(&self) -> Result<Connection, String> {
        self.program.connect()
    }

    fn connections(&self, number: usize) -> Result<Vec<Connection>, String> {
        (0..number).map(|_| self.connect()).collect()
    }

    /// The machine, the day and what was asked for, in a sentence.
    fn conditions(&self) -> String {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let value = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()))
                .unwrap_or_default()
        };
        let memory = value(&read("/proc/meminfo"), "MemTotal");
        let kib: f64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
        let Options { seconds, rounds, .. } = self.options;
        format!(
            "{}, {} cores of {}, {:.0} GB, Linux {}; {}; {rounds} rounds of {seconds} s.",
            in_words(self.today),
            self.cores,
            value(&read("/proc/cpuinfo"), "model name"),
            kib * 1024.0 / 1e9,
            read("/proc/sys/kernel/osrelease").trim(),
            if self.program.postgres.is_some() {
                "PostgreSQL"
            } else {
                "SQLite"
            },
        )
    }

    fn is_wanted(&self, name: &str) -> bool {
        self.options
            .only
            .as_ref()
            .is_none_or(|only| name.contains(only.as_str()))
    }

    fn report(&mut self, mut line: Line) {
        if self.options.smoke {
            line.bar = Bar::None;
        }
        println!("{}", markdown(&line));
        self.lines.push(line);
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    let ended = match (&options.alone, &options.recorded) {
        (Some(database), Some(recorded)) => {
            writes::alone(database, recorded, options.skip, options.number).map(|()| ExitCode::SUCCESS)
        }
        (Some(_), None) | (None, _) => run(options),
    };
    match ended {
        Ok(exit) => exit,
        Err(fault) => {
            println!("\nThe bench ended early: {fault}");
            ExitCode::from(2)
        }
    }
}

fn run(mut options: Options) -> Result<ExitCode, String> {
    if options.smoke {
        (options.cases, options.seconds, options.rounds) = (60, 0.2, 1);
    }
    let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
    let root = options.data.clone().unwrap_or_else(|| scratch.path().to_owned());
    let cluster = match options.postgres {
        true => Some(start_postgres()?),
        false => None,
    };
    let program = Program {
        binary: options.program.clone(),
        folder: root.join(format!("cases-{}", options.cases)),
        postgres: cluster.as_ref().map(Cluster::url),
        log: options.log.clone(),
        preload: None,
        memory: Arc::new(Memory::default()),
    };
    let mut bench = Bench {
        token: program.token("caseworker")?,
        today: Clock::System.today(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        lines: Vec::new(),
        options,
        program,
    };
    println!(
        "{} Limits on how often one client may ask are off.\n\n{HEAD}",
        bench.conditions()
    );
    let (cases, plans) = (bench.options.curve.clone(), bench.options.plans.clone());
    if !cases.is_empty() {
        curve::curve(&mut bench, &cases)?;
    } else if !plans.is_empty() {
        plans::plans(&mut bench, &plans)?;
    } else {
        let (program, cases) = (bench.program.clone(), bench.options.cases);
        make_up(&mut bench, &program, cases)?;
        measure(&mut bench)?;
        if bench.options.smoke && !bench.options.postgres {
            plans::plans(&mut bench, &[20, 40])?;
        }
    }
    let all_met = bench.lines.iter().all(|line| line.is_met() != Some(false));
    Ok(if bench.options.strict && !all_met {
        ExitCode::from(1)
    } else {
        ExitCode::SUCCESS
    })
}

/// A server as most people have it, but for memory and the size of its log.
fn start_postgres() -> Result<Cluster, String> {
    let settings = Settings {
        fsync: true,
        extra: &["shared_buffers=1GB", "max_wal_size=4GB"],
        ..Settings::default()
    };
    Cluster::create(&settings).ok_or_else(|| "there is no PostgreSQL on this machine".to_owned())
}

/// Makes up the cases, unless they are there.
fn make_up(bench: &mut Bench, program: &Program, cases: u32) -> Result<(), String> {
    std::fs::create_dir_all(&program.folder).map_err(|error| error.to_string())?;
    if program.postgres.is_none() && program.file().exists() {
        return Ok(());
    }
    let took = program.make_up(cases)?.as_secs_f64();
    bench.report(Line {
        work: format!("`ehcp demo --cases {cases}`"),
        measured: format!("{took:.1} s"),
        limit: String::new(),
        figure: took,
        shown: format!("{:.0} cases/s", f64::from(cases) / took),
        bar: if cases == 100_000 {
            Bar::AtMost(90.0)
        } else {
            Bar::None
        },
        statements: None,
    });
    Ok(())
}

fn measure(bench: &mut Bench) -> Result<(), String> {
    let is_sqlite = bench.program.postgres.is_none();
    let copies = match is_sqlite && (bench.is_wanted("events") || bench.is_wanted("slow")) {
        true => Some(writes::Copies::make(bench)?),
        false => None,
    };
    let server = bench.program.serve()?;
    std::thread::sleep(Duration::from_secs(1));
    let idle = server.anonymous_mb();
    bench.report(Line {
        work: "memory at idle".to_owned(),
        measured: format!("{idle:.1} MB"),
        limit: String::new(),
        figure: idle,
        shown: format!("{idle:.1} MB"),
        bar: Bar::AtMost(60.0),
        statements: None,
    });
    if bench.is_wanted("assessment") {
        let size = Size {
            events: 20,
            requests: 10,
        };
        let ids = (0..20)
            .map(|_| make(bench, &server, size))
            .collect::<Result<Vec<_>, _>>()?;
        reads::assessment(bench, &server, &ids)?;
    }
    for (name, path) in LISTS {
        if bench.is_wanted(name) {
            reads::list(bench, &server, path)?;
        }
    }
    if bench.is_wanted("engine") {
        let id = make(
            bench,
            &server,
            Size {
                events: 30,
                requests: 10,
            },
        )?;
        engine::engine(bench, &id)?;
    }
    if let Some(copies) = copies.as_ref().filter(|_| bench.is_wanted("events")) {
        writes::events(bench, &server, copies)?;
    }
    server.stop()?;
    if let Some(copies) = copies.as_ref().filter(|_| bench.is_wanted("slow")) {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let shim = writes::compile_shim(folder.path())?;
        writes::slow_disk(bench, copies, &shim)?;
    }
    if bench.is_wanted("rebuild") {
        engine::rebuild(bench)?;
    }
    let peak = bench.program.memory.peak_mb();
    bench.report(Line {
        work: "memory, the most during all of this".to_owned(),
        measured: format!("{peak:.1} MB"),
        limit: String::new(),
        figure: peak,
        shown: format!("{peak:.1} MB"),
        bar: Bar::AtMost(200.0),
        statements: None,
    });
    Ok(())
}

fn make(bench: &Bench, server: &Server, size: Size) -> Result<String, String> {
    make_assessment(
        server.address,
        &bench.token,
        &mut bench.connect()?,
        bench.today,
        size,
    )
}
