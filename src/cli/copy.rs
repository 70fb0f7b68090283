//! `ehcp copy`: move everything, or one authority, to another database and prove both ends equal.

use std::path::Path;

use clap::Args;

use super::data;
use super::failure::{Exit, Failure, say};
use super::summary::{Watch, describe};
use crate::auth::LaCode;
use crate::service::copy::{Copied, Stage, copy};
use crate::store::Location;
use crate::store::copy::End;
use crate::store::lock::DataLock;

#[derive(Debug, Args)]
pub(super) struct Copy {
    /// The database to read: `sqlite:PATH` or `postgres://…`. No server may write to it meanwhile
    #[arg(long, value_name = "URL")]
    from: String,
    /// The database to write: an empty one, or one that an earlier run of the same copy began
    #[arg(long, value_name = "URL")]
    to: String,
    /// Copy one authority alone, into a database that may hold others
    #[arg(long, value_name = "CODE", value_parser = LaCode::parse)]
    authority: Option<LaCode>,
    /// How many rows are read, held in memory and written in one transaction
    #[arg(long, value_name = "ROWS", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch: u32,
}

impl Copy {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        // Not parsed with the command line, whose errors repeat what was written, passwords and all.
        let from = location("--from", &self.from)?;
        let to = location("--to", &self.to)?;
        if from == to {
            return Err(Failure::new(
                Exit::Usage,
                "--from and --to name the same database",
            ));
        }
        let _locks = lock_both(&from, &to)?;
        if let Location::SqliteFile(path) = &to {
            data::make_for_owner_only(path)?;
        }
        let mut source = End::source(&from)?;
        let mut target = End::target(&to)?;
        let la_code = self.authority.as_ref().map(LaCode::as_str);
        let batch = usize::try_from(self.batch).unwrap_or(usize::MAX);
        let mut watch = Watch::new(true);
        let mut seconds = 0.0;
        let copied = copy(&mut source, &mut target, la_code, batch, |step| {
            watch.show(stage_name(step.stage), step.done, step.of);
            if step.stage == Stage::Copying {
                seconds = watch.elapsed().as_secs_f64();
            }
        })?;
        watch.finish();
        say(&format!(
            "{}\n{}\n",
            describe(&copied.tables),
            conclusion(&copied, seconds, &from, &to)
        ))?;
        Ok(Exit::Done)
    }
}

fn location(option: &str, url: &str) -> Result<Location, Failure> {
    Location::parse(url)
        .map_err(|error| Failure::new(Exit::Usage, format!("{option} cannot be used. {error}")))
}

/// Keeps servers off both ends, as far as there are files.
fn lock_both(from: &Location, to: &Location) -> Result<[Option<DataLock>; 2], Failure> {
    if let Location::SqliteFile(path) = from
        && let Err(error) = std::fs::metadata(path)
    {
        return Err(Failure::new(
            Exit::Unreadable,
            format!("cannot read {}: {error}", path.display()),
        ));
    }
    let source = data::lock(from)?;
    let target = if is_same_folder(from, to) {
        None
    } else {
        data::lock(to)?
    };
    Ok([source, target])
}

fn is_same_folder(one: &Location, other: &Location) -> bool {
    match (one, other) {
        (Location::SqliteFile(one), Location::SqliteFile(other)) => {
            let folder = |path: &Path| data::folder_of(path).canonicalize().ok();
            folder(one).is_some() && folder(one) == folder(other)
        }
        (Location::SqliteFile(_), Location::Postgres(_))
        | (Location::Postgres(_), Location::SqliteFile(_) | Location::Postgres(_)) => false,
    }
}

fn conclusion(copied: &Copied, seconds: f64, from: &Location, to: &Location) -> String {
    let written = match (copied.written_rows, copied.found_rows) {
        (0, _) => "Everything was there already".to_owned(),
        (written, 0) => format!("{written} rows were written{}", rate(written, seconds)),
        (written, found) => format!(
            "{written} rows were written{}, after {found} that an earlier run had written",
            rate(written, seconds)
        ),
    };
    format!(
        "{written}. {from} and {to} hold the same.\n\
         The issuer's key is in neither; servers on the new database need the same one."
    )
}

fn rate(rows: u64, seconds: f64) -> String {
    if seconds > 0.0 {
        format!(" in {seconds:.1} s, {:.0} a second", rows as f64 / seconds)
    } else {
        String::new()
    }
}

fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::ReadingSource => "reading the source",
        Stage::Copying => "copying",
        Stage::Comparing => "comparing",
    }
}
