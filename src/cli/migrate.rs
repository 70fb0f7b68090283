//! `ehcp migrate`: bring the database up to this version and stop.

use super::data;
use super::failure::{Exit, Failure, say};
use crate::config::Config;

pub(super) fn run(config: &Config) -> Result<Exit, Failure> {
    let database = data::open(config)?;
    database.store.close();
    say(&format!("The database {} is up to date.\n", config.database))?;
    Ok(Exit::Done)
}
