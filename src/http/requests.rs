//! How many requests were answered how and how quickly, by method, route template and status.
//!
//! Every row is made at the start, so that counting is a look-up and a few additions: it takes no lock and no
//! memory. Nothing a caller sent becomes a label. `http::trace` counts; `http::metrics` writes it out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::http::{Method, StatusCode};

use crate::measure::{Distribution, Histogram};

/// Where no route of ours answered.
pub const UNMATCHED: &str = "unmatched";
/// A method or a status that has no row of its own.
const OTHER: &str = "other";
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const STATUSES: [u16; 25] = [
    200, 201, 204, 206, 302, 304, 308, 400, 401, 403, 404, 405, 406, 408, 409, 412, 413, 414, 415, 422, 428,
    429, 431, 500, 503,
];

/// Why an answer may be 503; `docs/OPERATIONS.md` says of each what to do.
const CAUSES: [&str; 10] = [
    "starting",
    "stopping",
    "database_unreachable",
    "database_busy",
    "database_full",
    "database_read_only",
    "database_failing",
    "outcome_unknown",
    "issuer_unreachable",
    "secrets_busy",
];

/// Counts for the life of the process.
#[derive(Debug)]
pub struct Requests {
    routes: HashMap<String, Route>,
    unmatched: Route,
    unavailable: [AtomicU64; CAUSES.len() + 1],
}

/// One line for each method, the last for any other.
type Route = [Line; METHODS.len() + 1];

#[derive(Debug)]
struct Line {
    /// One for each status, the last for any other.
    statuses: [AtomicU64; STATUSES.len() + 1],
    durations: Histogram,
}

/// What is counted of one method on one route.
pub struct Counted<'a> {
    pub route: &'a str,
    pub method: &'static str,
    /// Those statuses that were ever answered.
    pub statuses: Vec<(String, u64)>,
    pub durations: Distribution,
}

impl Requests {
    /// Rows for these route templates and for what matches none of them.
    pub fn new(routes: impl Iterator<Item = String>) -> Requests {
        Requests {
            routes: routes.map(|route| (route, empty_route())).collect(),
            unmatched: empty_route(),
            unavailable: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    pub fn count(&self, method: &Method, route: Option<&str>, status: StatusCode, took: Duration) {
        let route = route
            .and_then(|route| self.routes.get(route))
            .unwrap_or(&self.unmatched);
        let place = METHODS.iter().position(|known| *known == method.as_str());
        let line = &route[place.unwrap_or(METHODS.len())];
        let place = STATUSES.iter().position(|known| *known == status.as_u16());
        line.statuses[place.unwrap_or(STATUSES.len())].fetch_add(1, Ordering::Relaxed);
        line.durations.add_duration(took);
    }

    /// Counts an answer of 503 by the `reason` that it gave.
    pub fn count_unavailable(&self, reason: Option<&str>) {
        let place = CAUSES.iter().position(|known| Some(*known) == reason);
        self.unavailable[place.unwrap_or(CAUSES.len())].fetch_add(1, Ordering::Relaxed);
    }

    /// How often the answer was 503, by cause.
    pub fn unavailable(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.unavailable.iter().map(|count| count.load(Ordering::Relaxed));
        CAUSES.into_iter().chain([OTHER]).zip(counts)
    }

    /// Whatever was counted at least once, in a fixed order.
    pub fn counted(&self) -> Vec<Counted<'_>> {
        let mut routes: Vec<(&str, &Route)> = self
            .routes
            .iter()
            .map(|(route, lines)| (route.as_str(), lines))
            .chain([(UNMATCHED, &self.unmatched)])
            .collect();
        routes.sort_by_key(|(route, _)| *route);
        let mut counted = Vec::new();
        for (route, lines) in routes {
            for (method, line) in METHODS.into_iter().chain([OTHER]).zip(lines) {
                let names = STATUSES.iter().map(u16::to_string).chain([OTHER.to_owned()]);
                let counts = line.statuses.iter().map(|count| count.load(Ordering::Relaxed));
                let statuses: Vec<(String, u64)> =
                    names.zip(counts).filter(|(_, count)| *count > 0).collect();
                if !statuses.is_empty() {
                    counted.push(Counted {
                        route,
                        method,
                        statuses,
                        durations: line.durations.distribution(),
                    });
                }
            }
        }
        counted
    }
}

fn empty_route() -> Route {
    std::array::from_fn(|_| Line {
        statuses: std::array::from_fn(|_| AtomicU64::new(0)),
        durations: Histogram::of_durations(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::problem::Code;
    use crate::store::Trouble;

    #[test]
    fn every_status_that_a_problem_has_is_counted_by_its_number() {
        for code in Code::ALL {
            assert!(STATUSES.contains(&code.status().as_u16()), "{}", code.name());
        }
    }

    #[test]
    fn every_reason_to_be_unavailable_is_counted_by_its_name() {
        let requests = Requests::new(std::iter::empty());
        let troubles = [
            Trouble::Unreachable,
            Trouble::Busy,
            Trouble::Full,
            Trouble::ReadOnly,
            Trouble::Failing,
            Trouble::Stopping,
        ];
        for trouble in troubles {
            requests.count_unavailable(Some(trouble.name()));
        }
        requests.count_unavailable(Some("quillfeather"));
        requests.count_unavailable(None);
        let counted: Vec<(&str, u64)> = requests.unavailable().filter(|(_, number)| *number > 0).collect();
        assert_eq!(counted.len(), troubles.len() + 1);
        assert!(counted.contains(&(OTHER, 2)), "{counted:?}");
    }

    #[test]
    fn what_no_row_was_made_for_makes_none() {
        let requests = Requests::new(["/v1/cases/{id}".to_owned()].into_iter());
        let strange = Method::from_bytes(b"MERRIN").unwrap();
        let took = Duration::from_millis(1);
        requests.count(&strange, Some("/v1/quillfeather"), StatusCode::IM_A_TEAPOT, took);
        requests.count(&Method::GET, Some("/v1/cases/{id}"), StatusCode::OK, took);
        requests.count(&Method::GET, None, StatusCode::NOT_FOUND, took);
        let lines: Vec<String> = requests
            .counted()
            .iter()
            .map(|line| format!("{} {} {:?}", line.method, line.route, line.statuses))
            .collect();
        assert_eq!(
            lines,
            [
                r#"GET /v1/cases/{id} [("200", 1)]"#,
                r#"GET unmatched [("404", 1)]"#,
                r#"other unmatched [("other", 1)]"#,
            ]
        );
    }
}
