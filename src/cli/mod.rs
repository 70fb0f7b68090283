//! The command line: what `ehcp` can be told, one file per command that has substance, and how a command
//! ends when it cannot do what it was told.
//!
//! Commands wire the rooms together and decide nothing about cases. A command that fails says so in one
//! sentence on standard error and ends with one of these codes, which follow `sysexits.h`:
//!
//! | code | when |
//! |---|---|
//! | 0 | done |
//! | 1 | something differs: `rebuild --check` or `restore` found an index other than the events amount to (`restore` has restored it all the same), or the ends of a `copy` are not equal, or `audit verify` found a trail that does not fit |
//! | 64 | the command line is wrong; or `backup` or `restore` was asked of PostgreSQL, which has its own tools |
//! | 65 | the database file is not a database of this program, or the backup is damaged |
//! | 66 | the data folder, the key file, the backup or the source cannot be read |
//! | 69 | the database does not answer, or the server that `health` asks is not ready |
//! | 70 | a fault of the program |
//! | 73 | something cannot be made: the data folder, the database or a key in it, a backup; or there is something in its place: `demo` and `copy` found other data, `backup` a file, `restore` a database |
//! | 75 | try later: another server has the data folder, the port is taken, or another process writes the same backup or copy |
//! | 78 | the configuration, the key or the address cannot be used, or the database or backup is of a newer version, or an end of a `copy` of an older one |
//! | 130 | told twice to stop, or not finished in time: what was not committed was broken off |

mod audit;
mod backup;
mod config;
mod copy;
mod data;
mod demo;
mod exposed;
mod failure;
mod flags;
mod health;
mod migrate;
mod notify;
mod openapi;
mod opening;
mod rebuild;
mod restore;
mod serve;
mod stopping;
mod summary;
mod tls;
mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::auth::install_crypto_provider;
use crate::config::Config;
use crate::logging;
use failure::{Exit, Failure, complain, say};
use flags::SettingFlags;

/// Case management for Education, Health and Care Plans, with live statutory clocks.
#[derive(Debug, Parser)]
#[command(
    name = "ehcp",
    version,
    arg_required_else_help = true,
    after_help = "Every setting can also stand in a file named by --config, or in the environment, where \
                  DATABASE_URL names the database. `ehcp config` shows what holds and who said so."
)]
struct Cli {
    #[command(flatten)]
    settings: SettingFlags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API
    Serve,
    /// Make up an authority in an empty database and serve it
    Demo(demo::Demo),
    /// Print a token of the built-in issuer
    Token(token::Token),
    /// Bring the database up to this version
    Migrate,
    /// Ask whether the server at the configured address is ready
    Health,
    /// Print the settings that hold, and who set each
    Config,
    /// Print the OpenAPI document
    Openapi,
    /// Compute clocks, flags and states again from the events
    Rebuild(rebuild::Rebuild),
    /// Examine the trail of who did and saw what
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Make a backup of the SQLite database, which may be in use
    Backup(backup::Backup),
    /// Examine a backup, and make it the database of an empty data folder
    Restore(restore::Restore),
    /// Move everything, or one authority, to another database
    Copy(copy::Copy),
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => match execute(cli) {
            Ok(exit) => exit.into(),
            Err(failure) => failure.report(),
        },
        Err(said) if said.use_stderr() => {
            complain(&said.render().to_string());
            Exit::Usage.into()
        }
        Err(help) => match say(&help.render().to_string()) {
            Ok(()) => Exit::Done.into(),
            Err(failure) => failure.report(),
        },
    }
}

fn execute(cli: Cli) -> Result<Exit, Failure> {
    install_crypto_provider();
    let config = Config::read(&cli.settings.0)?;
    logging::init(config.json_log, &config.log_filter);
    match cli.command {
        Command::Serve => serve::run(&config),
        Command::Demo(demo) => demo.run(&config),
        Command::Token(token) => token.run(&config),
        Command::Migrate => migrate::run(&config),
        Command::Health => health::ask(&config),
        Command::Config => config::print(&config),
        Command::Openapi => openapi::print(),
        Command::Rebuild(rebuild) => rebuild.run(&config),
        Command::Audit(audit) => audit.run(&config),
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
