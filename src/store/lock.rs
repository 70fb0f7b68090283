//! The lock on a data folder, which keeps a second server off the same SQLite file.
//!
//! Only the command line calls this, before it opens the store to serve from it or to migrate it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

const FILE_NAME: &str = "ehcp.lock";

/// Held while it lives; the system releases it however the process ends, so that a file left behind
/// locks nobody out.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

/// Why a data folder could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("the data folder {0} is in use by another server; stop it first, or use another folder")]
    InUse(PathBuf),
    #[error("cannot lock the data folder: {path}: {source}")]
    Unusable { path: PathBuf, source: io::Error },
}

impl DataLock {
    /// Locks a folder, which must exist and be writable; refused at once while anyone else holds it.
    pub fn acquire(folder: &Path) -> Result<DataLock, LockError> {
        let path = folder.join(FILE_NAME);
        let unusable = |source| LockError::Unusable {
            path: path.clone(),
            source,
        };
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(DataLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::InUse(folder.to_owned())),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_locked_until_the_holder_goes() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataLock::acquire(folder.path()).unwrap();
        let refusal = DataLock::acquire(folder.path()).unwrap_err();
        assert!(matches!(refusal, LockError::InUse(_)), "{refusal}");
        drop(first);
        DataLock::acquire(folder.path()).unwrap();
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap().path().join("nowhere");
        let refusal = DataLock::acquire(&folder).unwrap_err();
        assert!(refusal.to_string().contains("nowhere"), "{refusal}");
    }
}
