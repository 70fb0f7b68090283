//! The load generator: HTTP/1.1 over connections kept open, in one thread, so that it takes as little as
//! it can of the cores it shares with the server.

use std::cell::{Cell, RefCell};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream as BlockingStream};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{LocalSet, spawn_local};

/// One request as its bytes.
pub type Request = Vec<u8>;

/// What came back to [`call`].
pub struct Answer {
    pub status: u16,
    pub body: serde_json::Value,
}

impl Answer {
    /// The answer, if its status is a success.
    pub fn expect_success(self, what: &str) -> Result<Answer, String> {
        match self.status {
            200..=299 => Ok(self),
            status => Err(format!("{what} was answered {status}: {}", self.body)),
        }
    }
}

pub fn get(path: &str, token: &str) -> Request {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n").into_bytes()
}

/// A POST under a new idempotency key; on a version where one is given.
pub fn post(path: &str, token: &str, version: Option<i64>, body: &serde_json::Value) -> Request {
    let body = body.to_string();
    let if_match = version.map_or_else(String::new, |version| format!("If-Match: \"v{version}\"\r\n"));
    let key = uuid::Uuid::from_u128(rand::random());
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: \"{key}\"\r\n\
         {if_match}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A connection that waits for each answer.
pub struct Caller(BlockingStream);

impl Caller {
    pub fn connect(address: SocketAddr) -> io::Result<Caller> {
        let stream = BlockingStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Caller(stream))
    }

    pub fn call(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.0.write_all(request)?;
        let mut received = Vec::new();
        let mut chunk = [0; 16 * 1024];
        loop {
            if let Some(frame) = frame(&received)? {
                let body = serde_json::from_slice(&received[frame.head..frame.end]).unwrap_or_default();
                return Ok(Answer {
                    status: frame.status,
                    body,
                });
            }
            match self.0.read(&mut chunk)? {
                0 => return Err(closed()),
                read => received.extend_from_slice(&chunk[..read]),
            }
        }
    }
}

/// How requests are sent.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// Each connection sends its next request as soon as it has the answer to the one before.
    Closed,
    /// Requests are due at a rate, at random times; a late one counts from when it was due.
    Open { per_second: f64 },
}

/// When a load ends.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// The requests go round until the time is over.
    Elapsed(Duration),
    /// Each request is sent once.
    AllSent,
}

/// What a load amounted to.
#[derive(Debug, Default)]
pub struct Load {
    pub answered: usize,
    pub seconds: f64,
    pub bytes: usize,
    pub latencies: Vec<Duration>,
    /// The first answer that was no success.
    pub failure: Option<String>,
}

impl Load {
    pub fn per_second(&self) -> f64 {
        self.answered as f64 / self.seconds
    }

    /// The latency that a share of the requests kept.
    pub fn percentile(&mut self, share: f64) -> Duration {
        self.latencies.sort_unstable();
        let last = self.latencies.len().saturating_sub(1);
        let index = (last as f64 * share).ceil() as usize;
        self.latencies.get(index.min(last)).copied().unwrap_or_default()
    }
}

/// What the connections of one load share.
struct Shared {
    requests: Arc<[Request]>,
    next: Cell<usize>,
    started: Instant,
    until: Until,
    due: Option<RefCell<Due>>,
    load: RefCell<Load>,
}

/// When the requests of an open loop are due: gaps drawn from an exponential distribution.
struct Due {
    gaps: Exp<f64>,
    random: ChaCha8Rng,
    at: Duration,
}

impl Due {
    fn next(&mut self) -> Duration {
        self.at += Duration::from_secs_f64(self.gaps.sample(&mut self.random));
        self.at
    }
}

impl Shared {
    /// The next request and when it is due; none once the load is over.
    fn claim(&self) -> Option<(usize, Option<Duration>)> {
        let index = self.next.get();
        let is_over = match self.until {
            Until::Elapsed(time) => self.started.elapsed() >= time,
            Until::AllSent => index >= self.requests.len(),
        };
        if is_over || self.load.borrow().failure.is_some() {
            return None;
        }
        self.next.set(index + 1);
        let due = self.due.as_ref().map(|due| due.borrow_mut().next());
        match (due, self.until) {
            (Some(due), Until::Elapsed(time)) if due >= time => None,
            _ => Some((index % self.requests.len(), due)),
        }
    }
}

/// Sends requests over a number of connections and waits for all answers.
pub fn load(
    address: SocketAddr,
    requests: &Arc<[Request]>,
    connections: usize,
    pace: Pace,
    until: Until,
) -> Result<Load, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let load = LocalSet::new().block_on(&runtime, run(address, requests, connections, pace, until));
    let load = load.map_err(|error| format!("the load ended early: {error}"))?;
    match load.failure {
        Some(failure) => Err(format!("a request of the load failed: {failure}")),
        None => Ok(load),
    }
}

async fn run(
    address: SocketAddr,
    requests: &Arc<[Request]>,
    connections: usize,
    pace: Pace,
    until: Until,
) -> io::Result<Load> {
    let mut streams = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let due = match pace {
        Pace::Closed => None,
        Pace::Open { per_second } => Some(RefCell::new(Due {
            gaps: Exp::new(per_second).map_err(io::Error::other)?,
            random: ChaCha8Rng::seed_from_u64(7),
            at: Duration::ZERO,
        })),
    };
    let started = Instant::now();
    let shared = Rc::new(Shared {
        requests: Arc::clone(requests),
        next: Cell::new(0),
        started,
        until,
        due,
        load: RefCell::new(Load::default()),
    });
    let loops: Vec<_> = streams
        .into_iter()
        .map(|stream| spawn_local(keep_sending(stream, Rc::clone(&shared))))
        .collect();
    for sending in loops {
        sending.await.map_err(io::Error::other)??;
    }
    let seconds = started.elapsed().as_secs_f64();
    let mut load = shared.load.take();
    load.seconds = seconds;
    Ok(load)
}

/// One connection: sends and waits in turn until the load is over.
async fn keep_sending(mut stream: TcpStream, shared: Rc<Shared>) -> io::Result<()> {
    let mut received = Vec::with_capacity(64 * 1024);
    while let Some((index, due)) = shared.claim() {
        let due_at = due.map(|due| shared.started + due);
        if let Some(due_at) = due_at {
            tokio::time::sleep_until(due_at.into()).await;
        }
        let since = due_at.unwrap_or_else(Instant::now);
        stream.write_all(&shared.requests[index]).await?;
        received.clear();
        let frame = loop {
            if stream.read_buf(&mut received).await? == 0 {
                return Err(closed());
            }
            if let Some(frame) = frame(&received)? {
                break frame;
            }
        };
        let mut load = shared.load.borrow_mut();
        load.answered += 1;
        load.bytes += frame.end;
        load.latencies.push(since.elapsed());
        if !(200..=299).contains(&frame.status) && load.failure.is_none() {
            load.failure = Some(String::from_utf8_lossy(&received[..frame.end.min(2_000)]).into_owned());
        }
    }
    Ok(())
}

/// Where a complete answer ends in what was received.
struct Frame {
    status: u16,
    head: usize,
    end: usize,
}

/// The answer at the start of what was received, once it is all there.
fn frame(received: &[u8]) -> io::Result<Option<Frame>> {
    let Some(head) = received.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = head + 4;
    let text = std::str::from_utf8(&received[..head]).map_err(io::Error::other)?;
    let status = text.get(9..12).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other("an answer has no status"))?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    let length = length.ok_or_else(|| io::Error::other("an answer has no length"))?;
    let end = head + length;
    Ok((received.len() >= end).then_some(Frame { status, head, end }))
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection")
}
