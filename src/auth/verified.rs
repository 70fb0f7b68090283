//! Tokens that were found good and need not be examined again until they expire.
//!
//! Held by the SHA-256 of the token, so that no token stays in memory. What a token was found good by (the
//! generation of an issuer's keys) is held with it: as soon as those are replaced it is examined again.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use sha2::{Digest, Sha256};

use super::principal::Principal;

/// How many tokens are held at most; about half a megabyte.
const HELD: usize = 4096;

/// A token's name in here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(super) fn of(token: &str) -> Fingerprint {
        Fingerprint(Sha256::digest(token).into())
    }
}

#[derive(Debug, Clone)]
pub(super) struct Verified {
    pub(super) principal: Arc<Principal>,
    /// When it is refused, in seconds since 1970, with the grace that it is given.
    pub(super) expires_at: i64,
    /// Whose keys were used, as a place in the list of issuers, and in which generation; none for our own.
    pub(super) by: Option<(usize, u64)>,
}

#[derive(Default)]
pub(super) struct VerifiedTokens(RwLock<HashMap<Fingerprint, Verified>>);

impl VerifiedTokens {
    /// The token, unless it has expired by now.
    pub(super) fn find(&self, fingerprint: &Fingerprint, now: i64) -> Option<Verified> {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        held.get(fingerprint)
            .filter(|verified| now < verified.expires_at)
            .cloned()
    }

    pub(super) fn hold(&self, fingerprint: Fingerprint, verified: Verified, now: i64) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= HELD {
            held.retain(|_, other| now < other.expires_at);
        }
        // With so many alive none is dearer than another; each is examined once more.
        if held.len() >= HELD {
            held.clear();
        }
        held.insert(fingerprint, verified);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::LaCode;

    fn verified(expires_at: i64) -> Verified {
        let principal = Principal {
            subject: "somebody".to_owned(),
            la_code: LaCode::parse("202").unwrap(),
            roles: Vec::new(),
            organisation_id: None,
            case_id: None,
            person_id: None,
            client: None,
        };
        Verified {
            principal: Arc::new(principal),
            expires_at,
            by: None,
        }
    }

    #[test]
    fn a_token_is_held_until_it_expires() {
        let tokens = VerifiedTokens::default();
        let fingerprint = Fingerprint::of("a.b.c");
        tokens.hold(fingerprint, verified(100), 0);
        assert!(tokens.find(&fingerprint, 99).is_some());
        assert!(tokens.find(&fingerprint, 100).is_none());
        assert!(tokens.find(&Fingerprint::of("a.b.d"), 0).is_none());
    }

    #[test]
    fn no_more_are_held_than_there_is_room_for() {
        let tokens = VerifiedTokens::default();
        let last = Fingerprint::of("the last");
        for number in 0..HELD {
            tokens.hold(Fingerprint::of(&number.to_string()), verified(100), 0);
        }
        tokens.hold(last, verified(100), 0);
        assert!(tokens.find(&last, 0).is_some());
        assert!(tokens.0.read().unwrap().len() <= HELD);
    }
}
