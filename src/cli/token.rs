//! `ehcp token`: one token of the built-in issuer, alone on standard output. Opens no database.

use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error;
use uuid::Uuid;

use super::data;
use super::failure::{Exit, Failure, say};
use crate::auth::{LaCode, Principal, Role, Unbound, issue};
use crate::clock::Clock;
use crate::config::Config;

const ROLES: [&str; 6] = [
    "caseworker",
    "manager",
    "auditor",
    "admin",
    "contributor",
    "family",
];

#[derive(Debug, Args)]
pub(super) struct Token {
    /// What the bearer is to the authority
    #[arg(long, value_parser = PossibleValuesParser::new(ROLES).try_map(|name| role_named(&name)))]
    role: Role,
    /// The code of the authority
    #[arg(long, value_name = "CODE", default_value = "885", value_parser = LaCode::parse)]
    la: LaCode,
    /// The organisation that a contributor speaks for
    #[arg(long, value_name = "ID")]
    org: Option<Uuid>,
    /// The case that a family is about
    #[arg(long, value_name = "ID")]
    case: Option<Uuid>,
    /// Who of the case's people a family token is for
    #[arg(long, value_name = "ID")]
    person: Option<Uuid>,
    /// How long it is valid, in seconds, minutes, hours or days
    #[arg(long, value_name = "TIME", default_value = "8h", value_parser = lifetime)]
    ttl: Duration,
}

impl Token {
    pub(super) fn run(self, config: &Config) -> Result<Exit, Failure> {
        let subject = match self.person {
            Some(person_id) => person_id.to_string(),
            None => format!("{:?}", self.role).to_lowercase(),
        };
        let principal = Principal {
            subject,
            la_code: self.la,
            roles: vec![self.role],
            organisation_id: self.org,
            case_id: self.case,
            person_id: self.person,
            client: None,
        };
        principal.check_bound().map_err(|unbound| {
            let missing = match unbound {
                Unbound::ContributorWithoutOrganisation => "; name its organisation with --org",
                Unbound::FamilyWithoutCase => "; name it with --case",
                Unbound::NoRole | Unbound::ClientInARole => "",
            };
            Failure::new(Exit::Usage, format!("{unbound}{missing}"))
        })?;
        let key = data::key_of_tokens(config)?;
        let token = issue(&key, &principal, self.ttl, Clock::System.now())?;
        say(&format!("{token}\n"))?;
        Ok(Exit::Done)
    }
}

fn role_named(name: &str) -> Result<Role, Error> {
    Role::deserialize(name.into_deserializer())
}

/// Reads `45s`, `30m`, `8h` or `7d`.
fn lifetime(text: &str) -> Result<Duration, &'static str> {
    const EXPECTED: &str = "write a whole number and its unit, such as 30m, 8h or 7d";
    let number_ends = text
        .find(|character: char| !character.is_ascii_digit())
        .ok_or(EXPECTED)?;
    let (number, unit) = text.split_at(number_ends);
    let seconds_each: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(EXPECTED),
    };
    match number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(seconds_each))
    {
        None | Some(0) => Err(EXPECTED),
        Some(seconds) => Ok(Duration::from_secs(seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_have_a_number_and_a_unit() {
        for (text, seconds) in [("45s", 45), ("30m", 1800), ("8h", 28_800), ("7d", 604_800)] {
            assert_eq!(lifetime(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "8",
            "h",
            "0h",
            "-1h",
            "1.5h",
            "8 h",
            "8H",
            "99999999999999999999d",
            "٣h",
        ] {
            assert!(lifetime(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_role_can_be_named() {
        for name in ROLES {
            assert_eq!(format!("{:?}", role_named(name).unwrap()).to_lowercase(), name);
        }
    }
}
