//! Moving everything, or one authority, from one database to another: what may be copied where, what is done
//! when a copy was interrupted, and whether the result is what was asked for. Called by `cli::copy`.

use crate::store::contents::{
    Scope, TableContents, checksum, contents_of, count_rows, differing, insert_rows, key_of, read_rows,
};
use crate::store::copy::{End, Progress, advance_progress, begin_progress, end_progress, progress_of};
use crate::store::table::{Table, known_tables};
use crate::store::{AnyConnection, OpenError, SchemaVersion, StoreError};

/// What a copy is doing, for those who watch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    ReadingSource,
    Copying,
    Comparing,
}

/// A step of a copy: the stage, how many rows of it are done, and of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub stage: Stage,
    pub done: u64,
    pub of: u64,
}

/// A copy that is complete and was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    pub tables: Vec<TableContents>,
    /// How many rows this run wrote; fewer than there are where it went on with an earlier one.
    pub written_rows: u64,
    /// How many rows an earlier run had written.
    pub found_rows: u64,
}

/// Why there is no complete copy.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("the source holds no data of this program")]
    SourceUnmigrated,
    #[error(
        "the source is of an older version of this program; bring it up to this one with `ehcp migrate` first"
    )]
    SourceOlder,
    #[error(
        "the target is of an older version of this program; bring it up to this one with `ehcp migrate` first"
    )]
    TargetOlder,
    #[error("the source holds nothing of the authority {0}")]
    NothingOfAuthority(String),
    #[error("the target already holds other data; name an empty database")]
    TargetTaken,
    #[error("another copy into the target is not finished; finish that one, or name an empty database")]
    OtherCopy,
    #[error(
        "the target holds the beginning of a copy of something else, or the source has changed since it was begun; \
         empty the target and begin again"
    )]
    SourceChanged,
    #[error("another process is writing the same copy")]
    OtherProcess,
    #[error("the source changed while it was copied ({}); stop its servers, empty the target and begin again", .0.join(", "))]
    ChangedMeanwhile(Vec<String>),
    #[error("the copy is not equal to its source ({}); do not use it: empty the target and begin again", .0.join(", "))]
    Differs(Vec<String>),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Copies all rows, or those of one authority, and compares both ends table by table. Goes on where an earlier
/// run stopped, and has nothing to write where it had come to its end.
///
/// Nobody else may write to the source meanwhile; if somebody does, that is an error at the end.
pub fn copy(
    source: &mut End,
    target: &mut End,
    la_code: Option<&str>,
    batch_rows: usize,
    mut watch: impl FnMut(Step),
) -> Result<Copied, CopyError> {
    match source.schema_version()? {
        SchemaVersion::Unmigrated => return Err(CopyError::SourceUnmigrated),
        SchemaVersion::Older => return Err(CopyError::SourceOlder),
        SchemaVersion::Current => {}
    }
    match target.schema_version()? {
        SchemaVersion::Unmigrated => target.migrate()?,
        SchemaVersion::Older => return Err(CopyError::TargetOlder),
        SchemaVersion::Current => {}
    }
    let mut tables = known_tables()?;
    // What belongs to no authority does not move with one.
    tables.retain(|table| la_code.is_none() || table.has_owner());
    let scope = Scope { schema: "", la_code };
    let job = Job {
        tables: &tables,
        scope,
        batch_rows,
    };
    let (wanted, written_rows, found_rows) = source.transact(|source| {
        let of = count_rows(source, &tables, scope)?;
        let wanted = contents_of(
            source,
            &tables,
            scope,
            counted(Stage::ReadingSource, of, &mut watch),
        )?;
        if let Some(la_code) = la_code
            && of == 0
        {
            return Err(CopyError::NothingOfAuthority(la_code.to_owned()));
        }
        let (written, found) = match job.starting_point(target, &wanted)? {
            Start::Complete => return Ok((wanted, 0, of)),
            Start::From(progress) => job.write(source, target, progress, of, &mut watch)?,
        };
        Ok((wanted, written, found))
    })?;
    let of = wanted.iter().map(|table| table.rows).sum();
    let there = target.read(|target| {
        contents_of(target, &tables, scope, counted(Stage::Comparing, of, &mut watch))
            .map_err(CopyError::from)
    })?;
    let different = differing(&wanted, &there);
    if !different.is_empty() {
        return Err(CopyError::Differs(different));
    }
    // A later moment of the source: on PostgreSQL no lock kept its servers from writing.
    let still =
        source.transact(|source| contents_of(source, &tables, scope, |_| {}).map_err(CopyError::from))?;
    let different = differing(&wanted, &still);
    if !different.is_empty() {
        return Err(CopyError::ChangedMeanwhile(different));
    }
    target.transact(|target| {
        if progress_of(target)?.is_empty() {
            return Ok(());
        }
        end_progress(target, la_code.unwrap_or_default()).map_err(CopyError::from)
    })?;
    Ok(Copied {
        tables: wanted,
        written_rows,
        found_rows,
    })
}

/// What is copied, and in what steps.
#[derive(Clone, Copy)]
struct Job<'a> {
    tables: &'a [Table],
    scope: Scope<'a>,
    batch_rows: usize,
}

enum Start {
    /// Everything is there already.
    Complete,
    From(Vec<Progress>),
}

impl Job<'_> {
    /// Where to go on in the target, and whether it may be written at all.
    fn starting_point(&self, target: &mut End, wanted: &[TableContents]) -> Result<Start, CopyError> {
        let source_sha256 = checksum(wanted);
        let la_code = self.scope.la_code.unwrap_or_default();
        target.transact(|target| {
            let noted = progress_of(target)?;
            let is_other = |progress: &Progress| {
                progress.la_code != la_code && (progress.la_code.is_empty() || la_code.is_empty())
            };
            if noted.iter().any(is_other) {
                return Err(CopyError::OtherCopy);
            }
            let ours: Vec<Progress> = noted
                .into_iter()
                .filter(|progress| progress.la_code == la_code)
                .collect();
            if ours
                .iter()
                .any(|progress| progress.source_sha256 != source_sha256)
            {
                return Err(CopyError::SourceChanged);
            }
            if !ours.is_empty() {
                return Ok(Start::From(ours));
            }
            if count_rows(target, self.tables, self.scope)? > 0 {
                return if contents_of(target, self.tables, self.scope, |_| {})? == *wanted {
                    Ok(Start::Complete)
                } else {
                    Err(CopyError::TargetTaken)
                };
            }
            begin_progress(target, la_code, &source_sha256, self.tables)?;
            let begun = progress_of(target)?;
            Ok(Start::From(
                begun
                    .into_iter()
                    .filter(|progress| progress.la_code == la_code)
                    .collect(),
            ))
        })
    }

    /// Writes what is missing and answers how many rows that were, and how many were there.
    fn write(
        &self,
        source: &mut AnyConnection,
        target: &mut End,
        progress: Vec<Progress>,
        of: u64,
        watch: &mut impl FnMut(Step),
    ) -> Result<(u64, u64), CopyError> {
        let found: u64 = progress.iter().map(|progress| rows(progress.copied_rows)).sum();
        let mut done = found;
        for table in self.tables {
            let noted = progress.iter().find(|progress| progress.table_name == table.name);
            let mut at = noted.ok_or(CopyError::SourceChanged)?.clone();
            loop {
                let after = Some(at.last_key.as_str()).filter(|key| !key.is_empty());
                let batch = read_rows(source, table, self.scope, after, self.batch_rows)?;
                let Some(last) = batch.last() else { break };
                let last_key = key_of(table, last)?;
                at = target.transact(|target| {
                    // First the note, so that a second process fails on it and not on a row.
                    let advanced = advance_progress(target, &at, &last_key, batch.len() as i64);
                    let advanced = advanced.map_err(|error| match error {
                        StoreError::Stale => CopyError::OtherProcess,
                        other => CopyError::Store(other),
                    })?;
                    insert_rows(target, table, &batch)?;
                    Ok::<_, CopyError>(advanced)
                })?;
                done += batch.len() as u64;
                watch(Step {
                    stage: Stage::Copying,
                    done,
                    of,
                });
            }
        }
        Ok((done - found, found))
    }
}

fn rows(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn counted(stage: Stage, of: u64, watch: &mut impl FnMut(Step)) -> impl FnMut(u64) {
    let mut done = 0;
    move |rows| {
        done += rows;
        watch(Step { stage, done, of });
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use chrono::NaiveDate;
    use diesel::{Connection, RunQueryDsl, SqliteConnection, sql_query};
    use tempfile::TempDir;

    use super::*;
    use crate::store::{Location, Store};

    struct Ends {
        source: End,
        target: End,
        folder: TempDir,
    }

    /// A source with some made-up cases, and an empty target.
    fn ends() -> Ends {
        let folder = tempfile::tempdir().unwrap();
        let location = |name: &str| Location::SqliteFile(folder.path().join(name));
        let store = Store::open(&location("source.db")).unwrap();
        let today = NaiveDate::from_ymd_opt(2026, 2, 20).unwrap();
        crate::demo::make(&store, today, 2, |_| {}).unwrap();
        store.close();
        Ends {
            source: End::source(&location("source.db")).unwrap(),
            target: End::target(&location("target.db")).unwrap(),
            folder,
        }
    }

    fn change_a_case(database: &Path) {
        let mut connection = SqliteConnection::establish(database.to_str().unwrap()).unwrap();
        let changed = sql_query("UPDATE cases SET version = version + 1").execute(&mut connection);
        assert!(changed.unwrap() > 0);
    }

    fn copied(ends: &mut Ends, watch: impl FnMut(Step)) -> Result<Copied, CopyError> {
        copy(&mut ends.source, &mut ends.target, None, 10, watch)
    }

    #[test]
    fn every_row_is_told_of_once() {
        let mut ends = ends();
        let mut last = None;
        let copied = copied(&mut ends, |step| {
            if step.stage == Stage::Copying {
                last = Some(step);
            }
        })
        .unwrap();
        let rows: u64 = copied.tables.iter().map(|table| table.rows).sum();
        assert_eq!((copied.written_rows, copied.found_rows), (rows, 0));
        let last = last.unwrap();
        assert_eq!((last.done, last.of), (rows, rows));
    }

    #[test]
    fn a_source_that_changes_meanwhile_is_noticed_at_the_end() {
        let mut ends = ends();
        let source = ends.folder.path().join("source.db");
        let mut once = Some(());
        let outcome = copied(&mut ends, |step| {
            if step.stage == Stage::Copying && once.take().is_some() {
                change_a_case(&source);
            }
        });
        match outcome {
            Err(CopyError::ChangedMeanwhile(tables)) => assert_eq!(tables, ["cases"]),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_target_that_somebody_writes_to_is_noticed_at_the_end() {
        let mut ends = ends();
        let target = ends.folder.path().join("target.db");
        let outcome = copied(&mut ends, |step| {
            if step.stage == Stage::Copying && step.done == step.of {
                change_a_case(&target);
            }
        });
        match outcome {
            Err(CopyError::Differs(tables)) => assert_eq!(tables, ["cases"]),
            other => panic!("{other:?}"),
        }
    }
}
