//! `ehcp config`: the settings that hold, as a configuration file, with who set each. Opens nothing.

use super::failure::{Exit, Failure, say};
use crate::config::{Config, Kind};

pub(super) fn print(config: &Config) -> Result<Exit, Failure> {
    let lines: Vec<(String, &str)> = config
        .effective()
        .iter()
        .map(|held| {
            let row = held.setting.row();
            let line = match (&held.shown, row.kind) {
                (None, _) => format!("# {}", row.name),
                (Some(number), Kind::Whole { .. } | Kind::Switch) => format!("{} = {number}", row.name),
                // A string of JSON is one of TOML too.
                (Some(text), _) => format!("{} = {}", row.name, serde_json::Value::from(text.as_str())),
            };
            let set_by = match held.shown {
                Some(_) => held.set_by.as_str(),
                None => "not set",
            };
            (line, set_by)
        })
        .collect();
    let width = lines
        .iter()
        .map(|(line, _)| line.chars().count())
        .max()
        .unwrap_or_default();
    for (line, set_by) in lines {
        say(&format!("{line:width$}  # {set_by}\n"))?;
    }
    Ok(Exit::Done)
}
