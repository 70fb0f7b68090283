//! How a command ends, and the one sentence it says when it fails.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use crate::auth::{IssueError, KeyError};
use crate::config::ConfigError;
use crate::service;
use crate::service::copy::CopyError;
use crate::store::backup::BackupError;
use crate::store::lock::LockError;
use crate::store::{ConnectError, MigrateError, OpenError, StoreError};

/// The codes a process ends with; the table in [`super`] says when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    Differs = 1,
    Usage = 64,
    BadData = 65,
    Unreadable = 66,
    Unavailable = 69,
    Fault = 70,
    CannotCreate = 73,
    TryLater = 75,
    Configuration = 78,
    BrokenOff = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a command did not do what it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub exit: Exit,
    /// For people: what is wrong and, where it can be said, what to do.
    pub sentence: String,
}

impl Failure {
    pub fn new(exit: Exit, sentence: impl Into<String>) -> Failure {
        Failure {
            exit,
            sentence: sentence.into(),
        }
    }

    /// Says the sentence on standard error and gives the exit code.
    pub fn report(&self) -> ExitCode {
        // What a database says may fill several lines.
        let sentence = self.sentence.split_whitespace().collect::<Vec<_>>().join(" ");
        let stop = if sentence.ends_with(['.', '!', '?']) {
            ""
        } else {
            "."
        };
        complain(&format!("ehcp: {sentence}{stop}\n"));
        self.exit.into()
    }
}

/// Writes to standard error, where nobody may be listening.
pub fn complain(text: &str) {
    let _unheard = std::io::stderr().write_all(text.as_bytes());
}

/// Writes to standard output. Whoever closes it early, as `head` does, has seen enough.
pub fn say(text: &str) -> Result<(), Failure> {
    let mut output = std::io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::new(
            Exit::CannotCreate,
            format!("standard output cannot be written: {error}"),
        )),
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        let exit = if error.faults.iter().all(|fault| fault.on_command_line) {
            Exit::Usage
        } else {
            Exit::Configuration
        };
        Failure::new(exit, error.to_string())
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Failure {
        let exit = match error {
            LockError::InUse(_) => Exit::TryLater,
            LockError::Unusable { .. } => Exit::Unreadable,
        };
        Failure::new(exit, error.to_string())
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Failure {
        let exit = match error {
            KeyError::Unreadable { .. } => Exit::Unreadable,
            KeyError::Malformed(_) => Exit::Configuration,
            KeyError::Unwritable { .. } => Exit::CannotCreate,
            KeyError::NoRandomness => Exit::Unavailable,
        };
        Failure::new(exit, error.to_string())
    }
}

impl From<IssueError> for Failure {
    fn from(error: IssueError) -> Failure {
        let exit = match error {
            IssueError::Unbound(_) | IssueError::TooLong => Exit::Usage,
            IssueError::Signing(_) => Exit::Fault,
        };
        Failure::new(exit, error.to_string())
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Failure {
        match error {
            OpenError::Connect(ConnectError::Sqlite { path, reason }) => {
                sqlite_refusal(&path.display().to_string(), &reason)
            }
            OpenError::Migrate(error) => Failure::from(error),
            OpenError::Connect(no_log @ ConnectError::NoWriteAheadLog { .. }) => {
                Failure::new(Exit::CannotCreate, no_log.to_string())
            }
            OpenError::Connect(unsuited @ ConnectError::Unsuited { .. }) => {
                Failure::new(Exit::Configuration, unsuited.to_string())
            }
            half @ OpenError::HalfCopied => Failure::new(Exit::TryLater, half.to_string()),
            OpenError::Store(error) => Failure::from(error),
            OpenError::Connect(
                other @ (ConnectError::Postgres { .. } | ConnectError::Lost(_) | ConnectError::Paused),
            ) => Failure::new(Exit::Unavailable, other.to_string()),
            OpenError::Thread(thread) => Failure::new(Exit::Fault, OpenError::Thread(thread).to_string()),
        }
    }
}

impl From<MigrateError> for Failure {
    fn from(error: MigrateError) -> Failure {
        let exit = match error {
            MigrateError::Newer { .. } => Exit::Configuration,
            MigrateError::Failed(_) => Exit::Fault,
        };
        Failure::new(exit, error.to_string())
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Failure {
        let exit = match error {
            BackupError::Store(error) => return Failure::from(error),
            BackupError::Migrate(error) => return Failure::from(error),
            BackupError::Unreadable { .. } => Exit::Unreadable,
            BackupError::Damaged { .. } | BackupError::InUseBySqlite { .. } | BackupError::NotOurs(_) => {
                Exit::BadData
            }
            BackupError::Exists(_) | BackupError::Unwritable { .. } => Exit::CannotCreate,
            BackupError::InUse(_) => Exit::TryLater,
            BackupError::Differs(_) => Exit::Fault,
        };
        Failure::new(exit, error.to_string())
    }
}

impl From<CopyError> for Failure {
    fn from(error: CopyError) -> Failure {
        let exit = match error {
            CopyError::Open(error) => return Failure::from(error),
            CopyError::Store(error) => return Failure::from(error),
            CopyError::NothingOfAuthority(_) => Exit::Usage,
            CopyError::SourceUnmigrated => Exit::BadData,
            CopyError::SourceOlder | CopyError::TargetOlder => Exit::Configuration,
            CopyError::TargetTaken | CopyError::OtherCopy | CopyError::SourceChanged => Exit::CannotCreate,
            CopyError::OtherProcess => Exit::TryLater,
            CopyError::ChangedMeanwhile(_) | CopyError::Differs(_) => Exit::Differs,
        };
        Failure::new(exit, error.to_string())
    }
}

/// SQLite tells its reasons by message alone.
fn sqlite_refusal(path: &str, reason: &str) -> Failure {
    if reason.contains("not a database") || reason.contains("malformed") {
        return Failure::new(
            Exit::BadData,
            format!("{path} is not a database of this program; move it away or name another data folder"),
        );
    }
    let exit = if reason.contains("unable to open") {
        Exit::Unreadable
    } else if reason.contains("readonly") {
        Exit::CannotCreate
    } else {
        Exit::Unavailable
    };
    Failure::new(exit, format!("cannot open the SQLite file {path}: {reason}"))
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        let exit = match error {
            StoreError::Unavailable { .. } | StoreError::OutcomeUnknown { .. } => Exit::Unavailable,
            StoreError::NotFound | StoreError::Duplicate(_) | StoreError::Stale | StoreError::Bug(_) => {
                Exit::Fault
            }
        };
        Failure::new(exit, error.to_string())
    }
}

impl From<service::Error> for Failure {
    fn from(error: service::Error) -> Failure {
        match error {
            service::Error::Store(error) => Failure::from(error),
            // A command asks for nothing that a use case may refuse.
            refused @ (service::Error::NotFound
            | service::Error::Invalid(_)
            | service::Error::Question(_)
            | service::Error::Stale { .. }
            | service::Error::Refused(_)
            | service::Error::ActRefused { .. }
            | service::Error::AlreadyOpen { .. }
            | service::Error::NoOpenReview
            | service::Error::SeveralOpenReviews { .. }
            | service::Error::Duplicate { .. }
            | service::Error::GoneOn { .. }
            | service::Error::FollowsFromAnother { .. }
            | service::Error::PlanEnded { .. }
            | service::Error::VersionOutdated { .. }
            | service::Error::TooManySecrets
            | service::Error::ShutOut
            | service::Error::CaseClosed
            | service::Error::AlreadySealed
            | service::Error::BrokenGlassOnly
            | service::Error::OwnReading
            | service::Error::NothingDue
            | service::Error::OwnList
            | service::Error::DisposalListState { .. }
            | service::Error::KeyReused
            | service::Error::KeyInFlight) => Failure::new(
                Exit::Fault,
                format!("a use case refused what the program asked of it: {refused:?}"),
            ),
        }
    }
}
