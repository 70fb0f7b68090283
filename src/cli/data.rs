//! Getting hold of the data: the folder, its lock, the database and the issuer's key, in that order.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::Path;

use super::failure::{Exit, Failure};
use crate::auth::IssuerKey;
use crate::config::Config;
use crate::store::lock::DataLock;
use crate::store::{Location, Sizes, Store};

/// A database that this process may write, for as long as this value lives.
pub struct Database {
    pub store: Store,
    /// Only where the database is a SQLite file: servers on PostgreSQL may share a folder.
    _lock: Option<DataLock>,
}

/// A database that is locked and not yet opened.
pub struct Reserved {
    location: Location,
    sizes: Sizes,
    lock: Option<DataLock>,
}

impl Reserved {
    /// Opens the database and brings it up to this version.
    pub fn open(self) -> Result<Database, Failure> {
        if let Location::SqliteFile(path) = &self.location {
            make_for_owner_only(path)?;
        }
        Ok(Database {
            store: Store::open_sized(&self.location, self.sizes)?,
            _lock: self.lock,
        })
    }
}

/// Keeps other servers off the database, quickly, before anything slow is done.
pub fn reserve(config: &Config) -> Result<Reserved, Failure> {
    Ok(Reserved {
        location: config.database.clone(),
        sizes: config.sizes,
        lock: lock(&config.database)?,
    })
}

/// Locks the folder of a SQLite file, and makes it where there is none.
pub fn lock(location: &Location) -> Result<Option<DataLock>, Failure> {
    match location {
        Location::SqliteFile(path) => {
            let folder = folder_of(path);
            make_folder(folder)?;
            Ok(Some(DataLock::acquire(folder)?))
        }
        Location::Postgres(_) => Ok(None),
    }
}

/// The folder that a file is in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    }
}

/// Locks, opens and migrates the database in one step.
pub fn open(config: &Config) -> Result<Database, Failure> {
    reserve(config)?.open()
}

/// The key of the built-in issuer, made the first time it is needed unless a file of it is given.
pub fn issuer_key(config: &Config) -> Result<IssuerKey, Failure> {
    if config.issuer_key_file.is_none() {
        make_folder(&config.data)?;
    }
    Ok(IssuerKey::load_or_create(
        &config.data,
        config.issuer_key_file.as_deref(),
    )?)
}

/// The same key, to make tokens for people with, who may be told to get theirs elsewhere.
pub fn key_of_tokens(config: &Config) -> Result<IssuerKey, Failure> {
    if config.trust.built_in_issuer {
        issuer_key(config)
    } else {
        Err(Failure::new(
            Exit::Configuration,
            "built_in_issuer is off, so that no server would accept a token from here",
        ))
    }
}

fn make_folder(folder: &Path) -> Result<(), Failure> {
    if let Ok(found) = std::fs::metadata(folder) {
        return if found.is_dir() {
            Ok(())
        } else {
            Err(Failure::new(
                Exit::Unreadable,
                format!("the data folder {} is not a folder", folder.display()),
            ))
        };
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| {
        Failure::new(
            Exit::CannotCreate,
            format!("cannot make the data folder {}: {error}", folder.display()),
        )
    })
}

/// Makes an empty file unless there is one; SQLite gives its other files the permissions of this one.
pub fn make_for_owner_only(path: &Path) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Failure::new(
            Exit::CannotCreate,
            format!("cannot make the database file {}: {error}", path.display()),
        )),
    }
}
