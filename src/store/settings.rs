//! The versions of an authority's settings.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::StoreError;
use super::connection::{AnyConnection, on_backend};
use super::convert::{from_json, json};
use super::schema::settings_versions;
use crate::service::settings::Settings;

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
