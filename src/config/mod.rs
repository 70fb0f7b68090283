//! What the process was told at its start: by flags, by the environment, by a file, or by nobody.
//!
//! In that order each setting is taken from the first that names it. Whatever is unknown or cannot be used is
//! refused, all of it at once, by its place and never by its value, which may be a password. Opens nothing but
//! the file, and those that hold the database URL and the issuers. Called by `cli`.

mod file;
mod issuers;
mod networks;
mod setting;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

pub use self::networks::Networks;
pub use self::setting::{Fallback, Kind, Row, Setting};
use crate::auth::{Issuer, KeyPlace, Trust};
use crate::service::readings::Durability;
use crate::store::{Location, Sizes};

/// The variable that names the file.
pub const FILE_VARIABLE: &str = "EHCP_CONFIG";
/// The embedded database in the data folder, where no other is named.
const SQLITE_FILE: &str = "ehcp.db";
/// The program's own variables start so; those of its tests are not its concern.
const PREFIX: &str = "EHCP_";
const TEST_PREFIX: &str = "EHCP_TEST_";

/// The settings of one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub bind: String,
    pub data: PathBuf,
    /// The database to work on.
    pub database: Location,
    /// The key that signs tokens, where it is not kept in the data folder.
    pub issuer_key_file: Option<PathBuf>,
    /// Files that hold a password of the database.
    pub secret_files: Vec<PathBuf>,
    /// Files by which is decided whose tokens are accepted and what holds here.
    pub trusted_files: Vec<PathBuf>,
    /// Whose tokens are accepted.
    pub trust: Trust,
    /// Whether the log is lines of JSON.
    pub json_log: bool,
    pub log_filter: String,
    pub metrics_bind: Option<String>,
    /// Where the server speaks TLS itself.
    pub tls: Option<TlsFiles>,
    pub trusted_proxies: Networks,
    pub forwarded_header: ForwardedHeader,
    pub allowed_origins: Vec<String>,
    pub allow_insecure: bool,
    pub rates: RateNumbers,
    pub workers: usize,
    /// Of all workers together.
    pub blocking_threads: usize,
    pub sizes: Sizes,
    pub request_head_within: Duration,
    pub body_within: Duration,
    /// Zero where a connection serves one request.
    pub keep_alive: Duration,
    pub drain: Duration,
    pub shutdown: Duration,
    pub audit_readings: Durability,
    effective: Vec<Effective>,
}

/// What the server proves itself with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate_file: PathBuf,
    pub key_file: PathBuf,
}

/// How much may be asked; nought is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateNumbers {
    pub client_requests_per_second: u32,
    pub client_burst: u32,
    pub address_requests_per_second: u32,
    pub address_burst: u32,
    pub failures_per_minute: u32,
    pub tokens_per_minute: u32,
}

/// The header in which proxies say for whom they ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForwardedHeader {
    #[default]
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

impl ForwardedHeader {
    pub const ALL: [ForwardedHeader; 2] = [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded];

    pub fn name(self) -> &'static str {
        match self {
            ForwardedHeader::XForwardedFor => "x-forwarded-for",
            ForwardedHeader::Forwarded => "forwarded",
        }
    }
}

/// One setting as it holds, fit to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    pub setting: Setting,
    /// None where it is not set; a password in it is masked.
    pub shown: Option<String>,
    /// Who set it, in words.
    pub set_by: String,
}

/// Who set something; a later one overrules an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Default,
    /// A file and the line in it.
    File(PathBuf, usize),
    Environment,
    Flag,
}

/// What the command line says of settings.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    pub file: Option<PathBuf>,
    pub given: Vec<(Setting, String)>,
}

/// Everything that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", in_one_line(faults))]
pub struct ConfigError {
    pub faults: Vec<Fault>,
}

/// Something that cannot be used, without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub place: String,
    pub what: Cow<'static, str>,
    /// Whether whoever typed the command is to mend it.
    pub on_command_line: bool,
}

impl Fault {
    fn new(place: impl Into<String>, what: impl Into<Cow<'static, str>>) -> Fault {
        Fault {
            place: place.into(),
            what: what.into(),
            on_command_line: false,
        }
    }
}

fn in_one_line(faults: &[Fault]) -> String {
    let each: Vec<String> = faults
        .iter()
        .map(|fault| format!("{} {}", fault.place, fault.what.trim_end_matches('.')))
        .collect();
    format!("{}.", each.join("; "))
}

impl Origin {
    fn rank(&self) -> u8 {
        match self {
            Origin::Default => 0,
            Origin::File(..) => 1,
            Origin::Environment => 2,
            Origin::Flag => 3,
        }
    }

    /// Where somebody has to look for a setting.
    fn place(&self, setting: Setting) -> String {
        let row = setting.row();
        match self {
            Origin::Default => row.name.to_owned(),
            Origin::File(path, line) => format!("{} in {} line {line}", row.name, path.display()),
            Origin::Environment => row.variable.to_owned(),
            Origin::Flag => format!("--{}", row.flag.unwrap_or(row.name)),
        }
    }

    fn in_words(&self, setting: Setting) -> String {
        match self {
            Origin::Default => "default".to_owned(),
            Origin::File(path, line) => format!("{} line {line}", path.display()),
            Origin::Environment | Origin::Flag => self.place(setting),
        }
    }

    fn fault(&self, setting: Setting, what: impl Into<Cow<'static, str>>) -> Fault {
        Fault {
            on_command_line: *self == Origin::Flag,
            ..Fault::new(self.place(setting), what)
        }
    }
}

/// A name that somebody chose, if it is one; what else they wrote may be a secret in the wrong place.
fn quoted(name: &str) -> Cow<'static, str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if (1..=40).contains(&name.len()) && name.chars().all(is_name) {
        format!("`{name}`").into()
    } else {
        "a key".into()
    }
}

impl Config {
    /// Reads the flags, the environment of the process and the file that either names.
    pub fn read(flags: &Flags) -> Result<Config, ConfigError> {
        Config::from(flags, env::vars_os())
    }

    /// An empty variable counts as not set.
    fn from(
        flags: &Flags,
        environment: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Config, ConfigError> {
        let mut faults = Vec::new();
        let (variables, file_of_environment) = in_environment(environment, &mut faults);
        let mut held = BTreeMap::new();
        let file = flags.file.clone().or(file_of_environment);
        if let Some(path) = file.clone() {
            let (found, wrong) = file::read(&path);
            faults.extend(wrong);
            for (setting, value, line) in found {
                held.insert(setting, (value, Origin::File(path.clone(), line)));
            }
        }
        for (setting, value) in variables {
            held.insert(setting, (value, Origin::Environment));
        }
        for (setting, value) in &flags.given {
            held.insert(*setting, (value.clone(), Origin::Flag));
        }
        for (setting, (value, origin)) in &held {
            if let Err(expected) = setting.row().kind.check(value) {
                faults.push(origin.fault(*setting, expected));
            }
        }
        let database = database(&held, &mut faults);
        let (certificate, key) = (Setting::TlsCertificateFile, Setting::TlsKeyFile);
        for (one, other) in [(certificate, key), (key, certificate)] {
            if let (Some((_, origin)), None) = (held.get(&one), held.get(&other)) {
                let what = format!("needs {} beside it", other.row().name);
                faults.push(origin.fault(one, what));
            }
        }
        let issuers = issuers(&held, &mut faults);
        if !faults.is_empty() {
            return Err(ConfigError { faults });
        }
        let cores = available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX));
        Ok(Config {
            secret_files: secret_files(&held),
            trusted_files: trusted_files(file, &held, &issuers),
            ..Config::of(&held, database, issuers, cores)
        })
    }

    /// Takes values that have been checked.
    fn of(
        held: &BTreeMap<Setting, (String, Origin)>,
        database: Option<(Location, String)>,
        issuers: Vec<Issuer>,
        cores: u32,
    ) -> Config {
        let value = |setting: Setting| match held.get(&setting) {
            Some((value, _)) => Some(value.clone()),
            None => setting.row().default.value(cores),
        };
        let text = |setting| value(setting).unwrap_or_default();
        let number = |setting| text(setting).parse::<u32>().unwrap_or_default();
        let count = |setting| usize::try_from(number(setting)).unwrap_or(usize::MAX);
        let seconds = |setting| Duration::from_secs(number(setting).into());
        let data = PathBuf::from(text(Setting::Data));
        let effective = Setting::ALL
            .into_iter()
            .map(|setting| match (setting, &database) {
                (Setting::DatabaseUrl, Some((location, set_by))) => Effective {
                    setting,
                    shown: Some(location.to_string()),
                    set_by: set_by.clone(),
                },
                (setting, _) => Effective {
                    setting,
                    shown: value(setting),
                    set_by: held
                        .get(&setting)
                        .map_or(&Origin::Default, |(_, origin)| origin)
                        .in_words(setting),
                },
            });
        Config {
            effective: effective.collect(),
            bind: text(Setting::Bind),
            database: match database {
                Some((location, _)) => location,
                None => Location::SqliteFile(data.join(SQLITE_FILE)),
            },
            data,
            issuer_key_file: value(Setting::IssuerKeyFile).map(PathBuf::from),
            secret_files: Vec::new(),
            trusted_files: Vec::new(),
            trust: Trust {
                built_in_issuer: text(Setting::BuiltInIssuer) == "on",
                issuers,
                public_url: value(Setting::PublicUrl),
            },
            json_log: text(Setting::LogFormat) == "json",
            log_filter: text(Setting::LogFilter),
            metrics_bind: value(Setting::MetricsBind),
            tls: match (value(Setting::TlsCertificateFile), value(Setting::TlsKeyFile)) {
                (Some(certificate_file), Some(key_file)) => Some(TlsFiles {
                    certificate_file: certificate_file.into(),
                    key_file: key_file.into(),
                }),
                (_, None) | (None, _) => None,
            },
            trusted_proxies: value(Setting::TrustedProxies)
                .and_then(|text| Networks::parse(&text))
                .unwrap_or_default(),
            forwarded_header: ForwardedHeader::ALL
                .into_iter()
                .find(|header| header.name() == text(Setting::ForwardedHeader))
                .unwrap_or_default(),
            allowed_origins: value(Setting::AllowedOrigins)
                .map(|text| text.split(',').map(|one| one.trim().to_owned()).collect())
                .unwrap_or_default(),
            allow_insecure: text(Setting::AllowInsecure) == "true",
            rates: RateNumbers {
                client_requests_per_second: number(Setting::ClientRequestsPerSecond),
                client_burst: number(Setting::ClientBurst),
                address_requests_per_second: number(Setting::AddressRequestsPerSecond),
                address_burst: number(Setting::AddressBurst),
                failures_per_minute: number(Setting::FailuresPerMinute),
                tokens_per_minute: number(Setting::TokensPerMinute),
            },
            workers: count(Setting::Workers),
            blocking_threads: count(Setting::BlockingThreads),
            sizes: Sizes {
                read_connections: number(Setting::ReadConnections),
                write_connections: number(Setting::WriteConnections),
                answer_within: seconds(Setting::AnswerSeconds),
            },
            request_head_within: seconds(Setting::RequestSeconds),
            body_within: seconds(Setting::BodySeconds),
            keep_alive: seconds(Setting::KeepAliveSeconds),
            drain: seconds(Setting::DrainSeconds),
            shutdown: seconds(Setting::ShutdownSeconds),
            audit_readings: if text(Setting::AuditReadings) == "durable" {
                Durability::Durable
            } else {
                Durability::Buffered
            },
        }
    }

    /// Every setting as it holds, in the order of the table.
    pub fn effective(&self) -> &[Effective] {
        &self.effective
    }
}

/// What the environment sets, and the file it names.
fn in_environment(
    environment: impl Iterator<Item = (OsString, OsString)>,
    faults: &mut Vec<Fault>,
) -> (Vec<(Setting, String)>, Option<PathBuf>) {
    let (mut found, mut file) = (Vec::new(), None);
    for (name, value) in environment {
        let name = name.to_string_lossy();
        let setting = Setting::of_variable(&name);
        let is_ours = name.starts_with(PREFIX) && !name.starts_with(TEST_PREFIX) && !is_of_a_service(&name);
        if setting.is_none() && !is_ours {
            continue;
        }
        match (setting, value.into_string()) {
            (_, Ok(value)) if value.is_empty() => {}
            (Some(setting), Ok(value)) => found.push((setting, value)),
            (None, Ok(value)) if name == FILE_VARIABLE => file = Some(PathBuf::from(value)),
            (None, Ok(_) | Err(_)) if name != FILE_VARIABLE => {
                faults.push(Fault::new(
                    format!("the variable {}", quoted(&name)),
                    "is no setting",
                ));
            }
            (_, Ok(_) | Err(_)) => faults.push(Fault::new(name, "is not UTF-8")),
        }
    }
    // The order of an environment is nobody's choice; that of what is said about it should be the same.
    faults.sort_by(|one, other| one.place.cmp(&other.place));
    (found, file)
}

/// Whether a variable is one of those that Kubernetes puts beside every container, for a service whose name begins as
/// our variables do.
fn is_of_a_service(name: &str) -> bool {
    let is_port = |rest: &str| {
        let (number, protocol) = rest.split_once('_').unwrap_or((rest, ""));
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number
            && ["TCP", "UDP", "SCTP"]
                .iter()
                .any(|known| protocol.starts_with(known))
    };
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || name.ends_with("_PORT")
        || name.split_once("_PORT_").is_some_and(|(_, rest)| is_port(rest))
}

/// The database that is named, directly or by a file, and by whom. Where both are, the one that overrules.
fn database(
    held: &BTreeMap<Setting, (String, Origin)>,
    faults: &mut Vec<Fault>,
) -> Option<(Location, String)> {
    let url = held.get(&Setting::DatabaseUrl);
    let file = held.get(&Setting::DatabaseUrlFile);
    if let (Some((_, url_from)), Some((_, file_from))) = (url, file)
        && url_from.rank() == file_from.rank()
    {
        let place = file_from.place(Setting::DatabaseUrlFile);
        faults.push(Fault::new(
            place,
            "and the database URL itself are both set; remove one",
        ));
        return None;
    }
    match (url, file) {
        (Some((url, url_from)), file)
            if file.is_none_or(|(_, file_from)| url_from.rank() > file_from.rank()) =>
        {
            // What is wrong with it has been said.
            let location = Location::parse(url).ok()?;
            Some((location, url_from.in_words(Setting::DatabaseUrl)))
        }
        (_, Some((path, origin))) => match read_url(Path::new(path)) {
            Ok(location) => Some((location, origin.in_words(Setting::DatabaseUrlFile))),
            Err(what) => {
                faults.push(origin.fault(Setting::DatabaseUrlFile, what));
                None
            }
        },
        (_, None) => None,
    }
}

/// The files from which the database URL is taken, if it has a password or may.
fn secret_files(held: &BTreeMap<Setting, (String, Origin)>) -> Vec<PathBuf> {
    let in_file = match held.get(&Setting::DatabaseUrl) {
        Some((url, Origin::File(path, _))) => match Location::parse(url) {
            Ok(Location::Postgres(_)) => Some(path.clone()),
            Ok(Location::SqliteFile(_)) | Err(_) => None,
        },
        Some((_, Origin::Default | Origin::Environment | Origin::Flag)) | None => None,
    };
    let named = held.get(&Setting::DatabaseUrlFile);
    let named = named.map(|(path, _)| PathBuf::from(path));
    in_file.into_iter().chain(named).collect()
}

/// The settings' own file, that of the issuers, and those of their keys.
fn trusted_files(
    file: Option<PathBuf>,
    held: &BTreeMap<Setting, (String, Origin)>,
    issuers: &[Issuer],
) -> Vec<PathBuf> {
    let of_issuers = held.get(&Setting::IssuersFile);
    let of_issuers = of_issuers.map(|(path, _)| PathBuf::from(path));
    let of_keys = issuers.iter().filter_map(|issuer| match &issuer.keys {
        KeyPlace::File(path) => Some(path.clone()),
        KeyPlace::Discovery(_) | KeyPlace::Url(_) => None,
    });
    file.into_iter().chain(of_issuers).chain(of_keys).collect()
}

/// The issuers of the file that is named.
fn issuers(held: &BTreeMap<Setting, (String, Origin)>, faults: &mut Vec<Fault>) -> Vec<Issuer> {
    let Some((path, _)) = held.get(&Setting::IssuersFile) else {
        return Vec::new();
    };
    issuers::read(Path::new(path)).unwrap_or_else(|wrong| {
        faults.extend(wrong);
        Vec::new()
    })
}

fn read_url(path: &Path) -> Result<Location, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {}", error.kind()))?;
    Location::parse(text.trim()).map_err(|error| format!("names a file that cannot be used. {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(flags: &[(Setting, &str)], environment: &[(&str, &str)]) -> Result<Config, String> {
        let flags = Flags {
            file: None,
            given: flags
                .iter()
                .map(|(setting, value)| (*setting, (*value).to_owned()))
                .collect(),
        };
        let environment = environment
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        Config::from(&flags, environment).map_err(|error| error.to_string())
    }

    fn file(text: &str) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ehcp.toml");
        std::fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap().to_owned();
        (folder, path)
    }

    fn set_by(config: &Config, setting: Setting) -> &str {
        let effective = config.effective().iter();
        &effective
            .clone()
            .find(|held| held.setting == setting)
            .unwrap()
            .set_by
    }

    #[test]
    fn without_anything_said_the_database_is_a_file_in_the_data_folder() {
        for environment in [
            &[][..],
            &[("DATABASE_URL", ""), ("EHCP_LOG_FORMAT", ""), ("PATH", "/bin")],
        ] {
            let config = read(&[], environment).unwrap();
            assert_eq!(config.database, Location::SqliteFile("./data/ehcp.db".into()));
            assert!(!config.json_log && config.issuer_key_file.is_none() && config.metrics_bind.is_none());
            assert_eq!(config.log_filter, "info,actix_server=warn");
        }
        let moved = read(&[(Setting::Data, "elsewhere")], &[]).unwrap();
        assert_eq!(moved.database, Location::SqliteFile("elsewhere/ehcp.db".into()));
    }

    #[test]
    fn what_kubernetes_says_of_services_is_no_setting() {
        let services = [
            ("EHCP_SERVICE_HOST", "10.0.0.7"),
            ("EHCP_SERVICE_PORT_HTTP", "8080"),
            ("EHCP_PORT", "tcp://10.0.0.7:8080"),
            ("EHCP_PORT_8080_TCP_ADDR", "10.0.0.7"),
            ("EHCP_DB_SERVICE_HOST", "10.0.0.8"),
        ];
        assert!(read(&[], &services).is_ok());
        for unknown in ["EHCP_PORTS", "EHCP_PORT_OF_CALL", "EHCP_SERVICE"] {
            let refused = read(&[], &[(unknown, "1")]).unwrap_err();
            assert!(refused.contains(unknown), "{refused}");
        }
    }

    #[test]
    fn a_flag_overrules_the_environment_and_that_the_file() {
        let (_folder, path) = file("bind = \"127.0.0.1:1\"\nworkers = 3\nkeep_alive_seconds = 7\n");
        let config = read(
            &[(Setting::Workers, "5")],
            &[
                ("EHCP_CONFIG", &path),
                ("EHCP_WORKERS", "4"),
                ("EHCP_KEEP_ALIVE_SECONDS", "8"),
            ],
        )
        .unwrap();
        assert_eq!(config.workers, 5);
        assert_eq!(config.keep_alive, Duration::from_secs(8));
        assert_eq!(config.bind, "127.0.0.1:1");
        assert_eq!(set_by(&config, Setting::Workers), "--workers");
        assert_eq!(
            set_by(&config, Setting::KeepAliveSeconds),
            "EHCP_KEEP_ALIVE_SECONDS"
        );
        assert_eq!(set_by(&config, Setting::Bind), format!("{path} line 1"));
        assert_eq!(set_by(&config, Setting::DrainSeconds), "default");
    }

    #[test]
    fn every_fault_is_told_at_once_by_its_place_and_not_by_its_value() {
        let (_folder, path) = file(
            "worker = 2\nworkers = \"hush\"\n\nlog_format = \"hush\"\nread_connections = 0\n[hush]\nx = 1\n",
        );
        let refusal = read(
            &[(Setting::ShutdownSeconds, "hush")],
            &[
                ("EHCP_CONFIG", &path),
                ("EHCP_LOGFORMAT", "hush"),
                ("EHCP_TEST_ANYTHING", "1"),
                ("DATABASE_URL", "mysql://root:hush@db/ehcp"),
                ("RUST_LOG", "ehcp=hush"),
            ],
        )
        .unwrap_err();
        for place in [
            "`EHCP_LOGFORMAT` is no setting".to_owned(),
            format!("`worker` in {path} line 1 is no setting"),
            format!("workers in {path} line 2 must be a whole number from 1 to 1024"),
            format!("log_format in {path} line 4 must be one of: text, json"),
            format!("read_connections in {path} line 5 must be"),
            format!("in {path} line 6 is no setting"),
            "--shutdown-seconds must be a whole number from 2 to 3600".to_owned(),
            "DATABASE_URL cannot be used. Databases of the kind `mysql` are not supported".to_owned(),
            "RUST_LOG must be a level".to_owned(),
        ] {
            assert!(refusal.contains(&place), "{place}: {refusal}");
        }
        assert_eq!(refusal.matches("; ").count(), 8, "{refusal}");
        assert!(!refusal.replace("`hush` in", "").contains("hush"), "{refusal}");
        assert!(!refusal.contains("EHCP_TEST"), "{refusal}");
    }

    #[test]
    fn tls_takes_a_certificate_and_its_key() {
        let alone = read(&[], &[("EHCP_TLS_KEY_FILE", "key.pem")]).unwrap_err();
        assert_eq!(alone, "EHCP_TLS_KEY_FILE needs tls_certificate_file beside it.");
        let both = [
            ("EHCP_TLS_KEY_FILE", "key.pem"),
            ("EHCP_TLS_CERTIFICATE_FILE", "all.pem"),
        ];
        let tls = read(&[], &both).unwrap().tls.unwrap();
        assert_eq!(tls.certificate_file, PathBuf::from("all.pem"));
        assert_eq!(tls.key_file, PathBuf::from("key.pem"));
    }

    #[test]
    fn a_truth_may_stand_in_the_file() {
        let (_folder, path) =
            file("allow_insecure = true\nallowed_origins = \"https://a.example, https://b.example\"\n");
        let config = read(&[], &[("EHCP_CONFIG", &path)]).unwrap();
        assert!(config.allow_insecure);
        assert_eq!(config.allowed_origins, ["https://a.example", "https://b.example"]);
        let (_folder, path) = file("allow_insecure = \"true\"\n");
        let refusal = read(&[], &[("EHCP_CONFIG", &path)]).unwrap_err();
        assert!(refusal.ends_with("line 1 must be true or false."), "{refusal}");
    }

    #[test]
    fn a_file_that_is_not_toml_is_refused_by_its_line() {
        let (_folder, path) = file("workers = 2\ndatabase_url = postgres://ehcp:hush@db/ehcp\n");
        let refusal = read(&[], &[("EHCP_CONFIG", &path)]).unwrap_err();
        assert!(refusal.contains("is not TOML at line 2"), "{refusal}");
        assert!(!refusal.contains("hush"), "{refusal}");
        let refusal = read(&[], &[("EHCP_CONFIG", "/nowhere/ehcp.toml")]).unwrap_err();
        assert!(refusal.contains("/nowhere/ehcp.toml cannot be read"), "{refusal}");
    }

    #[test]
    fn the_database_url_may_stand_in_a_file_of_its_own() {
        let (_folder, path) = file("postgres://ehcp:hush@db/ehcp\n");
        let by_file = ("EHCP_DATABASE_URL_FILE", path.as_str());
        let config = read(&[], &[by_file]).unwrap();
        assert_eq!(
            config.database,
            Location::parse("postgres://ehcp:hush@db/ehcp").unwrap()
        );
        assert_eq!(set_by(&config, Setting::DatabaseUrl), "EHCP_DATABASE_URL_FILE");
        let shown: Vec<_> = config
            .effective()
            .iter()
            .filter_map(|held| held.shown.as_ref())
            .collect();
        assert!(
            shown.iter().any(|shown| *shown == "postgres://ehcp:***@db/ehcp"),
            "{shown:?}"
        );
        assert!(!format!("{config:?}").contains("hush"), "{config:?}");

        let both = read(&[], &[by_file, ("DATABASE_URL", "sqlite:ehcp.db")]).unwrap_err();
        assert!(both.contains("are both set"), "{both}");
        let flag = [(Setting::DatabaseUrlFile, path.as_str())];
        let overruled = read(&flag, &[("DATABASE_URL", "sqlite:ehcp.db")]).unwrap();
        assert!(matches!(overruled.database, Location::Postgres(_)));

        let (_folder, path) = file("ehcp:hush\n");
        let refusal = read(&[], &[("EHCP_DATABASE_URL_FILE", &path)]).unwrap_err();
        assert!(
            refusal.starts_with("EHCP_DATABASE_URL_FILE names a file") && !refusal.contains("hush"),
            "{refusal}"
        );
    }
}
