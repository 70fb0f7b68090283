//! `ehcp backup`: one file that holds a moment of the embedded database, made while servers go on.

use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::{Exit, Failure, say};
use super::summary::{Watch, describe};
use crate::config::Config;
use crate::store::Location;
use crate::store::backup::{Stage, back_up};

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The file to make; there must be none of this name
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

impl Backup {
    pub(super) fn run(self, config: &Config) -> Result<Exit, Failure> {
        let database = sqlite_file(config, "pg_dump or pg_basebackup")?;
        let mut watch = Watch::new(false);
        let tables = back_up(database, &self.to, |step| {
            watch.show(stage_name(step.stage), step.done, step.of);
        })?;
        watch.finish();
        let size = std::fs::metadata(&self.to).map_or(0, |found| found.len());
        say(&format!(
            "{}\nThe backup {} is complete and checked: {size} bytes.\n\
             The issuer's key is not in it; keep {} apart from it, in a safe place.\n",
            describe(&tables),
            self.to.display(),
            key_file(config).display()
        ))?;
        Ok(Exit::Done)
    }
}

/// The file of the embedded database; a refusal that names PostgreSQL's own tools where it is not embedded.
pub(super) fn sqlite_file<'c>(config: &'c Config, instead: &str) -> Result<&'c Path, Failure> {
    match &config.database {
        Location::SqliteFile(path) => Ok(path),
        location @ Location::Postgres(_) => Err(Failure::new(
            Exit::Usage,
            format!(
                "the database {location} is a PostgreSQL one, which has its own tools for this: use {instead}"
            ),
        )),
    }
}

/// Where the key is that signs tokens.
pub(super) fn key_file(config: &Config) -> PathBuf {
    match &config.issuer_key_file {
        Some(path) => path.clone(),
        None => config.data.join("issuer.key"),
    }
}

pub(super) fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Copying => "copying",
        Stage::Comparing => "comparing",
    }
}
