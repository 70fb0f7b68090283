//! Whose tokens are believed: the built-in issuer's and those of the issuers that the configuration names.
//!
//! What a token says of its issuer chooses the keys it is examined with, and nothing else in it does: neither a
//! key nor the address of one is ever taken from a token. Made once for a process; called by `http`.

use std::fmt;
use std::sync::Arc;

use jsonwebtoken::{Validation, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::issuer::Issuer;
use super::issuer_key::IssuerKey;
use super::key_set::SignatureAlgorithm;
use super::key_source::KeySource;
use super::principal::Principal;
use super::token::{BUILT_IN_ISSUER, TokenError, refusal, verified};
use super::verified::{Fingerprint, Verified, VerifiedTokens};
use crate::clock::Clock;

/// The longest token that is looked at, in bytes.
const LONGEST_TOKEN: usize = 16 * 1024;

/// What the configuration says of whom to believe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// Whether people's tokens of the built-in issuer are accepted. Those of systems are in any case, since
    /// `/oauth/token` makes them.
    pub built_in_issuer: bool,
    pub issuers: Vec<Issuer>,
    /// Where the API is reached from outside.
    pub public_url: Option<String>,
}

impl Default for Trust {
    /// The built-in issuer alone.
    fn default() -> Trust {
        Trust {
            built_in_issuer: true,
            issuers: Vec::new(),
            public_url: None,
        }
    }
}

/// Verifies tokens. Shared by all workers.
pub struct Identity {
    key: IssuerKey,
    trust: Trust,
    /// In the order of the issuers.
    sources: Vec<KeySource>,
    tokens: VerifiedTokens,
}

/// What is read of a token before anything is known of it.
#[derive(Deserialize)]
struct Claimed {
    iss: Option<String>,
}

impl Identity {
    pub fn new(key: IssuerKey, trust: Trust) -> Identity {
        Identity {
            key,
            sources: trust.issuers.iter().map(KeySource::new).collect(),
            trust,
            tokens: VerifiedTokens::default(),
        }
    }

    /// The key of the built-in issuer.
    pub fn issuer_key(&self) -> &IssuerKey {
        &self.key
    }

    /// What the assertion of a system may name as its audience.
    pub fn audiences(&self) -> Vec<String> {
        let url = self.trust.public_url.as_deref();
        let endpoint = url.map(|url| format!("{}/oauth/token", url.trim_end_matches('/')));
        std::iter::once(BUILT_IN_ISSUER.to_owned())
            .chain(endpoint)
            .collect()
    }

    /// Whom a token names, if somebody who is believed signed it and it is valid now.
    ///
    /// A token found good is examined again only when it has expired or its issuer's keys are others.
    pub async fn verify(&self, token: &str) -> Result<Arc<Principal>, TokenError> {
        if token.len() > LONGEST_TOKEN {
            return Err(TokenError::Malformed);
        }
        let (fingerprint, now) = (Fingerprint::of(token), Clock::System.now().timestamp());
        if let Some(found) = self.tokens.find(&fingerprint, now)
            && self.is_present(&found)
        {
            return Ok(found.principal);
        }
        let examined = self.examine(token).await?;
        let principal = Arc::clone(&examined.principal);
        self.tokens.hold(fingerprint, examined, now);
        Ok(principal)
    }

    fn is_present(&self, found: &Verified) -> bool {
        match found.by {
            None => true,
            Some((issuer, generation)) => self
                .sources
                .get(issuer)
                .is_some_and(|source| source.generation() == generation),
        }
    }

    async fn examine(&self, token: &str) -> Result<Verified, TokenError> {
        let header = decode_header(token).map_err(|_| TokenError::Malformed)?;
        if header.crit.is_some() {
            return Err(TokenError::Malformed);
        }
        let claimed = jsonwebtoken::dangerous::insecure_decode::<Claimed>(token)
            .map_err(|_| TokenError::BadClaims)?
            .claims;
        let named = claimed.iss.as_deref().ok_or(TokenError::BadClaims)?;
        if named == BUILT_IN_ISSUER {
            let (principal, expires_at) = verified(&self.key, token)?;
            if principal.client.is_none() && !self.trust.built_in_issuer {
                return Err(TokenError::WrongIssuer);
            }
            return Ok(Verified {
                principal: Arc::new(principal),
                expires_at,
                by: None,
            });
        }
        let place = self
            .trust
            .issuers
            .iter()
            .position(|issuer| issuer.issuer == named);
        let (Some(place), Some(issuer), Some(source)) = (
            place,
            place.and_then(|place| self.trust.issuers.get(place)),
            place.and_then(|place| self.sources.get(place)),
        ) else {
            return Err(TokenError::WrongIssuer);
        };
        let algorithm = SignatureAlgorithm::of_header(header.alg)
            .filter(|algorithm| issuer.algorithms.contains(algorithm))
            .ok_or(TokenError::WrongAlgorithm)?;
        let kid = header.kid.as_deref();
        let (keys, generation) = source.keys_for(kid).await.ok_or(TokenError::KeysAway)?;
        let validation = validation(issuer, algorithm);
        let mut outcome = Err(match keys.names(kid) {
            true => TokenError::WrongAlgorithm,
            false => TokenError::UnknownKey,
        });
        for key in keys.fitting(kid, algorithm) {
            outcome = jsonwebtoken::decode::<Map<String, Value>>(token, key.key(), &validation)
                .map(|decoded| decoded.claims)
                .map_err(|error| refusal(error.kind()));
            if outcome != Err(TokenError::BadSignature) {
                break;
            }
        }
        let claims = outcome?;
        let expires_at = claims
            .get("exp")
            .and_then(Value::as_f64)
            .ok_or(TokenError::BadClaims)?;
        Ok(Verified {
            principal: Arc::new(issuer.mapping.principal(&claims)?),
            expires_at: (expires_at as i64).saturating_add(validation.leeway.cast_signed()),
            by: Some((place, generation)),
        })
    }
}

/// What a token of an issuer is held to.
fn validation(issuer: &Issuer, algorithm: SignatureAlgorithm) -> Validation {
    let mut validation = Validation::new(algorithm.in_jsonwebtoken());
    validation.leeway = issuer.clock_skew.as_secs();
    validation.validate_nbf = true;
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.set_issuer(&[&issuer.issuer]);
    validation.set_audience(&[&issuer.audience]);
    validation
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Identity")
            .field("trust", &self.trust)
            .finish_non_exhaustive()
    }
}
