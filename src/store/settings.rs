//! The versions of an authority's settings.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};

use super::StoreError;
use super::connection::{AnyConnection, on_backend};
use super::convert::{from_json, instant, json};
use super::schema::settings_versions;
use crate::service::settings::Settings;

/// Any number of this program's own, the same in every version: with an authority it names the lock on the
/// authority's settings.
const ADVISORY_LOCKS: i32 = 0x4548;

/// The settings as they are known, or as they were known at an instant, with their version;
/// defaults and version 0 for an authority that has set none.
pub fn settings_at(
    connection: &mut AnyConnection,
    la_code: &str,
    known_at: Option<DateTime<Utc>>,
) -> Result<(i64, Settings), StoreError> {
    let newest = settings_versions::table
        .filter(settings_versions::la_code.eq(la_code))
        .order(settings_versions::version.desc())
        .select((settings_versions::version, settings_versions::data));
    let found: Option<(i64, String)> = match known_at {
        None => on_backend!(connection, inner => newest.first(inner)).optional()?,
        Some(known_at) => newest
            .filter(settings_versions::recorded_at.le(known_at.naive_utc()))
            .first(connection)
            .optional()?,
    };
    match found {
        Some((version, data)) => Ok((version, from_json(&data)?)),
        None => Ok((0, Settings::default())),
    }
}

/// Every version of the settings that was recorded after an instant, with its own, the oldest first.
pub fn settings_after(
    connection: &mut AnyConnection,
    la_code: &str,
    after: DateTime<Utc>,
) -> Result<Vec<(DateTime<Utc>, Settings)>, StoreError> {
    let rows: Vec<(NaiveDateTime, String)> = on_backend!(connection, inner => settings_versions::table
        .filter(settings_versions::la_code.eq(la_code))
        .filter(settings_versions::recorded_at.gt(after.naive_utc()))
        .order(settings_versions::version.asc())
        .select((settings_versions::recorded_at, settings_versions::data)).load(inner))?;
    let versions = rows.into_iter();
    versions
        .map(|(recorded_at, data)| Ok((instant(recorded_at), from_json(&data)?)))
        .collect()
}

/// How something is held.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hold {
    /// Others may hold it so too.
    Shared,
    Alone,
}

/// Holds an authority's settings as they are until the transaction ends; others may hold them so too.
pub fn keep_settings(connection: &mut AnyConnection, la_code: &str) -> Result<(), StoreError> {
    hold_authority(connection, ADVISORY_LOCKS, la_code, Hold::Shared)
}

/// Holds an authority's settings for changing them until the transaction ends.
pub fn lock_settings(connection: &mut AnyConnection, la_code: &str) -> Result<(), StoreError> {
    hold_authority(connection, ADVISORY_LOCKS, la_code, Hold::Alone)
}

/// Holds something of an authority for which there is no row to lock, until the transaction ends.
pub(super) fn hold_authority(
    connection: &mut AnyConnection,
    locks: i32,
    la_code: &str,
    hold: Hold,
) -> Result<(), StoreError> {
    let function = match hold {
        Hold::Shared => "pg_advisory_xact_lock_shared",
        Hold::Alone => "pg_advisory_xact_lock",
    };
    match connection {
        // SQLite has one writer, which holds everything already.
        AnyConnection::Sqlite(_) => {}
        AnyConnection::Postgres(inner) => {
            diesel::sql_query(format!("SELECT {function}($1, hashtext($2))"))
                .bind::<Integer, _>(locks)
                .bind::<Text, _>(la_code)
                .execute(inner)?;
        }
    }
    Ok(())
}

pub fn insert_settings(
    connection: &mut AnyConnection,
    la_code: &str,
    version: i64,
    recorded_at: DateTime<Utc>,
    recorded_by: &str,
    settings: &Settings,
) -> Result<(), StoreError> {
    on_backend!(connection, inner => diesel::insert_into(settings_versions::table)
        .values((
            settings_versions::la_code.eq(la_code),
            settings_versions::version.eq(version),
            settings_versions::recorded_at.eq(recorded_at.naive_utc()),
            settings_versions::recorded_by.eq(recorded_by),
            settings_versions::data.eq(json(settings)?),
        )).execute(inner))?;
    Ok(())
}
