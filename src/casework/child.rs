//! The facts of a child or young person that the engine uses: age, school year, needs, and who
//! decides. They are versioned by instant, so that what was known then can be computed again.

use chrono::{Datelike, Days, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::statute::calendar::{school_year_ends_on, school_year_starting};
use crate::statute::requirement::Requirement;

/// A primary or other area of need, by the codes of the SEN2 return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NeedType {
    Spld,
    Mld,
    Sld,
    Pmld,
    Semh,
    Slcn,
    Hi,
    Vi,
    Msi,
    Pd,
    Asd,
    Ds,
    Oth,
}

impl NeedType {
    /// Multi-sensory impairment counts as both; the text of reg 6(2) on it is unconfirmed.
    fn is_hearing_or_vision(self) -> bool {
        match self {
            NeedType::Hi | NeedType::Vi | NeedType::Msi => true,
            NeedType::Spld
            | NeedType::Mld
            | NeedType::Sld
            | NeedType::Pmld
            | NeedType::Semh
            | NeedType::Slcn
            | NeedType::Pd
            | NeedType::Asd
            | NeedType::Ds
            | NeedType::Oth => false,
        }
    }
}

/// A year group outside the child's own cohort, as it was on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct YearGroupOverride {
    pub year_group: i32,
    pub on: NaiveDate,
}

/// A child joins reception, which is year nought, in the school year of the fifth birthday.
const YEARS_FROM_BIRTH_TO_YEAR_NOUGHT: i32 = 5;

/// The facts of one child or young person that clocks and advice depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildFacts {
    pub date_of_birth: NaiveDate,
    pub year_group_override: Option<YearGroupOverride>,
    pub needs: Vec<NeedType>,
}

impl ChildFacts {
    /// The National Curriculum year group on a day: reception is 0, nursery years are negative.
    ///
    /// A child joins reception in the September after the fourth birthday. An override moves up
    /// with the school years that follow it.
    pub fn year_group_on(&self, on: NaiveDate) -> i32 {
        match self.year_group_override {
            Some(held) => held.year_group + school_year_starting(on) - school_year_starting(held.on),
            None => {
                school_year_starting(on)
                    - school_year_starting(self.date_of_birth)
                    - YEARS_FROM_BIRTH_TO_YEAR_NOUGHT
            }
        }
    }

    /// The advice that reg 6 requires for this child if it is sought on a day.
    pub fn required_advice(&self, sought_on: NaiveDate) -> impl Iterator<Item = Requirement> {
        let year_group = self.year_group_on(sought_on);
        let hearing_or_vision = self.needs.iter().any(|need| need.is_hearing_or_vision());
        Requirement::ALL
            .into_iter()
            .filter(move |requirement| requirement.is_required(year_group, hearing_or_vision))
    }
}

/// The middle of the school year that ends in a year, and the first and the last birthday of those who are in a
/// year group in it by their age. None beyond the calendar.
pub fn born_in_year_group(
    year_group: i32,
    school_year_ends_in: i32,
) -> Option<(NaiveDate, (NaiveDate, NaiveDate))> {
    let on = NaiveDate::from_ymd_opt(school_year_ends_in, 1, 1)?;
    let born_from_year = school_year_starting(on) - YEARS_FROM_BIRTH_TO_YEAR_NOUGHT - year_group;
    let last = school_year_ends_on(NaiveDate::from_ymd_opt(born_from_year + 1, 1, 1)?);
    let first = school_year_ends_on(NaiveDate::from_ymd_opt(born_from_year, 1, 1)?) + Days::new(1);
    Some((on, (first, last)))
}

/// The birthday on which a person reaches an age; 1 March for a birth on 29 February.
pub fn turns_on(date_of_birth: NaiveDate, age_years: i32) -> NaiveDate {
    let year = date_of_birth.year() + age_years;
    date_of_birth
        .with_year(year)
        .or_else(|| NaiveDate::from_ymd_opt(year, 3, 1))
        .unwrap_or(NaiveDate::MAX)
}

/// The end of compulsory school age, when rights pass to the young person: the last Friday in June
/// of the school year in which they turn 16.
///
/// The date is carried as unconfirmed: the project's legal reference names the event, not the day.
pub fn rights_pass_on(date_of_birth: NaiveDate) -> NaiveDate {
    let sixteenth_birthday = turns_on(date_of_birth, 16);
    let june_ends = NaiveDate::from_ymd_opt(school_year_starting(sixteenth_birthday) + 1, 6, 30);
    let mut friday = june_ends.unwrap_or(NaiveDate::MAX);
    while friday.weekday() != Weekday::Fri {
        friday = friday - Days::new(1);
    }
    friday
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn born(text: &str) -> ChildFacts {
        ChildFacts {
            date_of_birth: on(text),
            year_group_override: None,
            needs: Vec::new(),
        }
    }

    #[test]
    fn year_groups_change_in_september() {
        for (birth, day, year_group) in [
            ("2011-09-01", "2025-08-31", 8),
            ("2011-09-01", "2025-09-01", 9),
            ("2012-08-31", "2025-09-01", 9),
            ("2012-09-01", "2025-09-01", 8),
            ("2021-08-31", "2025-09-01", 0),
            ("2022-01-01", "2025-09-01", -1),
        ] {
            assert_eq!(born(birth).year_group_on(on(day)), year_group, "{birth} on {day}");
        }
    }

    #[test]
    fn those_born_in_the_days_of_a_year_group_are_in_it_and_nobody_else() {
        for year_group in -2..=14 {
            let (on, (first, last)) = born_in_year_group(year_group, 2027).unwrap();
            for (born_on, is_in) in [
                (first - Days::new(1), false),
                (first, true),
                (last, true),
                (last + Days::new(1), false),
            ] {
                let facts = ChildFacts {
                    date_of_birth: born_on,
                    year_group_override: None,
                    needs: Vec::new(),
                };
                assert_eq!(
                    facts.year_group_on(on) == year_group,
                    is_in,
                    "{born_on} in {year_group}"
                );
            }
        }
        assert_eq!(born_in_year_group(6, i32::MAX), None);
    }

    #[test]
    fn an_override_moves_up_with_the_years() {
        let held = YearGroupOverride {
            year_group: 8,
            on: on("2025-10-01"),
        };
        let facts = ChildFacts {
            year_group_override: Some(held),
            ..born("2011-09-01")
        };
        assert_eq!(facts.year_group_on(on("2026-08-31")), 8);
        assert_eq!(facts.year_group_on(on("2026-09-01")), 9);
    }

    #[test]
    fn year_nine_and_sensory_needs_add_to_the_advice_required() {
        let required = |facts: &ChildFacts| facts.required_advice(on("2026-01-05")).collect::<Vec<_>>();
        assert_eq!(required(&born("2018-01-01")).len(), 5);
        assert!(required(&born("2011-09-01")).contains(&Requirement::PreparationForAdulthood));
        let with_vision = ChildFacts {
            needs: vec![NeedType::Asd, NeedType::Vi],
            ..born("2018-01-01")
        };
        assert!(required(&with_vision).contains(&Requirement::Sensory));
    }

    #[test]
    fn birthdays_and_the_end_of_compulsory_school_age() {
        assert_eq!(turns_on(on("2008-02-29"), 18), on("2026-03-01"));
        assert_eq!(turns_on(on("2008-02-29"), 16), on("2024-02-29"));
        assert_eq!(rights_pass_on(on("2009-09-01")), on("2026-06-26"));
        assert_eq!(rights_pass_on(on("2010-08-31")), on("2026-06-26"));
        assert_eq!(rights_pass_on(on("2010-09-01")), on("2027-06-25"));
    }
}
