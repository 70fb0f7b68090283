//! Working days and bank holidays in England and Wales.
//!
//! The moveable days follow by rule for any year; proclaimed days are data. School holidays are
//! not here because no time limit of the SEND Regulations looks at them.

use std::fmt;

use chrono::{Datelike, Days, NaiveDate, Weekday};

/// Bank holidays that exist in one year only.
const ONE_OFF_BANK_HOLIDAYS: [(i32, u32, u32); 5] = [
    (2020, 5, 8),
    (2022, 6, 2),
    (2022, 6, 3),
    (2022, 9, 19),
    (2023, 5, 8),
];

/// Days that the rule would give, moved away by proclamation in that year.
const MOVED_BANK_HOLIDAYS: [(i32, u32, u32); 2] = [(2020, 5, 4), (2022, 5, 30)];

/// Easter Sunday of a Gregorian year, by the anonymous (Meeus, Jones, Butcher) computus.
pub fn easter_sunday(year: i32) -> NaiveDate {
    let golden = year.rem_euclid(19);
    let century = year.div_euclid(100);
    let year_of_century = year.rem_euclid(100);
    let corrected_leap_centuries = century.div_euclid(4);
    let moon_correction = (century + 8).div_euclid(25);
    let epact_correction = (century - moon_correction + 1).div_euclid(3);
    let epact = (19 * golden + century - corrected_leap_centuries - epact_correction + 15).rem_euclid(30);
    let weekday_offset = (32 + 2 * century.rem_euclid(4) + 2 * year_of_century.div_euclid(4)
        - epact
        - year_of_century.rem_euclid(4))
    .rem_euclid(7);
    let late_moon = (golden + 11 * epact + 22 * weekday_offset).div_euclid(451);
    let days_after_22_march = epact + weekday_offset - 7 * late_moon;
    day(year, 3, 22) + Days::new(days_after_22_march.unsigned_abs().into())
}

/// Whether the day is a bank holiday in England and Wales.
///
/// Christmas Day and Good Friday are common-law holidays rather than bank holidays; they count
/// here because every definition of a working day leaves them out together.
pub fn is_bank_holiday(date: NaiveDate) -> bool {
    let key = (date.year(), date.month(), date.day());
    if ONE_OFF_BANK_HOLIDAYS.contains(&key) {
        return true;
    }
    if MOVED_BANK_HOLIDAYS.contains(&key) {
        return false;
    }
    let monday = date.weekday() == Weekday::Mon;
    match date.month() {
        // New Year's Day, or the Monday in its place when it falls on a weekend.
        1 => date.day() == 1 || (monday && date.day() <= 3),
        3 | 4 => {
            let easter = easter_sunday(date.year());
            date == easter - Days::new(2) || date == easter + Days::new(1)
        }
        // The first and the last Monday of May.
        5 => monday && (date.day() <= 7 || date.day() > 24),
        // The last Monday of August.
        8 => monday && date.day() > 24,
        12 => match date.day() {
            25 | 26 => true,
            // Days in place of a Christmas Day or Boxing Day at a weekend.
            27 | 28 => matches!(date.weekday(), Weekday::Mon | Weekday::Tue),
            _ => false,
        },
        _ => false,
    }
}

/// All bank holidays of a year, in order.
pub fn bank_holidays(year: i32) -> Vec<NaiveDate> {
    day(year, 1, 1)
        .iter_days()
        .take_while(|date| date.year() == year)
        .filter(|date| is_bank_holiday(*date))
        .collect()
}

/// Monday to Friday, except Christmas Day, Good Friday and bank holidays.
///
/// The SEND Regulations 2014 do not define the term; this is the default reading (unconfirmed).
pub fn is_working_day(date: NaiveDate) -> bool {
    !matches!(date.weekday(), Weekday::Sat | Weekday::Sun) && !is_bank_holiday(date)
}

/// The day itself if it is a working day, otherwise the nearest working day before it.
pub fn last_working_day_on_or_before(date: NaiveDate) -> NaiveDate {
    let mut candidate = date;
    while !is_working_day(candidate) {
        candidate = candidate - Days::new(1);
    }
    candidate
}

/// The day itself if it is a working day, otherwise the nearest working day after it.
pub fn first_working_day_on_or_after(date: NaiveDate) -> NaiveDate {
    let mut candidate = date;
    while !is_working_day(candidate) {
        candidate = candidate + Days::new(1);
    }
    candidate
}

/// The calendar year in which the school year of a date starts: school years run from 1 September.
pub fn school_year_starting(date: NaiveDate) -> i32 {
    if date.month() >= 9 {
        date.year()
    } else {
        date.year() - 1
    }
}

/// The last day of the school year a date falls in.
pub fn school_year_ends_on(date: NaiveDate) -> NaiveDate {
    NaiveDate::from_ymd_opt(school_year_starting(date) + 1, 8, 31).unwrap_or(NaiveDate::MAX)
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A date written as people read it, such as `5 January 2026`.
pub fn in_words(date: NaiveDate) -> InWords {
    InWords(date)
}

/// `30 September 2026`
const LONGEST_DAY_IN_WORDS: usize = 17;

/// A date that is written out where it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InWords(NaiveDate);

impl fmt::Display for InWords {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let InWords(date) = self;
        let (year, month, day) = (date.year(), date.month0(), date.day());
        let month = MONTHS.get(month as usize).copied().unwrap_or_default();
        // Explanations are full of days: one piece of text costs less than half of what a format does.
        let mut text = [b' '; LONGEST_DAY_IN_WORDS];
        let mut length = 0;
        let mut add = |piece: &[u8]| {
            text[length..length + piece.len()].copy_from_slice(piece);
            length += piece.len();
        };
        let digit = |number: u32| b'0' + (number % 10) as u8;
        let day = [digit(day / 10), digit(day)];
        add(if day[0] == b'0' { &day[1..] } else { &day });
        add(b" ");
        add(month.as_bytes());
        add(b" ");
        match u32::try_from(year) {
            Ok(year @ 1_000..=9_999) => {
                add(&[
                    digit(year / 1_000),
                    digit(year / 100),
                    digit(year / 10),
                    digit(year),
                ]);
                formatter.write_str(std::str::from_utf8(&text[..length]).unwrap_or_default())
            }
            Ok(_) | Err(_) => {
                formatter.write_str(std::str::from_utf8(&text[..length]).unwrap_or_default())?;
                write!(formatter, "{year}")
            }
        }
    }
}

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or(NaiveDate::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dates(year: i32, days: &[(u32, u32)]) -> Vec<NaiveDate> {
        days.iter().map(|(m, d)| day(year, *m, *d)).collect()
    }

    #[test]
    fn a_day_is_written_as_people_write_it() {
        for (date, written) in [
            (day(2026, 1, 5), "5 January 2026"),
            (day(2026, 9, 30), "30 September 2026"),
            (day(999, 10, 10), "10 October 999"),
            (day(12_345, 12, 31), "31 December 12345"),
        ] {
            assert_eq!(in_words(date).to_string(), written);
        }
    }

    #[test]
    fn easter_falls_where_the_almanac_says() {
        for (year, month, date) in [
            (1818, 3, 22),
            (1943, 4, 25),
            (2000, 4, 23),
            (2019, 4, 21),
            (2024, 3, 31),
            (2026, 4, 5),
            (2038, 4, 25),
            (2285, 3, 22),
        ] {
            assert_eq!(easter_sunday(year), day(year, month, date), "{year}");
        }
    }

    #[test]
    fn bank_holidays_of_ordinary_and_odd_years() {
        assert_eq!(
            bank_holidays(2026),
            dates(
                2026,
                &[
                    (1, 1),
                    (4, 3),
                    (4, 6),
                    (5, 4),
                    (5, 25),
                    (8, 31),
                    (12, 25),
                    (12, 26),
                    (12, 28)
                ]
            )
        );
        assert_eq!(
            bank_holidays(2020),
            dates(
                2020,
                &[
                    (1, 1),
                    (4, 10),
                    (4, 13),
                    (5, 8),
                    (5, 25),
                    (8, 31),
                    (12, 25),
                    (12, 26),
                    (12, 28)
                ]
            )
        );
        assert_eq!(
            bank_holidays(2022),
            dates(
                2022,
                &[
                    (1, 1),
                    (1, 3),
                    (4, 15),
                    (4, 18),
                    (5, 2),
                    (6, 2),
                    (6, 3),
                    (8, 29),
                    (9, 19),
                    (12, 25),
                    (12, 26),
                    (12, 27)
                ]
            )
        );
    }

    #[test]
    fn christmas_at_a_weekend_moves_two_days() {
        // 2021: Christmas Day on a Saturday, Boxing Day on a Sunday.
        assert!(is_bank_holiday(day(2021, 12, 27)) && is_bank_holiday(day(2021, 12, 28)));
        assert!(is_working_day(day(2021, 12, 29)));
        // 2022: Christmas Day on a Sunday, Boxing Day on a Monday.
        assert!(!is_working_day(day(2022, 12, 27)) && is_working_day(day(2022, 12, 28)));
        // 2024: both on weekdays, so the 27th is an ordinary Friday.
        assert!(is_working_day(day(2024, 12, 27)));
    }

    #[test]
    fn every_year_has_its_eight_weekday_holidays() {
        for year in 1975..2200 {
            let weekdays = bank_holidays(year)
                .into_iter()
                .filter(|date| !matches!(date.weekday(), Weekday::Sat | Weekday::Sun))
                .count();
            let proclaimed = match year {
                2022 => 10,
                2023 => 9,
                _ => 8,
            };
            assert_eq!(weekdays, proclaimed, "{year}");
        }
    }
}
