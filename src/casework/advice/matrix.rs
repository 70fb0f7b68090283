//! The completeness matrix: what is asked for beside what has been done about it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{AdviceRequest, AdviceState, is_agreed};
use crate::casework::timeline::AdviceStanding;
use crate::statute::clock::{Clock, ClockStatus};
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::{ClockKind, Party};

/// Where one source of advice stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdviceStatus {
    NotRequested,
    Awaited,
    Late,
    Submitted,
    Returned,
    Accepted,
    Declined,
    ExistingAgreed,
    NotRequired,
    /// A plan was decided or sent without it.
    Missing,
}

/// One row of the completeness matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdviceItem {
    pub requirement: Requirement,
    pub status: AdviceStatus,
    pub request_id: Option<Uuid>,
    pub organisation_id: Option<Uuid>,
    pub due_on: Option<NaiveDate>,
    /// The day by which it has to be there, where no time limit of its own says so.
    pub needed_by_on: Option<NaiveDate>,
    pub days_late: i64,
    pub whose_move: Option<Party>,
}

impl AdviceStanding {
    /// What is required beside what has been done about it: a row for every request that was not
    /// withdrawn, and one for every paragraph of reg 6 without one.
    pub fn matrix(&self, clocks: &[Clock], required: &[Requirement], as_of: NaiveDate) -> Vec<AdviceItem> {
        Requirement::ALL
            .into_iter()
            .flat_map(|requirement| {
                let mut items: Vec<AdviceItem> = self
                    .requests
                    .iter()
                    .filter(|request| {
                        request.requirement == requirement && request.state != AdviceState::Withdrawn
                    })
                    .map(|request| self.item_of(request, clocks, as_of))
                    .collect();
                if is_agreed(&self.existing, requirement) {
                    items.push(bare_item(requirement, AdviceStatus::ExistingAgreed, None));
                }
                if items.is_empty() {
                    items.push(self.unasked_item(requirement, required.contains(&requirement)));
                }
                items
            })
            .map(|item| AdviceItem {
                needed_by_on: self
                    .needed_by_on
                    .filter(|_| item.status != AdviceStatus::NotRequired),
                whose_move: item.whose_move.filter(|_| !self.is_stopped),
                ..item
            })
            .collect()
    }

    fn item_of(&self, request: &AdviceRequest, clocks: &[Clock], as_of: NaiveDate) -> AdviceItem {
        let clock = clocks
            .iter()
            .find(|clock| clock.rule.kind == ClockKind::Advice && clock.subject == Some(request.id));
        let standing = clock.and_then(|clock| clock.standing_on(as_of));
        let is_missing =
            self.plan_on.is_some() && request.is_awaited() && !is_agreed(&self.existing, request.requirement);
        let (status, whose_move) = match request.state {
            AdviceState::Requested | AdviceState::Acknowledged if is_missing => {
                (AdviceStatus::Missing, Some(request.bearer))
            }
            AdviceState::Requested | AdviceState::Acknowledged => {
                let is_late = standing.is_some_and(|standing| standing.status == ClockStatus::Overdue);
                let status = if is_late {
                    AdviceStatus::Late
                } else {
                    AdviceStatus::Awaited
                };
                (status, Some(request.bearer))
            }
            AdviceState::Submitted => (AdviceStatus::Submitted, Some(Party::LocalAuthority)),
            AdviceState::Returned => (AdviceStatus::Returned, Some(request.bearer)),
            AdviceState::Accepted => (AdviceStatus::Accepted, None),
            AdviceState::Declined => (AdviceStatus::Declined, Some(Party::LocalAuthority)),
            AdviceState::Withdrawn => (AdviceStatus::NotRequested, None),
        };
        AdviceItem {
            requirement: request.requirement,
            status,
            request_id: Some(request.id),
            organisation_id: request.organisation_id,
            due_on: clock.map(|clock| clock.due_on),
            needed_by_on: None,
            days_late: standing.map_or(0, |standing| standing.days_late),
            whose_move,
        }
    }

    fn unasked_item(&self, requirement: Requirement, is_required: bool) -> AdviceItem {
        match (is_required, self.plan_on) {
            (false, _) => bare_item(requirement, AdviceStatus::NotRequired, None),
            (true, Some(_)) => bare_item(requirement, AdviceStatus::Missing, Some(Party::LocalAuthority)),
            (true, None) => bare_item(
                requirement,
                AdviceStatus::NotRequested,
                Some(Party::LocalAuthority),
            ),
        }
    }
}

fn bare_item(requirement: Requirement, status: AdviceStatus, whose_move: Option<Party>) -> AdviceItem {
    AdviceItem {
        requirement,
        status,
        request_id: None,
        organisation_id: None,
        due_on: None,
        needed_by_on: None,
        days_late: 0,
        whose_move,
    }
}
