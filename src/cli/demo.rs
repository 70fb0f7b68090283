use super::failure::{Exit, Failure};
use crate::config::Config;
use clap::Args;
#[derive(Debug, Args)]
pub(super) struct Demo {}
impl Demo {
    pub(super) fn run(self, _c: &Config) -> Result<Exit, Failure> {
        Ok(Exit::Done)
    }
}
