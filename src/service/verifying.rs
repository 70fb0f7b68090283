//! Verifying: walking the chain of a trail from a place on, and telling everything that does not fit.
//!
//! A link is judged by the hash that is stored before it, so that what was altered is told at its own place and
//! not at all that follow. Nothing is written. Called by the command line.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use uuid::Uuid;

use super::Error;
use super::sealing::{BEFORE_THE_FIRST, digest_of_reason, hash_of};
use crate::store::AnyConnection;
use crate::store::audit::{AuditRow, instant_of};
use crate::store::chain::{
    Head, Link, count_outside, count_unchained, entries_by_id, head_of, link_at, links_from,
};

/// How many places are read at a time.
const AT_A_TIME: i64 = 500;
/// How many findings are told; all are counted.
const TOLD: i64 = 1000;

/// What does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The entry at a place is not the one that was sealed there, nor in its order.
    Altered { sequence: i64 },
    /// There is no entry at a place that has one.
    EntryMissing { sequence: i64 },
    /// There is no place between two, or before the head.
    PlaceMissing { sequence: i64 },
    /// There are places behind the head.
    BehindTheHead { sequence: i64 },
    /// The hash at the head's place is another.
    HeadDiffers { sequence: i64 },
    /// There are places, and the head is gone.
    HeadMissing,
    /// A head that was noted elsewhere is not in the chain.
    NotedHeadMissing { sequence: i64 },
    /// So many entries have no place, and wait for none.
    Outside { entries: i64 },
    /// The oldest that waits for a place has no entry.
    WaitingForNothing { entry_id: String },
}

/// A place of a chain and its hash, as somebody noted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotedHead {
    pub sequence: i64,
    pub hash: String,
}

/// What a walk found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub la_code: String,
    pub from_sequence: i64,
    /// How many entries were compared.
    pub verified: i64,
    /// Reasons that were removed since.
    pub reasons_removed: i64,
    /// How many findings there are; the first are in `findings`.
    pub wrong: i64,
    pub findings: Vec<Finding>,
    pub head: Option<Head>,
    pub unsealed: i64,
    /// When the oldest of them was recorded.
    pub unsealed_since_at: Option<NaiveDateTime>,
}

impl Report {
    fn tell(&mut self, finding: Finding) {
        self.wrong += 1;
        if self.wrong <= TOLD {
            self.findings.push(finding);
        }
    }

    /// The places from one to before another, however many there are.
    fn tell_missing(&mut self, from: i64, until: i64) {
        let told = until.min(from.saturating_add(TOLD));
        for sequence in from..told {
            self.tell(Finding::PlaceMissing { sequence });
        }
        self.wrong = self.wrong.saturating_add((until - told).max(0));
    }
}

/// Walks the chain of an authority. Each batch is read by `read` in a moment of its own, since what is sealed
/// stays; `watch` hears which place has been reached, and of how many.
pub fn verify(
    mut read: impl FnMut(&mut dyn FnMut(&mut AnyConnection) -> Result<(), Error>) -> Result<(), Error>,
    la_code: &str,
    from_sequence: i64,
    noted: Option<&NotedHead>,
    mut watch: impl FnMut(i64, i64),
) -> Result<Report, Error> {
    let mut report = Report {
        la_code: la_code.to_owned(),
        from_sequence,
        verified: 0,
        reasons_removed: 0,
        wrong: 0,
        findings: Vec::new(),
        head: None,
        unsealed: 0,
        unsealed_since_at: None,
    };
    let mut before = BEFORE_THE_FIRST.to_owned();
    read(&mut |connection| {
        report.head = head_of(connection, la_code)?;
        if from_sequence > 1 {
            match link_at(connection, la_code, from_sequence - 1)? {
                Some(link) => before = link.hash,
                None => report.tell(Finding::PlaceMissing {
                    sequence: from_sequence - 1,
                }),
            }
        }
        if let Some(noted) = noted {
            let there = link_at(connection, la_code, noted.sequence)?;
            if there.is_none_or(|link| link.hash != noted.hash) {
                report.tell(Finding::NotedHeadMissing {
                    sequence: noted.sequence,
                });
            }
        }
        Ok(())
    })?;
    let (head_sequence, head_hash) = match &report.head {
        Some(head) => (head.sequence, head.hash.clone()),
        None => (0, BEFORE_THE_FIRST.to_owned()),
    };
    let mut next = from_sequence.max(1);
    loop {
        let mut walked = 0;
        read(&mut |connection| {
            let links = links_from(connection, la_code, next, AT_A_TIME)?;
            let ids: Vec<String> = links.iter().map(|link| link.entry_id.clone()).collect();
            let entries: HashMap<String, AuditRow> = entries_by_id(connection, la_code, &ids)?
                .into_iter()
                .map(|entry| (entry.id.clone(), entry))
                .collect();
            for link in links {
                report.tell_missing(next, link.sequence);
                judge(&mut report, &before, &link, entries.get(&link.entry_id));
                if link.sequence == head_sequence && link.hash != head_hash {
                    report.tell(Finding::HeadDiffers {
                        sequence: link.sequence,
                    });
                }
                next = link.sequence + 1;
                before = link.hash;
                walked += 1;
            }
            Ok(())
        })?;
        watch(next - 1, head_sequence.max(next - 1));
        if walked < AT_A_TIME {
            break;
        }
    }
    read(&mut |connection| {
        // More may have been sealed since the head was read.
        let head = head_of(connection, la_code)?;
        let last = head.as_ref().map_or(0, |head| head.sequence);
        if head.is_none() && next > from_sequence.max(1) {
            report.tell(Finding::HeadMissing);
        }
        report.tell_missing(next, head_sequence + 1);
        if head.is_some() && next - 1 > last {
            report.tell(Finding::BehindTheHead { sequence: last + 1 });
        }
        let (unsealed, oldest) = count_unchained(connection, Some(la_code))?;
        report.unsealed = unsealed;
        if let Some(oldest) = oldest {
            report.unsealed_since_at = Uuid::parse_str(&oldest).ok().and_then(instant_of);
            if entries_by_id(connection, la_code, std::slice::from_ref(&oldest))?.is_empty() {
                report.tell(Finding::WaitingForNothing { entry_id: oldest });
            }
        }
        let outside = count_outside(connection, la_code)?;
        if outside > 0 {
            report.tell(Finding::Outside { entries: outside });
        }
        Ok(())
    })?;
    Ok(report)
}

fn judge(report: &mut Report, before: &str, link: &Link, entry: Option<&AuditRow>) {
    let sequence = link.sequence;
    let Some(entry) = entry else {
        return report.tell(Finding::EntryMissing { sequence });
    };
    report.verified += 1;
    let reason_fits = match (&entry.reason, &entry.reason_sha256) {
        (Some(reason), Some(digest)) => digest_of_reason(&entry.id, reason) == *digest,
        (Some(_), None) => false,
        (None, Some(_)) => {
            report.reasons_removed += 1;
            true
        }
        (None, None) => true,
    };
    if !reason_fits || hash_of(before, sequence, entry) != link.hash {
        report.tell(Finding::Altered { sequence });
    }
}
