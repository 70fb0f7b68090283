//! Lists of cases to dispose of: who makes one, who reviews it, and what is left of what was disposed of.
//!
//! A list is made of what is due, reviewed by somebody else, and carried out in `disposal`. On each list those cases
//! alone exist that exist for whoever looks.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::retention::{Judged, due_cases};
use super::{Error, Fault, Work};
use crate::casework::retention::Hindrance;
use crate::store::StoreError;
use crate::store::convert::{self, instant, name_of, named};
use crate::store::disposal_list::{
    DisposalItemRow, DisposalListRow, DisposedRow, find_list, hold_making_lists, insert_list, items_of_list,
    lock_list, page_of_disposals, page_of_lists, update_item, update_list,
};

/// How far a list has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisposalListState {
    Made,
    Reviewed,
    CarriedOut,
}

/// What becomes of a case on a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisposalDecision {
    Dispose,
    Keep,
}

/// Why a case on a list is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeptBecause {
    /// Who reviewed the list said so.
    Reviewer,
    /// It did not exist for who reviewed the list, or for who carried it out.
    NotSeen,
    CaseOpen,
    LegalHold,
    /// By the rules of the day it is kept for longer.
    NotDue,
    /// By the rules of the day it is kept for ever.
    NoRule,
}

impl From<Hindrance> for KeptBecause {
    fn from(hindrance: Hindrance) -> KeptBecause {
        match hindrance {
            Hindrance::CaseOpen => KeptBecause::CaseOpen,
            Hindrance::LegalHold => KeptBecause::LegalHold,
            Hindrance::NotDue => KeptBecause::NotDue,
            Hindrance::NoRule => KeptBecause::NoRule,
        }
    }
}

/// A list without its cases.
#[derive(Debug, Clone)]
pub struct DisposalListSummary {
    pub id: Uuid,
    pub state: DisposalListState,
    pub made_at: DateTime<Utc>,
    pub made_by: String,
    pub reviewed_at: Option<DateTime<Utc>>,
    pub reviewed_by: Option<String>,
    pub carried_out_at: Option<DateTime<Utc>>,
    pub carried_out_by: Option<String>,
    pub version: i64,
}

/// A list with those of its cases that exist for whoever asks.
#[derive(Debug, Clone)]
pub struct DisposalList {
    pub summary: DisposalListSummary,
    pub items: Vec<DisposalItem>,
}

/// A case on a list.
#[derive(Debug, Clone)]
pub struct DisposalItem {
    pub list_id: Uuid,
    pub case_id: Uuid,
    pub reference: String,
    pub dispose_after_on: Option<NaiveDate>,
    pub rule: String,
    pub decision: Option<DisposalDecision>,
    pub kept_because: Option<KeptBecause>,
    pub kept_reason: Option<String>,
    pub disposed_at: Option<DateTime<Utc>>,
}

/// A case that was disposed of.
#[derive(Debug, Clone)]
pub struct Disposal {
    pub case_id: Uuid,
    pub reference: String,
    pub rule: String,
    pub list_id: Uuid,
    pub disposed_at: DateTime<Utc>,
    pub disposed_by: String,
}

/// Makes a list of the oldest cases that are due today.
pub fn make_disposal_list(work: &mut Work<'_>, limit: usize) -> Result<DisposalList, Error> {
    let (la_code, root) = (work.la_code(), work.root()?);
    hold_making_lists(work.connection, &la_code)?;
    let due = due_cases(work, &root, limit)?;
    if due.is_empty() {
        return Err(Error::NothingDue);
    }
    let list = DisposalListRow {
        id: work.new_id().to_string(),
        la_code,
        state: name_of(&DisposalListState::Made)?,
        made_at: work.now.naive_utc(),
        made_by: work.principal.subject.clone(),
        reviewed_at: None,
        reviewed_by: None,
        carried_out_at: None,
        carried_out_by: None,
        version: 1,
    };
    let today = work.today();
    let item = |case: Judged| {
        let rule = case.retention.due_by(today)?;
        Some(DisposalItemRow {
            list_id: list.id.clone(),
            la_code: list.la_code.clone(),
            dispose_after_on: case.retention.dispose_after_on(),
            case_id: case.row.id,
            reference: case.row.reference,
            rule,
            decision: None,
            kept_because: None,
            kept_reason: None,
            is_pending: true,
            disposed_at: None,
        })
    };
    let items: Vec<DisposalItemRow> = due.into_iter().filter_map(item).collect();
    insert_list(work.connection, &list, &items)?;
    work.audit("make_disposal_list", &list.id, None, Some(list.version))?;
    list_of(work, &list)
}

/// A page of the authority's lists, without their cases.
pub fn list_disposal_lists(
    work: &mut Work<'_>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<DisposalListSummary>, Error> {
    let la_code = work.la_code();
    page_of_lists(work.connection, &la_code, after, limit)?
        .iter()
        .map(summary_of)
        .collect()
}

pub fn get_disposal_list(work: &mut Work<'_>, list_id: Uuid) -> Result<DisposalList, Error> {
    let la_code = work.la_code();
    let row = find_list(work.connection, &la_code, list_id)?;
    let list = list_of(work, &row)?;
    let shown = i64::try_from(list.items.len()).unwrap_or(i64::MAX - 1) + 1;
    work.shows_page(shown, list.items.iter().map(|item| item.case_id.to_string()));
    Ok(list)
}

/// Says which cases of a list are kept, and why; all others that exist for whoever reviews are to be disposed of. By
/// somebody other than who made the list.
pub fn review_disposal_list(
    work: &mut Work<'_>,
    list_id: Uuid,
    if_match: i64,
    keep: &[(Uuid, String)],
) -> Result<DisposalList, Error> {
    let (whole, root) = (work.whole(), work.root()?);
    let mut list = hold_list(work, list_id, if_match, DisposalListState::Made)?;
    if list.made_by == work.principal.subject {
        return Err(Error::OwnList);
    }
    let seen: BTreeMap<String, DisposalItemRow> = items_of_list(work.connection, &root, &list.id)?
        .into_iter()
        .map(|item| (item.case_id.clone(), item))
        .collect();
    let mut reasons: HashMap<String, &str> = HashMap::new();
    let mut faults = Vec::new();
    for (index, (case_id, reason)) in keep.iter().enumerate() {
        let (pointer, case_id) = (format!("/keep/{index}/case_id"), case_id.to_string());
        if !seen.contains_key(&case_id) {
            let message = "must be a case on this list";
            faults.push(Fault::new(pointer, "not_on_the_list", message));
        } else if reasons.insert(case_id, reason).is_some() {
            faults.push(Fault::new(pointer, "repeated", "must name each case once"));
        }
    }
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    for mut item in items_of_list(work.connection, &whole, &list.id)? {
        let reason = reasons.get(&item.case_id).map(|reason| (*reason).to_owned());
        let because = match (seen.contains_key(&item.case_id), &reason) {
            (false, _) => Some(KeptBecause::NotSeen),
            (true, Some(_)) => Some(KeptBecause::Reviewer),
            (true, None) => None,
        };
        decide(&mut item, because)?;
        item.kept_reason = reason;
        update_item(work.connection, &item)?;
    }
    list.state = name_of(&DisposalListState::Reviewed)?;
    list.reviewed_at = Some(work.now.naive_utc());
    list.reviewed_by = Some(work.principal.subject.clone());
    list.version += 1;
    update_list(work.connection, &list)?;
    work.audit("review_disposal_list", &list.id, None, Some(list.version))?;
    list_of(work, &list)
}

/// A page of the cases that were disposed of, the oldest disposal first.
pub fn list_disposals(
    work: &mut Work<'_>,
    reference: Option<&str>,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Disposal>, Error> {
    let la_code = work.la_code();
    let rows = page_of_disposals(work.connection, &la_code, reference, after, limit)?;
    work.shows_page(limit, rows.iter().map(|row| &row.case_id));
    rows.into_iter().map(disposal_of).collect()
}

/// Holds a list in the version that whoever acts has seen, if it is in a state.
pub(super) fn hold_list(
    work: &mut Work<'_>,
    list_id: Uuid,
    if_match: i64,
    wanted: DisposalListState,
) -> Result<DisposalListRow, Error> {
    let la_code = work.la_code();
    let list = lock_list(work.connection, &la_code, list_id)?;
    if list.version != if_match {
        return Err(Error::Stale {
            current_version: list.version,
        });
    }
    let state: DisposalListState = named(&list.state)?;
    if state == wanted {
        Ok(list)
    } else {
        Err(Error::DisposalListState { state })
    }
}

/// Writes on a line what becomes of its case.
pub(super) fn decide(item: &mut DisposalItemRow, because: Option<KeptBecause>) -> Result<(), Error> {
    let decision = match because {
        Some(_) => DisposalDecision::Keep,
        None => DisposalDecision::Dispose,
    };
    item.decision = Some(name_of(&decision)?);
    item.kept_because = because.map(|because| name_of(&because)).transpose()?;
    Ok(())
}

/// A list as whoever asks sees it.
pub(super) fn list_of(work: &mut Work<'_>, row: &DisposalListRow) -> Result<DisposalList, Error> {
    let root = work.root()?;
    let items = items_of_list(work.connection, &root, &row.id)?;
    Ok(DisposalList {
        summary: summary_of(row)?,
        items: items.into_iter().map(item_of).collect::<Result<_, _>>()?,
    })
}

fn summary_of(row: &DisposalListRow) -> Result<DisposalListSummary, Error> {
    Ok(DisposalListSummary {
        id: convert::id(&row.id)?,
        state: named(&row.state)?,
        made_at: instant(row.made_at),
        made_by: row.made_by.clone(),
        reviewed_at: row.reviewed_at.map(instant),
        reviewed_by: row.reviewed_by.clone(),
        carried_out_at: row.carried_out_at.map(instant),
        carried_out_by: row.carried_out_by.clone(),
        version: row.version,
    })
}

pub(super) fn item_of(row: DisposalItemRow) -> Result<DisposalItem, Error> {
    Ok(DisposalItem {
        list_id: convert::id(&row.list_id)?,
        case_id: convert::id(&row.case_id)?,
        decision: row.decision.as_deref().map(named).transpose()?,
        kept_because: row.kept_because.as_deref().map(named).transpose()?,
        disposed_at: row.disposed_at.map(instant),
        reference: row.reference,
        dispose_after_on: row.dispose_after_on,
        rule: row.rule,
        kept_reason: row.kept_reason,
    })
}

fn disposal_of(row: DisposedRow) -> Result<Disposal, Error> {
    let (Some(disposed_at), Some(disposed_by)) = (row.disposed_at, row.disposed_by) else {
        let fault = "a disposal has no instant or nobody who did it";
        return Err(StoreError::Bug(fault.to_owned()).into());
    };
    Ok(Disposal {
        case_id: convert::id(&row.case_id)?,
        list_id: convert::id(&row.list_id)?,
        reference: row.reference,
        rule: row.rule,
        disposed_at: instant(disposed_at),
        disposed_by,
    })
}
