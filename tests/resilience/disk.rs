//! The embedded database while its disk is full, and while its folder cannot be written.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::harness::{
    Act, Answer, PATIENCE, Replica, Service, free_address, get, post, run, text, wait_until,
    with_own_environment,
};

/// Who opens cases, one after the other.
struct Clients<'s> {
    service: &'s Service,
    replica: &'s Replica,
    next: std::cell::Cell<u32>,
}

impl Clients<'_> {
    fn open(&self) -> Answer {
        let number = self.next.get();
        self.next.set(number + 1);
        let case = json!({
            "given_name": "Merrin", "family_name": format!("Quillfeather {number}"), "date_of_birth": "2018-03-04",
        });
        let act = Act {
            path: "/v1/cases",
            key: &format!("case-{number}"),
            if_match: None,
            body: &case,
        };
        post(&self.replica.address, &self.service.token, &act).unwrap()
    }

    /// Opens cases until one is refused, and answers those that were not, with the refusal.
    fn until_refused(&self) -> (Vec<String>, Answer) {
        let mut acknowledged = Vec::new();
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            assert!(std::time::Instant::now() < deadline, "the disk is never full");
            let answer = self.open();
            if answer.status != 201 {
                return (acknowledged, answer);
            }
            acknowledged.push(answer.body["id"].as_str().unwrap().to_owned());
        }
    }

    fn assert_there(&self, ids: &[String]) {
        for id in ids {
            let found = get(
                &self.replica.address,
                &self.service.token,
                &format!("/v1/cases/{id}"),
            )
            .unwrap();
            assert_eq!(found.status, 200, "{id} is lost");
        }
    }
}

fn on_sqlite() -> Service {
    let mut service = Service::on("sqlite:no database yet".to_owned());
    service.database = format!("sqlite:{}", service.data().join("ehcp.db").display());
    service
}

/// Full soon, refused with a reason, read meanwhile, and healed when there is room, by the same process.
fn fill_and_heal(
    service: &Service,
    replica: &Replica,
    fill: impl FnOnce(),
    expected: &[&str],
    make_room: impl FnOnce(),
) {
    let clients = Clients {
        service,
        replica,
        next: std::cell::Cell::new(0),
    };
    assert_eq!(clients.open().status, 201);
    fill();
    let (mut acknowledged, refused) = clients.until_refused();
    assert_eq!(
        (refused.status, refused.code()),
        (503, "unavailable"),
        "{refused:?}"
    );
    assert!(
        expected.contains(&refused.body["reason"].as_str().unwrap()),
        "{refused:?}"
    );
    assert_eq!(refused.header("retry-after"), Some("1"));
    let said = replica.hear("SQLite takes no writes; they are refused until it does");
    assert!(said.contains("disk"), "{said}");
    assert_eq!(get(&replica.address, "", "/health/live").unwrap().status, 200);
    clients.assert_there(&acknowledged);
    make_room();
    wait_until("room", || {
        let answer = clients.open();
        acknowledged.extend(
            answer.body["id"]
                .as_str()
                .filter(|_| answer.status == 201)
                .map(str::to_owned),
        );
        answer.status == 201
    });
    replica.hear("SQLite takes writes again");
    clients.assert_there(&acknowledged);
}

/// Without the signal, a file that may not grow is an error of the write, as a full disk is.
const WITHOUT_THE_SIGNAL: &str = "trap '' XFSZ; exec \"$@\"";

fn through_a_shell(script: &str, arguments: &[&str], serve: &Command) -> Command {
    let mut shell = with_own_environment(Command::new("sh"));
    shell.args(["-c", script, "sh"]).args(arguments);
    shell.arg(serve.get_program()).args(serve.get_args());
    for (name, value) in serve.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

#[test]
fn a_file_that_may_not_grow_is_refused_and_heals() {
    let service = on_sqlite();
    let serve = through_a_shell(WITHOUT_THE_SIGNAL, &[], &service.command(&["serve"]));
    let mut replica = Replica::new(serve, free_address());
    replica.start();
    replica.wait_until_ready();
    let pid = replica.pid().to_string();
    let limit = |bytes: &str| run("prlimit", &["--pid", &pid, &format!("--fsize={bytes}:unlimited")]);
    fill_and_heal(
        &service,
        &replica,
        || limit("200000"),
        &["database_failing", "database_full"],
        || limit("unlimited"),
    );
    assert!(replica.lives());
}

#[test]
fn a_full_disk_is_refused_and_heals() {
    let mounts = Command::new("unshare").args(["-m", "true"]).output();
    if !mounts.is_ok_and(|tried| tried.status.success()) {
        // The limit on the size of a file, above, is tried everywhere.
        let skipped = b"SKIPPED: this account may not mount a disk of its own, which could be full\n";
        std::io::Write::write_all(&mut std::io::stderr(), skipped).unwrap();
        return;
    }
    let service = on_sqlite();
    let data = service.data();
    std::fs::create_dir(&data).unwrap();
    let script = "folder=$1; shift; mount -t tmpfs -o size=4m none \"$folder\" && exec \"$@\"";
    let serve = through_a_shell(script, &[text(&data)], &service.command(&["serve"]));
    let mut apart = with_own_environment(Command::new("unshare"));
    apart
        .args(["-m", "--propagation", "private"])
        .arg(serve.get_program())
        .args(serve.get_args());
    for (name, value) in serve.get_envs() {
        match value {
            Some(value) => apart.env(name, value),
            None => apart.env_remove(name),
        };
    }
    let mut replica = Replica::new(apart, free_address());
    replica.start();
    replica.wait_until_ready();
    let ballast = PathBuf::from(format!(
        "/proc/{}/root{}",
        replica.pid(),
        data.join("ballast").display()
    ));
    fill_and_heal(
        &service,
        &replica,
        || fill(&ballast),
        &["database_full"],
        || std::fs::remove_file(&ballast).unwrap(),
    );
    assert!(replica.lives());
}

/// Takes all the room that is left.
fn fill(path: &Path) {
    use std::io::Write;
    let mut file = std::fs::File::create(path).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    while file.write_all(&[0]).is_ok() {}
}

#[test]
fn a_folder_that_turns_read_only_loses_nothing_and_is_named() {
    let service = on_sqlite();
    let data = service.data();
    std::fs::create_dir(&data).unwrap();
    // Whoever may do everything may write everywhere: the server is somebody else.
    let is_root = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&data).unwrap()) == 0;
    let as_nobody = |mut command: Command| {
        if is_root {
            std::os::unix::process::CommandExt::uid(&mut command, NOBODY);
            std::os::unix::process::CommandExt::gid(&mut command, NOBODY);
        }
        command
    };
    if is_root {
        for path in [service.folder.path(), &data, &service.folder.path().join("key")] {
            std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    let mut replica = Replica::new(as_nobody(service.command(&["serve"])), free_address());
    replica.start();
    replica.wait_until_ready();
    let mut acknowledged = Vec::new();
    {
        let clients = Clients {
            service: &service,
            replica: &replica,
            next: std::cell::Cell::new(0),
        };
        acknowledged.push(clients.open().body["id"].as_str().unwrap().to_owned());
        set_modes(&data, 0o555, 0o444);
        // What is open already may go on; either way the answer is true.
        for _ in 0..20 {
            let answer = clients.open();
            match answer.status {
                201 => acknowledged.push(answer.body["id"].as_str().unwrap().to_owned()),
                503 => assert_eq!(answer.code(), "unavailable"),
                _ => panic!("{answer:?}"),
            }
        }
        clients.assert_there(&acknowledged);
    }
    replica.kill();

    let refused = as_nobody(service.command(&["serve", "--bind", "127.0.0.1:0"]))
        .output()
        .unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        matches!(refused.status.code(), Some(66 | 73)),
        "{refused:?}",
        refused = refused.status
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains(text(&data)), "{said}");

    set_modes(&data, 0o700, 0o600);
    replica.start();
    replica.wait_until_ready();
    let clients = Clients {
        service: &service,
        replica: &replica,
        next: std::cell::Cell::new(100),
    };
    clients.assert_there(&acknowledged);
    assert_eq!(clients.open().status, 201);
}

/// The account `nobody`, or one that has no name: both may do nothing in particular.
const NOBODY: u32 = 65534;

fn set_modes(folder: &Path, of_folder: u32, of_files: u32) {
    let set = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        set(&entry.unwrap().path(), of_files);
    }
    set(folder, of_folder);
}
