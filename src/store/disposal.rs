//! Deleting cases with everything that is held of them, for good.
//!
//! What stays is the trail, less its free text, and the cases' lines on their lists. Which cases go is decided in
//! `service::disposal`, which calls this.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Text};

use super::StoreError;
use super::audit::parted;
use super::connection::{AnyConnection, on_backend};
use super::convert::json;
use super::disposal_list::silence_items;
use super::idempotency::forget_answers_naming;
use super::schema::{advice_requests, audit_entries, case_grants, cases, legal_holds, people, procedures};

/// How many entries of the trail are looked through at a time.
const ENTRIES_AT_A_TIME: i64 = 1_000;

/// By which ids a row belongs to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Belongs {
    Case,
    Procedure,
    Request,
}

/// What is deleted, each table before those that it refers to, with the column that says whose a row is.
const DELETED: [(&str, &str, Belongs); 14] = [
    ("advice_submissions", "request_id", Belongs::Request),
    ("advice_requests", "case_id", Belongs::Case),
    ("clocks", "procedure_id", Belongs::Procedure),
    ("flags", "procedure_id", Belongs::Procedure),
    ("events", "procedure_id", Belongs::Procedure),
    ("plan_versions", "plan_id", Belongs::Procedure),
    ("procedures", "case_id", Belongs::Case),
    ("people", "case_id", Belongs::Case),
    ("legal_holds", "case_id", Belongs::Case),
    ("case_grants", "case_id", Belongs::Case),
    ("case_seals", "case_id", Belongs::Case),
    ("case_external_refs", "case_id", Belongs::Case),
    ("case_facts", "case_id", Belongs::Case),
    ("cases", "id", Belongs::Case),
];

/// Holds cases that are held already, and whose procedures are, so that nothing can refer to them any more, until
/// the transaction ends.
pub fn hold_for_deletion(
    connection: &mut AnyConnection,
    la_code: &str,
    case_ids: &[String],
) -> Result<(), StoreError> {
    match connection {
        // SQLite has one writer, which holds everything already.
        AnyConnection::Sqlite(_) => {}
        AnyConnection::Postgres(inner) => {
            let held: Vec<String> = cases::table
                .filter(cases::la_code.eq(la_code))
                .filter(cases::id.eq_any(case_ids))
                .order(cases::id.asc())
                .select(cases::id)
                .for_update()
                .load(inner)?;
            if held.len() != case_ids.len() {
                return Err(StoreError::Bug("a case that is held is gone".to_owned()));
            }
        }
    }
    Ok(())
}

/// The ids of all procedures of some cases, in their order.
pub fn procedure_ids_of_cases(
    connection: &mut AnyConnection,
    la_code: &str,
    case_ids: &[String],
) -> Result<Vec<String>, StoreError> {
    Ok(procedures::table
        .filter(procedures::la_code.eq(la_code))
        .filter(procedures::case_id.eq_any(case_ids.to_vec()))
        .order(procedures::id.asc())
        .select(procedures::id)
        .load(connection)?)
}

/// Deletes cases that are held, with all that is held of them; answers that were kept for clients and name them;
/// and what was written down as a reason in the trail and on lists of cases to dispose of.
pub fn delete_cases(
    connection: &mut AnyConnection,
    la_code: &str,
    case_ids: &[String],
    procedure_ids: &[String],
) -> Result<(), StoreError> {
    let requests: Vec<String> = advice_requests::table
        .filter(advice_requests::case_id.eq_any(case_ids.to_vec()))
        .select(advice_requests::id)
        .load(connection)?;
    let mut named: BTreeSet<String> = [case_ids, procedure_ids, requests.as_slice()]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    named.extend(parts_of(connection, la_code, case_ids)?);
    for (table, column, belongs) in DELETED {
        let ids = match belongs {
            Belongs::Case => case_ids,
            Belongs::Procedure => procedure_ids,
            Belongs::Request => &requests,
        };
        delete(connection, table, column, ids)?;
    }
    forget_answers_naming(connection, la_code, &named)?;
    forget_reasons(connection, la_code, case_ids, &named)?;
    silence_items(connection, la_code, case_ids)
}

/// The ids of what else of cases has ids of its own.
fn parts_of(
    connection: &mut AnyConnection,
    la_code: &str,
    case_ids: &[String],
) -> Result<Vec<String>, StoreError> {
    let mut ids: Vec<String> = people::table
        .filter(people::la_code.eq(la_code))
        .filter(people::case_id.eq_any(case_ids.to_vec()))
        .select(people::id)
        .load(connection)?;
    ids.extend(
        case_grants::table
            .filter(case_grants::la_code.eq(la_code))
            .filter(case_grants::case_id.eq_any(case_ids.to_vec()))
            .select(case_grants::id)
            .load::<String>(connection)?,
    );
    ids.extend(
        legal_holds::table
            .filter(legal_holds::la_code.eq(la_code))
            .filter(legal_holds::case_id.eq_any(case_ids.to_vec()))
            .select(legal_holds::id)
            .load::<String>(connection)?,
    );
    Ok(ids)
}

/// The ids are of one authority already, and one condition leaves no choice of index.
fn delete(
    connection: &mut AnyConnection,
    table: &str,
    column: &str,
    ids: &[String],
) -> Result<(), StoreError> {
    match connection {
        AnyConnection::Sqlite(inner) => {
            let statement = format!("DELETE FROM {table} WHERE {column} IN (SELECT value FROM json_each(?))");
            sql_query(statement).bind::<Text, _>(json(&ids)?).execute(inner)?;
        }
        AnyConnection::Postgres(inner) => {
            let statement = format!("DELETE FROM {table} WHERE {column} = ANY($1)");
            sql_query(statement).bind::<Array<Text>, _>(ids).execute(inner)?;
        }
    }
    Ok(())
}

/// Removes the reasons of all entries about the cases, or about anything of theirs, and of lists that showed them.
/// The digests stay, so that the chain does.
fn forget_reasons(
    connection: &mut AnyConnection,
    la_code: &str,
    case_ids: &[String],
    named: &BTreeSet<String>,
) -> Result<(), StoreError> {
    let about = audit_entries::table
        .filter(audit_entries::la_code.eq(la_code))
        .filter(audit_entries::case_id.eq_any(case_ids))
        .filter(audit_entries::reason.is_not_null());
    let nothing = audit_entries::reason.eq(None::<String>);
    on_backend!(connection, inner => diesel::update(about).set(nothing).execute(inner))?;
    let mut after = String::new();
    loop {
        let entries: Vec<(String, Option<String>, Option<String>)> = audit_entries::table
            .filter(audit_entries::la_code.eq(la_code.to_owned()))
            .filter(audit_entries::case_id.is_null())
            .filter(audit_entries::reason.is_not_null())
            .filter(audit_entries::id.gt(after.clone()))
            .order(audit_entries::id.asc())
            .limit(ENTRIES_AT_A_TIME)
            .select((
                audit_entries::id,
                audit_entries::resource_id,
                audit_entries::shown_case_ids,
            ))
            .load(connection)?;
        let Some((last, ..)) = entries.last() else {
            return Ok(());
        };
        after.clone_from(last);
        let of_them: Vec<String> = entries
            .into_iter()
            .filter(|(_, resource_id, shown)| {
                resource_id.iter().any(|id| named.contains(id))
                    || parted(shown.as_deref()).any(|id| named.contains(id))
            })
            .map(|(id, ..)| id)
            .collect();
        if !of_them.is_empty() {
            let found = audit_entries::table
                .filter(audit_entries::la_code.eq(la_code))
                .filter(audit_entries::id.eq_any(&of_them));
            let nothing = audit_entries::reason.eq(None::<String>);
            on_backend!(connection, inner => diesel::update(found).set(nothing).execute(inner))?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::table::known_tables;

    /// What is kept of a case that was disposed of: the trail, and the fact.
    const KEPT: [&str; 3] = ["audit_entries", "audit_shown", "disposal_items"];
    /// By what rows belong to a case.
    const OWNERS: [&str; 4] = ["case_id", "procedure_id", "request_id", "plan_id"];

    #[test]
    fn every_table_that_holds_something_of_a_case_is_emptied_of_it_or_known_to_stay() {
        let mut emptied = Vec::new();
        for table in known_tables().unwrap() {
            let belongs = |name: &str| table.columns.iter().any(|column| column.name == name);
            let is_of_a_case = table.name == "cases" || OWNERS.iter().any(|owner| belongs(owner));
            match DELETED.iter().find(|(name, ..)| *name == table.name) {
                Some((name, column, _)) => {
                    assert!(is_of_a_case && belongs(column), "{name}");
                    emptied.push(*name);
                }
                None => assert!(
                    !is_of_a_case || KEPT.contains(&table.name.as_str()),
                    "{} is neither emptied nor known to stay",
                    table.name
                ),
            }
        }
        assert_eq!(emptied.len(), DELETED.len());
    }
}
