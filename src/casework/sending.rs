//! A plan going out, whatever procedure made it: to whom, when, and whether the family's window had run.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::event::Event;
use super::flag::{FlagCode, FlagSubject};
use super::timeline::{Ledger, Reason};
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::Mark;

/// Whom the final plan was sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecipientRole {
    Family,
    Setting,
    CommissioningBody,
}

/// A recipient of the final plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recipient {
    /// Whom it was sent to.
    pub role: RecipientRole,
    /// The day it was sent to them.
    pub sent_on: NaiveDate,
}

/// The family's waiver of the rest of its window on the draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Waiver {
    /// Who gave it.
    pub given_by: WaivedBy,
    /// The day it was given.
    pub given_on: NaiveDate,
}

/// Who can waive the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaivedBy {
    Parent,
    YoungPerson,
}

/// The amended plan was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AmendedPlanSent {
    /// Which version of the plan's content it is; the newest if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub version: Option<i64>,
    /// Whom it was sent to and when; the limit is kept by the last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20, default = json!([]))]
    pub recipients: Vec<Recipient>,
    /// The family's waiver of the rest of its window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<Waiver>,
    /// The sender knows that the family's window has not run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub sent_early_acknowledged: bool,
}

/// The family was told that the plan will not be amended after all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AmendmentAbandonedNotified {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 10_000)]
    pub reasons: Option<String>,
}

impl AmendedPlanSent {
    pub(super) const IN_WORDS: &'static str = "the amended plan was sent";
}

impl AmendmentAbandonedNotified {
    pub(super) const IN_WORDS: &'static str =
        "the family was told that the plan will not be amended after all";
}

/// What is said of a plan that goes out.
#[derive(Debug, Clone, Copy)]
pub struct Sending<'s> {
    /// Whom it was sent to and when; the limit is kept by the last.
    pub recipients: &'s [Recipient],
    /// The family's waiver of the rest of its window.
    pub waiver: Option<&'s Waiver>,
    /// The sender knows that the family's window has not run.
    pub sent_early_acknowledged: bool,
}

/// The days of a sending, by their fields.
pub(super) fn days_of_sending(recipients: &[Recipient], waiver: Option<&Waiver>) -> Vec<(String, NaiveDate)> {
    let sendings = recipients.iter().enumerate();
    let mut days: Vec<(String, NaiveDate)> = sendings
        .map(|(index, recipient)| (format!("recipients/{index}/sent_on"), recipient.sent_on))
        .collect();
    days.extend(waiver.map(|waiver| ("waiver/given_on".to_owned(), waiver.given_on)));
    days
}

impl Ledger<'_> {
    /// Lets a plan go out, unless it is being recorded now and its sender does not say that he knows what
    /// is in its way: a window that has not run, or the advice given as outstanding. Gives the day on which it had
    /// been sent to everybody.
    pub fn send_plan(
        &mut self,
        mark: Mark,
        sending: Sending<'_>,
        outstanding: Vec<Requirement>,
        event: &Event,
    ) -> Result<NaiveDate, Reason> {
        let days = || sending.recipients.iter().map(|recipient| recipient.sent_on);
        let sent_on = days().max().unwrap_or(event.dated(mark.dated_by()));
        // The first sending is what a family whose window is open would complain of.
        let first_sent_on = days().min().unwrap_or(sent_on);
        if let Some(waived_on) = self.waived_on(sending, first_sent_on) {
            self.mark_dated(Mark::DraftWindowWaived, event, waived_on, None, None);
        }
        let window_ends_on = self
            .clocks
            .newest_window()
            .map(|window| window.due_on)
            .filter(|ends_on| first_sent_on <= *ends_on);
        if event.fresh {
            let unacknowledged = window_ends_on.filter(|_| !sending.sent_early_acknowledged);
            if unacknowledged.is_some() || !outstanding.is_empty() {
                return Err(Reason::PlanNotReady {
                    window_ends_on: unacknowledged,
                    outstanding,
                });
            }
        }
        if window_ends_on.is_some() {
            self.flags.raise(
                FlagCode::DraftWindowCutShort,
                FlagSubject::default(),
                event.occurred_on,
                None,
            );
            self.mark_dated(Mark::DraftWindowCutShort, event, first_sent_on, None, None);
        }
        self.mark_dated(mark, event, sent_on, None, None);
        Ok(sent_on)
    }

    /// The day the family waived the rest of its newest window. What it said before that window opened
    /// was about another, and what it said after the plan had gone out could not let it go.
    fn waived_on(&self, sending: Sending<'_>, first_sent_on: NaiveDate) -> Option<NaiveDate> {
        let window = self.clocks.newest_window()?;
        sending
            .waiver
            .map(|waiver| waiver.given_on)
            .filter(|given_on| window.started_on <= *given_on && *given_on <= first_sent_on)
    }
}
