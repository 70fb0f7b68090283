//! The chain of an authority's trail: the place of each entry in it, what waits for one, and the head.
//!
//! How an entry is chained to the one before, `service::sealing` knows. Called by it and by those who verify.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::StoreError;
use super::audit::AuditRow;
use super::column::Instant;
use super::connection::{AnyConnection, on_backend};
use super::fragment::among;
use super::schema::{audit_chain, audit_chain_heads, audit_entries, audit_unchained};
use super::statement::{Columns, column, insert_rows};

/// The place of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = audit_chain)]
pub struct Link {
    pub la_code: String,
    /// From 1, without gaps.
    pub sequence: i64,
    pub entry_id: String,
    /// Of the entry and the hash before.
    pub hash: String,
}

/// The last place of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_chain_heads)]
pub struct Head {
    pub la_code: String,
    pub sequence: i64,
    pub hash: String,
    #[diesel(deserialize_as = Instant)]
    pub sealed_at: NaiveDateTime,
}

/// Authorities with entries that wait, or with a chain.
pub fn authorities_with_a_trail(connection: &mut AnyConnection) -> Result<Vec<String>, StoreError> {
    let mut found = authorities_that_wait(connection)?;
    let chained: Vec<String> = audit_chain_heads::table
        .select(audit_chain_heads::la_code)
        .load(connection)?;
    found.extend(chained);
    // One whose head was taken away has entries still.
    let mut after = String::new();
    while let Some(la_code) = first_after(connection, &after)? {
        after.clone_from(&la_code);
        found.push(la_code);
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn first_after(connection: &mut AnyConnection, after: &str) -> Result<Option<String>, StoreError> {
    Ok(audit_entries::table
        .filter(audit_entries::la_code.gt(after))
        .select(diesel::dsl::min(audit_entries::la_code))
        .get_result(connection)?)
}

/// Authorities with entries that wait for their place.
pub fn authorities_that_wait(connection: &mut AnyConnection) -> Result<Vec<String>, StoreError> {
    let mut found: Vec<String> = Vec::new();
    // The key leads from one to the next, however much waits.
    loop {
        let after = found.last().cloned().unwrap_or_default();
        let next: Option<String> = audit_unchained::table
            .filter(audit_unchained::la_code.gt(after))
            .select(diesel::dsl::min(audit_unchained::la_code))
            .get_result(connection)?;
        match next {
            Some(la_code) => found.push(la_code),
            None => return Ok(found),
        }
    }
}

/// Entries that wait, the oldest first. One that was taken away waits for ever, and holds up no other.
pub fn unchained(
    connection: &mut AnyConnection,
    la_code: &str,
    limit: i64,
) -> Result<Vec<AuditRow>, StoreError> {
    let mut found: Vec<AuditRow> = Vec::new();
    let mut after = String::new();
    // Joined, PostgreSQL would now and then begin with the entries and go through all that are sealed.
    loop {
        let wanted = limit - found.len() as i64;
        let ids: Vec<String> = audit_unchained::table
            .filter(audit_unchained::la_code.eq(la_code))
            .filter(audit_unchained::entry_id.gt(&after))
            .order(audit_unchained::entry_id)
            .limit(wanted)
            .select(audit_unchained::entry_id)
            .load(connection)?;
        let mut entries = entries_by_id(connection, la_code, &ids)?;
        entries.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        let (is_page_full, is_any_missing) = (ids.len() as i64 == wanted, entries.len() < ids.len());
        found.append(&mut entries);
        match ids.last() {
            Some(last) if is_page_full && is_any_missing => after.clone_from(last),
            _ => return Ok(found),
        }
    }
}

/// How many entries wait, and the id of the oldest; of one authority or of all.
pub fn count_unchained(
    connection: &mut AnyConnection,
    la_code: Option<&str>,
) -> Result<(i64, Option<String>), StoreError> {
    let counted = (
        diesel::dsl::count_star(),
        diesel::dsl::min(audit_unchained::entry_id),
    );
    Ok(match la_code {
        Some(la_code) => audit_unchained::table
            .filter(audit_unchained::la_code.eq(la_code))
            .select(counted)
            .get_result(connection)?,
        None => audit_unchained::table.select(counted).get_result(connection)?,
    })
}

/// Entries by their ids, in no order.
pub fn entries_by_id(
    connection: &mut AnyConnection,
    la_code: &str,
    ids: &[String],
) -> Result<Vec<AuditRow>, StoreError> {
    let of_authority = audit_entries::table.filter(audit_entries::la_code.eq(la_code));
    Ok(match connection {
        AnyConnection::Sqlite(inner) => of_authority
            .filter(among("audit_entries.id", ids))
            .select(AuditRow::as_select())
            .load(inner)?,
        // As a list of values, kept and planned for any of them, it would be compared with every entry.
        AnyConnection::Postgres(inner) => of_authority
            .filter(audit_entries::id.eq_any(ids))
            .select(AuditRow::as_select())
            .load(inner)?,
    })
}

/// The places of entries, in no order; those that wait have none.
pub fn places_of(
    connection: &mut AnyConnection,
    la_code: &str,
    ids: &[String],
) -> Result<Vec<(String, i64)>, StoreError> {
    Ok(audit_chain::table
        .filter(audit_chain::la_code.eq(la_code))
        .filter(among("audit_chain.entry_id", ids))
        .select((audit_chain::entry_id, audit_chain::sequence))
        .load(connection)?)
}

/// The places from one on, in order.
pub fn links_from(
    connection: &mut AnyConnection,
    la_code: &str,
    sequence: i64,
    limit: i64,
) -> Result<Vec<Link>, StoreError> {
    Ok(audit_chain::table
        .filter(audit_chain::la_code.eq(la_code))
        .filter(audit_chain::sequence.ge(sequence))
        .order(audit_chain::sequence)
        .limit(limit)
        .select(Link::as_select())
        .load(connection)?)
}

/// The place of a sequence, if there is one.
pub fn link_at(
    connection: &mut AnyConnection,
    la_code: &str,
    sequence: i64,
) -> Result<Option<Link>, StoreError> {
    Ok(audit_chain::table
        .filter(audit_chain::la_code.eq(la_code))
        .filter(audit_chain::sequence.eq(sequence))
        .select(Link::as_select())
        .first(connection)
        .optional()?)
}

/// Entries that neither have a place nor wait for one, which the program never makes.
pub fn count_outside(connection: &mut AnyConnection, la_code: &str) -> Result<i64, StoreError> {
    let waits = audit_unchained::table
        .filter(audit_unchained::la_code.eq(audit_entries::la_code))
        .filter(audit_unchained::entry_id.eq(audit_entries::id));
    let is_chained = audit_chain::table
        .filter(audit_chain::la_code.eq(audit_entries::la_code))
        .filter(audit_chain::entry_id.eq(audit_entries::id));
    Ok(audit_entries::table
        .filter(audit_entries::la_code.eq(la_code))
        .filter(diesel::dsl::not(diesel::dsl::exists(waits)))
        .filter(diesel::dsl::not(diesel::dsl::exists(is_chained)))
        .count()
        .get_result(connection)?)
}

/// The last place of a chain as it was noted; none before the first.
pub fn head_of(connection: &mut AnyConnection, la_code: &str) -> Result<Option<Head>, StoreError> {
    Ok(audit_chain_heads::table
        .filter(audit_chain_heads::la_code.eq(la_code))
        .select(Head::as_select())
        .first(connection)
        .optional()?)
}

/// Gives entries that wait their places behind a head, and moves the head. `Stale` if the head is another by
/// now, or one of them does not wait any more.
pub fn add_links(
    connection: &mut AnyConnection,
    before: Option<&Head>,
    links: &[Link],
    after: &Head,
) -> Result<(), StoreError> {
    let la_code = &after.la_code;
    let moved = match before {
        Some(before) => diesel::update(
            audit_chain_heads::table
                .filter(audit_chain_heads::la_code.eq(la_code))
                .filter(audit_chain_heads::sequence.eq(before.sequence))
                .filter(audit_chain_heads::hash.eq(&before.hash)),
        )
        .set((
            audit_chain_heads::sequence.eq(after.sequence),
            audit_chain_heads::hash.eq(&after.hash),
            audit_chain_heads::sealed_at.eq(after.sealed_at),
        ))
        .execute(connection)?,
        None => on_backend!(connection, inner => diesel::insert_into(audit_chain_heads::table)
            .values(after)
            .on_conflict_do_nothing()
            .execute(inner))?,
    };
    let rows: Vec<Columns<'_>> = links.iter().map(columns_of).collect();
    let added = insert_rows(connection, "audit_chain", &rows)?;
    let ids: Vec<String> = links.iter().map(|link| link.entry_id.clone()).collect();
    let sealed = audit_unchained::table.filter(audit_unchained::la_code.eq(la_code));
    let waited = match connection {
        AnyConnection::Sqlite(inner) => {
            diesel::delete(sealed.filter(among("audit_unchained.entry_id", &ids))).execute(inner)?
        }
        // As a list of values it would be compared with everything that waits, like that of `entries_by_id`.
        AnyConnection::Postgres(inner) => {
            diesel::delete(sealed.filter(audit_unchained::entry_id.eq_any(&ids))).execute(inner)?
        }
    };
    if moved == 1 && added == links.len() && waited == links.len() {
        Ok(())
    } else {
        Err(StoreError::Stale)
    }
}

fn columns_of(link: &Link) -> Columns<'_> {
    vec![
        column(audit_chain::la_code, &link.la_code),
        column(audit_chain::sequence, link.sequence),
        column(audit_chain::entry_id, &link.entry_id),
        column(audit_chain::hash, &link.hash),
    ]
}
