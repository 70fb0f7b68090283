//! The keys of an issuer as they are known at present: fetched at the first need, again by age, and again where a
//! token names a key that is not among them, but never more often than every few seconds, so that tokens that
//! name keys at random cannot make us a nuisance.
//!
//! One fetch at a time for each issuer; the keys that were there stay in use while it cannot be reached. What is
//! fetched is small, soon there or given up, never redirected, and encrypted unless it comes from this machine.

use std::path::Path;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use serde::Deserialize;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

use super::issuer::{Issuer, KeyPlace};
use super::key_set::{KeySet, KeySetError};

/// How long a fetch may take as a whole.
const FETCHED_WITHIN: Duration = Duration::from_secs(5);
/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: u64 = 256 * 1024;

/// Cheap to clone; clones share what is known.
#[derive(Clone)]
pub(super) struct KeySource(Arc<Shared>);

struct Shared {
    issuer: String,
    place: KeyPlace,
    refresh: Duration,
    attempts_apart: Duration,
    known: RwLock<Known>,
    /// Held by whoever fetches.
    fetching: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone, Default)]
struct Known {
    keys: Option<Arc<KeySet>>,
    /// Counts the sets that were taken; tokens are held by the one they were examined with.
    generation: u64,
    fetched: Option<Instant>,
    attempted: Option<Instant>,
    away_since: Option<Instant>,
}

/// Why there are no keys. It names the issuer's place in words and holds nothing of what it sent.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("{0}")]
    Transfer(#[from] Box<ureq::Error>),
    #[error("it answered {0}")]
    Status(u16),
    #[error("what it sent {0}")]
    Keys(#[from] KeySetError),
    #[error("its OpenID configuration cannot be read")]
    Configuration,
    #[error("its OpenID configuration is of another issuer")]
    AnotherIssuer,
    #[error("its keys are neither at an https URL nor on this machine")]
    NotEncrypted,
    #[error("the file cannot be read: {0}")]
    File(std::io::ErrorKind),
}

/// A fetch took a panic, or the process ends.
const GIVEN_UP: &str = "the keys of an issuer were not fetched";

impl KeySource {
    pub(super) fn new(issuer: &Issuer) -> KeySource {
        KeySource(Arc::new(Shared {
            issuer: issuer.issuer.clone(),
            place: issuer.keys.clone(),
            refresh: issuer.refresh,
            attempts_apart: issuer.attempts_apart,
            known: RwLock::default(),
            fetching: Arc::default(),
        }))
    }

    /// The present generation of keys. Where they are old, others are fetched meanwhile, so that what was found
    /// good by a key that is no more is examined again.
    pub(super) fn generation(&self) -> u64 {
        let known = self.known();
        if known.is_older_than(self.0.refresh) {
            self.fetch_in_the_background();
        }
        known.generation
    }

    /// The keys to examine a token with that names this one, with their generation. None where the issuer's keys
    /// were never to be had. Where they are old, others are fetched meanwhile for those who come later.
    pub(super) async fn keys_for(&self, kid: Option<&str>) -> Option<(Arc<KeySet>, u64)> {
        let known = self.known();
        if let Some(keys) = &known.keys
            && keys.names(kid)
        {
            if known.is_older_than(self.0.refresh) {
                self.fetch_in_the_background();
            }
            return Some((Arc::clone(keys), known.generation));
        }
        let turn = Arc::clone(&self.0.fetching).lock_owned().await;
        let known = self.known();
        let is_new_to_it = known.keys.as_ref().is_none_or(|keys| !keys.names(kid));
        if is_new_to_it && known.may_be_asked_again(self.0.attempts_apart) {
            let shared = Arc::clone(&self.0);
            // Whoever waits may stop waiting; the fetch goes on and keeps its turn.
            let fetched = tokio::task::spawn_blocking(move || {
                shared.fetch();
                drop(turn);
            });
            if fetched.await.is_err() {
                log::error!(issuer = self.0.issuer.as_str(); "{GIVEN_UP}");
            }
        }
        let known = self.known();
        known.keys.map(|keys| (keys, known.generation))
    }

    fn fetch_in_the_background(&self) {
        let Ok(turn) = Arc::clone(&self.0.fetching).try_lock_owned() else {
            return;
        };
        if self.known().may_be_asked_again(self.0.attempts_apart) {
            let shared = Arc::clone(&self.0);
            tokio::task::spawn_blocking(move || {
                shared.fetch();
                drop(turn);
            });
        }
    }

    fn known(&self) -> Known {
        self.0
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Known {
    fn is_older_than(&self, age: Duration) -> bool {
        self.fetched.is_none_or(|fetched| fetched.elapsed() > age)
    }

    fn may_be_asked_again(&self, apart: Duration) -> bool {
        self.attempted
            .is_none_or(|attempted| attempted.elapsed() >= apart)
    }
}

impl Shared {
    /// Fetches the keys and takes them, or says once that it cannot be done.
    fn fetch(&self) {
        let fetched = fetch(&self.place, &self.issuer);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.attempted = Some(Instant::now());
        match fetched {
            Ok(keys) => {
                if let Some(since) = known.away_since.take() {
                    log::info!(issuer = self.issuer.as_str(), away_s = since.elapsed().as_secs();
                        "the keys of an issuer are fetched again");
                }
                known.keys = Some(Arc::new(keys));
                known.generation += 1;
                known.fetched = known.attempted;
            }
            Err(error) => {
                if known.away_since.is_none() {
                    log::warn!(issuer = self.issuer.as_str(), reason:% = error, has_keys = known.keys.is_some();
                        "the keys of an issuer cannot be fetched; those that are known stay in use");
                }
                known.away_since.get_or_insert_with(Instant::now);
            }
        }
    }
}

/// Whether keys may be fetched from there: encrypted, or from this machine.
pub fn may_be_fetched(url: &str) -> bool {
    let Ok(uri) = url.parse::<ureq::http::Uri>() else {
        return false;
    };
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(_)) => true,
        (Some("http"), Some(host)) => is_this_machine(host),
        _ => false,
    }
}

fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn fetch(place: &KeyPlace, issuer: &str) -> Result<KeySet, FetchError> {
    match place {
        KeyPlace::File(path) => Ok(KeySet::parse(&read(path)?)?),
        KeyPlace::Url(url) => Ok(KeySet::parse(&get(url)?)?),
        KeyPlace::Discovery(url) => {
            let configuration: Configuration =
                serde_json::from_slice(&get(url)?).map_err(|_| FetchError::Configuration)?;
            if configuration.issuer != issuer {
                return Err(FetchError::AnotherIssuer);
            }
            Ok(KeySet::parse(&get(&configuration.jwks_uri)?)?)
        }
    }
}

/// What is read of an OpenID configuration.
#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    jwks_uri: String,
}

fn read(path: &Path) -> Result<Vec<u8>, FetchError> {
    std::fs::read(path).map_err(|error| FetchError::File(error.kind()))
}

fn get(url: &str) -> Result<Vec<u8>, FetchError> {
    if !may_be_fetched(url) {
        return Err(FetchError::NotEncrypted);
    }
    let agent = if url.starts_with("https:") {
        &*ELSEWHERE
    } else {
        &*THIS_MACHINE
    };
    let mut answer = agent.get(url).call().map_err(Box::new)?;
    let status = answer.status();
    if !status.is_success() {
        return Err(FetchError::Status(status.as_u16()));
    }
    let body = answer.body_mut().with_config().limit(LARGEST_ANSWER);
    Ok(body.read_to_vec().map_err(Box::new)?)
}

/// With the roots that the system trusts, and by the proxy that the environment names.
static ELSEWHERE: LazyLock<Agent> = LazyLock::new(|| {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        log::warn!("the system trusts no authority of certificates; no issuer can prove who it is");
    }
    let roots: Vec<Certificate<'static>> = found
        .certs
        .iter()
        .map(|root| Certificate::from_der(root).to_owned())
        .collect();
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::new_with_certs(&roots))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .build();
    config().tls_config(tls).build().new_agent()
});

static THIS_MACHINE: LazyLock<Agent> = LazyLock::new(|| config().proxy(None).build().new_agent());

fn config() -> ureq::config::ConfigBuilder<ureq::typestate::AgentScope> {
    Agent::config_builder()
        .timeout_global(Some(FETCHED_WITHIN))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .max_idle_connections(0)
        .user_agent("ehcp-timeline")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_encrypted_or_from_this_machine() {
        for url in [
            "https://login.example.org/keys",
            "http://127.0.0.1:8080/keys",
            "http://[::1]/keys",
            "http://localhost/keys",
        ] {
            assert!(may_be_fetched(url), "{url}");
        }
        for url in [
            "http://login.example.org/keys",
            "http://127.0.0.1.example.org/keys",
            "http://localhost.example.org/keys",
            "http://10.0.0.1/keys",
            "ftp://login.example.org/keys",
            "file:///etc/passwd",
            "keys",
            "",
        ] {
            assert!(!may_be_fetched(url), "{url}");
        }
    }
}
