//! What the sources of the pure rooms may name, and where numbers of the law may stand.

use std::fs;
use std::path::{Path, PathBuf};

/// Words that reach the world: databases, requests, the present moment, chance.
const WORLDLY: [&str; 22] = [
    "diesel",
    "r2d2",
    "actix",
    "actix_web",
    "tokio",
    "log",
    "rand",
    "rand_chacha",
    "rand_distr",
    "thread_rng",
    "now",
    "now_v7",
    "new_v4",
    "SystemTime",
    "Instant",
    "fs",
    "env",
    "net",
    "thread",
    "println",
    "static_mut",
    "unsafe",
];

/// The rooms that lie above the pure ones.
const ABOVE: [&str; 6] = ["auth", "clock", "http", "logging", "service", "store"];

/// The counting primitives of the law; the rulebook names the only numbers they take.
const PRIMITIVES: [&str; 10] = [
    "within_weeks",
    "days_beginning_with",
    "within_days",
    "within_months",
    "months_starting_with",
    "working_days_beginning_with",
    "nth_working_day_after",
    "months_before",
    "notice_weeks",
    "Counting",
];

/// Calls that move a date by a number.
const SHIFTS: [&str; 5] = [
    "Days::new",
    "Months::new",
    "TimeDelta::days",
    "TimeDelta::weeks",
    "Duration::days",
];

/// The weeks and days of the regulations, and the days that its weeks are.
const OF_THE_LAW: [&str; 9] = ["6", "14", "15", "16", "20", "28", "42", "112", "140"];

fn sources(room: &str) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room),
        &mut files,
    );
    assert!(!files.is_empty(), "{room} has no sources");
    files
}

/// Every source below a place but tests, each without its comments and its own tests.
fn collect(place: &Path, files: &mut Vec<(PathBuf, String)>) {
    let is_test = place
        .file_name()
        .is_some_and(|name| name == "laws" || name == "tests" || name == "tests.rs");
    if is_test {
        return;
    }
    if place.is_dir() {
        let mut entries: Vec<PathBuf> = fs::read_dir(place)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        entries.iter().for_each(|entry| collect(entry, files));
    } else if place.extension().is_some_and(|extension| extension == "rs") {
        let source = fs::read_to_string(place).unwrap();
        let code = source
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        let code: Vec<&str> = code
            .lines()
            .map(|line| line.split("//").next().unwrap_or_default())
            .collect();
        files.push((place.to_owned(), code.join("\n")));
    }
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|character: char| !character.is_alphanumeric() && character != '_')
}

/// The whole number that a call of a name begins with, wherever it is called with one.
fn first_numbers<'c>(code: &'c str, call: &str) -> Vec<&'c str> {
    let opening = format!("{call}(");
    code.match_indices(&opening)
        .map(|(at, _)| &code[at + opening.len()..])
        .map(|rest| {
            rest.split(|c: char| !c.is_ascii_digit() && c != '_')
                .next()
                .unwrap_or_default()
        })
        .filter(|number| !number.is_empty())
        .collect()
}

#[test]
fn the_pure_rooms_do_not_reach_the_world() {
    let mut faults = Vec::new();
    for room in ["statute", "casework"] {
        for (path, code) in sources(room) {
            for word in words(&code).filter(|word| WORLDLY.contains(word)) {
                faults.push(format!("{} names {word}", path.display()));
            }
            for name in ABOVE {
                if code.contains(&format!("crate::{name}")) {
                    faults.push(format!("{} reaches up to {name}", path.display()));
                }
            }
            if room == "statute" && code.contains("crate::casework") {
                faults.push(format!("{} reaches up to casework", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn numbers_of_the_law_stand_in_the_statute_alone() {
    let mut faults = Vec::new();
    for (path, code) in sources("") {
        if path.components().any(|part| part.as_os_str() == "statute") {
            continue;
        }
        for word in words(&code).filter(|word| PRIMITIVES.contains(word)) {
            faults.push(format!("{} counts by {word}", path.display()));
        }
        for shift in SHIFTS {
            for number in first_numbers(&code, shift)
                .into_iter()
                .filter(|number| OF_THE_LAW.contains(number))
            {
                faults.push(format!("{} moves a date by {shift}({number})", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn is_rulebook(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "rulebook")
}

#[test]
fn every_limit_stands_once_in_the_rulebook() {
    let rows = sources("statute")
        .into_iter()
        .filter(|(path, _)| is_rulebook(path));
    let counted: usize = rows
        .map(|(_, code)| code.matches("counting: Counting::").count())
        .sum();
    assert_eq!(counted, crate::statute::rulebook::rules().count());
    for (path, code) in sources("statute") {
        for primitive in PRIMITIVES {
            let numbers = first_numbers(&code, primitive);
            assert!(
                is_rulebook(&path) || numbers.is_empty(),
                "{} has {primitive} {numbers:?}",
                path.display()
            );
        }
    }
}

#[test]
fn the_scan_finds_what_it_looks_for() {
    assert_eq!(
        first_numbers("a + Days::new(42) - Days::new(n)", "Days::new"),
        ["42"]
    );
    assert!(words("chrono::Utc::now()").any(|word| word == "now"));
    let rulebook = sources("statute")
        .into_iter()
        .find(|(path, _)| path.ends_with("rulebook/assessment.rs"));
    assert!(
        rulebook.is_some_and(|(_, code)| code.contains("WithinWeeks(20)") && !code.contains("mod tests"))
    );
}
