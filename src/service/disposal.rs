//! Disposal: deleting the cases of a reviewed list with all that is held of them, so that only the fact and the trail
//! are left.
//!
//! Each case is held and judged again first, since days may have passed and a hold may have been placed. What is
//! deleted is said in `store::disposal`.

use std::collections::HashMap;

use uuid::Uuid;

use super::disposal_list::{
    DisposalDecision, DisposalList, DisposalListState, KeptBecause, decide, hold_list, list_of,
};
use super::retention::{Judged, judge_cases};
use super::{Error, Work};
use crate::store::StoreError;
use crate::store::case::lock_case;
use crate::store::convert::{self, name_of};
use crate::store::disposal::{delete_cases, hold_for_deletion, procedure_ids_of_cases};
use crate::store::disposal_list::{DisposalItemRow, items_of_list, update_item, update_list};
use crate::store::procedure::lock_procedures;
use crate::store::settings::keep_settings;

/// Carries a reviewed list out, all of it in one transaction. What cannot be disposed of any more is kept, with the
/// reason why.
pub fn carry_out_disposal(work: &mut Work<'_>, list_id: Uuid, if_match: i64) -> Result<DisposalList, Error> {
    let (la_code, whole) = (work.la_code(), work.whole());
    let mut list = hold_list(work, list_id, if_match, DisposalListState::Reviewed)?;
    let mut items = items_of_list(work.connection, &whole, &list.id)?;
    let kept = name_of(&DisposalDecision::Keep)?;
    let is_to_go = |item: &&mut DisposalItemRow| item.decision.as_ref() != Some(&kept);
    let to_go: Vec<String> = items
        .iter_mut()
        .filter(is_to_go)
        .map(|item| item.case_id.clone())
        .collect();
    // In the order of their ids, as everybody holds several.
    for case_id in &to_go {
        match lock_case(work.connection, &whole, convert::id(case_id)?) {
            // What is not there is not seen.
            Ok(_) | Err(StoreError::NotFound) => {}
            Err(other) => return Err(other.into()),
        }
    }
    keep_settings(work.connection, &la_code)?;
    let root = work.root()?;
    let judged: HashMap<String, Judged> = judge_cases(work, &root, &to_go)?
        .into_iter()
        .map(|case| (case.row.id.clone(), case))
        .collect();
    let mut goes = Vec::new();
    for item in items.iter_mut().filter(is_to_go) {
        let hindrance = match judged.get(&item.case_id) {
            None => Some(KeptBecause::NotSeen),
            Some(case) => case.hindrances.first().copied().map(KeptBecause::from),
        };
        decide(item, hindrance)?;
        if hindrance.is_none() {
            item.disposed_at = Some(work.now.naive_utc());
            goes.push(item.case_id.clone());
        }
    }
    for item in &mut items {
        item.is_pending = false;
        update_item(work.connection, item)?;
    }
    for case_id in &goes {
        work.audit("dispose_of_case", &list.id, Some(case_id), None)?;
    }
    let procedures = procedure_ids_of_cases(work.connection, &la_code, &goes)?;
    lock_procedures(work.connection, &la_code, &procedures)?;
    hold_for_deletion(work.connection, &la_code, &goes)?;
    delete_cases(work.connection, &la_code, &goes, &procedures)?;
    list.state = name_of(&DisposalListState::CarriedOut)?;
    list.carried_out_at = Some(work.now.naive_utc());
    list.carried_out_by = Some(work.principal.subject.clone());
    list.version += 1;
    update_list(work.connection, &list)?;
    work.audit("carry_out_disposal", &list.id, None, Some(list.version))?;
    list_of(work, &list)
}
