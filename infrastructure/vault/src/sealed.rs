//! The bytes of a sealed record.
//!
//! ```text
//! key id (16) | schema (2, big-endian) | nonce (12) | ciphertext | tag (16)
//! ```
//! AES-256-GCM (NIST SP 800-38D). Authenticated with the ciphertext: the whole header, the origin (event id, stream,
//! version, stored type) and the purpose, so a record that was changed, or moved to another event, stream, person or
//! purpose, does not open. The key is found by its authenticated id, never by trying.
//!
//! Nonces are 96 random bits from the operating system: a restored backup or a second process cannot repeat a
//! counter. SP 800-38D §8.3 allows 2^32 records under one key that way; a key belongs to one subject and purpose,
//! whose records are counted in thousands.
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use domain_kernel::ports::{Opened, Origin, Purpose, VaultError};
use std::fmt;
use uuid::Uuid;

const KEY_ID: usize = 16;
const SCHEMA: usize = 2;
pub(crate) const NONCE: usize = 12;
pub(crate) const TAG: usize = 16;
const HEADER: usize = KEY_ID + SCHEMA + NONCE;

/// How many bytes a sealed record is longer than its content.
pub const OVERHEAD: usize = HEADER + TAG;

/// The key of one subject and purpose, ready for use; wiped from memory when dropped.
pub struct DataKey {
    id: Uuid,
    cipher: Aes256Gcm,
}

impl DataKey {
    /// The key `key`, known by `id`.
    #[must_use]
    pub fn new(id: Uuid, key: &[u8; 32]) -> Self {
        Self { id, cipher: Aes256Gcm::new(key.into()) }
    }

    /// The id that every record sealed under this key begins with.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Seals `plain`, written with inner schema number `schema`, for `purpose` at `origin`.
///
/// # Errors
/// [`VaultError::Unavailable`] when the operating system gives no random numbers.
pub fn seal(
    key: &DataKey,
    purpose: Purpose,
    origin: &Origin,
    schema: u16,
    plain: &[u8],
) -> Result<Vec<u8>, VaultError> {
    let nonce: [u8; NONCE] = random()?;
    let mut record = Vec::with_capacity(plain.len() + OVERHEAD);
    record.extend_from_slice(key.id.as_bytes());
    record.extend_from_slice(&schema.to_be_bytes());
    record.extend_from_slice(&nonce);
    let associated = associated_data(&record, purpose, origin);
    record.extend_from_slice(plain);
    let tag = encrypt(&key.cipher, &nonce, &associated, &mut record[HEADER..])?;
    record.extend_from_slice(&tag);
    Ok(record)
}

/// The id of the key that `record` says it was sealed under; not yet authenticated.
///
/// # Errors
/// [`VaultError::NotAuthentic`] when it is too short to be a sealed record.
pub fn key_id(record: &[u8]) -> Result<Uuid, VaultError> {
    if record.len() < OVERHEAD {
        return Err(VaultError::NotAuthentic);
    }
    Uuid::from_slice(&record[..KEY_ID]).map_err(|_| VaultError::NotAuthentic)
}

/// Opens `record`, which must have been sealed under `key` for `purpose` at `origin`.
///
/// # Errors
/// [`VaultError::NotAuthentic`].
pub fn open(key: &DataKey, purpose: Purpose, origin: &Origin, record: &[u8]) -> Result<Opened, VaultError> {
    if key_id(record)? != key.id {
        return Err(VaultError::NotAuthentic);
    }
    let (header, body) = record.split_at(HEADER);
    let mut schema = [0; SCHEMA];
    schema.copy_from_slice(&header[KEY_ID..KEY_ID + SCHEMA]);
    let mut nonce = [0; NONCE];
    nonce.copy_from_slice(&header[KEY_ID + SCHEMA..]);
    let plain = decrypt(&key.cipher, &nonce, &associated_data(header, purpose, origin), body)?;
    Ok(Opened::Known { schema: u16::from_be_bytes(schema), plain })
}

/// Everything that is authenticated and not encrypted. Only the stored type varies in length; its length stands
/// before it, so no two origins give the same bytes.
fn associated_data(header: &[u8], purpose: Purpose, origin: &Origin) -> Vec<u8> {
    let event_type = origin.event_type.as_bytes();
    let mut bytes = Vec::with_capacity(HEADER + 44 + event_type.len() + purpose.name().len());
    bytes.extend_from_slice(header);
    bytes.extend_from_slice(origin.event_id.0.as_bytes());
    bytes.extend_from_slice(origin.stream.0.as_bytes());
    bytes.extend_from_slice(&origin.version.0.to_be_bytes());
    bytes.extend_from_slice(&(event_type.len() as u64).to_be_bytes());
    bytes.extend_from_slice(event_type);
    bytes.extend_from_slice(purpose.name().as_bytes());
    bytes
}

/// Encrypts in place; the tag is the answer.
pub(crate) fn encrypt(
    cipher: &Aes256Gcm,
    nonce: &[u8; NONCE],
    associated: &[u8],
    text: &mut [u8],
) -> Result<[u8; TAG], VaultError> {
    match cipher.encrypt_inout_detached(nonce.into(), associated, InOutBuf::from(text)) {
        Ok(tag) => Ok(tag.into()),
        // Only a text of more than 64 GiB (SP 800-38D §5.2.1.1) comes here.
        Err(_) => Err(VaultError::Unavailable { reason: "the record is too long to be sealed".to_owned() }),
    }
}

/// Decrypts `body`, a ciphertext followed by its tag.
pub(crate) fn decrypt(
    cipher: &Aes256Gcm,
    nonce: &[u8; NONCE],
    associated: &[u8],
    body: &[u8],
) -> Result<Vec<u8>, VaultError> {
    let (text, tag) = body.split_last_chunk::<TAG>().ok_or(VaultError::NotAuthentic)?;
    let mut text = text.to_vec();
    cipher
        .decrypt_inout_detached(nonce.into(), associated, InOutBuf::from(text.as_mut_slice()), tag.into())
        .map_err(|_| VaultError::NotAuthentic)?;
    Ok(text)
}

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|_| VaultError::Unavailable { reason: "the operating system gives no random numbers".to_owned() })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
