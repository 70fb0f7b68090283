//! A limit of the plain model: what was done about it, or why it fell away.

use chrono::{NaiveDate, TimeDelta};
use uuid::Uuid;

use crate::statute::clock::ClockStatus;
use crate::statute::rulebook::{ClockKind, Party};

/// Why a limit fell away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    Stopped,
    RequestEnded,
    PlanDecided,
    Overtaken,
}

#[derive(Debug, Clone)]
pub struct Limit {
    pub kind: ClockKind,
    pub about: Option<Uuid>,
    pub start: NaiveDate,
    pub days: i64,
    pub done: Option<NaiveDate>,
    pub dropped: Option<(NaiveDate, Why)>,
    pub bearer: Party,
    meanwhile: Option<NaiveDate>,
}

impl Limit {
    pub fn running(
        kind: ClockKind,
        about: Option<Uuid>,
        start: NaiveDate,
        days: i64,
        bearer: Party,
    ) -> Limit {
        Limit {
            kind,
            about,
            start,
            days,
            done: None,
            dropped: None,
            bearer,
            meanwhile: None,
        }
    }

    pub fn end(&self) -> NaiveDate {
        self.start + TimeDelta::days(self.days)
    }

    pub fn is_window(&self) -> bool {
        self.kind == ClockKind::DraftRepresentations
    }

    fn has_run_by(&self, day: NaiveDate) -> bool {
        self.is_window() && day > self.end()
    }

    pub fn do_it(&mut self, day: NaiveDate) {
        if self.done.is_some() || self.has_run_by(day) {
        } else if self.dropped.is_some() {
            self.meanwhile.get_or_insert(day);
        } else {
            self.done = Some(day);
        }
    }

    pub fn drop_it(&mut self, day: NaiveDate, why: Why) {
        if self.done.is_none() && self.dropped.is_none() && !self.has_run_by(day) {
            self.dropped = Some((day, why));
        }
    }

    pub fn owe_again(&mut self, after: Why) {
        if self.dropped.is_some_and(|(_, why)| why == after) {
            self.dropped = None;
            self.done = self.meanwhile;
        }
    }

    /// The status on a day after everything told.
    pub fn status(&self, day: NaiveDate) -> ClockStatus {
        if let Some(done) = self.done.filter(|done| *done <= day) {
            let in_time = self.is_window() || done <= self.end();
            return if in_time {
                ClockStatus::Met
            } else {
                ClockStatus::Late
            };
        }
        if self.dropped.is_some_and(|(dropped, _)| dropped <= day) {
            ClockStatus::Cancelled
        } else if day <= self.end() {
            ClockStatus::Running
        } else if self.is_window() {
            ClockStatus::Met
        } else {
            ClockStatus::Overdue
        }
    }
}
