//! How the law counts. One function for each form of words, and [`Counting`], by which a rule
//! names the one it uses. Periods are civil days; nothing here multiplies hours.

use chrono::{Days, Months, NaiveDate};

use super::calendar::{first_working_day_on_or_after, is_working_day};
use super::reading::{BeforeADate, DayOfReceipt, MonthsStartingWith, NonWorkingDueDay, Notice, Readings};

/// "Within n weeks of" a day: the day itself is left out and the whole of the last day is in.
///
/// Six weeks from Monday 5 January 2026 end on Monday 16 February 2026 (SEND Regulations reg 5(1)).
pub fn within_weeks(weeks: u32, trigger_on: NaiveDate) -> NaiveDate {
    trigger_on + Days::new(7 * u64::from(weeks))
}

/// "n days, beginning with the day on which": that day is day one.
///
/// Fifteen days beginning with Monday 2 March 2026 end on Monday 16 March 2026 (reg 13(1)(a)).
/// Nought days end the day before they begin.
pub fn days_beginning_with(days: u32, first_on: NaiveDate) -> NaiveDate {
    first_on + Days::new(days.into()) - Days::new(1)
}

/// "Within n days of" a day: calendar days, the day itself left out.
pub fn within_days(days: u32, trigger_on: NaiveDate) -> NaiveDate {
    trigger_on + Days::new(days.into())
}

/// "Within n months of" a day: the corresponding date, or the last day of a month without one.
///
/// Two months from 31 December 2025 end on 28 February 2026.
pub fn within_months(months: u32, trigger_on: NaiveDate) -> NaiveDate {
    trigger_on
        .checked_add_months(Months::new(months))
        .unwrap_or(NaiveDate::MAX)
}

/// "A period of n months starting with" a day: it ends the day before the corresponding date, or,
/// where the month has no such date, on its last day.
///
/// Twelve months starting with 10 March 2025 end on 9 March 2026; one month starting with
/// 31 January ends on the last day of February.
pub fn months_starting_with(months: u32, first_on: NaiveDate) -> NaiveDate {
    use chrono::Datelike;
    let corresponding = within_months(months, first_on);
    if corresponding.day() == first_on.day() {
        corresponding - Days::new(1)
    } else {
        corresponding
    }
}

/// A limit of the Tribunal's own for an appeal: one that ends from 25 December to 1 January, or in August,
/// ends on the first working day after that time; another one that ends on a day that is not a working day
/// ends on the next that is (HESC Rules r.12).
///
/// A limit that would end on 29 December 2025 ends on 2 January 2026; one of 10 August 2026 on 1 September.
pub fn tribunal_roll(ends_on: NaiveDate) -> NaiveDate {
    use chrono::Datelike;
    let rolled_on = match (ends_on.month(), ends_on.day()) {
        (12, 25..=31) => NaiveDate::from_ymd_opt(ends_on.year() + 1, 1, 2),
        (1, 1) => NaiveDate::from_ymd_opt(ends_on.year(), 1, 2),
        (8, _) => NaiveDate::from_ymd_opt(ends_on.year(), 9, 1),
        (_, _) => None,
    };
    first_working_day_on_or_after(rolled_on.unwrap_or(ends_on))
}

/// "n working days beginning with the day on which": that day is working day one if it is one.
///
/// Fifteen working days beginning with Thursday 26 March 2026 end on Friday 17 April 2026, past
/// Good Friday and Easter Monday (reg 15(2)).
pub fn working_days_beginning_with(working_days: u32, first_on: NaiveDate) -> NaiveDate {
    nth_working_day_after(working_days, first_on - Days::new(1))
}

/// "Within n working days" of a day: the day itself left out. Nought gives the day itself.
pub fn nth_working_day_after(working_days: u32, trigger_on: NaiveDate) -> NaiveDate {
    let mut remaining = working_days;
    let mut date = trigger_on;
    while remaining > 0 {
        date = date + Days::new(1);
        if is_working_day(date) {
            remaining -= 1;
        }
    }
    date
}

/// "Before" a date: the last compliant day is the day before it.
pub fn before(date: NaiveDate) -> NaiveDate {
    date - Days::new(1)
}

/// A day of the calendar year that a date lies in; 1 March for a 29 February that the year has not.
pub fn day_of_its_year(month: u32, day: u32, date: NaiveDate) -> NaiveDate {
    use chrono::Datelike;
    NaiveDate::from_ymd_opt(date.year(), month, day)
        .or_else(|| NaiveDate::from_ymd_opt(date.year(), month + 1, 1))
        .unwrap_or(date)
}

/// "At least n months before" a date: the corresponding date back, or the last day of a month
/// without one.
pub fn months_before(months: u32, date: NaiveDate) -> NaiveDate {
    date.checked_sub_months(Months::new(months))
        .unwrap_or(NaiveDate::MIN)
}

/// "At least n weeks' notice" of a meeting: the last day the notice may be given.
///
/// Two weeks before Wednesday 18 March 2026: 3 March in clear days, 4 March in the simple reading.
pub fn notice_weeks(weeks: u32, meeting_on: NaiveDate, reading: Notice) -> NaiveDate {
    let simple = meeting_on - Days::new(7 * u64::from(weeks));
    match reading {
        Notice::ClearDays => simple - Days::new(1),
        Notice::Simple => simple,
    }
}

fn last_before(date: NaiveDate, readings: &Readings) -> NaiveDate {
    match readings.before_a_date {
        BeforeADate::DayBefore => before(date),
        BeforeADate::OnTheDate => date,
    }
}

/// The form of words a rule uses, with its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    WithinWeeks(u32),
    DaysBeginningWith(u32),
    WithinDays(u32),
    WithinMonths(u32),
    MonthsStartingWith(u32),
    /// Within months, ending as the Tribunal's own limits do.
    TribunalMonths(u32),
    WorkingDaysBeginningWith(u32),
    NthWorkingDayAfter(u32),
    Before,
    /// Before a day of the calendar year that the named day lies in.
    BeforeInYear {
        month: u32,
        day: u32,
    },
    MonthsBefore(u32),
    NoticeWeeks(u32),
}

/// The last day of a period, in both readings of the day of receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The last day under the authority's readings.
    pub due_on: NaiveDate,
    /// The last day if the day of receipt counts as day one, and in the stricter reading where the authority has the
    /// other. Alerts are driven off it.
    pub day_one_due_on: NaiveDate,
}

impl Counting {
    /// Counts from the trigger under the readings given.
    ///
    /// Forms of words that already say which day is day one give the same date twice.
    pub fn due(self, trigger_on: NaiveDate, readings: &Readings) -> Due {
        let counted_on = self.last_day(trigger_on, readings);
        let day_one_due_on = if self.leaves_out_the_trigger() {
            counted_on - Days::new(1)
        } else {
            let strictly = Readings {
                months_starting_with: MonthsStartingWith::DayBefore,
                before_a_date: BeforeADate::DayBefore,
                ..*readings
            };
            self.last_day(trigger_on, &strictly)
        };
        let read_on = match readings.day_of_receipt {
            DayOfReceipt::DayOne if self.leaves_out_the_trigger() => day_one_due_on,
            DayOfReceipt::Excluded | DayOfReceipt::DayOne => counted_on,
        };
        let due_on = match readings.non_working_due_day {
            NonWorkingDueDay::Stands => read_on,
            NonWorkingDueDay::NextWorkingDay if self.runs_forwards() => {
                first_working_day_on_or_after(read_on)
            }
            // A later day would be too late for what comes after it.
            NonWorkingDueDay::NextWorkingDay => read_on,
        };
        Due {
            due_on,
            day_one_due_on,
        }
    }

    /// The last day to count from for a period that must end by a day; none where it does not run forwards in
    /// whole weeks or days.
    pub fn latest_start(self, ends_on: NaiveDate) -> Option<NaiveDate> {
        match self {
            Counting::WithinWeeks(n) => Some(ends_on - Days::new(7 * u64::from(n))),
            Counting::WithinDays(n) => Some(ends_on - Days::new(n.into())),
            Counting::DaysBeginningWith(_)
            | Counting::WithinMonths(_)
            | Counting::MonthsStartingWith(_)
            | Counting::TribunalMonths(_)
            | Counting::WorkingDaysBeginningWith(_)
            | Counting::NthWorkingDayAfter(_)
            | Counting::Before
            | Counting::BeforeInYear { .. }
            | Counting::MonthsBefore(_)
            | Counting::NoticeWeeks(_) => None,
        }
    }

    fn last_day(self, trigger_on: NaiveDate, readings: &Readings) -> NaiveDate {
        match self {
            Counting::WithinWeeks(n) => within_weeks(n, trigger_on),
            Counting::DaysBeginningWith(n) => days_beginning_with(n, trigger_on),
            Counting::WithinDays(n) => within_days(n, trigger_on),
            Counting::WithinMonths(n) => within_months(n, trigger_on),
            Counting::MonthsStartingWith(n) => match readings.months_starting_with {
                MonthsStartingWith::DayBefore => months_starting_with(n, trigger_on),
                MonthsStartingWith::CorrespondingDay => within_months(n, trigger_on),
            },
            Counting::TribunalMonths(n) => tribunal_roll(within_months(n, trigger_on)),
            Counting::WorkingDaysBeginningWith(n) => working_days_beginning_with(n, trigger_on),
            Counting::NthWorkingDayAfter(n) => nth_working_day_after(n, trigger_on),
            Counting::Before => last_before(trigger_on, readings),
            Counting::BeforeInYear { month, day } => {
                last_before(day_of_its_year(month, day, trigger_on), readings)
            }
            Counting::MonthsBefore(n) => months_before(n, trigger_on),
            Counting::NoticeWeeks(n) => notice_weeks(n, trigger_on, readings.notice),
        }
    }

    /// Whether it is a period that runs on from a day, and not the last day before one.
    fn runs_forwards(self) -> bool {
        match self {
            Counting::WithinWeeks(_)
            | Counting::DaysBeginningWith(_)
            | Counting::WithinDays(_)
            | Counting::WithinMonths(_)
            | Counting::MonthsStartingWith(_)
            | Counting::TribunalMonths(_)
            | Counting::WorkingDaysBeginningWith(_)
            | Counting::NthWorkingDayAfter(_) => true,
            Counting::Before
            | Counting::BeforeInYear { .. }
            | Counting::MonthsBefore(_)
            | Counting::NoticeWeeks(_) => false,
        }
    }

    /// Only periods of whole weeks or days run "from receiving" something; for those the two
    /// readings of the day of receipt differ.
    fn leaves_out_the_trigger(self) -> bool {
        match self {
            Counting::WithinWeeks(_) | Counting::WithinDays(_) => true,
            Counting::DaysBeginningWith(_)
            | Counting::WithinMonths(_)
            | Counting::MonthsStartingWith(_)
            | Counting::TribunalMonths(_)
            | Counting::WorkingDaysBeginningWith(_)
            | Counting::NthWorkingDayAfter(_)
            | Counting::Before
            | Counting::BeforeInYear { .. }
            | Counting::MonthsBefore(_)
            | Counting::NoticeWeeks(_) => false,
        }
    }

    /// The form of words, such as `within 6 weeks`.
    pub fn in_words(self) -> String {
        match self {
            Counting::WithinWeeks(n) => format!("within {n} weeks"),
            Counting::DaysBeginningWith(n) => format!("{n} days beginning with the day"),
            Counting::WithinDays(n) => format!("within {n} days"),
            Counting::WithinMonths(n) => format!("within {n} months"),
            Counting::MonthsStartingWith(n) => format!("{n} months starting with the day"),
            Counting::TribunalMonths(n) => {
                format!("within {n} months, past August, Christmas and days that are not working days")
            }
            Counting::WorkingDaysBeginningWith(n) => {
                format!("{n} working days beginning with the day")
            }
            Counting::NthWorkingDayAfter(n) => format!("within {n} working days"),
            Counting::Before => "before the date".to_owned(),
            Counting::BeforeInYear { month, day } => match NaiveDate::from_ymd_opt(2000, month, day) {
                Some(date) => format!("before {} of that year", date.format("%-d %B")),
                None => "before a day of that year".to_owned(),
            },
            Counting::MonthsBefore(n) => format!("at least {n} months before"),
            Counting::NoticeWeeks(n) => format!("at least {n} weeks' notice"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn on(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// The vectors of the legal reference, by their ids, with the primitive each exercises.
    #[test]
    fn reference_vectors() {
        let clear = Notice::ClearDays;
        for (id, counted, expected) in [
            ("V01", within_weeks(6, on("2026-01-05")), "2026-02-16"),
            ("V03", within_weeks(6, on("2024-01-18")), "2024-02-29"),
            ("V05", within_weeks(6, on("2025-11-13")), "2025-12-25"),
            ("V07", within_weeks(16, on("2026-01-05")), "2026-04-27"),
            ("V08", within_weeks(20, on("2026-01-05")), "2026-05-25"),
            ("V11", within_weeks(20, on("2025-10-26")), "2026-03-15"),
            ("V12", within_weeks(20, on("2026-05-04")), "2026-09-21"),
            ("V19", days_beginning_with(15, on("2026-03-02")), "2026-03-16"),
            ("V22", within_days(15, on("2026-03-02")), "2026-03-17"),
            (
                "V51 without a certificate",
                tribunal_roll(within_months(2, on("2025-10-29"))),
                "2026-01-02",
            ),
            (
                "V52",
                tribunal_roll(within_months(2, on("2026-06-10"))),
                "2026-09-01",
            ),
            (
                "V54",
                tribunal_roll(within_months(2, on("2026-03-13"))),
                "2026-05-13",
            ),
            ("V24", months_starting_with(12, on("2025-03-10")), "2026-03-09"),
            ("V27", notice_weeks(2, on("2026-03-18"), clear), "2026-03-03"),
            (
                "V27 simple",
                notice_weeks(2, on("2026-03-18"), Notice::Simple),
                "2026-03-04",
            ),
            ("V35", before(on("2027-02-15")), "2027-02-14"),
            ("V38", months_before(5, on("2027-01-04")), "2026-08-04"),
            ("V40", within_days(15, on("2026-06-01")), "2026-06-16"),
            (
                "V42",
                working_days_beginning_with(15, on("2026-03-26")),
                "2026-04-17",
            ),
            ("V46", within_months(2, on("2025-12-31")), "2026-02-28"),
            ("V48", nth_working_day_after(3, on("2026-04-01")), "2026-04-08"),
            ("leap", months_starting_with(12, on("2024-02-29")), "2025-02-28"),
            (
                "no such date",
                months_starting_with(1, on("2026-01-31")),
                "2026-02-28",
            ),
        ] {
            assert_eq!(counted, on(expected), "{id}");
        }
    }

    #[test]
    fn a_working_day_is_day_one_and_a_weekend_is_not() {
        assert_eq!(working_days_beginning_with(1, on("2026-03-26")), on("2026-03-26"));
        assert_eq!(working_days_beginning_with(1, on("2026-03-28")), on("2026-03-30"));
    }

    #[test]
    fn the_readings_of_months_and_of_before_move_a_day_and_leave_the_alert() {
        let loosely = Readings {
            months_starting_with: MonthsStartingWith::CorrespondingDay,
            before_a_date: BeforeADate::OnTheDate,
            day_of_receipt: DayOfReceipt::DayOne,
            ..Readings::default()
        };
        for (counting, from_on, strict_on, loose_on) in [
            (
                Counting::MonthsStartingWith(12),
                "2025-03-10",
                "2026-03-09",
                "2026-03-10",
            ),
            (
                Counting::BeforeInYear { month: 2, day: 15 },
                "2027-09-01",
                "2027-02-14",
                "2027-02-15",
            ),
        ] {
            let strict = counting.due(on(from_on), &Readings::default());
            let loose = counting.due(on(from_on), &loosely);
            assert_eq!(
                (strict.due_on, strict.day_one_due_on),
                (on(strict_on), on(strict_on))
            );
            assert_eq!(
                (loose.due_on, loose.day_one_due_on),
                (on(loose_on), on(strict_on))
            );
        }
    }

    #[test]
    fn what_has_to_come_before_a_day_never_moves_towards_it() {
        let rolling = Readings {
            non_working_due_day: NonWorkingDueDay::NextWorkingDay,
            ..Readings::default()
        };
        for (counting, named_on, last_on) in [
            (
                Counting::BeforeInYear { month: 2, day: 15 },
                "2027-09-01",
                "2027-02-14",
            ),
            (Counting::Before, "2027-02-15", "2027-02-14"),
            (Counting::MonthsBefore(5), "2027-01-31", "2026-08-31"),
            (Counting::NoticeWeeks(2), "2026-03-16", "2026-03-01"),
        ] {
            assert!(!is_working_day(on(last_on)), "{counting:?}");
            assert_eq!(
                counting.due(on(named_on), &rolling).due_on,
                on(last_on),
                "{counting:?}"
            );
        }
        let forwards = Counting::WithinWeeks(2).due(on("2026-03-22"), &rolling);
        assert_eq!(forwards.due_on, on("2026-04-07"), "past Easter");
    }

    fn any_day() -> impl Strategy<Value = NaiveDate> {
        (0u64..110_000).prop_map(|days| on("1900-01-01") + Days::new(days))
    }

    proptest! {
        #[test]
        fn weeks_are_seven_days_on_the_same_weekday(day in any_day(), weeks in 0u32..200) {
            use chrono::Datelike;
            let end = within_weeks(weeks, day);
            prop_assert_eq!(end.weekday(), day.weekday());
            prop_assert_eq!((end - day).num_days(), i64::from(weeks) * 7);
            prop_assert_eq!(end, within_days(weeks * 7, day));
        }

        #[test]
        fn counting_the_first_day_ends_one_day_sooner(day in any_day(), days in 1u32..400) {
            prop_assert_eq!(days_beginning_with(days, day) + Days::new(1), within_days(days, day));
        }

        #[test]
        fn later_triggers_never_end_sooner(day in any_day(), gap in 0u64..60, n in 0u32..40) {
            let later = day + Days::new(gap);
            prop_assert!(within_months(n, day) <= within_months(n, later));
            prop_assert!(months_starting_with(n, day) <= months_starting_with(n, later));
            prop_assert!(nth_working_day_after(n, day) <= nth_working_day_after(n, later));
            prop_assert!(working_days_beginning_with(n, day) <= working_days_beginning_with(n, later));
            prop_assert!(months_before(n, day) <= months_before(n, later));
        }

        #[test]
        fn months_never_leave_the_month_they_name(day in any_day(), months in 0u32..60) {
            use chrono::Datelike;
            let end = within_months(months, day);
            let named = (day.year() * 12 + day.month0() as i32) + months as i32;
            prop_assert_eq!(end.year() * 12 + end.month0() as i32, named);
            prop_assert!(end.day() <= day.day());
        }

        #[test]
        fn working_days_end_on_working_days_and_count_them_all(day in any_day(), n in 1u32..40) {
            let end = nth_working_day_after(n, day);
            let counted = day.iter_days().skip(1).take_while(|d| *d <= end).filter(|d| is_working_day(*d)).count();
            prop_assert!(is_working_day(end));
            prop_assert_eq!(counted, n as usize);
        }

        #[test]
        fn notice_given_in_time_leaves_whole_weeks_between(day in any_day(), weeks in 1u32..10) {
            let clear = (day - notice_weeks(weeks, day, Notice::ClearDays)).num_days() - 1;
            prop_assert_eq!(clear, i64::from(weeks) * 7);
            prop_assert_eq!(within_weeks(weeks, notice_weeks(weeks, day, Notice::Simple)), day);
        }

        #[test]
        fn a_rolled_due_date_is_the_first_working_day_from_the_counted_one(day in any_day(), weeks in 1u32..25) {
            let stands = Counting::WithinWeeks(weeks).due(day, &Readings::default());
            let rolled = Counting::WithinWeeks(weeks).due(day, &Readings {
                non_working_due_day: NonWorkingDueDay::NextWorkingDay, ..Readings::default()
            });
            prop_assert!(is_working_day(rolled.due_on) && rolled.due_on >= stands.due_on);
            prop_assert_eq!(rolled.day_one_due_on, stands.day_one_due_on);
            prop_assert_eq!(stands.day_one_due_on + Days::new(1), stands.due_on);
        }
    }
}
