//! Tokens of the built-in issuer: a signed statement of who somebody is, issued here and verified here.
//!
//! HS256 alone is accepted. Tokens from elsewhere are the business of `identity`, which asks here for its own.
//! No error here repeats any part of a token.

use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::issuer_key::IssuerKey;
use super::principal::{ClientAccess, ClientScope, LaCode, Principal, Role, Unbound};

/// What the built-in issuer calls itself.
pub const BUILT_IN_ISSUER: &str = "ehcp-timeline";
const AUDIENCE: &str = "ehcp-timeline";
/// How far the clocks of two servers may be apart.
pub(super) const LEEWAY_SECONDS: u64 = 30;

/// What a token is held to, made once.
static VALIDATION: LazyLock<Validation> = LazyLock::new(|| {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = LEEWAY_SECONDS;
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[BUILT_IN_ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation
});

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    la: LaCode,
    /// Of a person; a system has scopes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<Role>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    org: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    case: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    person: Option<Uuid>,
    exp: i64,
    iat: i64,
    iss: String,
    aud: String,
}

/// Why a token was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the token is malformed")]
    Malformed,
    #[error("the token is signed with an algorithm that its issuer does not use")]
    WrongAlgorithm,
    #[error("the token names a key that its issuer does not have")]
    UnknownKey,
    #[error("the keys of the token's issuer are not to be had")]
    KeysAway,
    #[error("the token's signature does not match")]
    BadSignature,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYetValid,
    #[error("the token is from another issuer")]
    WrongIssuer,
    #[error("the token is for another audience")]
    WrongAudience,
    #[error("the token lacks a claim or has one that cannot be read")]
    BadClaims,
    #[error("the token's roles are not bound: {0}")]
    Unbound(#[from] Unbound),
}

impl TokenError {
    /// A stable word for it.
    pub fn name(&self) -> &'static str {
        match self {
            TokenError::Malformed => "malformed",
            TokenError::WrongAlgorithm => "wrong_algorithm",
            TokenError::UnknownKey => "unknown_key",
            TokenError::KeysAway => "issuer_unreachable",
            TokenError::BadSignature => "bad_signature",
            TokenError::Expired => "expired",
            TokenError::NotYetValid => "not_yet_valid",
            TokenError::WrongIssuer => "wrong_issuer",
            TokenError::WrongAudience => "wrong_audience",
            TokenError::BadClaims => "bad_claims",
            TokenError::Unbound(_) => "no_role",
        }
    }
}

/// Why a token could not be issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    #[error(transparent)]
    Unbound(#[from] Unbound),
    #[error("the token's lifetime is too long")]
    TooLong,
    #[error("the token could not be signed: {0}")]
    Signing(#[from] jsonwebtoken::errors::Error),
}

/// Chooses the cryptography that signs and verifies; the program calls it when it starts, before the first
/// token. Calling it again does nothing.
pub fn install_crypto_provider() {
    // An error only says that there is one already, and nothing else in the program installs any.
    let _already = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}

/// Signs a token that names this principal for `lifetime` from `now`, the system's instant: whoever
/// verifies it compares with the system's time too, whatever day the demo lives on.
pub fn issue(
    key: &IssuerKey,
    principal: &Principal,
    lifetime: Duration,
    now: DateTime<Utc>,
) -> Result<String, IssueError> {
    principal.check_bound()?;
    let seconds = i64::try_from(lifetime.as_secs()).map_err(|_| IssueError::TooLong)?;
    let claims = Claims {
        sub: principal.subject.clone(),
        la: principal.la_code.clone(),
        roles: principal.client.is_none().then(|| principal.roles.clone()),
        client_id: principal.client.as_ref().map(|client| client.client_id),
        scope: principal.client.as_ref().map(ClientAccess::scope),
        org: principal.organisation_id,
        case: principal.case_id,
        person: principal.person_id,
        exp: now.timestamp().checked_add(seconds).ok_or(IssueError::TooLong)?,
        iat: now.timestamp(),
        iss: BUILT_IN_ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
    };
    let key = EncodingKey::from_secret(key.bytes());
    Ok(jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &claims,
        &key,
    )?)
}

/// Whom a token names, if this key signed it and it has not expired.
pub fn verify(key: &IssuerKey, token: &str) -> Result<Principal, TokenError> {
    verified(key, token).map(|(principal, _)| principal)
}

/// [`verify`], with when it is refused, in seconds since 1970.
pub(super) fn verified(key: &IssuerKey, token: &str) -> Result<(Principal, i64), TokenError> {
    let key = DecodingKey::from_secret(key.bytes());
    let claims = match jsonwebtoken::decode::<Claims>(token, &key, &VALIDATION) {
        Ok(decoded) => decoded.claims,
        // A text that is no token is told from a token whose claims are wrong by its header.
        Err(_) if jsonwebtoken::decode_header(token).is_err() => return Err(TokenError::Malformed),
        Err(error) => return Err(refusal(error.kind())),
    };
    let (roles, client) = match (claims.roles, claims.client_id, claims.scope) {
        (Some(roles), None, None) => (roles, None),
        (None, Some(client_id), Some(scope)) => {
            let scopes = ClientScope::in_text(&scope).ok_or(TokenError::BadClaims)?;
            (Vec::new(), Some(ClientAccess { client_id, scopes }))
        }
        _ => return Err(TokenError::BadClaims),
    };
    let principal = Principal {
        subject: claims.sub,
        la_code: claims.la,
        roles,
        organisation_id: claims.org,
        case_id: claims.case,
        person_id: claims.person,
        client,
    };
    principal.check_bound()?;
    let grace = i64::try_from(LEEWAY_SECONDS).unwrap_or_default();
    Ok((principal, claims.exp.saturating_add(grace)))
}

pub(super) fn refusal(kind: &ErrorKind) -> TokenError {
    match kind {
        ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => TokenError::WrongAlgorithm,
        ErrorKind::InvalidSignature => TokenError::BadSignature,
        ErrorKind::ExpiredSignature => TokenError::Expired,
        ErrorKind::ImmatureSignature => TokenError::NotYetValid,
        ErrorKind::InvalidIssuer => TokenError::WrongIssuer,
        ErrorKind::InvalidAudience => TokenError::WrongAudience,
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) | ErrorKind::Json(_) => {
            TokenError::BadClaims
        }
        _ => TokenError::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::clock::Clock;

    const HOUR: Duration = Duration::from_secs(3600);

    fn key() -> IssuerKey {
        install_crypto_provider();
        let folder = tempfile::tempdir().unwrap();
        IssuerKey::load_or_create(folder.path(), None).unwrap()
    }

    fn principal(roles: &[Role]) -> Principal {
        Principal {
            subject: "somebody".to_owned(),
            la_code: LaCode::parse("202").unwrap(),
            roles: roles.to_vec(),
            organisation_id: None,
            case_id: None,
            person_id: None,
            client: None,
        }
    }

    /// A token with the claims of a caseworker, changed as the test wants, signed by the key.
    fn forged(key: &IssuerKey, algorithm: Algorithm, changes: Value) -> String {
        let now = Clock::System.now().timestamp();
        let mut claims = json!({
            "sub": "somebody", "la": "202", "roles": ["caseworker"],
            "exp": now + 60, "iat": now, "iss": BUILT_IN_ISSUER, "aud": AUDIENCE,
        });
        for (claim, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => claims.as_object_mut().unwrap().remove(claim),
                value => claims
                    .as_object_mut()
                    .unwrap()
                    .insert(claim.clone(), value.clone()),
            };
        }
        jsonwebtoken::encode(
            &Header::new(algorithm),
            &claims,
            &EncodingKey::from_secret(key.bytes()),
        )
        .unwrap()
    }

    #[test]
    fn a_token_names_whom_it_was_issued_to() {
        install_crypto_provider();
        let key = key();
        let contributor = Principal {
            organisation_id: Some(Uuid::from_u128(1)),
            case_id: Some(Uuid::from_u128(2)),
            person_id: Some(Uuid::from_u128(3)),
            ..principal(&[Role::Contributor, Role::Family])
        };
        for principal in [principal(&[Role::Caseworker, Role::Admin]), contributor] {
            let token = issue(&key, &principal, HOUR, Clock::System.now()).unwrap();
            assert_eq!(verify(&key, &token), Ok(principal));
        }
    }

    #[test]
    fn a_token_of_a_system_has_scopes_and_no_role() {
        install_crypto_provider();
        let key = key();
        let client_id = Uuid::from_u128(4);
        let system = Principal {
            subject: format!("client:{client_id}"),
            organisation_id: Some(Uuid::from_u128(1)),
            client: Some(ClientAccess {
                client_id,
                scopes: vec![ClientScope::AdviceRead, ClientScope::AdviceSubmit],
            }),
            ..principal(&[])
        };
        let token = issue(&key, &system, HOUR, Clock::System.now()).unwrap();
        assert_eq!(verify(&key, &token), Ok(system));
        for changes in [
            json!({ "client_id": client_id, "scope": "admin" }),
            json!({ "roles": null, "client_id": client_id }),
            json!({ "roles": null, "scope": "admin" }),
            json!({ "roles": null, "client_id": client_id, "scope": "everything" }),
        ] {
            let token = forged(&key, Algorithm::HS256, changes.clone());
            assert_eq!(verify(&key, &token), Err(TokenError::BadClaims), "{changes}");
        }
    }

    #[test]
    fn only_our_algorithm_and_our_key_are_accepted() {
        let key = key();
        let token = forged(&key, Algorithm::HS256, json!({}));
        assert!(verify(&key, &token).is_ok());
        assert_eq!(verify(&self::key(), &token), Err(TokenError::BadSignature));

        let claims = token.split('.').nth(1).unwrap();
        let alg_none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
        assert_eq!(
            verify(&key, &format!("{alg_none}.{claims}.")),
            Err(TokenError::Malformed)
        );
        let unsigned = token.rsplit_once('.').unwrap().0;
        assert_eq!(
            verify(&key, &format!("{unsigned}.")),
            Err(TokenError::BadSignature)
        );
        let other = forged(&key, Algorithm::HS512, json!({}));
        assert_eq!(verify(&key, &other), Err(TokenError::WrongAlgorithm));
        for text in ["", "a.b.c", "Bearer", unsigned] {
            assert_eq!(verify(&key, text), Err(TokenError::Malformed), "{text}");
        }
    }

    #[test]
    fn an_expired_token_is_refused_after_half_a_minute_of_grace() {
        let key = key();
        let issued = |seconds_ago| {
            let then = Clock::System.now() - HOUR - Duration::from_secs(seconds_ago);
            issue(&key, &principal(&[Role::Manager]), HOUR, then).unwrap()
        };
        assert!(verify(&key, &issued(15)).is_ok());
        assert_eq!(verify(&key, &issued(40)), Err(TokenError::Expired));
    }

    #[test]
    fn every_claim_is_checked() {
        let key = key();
        let of = |changes| verify(&key, &forged(&key, Algorithm::HS256, changes));
        assert_eq!(of(json!({"aud": "another"})), Err(TokenError::WrongAudience));
        assert_eq!(of(json!({"iss": "another"})), Err(TokenError::WrongIssuer));
        for claim in ["sub", "la", "roles", "exp", "iss", "aud"] {
            assert_eq!(of(json!({claim: null})), Err(TokenError::BadClaims), "{claim}");
        }
        for wrong in [
            json!({"la": "2020"}),
            json!({"roles": ["owner"]}),
            json!({"org": "us"}),
            json!({"exp": "soon"}),
        ] {
            assert_eq!(of(wrong.clone()), Err(TokenError::BadClaims), "{wrong}");
        }
    }

    #[test]
    fn a_role_without_what_it_is_bound_to_is_neither_accepted_nor_issued() {
        let key = key();
        for (role, unbound) in [
            (Role::Contributor, Unbound::ContributorWithoutOrganisation),
            (Role::Family, Unbound::FamilyWithoutCase),
        ] {
            let token = forged(&key, Algorithm::HS256, json!({"roles": ["caseworker", role]}));
            assert_eq!(verify(&key, &token), Err(TokenError::Unbound(unbound)));
            let issued = issue(&key, &principal(&[role]), HOUR, Clock::System.now());
            assert!(matches!(issued, Err(IssueError::Unbound(reason)) if reason == unbound));
        }
        let roleless = forged(&key, Algorithm::HS256, json!({"roles": []}));
        assert_eq!(verify(&key, &roleless), Err(TokenError::Unbound(Unbound::NoRole)));
    }
}
