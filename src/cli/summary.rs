//! What the commands that move data show alike: how far they are, and what the tables hold.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::failure::complain;
use crate::store::contents::{TableContents, checksum};

/// Shows steps as a bar on a terminal; elsewhere as a line for each tenth, or not at all.
pub(super) struct Watch {
    bar: ProgressBar,
    with_lines: bool,
    stage: &'static str,
    tenth: u64,
    began_at: Instant,
}

impl Watch {
    pub(super) fn new(with_lines: bool) -> Watch {
        Watch::of("rows", with_lines)
    }

    pub(super) fn of(things: &str, with_lines: bool) -> Watch {
        let template = format!("{{msg:18}} {{bar:40}} {{pos}} of {{len}} {things}, {{eta}} left");
        let style = ProgressStyle::with_template(&template);
        Watch {
            bar: ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())),
            with_lines: with_lines && !std::io::stderr().is_terminal(),
            stage: "",
            tenth: 0,
            began_at: Instant::now(),
        }
    }

    pub(super) fn show(&mut self, stage: &'static str, done: u64, of: u64) {
        if self.stage != stage {
            self.stage = stage;
            self.tenth = 0;
            self.began_at = Instant::now();
            self.bar.set_length(of);
            self.bar.set_message(stage);
            self.bar.reset_eta();
        }
        self.bar.set_position(done);
        let tenth = done.saturating_mul(10).checked_div(of).unwrap_or_default();
        if self.with_lines && tenth > self.tenth {
            self.tenth = tenth;
            complain(&format!("{stage}: {done} of {of} rows\n"));
        }
    }

    /// How long the present stage has taken.
    pub(super) fn elapsed(&self) -> Duration {
        self.began_at.elapsed()
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// A table of tables, with the sum and the one checksum over all at its foot.
pub(super) fn describe(tables: &[TableContents]) -> String {
    let mut text = format!("{:<24}{:>12}  SHA-256\n", "table", "rows");
    let mut line = |name: &str, rows: u64, sha256: &str| {
        text.push_str(&format!("{name:<24}{rows:>12}  {sha256}\n"));
    };
    for table in tables {
        line(&table.name, table.rows, &table.sha256);
    }
    line(
        "all",
        tables.iter().map(|table| table.rows).sum(),
        &checksum(tables),
    );
    text
}
