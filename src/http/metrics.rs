//! What the service measures of itself, in the text format of OpenMetrics, on a listener of its own.
//!
//! No label holds anything of a person, a case or an authority: their values are route templates, codes and
//! names of kinds, all of them the program's own. The command line serves this where it is told to.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpResponse, get, rt};
use chrono::NaiveDate;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};
use tokio::sync::Mutex;
use tokio::time::timeout_at;
use uuid::Uuid;

use super::requests::Requests;
use crate::measure::Distribution;
use crate::service::App;
use crate::store::audit::instant_of;
use crate::store::chain::count_unchained;
use crate::store::standing::{Owed, count_owed};
use crate::store::{Load, PoolLoad, StoreError, WriteLoad};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Counting clocks reads all of them: not more often than this,
const COUNT_CLOCKS_EVERY: Duration = Duration::from_secs(60);
/// nor for more than one part in so many of the time,
const COUNTING_SHARE: u32 = 100;
/// or in so many where it fails, so that they are soon there again.
const FAILING_SHARE: u32 = 10;
/// How long a scrape waits for the database. What it has not told by then is left out, and told at the next.
const DATABASE_WAIT: Duration = Duration::from_secs(2);

/// What is needed to answer a scrape.
pub struct Metrics {
    requests: Arc<Requests>,
    app: App,
    /// The last count of clocks; held while they are counted, so that it is done once.
    counted: Arc<Mutex<Option<CountedClocks>>>,
}

struct CountedClocks {
    on: NaiveDate,
    finished: Instant,
    took: Duration,
    /// None where they could not be counted.
    owed: Option<BTreeMap<&'static str, Owed>>,
}

impl CountedClocks {
    fn still_holds(&self, today: NaiveDate) -> bool {
        let pause = match &self.owed {
            Some(_) => COUNT_CLOCKS_EVERY.max(self.took.saturating_mul(COUNTING_SHARE)),
            None => self.took.saturating_mul(FAILING_SHARE),
        };
        self.on == today && self.finished.elapsed() < pause
    }
}

impl Metrics {
    pub fn new(requests: Arc<Requests>, app: App) -> Metrics {
        Metrics {
            requests,
            app,
            counted: Arc::default(),
        }
    }

    /// Everything measured, as text. Where the database does not answer in time, what it would have told is left out.
    pub async fn scrape(&self) -> Result<String, fmt::Error> {
        let until = tokio::time::Instant::now() + DATABASE_WAIT;
        let counting = rt::spawn(count_clocks(self.app.clone(), Arc::clone(&self.counted)));
        let unsealed = timeout_at(until, unsealed(&self.app)).await;
        // Whether anybody waits for it or not, it is counted to the end.
        let owed = timeout_at(until, counting).await;
        let scrape = Scrape {
            requests: Arc::clone(&self.requests),
            load: self.app.store.load(),
            owed: owed.ok().and_then(Result::ok).flatten(),
            trail: Trail {
                buffered: self.app.readings().waiting(),
                unsealed: unsealed.ok().flatten(),
            },
            memory: anonymous_bytes(),
        };
        let mut registry = Registry::default();
        registry.register_collector(Box::new(scrape));
        let mut written = String::new();
        text::encode(&mut written, &registry)?;
        Ok(written)
    }
}

/// How many entries of the trail wait for their place in the chain, and for how many seconds the oldest has.
async fn unsealed(app: &App) -> Option<(u64, f64)> {
    let now = app.clock.now();
    let unsealed: Result<_, StoreError> = app
        .store
        .read(|connection| count_unchained(connection, None))
        .await;
    match unsealed {
        Ok((number, oldest)) => {
            let since = oldest
                .and_then(|id| Uuid::parse_str(&id).ok())
                .and_then(instant_of);
            let age = since.map_or(0.0, |since| {
                (now.naive_utc() - since).num_milliseconds().max(0) as f64 / 1000.0
            });
            Some((number.unsigned_abs(), age))
        }
        Err(error) => {
            log::warn!(error:% = error; "the unsealed entries of the trail could not be counted");
            None
        }
    }
}

/// The time limits that are owed, as they were counted last if that is not long ago.
async fn count_clocks(
    app: App,
    counted: Arc<Mutex<Option<CountedClocks>>>,
) -> Option<BTreeMap<&'static str, Owed>> {
    let today = app.clock.today();
    let mut counted = counted.lock().await;
    if let Some(counted) = counted.as_ref().filter(|counted| counted.still_holds(today)) {
        return counted.owed.clone();
    }
    let started = Instant::now();
    let owed: Result<_, StoreError> = app
        .store
        .read(move |connection| count_owed(connection, today))
        .await;
    let owed = owed.inspect_err(|error| log::warn!(error:% = error; "the clocks could not be counted"));
    let newly = counted.insert(CountedClocks {
        on: today,
        finished: Instant::now(),
        took: started.elapsed(),
        owed: owed.ok(),
    });
    newly.owed.clone()
}

/// Registers the one resource of the listener.
pub fn resources(config: &mut ServiceConfig) {
    config.service(get_metrics);
}

#[get("/metrics")]
async fn get_metrics(metrics: Data<Metrics>) -> HttpResponse {
    match metrics.scrape().await {
        Ok(text) => HttpResponse::Ok().content_type(OPEN_METRICS).body(text),
        Err(fmt::Error) => HttpResponse::InternalServerError().finish(),
    }
}

/// What is written at one scrape.
#[derive(Debug)]
struct Scrape {
    requests: Arc<Requests>,
    load: Load,
    owed: Option<BTreeMap<&'static str, Owed>>,
    trail: Trail,
    memory: Option<u64>,
}

/// What of the trail is not yet where it will be.
#[derive(Debug)]
struct Trail {
    /// Readings that are not written down yet.
    buffered: u64,
    /// As [`unsealed`] tells it.
    unsealed: Option<(u64, f64)>,
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        self.encode_requests(&mut encoder)?;
        self.encode_store(&mut encoder)?;
        if let Some(owed) = &self.owed {
            let help = "Statutory time limits that are owed, by kind, whether running or overdue";
            let mut clocks = encoder.encode_descriptor("ehcp_clocks", help, None, MetricType::Gauge)?;
            for (kind, owed) in owed {
                for (state, number) in [("running", owed.running), ("overdue", owed.overdue)] {
                    gauge(&mut clocks, &[("kind", *kind), ("state", state)], number)?;
                }
            }
        }
        self.encode_trail(&mut encoder)?;
        if let Some(bytes) = self.memory {
            let help = "Memory that only this process uses, less the pages of files";
            let mut memory =
                encoder.encode_descriptor("ehcp_memory", help, Some(&Unit::Bytes), MetricType::Gauge)?;
            memory.encode_gauge(&bytes)?;
        }
        let mut build = encoder.encode_descriptor("ehcp_build", "The program", None, MetricType::Info)?;
        build.encode_info(&[("version", env!("CARGO_PKG_VERSION"))])
    }
}

impl Scrape {
    fn encode_trail(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Readings that the trail does not hold yet";
        let mut buffered = encoder.encode_descriptor("ehcp_audit_buffered", help, None, MetricType::Gauge)?;
        buffered.encode_gauge(&self.trail.buffered)?;
        if let Some((number, age)) = self.trail.unsealed {
            let help = "Entries of the trail that wait for their place in the chain";
            let mut unsealed =
                encoder.encode_descriptor("ehcp_audit_unsealed", help, None, MetricType::Gauge)?;
            unsealed.encode_gauge(&number)?;
            let help = "Age of the oldest entry of the trail that waits for its place";
            let mut oldest = encoder.encode_descriptor(
                "ehcp_audit_unsealed_age",
                help,
                Some(&Unit::Seconds),
                MetricType::Gauge,
            )?;
            oldest.encode_gauge(&age)?;
        }
        Ok(())
    }

    fn encode_requests(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let counted = self.requests.counted();
        let help = "Requests answered, by method, route template and status";
        let mut requests = encoder.encode_descriptor("ehcp_requests", help, None, MetricType::Counter)?;
        for line in &counted {
            for (status, number) in &line.statuses {
                let labels = [
                    ("method", line.method),
                    ("route", line.route),
                    ("status", status.as_str()),
                ];
                counter(&mut requests, &labels, *number)?;
            }
        }
        let help = "Time from the head of a request to its answer, by method and route template";
        let mut durations = encoder.encode_descriptor(
            "ehcp_request_duration",
            help,
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for line in &counted {
            let labels = [("method", line.method), ("route", line.route)];
            histogram(&mut durations.encode_family(&labels)?, &line.durations)?;
        }
        let help = "Answers of 503, by cause";
        let mut unavailable =
            encoder.encode_descriptor("ehcp_unavailable", help, None, MetricType::Counter)?;
        for (cause, number) in self.requests.unavailable() {
            counter(&mut unavailable, &[("cause", cause)], number)?;
        }
        Ok(())
    }

    fn encode_store(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut pools = vec![("read", self.load.reads)];
        match &self.load.writes {
            WriteLoad::Postgres(writes) => pools.push(("write", *writes)),
            WriteLoad::Sqlite(writer) => {
                let help = "Writes that wait for the SQLite writer";
                let mut queue =
                    encoder.encode_descriptor("ehcp_writer_queue", help, None, MetricType::Gauge)?;
                queue.encode_gauge(&writer.queued)?;
                let help = "Writes that one commit of the SQLite writer served";
                histogram(
                    &mut encoder.encode_descriptor("ehcp_writer_group", help, None, MetricType::Histogram)?,
                    &writer.group_sizes,
                )?;
                let help = "Time that a commit of the SQLite writer took";
                let seconds = Some(&Unit::Seconds);
                histogram(
                    &mut encoder.encode_descriptor(
                        "ehcp_writer_commit",
                        help,
                        seconds,
                        MetricType::Histogram,
                    )?,
                    &writer.commits,
                )?;
            }
        }
        type Part = (&'static str, &'static str, fn(&PoolLoad) -> u64);
        let parts: [Part; 4] = [
            (
                "ehcp_pool_limit",
                "Database connections that may be open",
                |pool| pool.limit.into(),
            ),
            ("ehcp_pool_open", "Database connections that are open", |pool| {
                pool.open.into()
            }),
            (
                "ehcp_pool_idle",
                "Database connections that are open and not in use",
                |pool| pool.idle.into(),
            ),
            (
                "ehcp_pool_waiting",
                "Requests that wait for a database connection",
                |pool| pool.waiting,
            ),
        ];
        for (name, help, part) in parts {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (pool, load) in &pools {
                gauge(&mut family, &[("pool", *pool)], part(load))?;
            }
        }
        Ok(())
    }
}

fn counter(family: &mut MetricEncoder<'_>, labels: &[(&str, &str)], number: u64) -> fmt::Result {
    family
        .encode_family(&labels)?
        .encode_counter::<NoLabelSet, u64, f64>(&number, None)
}

fn gauge(family: &mut MetricEncoder<'_>, labels: &[(&str, &str)], number: u64) -> fmt::Result {
    family.encode_family(&labels)?.encode_gauge(&number)
}

fn histogram(encoder: &mut MetricEncoder<'_>, held: &Distribution) -> fmt::Result {
    encoder.encode_histogram::<NoLabelSet>(held.sum, held.count(), &held.buckets, None)
}

/// As the system counts it; nothing where it does not say. Pages of the SQLite file, which readers map, count
/// as resident too, but the system takes them back when it needs them.
fn anonymous_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}
