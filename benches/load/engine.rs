//! What is computed without the program around it: the engine on events already decoded, and the scan that
//! a rebuild is held against.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ehcp_timeline::service::recording::derive;
use ehcp_timeline::service::settings::Settings;
use ehcp_timeline::store::case::facts_at;
use ehcp_timeline::store::procedure::{find_procedure, load_entries};
use ehcp_timeline::store::settings::settings_at;
use ehcp_timeline::store::{Root, Store, StoreError};

use super::Bench;
use super::table::{Bar, Line, median};

/// State, clocks and flags of an assessment with thirty events and ten requests, without explanations.
pub fn engine(bench: &mut Bench, assessment_id: &str) -> Result<(), String> {
    let store = Store::open(&bench.location()).map_err(|error| error.to_string())?;
    let id = assessment_id
        .parse()
        .map_err(|_| "an assessment's id is no UUID")?;
    let (procedure, entries, child, settings) = store
        .read_now(move |connection| {
            let procedure = find_procedure(connection, &Root::of_authority("885"), id)?;
            let entries = load_entries(connection, &procedure)?;
            let child = facts_at(connection, "885", &procedure.case_id, None)?;
            let settings: Settings = settings_at(connection, "885", None)?.1;
            Ok::<_, StoreError>((procedure, entries, child, settings))
        })
        .map_err(|error| error.to_string())?;
    store.close();
    let as_of = bench.today;
    let compute = || -> Result<usize, String> {
        let timeline = derive(
            &procedure,
            black_box(&entries),
            &child,
            &settings.readings,
            Some(as_of),
        );
        let timeline = timeline
            .map_err(|error| format!("{error:?}"))?
            .ok_or("nothing came of the events")?;
        let standing = timeline
            .clocks
            .iter()
            .filter_map(|clock| clock.standing_on(as_of))
            .count();
        Ok(standing + timeline.flags_on(as_of, settings.due_soon_days).len())
    };
    let mut microseconds = Vec::new();
    for _ in 0..bench.options.rounds {
        let (started, cpu, mut times) = (Instant::now(), cpu_time(), 0_u32);
        while started.elapsed() < bench.options.time().min(Duration::from_secs(1)) {
            for _ in 0..100 {
                black_box(compute()?);
            }
            times += 100;
        }
        let took = cpu_time().zip(cpu).map(|(now, then)| now - then);
        let took = took.unwrap_or_else(|| started.elapsed());
        microseconds.push(took.as_secs_f64() * 1e6 / f64::from(times));
    }
    let figure = median(microseconds);
    bench.report(Line {
        work: format!("engine: state, clocks and flags from {} events", entries.len()),
        measured: format!("{figure:.1} µs"),
        limit: String::new(),
        figure,
        shown: format!("{figure:.1} µs"),
        bar: Bar::AtMost(10.0),
        statements: None,
    });
    Ok(())
}

/// How long this thread has been running, which other processes do not prolong; none where Linux does not say.
fn cpu_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = text.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

/// `ehcp rebuild` beside reading the rows that it reads. No server runs.
pub fn rebuild(bench: &mut Bench) -> Result<(), String> {
    let mut connection = bench.connect()?;
    let (mut rebuilds, mut scans) = (Vec::new(), Vec::new());
    let mut rows = 0;
    for _ in 0..bench.options.rounds {
        rebuilds.push(bench.program.rebuild()?.as_secs_f64());
        let started = Instant::now();
        rows = 0;
        for table in [
            "procedures",
            "events",
            "case_facts",
            "advice_requests",
            "clocks",
            "flags",
        ] {
            rows += connection.scan(&format!("SELECT * FROM {table}"))?;
        }
        scans.push(started.elapsed().as_secs_f64());
    }
    let (rebuild, scan) = (median(rebuilds), median(scans));
    bench.report(Line {
        work: format!("`ehcp rebuild` of {rows} rows"),
        measured: format!("{rebuild:.2} s"),
        limit: format!("{scan:.2} s to scan them"),
        figure: scan / rebuild,
        shown: format!("{:.2} of the limit", scan / rebuild),
        bar: Bar::AtLeast(0.5),
        statements: None,
    });
    Ok(())
}
