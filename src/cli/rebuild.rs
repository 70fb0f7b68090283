//! `ehcp rebuild`: make the index again from the events, or only say where it differs from them.

use clap::Args;
use indicatif::ProgressBar;

use super::data;
use super::failure::{Exit, Failure, say};
use crate::config::Config;
use crate::service::rebuild::rebuild_all;

#[derive(Debug, Args)]
pub(super) struct Rebuild {
    /// Only report; ends with 1 if anything differs
    #[arg(long)]
    check: bool,
}

impl Rebuild {
    pub(super) fn run(self, config: &Config) -> Result<Exit, Failure> {
        let database = data::open(config)?;
        // Drawn only where standard error is a terminal.
        let bar = ProgressBar::new_spinner().with_message("procedures compared");
        let report = rebuild_all(&database.store, self.check, |compared| bar.set_position(compared))?;
        bar.finish_and_clear();
        database.store.close();
        let (differing, procedures) = (report.differing, report.procedures);
        let verb = if self.check {
            "differ from their events"
        } else {
            "were rebuilt"
        };
        say(&format!("{differing} of {procedures} procedures {verb}.\n"))?;
        Ok(if self.check && differing > 0 {
            Exit::Differs
        } else {
            Exit::Done
        })
    }
}
