//! Clocks: what the rulebook makes of the marks a procedure reports.
//!
//! A clock is a list of dated segments. An occurrence that changes a date already shown closes
//! the segment and opens the next, so that any day asked about finds what held on that day. The
//! same segments are what `store` indexes; nothing else computes a clock.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use utoipa::ToSchema;
use uuid::{Builder, Uuid};

use super::exception::{Claim, MissedAppointment, Period, TestedClaim, test_claim};
use super::reading::Readings;
use super::rulebook::{Bound, ClockKind, CountedFrom, Force, Mark, Party, Reopening, Rule};

/// Something that happened, as the rulebook sees it.
#[derive(Debug, Clone, Copy)]
pub struct Occurrence {
    pub mark: Mark,
    /// The legal date: the one of the event's dates that the rulebook counts by.
    pub on: NaiveDate,
    /// The day that the fact names, such as that of a meeting arranged; rules may count from it.
    pub named_on: Option<NaiveDate>,
    /// The day of the act; before it, nobody could have known.
    pub occurred_on: NaiveDate,
    /// The event that first recorded the fact, through all its corrections.
    pub root_event_id: Uuid,
    /// The advice request or consultation it is about; none means all of them.
    pub subject: Option<Uuid>,
    /// Who owes the act and how it binds, where that differs from the rule.
    pub owed: Option<Owed>,
}

/// Who owes an act, and how strongly it binds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owed {
    pub bearer: Party,
    pub force: Force,
}

/// A stretch of days on which nothing about a clock changed but the day itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    pub effective_from_on: NaiveDate,
    /// The first day it no longer holds.
    pub effective_until_on: Option<NaiveDate>,
    pub bearer: Party,
    pub force: Force,
    pub satisfied_on: Option<NaiveDate>,
    pub cancelled_on: Option<NaiveDate>,
    pub excused_from_on: Option<NaiveDate>,
}

/// One time limit running on one procedure.
#[derive(Debug, Clone)]
pub struct Clock {
    /// UUIDv5 of procedure, kind and the root event that started it: the same for ever.
    pub id: Uuid,
    pub rule: &'static Rule,
    pub subject: Option<Uuid>,
    pub started_by: Mark,
    /// The event that first recorded the fact that started it, through all its corrections.
    pub root_event_id: Uuid,
    /// The legal date of the fact that started it.
    pub triggered_on: NaiveDate,
    /// The day it is counted from, forwards or back.
    pub counted_from_on: NaiveDate,
    /// The earlier of the two: the first day of its period.
    pub started_on: NaiveDate,
    /// The day of the earlier fact that its rule's outer limit is counted from, where it is on record.
    pub outer_from_on: Option<NaiveDate>,
    pub due_on: NaiveDate,
    pub day_one_due_on: NaiveDate,
    /// In order and without gaps; never empty.
    pub segments: Vec<Segment>,
    pub claims: Vec<TestedClaim>,
    /// What it was counted under.
    pub readings: Readings,
    /// What cancelled it, while it is cancelled.
    cancelled_by: Option<Mark>,
    /// When the act was done, if that was while nothing was owed.
    done_unowed_on: Option<NaiveDate>,
}

/// Where a clock stands on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockStatus {
    /// Not done, and not yet due.
    Running,
    /// Not done, and past due.
    Overdue,
    /// Done in time; for a window, run or waived.
    Met,
    /// Done after it was due.
    Late,
    /// No longer owed.
    Cancelled,
}

/// How a clock stands, with the day that settled it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Running,
    Overdue,
    MetOn(NaiveDate),
    /// A window that ran to its end.
    WindowRun,
    LateOn(NaiveDate),
    CancelledOn(NaiveDate),
}

impl Outcome {
    pub fn status(self) -> ClockStatus {
        match self {
            Outcome::Running => ClockStatus::Running,
            Outcome::Overdue => ClockStatus::Overdue,
            Outcome::MetOn(_) | Outcome::WindowRun => ClockStatus::Met,
            Outcome::LateOn(_) => ClockStatus::Late,
            Outcome::CancelledOn(_) => ClockStatus::Cancelled,
        }
    }
}

/// A clock read on one day. Dates that lie after the day are not there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub status: ClockStatus,
    pub satisfied_on: Option<NaiveDate>,
    pub cancelled_on: Option<NaiveDate>,
    /// Days to the due date, negative once it has passed; none once the clock has stopped.
    pub days_remaining: Option<i64>,
    /// Days past the due date, nought when it was or may still be kept.
    pub days_late: i64,
    pub excused: bool,
}

/// How one segment of a clock stands on a day within it.
pub fn outcome(bound: Bound, due_on: NaiveDate, segment: &Segment, as_of: NaiveDate) -> Outcome {
    let by_then = |date: Option<NaiveDate>| date.filter(|date| *date <= as_of);
    match (by_then(segment.satisfied_on), by_then(segment.cancelled_on)) {
        (Some(satisfied_on), _) => match bound {
            Bound::NoLaterThan if satisfied_on > due_on => Outcome::LateOn(satisfied_on),
            Bound::NoLaterThan | Bound::NoEarlierThan => Outcome::MetOn(satisfied_on),
        },
        (None, Some(cancelled_on)) => Outcome::CancelledOn(cancelled_on),
        (None, None) if as_of <= due_on => Outcome::Running,
        (None, None) => match bound {
            Bound::NoLaterThan => Outcome::Overdue,
            Bound::NoEarlierThan => Outcome::WindowRun,
        },
    }
}

/// Reads one segment of a clock on a day within it.
pub fn standing(bound: Bound, due_on: NaiveDate, segment: &Segment, as_of: NaiveDate) -> Standing {
    let by_then = |date: Option<NaiveDate>| date.filter(|date| *date <= as_of);
    let outcome = outcome(bound, due_on, segment, as_of);
    let days_remaining = (due_on - as_of).num_days();
    let (days_remaining, days_late) = match outcome {
        Outcome::Running => (Some(days_remaining), 0),
        Outcome::Overdue => (Some(days_remaining), -days_remaining),
        Outcome::LateOn(satisfied_on) => (None, (satisfied_on - due_on).num_days()),
        Outcome::MetOn(_) | Outcome::WindowRun | Outcome::CancelledOn(_) => (None, 0),
    };
    Standing {
        status: outcome.status(),
        satisfied_on: by_then(segment.satisfied_on),
        cancelled_on: by_then(segment.cancelled_on),
        days_remaining,
        days_late,
        excused: by_then(segment.excused_from_on).is_some(),
    }
}

impl Clock {
    /// The segment that holds on a day, if the clock is there on that day.
    pub fn segment_on(&self, as_of: NaiveDate) -> Option<&Segment> {
        self.segments.iter().find(|segment| {
            segment.effective_from_on <= as_of && segment.effective_until_on.is_none_or(|until| as_of < until)
        })
    }

    /// Where the clock stands on a day, if it is there on that day.
    pub fn standing_on(&self, as_of: NaiveDate) -> Option<Standing> {
        self.segment_on(as_of)
            .map(|segment| standing(self.rule.bound, self.due_on, segment, as_of))
    }

    /// How the clock stands on a day, if it is there on that day.
    pub fn outcome_on(&self, as_of: NaiveDate) -> Option<Outcome> {
        self.segment_on(as_of)
            .map(|segment| outcome(self.rule.bound, self.due_on, segment, as_of))
    }

    fn starting(
        rule: &'static Rule,
        occurrence: &Occurrence,
        counted_from_on: NaiveDate,
        outer_from_on: Option<NaiveDate>,
        procedure_id: Uuid,
        readings: &Readings,
    ) -> Clock {
        let due = rule.due(counted_from_on, outer_from_on, readings);
        let owed = occurrence.owed.unwrap_or(Owed {
            bearer: rule.bearer,
            force: rule.force,
        });
        Clock {
            id: clock_id(procedure_id, rule.kind, occurrence.root_event_id),
            rule,
            subject: occurrence.subject,
            started_by: occurrence.mark,
            root_event_id: occurrence.root_event_id,
            triggered_on: occurrence.on,
            counted_from_on,
            started_on: counted_from_on.min(occurrence.on),
            outer_from_on,
            due_on: due.due_on,
            day_one_due_on: due.day_one_due_on,
            segments: vec![Segment {
                effective_from_on: occurrence.occurred_on,
                effective_until_on: None,
                bearer: owed.bearer,
                force: owed.force,
                satisfied_on: None,
                cancelled_on: None,
                excused_from_on: None,
            }],
            claims: Vec::new(),
            readings: *readings,
            cancelled_by: None,
            done_unowed_on: None,
        }
    }

    fn is_about(&self, subject: Option<Uuid>) -> bool {
        match (self.subject, subject) {
            (Some(own), Some(other)) => own == other,
            (_, None) => true,
            (None, Some(_)) => false,
        }
    }

    fn hear(&mut self, occurrence: &Occurrence) {
        if !self.is_about(occurrence.subject) {
            return;
        }
        self.reopen(occurrence);
        self.stop(occurrence);
        if let (Mark::AdviceRedirected, Some(owed)) = (occurrence.mark, occurrence.owed) {
            self.replace(occurrence.occurred_on, |segment| {
                segment.bearer = owed.bearer;
                segment.force = owed.force;
            });
        }
    }

    /// Takes a cancellation back. What was done while nothing was owed counts from then on.
    fn reopen(&mut self, occurrence: &Occurrence) {
        let takes_back = |reopening: &Reopening| {
            reopening.by == occurrence.mark
                && self
                    .cancelled_by
                    .is_some_and(|cancelled_by| reopening.after.contains(&cancelled_by))
        };
        if self.rule.reopened_by.iter().any(takes_back) {
            let done_unowed_on = self.done_unowed_on;
            self.cancelled_by = None;
            self.replace(occurrence.occurred_on, |segment| {
                segment.cancelled_on = None;
                segment.satisfied_on = done_unowed_on;
            });
        }
    }

    fn stop(&mut self, occurrence: &Occurrence) {
        let Occurrence {
            mark,
            on,
            occurred_on,
            ..
        } = *occurrence;
        let Some(current) = self.segments.last().copied() else {
            return;
        };
        // A window that has run stays run, whatever comes after it.
        let has_run = self.rule.bound == Bound::NoEarlierThan && on > self.due_on;
        if current.satisfied_on.is_some() || has_run {
            return;
        }
        let is_cancelled = current.cancelled_on.is_some();
        if self.rule.satisfied_by.contains(&mark) {
            if is_cancelled {
                self.done_unowed_on.get_or_insert(on);
            } else {
                self.change(on, occurred_on, |segment| segment.satisfied_on = Some(on));
            }
        } else if self.rule.cancelled_by.contains(&mark) && !is_cancelled {
            self.cancelled_by = Some(mark);
            self.change(on, occurred_on, |segment| segment.cancelled_on = Some(on));
        }
    }

    /// Sets a date. Before its day it reads as not there, so the segment can keep it, unless the
    /// act that set it came later than the date itself.
    fn change(&mut self, on: NaiveDate, occurred_on: NaiveDate, set: impl FnOnce(&mut Segment)) {
        if on < occurred_on {
            self.replace(occurred_on, set);
        } else if let Some(segment) = self.segments.last_mut() {
            set(segment);
        }
    }

    /// Closes the current segment on a day and opens the next with what changed.
    fn replace(&mut self, on: NaiveDate, set: impl FnOnce(&mut Segment)) {
        let Some(current) = self.segments.last_mut() else {
            return;
        };
        let mut next = *current;
        set(&mut next);
        if current.effective_from_on >= on {
            *current = next;
        } else {
            current.effective_until_on = Some(on);
            next.effective_from_on = on;
            self.segments.push(next);
        }
    }
}

/// The id of the clock of a kind that an event started on a procedure.
pub fn clock_id(procedure_id: Uuid, kind: ClockKind, root_event_id: Uuid) -> Uuid {
    // UUIDv5 by hand, since the library's own SHA-1 takes a quarter of the engine's time.
    let mut name_buffer = Uuid::encode_buffer();
    let mut digest = Sha1::new();
    digest.update(procedure_id.as_bytes());
    digest.update(kind.name());
    digest.update(":");
    digest.update(
        root_event_id
            .hyphenated()
            .encode_lower(&mut name_buffer)
            .as_bytes(),
    );
    let hash: [u8; 20] = digest.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Builder::from_sha1_bytes(bytes).into_uuid()
}

/// The clocks of one procedure while its events are folded.
#[derive(Debug)]
pub struct Clocks<'r> {
    procedure_id: Uuid,
    rules: &'static [Rule],
    readings: &'r Readings,
    clocks: Vec<Clock>,
    claims: Vec<Claim>,
    missed: Vec<MissedAppointment>,
}

impl<'r> Clocks<'r> {
    /// No clocks yet, under a rule set and an authority's readings.
    pub fn under(rules: &'static [Rule], readings: &'r Readings, procedure_id: Uuid) -> Clocks<'r> {
        Clocks {
            procedure_id,
            rules,
            readings,
            clocks: Vec::new(),
            claims: Vec::new(),
            missed: Vec::new(),
        }
    }

    /// Lets every clock hear of an occurrence, then starts those it starts.
    ///
    /// Occurrences must come in the order of the fold.
    pub fn hear(&mut self, occurrence: Occurrence) {
        for clock in &mut self.clocks {
            clock.hear(&occurrence);
        }
        for rule in self.rules {
            if !rule.starts.contains(&occurrence.mark) || !rule.is_in_force(occurrence.on) {
                continue;
            }
            let counted_from_on = match rule.counted_from {
                CountedFrom::Start => Some(occurrence.on),
                CountedFrom::NamedDay => occurrence.named_on,
                CountedFrom::Earlier(mark) => self.day_of(mark),
            };
            let outer_from_on = rule.never_later_than.and_then(|outer| self.day_of(outer.from));
            if let Some(counted_from_on) = counted_from_on {
                self.clocks.push(Clock::starting(
                    rule,
                    &occurrence,
                    counted_from_on,
                    outer_from_on,
                    self.procedure_id,
                    self.readings,
                ));
            }
        }
    }

    /// When a fact that starts clocks last was.
    fn day_of(&self, mark: Mark) -> Option<NaiveDate> {
        let started = self.clocks.iter().rev().find(|clock| clock.started_by == mark);
        started.map(|clock| clock.triggered_on)
    }

    /// The clock that is about one advice request or consultation.
    pub fn clock_about(&self, subject: Uuid) -> Option<Uuid> {
        let about = self.clocks.iter().find(|clock| clock.subject == Some(subject));
        about.map(|clock| clock.id)
    }

    /// When the clock of a kind that started last is due.
    pub fn newest_due_on(&self, kind: ClockKind) -> Option<NaiveDate> {
        let newest = self.clocks.iter().rev().find(|clock| clock.rule.kind == kind);
        newest.map(|clock| clock.due_on)
    }

    /// Keeps a claimed exception.
    pub fn claim(&mut self, claim: Claim) {
        self.claims.push(claim);
    }

    /// Keeps a missed appointment as evidence.
    pub fn miss(&mut self, missed: MissedAppointment) {
        self.missed.push(missed);
    }

    /// The family's newest window on a draft plan, unless it was waived.
    pub fn newest_window(&self) -> Option<&Clock> {
        self.clocks
            .iter()
            .rev()
            .find(|clock| clock.rule.bound == Bound::NoEarlierThan && clock.rule.bearer == Party::Family)
            .filter(|clock| {
                clock
                    .segments
                    .last()
                    .is_some_and(|segment| segment.satisfied_on.is_none())
            })
    }

    /// The newest clock of a kind, while nothing has satisfied or cancelled it.
    pub fn running(&self, kind: ClockKind) -> Option<&Clock> {
        let newest = self.clocks.iter().rev().find(|clock| clock.rule.kind == kind)?;
        let last = newest.segments.last()?;
        (last.satisfied_on.is_none() && last.cancelled_on.is_none()).then_some(newest)
    }

    /// The last day of all clocks of a kind that nothing has satisfied or cancelled, whichever is the latest.
    pub fn latest_running(&self, kind: ClockKind) -> Option<NaiveDate> {
        let of_kind = self.clocks.iter().filter(|clock| clock.rule.kind == kind);
        let running = of_kind.filter(|clock| {
            let last = clock.segments.last();
            last.is_some_and(|last| last.satisfied_on.is_none() && last.cancelled_on.is_none())
        });
        running.map(|clock| clock.due_on).max()
    }

    /// Tests every claim on the clocks it names and gives the finished clocks by due date and id.
    pub fn finish(mut self) -> Vec<Clock> {
        for clock in &mut self.clocks {
            let period = Period {
                started_on: clock.started_on,
                due_on: clock.due_on,
            };
            clock.claims = self
                .claims
                .iter()
                .filter(|claim| claim.clocks.contains(&clock.rule.kind) && clock.is_about(claim.subject))
                .map(|claim| test_claim(claim, clock.rule, period, self.readings, &self.missed))
                .collect();
            let excused_from_on = clock
                .claims
                .iter()
                .filter_map(|tested| tested.excused_from_on)
                .min();
            for segment in &mut clock.segments {
                segment.excused_from_on = excused_from_on;
            }
        }
        self.clocks.sort_by_key(|clock| (clock.due_on, clock.id));
        self.clocks
    }
}

/// The first day on which a running clock is due soon, counted to the earlier of its due dates.
pub fn due_soon_from(day_one_due_on: NaiveDate, due_soon_days: u32) -> NaiveDate {
    day_one_due_on - Days::new(due_soon_days.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_clock_is_a_uuid_of_version_5() {
        let (procedure_id, event_id) = (Uuid::from_u128(7), Uuid::from_u128(u128::MAX));
        for kind in ClockKind::ALL {
            let name = format!("{}:{event_id}", kind.name());
            assert_eq!(
                clock_id(procedure_id, kind, event_id),
                Uuid::new_v5(&procedure_id, name.as_bytes())
            );
        }
    }
}
