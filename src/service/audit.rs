//! Reading the trail, which is on the trail itself.

use std::collections::HashMap;

use super::{Error, Work};
use crate::store::audit::{AuditFilter, AuditRow, audit_entries_of};
use crate::store::chain::places_of;

/// An entry with its place in the chain, if it has one yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    pub row: AuditRow,
    pub sequence: Option<i64>,
}

/// A page of the authority's trail, the oldest first.
pub fn list_audit_entries(work: &mut Work<'_>, filter: &AuditFilter) -> Result<Vec<AuditEntry>, Error> {
    let la_code = work.la_code();
    let rows = audit_entries_of(work.connection, &la_code, filter)?;
    match filter.case_id {
        Some(case_id) => work.shows_case(&case_id.to_string(), None),
        None => work.shows_page(0, std::iter::empty::<&str>()),
    }
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let places: HashMap<String, i64> = places_of(work.connection, &la_code, &ids)?.into_iter().collect();
    Ok(rows
        .into_iter()
        .map(|row| AuditEntry {
            sequence: places.get(&row.id).copied(),
            row,
        })
        .collect())
}
