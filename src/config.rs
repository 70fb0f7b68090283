//! What the environment says, read once at the start. Everything else comes from the command line.
//!
//! Nothing here opens anything. Called by `cli`.

use std::env::{self, VarError};
use std::path::{Path, PathBuf};

use crate::store::{Location, LocationError};

/// The embedded database in the data folder, where no other is named.
const SQLITE_FILE: &str = "ehcp.db";

/// The settings of one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The database that replaces the embedded one: `DATABASE_URL`.
    database: Option<Location>,
    /// The key that signs tokens, where it is not kept in the data folder: `EHCP_ISSUER_KEY_FILE`.
    pub issuer_key_file: Option<PathBuf>,
    /// Whether the log is lines of JSON: `EHCP_LOG_FORMAT`, which is `text` or `json`.
    pub json_log: bool,
}

/// A variable of the environment that cannot be used. Its value is not repeated: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("DATABASE_URL cannot be used. {0}")]
    Database(#[from] LocationError),
    #[error("EHCP_LOG_FORMAT cannot be used. Write `text` or `json`.")]
    LogFormat,
    #[error("{0} cannot be used: it is not UTF-8.")]
    NotUnicode(&'static str),
}

impl Config {
    /// Reads the environment of the process.
    pub fn from_env() -> Result<Config, ConfigError> {
        Config::from(|name| match env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => Err(ConfigError::NotUnicode(name)),
        })
    }

    /// Reads variables; an empty one counts as not set.
    fn from(
        variable: impl Fn(&'static str) -> Result<Option<String>, ConfigError>,
    ) -> Result<Config, ConfigError> {
        let set = |name| Ok::<_, ConfigError>(variable(name)?.filter(|value| !value.is_empty()));
        Ok(Config {
            database: set("DATABASE_URL")?
                .map(|url| Location::parse(&url))
                .transpose()?,
            issuer_key_file: set("EHCP_ISSUER_KEY_FILE")?.map(PathBuf::from),
            json_log: match set("EHCP_LOG_FORMAT")?.as_deref() {
                None | Some("text") => false,
                Some("json") => true,
                Some(_) => return Err(ConfigError::LogFormat),
            },
        })
    }

    /// The database to work on: the one of the environment, or else the file in the data folder.
    pub fn location(&self, data_dir: &Path) -> Location {
        match &self.database {
            Some(location) => location.clone(),
            None => Location::SqliteFile(data_dir.join(SQLITE_FILE)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from(|name| {
            let found = pairs.iter().find(|(known, _)| *known == name);
            Ok(found.map(|(_, value)| (*value).to_owned()))
        })
    }

    #[test]
    fn without_an_environment_the_database_is_a_file_in_the_data_folder() {
        for pairs in [&[][..], &[("DATABASE_URL", ""), ("EHCP_LOG_FORMAT", "")]] {
            let config = config(pairs).unwrap();
            assert_eq!(
                config.location(Path::new("data")),
                Location::SqliteFile("data/ehcp.db".into())
            );
            assert!(!config.json_log && config.issuer_key_file.is_none());
        }
    }

    #[test]
    fn a_url_replaces_the_file() {
        let config = config(&[
            ("DATABASE_URL", "postgres://db/ehcp"),
            ("EHCP_LOG_FORMAT", "json"),
        ])
        .unwrap();
        assert!(matches!(
            config.location(Path::new("data")),
            Location::Postgres(_)
        ));
        assert!(config.json_log);
    }

    #[test]
    fn what_cannot_be_used_is_named_and_not_repeated() {
        let refusal = config(&[("DATABASE_URL", "mysql://root:secret@db/ehcp")]).unwrap_err();
        assert!(
            refusal.to_string().starts_with("DATABASE_URL cannot be used."),
            "{refusal}"
        );
        assert!(!refusal.to_string().contains("secret"), "{refusal}");
        assert_eq!(config(&[("EHCP_LOG_FORMAT", "xml")]), Err(ConfigError::LogFormat));
    }
}
