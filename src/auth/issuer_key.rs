//! The secret that signs tokens, and the file it is kept in.
//!
//! The bytes leave this file only for `token`; `Debug` shows none of them.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rand::TryRngCore;
use rand::rngs::OsRng;

const FILE_NAME: &str = "issuer.key";
const LENGTH: usize = 32;

/// An HS256 secret of 32 random bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuerKey([u8; LENGTH]);

/// Why there is no issuer key to work with. Never tells what the file holds.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot read the issuer key {path}: {source}")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the issuer key {0} is malformed: it holds 64 hexadecimal digits and nothing else")]
    Malformed(PathBuf),
    #[error("cannot write an issuer key to the folder {folder}: {source}")]
    Unwritable { folder: PathBuf, source: io::Error },
    #[error("the system gave no random bytes for an issuer key")]
    NoRandomness,
}

impl IssuerKey {
    /// Reads the key from a file of 64 hexadecimal digits; white space around them does not matter.
    pub fn load(path: &Path) -> Result<IssuerKey, KeyError> {
        let unreadable = |source| KeyError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let bytes = fs::read(path).map_err(unreadable)?;
        from_hex(bytes.trim_ascii())
            .map(IssuerKey)
            .ok_or_else(|| KeyError::Malformed(path.to_owned()))
    }

    /// Reads the key from the file given, or else from `issuer.key` in the data folder, where it is made
    /// the first time, readable by its owner only. Processes that race to make it end up with the same.
    pub fn load_or_create(data_dir: &Path, given: Option<&Path>) -> Result<IssuerKey, KeyError> {
        if let Some(path) = given {
            return IssuerKey::load(path);
        }
        let path = data_dir.join(FILE_NAME);
        match IssuerKey::load(&path) {
            Err(KeyError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                create(data_dir, &path)?;
                IssuerKey::load(&path)
            }
            loaded => loaded,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for IssuerKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("IssuerKey(***)")
    }
}

/// Writes the key beside its place and links it there, so that it appears whole or not at all and whoever
/// is second finds the place taken.
fn create(folder: &Path, path: &Path) -> Result<(), KeyError> {
    let unwritable = |source| KeyError::Unwritable {
        folder: folder.to_owned(),
        source,
    };
    let (key, tag) = (random_hex()?, random_hex()?);
    let draft = folder.join(format!(".{FILE_NAME}.{}", &tag[..16]));
    let written = write_for_owner_only(&draft, &key).and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let removed = fs::remove_file(&draft);
    written.and(removed).map_err(unwritable)
}

fn write_for_owner_only(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file: File = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

fn random_hex() -> Result<String, KeyError> {
    let mut bytes = [0; LENGTH];
    OsRng
        .try_fill_bytes(&mut bytes)
        .map_err(|_| KeyError::NoRandomness)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn from_hex(digits: &[u8]) -> Option<[u8; LENGTH]> {
    let value = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .and_then(|value| u8::try_from(value).ok())
    };
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some(value(*high)? << 4 | value(*low)?),
        _ => None,
    });
    pairs.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_that_race_end_up_with_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let keys: Vec<IssuerKey> = std::thread::scope(|scope| {
            let racing: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| IssuerKey::load_or_create(folder.path(), None).unwrap()))
                .collect();
            racing.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
        let left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, [FILE_NAME]);
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        IssuerKey::load_or_create(folder.path(), None).unwrap();
        let permissions = fs::metadata(folder.path().join(FILE_NAME)).unwrap().permissions();
        assert_eq!(permissions.mode() & 0o777, 0o600);
    }

    #[test]
    fn a_key_given_is_used_and_none_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let given = folder.path().join("given");
        fs::write(&given, format!("{}\n", "aB".repeat(LENGTH))).unwrap();
        let key = IssuerKey::load_or_create(folder.path(), Some(&given)).unwrap();
        assert_eq!(key.bytes(), [0xab; LENGTH]);
        assert_eq!(format!("{key:?}"), "IssuerKey(***)");
        assert!(!folder.path().join(FILE_NAME).exists());
    }

    #[test]
    fn a_malformed_key_is_refused_without_being_shown_or_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        for text in [
            String::new(),
            "ab".repeat(31),
            "ab".repeat(33),
            "+a".repeat(32),
            "a".repeat(63),
        ] {
            fs::write(&path, &text).unwrap();
            let refusal = IssuerKey::load_or_create(folder.path(), None).unwrap_err();
            assert!(matches!(refusal, KeyError::Malformed(_)), "{refusal}");
            assert!(text.is_empty() || !format!("{refusal} {refusal:?}").contains(&text));
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn a_folder_that_cannot_take_a_key_is_named() {
        let folder = tempfile::tempdir().unwrap().path().join("nowhere");
        let refusal = IssuerKey::load_or_create(&folder, None).unwrap_err();
        assert!(
            matches!(&refusal, KeyError::Unwritable { folder: named, .. } if *named == folder),
            "{refusal}"
        );
    }
}
