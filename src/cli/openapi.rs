//! `ehcp openapi`: the contract, as it is committed.

use super::failure::{Exit, Failure, say};
use crate::http::document;

pub(super) fn print() -> Result<Exit, Failure> {
    let text = document()
        .to_pretty_json()
        .map_err(|error| Failure::new(Exit::Fault, format!("the document cannot be written: {error}")))?;
    say(&format!("{text}\n"))?;
    Ok(Exit::Done)
}
