//! A replica as a process, and requests to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take that must come.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// No request may go unanswered for longer.
const LONGEST_ANSWER: Duration = Duration::from_secs(30);

/// The program, in an environment of the test's own.
pub fn ehcp() -> Command {
    with_own_environment(Command::new(env!("CARGO_BIN_EXE_ehcp")))
}

pub fn with_own_environment(mut command: Command) -> Command {
    let own = [
        "DATABASE_URL",
        "EHCP_ISSUER_KEY_FILE",
        "EHCP_LOG_FORMAT",
        "RUST_LOG",
    ];
    let libpq = [
        "PGHOST",
        "PGPORT",
        "PGSSLMODE",
        "PGSSLROOTCERT",
        "PGSERVICE",
        "PGOPTIONS",
    ];
    for variable in own.iter().chain(&libpq) {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null());
    command
}

/// Waits for a condition; the test fails where it does not come.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "never came: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What all replicas of one service share: a database and the issuer's key.
pub struct Service {
    pub folder: TempDir,
    pub database: String,
    pub token: String,
}

impl Service {
    pub fn on(database: String) -> Service {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), "5a".repeat(32)).unwrap();
        let mut service = Service {
            folder,
            database,
            token: String::new(),
        };
        let printed = service
            .command(&["token", "--role", "caseworker"])
            .output()
            .unwrap();
        assert!(printed.status.success(), "{printed:?}");
        service.token = String::from_utf8(printed.stdout).unwrap().trim_end().to_owned();
        service
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = ehcp();
        command
            .args(arguments)
            .arg("--data")
            .arg(self.data())
            .env("DATABASE_URL", &self.database)
            // The load comes from one client at one address.
            .env("EHCP_CLIENT_REQUESTS_PER_SECOND", "0")
            .env("EHCP_ADDRESS_REQUESTS_PER_SECOND", "0")
            .env("EHCP_ISSUER_KEY_FILE", self.folder.path().join("key"));
        command
    }

    /// A replica on a port of its own, ready for requests.
    pub fn replica(&self) -> Replica {
        let mut replica = Replica::new(self.command(&["serve"]), free_address());
        replica.start();
        replica.wait_until_ready();
        replica
    }

    /// The index is what the events amount to.
    pub fn assert_index_is_right(&self) {
        let checked = self.command(&["rebuild", "--check"]).output().unwrap();
        assert!(checked.status.success(), "{checked:?}");
    }
}

/// An address that nobody has now; a replica has the same one after it was killed and started again.
pub fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// A process that serves, with what it has written to its log.
pub struct Replica {
    command: Command,
    pub address: String,
    pub child: Option<Child>,
    said: Arc<(Mutex<Vec<String>>, Condvar)>,
}

impl Replica {
    pub fn new(mut command: Command, address: String) -> Replica {
        command.args(["--bind", &address]);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        Replica {
            command,
            address,
            child: None,
            said: Arc::default(),
        }
    }

    /// Starts the process and does not wait for it.
    pub fn start(&mut self) {
        let mut child = self.command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let said = Arc::clone(&self.said);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                said.0.lock().unwrap().push(line);
                said.1.notify_all();
            }
        });
        self.child = Some(child);
    }

    pub fn wait_until_ready(&self) {
        let is_ready = || get(&self.address, "", "/health/ready").is_some_and(|answer| answer.status == 200);
        let deadline = Instant::now() + PATIENCE;
        while !is_ready() {
            assert!(Instant::now() < deadline, "never ready: {:#?}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// As `kill -9` does it.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Whether the process is still the one that was started.
    pub fn lives(&mut self) -> bool {
        self.child.as_mut().unwrap().try_wait().unwrap().is_none()
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub fn log(&self) -> Vec<String> {
        self.said.0.lock().unwrap().clone()
    }

    /// Waits until a line with this is in the log.
    pub fn hear(&self, expected: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut said = self.said.0.lock().unwrap();
        loop {
            if let Some(line) = said.iter().find(|line| line.contains(expected)) {
                return line.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "never said `{expected}`: {said:#?}");
            said = self.said.1.wait_timeout(said, left).unwrap().0;
        }
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _already_gone = child.kill();
            let _waited = child.wait();
        }
    }
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: Value,
    pub took: Duration,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value)
    }

    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// What is sent to have something done.
pub struct Act<'a> {
    pub path: &'a str,
    pub key: &'a str,
    pub if_match: Option<&'a str>,
    pub body: &'a Value,
}

pub fn get(address: &str, token: &str, path: &str) -> Option<Answer> {
    send(address, &head("GET", path, token))
}

pub fn post(address: &str, token: &str, act: &Act<'_>) -> Option<Answer> {
    let content = act.body.to_string();
    let mut request = head("POST", act.path, token);
    request.push_str(&format!(
        "content-type: application/json\r\ncontent-length: {}\r\nidempotency-key: \"{}\"\r\n",
        content.len(),
        act.key
    ));
    if let Some(version) = act.if_match {
        request.push_str(&format!("if-match: {version}\r\n"));
    }
    send(address, &format!("{request}\r\n{content}"))
}

fn head(method: &str, path: &str, token: &str) -> String {
    let end = if method == "GET" { "\r\n" } else { "" };
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {token}\r\n{end}"
    )
}

/// One request on a connection of its own; nothing if the connection broke before the whole answer was there.
fn send(address: &str, request: &str) -> Option<Answer> {
    let started = Instant::now();
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(LONGEST_ANSWER)).unwrap();
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    let outcome = stream.read_to_end(&mut answer);
    assert!(
        started.elapsed() < LONGEST_ANSWER,
        "a request was left unanswered"
    );
    outcome.ok()?;
    let answer = String::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let answer = Answer {
        status: head.split(' ').nth(1)?.parse().ok()?,
        head: head.to_owned(),
        body: Value::Null,
        took: started.elapsed(),
    };
    let length: usize = answer.header("content-length")?.parse().ok()?;
    if body.len() != length {
        return None;
    }
    let is_json = answer
        .header("content-type")
        .is_some_and(|kind| kind.contains("json"));
    let body = match is_json {
        true => serde_json::from_str(body).unwrap(),
        false => Value::from(body),
    };
    Some(Answer { body, ..answer })
}

/// Runs a program of the system that must succeed.
pub fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
