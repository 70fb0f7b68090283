//! How often somebody may ask: each client, each address, and more strictly where credentials are tried.
//!
//! What is counted goes by a number made from who it is, and is forgotten when it makes no difference any more.
//! `limits` asks before a request is routed, `extractor` when the client is known, and `trace` tells what is left.
//! Each replica counts for itself.

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use super::exposure::client_address;
use super::problem::{Code, Problem};
use crate::auth::Principal;

/// How many clients or addresses are told apart at once. What comes beyond them is counted as one.
const MOST_KEYS: usize = 100_000;

/// How often something may be done: so many times at once, and as many again in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub burst: NonZeroU32,
    pub refilled_in: Duration,
}

impl Rate {
    /// Nothing, which is no limit, where either is nought.
    pub fn per_second(times: u32, burst: u32) -> Option<Rate> {
        let (times, burst) = (NonZeroU32::new(times)?, NonZeroU32::new(burst)?);
        Some(Rate {
            burst,
            refilled_in: Duration::from_secs(1) * burst.get() / times.get(),
        })
    }

    /// The same by the minute, and all of a minute's at once.
    pub fn per_minute(times: u32) -> Option<Rate> {
        Some(Rate {
            burst: NonZeroU32::new(times)?,
            refilled_in: Duration::from_secs(60),
        })
    }
}

/// What is limited; nothing by default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rates {
    /// Requests of one client, wherever it asks from.
    pub client: Option<Rate>,
    /// Requests from one address, whoever asks.
    pub address: Option<Rate>,
    /// Requests from one address with credentials that are not accepted.
    pub failure: Option<Rate>,
    /// Requests for a token from one address.
    pub token: Option<Rate>,
}

/// The counts behind [`Rates`], shared by all workers.
pub struct Meters {
    client: Option<Meter>,
    address: Option<Meter>,
    failure: Option<Meter>,
    token: Option<Meter>,
    hasher: RandomState,
}

struct Meter {
    /// As the header fields name it.
    name: &'static str,
    /// What there was too much of, to follow "Too many".
    what: &'static str,
    rate: Rate,
    limiter: RateLimiter<u64, HashMapStateStore<u64>, DefaultClock, StateInformationMiddleware>,
    started: Instant,
    swept_at_second: AtomicU64,
}

/// How much is left of what was counted for a request. It stands in the request's extensions.
#[derive(Debug, Default)]
pub struct Standings(Vec<Standing>);

#[derive(Debug, Clone, Copy)]
struct Standing {
    name: &'static str,
    rate: Rate,
    remaining: u32,
}

impl Meters {
    pub fn new(rates: &Rates) -> Meters {
        let meter = |name, what, rate: Option<Rate>| rate.and_then(|rate| Meter::new(name, what, rate));
        Meters {
            client: meter("client", "requests of this client", rates.client),
            address: meter("address", "requests from this address", rates.address),
            failure: meter(
                "failure",
                "requests from this address with credentials that are not valid",
                rates.failure,
            ),
            token: meter("token", "requests for a token from this address", rates.token),
            hasher: RandomState::new(),
        }
    }

    fn key(&self, who: impl Hash) -> u64 {
        self.hasher.hash_one(who)
    }
}

impl Meter {
    fn new(name: &'static str, what: &'static str, rate: Rate) -> Option<Meter> {
        let quota = Quota::with_period(rate.refilled_in / rate.burst.get())?.allow_burst(rate.burst);
        Some(Meter {
            name,
            what,
            rate,
            limiter: RateLimiter::hashmap_with_clock(quota, DefaultClock::default()).with_middleware(),
            started: Instant::now(),
            swept_at_second: AtomicU64::new(0),
        })
    }

    /// What is left after one more, or how long to wait.
    fn count(&self, key: u64) -> Result<u32, Duration> {
        let key = if self.has_room() { key } else { 0 };
        match self.limiter.check_key(&key) {
            Ok(state) => Ok(state.remaining_burst_capacity()),
            Err(refused) => Err(refused.wait_time_from(self.limiter.clock().now())),
        }
    }

    /// Whoever has not asked for as long as it takes to be allowed everything again is forgotten: now and then,
    /// and where there are too many, every second at most.
    fn has_room(&self) -> bool {
        let now = self.started.elapsed().as_secs();
        let swept = self.swept_at_second.load(Ordering::Relaxed);
        let is_full = self.limiter.len() >= MOST_KEYS;
        let pause = if is_full { 1 } else { 30 };
        if now < swept + pause {
            return !is_full;
        }
        let is_ours = self
            .swept_at_second
            .compare_exchange(swept, now, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok();
        if is_ours {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.limiter.len() < MOST_KEYS
    }
}

impl Standings {
    /// The fields `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-10.
    pub fn fields(&self) -> Option<[(&'static str, HeaderValue); 2]> {
        if self.0.is_empty() {
            return None;
        }
        let listed = |one: fn(&Standing) -> String| {
            let each: Vec<String> = self.0.iter().map(one).collect();
            HeaderValue::from_str(&each.join(", ")).ok()
        };
        Some([
            ("ratelimit-policy", listed(Standing::policy)?),
            ("ratelimit", listed(Standing::left)?),
        ])
    }
}

impl Standing {
    fn policy(&self) -> String {
        let window = whole_seconds(self.rate.refilled_in);
        format!("\"{}\";q={};w={window}", self.name, self.rate.burst)
    }

    fn left(&self) -> String {
        let used = self.rate.burst.get().saturating_sub(self.remaining);
        let until_full = self.rate.refilled_in / self.rate.burst.get() * used;
        format!(
            "\"{}\";r={};t={}",
            self.name,
            self.remaining,
            whole_seconds(until_full)
        )
    }
}

/// Rounded up, since whoever comes back too early is refused again.
fn whole_seconds(time: Duration) -> u64 {
    (time.as_secs() + u64::from(time.subsec_nanos() > 0)).max(1)
}

/// Counts a request of a client whose token was accepted: once, however often the token is looked at.
pub fn count_client(request: &HttpRequest, principal: &Principal) -> Result<(), Problem> {
    let Some(meters) = meters(request) else {
        return Ok(());
    };
    let key = match &principal.client {
        Some(client) => meters.key(client.client_id),
        None => meters.key((principal.la_code.as_str(), &principal.subject)),
    };
    count(request, meters.client.as_ref(), key)
}

/// Counts a request from an address, before anything else is known of it.
pub fn count_address(request: &HttpRequest) -> Result<(), Problem> {
    count_by_address(request, |meters| &meters.address)
}

/// Counts a request for a token, before its credentials are looked at.
pub fn count_token_request(request: &HttpRequest) -> Result<(), Problem> {
    count_by_address(request, |meters| &meters.token)
}

/// Counts credentials that were not accepted. Others from the same address are served all the same: it may be
/// that of a whole council.
pub fn count_failure(request: &HttpRequest) -> Result<(), Problem> {
    count_by_address(request, |meters| &meters.failure)
}

fn meters(request: &HttpRequest) -> Option<&Data<Meters>> {
    request.app_data::<Data<Meters>>()
}

fn count_by_address(request: &HttpRequest, which: fn(&Meters) -> &Option<Meter>) -> Result<(), Problem> {
    match (meters(request), client_address(request)) {
        (Some(meters), Some(address)) => {
            count(request, which(meters).as_ref(), meters.key(network_of(address)))
        }
        (None, _) | (_, None) => Ok(()),
    }
}

/// Of IPv6, whoever has one address has the rest of its network too.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

fn count(request: &HttpRequest, meter: Option<&Meter>, key: u64) -> Result<(), Problem> {
    let Some(meter) = meter else {
        return Ok(());
    };
    let mut extensions = request.extensions_mut();
    if extensions.get::<Standings>().is_none() {
        extensions.insert(Standings::default());
    }
    let Some(Standings(standings)) = extensions.get_mut::<Standings>() else {
        return Ok(());
    };
    if standings.iter().any(|standing| standing.name == meter.name) {
        return Ok(());
    }
    let counted = meter.count(key);
    standings.push(Standing {
        name: meter.name,
        rate: meter.rate,
        remaining: *counted.as_ref().unwrap_or(&0),
    });
    match counted {
        Ok(_) => Ok(()),
        Err(wait) => Err(Problem::new(Code::TooManyRequests)
            .with_detail(format!("Too many {}. Nothing was done.", meter.what))
            .with_header(header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nought_is_no_limit() {
        assert_eq!(Rate::per_second(0, 10), None);
        assert_eq!(Rate::per_second(10, 0), None);
        assert_eq!(Rate::per_minute(0), None);
        assert_eq!(
            Rate::per_second(100, 1000).map(|rate| rate.refilled_in),
            Some(Duration::from_secs(10))
        );
    }

    #[test]
    fn each_is_counted_for_itself_and_forgotten_when_it_makes_no_difference() {
        let hourly = Rate {
            burst: NonZeroU32::new(2).unwrap(),
            refilled_in: Duration::from_secs(3600),
        };
        let meter = Meter::new("client", "", hourly).unwrap();
        assert_eq!(meter.count(1), Ok(1));
        assert_eq!(meter.count(1), Ok(0));
        let wait = meter.count(1).unwrap_err();
        assert!(wait > Duration::from_secs(1700) && wait <= Duration::from_secs(1800));
        assert_eq!(meter.count(2), Ok(1));
        meter.limiter.retain_recent();
        assert_eq!(meter.limiter.len(), 2);

        let briefly = Rate {
            burst: NonZeroU32::new(1).unwrap(),
            refilled_in: Duration::from_nanos(1),
        };
        let meter = Meter::new("client", "", briefly).unwrap();
        for key in 0..1000 {
            assert_eq!(meter.count(key), Ok(0));
        }
        meter.limiter.retain_recent();
        assert!(meter.limiter.len() < 10, "{}", meter.limiter.len());
    }

    #[test]
    fn more_than_can_be_told_apart_are_counted_as_one() {
        let meter = Meter::new("address", "", Rate::per_minute(1).unwrap()).unwrap();
        for key in 1..=MOST_KEYS as u64 {
            assert_eq!(meter.count(key), Ok(0));
        }
        assert_eq!(meter.count(u64::MAX), Ok(0));
        assert!(meter.count(u64::MAX - 1).is_err());
        assert!(meter.limiter.len() <= MOST_KEYS + 1);
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let of = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
    }
}
