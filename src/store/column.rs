//! Columns read straight into their values and written straight from them: dates, instants and ids, without a
//! library's search for their format. What lists and streams load by the hundred uses them, and what runs with
//! every event.

use std::fmt::{self, Write};

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Date, Nullable, Text, Timestamp};
use diesel::sqlite::{Sqlite, SqliteValue};
use uuid::Uuid;

use super::MultiBackend;

/// A civil date.
#[derive(Clone, Copy, PartialEq, Eq, FromSqlRow, AsExpression)]
#[diesel(sql_type = Date)]
pub struct Day(pub NaiveDate);

/// An instant, in UTC.
#[derive(Clone, Copy, PartialEq, Eq, FromSqlRow, AsExpression)]
#[diesel(sql_type = Timestamp)]
pub struct Instant(pub NaiveDateTime);

/// An id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromSqlRow)]
pub struct Id(pub Uuid);

/// A civil date that may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromSqlRow)]
pub struct OptionalDay(Option<NaiveDate>);

/// An instant that may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromSqlRow)]
pub struct OptionalInstant(Option<NaiveDateTime>);

impl From<Day> for NaiveDate {
    fn from(day: Day) -> NaiveDate {
        day.0
    }
}

impl From<Instant> for NaiveDateTime {
    fn from(at: Instant) -> NaiveDateTime {
        at.0
    }
}

impl From<OptionalDay> for Option<NaiveDate> {
    fn from(day: OptionalDay) -> Option<NaiveDate> {
        day.0
    }
}

impl From<OptionalInstant> for Option<NaiveDateTime> {
    fn from(at: OptionalInstant) -> Option<NaiveDateTime> {
        at.0
    }
}

// In the record of a statement's binds they read as the values that they hold.

impl fmt::Debug for Day {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

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

impl<DB: Backend> FromSql<Nullable<Date>, DB> for OptionalDay
where
    Day: FromSql<Date, DB>,
{
    fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Day::from_sql(value).map(|day| OptionalDay(Some(day.0)))
    }

    fn from_nullable_sql(value: Option<DB::RawValue<'_>>) -> deserialize::Result<Self> {
        value.map_or(Ok(OptionalDay(None)), Self::from_sql)
    }
}

impl<DB: Backend> FromSql<Nullable<Timestamp>, DB> for OptionalInstant
where
    Instant: FromSql<Timestamp, DB>,
{
    fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Instant::from_sql(value).map(|at| OptionalInstant(Some(at.0)))
    }

    fn from_nullable_sql(value: Option<DB::RawValue<'_>>) -> deserialize::Result<Self> {
        value.map_or(Ok(OptionalInstant(None)), Self::from_sql)
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

impl ToSql<Date, Sqlite> for Day {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        let mut text = String::with_capacity(10);
        write_date(&mut text, self.0)?;
        out.set_value(text);
        Ok(IsNull::No)
    }
}

impl ToSql<Date, Pg> for Day {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Date, Pg>::to_sql(&self.0, &mut out.reborrow())
    }
}

impl ToSql<Timestamp, Sqlite> for Instant {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        let mut text = String::with_capacity(29);
        write_instant(&mut text, self.0)?;
        out.set_value(text);
        Ok(IsNull::No)
    }
}

impl ToSql<Timestamp, Pg> for Instant {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Timestamp, Pg>::to_sql(&self.0, &mut out.reborrow())
    }
}

/// As Diesel writes it, `2026-02-20`. A year of other than four digits is left to the library.
fn write_date(text: &mut String, date: NaiveDate) -> fmt::Result {
    match u32::try_from(date.year()) {
        Ok(year @ 1_000..=9_999) => {
            let digit = |number: u32| char::from(b'0' + (number % 10) as u8);
            let (month, day) = (date.month(), date.day());
            for number in [year / 1_000, year / 100, year / 10, year] {
                text.push(digit(number));
            }
            for number in [month, day] {
                text.push('-');
                text.push(digit(number / 10));
                text.push(digit(number));
            }
            Ok(())
        }
        Ok(_) | Err(_) => write!(text, "{}", date.format("%F")),
    }
}

/// As Diesel writes it, `2026-02-20 09:30:00` with a fraction of three, six or nine digits where there is one.
fn write_instant(text: &mut String, at: NaiveDateTime) -> fmt::Result {
    write_date(text, at.date())?;
    let (hour, minute, second, nanosecond) = (at.hour(), at.minute(), at.second(), at.nanosecond());
    write!(text, " {hour:02}:{minute:02}:{second:02}")?;
    match nanosecond {
        0 => Ok(()),
        whole if whole % 1_000_000 == 0 => write!(text, ".{:03}", whole / 1_000_000),
        whole if whole % 1_000 == 0 => write!(text, ".{:06}", whole / 1_000),
        _ => write!(text, ".{nanosecond:09}"),
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

        #[test]
        fn dates_and_instants_are_written_as_the_library_writes_them(
            seconds in -99_999_999_999_i64..399_999_999_999,
            nanoseconds in prop_oneof![Just(0), (0_u32..1_000).prop_map(|n| n * 1_000_000), (0_u32..1_000_000).prop_map(|n| n * 1_000), 0_u32..1_000_000_000],
        ) {
            let at = chrono::DateTime::from_timestamp(seconds, nanoseconds).unwrap().naive_utc();
            let mut text = String::new();
            write_instant(&mut text, at).unwrap();
            prop_assert_eq!(text, at.format("%F %T%.f").to_string());
        }
    }
}
