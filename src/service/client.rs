//! Systems that ask for themselves: registering them, what an authority grants them, and what they prove
//! themselves with.
//!
//! A system belongs to the authority that registered it, or to an organisation. One of an organisation may be
//! granted something by other authorities too, each for itself; they see its name and their own grant. How a
//! system gets a token, `client_token` knows.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Error, Fault, Work};
use crate::auth::{ClientScope, PublicKey, SignatureAlgorithm};
use crate::store::client::{
    ClientRow, GrantRow, SecretRow, find_granted, grants_of, insert_client, insert_grant, insert_secret,
    list_granted, lock_client, revoke_secret as revoke, secrets_of, update_client, update_grant,
};
use crate::store::convert::{from_json, id, json, name_of, named, optional_id, text_of, unwritable};
use crate::store::organisation::find_organisation;
use crate::store::{StoreError, convert};

/// How many secrets of a system are good at a time: the one in use, and the one that takes its place.
pub const SECRETS_ALIVE: usize = 2;

/// Whose a system is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientOwner {
    Authority,
    Organisation,
}

/// A system to register.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct NewClient {
    /// What people call it.
    #[schema(min_length = 1, max_length = 200, example = "Riverbank patient records")]
    pub name: String,
    /// The organisation it belongs to, which it then acts for. Left out, it is the authority's own.
    #[serde(default)]
    pub organisation_id: Option<Uuid>,
    /// What it may do.
    #[schema(min_items = 1, max_items = 6)]
    pub scopes: Vec<ClientScope>,
}

/// What to change of a system; what is left out stays as it is.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct ClientChange {
    /// What people call it; only the authority that registered it may change that.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// What it may do here.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 6)]
    pub scopes: Option<Vec<ClientScope>>,
    /// Whether it is shut out, at once and with the tokens it has: everywhere, if this authority registered it.
    #[serde(default)]
    pub disabled: Option<bool>,
}

/// What an authority lets the system of an organisation do.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct ClientGrant {
    /// The organisation it acts for, as this authority knows it.
    pub organisation_id: Uuid,
    /// What it may do here.
    #[schema(min_items = 1, max_items = 6)]
    pub scopes: Vec<ClientScope>,
}

/// A public key as a JSON Web Key (RFC 7517): RSA of 2048 bits or more, P-256 or Ed25519.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PublicJwk {
    #[schema(min_length = 1, max_length = 10, example = "OKP")]
    kty: String,
    /// Its name, which the header of an assertion repeats.
    #[schema(min_length = 1, max_length = 200, example = "2026-11")]
    kid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 20, example = "Ed25519")]
    crv: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 20)]
    alg: Option<String>,
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 20)]
    purpose: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1500)]
    n: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 20)]
    e: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100, example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    x: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    y: Option<String>,
}

/// A system as one authority sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub id: Uuid,
    pub version: i64,
    pub name: String,
    /// What it may do here.
    pub scopes: Vec<ClientScope>,
    /// Whether this authority has shut it out.
    pub is_disabled: bool,
    pub belongs_to: ClientOwner,
    pub is_registered_here: bool,
    pub organisation_id: Option<Uuid>,
    pub last_used_at: Option<chrono::DateTime<chrono::Utc>>,
    /// Of a system registered elsewhere, none.
    pub secrets: Vec<Secret>,
    pub keys: Vec<ClientKey>,
}

/// A secret, without itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    pub id: Uuid,
    pub created_at: chrono::DateTime<chrono::Utc>,
    pub last_used_at: Option<chrono::DateTime<chrono::Utc>>,
    pub revoked_at: Option<chrono::DateTime<chrono::Utc>>,
}

/// A public key, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientKey {
    pub kid: String,
    pub algorithm: SignatureAlgorithm,
}

pub fn register_client(work: &mut Work<'_>, new: &NewClient) -> Result<Client, Error> {
    let scopes = judged(work, &new.scopes)?;
    check_organisation(work, new.organisation_id)?;
    let client_id = work.new_id();
    let now = work.now.naive_utc();
    let belongs_to = match new.organisation_id {
        Some(_) => ClientOwner::Organisation,
        None => ClientOwner::Authority,
    };
    let client = ClientRow {
        id: client_id.to_string(),
        la_code: work.la_code(),
        name: new.name.clone(),
        belongs_to: name_of(&belongs_to)?,
        keys: "[]".to_owned(),
        disabled_at: None,
        created_at: now,
        updated_at: now,
    };
    insert_client(work.connection, &client)?;
    let grant = grant_row(work, client_id, new.organisation_id, &scopes)?;
    insert_grant(work.connection, &grant)?;
    work.audit("register_client", &client.id, None, Some(1))?;
    client_of(&grant, &client, &[])
}

pub fn get_client(work: &mut Work<'_>, client_id: Uuid) -> Result<Client, Error> {
    let (grant, client) = granted(work, client_id)?;
    seen(work, &grant, &client)
}

pub fn list_clients(work: &mut Work<'_>, after: Option<Uuid>, limit: i64) -> Result<Vec<Client>, Error> {
    let la_code = work.la_code();
    let found = list_granted(work.connection, &la_code, after, limit)?;
    let ids: Vec<String> = found.iter().map(|(_, client)| client.id.clone()).collect();
    let secrets = secrets_of(work.connection, &la_code, &ids)?;
    let own = |client_id: &str| {
        let own = secrets.iter().filter(|secret| secret.client_id == client_id);
        own.cloned().collect::<Vec<_>>()
    };
    found
        .iter()
        .map(|(grant, client)| client_of(grant, client, &own(&client.id)))
        .collect()
}

/// Changes a system, for this authority or, if it registered it, for all.
pub fn change_client(
    work: &mut Work<'_>,
    client_id: Uuid,
    if_match: i64,
    change: &ClientChange,
) -> Result<Client, Error> {
    let (mut grant, mut client) = held(work, client_id)?;
    check_version(&grant, if_match)?;
    let is_registered_here = client.la_code == grant.la_code;
    let now = work.now.naive_utc();
    if let Some(scopes) = &change.scopes {
        grant.scopes = json(&judged(work, scopes)?)?;
    }
    if let Some(is_disabled) = change.disabled {
        let disabled_at = match is_registered_here {
            true => &mut client.disabled_at,
            false => &mut grant.disabled_at,
        };
        if disabled_at.is_some() && !is_disabled {
            check_within_own(work, client_id)?;
        }
        *disabled_at = is_disabled.then_some(disabled_at.unwrap_or(now));
    }
    match &change.name {
        Some(name) if is_registered_here => client.name = name.clone(),
        Some(name) if *name != client.name => {
            return Err(fault(
                "/name",
                "registered_elsewhere",
                "is given by the authority that registered it",
            ));
        }
        Some(_) | None => {}
    }
    if is_registered_here {
        client.updated_at = now;
        update_client(work.connection, &client)?;
    }
    save(work, grant, &client, "change_client")
}

/// Lets the system of an organisation that another authority registered do something here too.
///
/// Whoever grants it knows its id from the organisation, and trusts the authority that registered it to look
/// after its secrets and keys.
pub fn grant_client(
    work: &mut Work<'_>,
    client_id: Uuid,
    if_match: Option<i64>,
    given: &ClientGrant,
) -> Result<Client, Error> {
    let la_code = work.la_code();
    // Held, so that of two who grant at once one comes second.
    let client = lock_client(work.connection, client_id).map_err(Error::from)?;
    let found = find_granted(work.connection, &la_code, client_id)?;
    let belongs_to: ClientOwner = named(&client.belongs_to)?;
    if belongs_to == ClientOwner::Authority && found.is_none() {
        return Err(Error::NotFound);
    }
    if let Some((grant, _)) = &found {
        check_version(grant, if_match.unwrap_or(grant.version))?;
    }
    if belongs_to == ClientOwner::Authority {
        return Err(fault(
            "/organisation_id",
            "of_the_authority",
            "cannot be given to a system of the authority itself",
        ));
    }
    let scopes = judged(work, &given.scopes)?;
    check_organisation(work, Some(given.organisation_id))?;
    match found {
        Some((mut grant, _)) => {
            grant.organisation_id = text_of(Some(given.organisation_id));
            grant.scopes = json(&scopes)?;
            save(work, grant, &client, "grant_client")
        }
        None => {
            let grant = grant_row(work, client_id, Some(given.organisation_id), &scopes)?;
            insert_grant(work.connection, &grant)?;
            work.audit("grant_client", &client.id, None, Some(1))?;
            client_of(&grant, &client, &[])
        }
    }
}

/// Keeps what a new secret is compared with. There may be two that are good.
pub fn add_client_secret(
    work: &mut Work<'_>,
    client_id: Uuid,
    secret_id: Uuid,
    hash: String,
) -> Result<Secret, Error> {
    let (grant, client) = held_here(work, client_id)?;
    check_within_own(work, client_id)?;
    let la_code = work.la_code();
    let secrets = secrets_of(work.connection, &la_code, std::slice::from_ref(&client.id))?;
    let alive = secrets.iter().filter(|secret| secret.revoked_at.is_none());
    if alive.count() >= SECRETS_ALIVE {
        return Err(Error::TooManySecrets);
    }
    let row = SecretRow {
        id: secret_id.to_string(),
        la_code,
        client_id: client.id.clone(),
        hash,
        created_at: work.now.naive_utc(),
        revoked_at: None,
        last_used_at: None,
    };
    insert_secret(work.connection, &row)?;
    save(work, grant, &client, "add_client_secret")?;
    secret_of(&row)
}

/// Ends a secret at once; one that has ended stays so.
pub fn revoke_client_secret(work: &mut Work<'_>, client_id: Uuid, secret_id: Uuid) -> Result<Client, Error> {
    let (grant, client) = held_here(work, client_id)?;
    let la_code = work.la_code();
    let secrets = secrets_of(work.connection, &la_code, std::slice::from_ref(&client.id))?;
    if !secrets.iter().any(|secret| secret.id == secret_id.to_string()) {
        return Err(Error::NotFound);
    }
    let now = work.now.naive_utc();
    if revoke(work.connection, client_id, secret_id, now)? {
        save(work, grant, &client, "revoke_client_secret")
    } else {
        seen(work, &grant, &client)
    }
}

/// Puts public keys in place of those there were.
pub fn put_client_keys(
    work: &mut Work<'_>,
    client_id: Uuid,
    if_match: Option<i64>,
    jwks: &[PublicJwk],
) -> Result<Client, Error> {
    let (grant, mut client) = held_here(work, client_id)?;
    check_version(&grant, if_match.unwrap_or(grant.version))?;
    check_within_own(work, client_id)?;
    let mut faults = Vec::new();
    let mut names: Vec<&String> = Vec::new();
    for (place, jwk) in jwks.iter().enumerate() {
        let value = serde_json::to_value(jwk).map_err(unwritable)?;
        if let Err(reason) = PublicKey::of_jwk(&value) {
            faults.push(Fault::new(format!("/keys/{place}"), "invalid", reason));
        }
        if names.contains(&&jwk.kid) {
            faults.push(Fault::new(
                format!("/keys/{place}/kid"),
                "repeated",
                "must be the name of one key",
            ));
        }
        names.push(&jwk.kid);
    }
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    client.keys = json(&jwks)?;
    client.updated_at = work.now.naive_utc();
    update_client(work.connection, &client)?;
    save(work, grant, &client, "put_client_keys")
}

/// A system that the authority has granted something.
fn granted(work: &mut Work<'_>, client_id: Uuid) -> Result<(GrantRow, ClientRow), Error> {
    let la_code = work.la_code();
    find_granted(work.connection, &la_code, client_id)?.ok_or(Error::NotFound)
}

/// The same, held against other writers.
fn held(work: &mut Work<'_>, client_id: Uuid) -> Result<(GrantRow, ClientRow), Error> {
    // Only what may be seen is held.
    granted(work, client_id)?;
    lock_client(work.connection, client_id)?;
    granted(work, client_id)
}

/// The same of those that the authority registered; others' secrets are not its business.
fn held_here(work: &mut Work<'_>, client_id: Uuid) -> Result<(GrantRow, ClientRow), Error> {
    let (grant, client) = held(work, client_id)?;
    if client.la_code == grant.la_code {
        Ok((grant, client))
    } else {
        Err(Error::NotFound)
    }
}

fn check_version(grant: &GrantRow, if_match: i64) -> Result<(), Error> {
    if grant.version == if_match {
        Ok(())
    } else {
        Err(Error::Stale {
            current_version: grant.version,
        })
    }
}

fn save(work: &mut Work<'_>, grant: GrantRow, client: &ClientRow, action: &str) -> Result<Client, Error> {
    let grant = GrantRow {
        version: grant.version + 1,
        updated_at: work.now.naive_utc(),
        ..grant
    };
    update_grant(work.connection, &grant)?;
    work.audit(action, &client.id, None, Some(grant.version))?;
    seen(work, &grant, client)
}

fn seen(work: &mut Work<'_>, grant: &GrantRow, client: &ClientRow) -> Result<Client, Error> {
    let la_code = work.la_code();
    let secrets = secrets_of(work.connection, &la_code, std::slice::from_ref(&client.id))?;
    client_of(grant, client, &secrets)
}

/// Scopes, each once. A system gives no other what it does not have itself.
fn judged(work: &Work<'_>, scopes: &[ClientScope]) -> Result<Vec<ClientScope>, Error> {
    let scopes: Vec<ClientScope> = ClientScope::ALL
        .into_iter()
        .filter(|scope| scopes.contains(scope))
        .collect();
    if are_within_own(work, &scopes) {
        Ok(scopes)
    } else {
        Err(fault(
            "/scopes",
            "beyond_own",
            "must be among the scopes of whoever grants them",
        ))
    }
}

/// Whoever gives a system what it proves itself with, or lets it in again, can act as it: for every authority that
/// granted it something.
fn check_within_own(work: &mut Work<'_>, client_id: Uuid) -> Result<(), Error> {
    for grant in grants_of(work.connection, client_id)? {
        let scopes: Vec<ClientScope> = from_json(&grant.scopes)?;
        if !are_within_own(work, &scopes) {
            return Err(fault(
                "",
                "beyond_own",
                "must concern a system that may do nothing beyond the scopes of whoever asks",
            ));
        }
    }
    Ok(())
}

/// People grant any scope; a system those alone that it has.
fn are_within_own(work: &Work<'_>, scopes: &[ClientScope]) -> bool {
    let own = work.principal.client.as_ref();
    own.is_none_or(|own| scopes.iter().all(|scope| own.scopes.contains(scope)))
}

fn check_organisation(work: &mut Work<'_>, organisation_id: Option<Uuid>) -> Result<(), Error> {
    let la_code = work.la_code();
    let Some(organisation_id) = organisation_id else {
        return Ok(());
    };
    match find_organisation(work.connection, &la_code, organisation_id) {
        Ok(_) => Ok(()),
        Err(StoreError::NotFound) => Err(fault(
            "/organisation_id",
            "unknown_organisation",
            "must be an organisation of this authority",
        )),
        Err(error) => Err(error.into()),
    }
}

fn fault(pointer: &'static str, code: &'static str, message: &'static str) -> Error {
    Error::Invalid(vec![Fault::new(pointer, code, message)])
}

fn grant_row(
    work: &Work<'_>,
    client_id: Uuid,
    organisation_id: Option<Uuid>,
    scopes: &[ClientScope],
) -> Result<GrantRow, Error> {
    let now = work.now.naive_utc();
    Ok(GrantRow {
        la_code: work.la_code(),
        client_id: client_id.to_string(),
        organisation_id: text_of(organisation_id),
        scopes: json(&scopes)?,
        disabled_at: None,
        last_used_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    })
}

fn client_of(grant: &GrantRow, client: &ClientRow, secrets: &[SecretRow]) -> Result<Client, Error> {
    let is_registered_here = client.la_code == grant.la_code;
    let jwks: Vec<Value> = from_json(&client.keys)?;
    let keys = jwks.iter().filter_map(|jwk| PublicKey::of_jwk(jwk).ok());
    let keys = keys.filter_map(|key| {
        key.kid.map(|kid| ClientKey {
            kid,
            algorithm: key.algorithm,
        })
    });
    Ok(Client {
        id: id(&client.id)?,
        version: grant.version,
        name: client.name.clone(),
        scopes: from_json(&grant.scopes)?,
        is_disabled: match is_registered_here {
            true => client.disabled_at.is_some(),
            false => grant.disabled_at.is_some(),
        },
        belongs_to: named(&client.belongs_to)?,
        is_registered_here,
        organisation_id: optional_id(grant.organisation_id.as_deref())?,
        last_used_at: grant.last_used_at.map(convert::instant),
        secrets: match is_registered_here {
            true => secrets.iter().map(secret_of).collect::<Result<_, _>>()?,
            false => Vec::new(),
        },
        keys: match is_registered_here {
            true => keys.collect(),
            false => Vec::new(),
        },
    })
}

fn secret_of(row: &SecretRow) -> Result<Secret, Error> {
    Ok(Secret {
        id: id(&row.id)?,
        created_at: convert::instant(row.created_at),
        last_used_at: row.last_used_at.map(convert::instant),
        revoked_at: row.revoked_at.map(convert::instant),
    })
}
