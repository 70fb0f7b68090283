//! `ehcp restore`: examine a backup and, unless only checking, make it the database of a data folder.

use std::path::{Path, PathBuf};

use clap::Args;

use super::backup::{key_file, sqlite_file, stage_name};
use super::data;
use super::failure::{Exit, Failure, say};
use super::summary::{Watch, describe};
use crate::config::Config;
use crate::service::rebuild::{rebuild_all, rebuild_stale};
use crate::store::backup::restore;
use crate::store::examine::{Examined, examine};
use crate::store::{Location, SchemaVersion, Store};

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The backup
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Only examine the backup, which is not changed
    #[arg(long)]
    check: bool,
}

impl Restore {
    pub(super) fn run(self, config: &Config) -> Result<Exit, Failure> {
        if self.check {
            return check(&self.from);
        }
        let database = sqlite_file(config, "pg_restore or psql")?;
        let _lock = data::lock(&config.database)?;
        refuse_remains(database)?;
        let exit = check(&self.from)?;
        let mut watch = Watch::new(false);
        restore(&self.from, database, |step| {
            watch.show(stage_name(step.stage), step.done, step.of);
        })?;
        watch.finish();
        say(&format!("It is now the database {}.\n", database.display()))?;
        let key = key_file(config);
        if !key.exists() {
            say(&format!(
                "The issuer's key was not in it. Without it tokens that are in use will not be accepted: put it at {} \
                 before a server is started, which would make a new one.\n",
                key.display()
            ))?;
        }
        Ok(exit)
    }
}

/// What is left of another database would be taken for a part of this one.
fn refuse_remains(database: &Path) -> Result<(), Failure> {
    for ending in ["", "-wal", "-shm", "-journal"] {
        let mut path = database.as_os_str().to_owned();
        path.push(ending);
        let path = PathBuf::from(path);
        if path.symlink_metadata().is_ok() {
            return Err(Failure::new(
                Exit::CannotCreate,
                format!(
                    "{} is there already, and a backup replaces no database; move it away or name another folder \
                     with --data",
                    path.display()
                ),
            ));
        }
    }
    Ok(())
}

/// Examines the backup and says what was found. A backup with an index that differs from its events can be
/// restored and then rebuilt, so that is no failure but an exit code.
fn check(from: &Path) -> Result<Exit, Failure> {
    let mut watch = Watch::new(false);
    let examined = examine(from, |step| {
        watch.show(stage_name(step.stage), step.done, step.of)
    })?;
    let index = check_index(from, &mut watch)?;
    watch.finish();
    let mut text = describe(&examined.tables);
    text.push_str(&format!(
        "\nThe backup {} is whole{}.\n",
        from.display(),
        remarks(&examined)
    ));
    if index.recomputed > 0 {
        text.push_str(&format!(
            "{} procedures were computed by another version; a server of this one computes them again when it starts.\n",
            index.recomputed
        ));
    }
    let (differing, procedures) = (index.differing, index.procedures);
    let exit = if differing > 0 {
        text.push_str(&format!(
            "The index of {differing} of {procedures} procedures differs from their events; run `ehcp rebuild` when it \
             is restored.\n"
        ));
        Exit::Differs
    } else {
        text.push_str(&format!(
            "The index of all {procedures} procedures equals their events.\n"
        ));
        Exit::Done
    };
    say(&text)?;
    Ok(exit)
}

fn remarks(examined: &Examined) -> String {
    let mut text = if examined.has_checksums {
        ", and holds what it held when it was made".to_owned()
    } else {
        ", as far as SQLite can tell; another program made it, and it has no checksums".to_owned()
    };
    match examined.version {
        SchemaVersion::Unmigrated | SchemaVersion::Current => {}
        SchemaVersion::Older => {
            text.push_str(". It is of an older version, and will be brought up to this one when it is served")
        }
    }
    text
}

struct Index {
    procedures: u64,
    differing: u64,
    recomputed: u64,
}

/// Compares the index with the events on a copy, which may be migrated and written to.
fn check_index(from: &Path, watch: &mut Watch) -> Result<Index, Failure> {
    let cannot_copy = |error: std::io::Error| {
        Failure::new(
            Exit::CannotCreate,
            format!("cannot copy the backup to a temporary folder to compare its index: {error}"),
        )
    };
    let folder = tempfile::Builder::new()
        .prefix("ehcp-check-")
        .tempdir()
        .map_err(cannot_copy)?;
    let copy = folder.path().join("ehcp.db");
    data::make_for_owner_only(&copy)?;
    let mut original = std::fs::File::open(from).map_err(cannot_copy)?;
    let mut writer = std::fs::OpenOptions::new()
        .write(true)
        .open(&copy)
        .map_err(cannot_copy)?;
    std::io::copy(&mut original, &mut writer).map_err(cannot_copy)?;
    let store = Store::open(&Location::SqliteFile(copy))?;
    let recomputed = rebuild_stale(&store, None)?.procedures;
    let report = rebuild_all(&store, true, |compared| {
        watch.show("comparing the index", compared, 0)
    })?;
    store.close();
    Ok(Index {
        procedures: report.procedures,
        differing: report.differing,
        recomputed,
    })
}
