//! What may happen on the way to a database: a proxy that can cut, stall and refuse connections.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// What the proxy does with what passes through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Open,
    /// Nothing passes, in either direction, and nobody is told.
    Stalled,
    /// Connections break as soon as they are made.
    Refused,
    /// The server hears every `COMMIT`, and the connection breaks before its answer is through.
    CutAtCommit,
}

pub struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    way: Mutex<Way>,
    changed: Condvar,
    connections: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// A proxy to a port of this machine.
    pub fn to(server: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            way: Mutex::new(Way::Open),
            changed: Condvar::new(),
            connections: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                accepting.connect(client, server);
            }
        });
        Proxy { port, shared }
    }

    pub fn set(&self, way: Way) {
        *self.shared.way.lock().unwrap() = way;
        self.shared.changed.notify_all();
    }

    /// Breaks every connection there is, whatever is on its way.
    pub fn cut(&self) {
        for connection in self.shared.connections.lock().unwrap().drain(..) {
            let _already_closed = connection.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn connect(self: &Arc<Shared>, client: TcpStream, server: u16) {
        if *self.way.lock().unwrap() == Way::Refused {
            return;
        }
        let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
            return;
        };
        let copy = |stream: &TcpStream| stream.try_clone().unwrap();
        let ends = [copy(&client), copy(&server)];
        self.connections.lock().unwrap().extend(ends);
        let is_committing = Arc::new(Mutex::new(false));
        let (shared, committing) = (Arc::clone(self), Arc::clone(&is_committing));
        let (from_client, to_server) = (copy(&client), copy(&server));
        std::thread::spawn(move || {
            shared.pass(from_client, to_server, |sent| {
                let commits = sent.windows(6).any(|words| words == b"COMMIT");
                *committing.lock().unwrap() = commits;
                true
            })
        });
        let shared = Arc::clone(self);
        std::thread::spawn(move || {
            let asks = Arc::clone(&shared);
            shared.pass(server, client, move |_| {
                *asks.way.lock().unwrap() != Way::CutAtCommit || !*is_committing.lock().unwrap()
            });
        });
    }

    /// Passes on what comes until one end closes or something may not pass; then both ends are closed.
    fn pass(&self, mut from: TcpStream, mut to: TcpStream, mut may_pass: impl FnMut(&[u8]) -> bool) {
        let mut buffer = [0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let way = self.way.lock().unwrap();
            drop(self.changed.wait_while(way, |way| *way == Way::Stalled).unwrap());
            if !may_pass(&buffer[..length]) || to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _closed = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }
}
