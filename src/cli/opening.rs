//! Answering while the database is being opened. Migrating a large one, or waiting for a replica that does, takes its
//! time, and whoever keeps the process running must not take it for dead. Called by `serve`.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;

use actix_web::dev::{Server, ServerHandle};
use actix_web::http::KeepAlive;
use actix_web::{App, HttpServer, rt};

use super::failure::{Exit, Failure};
use super::tls::Certificate;
use crate::http::while_opening;

/// How long the last of its answers may take.
const LAST_ANSWER_WITHIN_SECONDS: u64 = 1;

/// A server that says that the process lives and that nothing can be served yet.
pub(super) struct Opening {
    handle: ServerHandle,
    thread: JoinHandle<io::Result<()>>,
}

impl Opening {
    /// Answers on a port until told to end. Whoever listens there afterwards takes over the same socket, so that
    /// nobody who connects in between is turned away.
    pub(super) fn answer(
        listener: &TcpListener,
        certificate: Option<&Arc<Certificate>>,
    ) -> Result<Opening, Failure> {
        let failed = |error: io::Error| Failure::new(Exit::Fault, format!("the server failed: {error}"));
        let listener = listener.try_clone().map_err(failed)?;
        let tls = certificate
            .map(|certificate| certificate.server_config())
            .transpose()?;
        let (sender, started) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("opening".to_owned())
            .spawn(move || {
                rt::System::new().block_on(async move {
                    let server = server(listener, tls)?;
                    // Nobody has gone before being told of it.
                    let _told = sender.send(server.handle());
                    server.await
                })
            });
        let thread = thread.map_err(failed)?;
        match started.recv() {
            Ok(handle) => Ok(Opening { handle, thread }),
            Err(_) => Err(failed(io::Error::other("it could not be started"))),
        }
    }

    /// Gives the last answers and leaves the port to others.
    pub(super) fn end(self) {
        rt::System::new().block_on(self.handle.stop(true));
        // It has said what it had to say, and the next server has the port whatever became of this one.
        let _ended = self.thread.join();
    }
}

fn server(listener: TcpListener, tls: Option<rustls::ServerConfig>) -> io::Result<Server> {
    let server = HttpServer::new(|| App::new().configure(while_opening))
        .workers(1)
        // Whoever asks again may already be answered by what comes after.
        .keep_alive(KeepAlive::Disabled)
        .shutdown_timeout(LAST_ANSWER_WITHIN_SECONDS)
        .disable_signals();
    let server = match tls {
        Some(tls) => server.listen_rustls_0_23(listener, tls)?,
        None => server.listen(listener)?,
    };
    Ok(server.run())
}
