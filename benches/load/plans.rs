//! How cost grows with plans: the list of upcoming reviews and a case's file, where every plan has five years of
//! reviews behind it, on databases of several sizes, in turns.

use std::path::Path;
use std::time::Instant;

use ehcp_timeline::demo::{make_plans, officer_of_plan};
use ehcp_timeline::store::{Location, Store};

use super::Bench;
use super::curve::{Size, case_paths, measure};
use super::process::Program;
use super::table::{Bar, Line};

const UPCOMING: &str = "/v1/reviews/upcoming";
/// How many officers' lists are read, at every size.
const OFFICERS: u64 = 5;

/// The databases stay in the folder of `--data`.
pub fn plans(bench: &mut Bench, numbers: &[u32]) -> Result<(), String> {
    let mut sizes = Vec::new();
    for number in numbers {
        let program = Program {
            folder: bench.program.folder.with_file_name(format!("plans-{number}")),
            ..bench.program.clone()
        };
        make_up(bench, &program.folder, *number)?;
        sizes.push(Size::serve(format!("{number} plans"), program)?);
    }
    let upcoming = vec![vec![UPCOMING.to_owned()]; sizes.len()];
    measure(bench, "upcoming reviews", &sizes, &upcoming)?;
    let of_officers: Vec<Vec<String>> = numbers.iter().map(|number| officers_paths(*number)).collect();
    measure(bench, "an officer's upcoming reviews", &sizes, &of_officers)?;
    let files = sizes.iter().map(case_paths).collect::<Result<Vec<_>, _>>()?;
    measure(bench, "a case's file", &sizes, &files)?;
    sizes.into_iter().try_for_each(Size::stop)
}

/// The lists of officers from all over the database.
fn officers_paths(plans: u32) -> Vec<String> {
    (0..OFFICERS)
        .map(|place| u64::from(plans) * place / OFFICERS)
        .filter_map(|number| u32::try_from(number).ok())
        .map(|number| format!("{UPCOMING}?caseworker={}", officer_of_plan(number)))
        .collect()
}

/// Makes up the plans, unless they are there. What a run leaves unfinished does not count.
fn make_up(bench: &mut Bench, folder: &Path, plans: u32) -> Result<(), String> {
    if folder.exists() {
        return Ok(());
    }
    let unfinished = folder.with_file_name(format!("plans-{plans}-unfinished"));
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished).map_err(|error| error.to_string())?;
    }
    std::fs::create_dir_all(&unfinished).map_err(|error| error.to_string())?;
    let started = Instant::now();
    let location = Location::SqliteFile(unfinished.join("ehcp.db"));
    let store = Store::open(&location).map_err(|error| format!("{error:?}"))?;
    let made = make_plans(&store, bench.today, plans, |_| {});
    store.close();
    made.map_err(|error| format!("the plans were not made: {error:?}"))?;
    std::fs::rename(&unfinished, folder).map_err(|error| error.to_string())?;
    let took = started.elapsed().as_secs_f64();
    bench.report(Line {
        work: format!("{plans} plans with five years of reviews made up"),
        measured: format!("{took:.1} s"),
        limit: String::new(),
        figure: took,
        shown: format!("{:.0} plans/s", f64::from(plans) / took),
        bar: Bar::None,
        statements: None,
    });
    Ok(())
}
