//! What connections that read have mapped of a SQLite file.

use super::*;

/// Where the file is mapped, as Linux says: addresses `from-to` in hexadecimal digits.
fn mappings_of(file: &Path) -> Vec<String> {
    let all = std::fs::read_to_string("/proc/self/maps").unwrap();
    let file = file.to_str().unwrap();
    let of_file = all.lines().filter(|line| line.ends_with(file));
    of_file
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect()
}

fn length(mapping: &str) -> u64 {
    let (from, to) = mapping.split_once('-').unwrap();
    u64::from_str_radix(to, 16).unwrap() - u64::from_str_radix(from, 16).unwrap()
}

fn count(connection: &mut AnyConnection) -> i64 {
    sql::<BigInt>("SELECT count(*) FROM filler")
        .get_result(connection)
        .unwrap()
}

fn add(connection: &mut AnyConnection, rows: u32) {
    execute(
        connection,
        &format!(
            "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {rows}) \
             INSERT INTO filler SELECT NULL, zeroblob(1000) FROM number; PRAGMA wal_checkpoint(TRUNCATE)"
        ),
    );
}

#[test]
#[cfg(target_os = "linux")]
fn what_a_reader_has_mapped_stays_when_others_commit() {
    let folder = tempfile::tempdir().unwrap();
    // What means something else in a URI is part of the path.
    let folder = folder.path().join("100%25 of ?mode=ro#all");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("ehcp.db");
    // One that reads and one that writes, without pools and threads in which others would read.
    let mut writer = connector(&file, Access::Write).connect().unwrap();
    execute(
        &mut writer,
        "CREATE TABLE filler (id INTEGER PRIMARY KEY, content BLOB)",
    );
    add(&mut writer, 1000);
    drop(writer);
    let mut reader = connector(&file, Access::Read).connect().unwrap();
    assert_eq!(count(&mut reader), 1000);
    let mut writer = connector(&file, Access::Write).connect().unwrap();
    execute(&mut writer, "PRAGMA mmap_size = 0");
    add(&mut writer, 1);
    assert_eq!(count(&mut reader), 1001);
    let mapped = mappings_of(&file);
    assert_eq!(mapped.len(), 1, "{mapped:?}");

    add(&mut writer, 10);
    assert_eq!(count(&mut reader), 1011);
    execute(&mut writer, "DELETE FROM filler WHERE id <= 5");
    assert_eq!(count(&mut reader), 1006);
    assert_eq!(mappings_of(&file), mapped);

    // Grown, it is mapped as a whole.
    add(&mut writer, 1000);
    assert_eq!(count(&mut reader), 2006);
    let grown = mappings_of(&file);
    assert!(length(&grown[0]) > length(&mapped[0]) * 3 / 2, "{grown:?}");

    // Nothing is read beyond its end.
    execute(&mut writer, "DELETE FROM filler WHERE id > 500; VACUUM");
    execute(&mut writer, "PRAGMA wal_checkpoint(TRUNCATE)");
    assert_eq!(count(&mut reader), 495);
    let shrunk = mappings_of(&file);
    assert!(length(&shrunk[0]) < length(&mapped[0]), "{shrunk:?}");
    add(&mut writer, 3000);
    assert_eq!(count(&mut reader), 3495);
}
