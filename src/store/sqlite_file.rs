//! Files that hold a SQLite database and are opened by themselves: how SQLite is told of them, and how a new one
//! comes to its name only when it is whole.
//!
//! What is in them is not known here. Called by `backup` and `examine`.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use diesel::{Connection, SqliteConnection};

use super::backup::BackupError;
use super::connection::AnyConnection;

pub(super) fn open(path: &Path, uri: &str) -> Result<AnyConnection, BackupError> {
    let connection = SqliteConnection::establish(uri).map_err(|error| BackupError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    Ok(AnyConnection::Sqlite(connection))
}

pub(super) fn must_be_a_file(path: &Path) -> Result<(), BackupError> {
    let unreadable = |reason: String| BackupError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let found = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if found.is_file() {
        File::open(path).map_err(|error| unreadable(error.to_string()))?;
        Ok(())
    } else {
        Err(unreadable("it is not a file".to_owned()))
    }
}

pub(super) fn refuse_existing(path: &Path) -> Result<(), BackupError> {
    if path.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(path.to_owned()));
    }
    Ok(())
}

/// An empty file for its owner alone, locked. One that a killed process left is used again.
pub(super) fn reserve(partial: &Path) -> Result<File, BackupError> {
    let unwritable = |error: io::Error| BackupError::Unwritable {
        path: partial.to_owned(),
        reason: error.to_string(),
    };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(partial).map_err(unwritable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(BackupError::InUse(partial.to_owned())),
        Err(TryLockError::Error(error)) => return Err(unwritable(error)),
    }
    file.set_len(0).map_err(unwritable)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .map_err(unwritable)?;
    Ok(file)
}

pub(super) fn unwritable(path: &Path, reason: String) -> BackupError {
    BackupError::Unwritable {
        path: path.to_owned(),
        reason,
    }
}

pub(super) fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

/// The path with more letters at its end.
pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// A path as SQLite reads it in a URI, where `?`, `#` and `%` mean something.
pub(super) fn file_uri(path: &Path) -> Result<String, BackupError> {
    let unreadable = |reason: String| BackupError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let absolute = std::path::absolute(path).map_err(|error| unreadable(error.to_string()))?;
    let name = absolute
        .to_str()
        .ok_or_else(|| unreadable("its path is not UTF-8".to_owned()))?;
    let mut uri = "file:".to_owned();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(uri)
}
