//! What can go wrong in the store, and how a database's own error becomes one of these.
//!
//! No text here holds a value of a row: what the databases quote is masked.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, DeserializeFieldError, Error};

/// What a use case can be told by the store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no such row for whoever asks.
    #[error("not found")]
    NotFound,
    /// A unique index refused the row. Holds `table.column,table.column` on SQLite, or the name of the
    /// index where it is over an expression; on PostgreSQL always the name of the constraint or index.
    #[error("already there: {0}")]
    Duplicate(String),
    /// The row is no longer as the caller assumed it.
    #[error("changed since it was read")]
    Stale,
    /// The database could not do it now; the same request may succeed later. Nothing was written.
    #[error("the database is unavailable: {reason}")]
    Unavailable { want: Want, reason: String },
    /// A fault of this program or of the stored data; asking again does not help.
    #[error("fault in the store: {0}")]
    Bug(String),
}

/// What is wanting where the store is unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// The database is away, or could not do what it was asked.
    Database,
    /// Every connection was in use for as long as a request may wait.
    Connection,
    /// As many writes wait for the SQLite writer as may.
    Room,
    /// The program is stopping.
    Time,
}

impl StoreError {
    /// The database is away, or could not do it.
    pub(super) fn unavailable(reason: impl Into<String>) -> StoreError {
        StoreError::wanting(Want::Database, reason)
    }

    pub(super) fn wanting(want: Want, reason: impl Into<String>) -> StoreError {
        StoreError::Unavailable {
            want,
            reason: reason.into(),
        }
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> StoreError {
        match error {
            Error::NotFound => StoreError::NotFound,
            Error::DatabaseError(kind, information) => from_database(kind, &*information),
            Error::BrokenTransactionManager | Error::RollbackErrorOnCommit { .. } => {
                StoreError::unavailable("the connection broke inside a transaction")
            }
            Error::DeserializationError(cause) => match cause.downcast_ref::<DeserializeFieldError>() {
                Some(DeserializeFieldError {
                    field_name: Some(name),
                    ..
                }) => StoreError::Bug(format!("the stored value of `{name}` cannot be read")),
                _ => StoreError::Bug("a stored value cannot be read".to_owned()),
            },
            // The remaining kinds quote either SQL or the value that would not convert.
            Error::SerializationError(_) => StoreError::Bug("a value cannot be stored".to_owned()),
            Error::QueryBuilderError(_) => StoreError::Bug("a query cannot be built".to_owned()),
            other => StoreError::Bug(without_quotations(&other.to_string())),
        }
    }
}

fn from_database(
    kind: DatabaseErrorKind,
    information: &(dyn DatabaseErrorInformation + Send + Sync),
) -> StoreError {
    let message = information.message();
    match kind {
        DatabaseErrorKind::UniqueViolation => StoreError::Duplicate(violated(information)),
        DatabaseErrorKind::ClosedConnection
        | DatabaseErrorKind::UnableToSendCommand
        | DatabaseErrorKind::SerializationFailure => StoreError::unavailable(without_quotations(message)),
        DatabaseErrorKind::ForeignKeyViolation
        | DatabaseErrorKind::RestrictViolation
        | DatabaseErrorKind::NotNullViolation
        | DatabaseErrorKind::CheckViolation
        | DatabaseErrorKind::ExclusionViolation => {
            let name = information.constraint_name().or(information.column_name());
            let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
            StoreError::Bug(without_quotations(message) + &name)
        }
        _ if PASSING_TROUBLES.iter().any(|trouble| message.contains(trouble)) => {
            StoreError::unavailable(without_quotations(message))
        }
        _ => StoreError::Bug(without_quotations(message)),
    }
}

/// Troubles that Diesel reports by message alone: SQLite's first, then PostgreSQL's.
const PASSING_TROUBLES: [&str; 13] = [
    "database is locked",
    "database table is locked",
    "database or disk is full",
    "disk I/O error",
    "locking protocol",
    "out of memory",
    "unable to open database file",
    "deadlock detected",
    "lock timeout",
    "No space left on device",
    "terminating connection",
    "the database system is",
    "connection slots",
];

/// Names what a unique constraint is on: PostgreSQL tells its name, SQLite only writes a sentence.
fn violated(information: &(dyn DatabaseErrorInformation + Send + Sync)) -> String {
    if let Some(name) = information.constraint_name() {
        return name.to_owned();
    }
    let subject = information
        .message()
        .split_once("failed: ")
        .map_or("", |(_, subject)| subject);
    match subject.strip_prefix("index '") {
        Some(index) => index.trim_end_matches('\'').to_owned(),
        None => subject.replace(", ", ","),
    }
}

/// PostgreSQL quotes the offending value in some messages, in the same quotes as names of columns.
fn without_quotations(message: &str) -> String {
    let mut parts = message.trim().split('"');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for (position, part) in parts.enumerate() {
        text.push_str(if position % 2 == 0 { "…" } else { part });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(kind: DatabaseErrorKind, message: &str) -> StoreError {
        StoreError::from(Error::DatabaseError(kind, Box::new(message.to_owned())))
    }

    #[test]
    fn sqlite_sentences_become_columns_or_an_index() {
        let duplicate = |message| sqlite(DatabaseErrorKind::UniqueViolation, message);
        assert_eq!(
            duplicate("UNIQUE constraint failed: cases.la_code, cases.upn"),
            StoreError::Duplicate("cases.la_code,cases.upn".to_owned())
        );
        assert_eq!(
            duplicate("UNIQUE constraint failed: index 'one_live_advice_request'"),
            StoreError::Duplicate("one_live_advice_request".to_owned())
        );
    }

    #[test]
    fn passing_troubles_are_told_from_faults() {
        for message in [
            "database is locked",
            "database or disk is full",
            "canceling statement due to lock timeout",
        ] {
            let error = sqlite(DatabaseErrorKind::Unknown, message);
            assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        }
        assert!(matches!(
            sqlite(DatabaseErrorKind::Unknown, "no such column: upn"),
            StoreError::Bug(_)
        ));
        assert_eq!(StoreError::from(Error::NotFound), StoreError::NotFound);
    }

    #[test]
    fn what_a_database_quotes_is_masked() {
        let error = sqlite(
            DatabaseErrorKind::Unknown,
            "invalid input syntax for type integer: \"Kofi\" at \"row\" 3",
        );
        assert_eq!(
            error,
            StoreError::Bug("invalid input syntax for type integer: … at … 3".to_owned())
        );
        let unclosed = sqlite(DatabaseErrorKind::Unknown, "unrecognised token: \"Kofi");
        assert_eq!(unclosed, StoreError::Bug("unrecognised token: …".to_owned()));
    }
}
