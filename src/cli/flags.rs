//! The flags of the settings, made from their table, and good for every command.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches};

use crate::config::{FILE_VARIABLE, Flags, Kind, Setting};

const HEADING: &str = "Settings";
const FILE: &str = "config";

/// What the command line says of settings; [`Config`](crate::config::Config) judges it.
#[derive(Debug, Clone, Default)]
pub(super) struct SettingFlags(pub(super) Flags);

impl Args for SettingFlags {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new(FILE)
            .long(FILE)
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help(format!("A file of settings, in TOML [env: {FILE_VARIABLE}]"))
            .help_heading(HEADING)
            .global(true);
        let settings = Setting::ALL.into_iter().filter_map(|setting| {
            let row = setting.row();
            let flag = row.flag?;
            let help = format!(
                "{} [env: {}] [default: {}]",
                row.meaning.trim_end_matches('.'),
                row.variable,
                row.default.in_words()
            );
            let arg = Arg::new(flag)
                .long(flag)
                .value_name(value_name(row.kind))
                .help(help)
                .help_heading(HEADING)
                .hide_short_help(!is_common(setting))
                .global(true);
            Some(match row.kind {
                Kind::Switch => arg
                    .num_args(0..=1)
                    .require_equals(true)
                    .default_missing_value("true"),
                Kind::Address
                | Kind::Folder
                | Kind::File
                | Kind::Database
                | Kind::Url
                | Kind::OneOf(_)
                | Kind::LogFilter
                | Kind::Networks
                | Kind::Origins
                | Kind::Whole { .. } => arg,
            })
        });
        command.arg(file).args(settings.collect::<Vec<_>>())
    }

    fn augment_args_for_update(command: Command) -> Command {
        SettingFlags::augment_args(command)
    }
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<SettingFlags, Error> {
        let mut flags = SettingFlags::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        let unreadable = |error: clap::parser::MatchesError| Error::raw(ErrorKind::Io, error.to_string());
        self.0.file = matches.try_get_one::<PathBuf>(FILE).map_err(unreadable)?.cloned();
        for setting in Setting::ALL {
            let Some(flag) = setting.row().flag else {
                continue;
            };
            if let Some(value) = matches.try_get_one::<String>(flag).map_err(unreadable)? {
                self.0.given.push((setting, value.clone()));
            }
        }
        Ok(())
    }
}

/// The two that `-h` shows; `--help` shows all.
fn is_common(setting: Setting) -> bool {
    matches!(setting, Setting::Bind | Setting::Data)
}

fn value_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Address => "ADDRESS",
        Kind::Folder => "FOLDER",
        Kind::File => "FILE",
        Kind::Database | Kind::Url => "URL",
        Kind::OneOf(_) => "WORD",
        Kind::LogFilter => "FILTER",
        Kind::Networks => "ADDRESSES",
        Kind::Origins => "ORIGINS",
        Kind::Switch => "TRUTH",
        Kind::Whole { .. } => "NUMBER",
    }
}
