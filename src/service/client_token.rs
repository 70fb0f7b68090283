//! How a system gets a token: what it proves itself with, for which authority it asks, and what it may then do.
//!
//! And how each of its requests is let through: as long as neither the authority that registered it nor the one
//! it was granted something by has shut it out, and what the token says is still granted.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Error, Work};
use crate::auth::{
    Assertion, CLIENT_PREFIX, ClientAccess, ClientScope, KeySet, LaCode, Principal, PublicKey,
};
use crate::store::client::{
    ClientRow, GrantRow, SecretRow, find_client, find_granted, find_live_secret, grants_of, note_use,
    take_assertion,
};
use crate::store::convert::{from_json, id, optional_id};
use crate::store::{AnyConnection, StoreError};

/// How often it is written down that a system was used.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// What is known of whoever asks for a token, before they have proved anything.
pub struct Candidate {
    client: Option<ClientRow>,
    secret: Option<SecretRow>,
    grants: Vec<GrantRow>,
}

/// What a system proved itself with.
#[derive(Debug, Clone)]
pub enum Proof {
    Secret(Uuid),
    Assertion(Assertion),
}

/// Why somebody who proved who they are gets no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoGrant {
    /// Several authorities have granted it something, and it has to say for which it asks.
    WhichAuthority,
    /// The authority it asks for, or any, lets it do nothing.
    Nothing,
    /// It asks for what it was not granted.
    Scope,
}

/// Looks somebody up who may be a system. It takes as many statements for one that is not.
pub fn find_candidate(
    connection: &mut AnyConnection,
    client_id: Uuid,
    secret_id: Uuid,
) -> Result<Candidate, StoreError> {
    Ok(Candidate {
        client: find_client(connection, client_id)?,
        secret: find_live_secret(connection, client_id, secret_id)?,
        grants: grants_of(connection, client_id)?,
    })
}

impl Candidate {
    /// What its secret is compared with; none for a system that is unknown or shut out.
    pub fn hash(&self) -> Option<String> {
        let secret = self.secret.as_ref().filter(|_| self.is_let_in())?;
        Some(secret.hash.clone())
    }

    /// What its assertions are examined with; none for a system that is unknown or shut out.
    pub fn keys(&self) -> KeySet {
        let client = self.client.as_ref().filter(|_| self.is_let_in());
        let jwks: Vec<serde_json::Value> = client
            .and_then(|client| from_json(&client.keys).ok())
            .unwrap_or_default();
        KeySet::of_keys(
            jwks.iter()
                .filter_map(|jwk| PublicKey::of_jwk(jwk).ok())
                .collect(),
        )
    }

    fn is_let_in(&self) -> bool {
        self.client
            .as_ref()
            .is_some_and(|client| client.disabled_at.is_none())
    }

    /// Whom the token will name, for the authority asked for, or the only one there is, with the scopes asked
    /// for, or all.
    pub fn principal(
        &self,
        la_code: Option<&LaCode>,
        scopes: Option<&[ClientScope]>,
    ) -> Result<Result<Principal, NoGrant>, StoreError> {
        let mut usable = self
            .grants
            .iter()
            .filter(|grant| grant.disabled_at.is_none())
            .filter(|grant| la_code.is_none_or(|la_code| la_code.as_str() == grant.la_code));
        let (Some(grant), Some(client)) = (usable.next(), &self.client) else {
            return Ok(Err(NoGrant::Nothing));
        };
        if usable.next().is_some() {
            return Ok(Err(NoGrant::WhichAuthority));
        }
        let granted: Vec<ClientScope> = from_json(&grant.scopes)?;
        let scopes = scopes.map_or_else(|| granted.clone(), <[_]>::to_vec);
        if scopes.is_empty() || !scopes.iter().all(|scope| granted.contains(scope)) {
            return Ok(Err(NoGrant::Scope));
        }
        let la_code = LaCode::parse(&grant.la_code)
            .map_err(|_| StoreError::Bug("a grant has no code of an authority".to_owned()))?;
        Ok(Ok(Principal {
            subject: format!("{CLIENT_PREFIX}{}", client.id),
            la_code,
            roles: Vec::new(),
            organisation_id: optional_id(grant.organisation_id.as_deref())?,
            case_id: None,
            person_id: None,
            client: Some(ClientAccess {
                client_id: id(&client.id)?,
                scopes,
            }),
        }))
    }

    /// Whether nothing has to be written before the token is given.
    pub fn was_noted(&self, la_code: &LaCode, proof: &Proof, now: DateTime<Utc>) -> bool {
        let recently = |at: Option<NaiveDateTime>| at.is_some_and(|at| at + NOTED_EVERY > now.naive_utc());
        let grant = self.grants.iter().find(|grant| grant.la_code == la_code.as_str());
        match proof {
            Proof::Assertion(_) => false,
            Proof::Secret(_) => {
                recently(grant.and_then(|grant| grant.last_used_at))
                    && recently(self.secret.as_ref().and_then(|secret| secret.last_used_at))
            }
        }
    }
}

/// Writes down that a system was used, in the name of which the work is done, and takes its assertion; false
/// where that was taken before. `now` is the system's time, by which assertions expire.
pub fn take_token(work: &mut Work<'_>, proof: &Proof, now: DateTime<Utc>) -> Result<bool, Error> {
    let Some(access) = &work.principal.client else {
        return Err(Error::NotFound);
    };
    let (client_id, la_code) = (access.client_id, work.la_code());
    let secret_id = match proof {
        Proof::Secret(secret_id) => Some(*secret_id),
        Proof::Assertion(assertion) => {
            let client = find_client(work.connection, client_id)?.ok_or(Error::NotFound)?;
            let jti = format!("{:x}", Sha256::digest(&assertion.jti));
            let (expires_at, now) = (assertion.expires_at.naive_utc(), now.naive_utc());
            if !take_assertion(work.connection, &client, &jti, expires_at, now)? {
                return Ok(false);
            }
            None
        }
    };
    let noted_at = work.now.naive_utc();
    note_use(work.connection, &la_code, client_id, secret_id, noted_at)?;
    Ok(true)
}

/// Whether whoever asks is still let in. People are by their token; a system is looked up in the transaction of
/// its request, so that it is shut out at once, whichever replica it asks.
pub fn check_admitted(connection: &mut AnyConnection, principal: &Principal) -> Result<(), Error> {
    let Some(access) = &principal.client else {
        return Ok(());
    };
    let found = find_granted(connection, principal.la_code.as_str(), access.client_id)?;
    let Some((grant, client)) = found else {
        return Err(Error::ShutOut);
    };
    let granted: Vec<ClientScope> = from_json(&grant.scopes)?;
    let is_admitted = client.disabled_at.is_none()
        && grant.disabled_at.is_none()
        && optional_id(grant.organisation_id.as_deref())? == principal.organisation_id
        && access.scopes.iter().all(|scope| granted.contains(scope));
    if is_admitted { Ok(()) } else { Err(Error::ShutOut) }
}
