//! `ehcp serve`: the API over the database, until it is told to stop.

use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::http::KeepAlive;
use actix_web::web::Data;
use actix_web::{HttpServer, rt};

use super::failure::{Exit, Failure};
use super::notify::{News, tell};
use super::opening::Opening;
use super::stopping::told_to_stop;
use super::tls::{Certificate, renew_when_told};
use super::{data, exposed};
use crate::auth::{Identity, IssuerKey};
use crate::clock::Clock;
use crate::config::{Config, RateNumbers};
use crate::http::metrics::{Metrics, resources as metrics_resources};
use crate::http::{Api, Exposure, Limits, Rate, Rates};
use crate::memory::give_back;
use crate::service::lease::{Duty, Replica};
use crate::service::rebuild::{Report, rebuild_stale_once};
use crate::service::sealing::{BATCH, Sealed, authorities_to_seal, seal_batch};
use crate::service::{App, Error, Ids};
use crate::store::idempotency::forget_old_answers;
use crate::store::{Location, Store, StoreError};

const SEAL_EVERY: Duration = Duration::from_secs(1);
const FORGET_EVERY: Duration = Duration::from_secs(60 * 60);
/// How long a replica that cannot get ready yet waits before it looks again.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// How often a replica that has come into use looks for what those of another version have written,
const LOOK_FOR_OTHERS_EVERY: Duration = Duration::from_secs(10);
/// and how long after it last found something.
const LOOK_FOR_OTHERS_FOR: Duration = Duration::from_secs(15 * 60);

/// The ports of a server, and what it proves there who it is by.
pub(super) struct Listeners {
    pub(super) api: TcpListener,
    metrics: Option<TcpListener>,
    certificate: Option<Arc<Certificate>>,
}

pub(super) fn run(config: &Config) -> Result<Exit, Failure> {
    exposed::check(config)?;
    let reserved = data::reserve(config)?;
    let key = data::issuer_key(config)?;
    let listeners = listen(config)?;
    let opening = Opening::answer(&listeners.api, listeners.certificate.as_ref())?;
    let database = reserved.open();
    opening.end();
    let database = database?;
    match (&config.database, &config.issuer_key_file) {
        (Location::Postgres(_), None) => log::warn!(
            folder:% = config.data.display();
            "tokens are signed with the key of this data folder, and other replicas on the same database would \
             refuse them: give all the same key with EHCP_ISSUER_KEY_FILE"
        ),
        (Location::Postgres(_), Some(_)) | (Location::SqliteFile(_), _) => {}
    }
    let app =
        App::new(database.store.clone(), Clock::System, Ids::Random).with_readings(config.audit_readings);
    serve_until_stopped(config, listeners, app, key)?;
    // The lock goes with the database, after the last write is done.
    Ok(Exit::Done)
}

/// Takes the ports, so that a taken one is noticed before anything slow is done.
pub(super) fn listen(config: &Config) -> Result<Listeners, Failure> {
    Ok(Listeners {
        api: bind(&config.bind, "--bind")?,
        metrics: match &config.metrics_bind {
            Some(address) => Some(bind(address, "--metrics-bind")?),
            None => None,
        },
        certificate: match &config.tls {
            Some(files) => Some(Certificate::load(files)?),
            None => None,
        },
    })
}

fn bind(address: &str, flag: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => Failure::new(
            Exit::TryLater,
            format!("the address {address} is taken by another program; stop it or name another with {flag}"),
        ),
        _ => Failure::new(
            Exit::Configuration,
            format!("cannot listen on {address}: {error}"),
        ),
    })
}

/// Serves until the process is told to stop, finishes what it has accepted and closes the store.
///
/// It answers at once, and says that it is ready when everything computed by other code has been
/// computed again.
pub(super) fn serve_until_stopped(
    config: &Config,
    listeners: Listeners,
    app: App,
    key: IssuerKey,
) -> Result<(), Failure> {
    let api = Api::new()
        .map_err(|fault| Failure::new(Exit::Fault, fault))?
        .exposed(Exposure {
            trusted_proxies: config.trusted_proxies.clone(),
            forwarded_header: config.forwarded_header,
            allowed_origins: config.allowed_origins.clone(),
            is_tls: config.tls.is_some(),
        })
        .limited(Limits {
            body_within: config.body_within,
            rates: rates(&config.rates),
        });
    let store = app.store.clone();
    let served = rt::System::new().block_on(run_server(config, listeners, api, app, key));
    store.close();
    log::info!("stopped");
    served
}

fn rates(numbers: &RateNumbers) -> Rates {
    Rates {
        client: Rate::per_second(numbers.client_requests_per_second, numbers.client_burst),
        address: Rate::per_second(numbers.address_requests_per_second, numbers.address_burst),
        failure: Rate::per_minute(numbers.failures_per_minute),
        token: Rate::per_minute(numbers.tokens_per_minute),
    }
}

async fn run_server(
    config: &Config,
    listeners: Listeners,
    api: Api,
    app: App,
    key: IssuerKey,
) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::new(Exit::Fault, format!("the server failed: {error}"));
    let address = listeners.api.local_addr().map_err(failed)?;
    let identity = Data::new(Identity::new(key, config.trust.clone()));
    let app_data = Data::new(app.clone());
    let metrics = Data::new(Metrics::new(api.requests(), app.clone()));
    let server = HttpServer::new(move || api.app().app_data(app_data.clone()).app_data(identity.clone()))
        .workers(config.workers)
        .worker_max_blocking_threads(config.blocking_threads.div_ceil(config.workers))
        .client_request_timeout(config.request_head_within)
        .keep_alive(match config.keep_alive {
            Duration::ZERO => KeepAlive::Disabled,
            kept => KeepAlive::Timeout(kept),
        })
        .shutdown_timeout(answers_within(config.shutdown).as_secs())
        .tls_handshake_timeout(config.request_head_within)
        .shutdown_signal(drained(&app, config).map_err(failed)?);
    let server = match &listeners.certificate {
        Some(certificate) => server.listen_rustls_0_23(listeners.api, certificate.server_config()?),
        None => server.listen(listeners.api),
    };
    let server = server.map_err(failed)?.run();
    renew_when_told(listeners.certificate).map_err(failed)?;
    let server_handle = server.handle();
    log::info!(address:% = address, workers = config.workers; "listening");
    let measuring = match listeners.metrics {
        Some(listener) => Some(serve_metrics(listener, metrics).map_err(failed)?),
        None => None,
    };

    let writing = rt::spawn(write_readings(app.clone()));
    let reading = app.clone();
    let others_write = match config.database {
        Location::Postgres(_) => true,
        // The folder is this process's alone.
        Location::SqliteFile(_) => false,
    };
    let preparing = rt::spawn(async move {
        let prepared = prepare(&app, others_write).await;
        if prepared.is_err() {
            server_handle.stop(true).await;
        }
        prepared
    });
    let served = server.await.map_err(failed);
    if let Some(measuring) = measuring {
        measuring.stop(false).await;
    }
    if let Err(error) = reading.write_readings().await {
        log::error!(
            readings = reading.readings().waiting(),
            error:% = Failure::from(error).sentence;
            "the trail lacks readings that could not be written down"
        );
    }
    writing.abort();
    // Where the server was stopped first there may be no answer, and nothing is wrong.
    let prepared = if preparing.is_finished() {
        preparing.await.unwrap_or(Ok(()))
    } else {
        preparing.abort();
        Ok(())
    };
    served.and(prepared)
}

/// Measures are told as long as requests are answered.
fn serve_metrics(listener: TcpListener, metrics: Data<Metrics>) -> io::Result<ServerHandle> {
    let address = listener.local_addr()?;
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .app_data(metrics.clone())
            .configure(metrics_resources)
    })
    .workers(1)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    rt::spawn(server);
    log::info!(address:% = address; "telling measures");
    Ok(handle)
}

/// Ends when no more requests shall be accepted: told to stop, it is unready first, for as long as whoever sends
/// requests may take to notice.
fn drained(app: &App, config: &Config) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let told = told_to_stop(config.drain + config.shutdown)?;
    let (app, drain) = (app.clone(), config.drain);
    Ok(async move {
        // An error would mean that the thread that listens is gone, and nobody could stop the server any more.
        let _told = told.await;
        app.set_stopping();
        tell(News::Stopping);
        rt::time::sleep(drain).await;
    })
}

/// Of the time to end in, a quarter is left for the last writes to be committed.
fn answers_within(shutdown: Duration) -> Duration {
    Duration::from_secs((shutdown.as_secs() * 3 / 4).max(1))
}

/// Brings the index up to date, says that requests may come, and then forgets old answers by the hour.
async fn prepare(app: &App, others_write: bool) -> Result<(), Failure> {
    let replica = Replica::new();
    let report = bring_index_up_to_date(&app.store, &replica).await?;
    if report.procedures > 0 {
        log::info!(procedures = report.procedures; "computed again what other code had computed");
    }
    give_back();
    app.set_ready();
    log::info!("ready");
    tell(News::Ready);
    rt::spawn(forget_old_answers_by_the_hour(
        app.store.clone(),
        app.clock.clone(),
        replica.clone(),
    ));
    rt::spawn(seal_the_trail(
        app.store.clone(),
        app.clock.clone(),
        replica.clone(),
    ));
    if others_write {
        rt::spawn(keep_the_index_up_to_date(app.store.clone(), replica));
    }
    Ok(())
}

/// Replicas of another version may still write while they are exchanged for this one. What they leave is computed
/// again as it comes, until nothing has come for a while. Not for ever: two versions that both did so would undo each
/// other's work as long as they lived.
async fn keep_the_index_up_to_date(store: Store, replica: Replica) {
    let mut last_found = Instant::now();
    while last_found.elapsed() < LOOK_FOR_OTHERS_FOR {
        rt::time::sleep(LOOK_FOR_OTHERS_EVERY).await;
        match bring_index_up_to_date(&store, &replica).await {
            Ok(report) if report.procedures > 0 => {
                log::info!(procedures = report.procedures; "computed again what a replica of another version wrote");
                last_found = Instant::now();
            }
            Ok(_) => {}
            Err(failure) => log::error!("the index is not kept up to date: {}", failure.sentence),
        }
    }
}

/// Writes down what was read, within a second of it.
async fn write_readings(app: App) {
    let mut is_failing = false;
    loop {
        app.readings().until_due().await;
        match app.write_readings().await {
            Ok(_) if is_failing => {
                log::info!("readings are written down again");
                is_failing = false;
            }
            Ok(_) => {}
            Err(error) => {
                if !is_failing {
                    log::error!(error:% = Failure::from(error).sentence; "readings cannot be written down; they wait");
                }
                is_failing = true;
                rt::time::sleep(ASK_AGAIN_AFTER).await;
            }
        }
    }
}

/// Gives the entries of every authority's trail their places, as they come.
async fn seal_the_trail(store: Store, clock: Clock, replica: Replica) {
    let mut is_failing = false;
    loop {
        rt::time::sleep(SEAL_EVERY).await;
        match seal_what_waits(&store, &clock, &replica).await {
            Ok(()) => is_failing = false,
            Err(error) => {
                if !is_failing {
                    log::error!(error:% = Failure::from(error).sentence; "the trail could not be sealed; it is tried again");
                }
                is_failing = true;
            }
        }
    }
}

async fn seal_what_waits(store: &Store, clock: &Clock, replica: &Replica) -> Result<(), Error> {
    let mut outcome = Ok(());
    for la_code in store.read(authorities_to_seal).await? {
        // What is amiss with one is no reason to leave the others.
        outcome = outcome.and(seal_authority(store, clock, replica, la_code).await);
    }
    outcome
}

async fn seal_authority(
    store: &Store,
    clock: &Clock,
    replica: &Replica,
    la_code: String,
) -> Result<(), Error> {
    loop {
        let (replica, la_code, now) = (replica.clone(), la_code.clone(), clock.now().naive_utc());
        let started = Instant::now();
        let sealed = store
            .write(move |connection| seal_batch(connection, &replica, &la_code, now))
            .await?;
        match sealed {
            Sealed::Entries(entries) if entries == BATCH => {}
            Sealed::Entries(_) | Sealed::NotOurs => return Ok(()),
        }
        // It takes a tenth of the time at most: others write too, and read. What waits is sealed when they are fewer.
        rt::time::sleep(started.elapsed() * 9).await;
    }
}

/// Waits as long as another replica does it, and as long as the database is away.
async fn bring_index_up_to_date(store: &Store, replica: &Replica) -> Result<Report, Failure> {
    let mut was_waiting = false;
    loop {
        let (its_store, its_replica) = (store.clone(), replica.clone());
        let rebuilt = rt::task::spawn_blocking(move || rebuild_stale_once(&its_store, &its_replica)).await;
        match rebuilt.unwrap_or_else(|_| Err(StoreError::Bug("the rebuild panicked".to_owned()).into())) {
            Ok(Some(report)) => return Ok(report),
            Ok(None) if was_waiting => {}
            Ok(None) => {
                log::info!("another replica computes again what other code had computed; waiting for it");
                was_waiting = true;
            }
            Err(Error::Store(
                error @ (StoreError::Unavailable { .. } | StoreError::OutcomeUnknown { .. }),
            )) => log::warn!(error:% = error; "the index could not be brought up to date yet"),
            Err(error) => return Err(Failure::from(error)),
        }
        rt::time::sleep(ASK_AGAIN_AFTER).await;
    }
}

async fn forget_old_answers_by_the_hour(store: Store, clock: Clock, replica: Replica) {
    let mut hours = rt::time::interval(FORGET_EVERY);
    loop {
        hours.tick().await;
        let (now, replica) = (clock.now().naive_utc(), replica.clone());
        let forgotten = store.write(move |connection| {
            if replica.claim(connection, Duty::ForgetAnswers)? {
                Ok::<_, Error>(forget_old_answers(connection, now)?)
            } else {
                Ok(0)
            }
        });
        match forgotten.await {
            Ok(0) => {}
            Ok(forgotten) => log::info!(forgotten = forgotten; "forgot old answers"),
            Err(error) => {
                log::warn!(error:% = Failure::from(error).sentence; "old answers could not be forgotten")
            }
        }
    }
}
