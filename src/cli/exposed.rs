//! What a server refuses to be on an address that others can reach. `serve` and `demo` ask before they open
//! anything.

use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};

use super::failure::{Exit, Failure};
use crate::config::Config;
use crate::store::Location;

/// What decides whether others may reach a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Facts {
    /// Whether others than this machine can reach it.
    is_exposed: bool,
    /// Whether tokens are accepted of an issuer that knows people, and not of the built-in one alone.
    has_outside_issuer: bool,
    has_tls: bool,
    has_trusted_proxy: bool,
    /// Files and folders that anybody on the machine may read or change.
    open_to_all: Vec<PathBuf>,
    /// Files that decide whom the server believes, and a folder that holds its database, that others than their
    /// owner may change.
    changeable: Vec<PathBuf>,
}

/// Refuses a server that others could reach and should not, with everything that is amiss at once. Where it is
/// told to go on all the same, it says so at every start.
pub(super) fn check(config: &Config) -> Result<(), Failure> {
    let faults = faults(&facts(config));
    if faults.is_empty() {
        return Ok(());
    }
    let what = format!("others can reach {}, and {}", config.bind, faults.join("; "));
    if config.allow_insecure {
        log::warn!("{what}; it is allowed to be insecure");
        return Ok(());
    }
    Err(Failure::new(
        Exit::Configuration,
        format!("{what}. Mend that, bind to 127.0.0.1, or say --allow-insecure where nothing real is kept"),
    ))
}

fn facts(config: &Config) -> Facts {
    let key = config.issuer_key_file.clone();
    let data = &config.data;
    let tls_key = config.tls.as_ref().map(|tls| tls.key_file.clone());
    let database = match &config.database {
        Location::SqliteFile(path) => Some(path.as_path()),
        Location::Postgres(_) => None,
    };
    // Of the data folder more is asked.
    let folder = database.and_then(Path::parent).filter(|folder| folder != data);
    let folder = folder.map(|folder| match folder.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => folder.to_owned(),
    });
    let mut secrets = vec![data.clone(), key.unwrap_or_else(|| data.join("issuer.key"))];
    secrets.extend(tls_key);
    secrets.extend(database.map(Path::to_owned));
    secrets.extend(config.secret_files.iter().cloned());
    let trusted = config.trusted_files.iter().cloned();
    let changeable = trusted.filter(|path| may(path, BY_OTHERS_THAN_ITS_OWNER));
    Facts {
        is_exposed: is_exposed(&config.bind),
        has_outside_issuer: !config.trust.issuers.is_empty(),
        has_tls: config.tls.is_some(),
        has_trusted_proxy: !config.trusted_proxies.is_empty(),
        changeable: changeable
            .chain(folder.filter(|folder| may(folder, BY_EVERYBODY)))
            .collect(),
        open_to_all: secrets
            .into_iter()
            .filter(|path| may(path, ANYTHING_BY_EVERYBODY))
            .collect(),
    }
}

fn faults(facts: &Facts) -> Vec<String> {
    if !facts.is_exposed {
        return Vec::new();
    }
    let mut faults = Vec::new();
    if !facts.has_outside_issuer {
        faults.push("no issuer of tokens but the built-in one is configured".to_owned());
    }
    if !facts.has_tls && !facts.has_trusted_proxy {
        faults.push("it has neither tls_certificate_file nor trusted_proxies".to_owned());
    }
    for path in &facts.open_to_all {
        faults.push(format!("{} is open to everybody on this machine", path.display()));
    }
    for path in &facts.changeable {
        faults.push(format!(
            "{} can be changed by others on this machine",
            path.display()
        ));
    }
    faults
}

/// An address that means nothing is refused when it is bound.
fn is_exposed(bind: &str) -> bool {
    match bind.to_socket_addrs() {
        Ok(mut addresses) => addresses.any(|address| !address.ip().to_canonical().is_loopback()),
        Err(_) => false,
    }
}

/// What the bits of a mode let be done with a file or folder.
const ANYTHING_BY_EVERYBODY: u32 = 0o007;
const BY_OTHERS_THAN_ITS_OWNER: u32 = 0o022;
const BY_EVERYBODY: u32 = 0o002;

/// Whether any of some bits of the mode is set. What is not there yet is made for its owner only.
#[cfg(unix)]
fn may(path: &Path, bits: u32) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & bits != 0)
}

#[cfg(not(unix))]
fn may(_: &Path, _: u32) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_amiss_is_told_at_once() {
        let open = Facts {
            is_exposed: true,
            open_to_all: vec!["/data".into(), "/data/issuer.key".into()],
            changeable: vec!["/etc/issuers.toml".into()],
            ..Facts::default()
        };
        assert_eq!(faults(&open).len(), 5, "{:?}", faults(&open));
        let private = Facts {
            is_exposed: false,
            ..open.clone()
        };
        assert_eq!(faults(&private), Vec::<String>::new());
        for (has_tls, has_trusted_proxy) in [(true, false), (false, true)] {
            let safe = Facts {
                is_exposed: true,
                has_outside_issuer: true,
                has_tls,
                has_trusted_proxy,
                ..Facts::default()
            };
            assert_eq!(faults(&safe), Vec::<String>::new());
        }
        let without_issuer = Facts {
            is_exposed: true,
            has_tls: true,
            ..Facts::default()
        };
        assert_eq!(faults(&without_issuer).len(), 1);
    }

    #[test]
    fn only_this_machine_reaches_its_loopback() {
        for (bind, expected) in [
            ("127.0.0.1:80", false),
            ("127.8.9.1:80", false),
            ("[::1]:80", false),
            ("localhost:80", false),
            ("0.0.0.0:80", true),
            ("[::]:80", true),
            ("[::ffff:127.0.0.1]:80", false),
            ("192.0.2.1:80", true),
        ] {
            assert_eq!(is_exposed(bind), expected, "{bind}");
        }
    }
}
