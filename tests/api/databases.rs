//! The whole of these tests on PostgreSQL too.

use std::process::Command;

use crate::harness::{DATABASE_VARIABLE, Database};
use crate::postgres;

/// This test itself, and one that compares both databases whichever the others run on.
const SKIPPED: [&str; 2] = [
    "everything_holds_on_postgresql_too",
    "both_databases_give_the_same_answers",
];

/// Runs this program again, with every service on PostgreSQL.
#[test]
fn everything_holds_on_postgresql_too() {
    let Some(server) = postgres::server() else {
        return;
    };
    assert_eq!(Database::in_use(), Database::Sqlite);
    let outcome = Command::new(std::env::current_exe().unwrap())
        .args(SKIPPED.iter().flat_map(|name| ["--skip", name]))
        .env(DATABASE_VARIABLE, "postgres")
        .env(postgres::SERVER_VARIABLE, server.url())
        .output()
        .unwrap();
    let output = [&outcome.stdout[..], &outcome.stderr].concat();
    let output = String::from_utf8_lossy(&output);
    assert!(outcome.status.success(), "on PostgreSQL:\n{output}");
    let passed = output
        .split_once("test result: ok. ")
        .and_then(|(_, result)| result.split(' ').next()?.parse::<u32>().ok());
    assert!(passed >= Some(140), "only {passed:?} tests ran:\n{output}");
    assert!(output.contains("; 2 filtered out;"), "{output}");
}
