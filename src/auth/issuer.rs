//! What is believed of somebody else's tokens: who issues them, for whom, how they are signed, where the keys
//! are, and what their claims mean here.
//!
//! Read from a file by `config`; nothing here opens anything.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::key_set::SignatureAlgorithm;
use super::principal::{LaCode, Principal, Role};
use super::token::TokenError;

/// The longest subject that is taken; longer ones would not fit the record.
const SUBJECT_LENGTH: usize = 200;
/// How subjects of systems begin, which no directory may give anybody.
pub const CLIENT_PREFIX: &str = "client:";

/// An issuer whose tokens are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// What `iss` says, to the letter.
    pub issuer: String,
    /// What `aud` has to say, or have among others.
    pub audience: String,
    pub keys: KeyPlace,
    pub algorithms: Vec<SignatureAlgorithm>,
    /// How far its clock may be from ours.
    pub clock_skew: Duration,
    /// How old its keys may be before they are fetched again.
    pub refresh: Duration,
    /// The least time between two attempts to fetch them.
    pub attempts_apart: Duration,
    pub mapping: ClaimMapping,
}

/// Where the keys of an issuer are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// The URL of an OpenID configuration, which names the set and has to name the issuer.
    Discovery(String),
    Url(String),
    File(PathBuf),
}

/// A claim, by the names of the objects on the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPath(pub Vec<String>);

/// What the claims of an issuer mean here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimMapping {
    pub subject: ClaimPath,
    /// Put before every subject, so that those of two directories cannot be the same.
    pub subject_prefix: String,
    pub roles: ClaimPath,
    /// What each value of that claim means; one that is not here means nothing.
    pub role_of: BTreeMap<String, Role>,
    pub authority: AuthorityClaim,
    pub organisation: Option<ClaimPath>,
    pub case: Option<ClaimPath>,
    pub person: Option<ClaimPath>,
}

/// Which authority a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorityClaim {
    Always(LaCode),
    /// The one that a claim names, if the issuer may speak for it.
    Claim(ClaimPath, Vec<LaCode>),
}

impl ClaimPath {
    fn of<'c>(&self, claims: &'c Map<String, Value>) -> Option<&'c Value> {
        let (first, rest) = self.0.split_first()?;
        rest.iter()
            .try_fold(claims.get(first)?, |value, name| value.get(name))
    }

    fn text<'c>(&self, claims: &'c Map<String, Value>) -> Option<&'c str> {
        self.of(claims).and_then(Value::as_str)
    }
}

impl ClaimMapping {
    /// Whom the claims of a token name, once its signature and times are known to be good.
    pub fn principal(&self, claims: &Map<String, Value>) -> Result<Principal, TokenError> {
        let subject = self.subject.text(claims).ok_or(TokenError::BadClaims)?;
        let subject = format!("{}{subject}", self.subject_prefix);
        let is_usable = subject.len() > self.subject_prefix.len()
            && subject.len() <= SUBJECT_LENGTH
            && !subject.contains(char::is_control)
            && !subject.starts_with(CLIENT_PREFIX);
        if !is_usable {
            return Err(TokenError::BadClaims);
        }
        let la_code = match &self.authority {
            AuthorityClaim::Always(la_code) => la_code.clone(),
            AuthorityClaim::Claim(path, spoken_for) => path
                .text(claims)
                .and_then(|code| spoken_for.iter().find(|known| known.as_str() == code))
                .cloned()
                .ok_or(TokenError::BadClaims)?,
        };
        let id = |path: &Option<ClaimPath>| match path.as_ref().and_then(|path| path.of(claims)) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value
                .as_str()
                .and_then(|text| Uuid::try_parse(text).ok())
                .map(Some)
                .ok_or(TokenError::BadClaims),
        };
        let principal = Principal {
            subject,
            la_code,
            roles: self.roles_in(claims),
            organisation_id: id(&self.organisation)?,
            case_id: id(&self.case)?,
            person_id: id(&self.person)?,
            client: None,
        };
        principal.check_bound()?;
        // An issuer that tells one parent from the other is believed to do so always.
        let is_anybody = self.person.is_some() && principal.person_id.is_none();
        if is_anybody && principal.roles.contains(&Role::Family) {
            return Err(TokenError::BadClaims);
        }
        Ok(principal)
    }

    fn roles_in(&self, claims: &Map<String, Value>) -> Vec<Role> {
        let named: Vec<&str> = match self.roles.of(claims) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let mut roles: Vec<Role> = Vec::new();
        for role in named.into_iter().filter_map(|name| self.role_of.get(name)) {
            if !roles.contains(role) {
                roles.push(*role);
            }
        }
        roles
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::auth::Unbound;

    fn path(names: &[&str]) -> ClaimPath {
        ClaimPath(names.iter().map(|name| (*name).to_owned()).collect())
    }

    fn mapping() -> ClaimMapping {
        ClaimMapping {
            subject: path(&["oid"]),
            subject_prefix: "entra:".to_owned(),
            roles: path(&["realm_access", "roles"]),
            role_of: BTreeMap::from([
                ("EHCP-Officers".to_owned(), Role::Caseworker),
                ("EHCP-Leads".to_owned(), Role::Manager),
                ("EHCP-Partners".to_owned(), Role::Contributor),
            ]),
            authority: AuthorityClaim::Claim(path(&["council"]), vec![LaCode::parse("885").unwrap()]),
            organisation: Some(path(&["https://example.org/organisation"])),
            case: None,
            person: None,
        }
    }

    fn read(claims: Value) -> Result<Principal, TokenError> {
        mapping().principal(claims.as_object().unwrap())
    }

    #[test]
    fn what_a_directory_says_is_put_in_our_words() {
        let organisation = Uuid::from_u128(7);
        let principal = read(json!({
            "oid": "a1", "council": "885", "https://example.org/organisation": organisation,
            "realm_access": { "roles": ["offline_access", "EHCP-Leads", "EHCP-Officers", "EHCP-Leads"] },
        }))
        .unwrap();
        assert_eq!(principal.subject, "entra:a1");
        assert_eq!(principal.la_code.as_str(), "885");
        assert_eq!(principal.roles, [Role::Manager, Role::Caseworker]);
        assert_eq!(principal.organisation_id, Some(organisation));
        let one = json!({ "oid": "a1", "council": "885", "realm_access": { "roles": "EHCP-Officers" } });
        assert_eq!(read(one).unwrap().roles, [Role::Caseworker]);
    }

    #[test]
    fn what_means_nothing_here_opens_nothing() {
        let good = json!({ "oid": "a1", "council": "885", "realm_access": { "roles": ["EHCP-Officers"] } });
        assert!(read(good.clone()).is_ok());
        let with = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            read(claims)
        };
        for (name, value, error) in [
            ("oid", json!(null), TokenError::BadClaims),
            ("oid", json!(""), TokenError::BadClaims),
            ("oid", json!("a\nb"), TokenError::BadClaims),
            ("oid", json!("a".repeat(300)), TokenError::BadClaims),
            ("council", json!("330"), TokenError::BadClaims),
            ("council", json!(885), TokenError::BadClaims),
            (
                "https://example.org/organisation",
                json!("us"),
                TokenError::BadClaims,
            ),
            ("realm_access", json!({}), TokenError::Unbound(Unbound::NoRole)),
            (
                "realm_access",
                json!({ "roles": ["caseworker"] }),
                TokenError::Unbound(Unbound::NoRole),
            ),
            (
                "realm_access",
                json!({ "roles": ["EHCP-Partners"] }),
                TokenError::Unbound(Unbound::ContributorWithoutOrganisation),
            ),
        ] {
            assert_eq!(with(name, value.clone()), Err(error), "{name} {value}");
        }
    }

    #[test]
    fn family_of_an_issuer_that_names_persons_is_always_one_of_them() {
        let mut mapping = mapping();
        mapping.role_of.insert("Parents".to_owned(), Role::Family);
        mapping.case = Some(path(&["case"]));
        let (case_id, person_id) = (Uuid::from_u128(8), Uuid::from_u128(9));
        let claims = |role: &str, person: Option<Value>| {
            let mut claims = json!({ "oid": "a1", "council": "885", "case": case_id, "realm_access": { "roles": [role] } });
            if let Some(person) = person {
                claims["person"] = person;
            }
            claims
        };
        let read = |mapping: &ClaimMapping, claims: Value| {
            let principal = mapping.principal(claims.as_object().unwrap());
            principal.map(|principal| principal.person_id)
        };
        assert_eq!(
            read(&mapping, claims("Parents", None)),
            Ok(None),
            "it names nobody"
        );
        mapping.person = Some(path(&["person"]));
        assert_eq!(
            read(&mapping, claims("Parents", Some(json!(person_id)))),
            Ok(Some(person_id))
        );
        for person in [None, Some(Value::Null), Some(json!("")), Some(json!([person_id]))] {
            assert_eq!(
                read(&mapping, claims("Parents", person.clone())),
                Err(TokenError::BadClaims),
                "{person:?}"
            );
        }
        assert_eq!(read(&mapping, claims("EHCP-Officers", None)), Ok(None));
    }

    #[test]
    fn no_directory_makes_somebody_a_system() {
        let mut mapping = mapping();
        mapping.subject_prefix = String::new();
        let claims = json!({ "oid": "client:019b0000-0000-7000-8000-000000000001", "council": "885",
            "realm_access": { "roles": ["EHCP-Officers"] } });
        let read = mapping.principal(claims.as_object().unwrap());
        assert_eq!(read, Err(TokenError::BadClaims));
    }
}
