//! The command line: what `ehcp` can be told, one file per command that has substance, and how a command
//! ends when it cannot do what it was told.
//!
//! Commands wire the rooms together and decide nothing about cases. A command that fails says so in one
//! sentence on standard error and ends with one of these codes, which follow `sysexits.h`:
//!
//! | code | when |
//! |---|---|
//! | 0 | done |
//! | 1 | something differs: `rebuild --check` or `restore` found an index other than the events amount to (`restore` has restored it all the same), or the ends of a `copy` are not equal |
//! | 64 | the command line is wrong; or `backup` or `restore` was asked of PostgreSQL, which has its own tools |
//! | 65 | the database file is not a database of this program, or the backup is damaged |
//! | 66 | the data folder, the key file, the backup or the source cannot be read |
//! | 69 | the database does not answer |
//! | 70 | a fault of the program |
//! | 73 | something cannot be made: the data folder, the database or a key in it, a backup; or there is something in its place: `demo` and `copy` found other data, `backup` a file, `restore` a database |
//! | 75 | try later: another server has the data folder, the port is taken, or another process writes the same backup or copy |
//! | 78 | the environment, the key or the address cannot be used, or the database or backup is of a newer version, or an end of a `copy` of an older one |

mod backup;
mod copy;
mod data;
mod demo;
mod failure;
mod migrate;
mod openapi;
mod rebuild;
mod restore;
mod serve;
mod summary;
mod token;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::auth::install_crypto_provider;
use crate::config::Config;
use crate::logging;
use failure::{Exit, Failure, complain};

/// Case management for Education, Health and Care Plans, with live statutory clocks.
#[derive(Debug, Parser)]
#[command(
    name = "ehcp",
    version,
    arg_required_else_help = true,
    after_help = "DATABASE_URL names a database to use in place of the SQLite file in the data folder, \
                  EHCP_ISSUER_KEY_FILE a key file in place of the one there; EHCP_LOG_FORMAT is text or json, \
                  and RUST_LOG sets what is logged."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API
    Serve(serve::Serve),
    /// Make up an authority in an empty database and serve it
    Demo(demo::Demo),
    /// Print a token of the built-in issuer
    Token(token::Token),
    /// Bring the database up to this version
    Migrate(migrate::Migrate),
    /// Print the OpenAPI document
    Openapi,
    /// Compute clocks, flags and states again from the events
    Rebuild(rebuild::Rebuild),
    /// Make a backup of the SQLite database, which may be in use
    Backup(backup::Backup),
    /// Examine a backup, and make it the database of an empty data folder
    Restore(restore::Restore),
    /// Move everything, or one authority, to another database
    Copy(copy::Copy),
}

/// Where the data is.
#[derive(Debug, Clone, Args)]
struct DataFolder {
    /// The folder of the database and of the issuer's key
    #[arg(long, value_name = "FOLDER", default_value = "./data")]
    data: PathBuf,
}

/// Where the server listens.
#[derive(Debug, Clone, Args)]
struct Listening {
    /// The address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    bind: String,
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => match execute(cli.command) {
            Ok(exit) => exit.into(),
            Err(failure) => failure.report(),
        },
        Err(said) if said.use_stderr() => {
            complain(&said.render().to_string());
            Exit::Usage.into()
        }
        Err(help) => {
            print!("{}", help.render());
            Exit::Done.into()
        }
    }
}

fn execute(command: Command) -> Result<Exit, Failure> {
    install_crypto_provider();
    let config = Config::from_env()?;
    logging::init(config.json_log);
    match command {
        Command::Serve(serve) => serve.run(&config),
        Command::Demo(demo) => demo.run(&config),
        Command::Token(token) => token.run(&config),
        Command::Migrate(migrate) => migrate.run(&config),
        Command::Openapi => openapi::print(),
        Command::Rebuild(rebuild) => rebuild.run(&config),
        Command::Backup(backup) => backup.run(&config),
        Command::Restore(restore) => restore.run(&config),
        Command::Copy(copy) => copy.run(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
