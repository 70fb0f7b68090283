//! Where the data is: parsing `DATABASE_URL`, and writing it down again without its password.
//!
//! Nothing here opens anything. Called by the configuration and by `connection`.

use std::fmt;
use std::path::PathBuf;

/// A database this program can use, chosen by the scheme of its URL.
///
/// `Display` and `Debug` show `***` for a password, so a location may be logged.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// `sqlite:path` or `sqlite://path`: one file, made when it is not there.
    SqliteFile(PathBuf),
    /// `postgres://…` or `postgresql://…`, kept as it was given.
    Postgres(String),
}

/// Why a database URL was refused. The URL itself is never repeated: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    #[error("A database URL starts with `sqlite:`, `postgres://` or `postgresql://`.")]
    NoScheme,
    #[error("Databases of the kind `{0}` are not supported. Use `sqlite:` or `postgres://`.")]
    UnknownScheme(String),
    #[error("The database URL names no file. Write `sqlite:` and the path of the file.")]
    NoFile,
    #[error("A database in memory is not supported: its connections would not see each other. Name a file.")]
    InMemory,
    #[error("A `sqlite:` URL takes a path and no options. Remove the `?` and what follows it.")]
    Options,
    #[error(
        "The PostgreSQL URL has more than one `@`, or one in its path. \
         In a user name, a password or an option write `@` as `%40` and `/` as `%2F`."
    )]
    AmbiguousPassword,
}

impl Location {
    /// Reads a database URL. The path of a `sqlite:` URL is taken as it stands, without percent-decoding.
    pub fn parse(url: &str) -> Result<Location, LocationError> {
        let (scheme, rest) = url.split_once(':').ok_or(LocationError::NoScheme)?;
        match scheme {
            "sqlite" => parse_sqlite(rest.strip_prefix("//").unwrap_or(rest)),
            "postgres" | "postgresql" => {
                let rest = rest.strip_prefix("//").ok_or(LocationError::NoScheme)?;
                parse_postgres(url, rest)
            }
            _ if is_scheme(scheme) => Err(LocationError::UnknownScheme(scheme.to_owned())),
            _ => Err(LocationError::NoScheme),
        }
    }

    /// The text with every password of this location masked, for what a database library says about it.
    pub(super) fn redact(&self, text: &str) -> String {
        match self {
            Location::SqliteFile(_) => text.to_owned(),
            Location::Postgres(url) => passwords(url)
                .iter()
                .fold(text.to_owned(), |text, password| text.replace(password, "***")),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::SqliteFile(path) => write!(formatter, "sqlite:{}", path.display()),
            Location::Postgres(url) => formatter.write_str(&without_passwords(url)),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Location({self})")
    }
}

fn parse_sqlite(path: &str) -> Result<Location, LocationError> {
    if path.is_empty() {
        Err(LocationError::NoFile)
    } else if path.contains(":memory:") {
        Err(LocationError::InMemory)
    } else if path.contains('?') {
        Err(LocationError::Options)
    } else {
        Ok(Location::SqliteFile(PathBuf::from(path)))
    }
}

/// With more than one reading of where the password ends, libpq would quote half of it in its errors.
fn parse_postgres(url: &str, rest: &str) -> Result<Location, LocationError> {
    let authority = rest.split('/').next().unwrap_or_default();
    match rest.matches('@').count() {
        0 => Ok(Location::Postgres(url.to_owned())),
        1 if authority.contains('@') => Ok(Location::Postgres(url.to_owned())),
        _ => Err(LocationError::AmbiguousPassword),
    }
}

fn is_scheme(text: &str) -> bool {
    (2..=20).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// The parts of a PostgreSQL URL: scheme and user, password, host and path, options.
fn parts(url: &str) -> (&str, Option<&str>, &str, Option<&str>) {
    let (login, server) = match url.rfind('@') {
        Some(at) => url.split_at(at),
        None => ("", url),
    };
    let scheme = login.find("://").map_or(0, |at| at + 3);
    let (user, password) = match login[scheme..].find(':') {
        Some(colon) => (&login[..scheme + colon], Some(&login[scheme + colon + 1..])),
        None => (login, None),
    };
    match server.split_once('?') {
        Some((server, options)) => (user, password, server, Some(options)),
        None => (user, password, server, None),
    }
}

/// libpq has `password` and `sslpassword`; a file's name (`passfile`) is no secret.
fn secret_option(option: &str) -> Option<(&str, &str)> {
    option
        .split_once('=')
        .filter(|(name, value)| name.contains("password") && !value.is_empty())
}

fn passwords(url: &str) -> Vec<&str> {
    let (_, password, _, options) = parts(url);
    let in_options = options
        .into_iter()
        .flat_map(|options| options.split('&'))
        .filter_map(secret_option);
    password
        .into_iter()
        .filter(|password| !password.is_empty())
        .chain(in_options.map(|(_, value)| value))
        .collect()
}

fn without_passwords(url: &str) -> String {
    let (user, password, server, options) = parts(url);
    let masked = |option| match secret_option(option) {
        Some((name, _)) => format!("{name}=***"),
        None => option.to_owned(),
    };
    let password = password.map(|_| ":***").unwrap_or_default();
    let options = options.map(|options| options.split('&').map(masked).collect::<Vec<_>>().join("&"));
    let options = options.map(|options| format!("?{options}")).unwrap_or_default();
    format!("{user}{password}{server}{options}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_chooses_the_database() {
        let file = |path: &str| Ok(Location::SqliteFile(PathBuf::from(path)));
        assert_eq!(Location::parse("sqlite:ehcp.db"), file("ehcp.db"));
        assert_eq!(Location::parse("sqlite://data/ehcp.db"), file("data/ehcp.db"));
        assert_eq!(
            Location::parse("sqlite:///var/lib/ehcp.db"),
            file("/var/lib/ehcp.db")
        );
        for url in [
            "postgres://db/ehcp",
            "postgresql://ehcp:secret@db:5432/ehcp?sslmode=disable",
        ] {
            assert_eq!(Location::parse(url), Ok(Location::Postgres(url.to_owned())));
        }
    }

    #[test]
    fn other_schemes_are_refused_by_name() {
        let refusal = Location::parse("mysql://root:secret@db/ehcp").unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "Databases of the kind `mysql` are not supported. Use `sqlite:` or `postgres://`."
        );
        assert_eq!(Location::parse("ehcp.db"), Err(LocationError::NoScheme));
        assert_eq!(Location::parse("postgres:ehcp"), Err(LocationError::NoScheme));
        assert_eq!(Location::parse("sqlite:"), Err(LocationError::NoFile));
        assert_eq!(Location::parse("sqlite::memory:"), Err(LocationError::InMemory));
        assert_eq!(
            Location::parse("sqlite://ehcp.db?mode=rwc"),
            Err(LocationError::Options)
        );
    }

    #[test]
    fn a_password_is_never_shown() {
        let url = "postgres://ehcp:hunter2@db:5432/ehcp?sslpassword=hunter3&connect_timeout=5";
        let location = Location::parse(url).unwrap();
        let shown = "postgres://ehcp:***@db:5432/ehcp?sslpassword=***&connect_timeout=5";
        assert_eq!(location.to_string(), shown);
        assert_eq!(format!("{location:?}"), format!("Location({shown})"));
        assert_eq!(location.redact("no: hunter2, hunter3"), "no: ***, ***");
        let two = "postgres://ehcp:hunter2@a:5432,b:5433/ehcp?target_session_attrs=read-write";
        let shown = "postgres://ehcp:***@a:5432,b:5433/ehcp?target_session_attrs=read-write";
        assert_eq!(Location::parse(two).unwrap().to_string(), shown);
        let without_login = "postgres://db/ehcp?user=ehcp&password=hunter2";
        assert_eq!(
            Location::parse(without_login).unwrap().to_string(),
            "postgres://db/ehcp?user=ehcp&password=***"
        );
    }

    #[test]
    fn a_password_that_could_be_read_two_ways_is_refused() {
        for url in [
            "postgres://ehcp:p@ss@db/ehcp",
            "postgres://ehcp:p/ss@db/ehcp",
            "postgres://db?password=p@/ss@",
        ] {
            assert_eq!(
                Location::parse(url),
                Err(LocationError::AmbiguousPassword),
                "{url}"
            );
        }
    }
}
