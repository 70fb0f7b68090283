//! How values become columns and columns values, where Diesel's own types are not portable: ids are
//! TEXT, instants are UTC without a zone, structures are JSON in TEXT.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::StoreError;

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
