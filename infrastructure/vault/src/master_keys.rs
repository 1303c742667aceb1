//! Master keys: what wraps the subjects' keys, and what a service must be given to open records of a purpose.
//!
//! A process holds, per purpose, the key that wraps new data keys and any number of others that may still wrap old
//! ones. The bytes are wiped from memory when dropped and never printed.
mod files;
mod replacing;

use aes_gcm::{Aes256Gcm, KeyInit};
use domain_kernel::ports::Purpose;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Recognises a master key; derived from its bytes, so the same key has the same id everywhere and a file needs no
/// more than the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MasterKeyId(pub Uuid);

/// One master key: 256 bits.
#[derive(Clone)]
pub struct MasterKey {
    bytes: Zeroizing<[u8; 32]>,
}

impl MasterKey {
    /// A new key from the operating system's random numbers.
    ///
    /// # Errors
    /// [`MasterKeyError::NoRandomness`].
    pub fn generate() -> Result<Self, MasterKeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|_| MasterKeyError::NoRandomness)?;
        Ok(Self { bytes })
    }

    /// The key with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self { bytes: Zeroizing::new(bytes) }
    }

    /// The key written as 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`MasterKeyError::NotHex`].
    pub fn from_hex(text: &str) -> Result<Self, MasterKeyError> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(MasterKeyError::NotHex);
        }
        let mut bytes = Zeroizing::new([0; 32]);
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
        }
        Ok(Self { bytes })
    }

    /// What recognises it; tells nothing about its bytes (HMAC-SHA-256, cut to 128 bits).
    #[must_use]
    pub fn id(&self) -> MasterKeyId {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of every length (RFC 2104 §2)")]
        let mut keyed = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(self.bytes.as_slice())
            .expect("a key of any length is a key");
        keyed.update(b"historia master key id");
        let digest: [u8; 32] = keyed.finalize().into_bytes().into();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        MasterKeyId(uuid::Builder::from_custom_bytes(id).into_uuid())
    }

    pub(crate) fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.bytes).into())
    }

    fn to_hex(&self) -> Zeroizing<String> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = Zeroizing::new(String::with_capacity(64));
        for byte in self.bytes.iter() {
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        text
    }
}

fn hex_digit(digit: u8) -> Result<u8, MasterKeyError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(MasterKeyError::NotHex),
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").field("id", &self.id()).finish_non_exhaustive()
    }
}

/// The master keys that a process was given.
#[derive(Clone, Debug, Default)]
pub struct MasterKeys {
    by_purpose: BTreeMap<Purpose, Vec<MasterKey>>,
}

impl MasterKeys {
    /// New keys, one for each of `purposes`.
    ///
    /// # Panics
    /// When the operating system gives no random numbers; nothing can start then.
    #[must_use]
    pub fn generate(purposes: &[Purpose]) -> Self {
        #[expect(clippy::expect_used, reason = "a process without random numbers cannot start, as for uuid")]
        purposes.iter().fold(Self::default(), |keys, purpose| {
            keys.with(*purpose, MasterKey::generate().expect("the operating system gives random numbers"))
        })
    }

    /// These and `key`. A purpose's first key is the one that a new store begins with; the others are accepted where
    /// the store knows them (the next key before a rotation, the last one until it is over).
    #[must_use]
    pub fn with(mut self, purpose: Purpose, key: MasterKey) -> Self {
        let keys = self.by_purpose.entry(purpose).or_default();
        if keys.iter().all(|held| held.id() != key.id()) {
            keys.push(key);
        }
        self
    }

    /// Only the keys of `purposes`: what a service is given that may open no more.
    #[must_use]
    pub fn restricted_to(&self, purposes: &[Purpose]) -> Self {
        let mut keys = self.clone();
        keys.by_purpose.retain(|purpose, _| purposes.contains(purpose));
        keys
    }

    /// The purposes that there are keys for.
    pub fn purposes(&self) -> impl Iterator<Item = Purpose> {
        self.by_purpose.keys().copied()
    }

    /// Whether there is a key for `purpose`.
    #[must_use]
    pub fn holds(&self, purpose: Purpose) -> bool {
        self.by_purpose.contains_key(&purpose)
    }

    /// The key that a new store begins with.
    #[must_use]
    pub fn first(&self, purpose: Purpose) -> Option<&MasterKey> {
        self.by_purpose.get(&purpose)?.first()
    }

    /// The keys of `purpose`, in the order of its file.
    pub fn of(&self, purpose: Purpose) -> impl Iterator<Item = &MasterKey> {
        self.by_purpose.get(&purpose).into_iter().flatten()
    }

    /// The key of `purpose` that `id` recognises.
    #[must_use]
    pub fn find(&self, purpose: Purpose, id: MasterKeyId) -> Option<&MasterKey> {
        self.by_purpose.get(&purpose)?.iter().find(|key| key.id() == id)
    }
}

/// Why there are no master keys.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// A purpose's file is not there.
    #[error("the master key file {} does not exist", path.display())]
    Missing {
        /// Which file.
        path: PathBuf,
    },
    /// Others may read the file.
    #[error("the master key file {} can be read by others: set its mode to 0600", path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
    },
    /// The file holds something else.
    #[error("the master key file {} does not hold keys of 64 hexadecimal digits, one per line", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
    },
    /// The file could not be read or written.
    #[error("the master key file {} cannot be used", path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A key is 64 hexadecimal digits.
    #[error("a master key is written as 64 hexadecimal digits")]
    NotHex,
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers")]
    NoRandomness,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_from_its_digits() {
        let key = MasterKey::from_bytes(std::array::from_fn(|at| u8::try_from(at * 7).unwrap()));
        assert_eq!(MasterKey::from_hex(&key.to_hex()).unwrap().id(), key.id());
        assert_eq!(MasterKey::from_hex(&key.to_hex().to_uppercase()).unwrap().id(), key.id());
    }

    #[test]
    fn anything_but_64_hexadecimal_digits_is_no_key() {
        for text in ["", "00", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64), &"é".repeat(32)] {
            assert!(matches!(MasterKey::from_hex(text), Err(MasterKeyError::NotHex)), "{text}");
        }
    }

    #[test]
    fn a_restricted_set_holds_no_other_purpose() {
        let keys = MasterKeys::generate(&Purpose::ALL).restricted_to(&[Purpose::Contact]);
        assert_eq!(keys.purposes().collect::<Vec<_>>(), [Purpose::Contact]);
        assert!(keys.holds(Purpose::Contact) && !keys.holds(Purpose::Clinical));
    }

    #[test]
    fn a_key_is_found_by_its_purpose_and_id() {
        let keys = [1, 2].map(|byte| MasterKey::from_bytes([byte; 32]));
        let held = keys.iter().fold(MasterKeys::default(), |held, key| held.with(Purpose::Contact, key.clone()));
        for key in &keys {
            assert_eq!(held.find(Purpose::Contact, key.id()).map(MasterKey::id), Some(key.id()));
            assert!(held.find(Purpose::Account, key.id()).is_none());
        }
        assert!(held.find(Purpose::Contact, MasterKey::from_bytes([3; 32]).id()).is_none());
    }

    #[test]
    fn the_bytes_are_never_printed() {
        let key = MasterKey::from_bytes([0xab; 32]);
        let printed = format!("{key:?} {:?}", MasterKeys::default().with(Purpose::Account, key.clone()));
        assert!(!printed.contains(&key.to_hex()[..8]) && !printed.contains("171, 171"), "{printed}");
    }

    #[test]
    fn a_key_keeps_its_id() {
        assert_eq!(MasterKey::from_bytes([7; 32]).id().0.to_string(), "3440f9f2-69a2-8224-b3e6-f294ddc4f930");
    }
}
