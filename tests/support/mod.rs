//! The program as a process of its own, for the tests that meet it as its operator does.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use ehcp_timeline::config::{FILE_VARIABLE, Setting};
use serde_json::{Value, json};

pub fn ehcp(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ehcp"));
    command.args(arguments).stdin(Stdio::null());
    for setting in Setting::ALL {
        command.env_remove(setting.row().variable);
    }
    command.env_remove(FILE_VARIABLE);
    command
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub fn run(arguments: &[&str]) -> Output {
    ehcp(arguments).output().unwrap()
}

/// The exit code and what was said; a refusal is one line, and neither a backtrace nor a panic.
pub fn refusal(output: &Output) -> (i32, String) {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(
        output.stdout.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.starts_with("ehcp: ") && said.trim_end().ends_with(['.', '?']),
        "{said}"
    );
    assert!(
        !said.contains("panicked") && !said.contains("backtrace"),
        "{said}"
    );
    (output.status.code().unwrap(), said)
}

/// A process that listens on a port of its own choosing.
pub struct Server {
    pub child: Child,
    pub address: String,
    said: Receiver<String>,
    heard: RefCell<Vec<String>>,
}

impl Server {
    /// Starts a command that serves and waits until it says that it is ready.
    pub fn start(arguments: &[&str]) -> Server {
        Server::start_as(ehcp(arguments))
    }

    /// [`Server::start`] with an environment of its own.
    pub fn start_as(mut command: Command) -> Server {
        command.args(["--bind", "127.0.0.1:0"]);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, said) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                // Nobody may be listening any more; the pipe is emptied all the same.
                let _unheard = sender.send(line);
            }
        });
        let mut server = Server {
            child,
            address: String::new(),
            said,
            heard: RefCell::default(),
        };
        server.address = server
            .hear("listening address=")
            .split("address=")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next())
            .unwrap()
            .to_owned();
        server.hear("serve: ready");
        server
    }

    pub fn hear(&self, expected: &str) -> String {
        while let Ok(line) = self.said.recv_timeout(Duration::from_secs(120)) {
            let is_it = line.contains(expected);
            self.heard.borrow_mut().push(line.clone());
            if is_it {
                return line;
            }
        }
        panic!("never said `{expected}`: {:#?}", self.heard.borrow());
    }

    /// Everything it said up to what was waited for last.
    pub fn heard(&self) -> Vec<String> {
        self.heard.borrow().clone()
    }

    /// Sends it a signal, such as `-TERM`.
    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits until it has ended by itself, and gives its exit code.
    pub fn ended(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }

    pub fn get(&self, token: &str, path: &str) -> (u16, Value) {
        request(&self.address, token, "GET", path, None).unwrap()
    }

    /// As `kill -9` does it.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// One request on a connection of its own; nothing if no whole answer came back.
pub fn request(
    address: &str,
    token: &str,
    method: &str,
    path: &str,
    body: Option<(&str, &Value)>,
) -> Option<(u16, Value)> {
    let mut stream = TcpStream::connect(address).ok()?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    if !token.is_empty() {
        head.push_str(&format!("authorization: Bearer {token}\r\n"));
    }
    let content = match body {
        Some((key, body)) => {
            let content = body.to_string();
            head.push_str(&format!(
                "content-type: application/json\r\ncontent-length: {}\r\nidempotency-key: \"{key}\"\r\n",
                content.len()
            ));
            content
        }
        None => String::new(),
    };
    stream.write_all(format!("{head}\r\n{content}").as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let body = serde_json::from_str(body).ok()?;
    Some((status, body))
}

pub fn token(data: &Path, role: &str) -> String {
    let output = run(&["token", "--role", role, "--data", text(data)]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// Opens a case and an assessment on it; nothing once the server is gone.
pub fn open_assessment(address: &str, token: &str, key: &str) -> Option<(String, String)> {
    let case = json!({"given_name": "Merrin", "family_name": "Quillfeather", "date_of_birth": "2018-03-04"});
    let (status, case) = request(
        address,
        token,
        "POST",
        "/v1/cases",
        Some((&format!("case-{key}"), &case)),
    )?;
    assert_eq!(status, 201, "{case}");
    let opening = json!({
        "case_id": case["id"],
        "event": {"type": "request_received", "occurred_on": "2026-01-05", "requested_by": "parent"},
    });
    let key = format!("assessment-{key}");
    let (status, assessment) = request(address, token, "POST", "/v1/assessments", Some((&key, &opening)))?;
    assert_eq!(status, 201, "{assessment}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Some((text(&case["id"]), text(&assessment["id"])))
}
