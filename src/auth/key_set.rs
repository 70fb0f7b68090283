//! Public keys that signatures are checked with, read from a JSON Web Key Set.
//!
//! Only keys for the three algorithms are kept; what else a set holds (symmetric keys above all) is passed over.
//! Where sets come from, `key_source` knows; the keys of clients come through here too.

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// More keys than any issuer has; trying them takes time.
pub const KEYS_AT_MOST: usize = 50;

/// How somebody else may sign. Nothing symmetric is here: whoever verifies could sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum SignatureAlgorithm {
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// A key that checks signatures of one algorithm.
#[derive(Clone)]
pub struct PublicKey {
    pub kid: Option<String>,
    pub algorithm: SignatureAlgorithm,
    key: DecodingKey,
}

/// The keys of one signer.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    keys: Vec<PublicKey>,
}

/// Why a key cannot be used, or a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    #[error("is not a JSON Web Key Set")]
    NotASet,
    #[error("has more than {KEYS_AT_MOST} keys")]
    TooMany,
    #[error("has no key for RS256, ES256 or EdDSA")]
    NoKey,
}

impl SignatureAlgorithm {
    pub const ALL: [SignatureAlgorithm; 3] = [
        SignatureAlgorithm::Rs256,
        SignatureAlgorithm::Es256,
        SignatureAlgorithm::EdDsa,
    ];

    pub fn name(self) -> &'static str {
        match self {
            SignatureAlgorithm::Rs256 => "RS256",
            SignatureAlgorithm::Es256 => "ES256",
            SignatureAlgorithm::EdDsa => "EdDSA",
        }
    }

    /// The one that a token's header names, if it is one of these.
    pub fn of_header(algorithm: Algorithm) -> Option<SignatureAlgorithm> {
        SignatureAlgorithm::ALL
            .into_iter()
            .find(|known| known.in_jsonwebtoken() == algorithm)
    }

    pub fn in_jsonwebtoken(self) -> Algorithm {
        match self {
            SignatureAlgorithm::Rs256 => Algorithm::RS256,
            SignatureAlgorithm::Es256 => Algorithm::ES256,
            SignatureAlgorithm::EdDsa => Algorithm::EdDSA,
        }
    }
}

impl PublicKey {
    /// Reads a JSON Web Key. Says what is wrong with it without repeating it.
    pub fn of_jwk(jwk: &Value) -> Result<PublicKey, &'static str> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let field = |name: &str| text(name).ok_or("lacks a member of its type");
        let (algorithm, key) = match (text("kty"), text("crv")) {
            (Some("RSA"), _) => {
                // 2048 bits in base64url.
                if field("n")?.len() < 342 {
                    return Err("is an RSA key of less than 2048 bits");
                }
                (
                    SignatureAlgorithm::Rs256,
                    DecodingKey::from_rsa_components(field("n")?, field("e")?),
                )
            }
            (Some("EC"), Some("P-256")) => (
                SignatureAlgorithm::Es256,
                DecodingKey::from_ec_components(coordinate(field("x")?)?, coordinate(field("y")?)?),
            ),
            (Some("OKP"), Some("Ed25519")) => (
                SignatureAlgorithm::EdDsa,
                DecodingKey::from_ed_components(coordinate(field("x")?)?),
            ),
            _ => return Err("is not an RSA, P-256 or Ed25519 key"),
        };
        if text("alg").is_some_and(|named| named != algorithm.name()) {
            return Err("is meant for another algorithm");
        }
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return Err("is not meant for signatures");
        }
        Ok(PublicKey {
            kid: text("kid").map(str::to_owned),
            algorithm,
            key: key.map_err(|_| "is not a key that can be read")?,
        })
    }

    pub fn key(&self) -> &DecodingKey {
        &self.key
    }
}

/// 32 bytes in base64url without padding.
fn coordinate(text: &str) -> Result<&str, &'static str> {
    if text.len() == 43 {
        Ok(text)
    } else {
        Err("is not a key that can be read")
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({:?}, {})", self.kid, self.algorithm.name())
    }
}

impl KeySet {
    /// Reads `{"keys": […]}` and keeps the keys that can be used here.
    pub fn parse(text: &[u8]) -> Result<KeySet, KeySetError> {
        let set: Value = serde_json::from_slice(text).map_err(|_| KeySetError::NotASet)?;
        let keys = set
            .get("keys")
            .and_then(Value::as_array)
            .ok_or(KeySetError::NotASet)?;
        if keys.len() > KEYS_AT_MOST {
            return Err(KeySetError::TooMany);
        }
        let keys: Vec<PublicKey> = keys
            .iter()
            .filter_map(|jwk| PublicKey::of_jwk(jwk).ok())
            .collect();
        if keys.is_empty() {
            return Err(KeySetError::NoKey);
        }
        Ok(KeySet { keys })
    }

    pub fn of_keys(keys: Vec<PublicKey>) -> KeySet {
        KeySet { keys }
    }

    /// The keys that may have signed a token with such a header: of its algorithm, and of its `kid` where it has
    /// one.
    pub fn fitting<'s>(
        &'s self,
        kid: Option<&'s str>,
        algorithm: SignatureAlgorithm,
    ) -> impl Iterator<Item = &'s PublicKey> {
        self.keys.iter().filter(move |key| {
            key.algorithm == algorithm && kid.is_none_or(|kid| key.kid.as_deref() == Some(kid))
        })
    }

    /// Whether a key of that name is there, whatever it is for.
    pub fn names(&self, kid: Option<&str>) -> bool {
        kid.is_none_or(|kid| self.keys.iter().any(|key| key.kid.as_deref() == Some(kid)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    #[test]
    fn a_set_keeps_what_can_check_a_signature_and_passes_over_the_rest() {
        let set = json!({ "keys": [
            { "kty": "oct", "kid": "shared", "k": "c2VjcmV0" },
            { "kty": "OKP", "crv": "Ed25519", "kid": "one", "x": X },
            { "kty": "OKP", "crv": "Ed25519", "kid": "encryption", "use": "enc", "x": X },
            { "kty": "EC", "crv": "P-521", "kid": "large", "x": X, "y": X },
            { "kty": "OKP", "crv": "Ed25519", "kid": "confused", "alg": "HS256", "x": X },
            { "kty": "OKP", "crv": "Ed25519", "kid": "short", "x": "AAAA" },
            "no key",
        ]});
        let set = KeySet::parse(set.to_string().as_bytes()).unwrap();
        assert_eq!(set.keys.len(), 1);
        assert!(set.names(Some("one")) && set.names(None) && !set.names(Some("shared")));
        assert_eq!(set.fitting(Some("one"), SignatureAlgorithm::EdDsa).count(), 1);
        assert_eq!(set.fitting(None, SignatureAlgorithm::EdDsa).count(), 1);
        assert_eq!(set.fitting(Some("one"), SignatureAlgorithm::Rs256).count(), 0);
    }

    #[test]
    fn what_is_no_set_is_refused() {
        let many = json!({ "keys": vec![json!({}); KEYS_AT_MOST + 1] }).to_string();
        for (text, error) in [
            ("<html>", KeySetError::NotASet),
            ("{}", KeySetError::NotASet),
            (r#"{"keys": {}}"#, KeySetError::NotASet),
            (r#"{"keys": []}"#, KeySetError::NoKey),
            (many.as_str(), KeySetError::TooMany),
        ] {
            assert_eq!(KeySet::parse(text.as_bytes()).unwrap_err(), error, "{text}");
        }
    }
}
