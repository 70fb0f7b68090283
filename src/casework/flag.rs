//! Flags: what needs attention, as intervals of days.
//!
//! Flags that follow from events are kept as intervals in a [`FlagLog`] while the fold runs; those
//! that follow from clocks and the day alone are derived from the clocks when asked for.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::statute::calendar::in_words;
use crate::statute::clock::{Clock, ClockStatus, due_soon_from};
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::{Bound, ClockKind, EARLY_YEARS_REVIEW, Guidance, Party};

/// What needs attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlagCode {
    /// Advice asked for has not come and its time has run out.
    AdviceLate,
    /// A plan was decided or sent without advice that the regulations require.
    AdviceMissing,
    /// Advice was sent back to its author.
    AdviceReturned,
    /// The body asked for advice declined.
    AdviceDeclined,
    /// Advice came after the plan was sent.
    AdviceAfterPlan,
    /// A time limit other than one on advice has run out.
    ClockOverdue,
    /// A time limit runs out within the authority's warning time.
    DueSoon,
    /// An exception to a time limit has been claimed.
    ExceptionClaimed,
    /// The final plan was sent before the family's window on the draft had run.
    DraftWindowCutShort,
    /// Guidance says to consider reviewing the plan of a child under five by now.
    EarlyYearsReview,
    /// A place at a consulted setting is waited for.
    PlaceAwaited,
    /// The glass was broken to read this sealed case, and nobody else has looked into it.
    GlassBroken,
}

impl FlagCode {
    pub const ALL: [FlagCode; 12] = [
        FlagCode::AdviceLate,
        FlagCode::AdviceMissing,
        FlagCode::AdviceReturned,
        FlagCode::AdviceDeclined,
        FlagCode::AdviceAfterPlan,
        FlagCode::ClockOverdue,
        FlagCode::DueSoon,
        FlagCode::ExceptionClaimed,
        FlagCode::DraftWindowCutShort,
        FlagCode::EarlyYearsReview,
        FlagCode::PlaceAwaited,
        FlagCode::GlassBroken,
    ];

    /// The name used in the API and in stores.
    pub fn name(self) -> &'static str {
        match self {
            FlagCode::AdviceLate => "advice_late",
            FlagCode::AdviceMissing => "advice_missing",
            FlagCode::AdviceReturned => "advice_returned",
            FlagCode::AdviceDeclined => "advice_declined",
            FlagCode::AdviceAfterPlan => "advice_after_plan",
            FlagCode::ClockOverdue => "clock_overdue",
            FlagCode::DueSoon => "due_soon",
            FlagCode::ExceptionClaimed => "exception_claimed",
            FlagCode::DraftWindowCutShort => "draft_window_cut_short",
            FlagCode::EarlyYearsReview => "early_years_review",
            FlagCode::PlaceAwaited => "place_awaited",
            FlagCode::GlassBroken => "glass_broken",
        }
    }
}

/// What a flag is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct FlagSubject {
    pub clock_id: Option<Uuid>,
    pub advice_request_id: Option<Uuid>,
    pub requirement: Option<Requirement>,
}

/// A flag and the days it is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Flag {
    pub code: FlagCode,
    /// The first day on which it is up: none before the act that raised it.
    pub since_on: NaiveDate,
    /// The first day it is down again.
    pub until_on: Option<NaiveDate>,
    pub subject: FlagSubject,
    /// Who has to act for it to come down; nobody if nothing can bring it down.
    pub whose_move: Option<Party>,
    /// What it tells as the day since when, where that was before the act.
    pub told_since_on: Option<NaiveDate>,
}

impl Flag {
    /// The day since when it is as the flag says.
    pub fn told_since(&self) -> NaiveDate {
        self.told_since_on.unwrap_or(self.since_on)
    }

    /// The flag as a sentence.
    pub fn in_words(&self) -> String {
        let since = in_words(self.told_since());
        let about = match self.subject.requirement {
            Some(requirement) => format!(" ({})", requirement.name().replace('_', " ")),
            None => String::new(),
        };
        match self.code {
            FlagCode::AdviceLate => format!("Advice{about} is late since {since}."),
            FlagCode::AdviceMissing => format!("The plan lacks required advice{about} since {since}."),
            FlagCode::AdviceReturned => format!("Advice{about} was returned to its author on {since}."),
            FlagCode::AdviceDeclined => format!("The body asked for advice{about} declined on {since}."),
            FlagCode::AdviceAfterPlan => format!("Advice{about} came after the plan, on {since}."),
            FlagCode::ClockOverdue => format!("A time limit has run out; overdue since {since}."),
            FlagCode::DueSoon => format!("A time limit runs out soon; warned of since {since}."),
            FlagCode::ExceptionClaimed => format!("An exception was claimed on {since}."),
            FlagCode::DraftWindowCutShort => {
                format!("The final plan went out on {since}, before the family's window had run.")
            }
            FlagCode::PlaceAwaited => format!("A place at a consulted setting is waited for since {since}."),
            FlagCode::GlassBroken => {
                format!(
                    "This sealed case was read by breaking the glass, on {since}; that is to be reviewed."
                )
            }
            FlagCode::EarlyYearsReview => {
                let Guidance { words, provision, .. } = EARLY_YEARS_REVIEW;
                format!(
                    "{words} ({} {}, guidance); since {since}.",
                    provision.instrument, provision.reference
                )
            }
        }
    }
}

/// The flags that events raise and lower.
#[derive(Debug, Clone, Default)]
pub struct FlagLog {
    flags: Vec<Flag>,
}

impl FlagLog {
    /// Raises a flag. If the same one is up already it stays, with whose move it is now; lowered
    /// and raised on one day, it was never down.
    pub fn raise(
        &mut self,
        code: FlagCode,
        subject: FlagSubject,
        since_on: NaiveDate,
        whose_move: Option<Party>,
    ) {
        self.raise_as(Flag {
            code,
            since_on,
            until_on: None,
            subject,
            whose_move,
            told_since_on: None,
        });
    }

    /// Raises a flag that comes down by itself on a day, if it is not lowered before.
    pub fn raise_until(
        &mut self,
        code: FlagCode,
        since_on: NaiveDate,
        until_on: Option<NaiveDate>,
        whose_move: Option<Party>,
    ) {
        if until_on.is_none_or(|until_on| since_on < until_on) {
            self.raise_as(Flag {
                code,
                since_on,
                until_on,
                subject: FlagSubject::default(),
                whose_move,
                told_since_on: None,
            });
        }
    }

    /// Raises a flag by an act on a day about what may have been so for longer, or will be.
    pub fn raise_told(
        &mut self,
        code: FlagCode,
        subject: FlagSubject,
        occurred_on: NaiveDate,
        told_since_on: NaiveDate,
        whose_move: Option<Party>,
    ) {
        self.raise_as(Flag {
            code,
            since_on: occurred_on.max(told_since_on),
            until_on: None,
            subject,
            whose_move,
            told_since_on: Some(told_since_on).filter(|told| *told < occurred_on),
        });
    }

    fn raise_as(&mut self, raised: Flag) {
        let goes_on = |flag: &&mut Flag| {
            flag.code == raised.code
                && flag.subject == raised.subject
                && flag.until_on.is_none_or(|until_on| until_on == raised.since_on)
        };
        match self.flags.iter_mut().find(goes_on) {
            Some(flag) => {
                flag.until_on = raised.until_on;
                flag.whose_move = raised.whose_move;
            }
            None => self.flags.push(raised),
        }
    }

    /// Lowers every flag of the code that is up and that the test chooses.
    pub fn lower(&mut self, code: FlagCode, until_on: NaiveDate, chosen: impl Fn(&FlagSubject) -> bool) {
        self.lower_where(until_on, |flag| flag.code == code && chosen(&flag.subject));
    }

    /// Lowers every flag that is up and waits for somebody to act.
    pub fn lower_waiting(&mut self, until_on: NaiveDate) {
        self.lower_where(until_on, |flag| flag.whose_move.is_some());
    }

    fn lower_where(&mut self, until_on: NaiveDate, chosen: impl Fn(&Flag) -> bool) {
        for flag in &mut self.flags {
            if flag.until_on.is_none_or(|ends_on| until_on < ends_on) && chosen(flag) {
                flag.until_on = Some(until_on);
            }
        }
        // Raised and lowered on one day: it was never up at the end of any.
        self.flags
            .retain(|flag| flag.until_on.is_none_or(|until_on| until_on > flag.since_on));
    }

    /// The intervals in the order they were raised.
    pub fn finish(self) -> Vec<Flag> {
        self.flags
    }
}

/// The flags that claims on clocks raise; they stay up, as a record.
pub fn of_claims(clocks: &[Clock]) -> impl Iterator<Item = Flag> {
    clocks.iter().flat_map(|clock| {
        // A claim may come before the clock it is made for; a flag on it may not.
        let there_from_on = clock.segments.first().map(|segment| segment.effective_from_on);
        clock.claims.iter().map(move |tested| Flag {
            code: FlagCode::ExceptionClaimed,
            since_on: there_from_on.map_or(tested.claim.occurred_on, |on| on.max(tested.claim.occurred_on)),
            until_on: None,
            subject: FlagSubject {
                clock_id: Some(clock.id),
                advice_request_id: advice_request_of(clock),
                requirement: None,
            },
            whose_move: None,
            told_since_on: None,
        })
    })
}

/// The flags that clocks raise on a day by being overdue or due soon.
pub fn of_clocks(clocks: &[Clock], as_of: NaiveDate, due_soon_days: u32) -> impl Iterator<Item = Flag> {
    clocks.iter().filter_map(move |clock| {
        let standing = clock.standing_on(as_of)?;
        let bearer = clock.segment_on(as_of)?.bearer;
        let (code, since_on) = match standing.status {
            ClockStatus::Overdue if clock.rule.kind == ClockKind::Advice => {
                (FlagCode::AdviceLate, clock.due_on + Days::new(1))
            }
            ClockStatus::Overdue => (FlagCode::ClockOverdue, clock.due_on + Days::new(1)),
            ClockStatus::Running if clock.rule.bound == Bound::NoLaterThan => (
                FlagCode::DueSoon,
                due_soon_from(clock.day_one_due_on, due_soon_days).max(clock.started_on),
            ),
            ClockStatus::Running | ClockStatus::Met | ClockStatus::Late | ClockStatus::Cancelled => {
                return None;
            }
        };
        (since_on <= as_of).then_some(Flag {
            code,
            since_on,
            until_on: None,
            subject: FlagSubject {
                clock_id: Some(clock.id),
                advice_request_id: advice_request_of(clock),
                requirement: None,
            },
            whose_move: Some(bearer),
            told_since_on: None,
        })
    })
}

fn advice_request_of(clock: &Clock) -> Option<Uuid> {
    clock.subject.filter(|_| clock.rule.kind == ClockKind::Advice)
}
