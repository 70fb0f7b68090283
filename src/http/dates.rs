//! Dates as JSON has them, written digit by digit: an answer can hold hundreds, and the library's way to its
//! text is through the machinery of formatting.

use chrono::{Datelike, NaiveDate};
use serde::{Serialize, Serializer};

/// For `#[serde(serialize_with = …)]` on a date.
pub fn day<S: Serializer>(date: &NaiveDate, serializer: S) -> Result<S::Ok, S::Error> {
    let mut text = [b'-'; 10];
    match written(*date, &mut text) {
        Some(text) => serializer.serialize_str(text),
        None => date.serialize(serializer),
    }
}

/// For `#[serde(serialize_with = …)]` on a date that may be missing.
pub fn optional_day<S: Serializer>(date: &Option<NaiveDate>, serializer: S) -> Result<S::Ok, S::Error> {
    match date {
        Some(date) => day(date, serializer),
        None => serializer.serialize_none(),
    }
}

/// None for a year that does not have four digits.
fn written(date: NaiveDate, text: &mut [u8; 10]) -> Option<&str> {
    let year = u32::try_from(date.year()).ok().filter(|year| *year <= 9999)?;
    let digit = |number: u32| b'0' + (number % 10) as u8;
    text[..4].copy_from_slice(&[
        digit(year / 1000),
        digit(year / 100),
        digit(year / 10),
        digit(year),
    ]);
    text[5..7].copy_from_slice(&[digit(date.month() / 10), digit(date.month())]);
    text[8..].copy_from_slice(&[digit(date.day() / 10), digit(date.day())]);
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_the_library_writes_it() {
        for (year, month, day) in [
            (1, 1, 1),
            (999, 12, 31),
            (2024, 2, 29),
            (9998, 10, 9),
            (12_345, 1, 2),
        ] {
            let date = NaiveDate::from_ymd_opt(year, month, day).unwrap();
            let mut ours = Vec::new();
            super::day(&date, &mut serde_json::Serializer::new(&mut ours)).unwrap();
            assert_eq!(ours, serde_json::to_vec(&date).unwrap());
        }
    }
}
