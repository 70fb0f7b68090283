//! How long cases are kept, and legal holds, which keep them longer.
//!
//! The day is worked out when it is asked for, from the authority's rules and what is known of the case: nothing of
//! it is stored, so that a rule or a date of birth that is changed counts at once.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::disposal_list::{DisposalItem, item_of};
use super::{Error, Work};
use crate::casework::plan::PlanState;
use crate::casework::retention::{
    Hindrance, Retention, RetentionFacts, RetentionRule, born_before, retention_of,
};
use crate::store::Root;
use crate::store::case::{find_case, lock_case};
use crate::store::convert::{self, instant, named};
use crate::store::disposal_list::items_of_case;
use crate::store::legal_hold::{
    LegalHoldRow, find_legal_hold, insert_legal_hold, legal_holds_of_case, update_legal_hold,
};
use crate::store::retention::{
    PlanOfCase, RetainedRow, closed_cases, held_cases, plans_of_cases, retained_cases,
};
use crate::store::settings::settings_at;

/// How many closed cases are judged at a time.
const AT_A_TIME: i64 = 200;

/// What keeps a case from being disposed of.
#[derive(Debug, Clone)]
pub struct LegalHold {
    pub id: Uuid,
    pub case_id: Uuid,
    pub reason: String,
    pub placed_at: DateTime<Utc>,
    pub placed_by: String,
    pub lifted_at: Option<DateTime<Utc>>,
    pub lifted_by: Option<String>,
}

/// How long a case is kept, and what stands against its disposal today.
#[derive(Debug, Clone)]
pub struct RetentionReading {
    pub case_id: Uuid,
    pub retention: Retention,
    /// All that were ever placed, the oldest first.
    pub legal_holds: Vec<LegalHold>,
    pub hindrances: Vec<Hindrance>,
    /// Its lines on lists of cases to dispose of, the oldest list first.
    pub listed: Vec<DisposalItem>,
}

/// A case as its rules have it.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub row: RetainedRow,
    pub retention: Retention,
    pub hindrances: Vec<Hindrance>,
}

/// How long a case that exists for whoever asks is kept.
pub fn get_retention(work: &mut Work<'_>, case_id: Uuid) -> Result<RetentionReading, Error> {
    let root = work.root()?;
    let case = find_case(work.connection, &root, case_id)?;
    work.shows_case(&case.id, None);
    let holds = legal_holds_of_case(work.connection, &case.la_code, &case.id)?;
    let listed = items_of_case(work.connection, &case.la_code, &case.id)?;
    let judged = judge_cases(work, &root, std::slice::from_ref(&case.id))?;
    let Judged {
        retention,
        hindrances,
        ..
    } = judged.into_iter().next().ok_or(Error::NotFound)?;
    Ok(RetentionReading {
        case_id,
        retention,
        hindrances,
        legal_holds: holds.iter().map(legal_hold_of).collect::<Result<_, _>>()?,
        listed: listed.into_iter().map(item_of).collect::<Result<_, _>>()?,
    })
}

/// Keeps a case from being disposed of until the hold is lifted. Several may stand at once.
pub fn place_legal_hold(work: &mut Work<'_>, case_id: Uuid, reason: String) -> Result<LegalHold, Error> {
    let root = work.root()?;
    let case = lock_case(work.connection, &root, case_id)?;
    let row = LegalHoldRow {
        id: work.new_id().to_string(),
        la_code: case.la_code,
        case_id: case.id,
        reason,
        placed_at: work.now.naive_utc(),
        placed_by: work.principal.subject.clone(),
        lifted_at: None,
        lifted_by: None,
    };
    insert_legal_hold(work.connection, &row)?;
    work.reason = Some(row.reason.clone());
    work.audit("place_legal_hold", &row.id, Some(&row.case_id), None)?;
    legal_hold_of(&row)
}

/// Lifts a hold. Saying it again changes nothing.
pub fn lift_legal_hold(work: &mut Work<'_>, case_id: Uuid, hold_id: Uuid) -> Result<LegalHold, Error> {
    let root = work.root()?;
    let case = lock_case(work.connection, &root, case_id)?;
    let mut row = find_legal_hold(work.connection, &case.la_code, case_id, hold_id)?;
    if row.lifted_at.is_none() {
        row.lifted_at = Some(work.now.naive_utc());
        row.lifted_by = Some(work.principal.subject.clone());
        update_legal_hold(work.connection, &row)?;
        work.audit("lift_legal_hold", &row.id, Some(&row.case_id), None)?;
    }
    work.shows_case(&row.case_id, None);
    legal_hold_of(&row)
}

/// Judges some cases by today's rules; those that do not exist at the root are left out.
pub(super) fn judge_cases(
    work: &mut Work<'_>,
    root: &Root,
    case_ids: &[String],
) -> Result<Vec<Judged>, Error> {
    let la_code = work.la_code();
    let rows = retained_cases(work.connection, root, case_ids)?;
    let held = held_cases(work.connection, &la_code, case_ids)?;
    let rules = rules_of(work)?;
    judge(work, rows, &held.into_iter().collect(), &rules)
}

/// The oldest cases that are due today, by the date of birth, on which there is no hold and which are on no list
/// that waits.
pub(super) fn due_cases(work: &mut Work<'_>, root: &Root, limit: usize) -> Result<Vec<Judged>, Error> {
    let (rules, today) = (rules_of(work)?, work.today());
    let born_before = born_before(&rules, today);
    let mut due: Vec<Judged> = Vec::new();
    let mut after = None;
    while due.len() < limit {
        let rows = closed_cases(work.connection, root, born_before, after, AT_A_TIME)?;
        let Some(last) = rows.last() else { break };
        after = Some((last.date_of_birth, convert::id(&last.id)?));
        let judged = judge(work, rows, &HashSet::new(), &rules)?;
        due.extend(judged.into_iter().filter(|case| case.hindrances.is_empty()));
    }
    due.truncate(limit);
    Ok(due)
}

fn rules_of(work: &mut Work<'_>) -> Result<Vec<RetentionRule>, Error> {
    let la_code = work.la_code();
    Ok(settings_at(work.connection, &la_code, None)?.1.retention_rules)
}

fn judge(
    work: &mut Work<'_>,
    rows: Vec<RetainedRow>,
    held: &HashSet<String>,
    rules: &[RetentionRule],
) -> Result<Vec<Judged>, Error> {
    let (la_code, today) = (work.la_code(), work.today());
    let case_ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let mut had_plan: HashMap<String, bool> = HashMap::new();
    for plan in plans_of_cases(work.connection, &la_code, &case_ids)? {
        let was_in_force = was_in_force(&plan)?;
        *had_plan.entry(plan.case_id).or_default() |= was_in_force;
    }
    let judged = rows.into_iter().map(|row| {
        let facts = RetentionFacts {
            date_of_birth: row.date_of_birth,
            closed_on: row.closed_on,
            was_looked_after: row.looked_after || row.has_been_looked_after,
            had_plan: had_plan.get(&row.id).copied().unwrap_or_default(),
        };
        let retention = retention_of(&facts, rules);
        let is_held = held.contains(&row.id);
        Judged {
            hindrances: retention.hindrances(row.closed_on.is_some(), is_held, today),
            retention,
            row,
        }
    });
    Ok(judged.collect())
}

fn was_in_force(plan: &PlanOfCase) -> Result<bool, Error> {
    Ok(match named(&plan.state)? {
        PlanState::InForce | PlanState::AmendmentProposed | PlanState::CeaseNotified | PlanState::Ceased => {
            true
        }
        // Its case was closed while it was in force, or while it was only drafted.
        PlanState::Closed => plan.is_recorded_as_made,
        PlanState::Draft | PlanState::DraftWithdrawn | PlanState::Void => false,
    })
}

fn legal_hold_of(row: &LegalHoldRow) -> Result<LegalHold, Error> {
    Ok(LegalHold {
        id: convert::id(&row.id)?,
        case_id: convert::id(&row.case_id)?,
        reason: row.reason.clone(),
        placed_at: instant(row.placed_at),
        placed_by: row.placed_by.clone(),
        lifted_at: row.lifted_at.map(instant),
        lifted_by: row.lifted_by.clone(),
    })
}
