//! The file of issuers: TOML, one `[[issuers]]` for each directory whose tokens are accepted.
//!
//! Every fault is told at once by its place. Called by `config` alone; what the entries mean, `auth` knows.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::Spanned;

use super::Fault;
use crate::auth::{
    AuthorityClaim, BUILT_IN_ISSUER, ClaimMapping, ClaimPath, Issuer, KeyPlace, LaCode, Role,
    SignatureAlgorithm, may_be_fetched,
};

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entries {
    issuers: Vec<Spanned<Entry>>,
}

/// One issuer as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    issuer: String,
    audience: String,
    #[serde(default)]
    discovery: bool,
    jwks_url: Option<String>,
    jwks_file: Option<std::path::PathBuf>,
    algorithms: Vec<String>,
    #[serde(default = "half_a_minute")]
    clock_skew_seconds: u64,
    #[serde(default = "five_minutes")]
    refresh_seconds: u64,
    #[serde(default = "five_seconds")]
    refetch_seconds: u64,
    #[serde(default)]
    subject_prefix: String,
    /// The one authority that it speaks for.
    la: Option<String>,
    /// Those it may speak for, where a claim says which.
    #[serde(default)]
    la_codes: Vec<String>,
    claims: Claims,
    roles: BTreeMap<String, String>,
}

/// Where in a token things are said.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    subject: Option<Place>,
    roles: Place,
    la: Option<Place>,
    org: Option<Place>,
    case: Option<Place>,
    person: Option<Place>,
}

/// `realm_access.roles`, or a list of names where a name has a dot in it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Place {
    Dotted(String),
    Names(Vec<String>),
}

fn half_a_minute() -> u64 {
    30
}

fn five_minutes() -> u64 {
    300
}

fn five_seconds() -> u64 {
    5
}

/// The issuers that a file names, or all that is wrong with it.
pub(super) fn read(path: &Path) -> Result<Vec<Issuer>, Vec<Fault>> {
    let whole = |what: String| vec![Fault::new(path.display().to_string(), what)];
    let text =
        std::fs::read_to_string(path).map_err(|error| whole(format!("cannot be read: {}", error.kind())))?;
    let line_of = |at: usize| {
        text.get(..at)
            .map_or(1, |before| before.matches('\n').count() + 1)
    };
    let entries: Entries = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(span.start));
        // What the parser says names keys and types; it shows the line apart from that.
        let what = error.message().lines().next().unwrap_or_default().to_owned();
        whole(format!("cannot be used from line {line}: {what}"))
    })?;
    let (mut issuers, mut faults): (Vec<Issuer>, Vec<Fault>) = (Vec::new(), Vec::new());
    for entry in entries.issuers {
        let place = format!(
            "the issuer in {} line {}",
            path.display(),
            line_of(entry.span().start)
        );
        let mut wrong = Vec::new();
        let read = entry.into_inner().read(&mut wrong);
        if issuers.iter().any(|other| other.issuer == read.issuer) {
            wrong.push("has the same `issuer` as another");
        }
        faults.extend(wrong.into_iter().map(|what| Fault::new(place.clone(), what)));
        issuers.push(read);
    }
    if faults.is_empty() {
        Ok(issuers)
    } else {
        Err(faults)
    }
}

impl Entry {
    /// The issuer, which counts only where nothing is wrong.
    fn read(self, wrong: &mut Vec<&'static str>) -> Issuer {
        let mut must = |holds: bool, what: &'static str| {
            if !holds {
                wrong.push(what);
            }
        };
        must(!self.issuer.is_empty(), "must name its `issuer`");
        must(
            self.issuer != BUILT_IN_ISSUER,
            "must not be called as the built-in issuer is",
        );
        must(!self.audience.is_empty(), "must name its `audience`");
        must(
            self.clock_skew_seconds <= 300,
            "must have `clock_skew_seconds` of at most 300",
        );
        must(
            (10..=86_400).contains(&self.refresh_seconds),
            "must have `refresh_seconds` from 10 to 86400",
        );
        must(
            (1..=3600).contains(&self.refetch_seconds),
            "must have `refetch_seconds` from 1 to 3600",
        );
        let algorithms: Vec<SignatureAlgorithm> = SignatureAlgorithm::ALL
            .into_iter()
            .filter(|known| self.algorithms.iter().any(|name| name == known.name()))
            .collect();
        must(
            !algorithms.is_empty() && algorithms.len() == self.algorithms.len(),
            "must have `algorithms` out of RS256, ES256 and EdDSA",
        );
        let places = [self.discovery, self.jwks_url.is_some(), self.jwks_file.is_some()];
        must(
            places.into_iter().filter(|is_given| *is_given).count() == 1,
            "must have one of `discovery = true`, `jwks_url` and `jwks_file`",
        );
        let keys = match (self.jwks_url, self.jwks_file) {
            (Some(url), _) => KeyPlace::Url(url),
            (None, Some(path)) => KeyPlace::File(path),
            (None, None) => KeyPlace::Discovery(format!(
                "{}/.well-known/openid-configuration",
                self.issuer.trim_end_matches('/')
            )),
        };
        match &keys {
            KeyPlace::Url(url) | KeyPlace::Discovery(url) => must(
                may_be_fetched(url),
                "must have its keys at an https URL, or on this machine",
            ),
            KeyPlace::File(_) => {}
        }
        let la = self.la.as_deref().map(LaCode::parse);
        let la_codes: Vec<_> = self.la_codes.iter().map(|code| LaCode::parse(code)).collect();
        must(
            !la.iter().chain(&la_codes).any(Result::is_err),
            "must have three digits for the code of an authority",
        );
        must(
            (self.la.is_some() && self.claims.la.is_none() && la_codes.is_empty())
                || (self.la.is_none() && self.claims.la.is_some() && !la_codes.is_empty()),
            "must have either `la`, or the claim `la` and the `la_codes` it may name",
        );
        let la_codes: Vec<LaCode> = la_codes.into_iter().flatten().collect();
        let authority = match (la, self.claims.la) {
            (Some(Ok(la)), _) => AuthorityClaim::Always(la),
            (_, Some(place)) => AuthorityClaim::Claim(place.path(), la_codes),
            // Told above.
            (_, None) => AuthorityClaim::Claim(ClaimPath(Vec::new()), Vec::new()),
        };
        let role_of: BTreeMap<String, Role> = self
            .roles
            .iter()
            .filter_map(|(value, role)| Some((value.clone(), role_named(role)?)))
            .collect();
        must(
            !role_of.is_empty() && role_of.len() == self.roles.len(),
            "must have `roles` that mean caseworker, manager, auditor, admin, contributor or family",
        );
        must(
            !self.subject_prefix.contains(char::is_whitespace) && self.subject_prefix.len() <= 40,
            "must have a `subject_prefix` of at most 40 characters without a space",
        );
        Issuer {
            issuer: self.issuer,
            audience: self.audience,
            keys,
            algorithms,
            clock_skew: Duration::from_secs(self.clock_skew_seconds),
            refresh: Duration::from_secs(self.refresh_seconds),
            attempts_apart: Duration::from_secs(self.refetch_seconds),
            mapping: ClaimMapping {
                subject: self
                    .claims
                    .subject
                    .map_or_else(|| ClaimPath(vec!["sub".to_owned()]), Place::path),
                subject_prefix: self.subject_prefix,
                roles: self.claims.roles.path(),
                role_of,
                authority,
                organisation: self.claims.org.map(Place::path),
                case: self.claims.case.map(Place::path),
                person: self.claims.person.map(Place::path),
            },
        }
    }
}

impl Place {
    fn path(self) -> ClaimPath {
        ClaimPath(match self {
            Place::Dotted(text) => text.split('.').map(str::to_owned).collect(),
            Place::Names(names) => names,
        })
    }
}

fn role_named(name: &str) -> Option<Role> {
    let read: Result<Role, serde::de::value::Error> = Role::deserialize(name.into_deserializer());
    read.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[[issuers]]
issuer = "https://login.example.org/council/v2.0"
audience = "api://ehcp"
discovery = true
algorithms = ["RS256"]
la = "885"
claims = { roles = "realm_access.roles", org = ["https://example.org/organisation"] }
roles = { "EHCP-Officers" = "caseworker", "EHCP-Leads" = "manager" }
"#;

    fn read_text(text: &str) -> Result<Vec<Issuer>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("issuers.toml");
        std::fs::write(&path, text).unwrap();
        read(&path).map_err(|faults| super::super::in_one_line(&faults))
    }

    #[test]
    fn an_issuer_is_read_with_what_is_usual_where_it_says_nothing() {
        let issuers = read_text(GOOD).unwrap();
        let [issuer] = issuers.as_slice() else {
            panic!("{issuers:?}")
        };
        let place = "https://login.example.org/council/v2.0/.well-known/openid-configuration";
        assert_eq!(issuer.keys, KeyPlace::Discovery(place.to_owned()));
        assert_eq!(issuer.algorithms, [SignatureAlgorithm::Rs256]);
        assert_eq!(issuer.clock_skew, Duration::from_secs(30));
        assert_eq!(issuer.refresh, Duration::from_secs(300));
        let mapping = &issuer.mapping;
        assert_eq!(mapping.subject.0, ["sub"]);
        assert_eq!(mapping.roles.0, ["realm_access", "roles"]);
        assert_eq!(
            mapping.organisation.as_ref().unwrap().0,
            ["https://example.org/organisation"]
        );
        assert_eq!(mapping.role_of["EHCP-Leads"], Role::Manager);
        assert_eq!(
            mapping.authority,
            AuthorityClaim::Always(LaCode::parse("885").unwrap())
        );
    }

    #[test]
    fn the_example_of_the_documentation_can_be_used() {
        let page = include_str!("../../docs/OPERATIONS.md");
        let example = page
            .split("```toml\n")
            .find(|part| part.starts_with("[[issuers]]"));
        let example = example.and_then(|part| part.split("```").next()).unwrap();
        let issuers = read_text(example).unwrap();
        assert_eq!(issuers[0].mapping.subject_prefix, "entra:");
        assert_eq!(issuers[0].mapping.role_of.len(), 2);
    }

    #[test]
    fn what_cannot_be_used_is_refused_all_at_once() {
        for (from, to, what) in [
            ("discovery = true", "", "must have one of"),
            (
                "discovery = true",
                "discovery = true\njwks_file = \"keys.json\"",
                "must have one of",
            ),
            (
                "discovery = true",
                "jwks_url = \"http://login.example.org/keys\"",
                "https URL",
            ),
            (
                "[\"RS256\"]",
                "[\"RS256\", \"HS256\"]",
                "out of RS256, ES256 and EdDSA",
            ),
            ("[\"RS256\"]", "[\"none\"]", "out of RS256, ES256 and EdDSA"),
            ("[\"RS256\"]", "[]", "out of RS256, ES256 and EdDSA"),
            ("la = \"885\"", "", "must have either `la`"),
            ("la = \"885\"", "la_codes = [\"885\"]", "must have either `la`"),
            ("la = \"885\"", "la = \"Kent\"", "three digits"),
            ("\"manager\"", "\"owner\"", "that mean caseworker"),
            (
                "https://login.example.org/council/v2.0",
                "ehcp-timeline",
                "as the built-in issuer is",
            ),
            (
                "audience = \"api://ehcp\"",
                "audience = \"\"",
                "must name its `audience`",
            ),
            (
                "la = \"885\"",
                "la = \"885\"\nclock_skew_seconds = 3600",
                "at most 300",
            ),
            (
                "la = \"885\"",
                "la = \"885\"\nsecret = \"hush\"",
                "unknown field `secret`",
            ),
            ("[[issuers]]", "[[issuer]]", "unknown field `issuer`"),
        ] {
            let refusal = read_text(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(refusal.contains(what), "{to}: {refusal}");
            assert!(!refusal.contains("hush"), "{refusal}");
        }
        let two = read_text(&format!("{GOOD}{GOOD}")).unwrap_err();
        assert!(two.contains("line 11 has the same `issuer` as another"), "{two}");
        let many = GOOD.replace("[\"RS256\"]", "[]").replace("la = \"885\"", "");
        assert_eq!(read_text(&many).unwrap_err().matches("; ").count(), 1);
    }
}
