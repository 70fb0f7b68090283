//! The program under load: its commands run as a user would run them, and what memory they take.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::client::{Caller, get};
use super::statement::Connection;

const PATIENCE: Duration = Duration::from_secs(120);

/// Where the program's data is and how it is run.
#[derive(Debug, Clone)]
pub struct Program {
    pub binary: PathBuf,
    pub folder: PathBuf,
    /// The PostgreSQL database, where it is not the file in the folder.
    pub postgres: Option<String>,
    /// What `RUST_LOG` says.
    pub log: String,
    /// Preloaded into the server.
    pub preload: Option<PathBuf>,
    pub memory: Arc<Memory>,
}

/// The most anonymous memory that any process of the program was seen to take.
#[derive(Debug, Default)]
pub struct Memory {
    peak_kib: AtomicU64,
}

impl Memory {
    pub fn peak_mb(&self) -> f64 {
        self.peak_kib.load(Ordering::Relaxed) as f64 * 1024.0 / 1e6
    }

    fn note(&self, kib: u64) {
        self.peak_kib.fetch_max(kib, Ordering::Relaxed);
    }
}

/// A process whose memory is watched; ended when it is dropped.
pub struct Watched {
    child: Child,
    is_over: Arc<AtomicBool>,
    watcher: Option<JoinHandle<()>>,
}

impl Watched {
    fn start(command: &mut Command, memory: &Arc<Memory>) -> Result<Watched, String> {
        let child = command
            .spawn()
            .map_err(|error| format!("{command:?} did not start: {error}"))?;
        let is_over = Arc::new(AtomicBool::new(false));
        let (id, over, memory) = (child.id(), Arc::clone(&is_over), Arc::clone(memory));
        let watcher = std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                memory.note(anonymous_kib(id));
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        Ok(Watched {
            child,
            is_over,
            watcher: Some(watcher),
        })
    }

    fn wait(&mut self) -> Result<ExitStatus, String> {
        self.child.wait().map_err(|error| error.to_string())
    }

    /// Asks it to stop, and waits until it has.
    fn stop(&mut self) -> Result<(), String> {
        let id = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status();
        told.map_err(|error| error.to_string())?;
        self.wait().map(|_| ())
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        drop(self.child.kill());
        drop(self.child.wait());
        if let Some(watcher) = self.watcher.take() {
            drop(watcher.join());
        }
    }
}

/// A server that answers.
pub struct Server {
    process: Watched,
    pub address: SocketAddr,
}

impl Server {
    /// How much anonymous memory it takes now.
    pub fn anonymous_mb(&self) -> f64 {
        anonymous_kib(self.process.child.id()) as f64 * 1024.0 / 1e6
    }

    pub fn stop(mut self) -> Result<(), String> {
        self.process.stop()
    }
}

impl Program {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .arg("--data")
            .arg(&self.folder)
            .env_remove("DATABASE_URL")
            .env("RUST_LOG", &self.log)
            .stdin(Stdio::null());
        if let Some(url) = &self.postgres {
            command.env("DATABASE_URL", url);
        }
        command
    }

    /// What the program writes to standard error goes to a file in the folder above its data.
    fn log_file(&self) -> Result<File, String> {
        let path = self.folder.with_extension("log");
        File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Makes up an authority of so many cases, and says how long that took.
    pub fn make_up(&self, cases: u32) -> Result<Duration, String> {
        let cases = cases.to_string();
        let mut command = self.command(&["demo", "--cases", &cases, "--bind", "127.0.0.1:0"]);
        command.stdout(Stdio::piped()).stderr(self.log_file()?);
        let started = Instant::now();
        let mut process = Watched::start(&mut command, &self.memory)?;
        let output = process.child.stdout.take().ok_or("the demo has no output")?;
        for line in BufReader::new(output).lines() {
            let line = line.map_err(|error| error.to_string())?;
            if line.starts_with("Made up") {
                let took = started.elapsed();
                process.stop()?;
                return Ok(took);
            }
        }
        Err(format!(
            "`ehcp demo --cases {cases}` ended without making anything; see {}",
            self.folder.with_extension("log").display()
        ))
    }

    pub fn token(&self, role: &str) -> Result<String, String> {
        let output = self
            .command(&["token", "--role", role])
            .output()
            .map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Starts the server and waits until it is ready.
    pub fn serve(&self) -> Result<Server, String> {
        let address = free_address().map_err(|error| error.to_string())?;
        let mut command = self.command(&["serve", "--bind", &address.to_string()]);
        command.stdout(Stdio::null()).stderr(self.log_file()?);
        // One client at one address asks for as much as there is.
        for limit in [
            "EHCP_CLIENT_REQUESTS_PER_SECOND",
            "EHCP_ADDRESS_REQUESTS_PER_SECOND",
        ] {
            command.env(limit, "0");
        }
        if let Some(preload) = &self.preload {
            command.env("LD_PRELOAD", preload);
        }
        let mut process = Watched::start(&mut command, &self.memory)?;
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            let answer =
                Caller::connect(address).and_then(|mut caller| caller.call(&get("/health/ready", "")));
            if answer.is_ok_and(|answer| answer.status < 300) {
                return Ok(Server { process, address });
            }
            if let Ok(Some(status)) = process.child.try_wait() {
                return Err(format!("the server ended with {status}"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err("the server was not ready in two minutes".to_owned())
    }

    /// Runs `ehcp rebuild` to its end, and says how long that took.
    pub fn rebuild(&self) -> Result<Duration, String> {
        let mut command = self.command(&["rebuild"]);
        command.stdout(Stdio::null()).stderr(self.log_file()?);
        let started = Instant::now();
        let mut process = Watched::start(&mut command, &self.memory)?;
        let status = process.wait()?;
        let took = started.elapsed();
        if status.success() {
            Ok(took)
        } else {
            Err(format!("`ehcp rebuild` ended with {status}"))
        }
    }

    /// A connection of the bench's own to the database.
    pub fn connect(&self) -> Result<Connection, String> {
        match &self.postgres {
            Some(url) => Connection::postgres(url),
            None => Connection::sqlite(&self.file()),
        }
    }

    /// The SQLite file.
    pub fn file(&self) -> PathBuf {
        self.folder.join("ehcp.db")
    }
}

/// A port that was free a moment ago.
fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// What Linux says; nought where there is no such file.
fn anonymous_kib(process_id: u32) -> u64 {
    let status = std::fs::read_to_string(Path::new("/proc").join(process_id.to_string()).join("status"));
    let status = status.unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
