//! The node's secrets, at rest under one key: a key file of mode 0600, or a passphrase.
//!
//! `keys/lock` says which of the two, and with which parameters; `keys/secrets` holds the log's and
//! the members' keys, encrypted with AES-256-GCM. The file is replaced as a whole, by rename.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// Argon2id: memory in KiB, passes, lanes (RFC 9106 §4, second recommended option).
const ARGON2: (u32, u32, u32) = (65_536, 3, 4);
const SECRETS_PURPOSE: &[u8] = b"countermark secrets v1";
pub(crate) const KEY_FILE: &str = "key";
pub(crate) const LOCK_FILE: &str = "lock";
pub(crate) const SECRETS_FILE: &str = "secrets";
const SECRETS_BYTES_MAX: u64 = 16 * 1024 * 1024;
const NONCE_LEN: usize = 12;

/// How the user unlocks the keys.
#[derive(Clone)]
pub enum Unlock {
    /// By the key file in the data directory.
    KeyFile,
    /// By a passphrase.
    Passphrase(Zeroizing<String>),
    /// By a passphrase that is there for whichever node needs it: one that has a key file does not.
    PassphraseIfNeeded(Zeroizing<String>),
}

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The key does not open the secrets.
    #[error("wrong passphrase or key file: {place} does not open with it; nothing was changed")]
    WrongKey {
        /// The file that did not open.
        place: PathBuf,
    },
    /// The directory's keys are locked the other way.
    #[error(
        "these keys are locked by a passphrase; give --passphrase-file or COUNTERMARK_PASSPHRASE"
    )]
    PassphraseNeeded,
    /// A passphrase for keys that have none.
    #[error("these keys open with their key file; no passphrase was set when they were made")]
    NoPassphrase,
    /// A file of the keyring is not what it should be.
    #[error("{place}: {what}; restore it from a backup")]
    Damaged {
        /// The file.
        place: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The operating system refused.
    #[error("{place}: {cause}")]
    Io {
        /// The file.
        place: PathBuf,
        /// What it said.
        cause: io::Error,
    },
    /// No randomness.
    #[error("the operating system gave no random bytes")]
    Random,
}

/// One member's secrets.
#[derive(Clone, Serialize, Deserialize, Zeroize)]
#[zeroize(drop)]
pub(crate) struct MemberSecrets {
    /// The member's id on the ledger.
    pub id: [u8; 16],
    /// The member's name; on the ledger stands only its salted digest.
    pub name: String,
    /// ISO 3166-1 alpha-2, where known.
    pub country: Option<String>,
    /// Salt of the name's digest.
    pub name_salt: [u8; 32],
    /// Seed of the signing key (Ed25519).
    pub signing_seed: [u8; 32],
    /// Seed of the key that is to replace it, while the ledger has not yet decided.
    pub next_seed: Option<[u8; 32]>,
    /// Wraps the member's day keys in the vault.
    pub vault_key: [u8; 32],
    /// Makes idempotency tags.
    pub tag_key: [u8; 32],
}

/// All secrets of a node.
#[derive(Clone, Serialize, Deserialize, Zeroize)]
#[zeroize(drop)]
pub(crate) struct Secrets {
    /// The log's origin (C2SP tlog-checkpoint).
    pub origin: String,
    /// Seed of the log's key (Ed25519).
    pub log_seed: [u8; 32],
    /// The hand that holds these members' keys.
    pub hand: [u8; 16],
    /// The members, the first one first.
    pub members: Vec<MemberSecrets>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "lock")]
enum Lock {
    #[serde(rename = "key file")]
    KeyFile,
    #[serde(rename = "argon2id")]
    Argon2id { memory_kib: u32, passes: u32, lanes: u32, salt: [u8; 16] },
}

/// The open keyring of a node.
pub(crate) struct Keyring {
    folder: PathBuf,
    key: Zeroizing<[u8; 32]>,
    /// The secrets, as on disk.
    pub secrets: Secrets,
}

/// `N` random bytes from the operating system.
///
/// # Errors
/// [`KeyringError::Random`].
pub(crate) fn random<const N: usize>() -> Result<[u8; N], KeyringError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| KeyringError::Random)?;
    Ok(bytes)
}

/// As [`random`], as many as are asked for: one question for many keys.
///
/// # Errors
/// [`KeyringError::Random`].
pub(crate) fn random_bytes(count: usize) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
    let mut bytes = Zeroizing::new(vec![0; count]);
    getrandom::fill(&mut bytes).map_err(|_| KeyringError::Random)?;
    Ok(bytes)
}

impl MemberSecrets {
    /// New secrets for a member.
    ///
    /// # Errors
    /// [`KeyringError::Random`].
    pub(crate) fn generate(name: &str, country: Option<&str>) -> Result<Self, KeyringError> {
        Ok(Self {
            id: random()?,
            name: name.to_owned(),
            country: country.map(str::to_owned),
            name_salt: random()?,
            signing_seed: random()?,
            next_seed: None,
            vault_key: random()?,
            tag_key: random()?,
        })
    }
}

impl Keyring {
    /// Makes the keyring of a new node in `folder`, which must not exist.
    ///
    /// # Errors
    /// [`KeyringError`]; nothing usable is left behind.
    pub(crate) fn create(
        folder: &Path,
        unlock: &Unlock,
        secrets: Secrets,
    ) -> Result<Self, KeyringError> {
        let failed = |cause| KeyringError::Io { place: folder.to_owned(), cause };
        fs::create_dir(folder).map_err(failed)?;
        restrict_folder(folder).map_err(failed)?;
        let (lock, key) = match unlock {
            Unlock::KeyFile => {
                let key = Zeroizing::new(random::<32>()?);
                write_private(&folder.join(KEY_FILE), &*key)?;
                (Lock::KeyFile, key)
            }
            Unlock::Passphrase(passphrase) | Unlock::PassphraseIfNeeded(passphrase) => {
                let (memory_kib, passes, lanes) = ARGON2;
                let salt = random()?;
                let key = derive(passphrase, &salt, memory_kib, passes, lanes, folder)?;
                (Lock::Argon2id { memory_kib, passes, lanes, salt }, key)
            }
        };
        let text = serde_json::to_vec_pretty(&lock).unwrap_or_default();
        write_private(&folder.join(LOCK_FILE), &text)?;
        let keyring = Self { folder: folder.to_owned(), key, secrets };
        keyring.save()?;
        Ok(keyring)
    }

    /// Opens the keyring of a node.
    ///
    /// # Errors
    /// [`KeyringError`]; the files stay as they are.
    pub(crate) fn open(folder: &Path, unlock: &Unlock) -> Result<Self, KeyringError> {
        let place = folder.join(LOCK_FILE);
        let lock: Lock = serde_json::from_slice(&read(&place)?)
            .map_err(|e| KeyringError::Damaged { place, what: e.to_string() })?;
        let key = match (lock, unlock) {
            (Lock::KeyFile, Unlock::Passphrase(_)) => return Err(KeyringError::NoPassphrase),
            (Lock::KeyFile, _) => read_key(&folder.join(KEY_FILE))?,
            (Lock::Argon2id { .. }, Unlock::KeyFile) => return Err(KeyringError::PassphraseNeeded),
            (
                Lock::Argon2id { memory_kib, passes, lanes, salt },
                Unlock::Passphrase(text) | Unlock::PassphraseIfNeeded(text),
            ) => derive(text, &salt, memory_kib, passes, lanes, folder)?,
        };
        let secrets = unseal(&folder.join(SECRETS_FILE), &key)?;
        Ok(Self { folder: folder.to_owned(), key, secrets })
    }

    /// Makes the keyring of the node that follows this one, under the same key file or passphrase.
    ///
    /// # Errors
    /// [`KeyringError::Io`].
    pub(crate) fn renew(&self, folder: &Path, secrets: Secrets) -> Result<Self, KeyringError> {
        let failed = |cause| KeyringError::Io { place: folder.to_owned(), cause };
        fs::create_dir(folder).map_err(failed)?;
        restrict_folder(folder).map_err(failed)?;
        for name in [KEY_FILE, LOCK_FILE] {
            let from = self.folder.join(name);
            if from.exists() {
                write_private(&folder.join(name), &Zeroizing::new(read(&from)?))?;
            }
        }
        let keyring = Self { folder: folder.to_owned(), key: self.key.clone(), secrets };
        keyring.save()?;
        Ok(keyring)
    }

    /// Writes the secrets as they are now; the old file stays until the new one is durable.
    ///
    /// # Errors
    /// [`KeyringError::Io`].
    pub(crate) fn save(&self) -> Result<(), KeyringError> {
        let text = Zeroizing::new(serde_json::to_vec(&self.secrets).unwrap_or_default());
        let nonce = random::<NONCE_LEN>()?;
        let place = self.folder.join(SECRETS_FILE);
        let sealed = cipher(&self.key)
            .encrypt(&Nonce::from(nonce), Payload { msg: &text, aad: SECRETS_PURPOSE })
            .map_err(|_| KeyringError::Damaged {
                place: place.clone(),
                what: "the secrets cannot be encrypted".to_owned(),
            })?;
        let fresh = self.folder.join("secrets.new");
        write_private(&fresh, &[&nonce[..], &sealed].concat())?;
        let failed = |cause| KeyringError::Io { place: place.clone(), cause };
        fs::rename(&fresh, &place).map_err(failed)?;
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(failed)
    }
}

/// Whether the keys in a folder are locked by a passphrase.
///
/// # Errors
/// [`KeyringError`] where the folder is no keyring.
pub(crate) fn has_passphrase(folder: &Path) -> Result<bool, KeyringError> {
    let place = folder.join(LOCK_FILE);
    let lock: Lock = serde_json::from_slice(&read(&place)?)
        .map_err(|e| KeyringError::Damaged { place, what: e.to_string() })?;
    Ok(matches!(lock, Lock::Argon2id { .. }))
}

fn cipher(key: &Zeroizing<[u8; 32]>) -> Aes256Gcm {
    Aes256Gcm::new(&(**key).into())
}

fn unseal(place: &Path, key: &Zeroizing<[u8; 32]>) -> Result<Secrets, KeyringError> {
    let sealed = read(place)?;
    let damaged = |what: &str| KeyringError::Damaged { place: place.into(), what: what.into() };
    let (nonce, sealed) = sealed
        .split_first_chunk::<NONCE_LEN>()
        .ok_or_else(|| damaged("the file is shorter than its nonce"))?;
    let text = cipher(key)
        .decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: SECRETS_PURPOSE })
        .map(Zeroizing::new)
        .map_err(|_| KeyringError::WrongKey { place: place.into() })?;
    serde_json::from_slice(&text).map_err(|_| damaged("the secrets are of another version"))
}

fn derive(
    passphrase: &str,
    salt: &[u8],
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    folder: &Path,
) -> Result<Zeroizing<[u8; 32]>, KeyringError> {
    let damaged = |what: String| KeyringError::Damaged { place: folder.join(LOCK_FILE), what };
    // A damaged or hostile lock file must not make us allocate without bound.
    if memory_kib > 1_048_576 || passes > 64 || lanes > 64 {
        return Err(damaged("its Argon2 parameters are beyond all reason".to_owned()));
    }
    let params =
        Params::new(memory_kib, passes, lanes, Some(32)).map_err(|e| damaged(e.to_string()))?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut *key)
        .map_err(|e| damaged(e.to_string()))?;
    Ok(key)
}

fn read(place: &Path) -> Result<Vec<u8>, KeyringError> {
    let failed = |cause| KeyringError::Io { place: place.to_owned(), cause };
    let size = fs::metadata(place).map_err(failed)?.len();
    if size > SECRETS_BYTES_MAX {
        let what = format!("{size} bytes, more than {SECRETS_BYTES_MAX}");
        return Err(KeyringError::Damaged { place: place.to_owned(), what });
    }
    fs::read(place).map_err(failed)
}

fn read_key(place: &Path) -> Result<Zeroizing<[u8; 32]>, KeyringError> {
    let bytes = Zeroizing::new(read(place)?);
    <[u8; 32]>::try_from(bytes.as_slice()).map(Zeroizing::new).map_err(|_| KeyringError::Damaged {
        place: place.to_owned(),
        what: format!("{} bytes instead of 32", bytes.len()),
    })
}

/// Writes a file that only its owner may read, and makes it durable.
pub(crate) fn write_private(place: &Path, bytes: &[u8]) -> Result<(), KeyringError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(place)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .map_err(|cause| KeyringError::Io { place: place.to_owned(), cause })
}

fn restrict_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    let _unused_elsewhere = folder;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        let member = MemberSecrets::generate("Farm", Some("US")).unwrap();
        Secrets { origin: "farm".into(), log_seed: [7; 32], hand: [1; 16], members: vec![member] }
    }

    fn passphrase(text: &str) -> Unlock {
        Unlock::Passphrase(Zeroizing::new(text.to_owned()))
    }

    #[test]
    fn what_was_saved_opens_again_with_the_key_file() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("keys");
        let mut keyring = Keyring::create(&at, &Unlock::KeyFile, secrets()).unwrap();
        keyring.secrets.members.push(MemberSecrets::generate("Mill", None).unwrap());
        keyring.save().unwrap();
        let again = Keyring::open(&at, &Unlock::KeyFile).unwrap();
        assert_eq!(again.secrets.members[1].name, "Mill");
        assert_eq!(again.secrets.members[0].vault_key, keyring.secrets.members[0].vault_key);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_the_keys() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("keys");
        Keyring::create(&at, &Unlock::KeyFile, secrets()).unwrap();
        for name in ["key", "lock", "secrets"] {
            let mode = fs::metadata(at.join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_wrong_passphrase_is_named_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("keys");
        Keyring::create(&at, &passphrase("right"), secrets()).unwrap();
        let before = fs::read(at.join("secrets")).unwrap();
        let error = Keyring::open(&at, &passphrase("wrong")).map(|_| ()).unwrap_err();
        assert!(error.to_string().starts_with("wrong passphrase"), "{error}");
        let error = Keyring::open(&at, &Unlock::KeyFile).map(|_| ()).unwrap_err();
        assert!(matches!(error, KeyringError::PassphraseNeeded));
        assert_eq!(fs::read(at.join("secrets")).unwrap(), before);
        assert!(Keyring::open(&at, &passphrase("right")).is_ok());
    }

    #[test]
    fn altered_secrets_do_not_open() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("keys");
        Keyring::create(&at, &Unlock::KeyFile, secrets()).unwrap();
        let whole = fs::read(at.join("secrets")).unwrap();
        for i in [0, 12, whole.len() / 2, whole.len() - 1] {
            let mut altered = whole.clone();
            altered[i] ^= 1;
            fs::write(at.join("secrets"), altered).unwrap();
            assert!(Keyring::open(&at, &Unlock::KeyFile).is_err(), "byte {i}");
        }
        fs::write(at.join("secrets"), &whole[..5]).unwrap();
        assert!(Keyring::open(&at, &Unlock::KeyFile).is_err());
    }

    #[test]
    fn a_lock_file_that_asks_for_all_memory_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("keys");
        Keyring::create(&at, &passphrase("right"), secrets()).unwrap();
        let lock = Lock::Argon2id { memory_kib: u32::MAX, passes: 1, lanes: 1, salt: [0; 16] };
        fs::write(at.join("lock"), serde_json::to_vec(&lock).unwrap()).unwrap();
        let error = Keyring::open(&at, &passphrase("right")).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("beyond all reason"), "{error}");
    }
}
