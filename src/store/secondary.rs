//! The secondary indexes of a SQLite database: set aside while it is filled, and made again of what is there.
//!
//! A row that is inserted costs a place in every index of its table, anywhere in it; an index made of rows that are
//! there is sorted once. What is set aside stays written in a table, which changes in the same transactions as the
//! indexes, so that a filling may be killed at any moment: whoever opens the database next makes them again,
//! before any migration. Unique indexes are constraints and stay. Nothing here knows what the indexes are.
//! Called by `demo` and `migration`.

use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};

use super::connection::{Access, AnyConnection, Connector, WRITER_CACHE};
use super::{Location, Store, StoreError};

/// In a database that is being filled: the indexes that it is to have again.
pub(super) const SET_ASIDE: &str = "ehcp_indexes_set_aside";

/// The writer needs none of its pages once it has written the rows.
const WRITTEN: &str = "PRAGMA shrink_memory";
/// A sort that outgrows this goes on in a file of its own. With `temp_store` as it is otherwise, which no
/// transaction may change, it would hold the whole index in memory.
const SORTING: &str = "PRAGMA temp_store = FILE; PRAGMA cache_size = -16384";
/// As `connection` opens it, less the cache.
const SORTED: &str = "PRAGMA temp_store = MEMORY";

#[derive(QueryableByName)]
struct Index {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    definition: String,
}

/// Sets the secondary indexes aside, for whoever fills a database that nobody uses yet and then calls
/// [`make_again`]. On PostgreSQL they stay.
pub fn set_aside(store: &Store) -> Result<(), StoreError> {
    store.write_now(|connection| match connection {
        AnyConnection::Sqlite(inner) => Ok(set_all_aside(inner)?),
        AnyConnection::Postgres(_) => Ok(()),
    })
}

/// Makes the indexes again that were set aside; `progress` hears how many are left, after each of them.
pub fn make_again(store: &Store, progress: impl FnMut(usize)) -> Result<(), StoreError> {
    match &store.location {
        Location::SqliteFile(_) => {
            store.write_now(|connection| Ok::<_, StoreError>(connection.batch_execute(WRITTEN)?))?;
        }
        Location::Postgres(_) => return Ok(()),
    }
    let connector = Connector {
        location: store.location.clone(),
        access: Access::Write,
        statements: Arc::default(),
        breaker: Arc::default(),
    };
    let mut connection = connector
        .connect()
        .map_err(|error| StoreError::unavailable(error.trouble(), error.to_string()))?;
    match &mut *connection {
        AnyConnection::Sqlite(inner) => Ok(make_all(inner, progress)?),
        AnyConnection::Postgres(_) => Ok(()),
    }
}

/// [`make_again`] on a connection in no transaction.
pub(super) fn make_all(
    connection: &mut SqliteConnection,
    mut progress: impl FnMut(usize),
) -> QueryResult<()> {
    if waiting(connection)?.is_empty() {
        return Ok(());
    }
    connection.batch_execute(SORTING)?;
    while let Some(left) = connection.immediate_transaction(make_one)? {
        progress(left);
    }
    connection.batch_execute(SORTED)?;
    connection.batch_execute(WRITER_CACHE)
}

fn set_all_aside(connection: &mut SqliteConnection) -> QueryResult<()> {
    let indexes = "SELECT made.name, made.sql AS definition FROM sqlite_schema made \
                   JOIN pragma_index_list(made.tbl_name) listed ON listed.name = made.name \
                   WHERE made.type = 'index' AND made.sql IS NOT NULL AND NOT listed.\"unique\" \
                   ORDER BY made.tbl_name, made.name";
    let indexes: Vec<Index> = sql_query(indexes).load(connection)?;
    connection.batch_execute(&format!(
        "CREATE TABLE IF NOT EXISTS {SET_ASIDE} (name TEXT NOT NULL PRIMARY KEY, definition TEXT NOT NULL)"
    ))?;
    for Index { name, definition } in indexes {
        sql_query(format!(
            "INSERT INTO {SET_ASIDE} (name, definition) VALUES (?, ?)"
        ))
        .bind::<Text, _>(&name)
        .bind::<Text, _>(definition)
        .execute(connection)?;
        connection.batch_execute(&format!("DROP INDEX \"{name}\""))?;
    }
    Ok(())
}

/// Makes one index in the transaction that is open, and answers how many are left; none if there was none.
fn make_one(connection: &mut SqliteConnection) -> QueryResult<Option<usize>> {
    let waiting = waiting(connection)?;
    let Some((index, rest)) = waiting.split_first() else {
        return Ok(None);
    };
    connection.batch_execute(&index.definition)?;
    if rest.is_empty() {
        connection.batch_execute(&format!("DROP TABLE {SET_ASIDE}"))?;
    } else {
        sql_query(format!("DELETE FROM {SET_ASIDE} WHERE name = ?"))
            .bind::<Text, _>(&index.name)
            .execute(connection)?;
    }
    Ok(Some(rest.len()))
}

fn waiting(connection: &mut SqliteConnection) -> QueryResult<Vec<Index>> {
    let is_there = diesel::dsl::sql::<BigInt>("SELECT count(*) FROM sqlite_schema WHERE name = ")
        .bind::<Text, _>(SET_ASIDE)
        .get_result::<i64>(connection)?;
    if is_there == 0 {
        return Ok(Vec::new());
    }
    sql_query(format!("SELECT name, definition FROM {SET_ASIDE} ORDER BY rowid")).load(connection)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::store::table::{known_tables, tables_of};

    fn opened(folder: &TempDir) -> Store {
        Store::open(&Location::SqliteFile(folder.path().join("ehcp.db"))).unwrap()
    }

    /// What a database is made of, in words of its own.
    fn schema(store: &Store) -> Vec<String> {
        store
            .read_now(|connection| {
                let lines =
                    "SELECT type || ' ' || name || ': ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1";
                Ok::<_, StoreError>(diesel::dsl::sql::<Text>(lines).load(connection)?)
            })
            .unwrap()
    }

    fn indexes(schema: &[String]) -> (usize, usize) {
        let (mut unique, mut secondary) = (0, 0);
        for line in schema {
            unique += usize::from(line.contains(": CREATE UNIQUE INDEX "));
            secondary += usize::from(line.contains(": CREATE INDEX "));
        }
        (unique, secondary)
    }

    #[test]
    fn what_is_set_aside_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(&folder);
        let whole = schema(&store);
        let (unique, secondary) = indexes(&whole);
        assert!(unique > 5 && secondary > 30, "{unique} and {secondary}");
        set_aside(&store).unwrap();
        assert_eq!(indexes(&schema(&store)), (unique, 0));
        let mut left = Vec::new();
        make_again(&store, |number| left.push(number)).unwrap();
        assert_eq!(left, (0..secondary).rev().collect::<Vec<_>>());
        assert_eq!(schema(&store), whole);
        make_again(&store, |_| panic!("there is none left")).unwrap();
    }

    /// A process that is killed leaves what it had committed: after the indexes went, and after some came back.
    #[test]
    fn whoever_opens_it_next_makes_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let whole = schema(&opened(&folder));
        for made in [0, 1, 30] {
            let killed = opened(&folder);
            set_aside(&killed).unwrap();
            for _ in 0..made {
                let left = killed.write_now(|connection| match connection {
                    AnyConnection::Sqlite(inner) => Ok::<_, StoreError>(make_one(inner)?),
                    AnyConnection::Postgres(_) => panic!("it is a SQLite file"),
                });
                assert!(left.unwrap() > Some(0));
            }
            assert_eq!(indexes(&schema(&killed)).1, made);
            killed.close();
            assert_eq!(schema(&opened(&folder)), whole);
        }
    }

    /// Filling fails where a row would have broken a constraint all along.
    #[test]
    fn unique_indexes_hold_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(&folder);
        set_aside(&store).unwrap();
        let twice = store.write_now(|connection| {
            let organisation = |id| {
                format!(
                    "INSERT INTO organisations VALUES ('{id}', '885', 'A school', 'school', '1', 0, NULL, 1, \
                     '2026-01-05', '2026-01-05')"
                )
            };
            connection.batch_execute(&organisation(1))?;
            connection.batch_execute(&organisation(2))?;
            Ok::<_, StoreError>(())
        });
        assert!(matches!(twice, Err(StoreError::Duplicate(_))), "{twice:?}");
    }

    /// A backup or a copy that is made meanwhile compares what it should.
    #[test]
    fn the_list_is_no_data() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(&folder);
        set_aside(&store).unwrap();
        let tables = store
            .read_now(|connection| tables_of(connection, "main"))
            .unwrap();
        assert_eq!(tables, known_tables().unwrap());
    }
}
