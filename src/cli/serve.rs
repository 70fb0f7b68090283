//! `ehcp serve`: the API over the database, until it is told to stop.

use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::thread::available_parallelism;
use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpServer, rt};
use clap::Args;

use super::data;
use super::failure::{Exit, Failure};
use super::{DataFolder, Listening};
use crate::auth::IssuerKey;
use crate::clock::Clock;
use crate::config::Config;
use crate::http::Api;
use crate::service::lease::{Duty, Replica};
use crate::service::rebuild::{Report, rebuild_stale_once};
use crate::service::{App, Error, Ids};
use crate::store::idempotency::forget_old_answers;
use crate::store::{Location, Store, StoreError};

const FORGET_EVERY: Duration = Duration::from_secs(60 * 60);
/// How long a replica that cannot get ready yet waits before it looks again.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    listening: Listening,
    #[command(flatten)]
    folder: DataFolder,
}

impl Serve {
    pub(super) fn run(self, config: &Config) -> Result<Exit, Failure> {
        let reserved = data::reserve(config, &self.folder.data)?;
        let key = data::issuer_key(config, &self.folder.data)?;
        match (config.location(&self.folder.data), &config.issuer_key_file) {
            (Location::Postgres(_), None) => log::warn!(
                folder:% = self.folder.data.display();
                "tokens are signed with the key of this data folder, and other replicas on the same database would \
                 refuse them: give all the same key with EHCP_ISSUER_KEY_FILE"
            ),
            (Location::Postgres(_), Some(_)) | (Location::SqliteFile(_), _) => {}
        }
        let listener = bind(&self.listening.bind)?;
        let database = reserved.open()?;
        let app = App::new(database.store.clone(), Clock::System, Ids::Random);
        serve_until_stopped(listener, app, key)?;
        // The lock goes with the database, after the last write is done.
        Ok(Exit::Done)
    }
}

/// Takes the port, so that a taken one is noticed before anything slow is done.
pub(super) fn bind(address: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => Failure::new(
            Exit::TryLater,
            format!("the address {address} is taken by another program; stop it or name another with --bind"),
        ),
        ErrorKind::InvalidInput => Failure::new(
            Exit::Usage,
            format!("{address} is no address to listen on; write one such as 127.0.0.1:8080"),
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
pub(super) fn serve_until_stopped(listener: TcpListener, app: App, key: IssuerKey) -> Result<(), Failure> {
    let api = Api::new().map_err(|fault| Failure::new(Exit::Fault, fault))?;
    let store = app.store.clone();
    let served = rt::System::new().block_on(run_server(listener, api, app, key));
    store.close();
    served
}

async fn run_server(listener: TcpListener, api: Api, app: App, key: IssuerKey) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::new(Exit::Fault, format!("the server failed: {error}"));
    let address = listener.local_addr().map_err(failed)?;
    let workers = available_parallelism().map_or(1, usize::from);
    let (app_data, key_data) = (Data::new(app.clone()), Data::new(key));
    let server = HttpServer::new(move || api.app().app_data(app_data.clone()).app_data(key_data.clone()))
        .workers(workers)
        .shutdown_signal(told_to_stop().map_err(failed)?)
        .listen(listener)
        .map_err(failed)?
        .run();
    let server_handle = server.handle();
    log::info!(address:% = address, workers = workers; "listening");

    let preparing = rt::spawn(async move {
        let prepared = prepare(&app).await;
        if prepared.is_err() {
            server_handle.stop(true).await;
        }
        prepared
    });
    let served = server.await.map_err(failed);
    log::info!("stopped");
    // Where the server was stopped first there may be no answer, and nothing is wrong.
    let prepared = if preparing.is_finished() {
        preparing.await.unwrap_or(Ok(()))
    } else {
        preparing.abort();
        Ok(())
    };
    served.and(prepared)
}

/// Brings the index up to date, says that requests may come, and then forgets old answers by the hour.
async fn prepare(app: &App) -> Result<(), Failure> {
    let replica = Replica::new();
    let report = bring_index_up_to_date(&app.store, &replica).await?;
    if report.procedures > 0 {
        log::info!(procedures = report.procedures; "computed again what other code had computed");
    }
    app.set_ready();
    log::info!("ready");
    rt::spawn(forget_old_answers_by_the_hour(
        app.store.clone(),
        app.clock.clone(),
        replica,
    ));
    Ok(())
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

/// Ends when the process is interrupted or terminated.
fn told_to_stop() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(async move {
            use std::future::poll_fn;
            use std::task::Poll;
            poll_fn(
                |context| match (interrupt.poll_recv(context), terminate.poll_recv(context)) {
                    (Poll::Pending, Poll::Pending) => Poll::Pending,
                    (Poll::Ready(_), _) | (_, Poll::Ready(_)) => Poll::Ready(()),
                },
            )
            .await;
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        let _stopped = tokio::signal::ctrl_c().await;
    })
}
