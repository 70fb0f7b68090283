//! `ehcp migrate`: bring the database up to this version and stop.

use clap::Args;

use super::DataFolder;
use super::data;
use super::failure::{Exit, Failure};
use crate::config::Config;

#[derive(Debug, Args)]
pub(super) struct Migrate {
    #[command(flatten)]
    folder: DataFolder,
}

impl Migrate {
    pub(super) fn run(self, config: &Config) -> Result<Exit, Failure> {
        let database = data::open(config, &self.folder.data)?;
        database.store.close();
        println!(
            "The database {} is up to date.",
            config.location(&self.folder.data)
        );
        Ok(Exit::Done)
    }
}
