//! How values become columns and columns values, where Diesel's own types are not portable: ids are
//! TEXT, instants are UTC without a zone, structures are JSON in TEXT.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use diesel::dsl::sql;
use diesel::expression::{BoxableExpression, is_aggregate};
use diesel::sql_types::{Bool, Date, Text, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{MultiBackend, StoreError};

pub fn instant(column: NaiveDateTime) -> DateTime<Utc> {
    column.and_utc()
}

pub fn id(column: &str) -> Result<Uuid, StoreError> {
    Uuid::parse_str(column).map_err(|_| StoreError::Bug("a stored id cannot be read".to_owned()))
}

pub fn optional_id(column: Option<&str>) -> Result<Option<Uuid>, StoreError> {
    column.map(id).transpose()
}

pub fn text_of(id: Option<Uuid>) -> Option<String> {
    id.map(|id| id.to_string())
}

pub fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(unwritable)
}

pub fn unwritable(_: serde_json::Error) -> StoreError {
    StoreError::Bug("a value cannot be written as JSON".to_owned())
}

pub fn from_json<T: DeserializeOwned>(column: &str) -> Result<T, StoreError> {
    serde_json::from_str(column).map_err(unreadable)
}

/// Says where, and nothing of what is there.
pub fn unreadable(error: serde_json::Error) -> StoreError {
    StoreError::Bug(format!(
        "stored JSON cannot be read ({:?} at column {})",
        error.classify(),
        error.column()
    ))
}

/// The value of a vocabulary whose name a column holds.
pub fn named<T: DeserializeOwned>(column: &str) -> Result<T, StoreError> {
    T::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(
        column,
    ))
    .map_err(|_| StoreError::Bug("a stored name is not in its vocabulary".to_owned()))
}

/// The name of a vocabulary's value, as the API and the stores spell it.
pub fn name_of<T: Serialize>(value: &T) -> Result<String, StoreError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => Ok(name),
        _ => Err(StoreError::Bug("a vocabulary's value has no name".to_owned())),
    }
}

/// What follows a day and id, for the two columns given. One comparison of both, since an index is
/// entered at the place only then.
pub fn after<Table: 'static>(
    columns: &str,
    day: NaiveDate,
    id: Uuid,
) -> Box<dyn BoxableExpression<Table, MultiBackend, (), is_aggregate::Never, SqlType = Bool>> {
    Box::new(
        sql::<Bool>(&format!("{columns} > ("))
            .bind::<Date, _>(day)
            .sql(", ")
            .bind::<Text, _>(id.to_string())
            .sql(")"),
    )
}

/// What follows an instant and id, like [`after`].
pub fn after_instant<Table: 'static>(
    columns: &str,
    at: NaiveDateTime,
    id: Uuid,
) -> Box<dyn BoxableExpression<Table, MultiBackend, (), is_aggregate::Never, SqlType = Bool>> {
    Box::new(
        sql::<Bool>(&format!("{columns} > ("))
            .bind::<Timestamp, _>(at)
            .sql(", ")
            .bind::<Text, _>(id.to_string())
            .sql(")"),
    )
}
