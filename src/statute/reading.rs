//! Readings: named policies for the places where the law can be read in more than one way.
//!
//! Each has the default of the project's legal reference. An authority may switch a reading; the
//! change is versioned, so what was computed under the old one can still be shown.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The readings one authority works under. See `docs/LAW.md` for what each one decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(default)]
pub struct Readings {
    /// Which day a period "within n weeks of receiving" starts on.
    pub day_of_receipt: DayOfReceipt,
    /// What happens to a due date on a day that is not a working day.
    pub non_working_due_day: NonWorkingDueDay,
    /// How "at least two weeks' notice" is counted. No assessment clock uses it.
    pub notice: Notice,
    /// When a period of months "starting with" a day ends.
    pub months_starting_with: MonthsStartingWith,
    /// Which is the last day "before" a date.
    pub before_a_date: BeforeADate,
    /// What must fall inside the dates of the temporary coronavirus rules of 2020.
    pub coronavirus_test: CoronavirusTest,
}

/// Whether the day something is received counts as the first day of the period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DayOfReceipt {
    /// The day is left out: six weeks from a Monday end on a Monday.
    #[default]
    Excluded,
    /// The day is day one, as in the national 20-week measure: one day earlier.
    DayOne,
}

/// Whether a due date moves off a weekend or bank holiday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NonWorkingDueDay {
    /// The date stands: no rule was found in the SEND Regulations that moves it.
    #[default]
    Stands,
    /// The date moves to the next working day, unless it is the last before another day.
    NextWorkingDay,
}

/// How many whole days must lie between a notice and the meeting it announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// Clear days: neither the day of the notice nor that of the meeting counts.
    #[default]
    ClearDays,
    /// The day of the notice counts.
    Simple,
}

/// Whether the day that corresponds to the first is still in a period of months that starts with that one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MonthsStartingWith {
    /// The period ends the day before: twelve months from 10 March end on 9 March.
    #[default]
    DayBefore,
    /// It ends on the day itself, as authorities that say "on or before the anniversary" read it.
    CorrespondingDay,
}

/// Whether what has to come before a date may still come on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BeforeADate {
    /// The day before is the last, as the words of the regulations are.
    #[default]
    DayBefore,
    /// The date is the last, as guidance says "by".
    OnTheDate,
}

/// What must lie within the temporary rules for the coronavirus ground to be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CoronavirusTest {
    /// The due date.
    #[default]
    DueDate,
    /// The whole period, from its start to its due date.
    WholePeriod,
}
