//! A PostgreSQL for tests: found on this machine, started privately, gone when the test process is.
//!
//! Test binaries take this file in by `#[path]`. [`server`] is the one server that the tests of a process
//! share, each in a schema of its own; a [`Cluster`] is for those that stop and start theirs.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

/// Names a server to use instead of starting one.
pub const SERVER_VARIABLE: &str = "EHCP_TEST_POSTGRES_URL";

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server that the tests of this process share.
pub struct Server {
    url: String,
    _cluster: Option<Cluster>,
}

/// The shared server, started on first use. Where this machine has no PostgreSQL, says so and answers `None`,
/// unless this is CI, where the test ends.
pub fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let start = || {
        if let Ok(url) = std::env::var(SERVER_VARIABLE) {
            return Some(Server { url, _cluster: None });
        }
        let cluster = Cluster::create(&Settings {
            extra: &[
                "autovacuum=off",
                "full_page_writes=off",
                "max_connections=1000",
                "synchronous_commit=off",
            ],
            ..Settings::default()
        })?;
        Some(Server {
            url: cluster.url(),
            _cluster: Some(cluster),
        })
    };
    SERVER.get_or_init(start).as_ref()
}

impl Server {
    /// The URL of a database that is there already.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL of an empty schema for one test. It takes less time and room than a database from a template.
    pub fn database(&self) -> String {
        let schema = format!("test_{:032x}", rand::random::<u128>());
        let mut connection = PgConnection::establish(&self.url).unwrap();
        connection
            .batch_execute(&format!("CREATE SCHEMA {schema}"))
            .unwrap();
        let separator = if self.url.contains('?') { '&' } else { '?' };
        format!("{}{separator}options=-csearch_path%3D{schema}", self.url)
    }
}

/// What a cluster is started with.
#[derive(Default)]
pub struct Settings<'s> {
    /// Whether a commit is on the disk when it is answered.
    pub fsync: bool,
    /// Whether it listens on 127.0.0.1 too, and not on its Unix socket alone.
    pub tcp: bool,
    /// More settings, as `name=value`.
    pub extra: &'s [&'s str],
}

/// How a server is stopped.
#[derive(Debug, Clone, Copy)]
pub enum Stop {
    /// It takes back what is open and writes everything down.
    Fast,
    /// As if the machine had lost its power, less what the system still writes.
    Immediate,
}

/// A PostgreSQL of its own: a folder with its data and its socket, and a server that runs on them.
///
/// Server and folder go when this is dropped, and when the process ends, however it ends.
pub struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    account: Option<Account>,
    port: u16,
    tcp: bool,
    watcher: Mutex<Watcher>,
}

impl Cluster {
    /// A new cluster whose server answers. `None` where there is no PostgreSQL, as with [`server`].
    pub fn create(settings: &Settings<'_>) -> Option<Cluster> {
        Cluster::made(settings, |cluster| {
            let made_with = |locale: &[&str]| {
                let mut initdb = cluster.program("initdb");
                initdb.args([
                    "--username=postgres",
                    "--auth=trust",
                    "--encoding=UTF8",
                    "--no-sync",
                ]);
                initdb.args(["--no-locale"].iter().chain(locale)).arg("-D");
                initdb.arg(cluster.data()).output().unwrap()
            };
            // A language's order, as most servers have, shows which sort forgot to ask for the C collation.
            let made = made_with(&["--locale-provider=icu", "--icu-locale=en-GB"]);
            let made = if made.status.success() {
                made
            } else {
                made_with(&[])
            };
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        })
    }

    /// A streaming standby of another cluster, which answers reads.
    pub fn standby_of(primary: &Cluster, settings: &Settings<'_>) -> Option<Cluster> {
        Cluster::made(settings, |cluster| {
            let mut backup = cluster.program("pg_basebackup");
            backup.args([
                "--username=postgres",
                "--write-recovery-conf",
                "--checkpoint=fast",
            ]);
            backup.arg("--host").arg(&primary.folder);
            backup.args(["--port", &primary.port.to_string(), "--pgdata"]);
            let made = backup.arg(cluster.data()).output().unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        })
    }

    fn made(settings: &Settings<'_>, make_data: impl FnOnce(&Cluster)) -> Option<Cluster> {
        let Some(programs) = programs() else {
            skip();
            return None;
        };
        // Not the usual place for temporary files: the path of a socket must be short, and another account reads it.
        let folder = tempfile::Builder::new()
            .prefix("ehcp-postgres-")
            .tempdir_in("/tmp")
            .unwrap();
        // Its owner is whoever runs the test, and PostgreSQL refuses to run as root.
        let is_root = folder.path().metadata().unwrap().uid() == 0;
        let account = is_root.then(Account::unprivileged);
        if let Some(account) = account {
            chown(folder.path(), Some(account.uid), Some(account.gid)).unwrap();
        }
        let port = if settings.tcp { free_port() } else { 5432 };
        let own = [
            format!("unix_socket_directories={}", folder.path().display()),
            format!("listen_addresses={}", if settings.tcp { "127.0.0.1" } else { "" }),
            format!("port={port}"),
            format!("fsync={}", if settings.fsync { "on" } else { "off" }),
        ];
        let all_settings = own
            .iter()
            .map(String::as_str)
            .chain(settings.extra.iter().copied());
        let watcher = Watcher::start(&programs, folder.path(), account, all_settings);
        let cluster = Cluster {
            folder: folder.keep(),
            programs,
            account,
            port,
            tcp: settings.tcp,
            watcher: Mutex::new(watcher),
        };
        make_data(&cluster);
        cluster.start();
        Some(cluster)
    }

    /// The URL of its database `postgres`, through its Unix socket.
    pub fn url(&self) -> String {
        let (folder, port) = (self.folder.display(), self.port);
        format!("postgresql://postgres@/postgres?host={folder}&port={port}")
    }

    /// The folder that holds its socket and its log.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Its port, on 127.0.0.1 if it listens there, and in the name of its socket.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of its database `postgres` on 127.0.0.1.
    pub fn tcp_url(&self) -> String {
        assert!(self.tcp, "it was not asked to listen");
        format!("postgresql://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// One of PostgreSQL's programs, run by the account the server runs as.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        run_as(&mut command, self.account, &self.folder);
        command
    }

    /// Starts the server and waits until it answers.
    pub fn start(&self) {
        self.watcher.lock().unwrap().tell("start");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let Err(refusal) = PgConnection::establish(&self.url()) else {
                return;
            };
            let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(
                Instant::now() < deadline,
                "PostgreSQL did not start: {refusal}\n{}",
                log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Stops the server and waits until it has gone.
    pub fn stop(&self, how: Stop) {
        let signal = match how {
            Stop::Fast => "INT",
            Stop::Immediate => "QUIT",
        };
        self.watcher.lock().unwrap().tell(signal);
    }

    pub fn restart(&self, how: Stop) {
        self.stop(how);
        self.start();
    }
}

/// Starts and stops the server when it is told to; when its input ends, stops it and takes the folder away.
const WATCHER: &str = r#"
folder=$1; shift
while read -r order; do
    case $order in
    start) "$@" >>"$folder/log" 2>&1 </dev/null & server=$! ;;
    *) kill -s "$order" "$server"; wait "$server"; server= ;;
    esac
    echo done
done
if [ -n "$server" ]; then
    kill -s QUIT "$server"; wait "$server"
fi
rm -rf "$folder"
"#;

/// The process that holds a server. It is the server's parent, so that it outlives the test, whose end it sees
/// as the end of its input.
struct Watcher {
    process: Child,
    answers: BufReader<ChildStdout>,
}

impl Watcher {
    fn start<'s>(
        programs: &Path,
        folder: &Path,
        account: Option<Account>,
        settings: impl Iterator<Item = &'s str>,
    ) -> Watcher {
        let mut shell = Command::new("sh");
        shell.args(["-c", WATCHER, "sh"]).arg(folder);
        shell
            .arg(programs.join("postgres"))
            .arg("-D")
            .arg(folder.join("data"));
        for setting in settings {
            shell.args(["-c", setting]);
        }
        run_as(&mut shell, account, folder);
        // A Ctrl-C at the terminal must not end it before its work is done.
        shell.process_group(0);
        let piped = shell
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = piped.spawn().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Watcher { process, answers }
    }

    fn tell(&mut self, order: &str) {
        let mut orders = self.process.stdin.as_ref().unwrap();
        orders.write_all(format!("{order}\n").as_bytes()).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert_eq!(answer, "done\n");
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().unwrap();
    }
}

/// An account of this machine.
#[derive(Clone, Copy)]
struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    fn unprivileged() -> Account {
        let accounts = std::fs::read_to_string("/etc/passwd").unwrap();
        let named = |name: &str| {
            let fields = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
            let mut found = fields.filter(|fields| fields[0] == name && fields.len() > 3);
            found.next().map(|fields| Account {
                uid: fields[2].parse().unwrap(),
                gid: fields[3].parse().unwrap(),
            })
        };
        named("postgres").or_else(|| named("nobody")).unwrap()
    }
}

fn run_as(command: &mut Command, account: Option<Account>, folder: &Path) {
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    command.current_dir(folder).env("LC_ALL", "C");
}

/// Nobody else has it now; should somebody take it before the server does, the server says so in its log.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Where PostgreSQL's programs are: those in the path, or else the newest in the places where packages put them.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).collect();
    let folders = |parent: &str| {
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
        let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path().join("bin")).collect();
        folders.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
        folders
    };
    let places = [
        in_path,
        folders("/usr/lib/postgresql"),
        folders("/usr/local"),
        folders("/usr"),
        folders("/opt"),
        folders("/opt/homebrew/opt"),
        folders("/usr/local/opt"),
        folders("/Applications/Postgres.app/Contents/Versions"),
    ];
    let is_there = |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    let found = places.into_iter().flatten().find(is_there)?;
    // What the path has may be links into the folder that holds the rest.
    let initdb = found.join("initdb").canonicalize().unwrap();
    initdb.parent().map(Path::to_owned)
}

/// The number in the name of the folder that holds a `bin`.
fn version(folder: &Path) -> u32 {
    let name = folder.parent().and_then(Path::file_name).and_then(OsStr::to_str);
    let digits = |name: &str| name.chars().filter(char::is_ascii_digit).collect::<String>();
    name.and_then(|name| digits(name).parse().ok())
        .unwrap_or_default()
}

fn skip() {
    let skipped = "SKIPPED on PostgreSQL: this machine has neither its programs `initdb` and `postgres` \
                   nor a server in the variable EHCP_TEST_POSTGRES_URL\n";
    // Not through `print!`, which the test runner would keep to itself.
    std::io::stderr().write_all(skipped.as_bytes()).unwrap();
    let is_ci = std::env::var_os("CI").is_some();
    assert!(!is_ci, "in CI a skipped check is a failed one");
}
