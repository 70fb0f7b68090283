//! The secrets of systems: made here, shown once, and kept only as something to compare with.
//!
//! Comparing is made slow on purpose, so it runs on threads of its own, a few at a time, and takes as long for a
//! secret that nobody has.

use std::fmt;
use std::sync::{Arc, LazyLock};

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use rand::TryRngCore;
use rand::rngs::OsRng;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// How secrets begin, so that one in the wrong place can be recognised.
const PREFIX: &str = "ehcp_";
/// How many are compared at once: each takes a core, and 19 MiB.
const AT_ONCE: usize = 2;
/// How many may wait for their turn.
const WAITING: usize = 64;

/// The secret of a system, with the id by which what it is compared with is found. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret {
    pub id: Uuid,
    text: String,
}

/// Why a secret was not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("too many secrets are being compared")]
    Busy,
    #[error("the system gave no random bytes for a secret")]
    NoRandomness,
    #[error("a secret could not be hashed")]
    Failed,
}

impl ClientSecret {
    /// A new secret of 32 random bytes, under an id of its own.
    pub fn new(id: Uuid) -> Result<ClientSecret, SecretError> {
        let mut bytes = [0; 32];
        OsRng
            .try_fill_bytes(&mut bytes)
            .map_err(|_| SecretError::NoRandomness)?;
        let random: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(ClientSecret {
            id,
            text: format!("{PREFIX}{}_{random}", id.simple()),
        })
    }

    /// Reads a secret as it was shown. What has another form is a secret of nobody.
    pub fn read(text: &str) -> ClientSecret {
        let id = text
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split_once('_'))
            .and_then(|(id, _)| Uuid::try_parse(id).ok());
        ClientSecret {
            id: id.unwrap_or_default(),
            text: text.to_owned(),
        }
    }

    /// The secret itself, to be shown to whoever asked for it.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// What it is compared with from now on.
    pub async fn hash(self) -> Result<String, SecretError> {
        in_turn(move || hash(&self.text)).await?
    }

    /// Whether it is the one that was hashed so; for no hash it takes as long to say no.
    pub async fn matches(self, hash: Option<String>) -> Result<bool, SecretError> {
        in_turn(move || {
            let compared = hash.as_deref().unwrap_or(&NOBODYS);
            let parsed = PasswordHash::new(compared).map_err(|_| SecretError::Failed)?;
            let is_same = argon2().verify_password(self.text.as_bytes(), &parsed).is_ok();
            Ok(is_same && hash.is_some())
        })
        .await?
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ClientSecret({}, ***)", self.id)
    }
}

static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(AT_ONCE)));
static PLACES: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(AT_ONCE + WAITING));

/// What a secret is compared with that belongs to nobody.
static NOBODYS: LazyLock<String> = LazyLock::new(|| hash("nobody's").unwrap_or_default());

async fn in_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, SecretError> {
    let _place = PLACES.try_acquire().map_err(|_| SecretError::Busy)?;
    let turn = Arc::clone(&TURNS)
        .acquire_owned()
        .await
        .map_err(|_| SecretError::Busy)?;
    let done = tokio::task::spawn_blocking(move || {
        let outcome = work();
        drop(turn);
        outcome
    });
    done.await.map_err(|_| SecretError::Failed)
}

/// Argon2id with 19 MiB and two passes, as OWASP has it.
fn argon2() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(text: &str) -> Result<String, SecretError> {
    let mut salt = [0; 16];
    OsRng
        .try_fill_bytes(&mut salt)
        .map_err(|_| SecretError::NoRandomness)?;
    let salt = SaltString::encode_b64(&salt).map_err(|_| SecretError::Failed)?;
    let hashed = argon2().hash_password(text.as_bytes(), &salt);
    Ok(hashed.map_err(|_| SecretError::Failed)?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn a_secret_matches_its_own_hash_alone() {
        let id = Uuid::from_u128(5);
        let (secret, other) = (ClientSecret::new(id).unwrap(), ClientSecret::new(id).unwrap());
        let hash = secret.clone().hash().await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let read = ClientSecret::read(secret.reveal());
        assert_eq!(read, secret);
        assert_eq!(read.matches(Some(hash.clone())).await, Ok(true));
        assert_eq!(other.matches(Some(hash)).await, Ok(false));
        assert_eq!(secret.clone().matches(None).await, Ok(false));
        assert_eq!(ClientSecret::read("nobody's").matches(None).await, Ok(false));
        assert!(!format!("{secret:?}").contains(&secret.reveal()[40..]));
    }

    #[test]
    fn what_has_another_form_is_nobodys() {
        for text in [
            "",
            "hush",
            "ehcp_",
            "ehcp_x_y",
            "ehcp_00000000000000000000000000000001",
        ] {
            assert!(ClientSecret::read(text).id.is_nil(), "{text}");
        }
    }
}
