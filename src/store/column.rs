//! Columns read straight into their values: dates, instants and ids, without a library's search for their
//! format and without a text in between. Rows that lists and streams load by the hundred use them.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::{Date, Text, Timestamp};
use diesel::sqlite::{Sqlite, SqliteValue};
use uuid::Uuid;

use super::MultiBackend;

/// A civil date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromSqlRow)]
pub struct Day(pub NaiveDate);

/// An instant, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromSqlRow)]
pub struct Instant(pub NaiveDateTime);

/// An id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromSqlRow)]
pub struct Id(pub Uuid);

impl FromSql<Date, Sqlite> for Day {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Day(
            date(value.read_text().as_bytes()).ok_or("not a date written as YYYY-MM-DD")?
        ))
    }
}

impl FromSql<Date, Pg> for Day {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <NaiveDate as FromSql<Date, Pg>>::from_sql(value).map(Day)
    }
}

impl FromSql<Date, MultiBackend> for Day {
    fn from_sql(value: <MultiBackend as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<Day, Date>()
    }
}

impl FromSql<Timestamp, Sqlite> for Instant {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Instant(
            instant(value.read_text().as_bytes()).ok_or("not an instant written as Diesel writes them")?,
        ))
    }
}

impl FromSql<Timestamp, Pg> for Instant {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <NaiveDateTime as FromSql<Timestamp, Pg>>::from_sql(value).map(Instant)
    }
}

impl FromSql<Timestamp, MultiBackend> for Instant {
    fn from_sql(value: <MultiBackend as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<Instant, Timestamp>()
    }
}

impl FromSql<Text, Sqlite> for Id {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Id(Uuid::try_parse(value.read_text())?))
    }
}

impl FromSql<Text, Pg> for Id {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Id(Uuid::try_parse_ascii(value.as_bytes())?))
    }
}

impl FromSql<Text, MultiBackend> for Id {
    fn from_sql(value: <MultiBackend as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<Id, Text>()
    }
}

/// `2026-02-20`
fn date(text: &[u8]) -> Option<NaiveDate> {
    let [a, b, c, d, b'-', e, f, b'-', g, h] = text else {
        return None;
    };
    let year = number(&[*a, *b, *c, *d])?;
    NaiveDate::from_ymd_opt(year.cast_signed(), number(&[*e, *f])?, number(&[*g, *h])?)
}

/// `2026-02-20 09:30:00`, with a fraction of up to nine digits where there is one.
fn instant(text: &[u8]) -> Option<NaiveDateTime> {
    let (day, rest) = text.split_at_checked(10)?;
    let (time, fraction) = rest.split_at_checked(9)?;
    let [b' ', a, b, b':', c, d, b':', e, f] = time else {
        return None;
    };
    let nanoseconds = match fraction {
        [] => 0,
        [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => {
            number(digits)? * 10_u32.pow(9 - u32::try_from(digits.len()).ok()?)
        }
        _ => return None,
    };
    let time = NaiveTime::from_hms_nano_opt(
        number(&[*a, *b])?,
        number(&[*c, *d])?,
        number(&[*e, *f])?,
        nanoseconds,
    )?;
    Some(date(day)?.and_time(time))
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |sum: u32, digit| {
        let value = digit.checked_sub(b'0').filter(|value| *value <= 9)?;
        Some(sum * 10 + u32::from(value))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_date_or_instant_is_refused() {
        for text in [
            "",
            "2026-2-20",
            "2026-02-30",
            "2026/02/20",
            "20260220",
            "2026-02-2x",
        ] {
            assert_eq!(date(text.as_bytes()), None, "{text}");
        }
        for text in [
            "2026-02-20",
            "2026-02-20T09:30:00",
            "2026-02-20 24:00:00",
            "2026-02-20 09:30:00.",
        ] {
            assert_eq!(instant(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn dates_and_instants_are_read_as_they_are_written(seconds in 0_i64..253_402_300_799, microseconds in 0_u32..1_000_000) {
            let at = chrono::DateTime::from_timestamp(seconds, microseconds * 1_000).unwrap().naive_utc();
            prop_assert_eq!(date(at.date().format("%F").to_string().as_bytes()), Some(at.date()));
            prop_assert_eq!(instant(at.format("%F %T%.f").to_string().as_bytes()), Some(at));
        }
    }
}
