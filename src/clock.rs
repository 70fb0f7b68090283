//! The one clock of the program: what instant it is and, from it, what day it is in England.
//!
//! Tests freeze it and the demo shifts it; nothing else may ask the system (a lint says so).

use std::sync::{Arc, RwLock};

use chrono::{DateTime, NaiveDate, NaiveTime, SubsecRound, TimeDelta, Utc};
use chrono_tz::Europe::London;

/// Cheap to clone; clones of a settable clock move together.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The system's time.
    System,
    /// The system's time moved by a constant, so that the demo lives on a day of its own.
    Shifted(TimeDelta),
    /// Stands still until it is set.
    Settable(Arc<RwLock<DateTime<Utc>>>),
}

impl Clock {
    /// A clock that stands still at an instant.
    pub fn frozen_at(instant: DateTime<Utc>) -> Clock {
        Clock::Settable(Arc::new(RwLock::new(instant)))
    }

    /// A clock whose today is the given day at this time of day, and which ticks on.
    pub fn shifted_to(today: NaiveDate) -> Clock {
        let system = system_now();
        let local = today.and_time(system.with_timezone(&London).time());
        // In the hour that summer time leaves out, noon does as well.
        let shifted = local
            .and_local_timezone(London)
            .earliest()
            .map_or_else(|| noon(today), |instant| instant.with_timezone(&Utc));
        Clock::Shifted(shifted - system)
    }

    /// Moves a settable clock; the others follow the system and do not move.
    pub fn set(&self, instant: DateTime<Utc>) {
        if let Clock::Settable(held) = self {
            *held.write().unwrap_or_else(std::sync::PoisonError::into_inner) = instant;
        }
    }

    /// The instant, cut to microseconds as every store keeps it.
    pub fn now(&self) -> DateTime<Utc> {
        let instant = match self {
            Clock::System => system_now(),
            Clock::Shifted(by) => system_now() + *by,
            Clock::Settable(held) => *held.read().unwrap_or_else(std::sync::PoisonError::into_inner),
        };
        instant.trunc_subsecs(6)
    }

    /// The civil date in Europe/London.
    pub fn today(&self) -> NaiveDate {
        london_date(self.now())
    }
}

/// The civil date in Europe/London at an instant.
pub fn london_date(instant: DateTime<Utc>) -> NaiveDate {
    instant.with_timezone(&London).date_naive()
}

/// Noon of a civil date, for facts known by their day alone.
pub fn noon(date: NaiveDate) -> DateTime<Utc> {
    date.and_time(NaiveTime::from_hms_opt(12, 0, 0).unwrap_or(NaiveTime::MIN))
        .and_utc()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the system's time"
)]
fn system_now() -> DateTime<Utc> {
    Utc::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_in_london_starts_an_hour_early_in_summer() {
        let late_evening = "2026-07-01T23:30:00Z".parse().unwrap();
        assert_eq!(london_date(late_evening).to_string(), "2026-07-02");
        let winter = "2026-01-01T23:30:00Z".parse().unwrap();
        assert_eq!(london_date(winter).to_string(), "2026-01-01");
    }

    #[test]
    fn a_shifted_clock_is_on_its_day_in_london() {
        for today in ["2026-07-01", "2026-03-29", "2026-12-31", "2024-02-29"] {
            let today = today.parse().unwrap();
            assert_eq!(Clock::shifted_to(today).today(), today);
        }
    }

    #[test]
    fn a_frozen_clock_moves_only_when_set() {
        let clock = Clock::frozen_at("2026-02-16T09:00:00Z".parse().unwrap());
        assert_eq!(clock.today().to_string(), "2026-02-16");
        clock.clone().set("2026-02-17T09:00:00Z".parse().unwrap());
        assert_eq!(clock.today().to_string(), "2026-02-17");
    }
}
