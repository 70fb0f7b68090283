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
    Unavailable { trouble: Trouble, reason: String },
    /// Nobody has said whether the transaction was committed. Asking again under the same idempotency key
    /// finds out, and does nothing twice.
    #[error("it is not known whether the database has committed: {reason}")]
    OutcomeUnknown { reason: String },
    /// A fault of this program or of the stored data; asking again does not help.
    #[error("fault in the store: {0}")]
    Bug(String),
}

/// What keeps the database from doing it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// No connection can be made, or the one there was broke.
    Unreachable,
    /// It did not answer in time, or too much waits for it.
    Busy,
    /// There is no room left on its disk.
    Full,
    /// It takes no writes: its files cannot be written, or the server has become a standby.
    ReadOnly,
    /// Its disk or its memory fails.
    Failing,
    /// This process is about to end.
    Stopping,
}

impl Trouble {
    /// The word that the API and readiness use.
    pub fn name(self) -> &'static str {
        match self {
            Trouble::Unreachable => "database_unreachable",
            Trouble::Busy => "database_busy",
            Trouble::Full => "database_full",
            Trouble::ReadOnly => "database_read_only",
            Trouble::Failing => "database_failing",
            Trouble::Stopping => "stopping",
        }
    }
}

impl StoreError {
    pub(super) fn unavailable(trouble: Trouble, reason: impl Into<String>) -> StoreError {
        StoreError::Unavailable {
            trouble,
            reason: reason.into(),
        }
    }
}

impl StoreError {
    /// The passing trouble that an error of the database tells of, if it does.
    pub(super) fn passing(error: &Error) -> Option<StoreError> {
        match error {
            Error::DatabaseError(kind, information) => match from_database(*kind, &**information) {
                passing @ StoreError::Unavailable { .. } => Some(passing),
                StoreError::NotFound
                | StoreError::Duplicate(_)
                | StoreError::Stale
                | StoreError::OutcomeUnknown { .. }
                | StoreError::Bug(_) => None,
            },
            // What a connection says that Diesel has given up already.
            _ => None,
        }
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> StoreError {
        match error {
            Error::NotFound => StoreError::NotFound,
            Error::DatabaseError(kind, information) => from_database(kind, &*information),
            Error::BrokenTransactionManager | Error::RollbackErrorOnCommit { .. } => {
                StoreError::unavailable(Trouble::Unreachable, "the connection broke inside a transaction")
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
        DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
            StoreError::unavailable(Trouble::Unreachable, without_quotations(message))
        }
        DatabaseErrorKind::SerializationFailure => {
            StoreError::unavailable(Trouble::Busy, without_quotations(message))
        }
        DatabaseErrorKind::ReadOnlyTransaction => {
            StoreError::unavailable(Trouble::ReadOnly, without_quotations(message))
        }
        DatabaseErrorKind::ForeignKeyViolation
        | DatabaseErrorKind::RestrictViolation
        | DatabaseErrorKind::NotNullViolation
        | DatabaseErrorKind::CheckViolation
        | DatabaseErrorKind::ExclusionViolation => {
            let name = information.constraint_name().or(information.column_name());
            let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
            StoreError::Bug(without_quotations(message) + &name)
        }
        _ => match trouble_in(message) {
            Some(trouble) => StoreError::unavailable(trouble, without_quotations(message)),
            None => StoreError::Bug(without_quotations(message)),
        },
    }
}

/// Troubles that Diesel reports by message alone, which `connection` asks PostgreSQL to write in English.
pub(super) fn trouble_in(message: &str) -> Option<Trouble> {
    PASSING_TROUBLES
        .iter()
        .find(|(said, _)| message.contains(said))
        .map(|(_, trouble)| *trouble)
}

const PASSING_TROUBLES: [(&str, Trouble); 25] = [
    // SQLite
    ("database is locked", Trouble::Busy),
    ("database table is locked", Trouble::Busy),
    ("locking protocol", Trouble::Busy),
    ("database or disk is full", Trouble::Full),
    ("attempt to write a readonly database", Trouble::ReadOnly),
    ("disk I/O error", Trouble::Failing),
    ("out of memory", Trouble::Failing),
    ("unable to open database file", Trouble::Failing),
    // PostgreSQL
    ("deadlock detected", Trouble::Busy),
    ("lock timeout", Trouble::Busy),
    ("statement timeout", Trouble::Busy),
    ("conflict with recovery", Trouble::Busy),
    ("connection slots", Trouble::Busy),
    ("too many clients", Trouble::Busy),
    ("too many connections", Trouble::Busy),
    ("No space left on device", Trouble::Full),
    ("could not fsync file", Trouble::Failing),
    ("terminating connection", Trouble::Unreachable),
    ("the database system is", Trouble::Unreachable),
    // libpq, which Diesel does not always tell as a closed connection
    ("server closed the connection", Trouble::Unreachable),
    ("could not receive data from server", Trouble::Unreachable),
    ("could not send data to server", Trouble::Unreachable),
    ("no connection to the server", Trouble::Unreachable),
    ("SSL connection has been closed", Trouble::Unreachable),
    ("SSL SYSCALL error", Trouble::Unreachable),
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
        for (message, trouble) in [
            ("database is locked", Trouble::Busy),
            ("database or disk is full", Trouble::Full),
            ("attempt to write a readonly database", Trouble::ReadOnly),
            ("disk I/O error", Trouble::Failing),
            ("canceling statement due to lock timeout", Trouble::Busy),
            ("the database system is shutting down", Trouble::Unreachable),
            ("server closed the connection unexpectedly", Trouble::Unreachable),
        ] {
            let error = sqlite(DatabaseErrorKind::Unknown, message);
            assert_eq!(error, StoreError::unavailable(trouble, message));
        }
        let demoted = sqlite(
            DatabaseErrorKind::ReadOnlyTransaction,
            "cannot execute UPDATE in a read-only transaction",
        );
        assert!(
            matches!(
                &demoted,
                StoreError::Unavailable {
                    trouble: Trouble::ReadOnly,
                    ..
                }
            ),
            "{demoted}"
        );
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
