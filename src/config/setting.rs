//! The table of settings: what each is called in the file, the environment and on the command line, what it
//! may be, and what it is where nobody says.
//!
//! `docs/OPERATIONS.md` shows the same table; a test holds the two together. Called by `config` and by the
//! command line, which makes its flags from it.

use std::borrow::Cow;

use super::Networks;
use crate::store::Location;

/// One setting. The order is that of the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    Bind,
    Data,
    DatabaseUrl,
    DatabaseUrlFile,
    IssuerKeyFile,
    BuiltInIssuer,
    IssuersFile,
    PublicUrl,
    LogFormat,
    LogFilter,
    MetricsBind,
    TlsCertificateFile,
    TlsKeyFile,
    TrustedProxies,
    ForwardedHeader,
    AllowedOrigins,
    AllowInsecure,
    ClientRequestsPerSecond,
    ClientBurst,
    AddressRequestsPerSecond,
    AddressBurst,
    FailuresPerMinute,
    TokensPerMinute,
    Workers,
    BlockingThreads,
    ReadConnections,
    WriteConnections,
    RequestSeconds,
    BodySeconds,
    AnswerSeconds,
    KeepAliveSeconds,
    DrainSeconds,
    ShutdownSeconds,
    AuditReadings,
}

/// What the table says of a setting.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its key in the file.
    pub name: &'static str,
    pub variable: &'static str,
    /// None for what must not be seen in a list of processes.
    pub flag: Option<&'static str>,
    pub kind: Kind,
    pub default: Fallback,
    /// What a number counts; empty for anything else.
    pub unit: &'static str,
    pub meaning: &'static str,
}

/// What a setting may be.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A host, a colon and a port.
    Address,
    Folder,
    File,
    /// May hold a password, and is never shown with it.
    Database,
    Url,
    OneOf(&'static [&'static str]),
    LogFilter,
    /// Addresses and networks with commas between them.
    Networks,
    /// Origins of web pages with commas between them.
    Origins,
    /// True or false; as a flag it need only be there.
    Switch,
    Whole {
        least: u32,
        most: u32,
    },
}

/// What a setting is where nobody says.
#[derive(Debug, Clone, Copy)]
pub enum Fallback {
    Unset,
    Text(&'static str),
    Number(u32),
    PerCore(u32),
}

impl Setting {
    pub const ALL: [Setting; 34] = [
        Setting::Bind,
        Setting::Data,
        Setting::DatabaseUrl,
        Setting::DatabaseUrlFile,
        Setting::IssuerKeyFile,
        Setting::BuiltInIssuer,
        Setting::IssuersFile,
        Setting::PublicUrl,
        Setting::LogFormat,
        Setting::LogFilter,
        Setting::MetricsBind,
        Setting::TlsCertificateFile,
        Setting::TlsKeyFile,
        Setting::TrustedProxies,
        Setting::ForwardedHeader,
        Setting::AllowedOrigins,
        Setting::AllowInsecure,
        Setting::ClientRequestsPerSecond,
        Setting::ClientBurst,
        Setting::AddressRequestsPerSecond,
        Setting::AddressBurst,
        Setting::FailuresPerMinute,
        Setting::TokensPerMinute,
        Setting::Workers,
        Setting::BlockingThreads,
        Setting::ReadConnections,
        Setting::WriteConnections,
        Setting::RequestSeconds,
        Setting::BodySeconds,
        Setting::AnswerSeconds,
        Setting::KeepAliveSeconds,
        Setting::DrainSeconds,
        Setting::ShutdownSeconds,
        Setting::AuditReadings,
    ];

    /// The setting with this key in the file.
    pub fn named(name: &str) -> Option<Setting> {
        Setting::ALL
            .into_iter()
            .find(|setting| setting.row().name == name)
    }

    /// The setting with this variable of the environment.
    pub fn of_variable(variable: &str) -> Option<Setting> {
        Setting::ALL
            .into_iter()
            .find(|setting| setting.row().variable == variable)
    }

    pub fn row(self) -> Row {
        let seconds = |least| Kind::Whole { least, most: 3600 };
        let number = |most| Kind::Whole { least: 1, most };
        match self {
            Setting::Bind => Row {
                name: "bind",
                variable: "EHCP_BIND",
                flag: Some("bind"),
                kind: Kind::Address,
                default: Fallback::Text("127.0.0.1:8080"),
                unit: "",
                meaning: "The address and port of the API; port 0 takes a free one.",
            },
            Setting::Data => Row {
                name: "data",
                variable: "EHCP_DATA",
                flag: Some("data"),
                kind: Kind::Folder,
                default: Fallback::Text("./data"),
                unit: "",
                meaning: "The folder of the SQLite file and of the issuer's key; made where it is not there.",
            },
            Setting::DatabaseUrl => Row {
                name: "database_url",
                variable: "DATABASE_URL",
                flag: None,
                kind: Kind::Database,
                default: Fallback::Unset,
                unit: "",
                meaning: "The database, `sqlite:…` or `postgres://…`; without one, `ehcp.db` in the data folder.",
            },
            Setting::DatabaseUrlFile => Row {
                name: "database_url_file",
                variable: "EHCP_DATABASE_URL_FILE",
                flag: Some("database-url-file"),
                kind: Kind::File,
                default: Fallback::Unset,
                unit: "",
                meaning: "A file that holds the database URL and nothing else.",
            },
            Setting::IssuerKeyFile => Row {
                name: "issuer_key_file",
                variable: "EHCP_ISSUER_KEY_FILE",
                flag: Some("issuer-key-file"),
                kind: Kind::File,
                default: Fallback::Unset,
                unit: "",
                meaning: "The key that signs tokens; without one, `issuer.key` in the data folder, made once.",
            },
            Setting::BuiltInIssuer => Row {
                name: "built_in_issuer",
                variable: "EHCP_BUILT_IN_ISSUER",
                flag: Some("built-in-issuer"),
                kind: Kind::OneOf(&["on", "off"]),
                default: Fallback::Text("on"),
                unit: "",
                meaning: "Whether people may use tokens that `ehcp token` makes. Those of `/oauth/token` stay good.",
            },
            Setting::IssuersFile => Row {
                name: "issuers_file",
                variable: "EHCP_ISSUERS_FILE",
                flag: Some("issuers-file"),
                kind: Kind::File,
                default: Fallback::Unset,
                unit: "",
                meaning: "A file of the issuers whose tokens are accepted beside, or in place of, the built-in one's.",
            },
            Setting::PublicUrl => Row {
                name: "public_url",
                variable: "EHCP_PUBLIC_URL",
                flag: Some("public-url"),
                kind: Kind::Url,
                default: Fallback::Unset,
                unit: "",
                meaning: "Where the API is reached from outside, such as `https://ehcp.example.org`; \
                          assertions of systems may be meant for its `/oauth/token`.",
            },
            Setting::LogFormat => Row {
                name: "log_format",
                variable: "EHCP_LOG_FORMAT",
                flag: Some("log-format"),
                kind: Kind::OneOf(&["text", "json"]),
                default: Fallback::Text("text"),
                unit: "",
                meaning: "Whether a line of the log is `text` or `json`.",
            },
            Setting::LogFilter => Row {
                name: "log_filter",
                variable: "RUST_LOG",
                flag: Some("log-filter"),
                kind: Kind::LogFilter,
                default: Fallback::Text("info,actix_server=warn"),
                unit: "",
                meaning: "What is logged: `error`, `warn`, `info`, `debug` or `trace`, for all or `target=level`.",
            },
            Setting::MetricsBind => Row {
                name: "metrics_bind",
                variable: "EHCP_METRICS_BIND",
                flag: Some("metrics-bind"),
                kind: Kind::Address,
                default: Fallback::Unset,
                unit: "",
                meaning: "The address and port where `/metrics` is served, without a token; without one, nowhere.",
            },
            Setting::TlsCertificateFile => Row {
                name: "tls_certificate_file",
                variable: "EHCP_TLS_CERTIFICATE_FILE",
                flag: Some("tls-certificate-file"),
                kind: Kind::File,
                default: Fallback::Unset,
                unit: "",
                meaning: "The certificate, with its chain, with which the server speaks TLS itself; PEM.",
            },
            Setting::TlsKeyFile => Row {
                name: "tls_key_file",
                variable: "EHCP_TLS_KEY_FILE",
                flag: Some("tls-key-file"),
                kind: Kind::File,
                default: Fallback::Unset,
                unit: "",
                meaning: "The key that fits the certificate; PEM.",
            },
            Setting::TrustedProxies => Row {
                name: "trusted_proxies",
                variable: "EHCP_TRUSTED_PROXIES",
                flag: Some("trusted-proxies"),
                kind: Kind::Networks,
                default: Fallback::Unset,
                unit: "",
                meaning: "Addresses and networks of the proxies that are believed when they say for whom they ask.",
            },
            Setting::ForwardedHeader => Row {
                name: "forwarded_header",
                variable: "EHCP_FORWARDED_HEADER",
                flag: Some("forwarded-header"),
                kind: Kind::OneOf(&["x-forwarded-for", "forwarded"]),
                default: Fallback::Text("x-forwarded-for"),
                unit: "",
                meaning: "The one header in which they say it; each must add to it, or set it anew.",
            },
            Setting::AllowedOrigins => Row {
                name: "allowed_origins",
                variable: "EHCP_ALLOWED_ORIGINS",
                flag: Some("allowed-origins"),
                kind: Kind::Origins,
                default: Fallback::Unset,
                unit: "",
                meaning: "The origins of web pages that may ask in a browser, such as https://portal.example; none if not set.",
            },
            Setting::AllowInsecure => Row {
                name: "allow_insecure",
                variable: "EHCP_ALLOW_INSECURE",
                flag: Some("allow-insecure"),
                kind: Kind::Switch,
                default: Fallback::Text("false"),
                unit: "",
                meaning: "Whether to start where others could reach a server that is not safe to be reached.",
            },
            Setting::ClientRequestsPerSecond => Row {
                name: "client_requests_per_second",
                variable: "EHCP_CLIENT_REQUESTS_PER_SECOND",
                flag: Some("client-requests-per-second"),
                kind: Kind::Whole {
                    least: 0,
                    most: 1_000_000,
                },
                default: Fallback::Number(100),
                unit: "requests",
                meaning: "How much one client may ask in the long run; 0 is no limit.",
            },
            Setting::ClientBurst => Row {
                name: "client_burst",
                variable: "EHCP_CLIENT_BURST",
                flag: Some("client-burst"),
                kind: Kind::Whole {
                    least: 0,
                    most: 1_000_000,
                },
                default: Fallback::Number(1000),
                unit: "requests",
                meaning: "How much it may ask at once.",
            },
            Setting::AddressRequestsPerSecond => Row {
                name: "address_requests_per_second",
                variable: "EHCP_ADDRESS_REQUESTS_PER_SECOND",
                flag: Some("address-requests-per-second"),
                kind: Kind::Whole {
                    least: 0,
                    most: 1_000_000,
                },
                default: Fallback::Number(500),
                unit: "requests",
                meaning: "How much may be asked from one address in the long run; 0 is no limit.",
            },
            Setting::AddressBurst => Row {
                name: "address_burst",
                variable: "EHCP_ADDRESS_BURST",
                flag: Some("address-burst"),
                kind: Kind::Whole {
                    least: 0,
                    most: 1_000_000,
                },
                default: Fallback::Number(5000),
                unit: "requests",
                meaning: "How much may be asked from it at once.",
            },
            Setting::FailuresPerMinute => Row {
                name: "failures_per_minute",
                variable: "EHCP_FAILURES_PER_MINUTE",
                flag: Some("failures-per-minute"),
                kind: Kind::Whole {
                    least: 0,
                    most: 1_000_000,
                },
                default: Fallback::Number(60),
                unit: "requests",
                meaning: "How often one address may show credentials that are not valid; 0 is no limit.",
            },
            Setting::TokensPerMinute => Row {
                name: "tokens_per_minute",
                variable: "EHCP_TOKENS_PER_MINUTE",
                flag: Some("tokens-per-minute"),
                kind: Kind::Whole {
                    least: 0,
                    most: 1_000_000,
                },
                default: Fallback::Number(60),
                unit: "requests",
                meaning: "How often one address may ask for a token; 0 is no limit.",
            },
            Setting::Workers => Row {
                name: "workers",
                variable: "EHCP_WORKERS",
                flag: Some("workers"),
                kind: number(1024),
                default: Fallback::PerCore(1),
                unit: "threads",
                meaning: "Threads that read requests and write answers.",
            },
            Setting::BlockingThreads => Row {
                name: "blocking_threads",
                variable: "EHCP_BLOCKING_THREADS",
                flag: Some("blocking-threads"),
                kind: number(16_384),
                default: Fallback::Number(512),
                unit: "threads",
                meaning: "Threads, shared out among the workers, for what takes long beside the database, such as hashing a secret; made when needed.",
            },
            Setting::ReadConnections => Row {
                name: "read_connections",
                variable: "EHCP_READ_CONNECTIONS",
                flag: Some("read-connections"),
                kind: number(1024),
                default: Fallback::PerCore(2),
                unit: "connections",
                meaning: "Connections to the database that read, each with a thread.",
            },
            Setting::WriteConnections => Row {
                name: "write_connections",
                variable: "EHCP_WRITE_CONNECTIONS",
                flag: Some("write-connections"),
                kind: number(1024),
                default: Fallback::Number(8),
                unit: "connections",
                meaning: "Connections to PostgreSQL that write, each with a thread; SQLite has one.",
            },
            Setting::RequestSeconds => Row {
                name: "request_seconds",
                variable: "EHCP_REQUEST_SECONDS",
                flag: Some("request-seconds"),
                kind: seconds(1),
                default: Fallback::Number(5),
                unit: "seconds",
                meaning: "How long a client may take to send the head of a request.",
            },
            Setting::BodySeconds => Row {
                name: "body_seconds",
                variable: "EHCP_BODY_SECONDS",
                flag: Some("body-seconds"),
                kind: seconds(1),
                default: Fallback::Number(30),
                unit: "seconds",
                meaning: "How long it may take to send the body.",
            },
            Setting::AnswerSeconds => Row {
                name: "answer_seconds",
                variable: "EHCP_ANSWER_SECONDS",
                flag: Some("answer-seconds"),
                kind: seconds(1),
                default: Fallback::Number(15),
                unit: "seconds",
                meaning: "How long a request waits for the database before it is answered 503.",
            },
            Setting::KeepAliveSeconds => Row {
                name: "keep_alive_seconds",
                variable: "EHCP_KEEP_ALIVE_SECONDS",
                flag: Some("keep-alive-seconds"),
                kind: seconds(0),
                default: Fallback::Number(5),
                unit: "seconds",
                meaning: "How long a connection is kept for another request; 0 closes it after each. \
                          Behind a proxy, more than the proxy's own.",
            },
            Setting::DrainSeconds => Row {
                name: "drain_seconds",
                variable: "EHCP_DRAIN_SECONDS",
                flag: Some("drain-seconds"),
                kind: seconds(0),
                default: Fallback::Number(0),
                unit: "seconds",
                meaning: "How long, once told to stop, it is unready and still accepts, so that a load balancer notices.",
            },
            Setting::ShutdownSeconds => Row {
                name: "shutdown_seconds",
                variable: "EHCP_SHUTDOWN_SECONDS",
                flag: Some("shutdown-seconds"),
                kind: seconds(2),
                default: Fallback::Number(30),
                unit: "seconds",
                meaning: "How long after that it may take to answer what it has accepted.",
            },
            Setting::AuditReadings => Row {
                name: "audit_readings",
                variable: "EHCP_AUDIT_READINGS",
                flag: Some("audit-readings"),
                kind: Kind::OneOf(&["buffered", "durable"]),
                default: Fallback::Text("buffered"),
                unit: "",
                meaning: "Whether the trail of a reading is on the disk within a second of the answer, \
                          or, with `durable`, before it.",
            },
        }
    }
}

impl Kind {
    /// Says what a value should have been, and never what it is: it may hold a password.
    pub fn check(self, value: &str) -> Result<(), Cow<'static, str>> {
        let held = match self {
            Kind::Address => value.rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty() && !host.contains(char::is_whitespace) && port.parse::<u16>().is_ok()
            }),
            Kind::Folder | Kind::File => true,
            Kind::Database => {
                return Location::parse(value)
                    .map(drop)
                    .map_err(|error| format!("cannot be used. {error}").into());
            }
            Kind::Url => value
                .strip_prefix("https://")
                .or_else(|| value.strip_prefix("http://"))
                .is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace)),
            Kind::OneOf(words) => words.contains(&value),
            Kind::LogFilter => env_filter::Builder::new().try_parse(value).is_ok(),
            Kind::Networks => Networks::parse(value).is_some(),
            Kind::Origins => value.split(',').all(|one| is_origin(one.trim())),
            Kind::Switch => value == "true" || value == "false",
            Kind::Whole { least, most } => value
                .parse::<u32>()
                .is_ok_and(|number| (least..=most).contains(&number)),
        };
        if held { Ok(()) } else { Err(self.expected()) }
    }

    /// What is expected, in words.
    pub fn expected(self) -> Cow<'static, str> {
        match self {
            Kind::Address => "must be an address and a port such as 127.0.0.1:8080".into(),
            Kind::Folder => "must be the path of a folder".into(),
            Kind::File => "must be the path of a file".into(),
            Kind::Database => "must be a database URL".into(),
            Kind::Url => "must be a URL such as https://ehcp.example.org".into(),
            Kind::OneOf(words) => format!("must be one of: {}", words.join(", ")).into(),
            Kind::LogFilter => {
                "must be a level, or targets with levels such as info,actix_server=warn".into()
            }
            Kind::Networks => "must be addresses and networks such as 10.0.0.0/8, 192.0.2.7".into(),
            Kind::Origins => "must be origins such as https://portal.example, without a path".into(),
            Kind::Switch => "must be true or false".into(),
            Kind::Whole { least, most } => format!("must be a whole number from {least} to {most}").into(),
        }
    }
}

/// A scheme, a host and perhaps a port, in the very form in which browsers send it.
fn is_origin(text: &str) -> bool {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| {
        let is_allowed =
            |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b':' | b'[' | b']');
        !host.is_empty() && host.bytes().all(is_allowed)
    })
}

impl Fallback {
    /// What it comes to on a machine with so many cores.
    pub fn value(self, cores: u32) -> Option<String> {
        match self {
            Fallback::Unset => None,
            Fallback::Text(text) => Some(text.to_owned()),
            Fallback::Number(number) => Some(number.to_string()),
            Fallback::PerCore(each) => Some(cores.saturating_mul(each).to_string()),
        }
    }

    /// As the documentation and `--help` have it.
    pub fn in_words(self) -> String {
        match self {
            Fallback::Unset => "not set".to_owned(),
            Fallback::Text(text) => text.to_owned(),
            Fallback::Number(number) => number.to_string(),
            Fallback::PerCore(each) => format!("{each} per core"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_found_by_each_of_its_names() {
        for (place, setting) in Setting::ALL.into_iter().enumerate() {
            let row = setting.row();
            assert_eq!(Setting::named(row.name), Some(setting));
            assert_eq!(Setting::of_variable(row.variable), Some(setting));
            assert_eq!(setting as usize, place, "{} is out of order", row.name);
            let is_known = row.variable == "DATABASE_URL" || row.variable == "RUST_LOG";
            assert!(
                is_known || row.variable == format!("EHCP_{}", row.name.to_uppercase()),
                "{}",
                row.variable
            );
            if let Some(flag) = row.flag {
                assert_eq!(flag, row.name.replace('_', "-"));
            }
        }
    }

    #[test]
    fn every_default_may_be_written_out() {
        for setting in Setting::ALL {
            let row = setting.row();
            for cores in [1, 2, 64] {
                if let Some(value) = row.default.value(cores) {
                    assert_eq!(row.kind.check(&value), Ok(()), "{}", row.name);
                }
            }
        }
    }

    #[test]
    fn an_origin_is_as_browsers_send_it() {
        for (text, expected) in [
            ("https://portal.example", true),
            ("http://localhost:3000", true),
            ("https://a.example, https://b.example", true),
            ("*", false),
            ("https://*.example", false),
            ("https://portal.example/", false),
            ("https://Portal.example", false),
            ("portal.example", false),
            ("null", false),
            ("https://", false),
        ] {
            assert_eq!(Kind::Origins.check(text).is_ok(), expected, "{text}");
        }
    }

    #[test]
    fn the_documentation_shows_this_table() {
        let mut table = String::from(
            "| setting | variable | flag | default | unit | meaning |\n|---|---|---|---|---|---|\n",
        );
        for setting in Setting::ALL {
            let row = setting.row();
            let flag = row.flag.map(|flag| format!("`--{flag}`")).unwrap_or_default();
            let default = match row.default {
                Fallback::Unset => row.default.in_words(),
                Fallback::Text(_) | Fallback::Number(_) => format!("`{}`", row.default.in_words()),
                Fallback::PerCore(_) => row.default.in_words(),
            };
            table.push_str(&format!(
                "| `{}` | `{}` | {flag} | {default} | {} | {} |\n",
                row.name, row.variable, row.unit, row.meaning
            ));
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/OPERATIONS.md");
        let documentation = std::fs::read_to_string(path).unwrap();
        assert!(
            documentation.contains(&table),
            "docs/OPERATIONS.md lacks:\n{table}"
        );
    }
}
