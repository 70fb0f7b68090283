//! The trail of changes: who did what to which record, in the transaction of the change itself.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::StoreError;
use super::connection::{AnyConnection, on_backend};
use super::schema::audit_entries;

/// One change. It holds ids, never what a record says.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = audit_entries)]
pub struct AuditRow {
    pub id: String,
    pub la_code: String,
    pub recorded_at: NaiveDateTime,
    pub subject: String,
    pub action: String,
    pub resource_id: String,
    pub case_id: Option<String>,
    pub version: Option<i64>,
    pub trace_id: String,
}

pub fn insert_audit_entry(connection: &mut AnyConnection, row: &AuditRow) -> Result<(), StoreError> {
    on_backend!(connection, inner => diesel::insert_into(audit_entries::table)
        .values(row).execute(inner))?;
    Ok(())
}
