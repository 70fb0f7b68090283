//! `ehcp audit verify`: walk the chain of the trail, and say where it does not fit.

use chrono::Utc;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::failure::{Exit, Failure, say};
use super::summary::Watch;
use crate::auth::LaCode;
use crate::clock::Clock;
use crate::config::Config;
use crate::service::Error;
use crate::service::verifying::{Finding, NotedHead, Report, verify};
use crate::store::SchemaVersion;
use crate::store::chain::authorities_with_a_trail;
use crate::store::copy::End;

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Walk the chain and tell every entry that was altered, is missing or out of order; ends with 1 if any is
    Verify(Verify),
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The authority whose trail it is; all of them where it is not given
    #[arg(long, value_name = "CODE", value_parser = LaCode::parse)]
    la: Option<LaCode>,
    /// The place to begin at; what is before it is not looked at
    #[arg(long, value_name = "SEQUENCE", default_value_t = 1, value_parser = clap::value_parser!(i64).range(1..))]
    from_sequence: i64,
    /// A head that was noted earlier and must be in the chain still; needs --la
    #[arg(long, value_name = "SEQUENCE:HASH", value_parser = noted_head, requires = "la")]
    head: Option<NotedHead>,
    /// How to say it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

impl Audit {
    pub(super) fn run(self, config: &Config) -> Result<Exit, Failure> {
        match self {
            Audit::Verify(verify) => verify.run(config),
        }
    }
}

impl Verify {
    fn run(self, config: &Config) -> Result<Exit, Failure> {
        // Opened beside a server that may be running, and never changed.
        let mut database = End::source(&config.database)?;
        match database.schema_version()? {
            SchemaVersion::Current => {}
            SchemaVersion::Older | SchemaVersion::Unmigrated => {
                return Err(Failure::new(
                    Exit::Configuration,
                    "the database is of an older version; `ehcp migrate` brings it up to this one",
                ));
            }
        }
        let authorities = match &self.la {
            Some(la_code) => vec![la_code.as_str().to_owned()],
            None => database.transact(authorities_with_a_trail)?,
        };
        let mut watch = Watch::of("entries", false);
        let mut reports = Vec::new();
        for la_code in authorities {
            reports.push(verify(
                |work| database.transact::<(), Error>(work),
                &la_code,
                self.from_sequence,
                self.head.as_ref(),
                |done, of| watch.show("verifying", done.unsigned_abs(), of.unsigned_abs()),
            )?);
        }
        watch.finish();
        let now = Clock::System.now();
        match self.format {
            Format::Text if reports.is_empty() => say("There is no trail yet.\n")?,
            Format::Text => {
                for report in &reports {
                    say(&in_words(report, now))?;
                }
            }
            Format::Json => say(&format!("{}\n", Value::from_iter(reports.iter().map(as_json))))?,
        }
        Ok(if reports.iter().all(|report| report.wrong == 0) {
            Exit::Done
        } else {
            Exit::Differs
        })
    }
}

fn noted_head(text: &str) -> Result<NotedHead, String> {
    let malformed =
        || "write a head as it was told, such as 12:3f…, with 64 digits after the colon".to_owned();
    let (sequence, hash) = text.split_once(':').ok_or_else(malformed)?;
    let sequence = sequence.parse().ok().filter(|sequence| *sequence > 0);
    let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    match sequence {
        Some(sequence) if is_hash => Ok(NotedHead {
            sequence,
            hash: hash.to_lowercase(),
        }),
        Some(_) | None => Err(malformed()),
    }
}

fn in_words(report: &Report, now: chrono::DateTime<Utc>) -> String {
    let mut text = format!("Authority {}\n", report.la_code);
    let mut line = |name: &str, what: String| text.push_str(&format!("  {name:<10}{what}\n"));
    let from = if report.from_sequence > 1 {
        format!(", from {} on", report.from_sequence)
    } else {
        String::new()
    };
    line("verified", format!("{} entries{from}", report.verified));
    match &report.head {
        Some(head) => line("head", format!("{}:{}", head.sequence, head.hash)),
        None => line("head", "none yet".to_owned()),
    }
    line(
        "unsealed",
        match report.unsealed_since_at {
            Some(since) => {
                let seconds = (now.naive_utc() - since).num_seconds().max(0);
                format!("{} entries, the oldest {seconds} s old", report.unsealed)
            }
            None => "none".to_owned(),
        },
    );
    if report.reasons_removed > 0 {
        line(
            "removed",
            format!("{} reasons, as a disposal removes them", report.reasons_removed),
        );
    }
    for finding in &report.findings {
        line("WRONG", sentence(finding));
    }
    let untold = report.wrong - i64::try_from(report.findings.len()).unwrap_or(0);
    if untold > 0 {
        line("WRONG", format!("and {untold} more"));
    }
    line(
        "so",
        match report.wrong {
            0 => "everything fits".to_owned(),
            1 => "1 thing is wrong".to_owned(),
            wrong => format!("{wrong} things are wrong"),
        },
    );
    text
}

fn sentence(finding: &Finding) -> String {
    match finding {
        Finding::Altered { sequence } => {
            format!("{sequence}: the entry is not what was sealed here, or not in its order")
        }
        Finding::EntryMissing { sequence } => format!("{sequence}: the entry is missing"),
        Finding::PlaceMissing { sequence } => format!("{sequence}: the place is missing from the chain"),
        Finding::BehindTheHead { sequence } => format!("{sequence}: the chain goes on behind its head"),
        Finding::HeadDiffers { sequence } => format!("{sequence}: the head has another hash"),
        Finding::HeadMissing => "the head is missing".to_owned(),
        Finding::NotedHeadMissing { sequence } => {
            format!("{sequence}: the head that was noted is not in the chain")
        }
        Finding::Outside { entries } => {
            format!("{entries} entries have no place, and wait for none")
        }
        Finding::WaitingForNothing { entry_id } => {
            format!("the entry {entry_id} waits for its place and is missing")
        }
    }
}

fn as_json(report: &Report) -> Value {
    let findings = report.findings.iter().map(|finding| {
        let (code, sequence) = match finding {
            Finding::Altered { sequence } => ("altered", Some(*sequence)),
            Finding::EntryMissing { sequence } => ("entry_missing", Some(*sequence)),
            Finding::PlaceMissing { sequence } => ("place_missing", Some(*sequence)),
            Finding::BehindTheHead { sequence } => ("behind_the_head", Some(*sequence)),
            Finding::HeadDiffers { sequence } => ("head_differs", Some(*sequence)),
            Finding::HeadMissing => ("head_missing", None),
            Finding::NotedHeadMissing { sequence } => ("noted_head_missing", Some(*sequence)),
            Finding::Outside { .. } => ("outside", None),
            Finding::WaitingForNothing { .. } => ("waiting_for_nothing", None),
        };
        json!({ "code": code, "sequence": sequence, "message": sentence(finding) })
    });
    json!({
        "la_code": report.la_code,
        "from_sequence": report.from_sequence,
        "verified": report.verified,
        "reasons_removed": report.reasons_removed,
        "wrong": report.wrong,
        "findings": Value::from_iter(findings),
        "head": report.head.as_ref().map(|head| json!({
            "sequence": head.sequence,
            "hash": head.hash,
            "sealed_at": head.sealed_at.and_utc(),
        })),
        "unsealed": report.unsealed,
        "unsealed_since_at": report.unsealed_since_at.map(|at| at.and_utc()),
    })
}
