//! The configuration file: TOML, flat, one line for each setting.
//!
//! Called by `config` alone. What the parser says is not repeated, since it quotes the line.

use std::collections::BTreeSet;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::setting::{Kind, Setting};
use super::{Fault, Origin, quoted};

/// What a file sets, with the line of each, or all that is wrong with it.
pub(super) fn read(path: &Path) -> (Vec<(Setting, String, usize)>, Vec<Fault>) {
    let whole = |what: String| (Vec::new(), vec![Fault::new(path.display().to_string(), what)]);
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return whole(format!("cannot be read: {}", error.kind())),
    };
    let line_of = |at: usize| {
        text.get(..at)
            .map_or(1, |before| before.matches('\n').count() + 1)
    };
    let (table, errors) = DeTable::parse_recoverable(&text);
    if !errors.is_empty() {
        let lines: BTreeSet<usize> = errors
            .iter()
            .map(|error| error.span().map_or(1, |span| line_of(span.start)))
            .collect();
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        return whole(format!("is not TOML at line {}", lines.join(", ")));
    }
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for (key, value) in table.get_ref() {
        let line = line_of(key.span().start);
        let name: &str = key.get_ref();
        let Some(setting) = Setting::named(name) else {
            let place = format!("{} in {} line {line}", quoted(name), path.display());
            faults.push(Fault::new(place, "is no setting"));
            continue;
        };
        match in_text(value.get_ref(), setting.row().kind) {
            Some(value) => found.push((setting, value, line)),
            None => faults.push(Fault::new(
                Origin::File(path.to_owned(), line).place(setting),
                setting.row().kind.expected(),
            )),
        }
    }
    (found, faults)
}

/// A number where the table has a number, a truth where it has one, and a string where it has anything else.
fn in_text(value: &DeValue<'_>, kind: Kind) -> Option<String> {
    match (value, kind) {
        (DeValue::Integer(number), Kind::Whole { .. }) => Some(number.to_string()),
        (DeValue::Boolean(truth), Kind::Switch) => Some(truth.to_string()),
        (
            DeValue::String(text),
            Kind::Address
            | Kind::Folder
            | Kind::File
            | Kind::Database
            | Kind::Url
            | Kind::OneOf(_)
            | Kind::LogFilter
            | Kind::Networks
            | Kind::Origins,
        ) => Some(text.clone().into_owned()),
        _ => None,
    }
}
