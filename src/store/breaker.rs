//! Whether the database can be reached, as the last attempts to connect to it have told.
//!
//! While it cannot, whoever needs a new connection is refused at once instead of waiting in vain, and one
//! attempt at a time asks again, at growing intervals. All connections of a store share one breaker.
//! Called by `connection`, which tells it, and by `store`, which asks.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rand::Rng;

use super::error::{StoreError, Trouble};

/// After the first failure; doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// No pause is longer: it is also how late the end of an outage may be noticed.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// How often the log says that an outage goes on.
const REMINDED_EVERY: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(super) struct Breaker {
    outage: Mutex<Option<Outage>>,
}

#[derive(Debug)]
struct Outage {
    since: Instant,
    reason: String,
    failures: u32,
    next_try_at: Instant,
    is_trying: bool,
    told_at: Instant,
}

impl Breaker {
    /// Refuses while the database cannot be reached.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match &*self.outage() {
            None => Ok(()),
            Some(outage) => Err(StoreError::unavailable(
                Trouble::Unreachable,
                outage.reason.clone(),
            )),
        }
    }

    /// Whether to try to connect now. Whoever does tells the end of it by `reached` or `failed`.
    pub(super) fn may_try(&self) -> bool {
        match &mut *self.outage() {
            None => true,
            Some(outage) => {
                let may = !outage.is_trying && outage.next_try_at <= Instant::now();
                outage.is_trying |= may;
                may
            }
        }
    }

    /// An attempt has failed. The reason goes to the log.
    pub(super) fn failed(&self, reason: String) {
        let now = Instant::now();
        let mut held = self.outage();
        let outage = match held.take() {
            None => {
                log::error!(reason = reason; "the database cannot be reached; requests are refused until it can");
                Outage {
                    since: now,
                    reason,
                    failures: 1,
                    next_try_at: now + pause(1),
                    is_trying: false,
                    told_at: now,
                }
            }
            Some(outage) => {
                let failures = outage.failures.saturating_add(1);
                let is_due = now - outage.told_at >= REMINDED_EVERY;
                if is_due {
                    log::warn!(
                        reason = reason, away_s = (now - outage.since).as_secs(), attempts = failures;
                        "the database still cannot be reached"
                    );
                }
                Outage {
                    since: outage.since,
                    reason,
                    failures,
                    next_try_at: now + pause(failures),
                    is_trying: false,
                    told_at: if is_due { now } else { outage.told_at },
                }
            }
        };
        *held = Some(outage);
    }

    /// An attempt has succeeded.
    pub(super) fn reached(&self) {
        if let Some(outage) = self.outage().take() {
            log::info!(away_s = outage.since.elapsed().as_secs(); "the database is reached again");
        }
    }

    fn outage(&self) -> MutexGuard<'_, Option<Outage>> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Twice as long each time, less up to a half by chance, so that replicas do not ask all at once.
fn pause(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(10);
    let longest = (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE);
    longest.mul_f64(rand::rng().random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_lasts_from_the_first_failure_to_the_first_success() {
        let breaker = Breaker::default();
        assert_eq!(breaker.check(), Ok(()));
        assert!(breaker.may_try() && breaker.may_try());
        breaker.failed("connection refused".to_owned());
        assert_eq!(
            breaker.check(),
            Err(StoreError::unavailable(
                Trouble::Unreachable,
                "connection refused"
            ))
        );
        breaker.reached();
        assert_eq!(breaker.check(), Ok(()));
        assert!(breaker.may_try());
    }

    #[test]
    fn in_an_outage_one_at_a_time_tries_again_and_not_before_the_pause_is_over() {
        let breaker = Breaker::default();
        breaker.failed("connection refused".to_owned());
        assert!(!breaker.may_try());
        let deadline = Instant::now() + Duration::from_secs(5);
        while !breaker.may_try() {
            assert!(Instant::now() < deadline, "nobody may ever try again");
            std::thread::yield_now();
        }
        assert!(!breaker.may_try(), "a second one tried beside the first");
        assert!(breaker.check().is_err(), "one that tries has not succeeded yet");
        breaker.failed("connection refused".to_owned());
        assert!(!breaker.may_try());
    }

    #[test]
    fn pauses_grow_to_a_bound_and_differ_by_chance() {
        for (failures, longest_ms) in [(1, 200), (2, 400), (4, 1600), (5, 3000), (1000, 3000)] {
            let longest = Duration::from_millis(longest_ms);
            let pauses: Vec<Duration> = (0..50).map(|_| pause(failures)).collect();
            assert!(pauses.iter().all(|pause| (longest / 2..=longest).contains(pause)));
            assert!(pauses.iter().any(|pause| *pause != pauses[0]));
        }
    }
}
