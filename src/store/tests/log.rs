//! How the log of a SQLite file is written, and how it begins anew.

use std::io::Read;
use std::path::PathBuf;

use diesel::sql_types::Text;

use super::super::checkpoint::Checkpointer;
use super::super::connection::OpenConnection;
use super::*;

fn add(connection: &mut AnyConnection, rows: u32) {
    execute(
        connection,
        &format!(
            "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {rows}) \
             INSERT INTO filler SELECT NULL, hex(randomblob(500)) FROM number"
        ),
    );
}

/// How many rows there are, and that their file is sound.
fn count(connection: &mut AnyConnection) -> i64 {
    let sound: String = sql::<Text>("PRAGMA integrity_check")
        .get_result(connection)
        .unwrap();
    assert_eq!(sound, "ok");
    sql::<BigInt>("SELECT count(content) FROM filler")
        .get_result(connection)
        .unwrap()
}

fn log_of(file: &Path) -> PathBuf {
    file.with_extension("db-wal")
}

/// What a copy of the files holds, as they are left behind when the power goes.
fn count_after_power_cut(file: &Path) -> i64 {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("ehcp.db");
    std::fs::copy(file, &copy).unwrap();
    std::fs::copy(log_of(file), log_of(&copy)).unwrap();
    count(&mut connector(&copy, Access::Write).connect().unwrap())
}

/// A file with an empty table, and a connection that writes to it.
fn filler(folder: &tempfile::TempDir) -> (PathBuf, OpenConnection) {
    let file = folder.path().join("ehcp.db");
    let mut writer = connector(&file, Access::Write).connect().unwrap();
    execute(
        &mut writer,
        "CREATE TABLE filler (id INTEGER PRIMARY KEY, content TEXT)",
    );
    (file, writer)
}

#[test]
#[cfg(target_os = "linux")]
fn a_commit_of_many_pages_takes_few_calls_of_the_system() {
    fn calls() -> u64 {
        let all = std::fs::read_to_string("/proc/thread-self/io").unwrap();
        let calls = all.lines().find_map(|line| line.strip_prefix("syscw: "));
        calls.unwrap().parse().unwrap()
    }

    let folder = tempfile::tempdir().unwrap();
    let (file, mut writer) = filler(&folder);
    let before = calls();
    add(&mut writer, 2000);
    let calls = calls() - before;
    let pages = std::fs::metadata(log_of(&file)).unwrap().len() / 4096;
    assert!(pages > 400, "{pages}");
    assert!(calls < 40, "{calls} calls for {pages} pages");
    assert_eq!(count(&mut writer), 2000);
}

#[test]
fn what_is_committed_is_in_the_files_whatever_the_disk_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (file, mut writer) = filler(&folder);
    let mut reader = connector(&file, Access::Read).connect().unwrap();
    for (synchronous, rows) in [("FULL", 300), ("OFF", 310), ("OFF", 620)] {
        execute(&mut writer, &format!("PRAGMA synchronous = {synchronous}"));
        let before = count(&mut reader);
        add(&mut writer, u32::try_from(rows - before).unwrap());
        assert_eq!(count(&mut reader), rows);
        assert_eq!(count_after_power_cut(&file), rows);
    }
}

#[test]
fn a_transaction_larger_than_its_cache_is_whole_or_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let (file, mut writer) = filler(&folder);
    execute(&mut writer, "PRAGMA cache_size = 10");
    add(&mut writer, 100);

    execute(&mut writer, "BEGIN IMMEDIATE");
    add(&mut writer, 700);
    assert_eq!(count(&mut writer), 800);
    assert_eq!(count_after_power_cut(&file), 100);
    execute(&mut writer, "SAVEPOINT step");
    // Pages that are in the log already change again.
    execute(&mut writer, "UPDATE filler SET content = content || 'more'");
    add(&mut writer, 500);
    execute(
        &mut writer,
        "ROLLBACK TO step; RELEASE step; DELETE FROM filler WHERE id % 2",
    );
    execute(&mut writer, "COMMIT");
    assert_eq!(count(&mut writer), 400);
    assert_eq!(count_after_power_cut(&file), 400);

    execute(&mut writer, "BEGIN IMMEDIATE");
    add(&mut writer, 700);
    execute(&mut writer, "ROLLBACK");
    add(&mut writer, 1);
    assert_eq!(count(&mut writer), 401);
    assert_eq!(count_after_power_cut(&file), 401);
}

#[test]
fn a_log_begins_anew_while_commits_never_pause() {
    /// How often a log has begun anew, as its head says.
    fn beginnings(file: &Path) -> u32 {
        let mut head = [0; 16];
        let mut log = std::fs::File::open(log_of(file)).unwrap();
        log.read_exact(&mut head).unwrap();
        u32::from_be_bytes(head[12..].try_into().unwrap())
    }

    let folder = tempfile::tempdir().unwrap();
    let (file, mut writer) = filler(&folder);
    execute(&mut writer, "PRAGMA wal_autocheckpoint = 0");
    let mut checkpointer = Checkpointer::start(&connector(&file, Access::Write), 200).unwrap();
    let first = beginnings(&file);
    let mut commits = 0;
    while beginnings(&file) < first + 5 {
        assert!(commits < 10_000, "{} times", beginnings(&file) - first);
        for _ in 0..100 {
            execute(
                &mut writer,
                "INSERT INTO filler VALUES (NULL, hex(randomblob(3000)))",
            );
            checkpointer.committed();
        }
        commits += 100;
    }
    assert_eq!(count(&mut writer), commits);
    assert_eq!(count_after_power_cut(&file), commits);
}
