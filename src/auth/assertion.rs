//! How a system proves itself without a secret: a short statement that it signs with a key of its own
//! (`private_key_jwt`).
//!
//! Whether the statement was taken before, the database knows. Called by the use case that gives out tokens.

use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Validation, decode_header};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::key_set::{KeySet, PublicKey, SignatureAlgorithm};
use super::token::{LEEWAY_SECONDS, refusal};
use super::{TokenError, token};

/// How far ahead an assertion may expire: until then it has to be remembered.
const LONGEST: Duration = Duration::from_secs(300);
const LONGEST_JTI: usize = 255;
const LONGEST_ASSERTION: usize = 8 * 1024;

/// An assertion that was found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Its own name, under which it may be taken once.
    pub jti: String,
    /// Until when it has to be remembered.
    pub expires_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    jti: String,
    exp: i64,
}

/// Whom an assertion says it is from, of which nothing is known yet.
pub fn claimed_client(assertion: &str) -> Option<Uuid> {
    #[derive(Deserialize)]
    struct Claimed {
        iss: String,
    }
    if assertion.len() > LONGEST_ASSERTION {
        return None;
    }
    let claimed = jsonwebtoken::dangerous::insecure_decode::<Claimed>(assertion).ok()?;
    Uuid::try_parse(&claimed.claims.iss).ok()
}

/// Examines an assertion of a system by its keys. Where it has none that fits, as long is taken to refuse it.
pub fn verify_assertion(
    assertion: &str,
    client_id: Uuid,
    keys: &KeySet,
    audiences: &[String],
    now: DateTime<Utc>,
) -> Result<Assertion, TokenError> {
    let header = decode_header(assertion).map_err(|_| TokenError::Malformed)?;
    if header.crit.is_some() {
        return Err(TokenError::Malformed);
    }
    let algorithm = SignatureAlgorithm::of_header(header.alg).ok_or(TokenError::WrongAlgorithm)?;
    let mut validation = Validation::new(algorithm.in_jsonwebtoken());
    validation.leeway = LEEWAY_SECONDS;
    validation.validate_nbf = true;
    validation.set_required_spec_claims(&["exp", "iss", "sub", "aud"]);
    validation.set_issuer(&[client_id.to_string()]);
    validation.set_audience(audiences);
    let examine = |key: &PublicKey| {
        jsonwebtoken::decode::<Claims>(assertion, key.key(), &validation)
            .map(|decoded| decoded.claims)
            .map_err(|error| refusal(error.kind()))
    };
    let mut outcome = None;
    for key in keys.fitting(header.kid.as_deref(), algorithm) {
        let examined = examine(key);
        let is_decided = examined.as_ref().err() != Some(&TokenError::BadSignature);
        outcome = Some(examined);
        if is_decided {
            break;
        }
    }
    let Some(outcome) = outcome else {
        for key in NOBODYS.fitting(None, algorithm) {
            drop(examine(key));
        }
        return Err(TokenError::UnknownKey);
    };
    let claims = outcome?;
    if claims.sub != claims.iss || claims.jti.is_empty() || claims.jti.len() > LONGEST_JTI {
        return Err(TokenError::BadClaims);
    }
    let grace = Duration::from_secs(token::LEEWAY_SECONDS);
    let expires_at = DateTime::from_timestamp(claims.exp, 0).ok_or(TokenError::BadClaims)?;
    if expires_at > now + LONGEST + grace {
        return Err(TokenError::BadClaims);
    }
    Ok(Assertion {
        jti: claims.jti,
        expires_at: expires_at + grace,
    })
}

/// Keys of each kind that are printed in the standards of JSON Web Keys, for comparing with in vain.
static NOBODYS: LazyLock<KeySet> = LazyLock::new(|| {
    let modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZ\
                   CiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZ\
                   gnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniI\
                   qbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    let jwks = [
        json!({ "kty": "RSA", "n": modulus, "e": "AQAB" }),
        json!({ "kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM" }),
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
    ];
    KeySet::of_keys(
        jwks.iter()
            .filter_map(|jwk| PublicKey::of_jwk(jwk).ok())
            .collect(),
    )
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_key_of_nobody_for_every_algorithm() {
        for algorithm in SignatureAlgorithm::ALL {
            assert_eq!(
                NOBODYS.fitting(None, algorithm).count(),
                1,
                "{}",
                algorithm.name()
            );
        }
    }
}
