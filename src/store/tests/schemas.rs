//! The twin migrations: they make the same tables, and each of them can be taken back.

use std::collections::BTreeSet;

use diesel::backend::Backend;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::postgres;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// What a database holds, a line for each thing, in words that both databases share.
type Schema = BTreeSet<String>;

fn sqlite() -> SqliteConnection {
    SqliteConnection::establish(":memory:").unwrap()
}

fn postgres() -> Option<PgConnection> {
    let url = postgres::server()?.database();
    Some(PgConnection::establish(&url).unwrap())
}

fn sqlite_schema(connection: &mut SqliteConnection) -> Schema {
    let tables = "sqlite_master t WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite!_%' ESCAPE '!'";
    let of_each_table = |line: &str, source: &str| {
        let tables = tables.replacen("t WHERE", &format!("t JOIN {source} WHERE"), 1);
        format!("SELECT t.name || ': ' || {line} FROM {tables}")
    };
    let primary_key = "(SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_table_info(t.name) WHERE pk > 0 ORDER BY pk))";
    let queries = [
        of_each_table(
            "'column ' || c.cid || ' ' || c.name || ' ' || c.type || CASE c.\"notnull\" WHEN 1 THEN ' not null' ELSE '' END",
            // The plain form leaves out what is computed.
            "pragma_table_xinfo(t.name) c",
        ),
        format!("SELECT t.name || ': primary key ' || {primary_key} FROM {tables}"),
        of_each_table(
            "'unique ' || (SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno))",
            "pragma_index_list(t.name) i ON i.origin = 'u'",
        ),
        of_each_table(
            "'foreign key ' || f.\"from\" || ' references ' || f.\"table\" || ' ' || f.\"to\" || replace(' on update ' || f.on_update || ' on delete ' || f.on_delete, ' on update NO ACTION on delete NO ACTION', '')",
            "pragma_foreign_key_list(t.name) f",
        ),
        "SELECT tbl_name || ': ' || sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL".to_owned(),
        // What each does is in words of its own database.
        "SELECT tbl_name || ': ' || type || ' ' || name FROM sqlite_master WHERE type NOT IN ('table', 'index')"
            .to_owned(),
    ];
    let mut schema: Schema = queries
        .iter()
        .flat_map(|query| lines(connection, query))
        .collect();
    for (table, definition) in lines(
        connection,
        &format!("SELECT t.name || ': ' || t.sql FROM {tables}"),
    )
    .iter()
    .filter_map(|line| line.split_once(": "))
    {
        schema.extend(checks(definition).map(|check| plain(&format!("{table}: {check}"))));
    }
    without_migrations(schema)
}

fn postgres_schema(connection: &mut PgConnection) -> Schema {
    let queries = [
        "SELECT c.relname || ': column ' || (row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum) - 1) || ' ' || a.attname || ' ' \
            || replace(format_type(a.atttypid, a.atttypmod), ' without time zone', '') \
            || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END \
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
         WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'",
        "SELECT c.relname || ': ' || pg_get_constraintdef(k.oid) \
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid \
         WHERE c.relnamespace = current_schema()::regnamespace",
        "SELECT i.tablename || ': ' || replace(i.indexdef, current_schema() || '.', '') FROM pg_indexes i \
         WHERE i.schemaname = current_schema() AND NOT EXISTS (SELECT FROM pg_constraint k \
             WHERE k.conname = i.indexname AND k.connamespace = current_schema()::regnamespace)",
        "SELECT relname || ': ' || relkind::text FROM pg_class \
         WHERE relnamespace = current_schema()::regnamespace AND relkind NOT IN ('r', 'i', 't')",
        "SELECT c.relname || ': trigger ' || t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid \
         WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal",
        "SELECT proname || ': function' FROM pg_proc WHERE pronamespace = current_schema()::regnamespace",
    ];
    let schema = queries
        .iter()
        .flat_map(|query| lines(connection, query))
        .collect();
    without_migrations(schema)
}

fn lines<C>(connection: &mut C, query: &str) -> Vec<String>
where
    C: Connection,
    diesel::expression::SqlLiteral<Text>: diesel::query_dsl::LoadQuery<'static, C, String>,
{
    let found: Vec<String> = sql::<Text>(query).load(connection).unwrap();
    found.iter().map(|line| plain(line)).collect()
}

/// The checks in the definition of a table, each to its closing parenthesis.
fn checks(definition: &str) -> impl Iterator<Item = String> {
    definition.match_indices("check (").map(|(start, _)| {
        let mut depth = 0;
        let ends = |character: char| {
            depth += i32::from(character == '(') - i32::from(character == ')');
            character == ')' && depth == 0
        };
        let length = definition[start..].find(ends).unwrap();
        definition[start..start + length].to_owned()
    })
}

/// A line in the words that both databases share, without parentheses, which PostgreSQL adds as it likes.
fn plain(line: &str) -> String {
    let mut plain = line.to_lowercase();
    for (from, to) in [
        ("::text", ""),
        ("::date", ""),
        (" using btree", ""),
        ("= any (array[", "in ("),
        ("]", ""),
        // A list of one.
        (" = '", " in ('"),
    ] {
        plain = plain.replace(from, to);
    }
    plain
}

fn without_migrations(schema: Schema) -> Schema {
    let is_own = |line: &String| !line.starts_with("__diesel_schema_migrations");
    let without_parentheses = |line: String| {
        line.replace(['(', ')'], " ")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    schema
        .into_iter()
        .filter(is_own)
        .map(without_parentheses)
        .collect()
}

#[test]
fn both_databases_have_the_same_tables() {
    let Some(mut postgres) = postgres() else {
        return;
    };
    let mut sqlite = sqlite();
    sqlite.run_pending_migrations(SQLITE).unwrap();
    postgres.run_pending_migrations(POSTGRES).unwrap();
    let (on_sqlite, mut on_postgres) = (sqlite_schema(&mut sqlite), postgres_schema(&mut postgres));
    // Its triggers call one; those of SQLite say what they do.
    on_postgres.retain(|line| !line.ends_with(": function"));
    for kind in [
        "column",
        "primary key",
        "foreign key",
        "check",
        "create index",
        "create unique index",
        "trigger",
    ] {
        let of_kind = |schema: &Schema| {
            schema
                .iter()
                .filter(|line| line.contains(&format!(": {kind} ")))
                .count()
        };
        assert!(of_kind(&on_sqlite) > 0, "no {kind} is seen");
    }
    let only = |these: &Schema, those: &Schema| these.difference(those).cloned().collect::<Vec<_>>();
    assert_eq!(
        (only(&on_sqlite, &on_postgres), only(&on_postgres, &on_sqlite)),
        (Vec::new(), Vec::new()),
        "only on SQLite, and only on PostgreSQL"
    );
}

/// SQLite compares bytes, and PostgreSQL must in whatever is looked up or sorted.
#[test]
fn what_is_indexed_on_postgresql_sorts_by_its_bytes() {
    let Some(mut connection) = postgres() else {
        return;
    };
    connection.run_pending_migrations(POSTGRES).unwrap();
    let others = "SELECT DISTINCT c.relname || '.' || a.attname FROM pg_index i \
        JOIN pg_class c ON c.oid = i.indrelid AND c.relnamespace = current_schema()::regnamespace \
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[]) \
        JOIN pg_collation k ON k.oid = a.attcollation AND k.collname <> 'C' \
        WHERE c.relname NOT LIKE '!_!_%' ESCAPE '!'";
    assert_eq!(lines(&mut connection, others), Vec::<String>::new());
}

/// Applies each migration, takes it back and applies it again.
fn up_down_up<DB: Backend, C: MigrationHarness<DB>>(
    connection: &mut C,
    migrations: fn() -> EmbeddedMigrations,
    schema: fn(&mut C) -> Schema,
) where
    EmbeddedMigrations: diesel::migration::MigrationSource<DB>,
{
    let mut applied = 0;
    while connection.has_pending_migration(migrations()).unwrap() {
        let before = schema(connection);
        connection.run_next_migration(migrations()).unwrap();
        let after = schema(connection);
        assert_ne!(after, before);
        connection.revert_last_migration(migrations()).unwrap();
        assert_eq!(schema(connection), before);
        connection.run_next_migration(migrations()).unwrap();
        assert_eq!(schema(connection), after);
        applied += 1;
    }
    assert!(applied > 0);
    connection.revert_all_migrations(migrations()).unwrap();
    assert_eq!(schema(connection), Schema::new(), "nothing is left");
}

#[test]
fn every_migration_can_be_taken_back() {
    up_down_up(&mut sqlite(), || SQLITE, sqlite_schema);
    if let Some(mut connection) = postgres() {
        up_down_up(&mut connection, || POSTGRES, postgres_schema);
    }
}
