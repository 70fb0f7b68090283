//! Being told to stop: the first signal begins an orderly end, a second one ends at once, and so does taking
//! too long. Called by `serve`.

use std::io;
use std::time::Duration;

use tokio::runtime;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::failure::Exit;

/// Answers when the process is first interrupted or terminated. From then on it has so long to end, with its
/// last write; after that, or when it is told again, it ends where it stands. What was committed stays.
pub(super) fn told_to_stop(within: Duration) -> io::Result<oneshot::Receiver<()>> {
    let (first, told) = oneshot::channel();
    // A runtime of its own listens on while the server's winds down.
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = {
        let _entered = runtime.enter();
        Signals::new()?
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            runtime.block_on(async move {
                signals.next().await;
                log::info!("told to stop");
                // Where nobody hears it the process is ending already.
                let _unheard = first.send(());
                match timeout(within, signals.next()).await {
                    Ok(()) => log::warn!("told to stop again; ending at once"),
                    Err(_) => log::error!("not finished in time; ending at once"),
                }
                std::process::exit(Exit::BrokenOff as i32);
            });
        })?;
    Ok(told)
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        use std::future::poll_fn;
        use std::task::Poll;
        poll_fn(|context| {
            match (
                self.interrupt.poll_recv(context),
                self.terminate.poll_recv(context),
            ) {
                (Poll::Pending, Poll::Pending) => Poll::Pending,
                (Poll::Ready(_), _) | (_, Poll::Ready(_)) => Poll::Ready(()),
            }
        })
        .await;
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Signals> {
        Ok(Signals)
    }

    async fn next(&mut self) {
        let _interrupted = tokio::signal::ctrl_c().await;
    }
}
