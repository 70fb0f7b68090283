//! The files under `deploy` name what there is: settings, commands, files, and options that systemd knows.

#![cfg(test)]
#![cfg(unix)]

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use ehcp_timeline::config::{FILE_VARIABLE, Setting};

const PROGRAM: &str = env!("CARGO_BIN_EXE_ehcp");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn deployed(name: &str) -> String {
    std::fs::read_to_string(root().join("deploy").join(name)).unwrap()
}

/// The words that look like variables of the program.
fn variables(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_uppercase() && c != '_')
        .filter(|word| word.starts_with("EHCP_") || *word == "DATABASE_URL")
        .collect()
}

/// The commands that the program knows.
fn commands() -> BTreeSet<String> {
    let help = Command::new(PROGRAM).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, listed) = help.split_once("Commands:\n").unwrap();
    let lines = listed.lines().take_while(|line| !line.is_empty());
    lines
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn only_settings_that_there_are_are_set() {
    let known: BTreeSet<&str> = Setting::ALL
        .into_iter()
        .map(|setting| setting.row().variable)
        .chain([FILE_VARIABLE])
        .collect();
    for name in ["ehcp.service", "ehcp-postgres.conf", "Containerfile"] {
        let text = deployed(name);
        let named = variables(&text);
        assert!(!named.is_empty(), "{name}");
        assert!(named.is_subset(&known), "{name}: {named:?}");
    }
    let mut config = Command::new(PROGRAM);
    for setting in Setting::ALL {
        config.env_remove(setting.row().variable);
    }
    let file = root().join("deploy/ehcp.toml");
    let shown = config.arg("config").arg("--config").arg(&file).output().unwrap();
    assert!(
        shown.status.success(),
        "{}",
        String::from_utf8_lossy(&shown.stderr)
    );
}

/// Runs `systemd-analyze`. Where there is none it says so, which is a failure where everything must be tried.
fn systemd_analyze(arguments: &[&str], file: &Path) {
    let output = match Command::new("systemd-analyze").args(arguments).arg(file).output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let skipped = b"SKIPPED the check of the unit: there is no systemd-analyze\n";
            std::io::stderr().write_all(skipped).unwrap();
            assert!(std::env::var_os("CI").is_none(), "systemd-analyze is missing");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    // It only warns of options that it does not know.
    assert!(!said.contains("Unknown") && !said.contains("ignoring"), "{said}");
}

#[test]
fn systemd_knows_every_option_of_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let drop_ins = folder.path().join("ehcp.service.d");
    std::fs::create_dir(&drop_ins).unwrap();
    let start = "ExecStart=/usr/local/bin/ehcp serve\n";
    let unit = deployed("ehcp.service");
    assert!(unit.contains(start) && commands().contains("serve"));
    let here = format!("ExecStart={PROGRAM} serve\n");
    let path: PathBuf = folder.path().join("ehcp.service");
    std::fs::write(&path, unit.replace(start, &here)).unwrap();
    std::fs::write(drop_ins.join("postgres.conf"), deployed("ehcp-postgres.conf")).unwrap();
    systemd_analyze(&["verify", "--man=no"], &path);
    // Its own measure of what a service could still do, from 0 to 100 in tenths.
    systemd_analyze(
        &["security", "--offline=true", "--threshold=20", "--no-pager"],
        &path,
    );
}

/// The instructions of the container file, each on one line.
fn instructions() -> Vec<String> {
    let text = deployed("Containerfile").replace("\\\n", " ");
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_container_file_names_what_there_is() {
    let commands = commands();
    let (mut copied, mut users, mut asked) = (Vec::new(), Vec::new(), Vec::new());
    for instruction in instructions() {
        let (keyword, rest) = instruction.split_once(' ').unwrap();
        match keyword {
            "FROM" | "RUN" | "WORKDIR" | "ENV" | "VOLUME" | "EXPOSE" | "STOPSIGNAL" => {}
            "COPY" => {
                let parts: Vec<&str> = rest.split_whitespace().collect();
                match parts.as_slice() {
                    ["--from=build", from, to] => {
                        assert_eq!(
                            (*from, *to),
                            ("/build/target/release/ehcp", "/usr/local/bin/ehcp")
                        );
                    }
                    [from @ .., _] => {
                        for path in from {
                            assert!(root().join(path).exists(), "{path}");
                            copied.push((*path).to_owned());
                        }
                    }
                    [] => panic!("{instruction}"),
                }
            }
            "USER" => users.push(rest.to_owned()),
            "HEALTHCHECK" | "ENTRYPOINT" | "CMD" => {
                let list = &rest[rest.find('[').unwrap()..];
                let words: Vec<String> = serde_json::from_str(list).unwrap();
                let commands_named = words.into_iter().filter(|word| word != "ehcp");
                asked.extend(commands_named.inspect(|word| assert!(commands.contains(word), "{word}")));
            }
            other => panic!("{other} is no instruction"),
        }
    }
    assert_eq!(asked, ["health", "serve"]);
    assert!(
        users.iter().all(|user| user != "0:0") && users.len() == 1,
        "{users:?}"
    );

    // What the build needs and does not get it would miss only in the image.
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let paths = manifest.lines().filter_map(|line| line.strip_prefix("path = "));
    for path in paths.map(|path| path.trim_matches('"')) {
        let is_copied = |held: &String| path == held || path.starts_with(&format!("{held}/"));
        assert!(copied.iter().any(is_copied), "{path} is not copied");
    }
    for needed in [
        "Cargo.toml",
        "Cargo.lock",
        "build.rs",
        "migrations",
        "src",
        ".cargo",
    ] {
        assert!(copied.iter().any(|held| held == needed), "{needed} is not copied");
    }
    let ignored = std::fs::read_to_string(root().join(".dockerignore")).unwrap();
    let sent: Vec<&str> = ignored
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    assert_eq!(
        sent.iter().copied().collect::<BTreeSet<_>>(),
        copied.iter().map(String::as_str).collect(),
        "what is sent to the build is what it copies"
    );
    let rust = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "))
        .unwrap();
    let image = format!("rust:{}-", rust.trim_matches('"'));
    assert!(instructions()[0].contains(&image), "{image}");
}

#[test]
fn a_server_that_is_not_there_is_not_healthy() {
    let mut command = Command::new(PROGRAM);
    for setting in Setting::ALL {
        command.env_remove(setting.row().variable);
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let asked = command
        .args(["health", "--bind", &port.to_string()])
        .output()
        .unwrap();
    assert_eq!(asked.status.code(), Some(69), "{asked:?}");
}

#[test]
fn the_page_on_security_names_tests_that_there_are() {
    let page = std::fs::read_to_string(root().join("docs/SECURITY.md")).unwrap();
    let mut sources = String::new();
    for folder in ["tests", "tests/api", "src/http/tests"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let names: Vec<&str> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.split_once("::").map(|(_, name)| name))
        .collect();
    assert!(names.len() > 20, "the page names its tests");
    for name in names {
        assert!(
            sources.contains(&format!("fn {name}(")),
            "there is no test {name}"
        );
    }
}
