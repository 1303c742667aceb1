//! Data keys under a master key: `nonce (12) | wrapped key (32) | tag (16)`, AES-256-GCM.
//!
//! Authenticated with it: master key, key id, subject and purpose. A row that was given another subject's or
//! purpose's bytes does not unwrap.
use crate::MasterKey;
use crate::sealed::{NONCE, decrypt, encrypt, random};
use domain_kernel::SubjectId;
use domain_kernel::ports::{Purpose, VaultError};
use uuid::Uuid;
use zeroize::{Zeroize, Zeroizing};

pub(super) fn wrap(
    master: &MasterKey,
    id: Uuid,
    subject: SubjectId,
    purpose: Purpose,
    key: &[u8; 32],
) -> Result<Vec<u8>, VaultError> {
    under(master, &associated_data(master, id, subject, purpose), key)
}

/// # Errors
/// [`VaultError::NotAuthentic`] when the row was changed: which master key it names is known before.
pub(super) fn unwrap(
    master: &MasterKey,
    id: Uuid,
    subject: SubjectId,
    purpose: Purpose,
    wrapped: &[u8],
) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    let mut plain = opened(master, &associated_data(master, id, subject, purpose), wrapped)?;
    let mut key = Zeroizing::new([0; 32]);
    let whole = plain.len() == key.len();
    if whole {
        key.copy_from_slice(&plain);
    }
    plain.zeroize();
    if whole { Ok(key) } else { Err(VaultError::NotAuthentic) }
}

/// A constant under the master key, by which a later process recognises that it holds the same one.
pub(super) fn check_value(master: &MasterKey, purpose: Purpose) -> Result<Vec<u8>, VaultError> {
    under(master, &check_data(purpose), &[])
}

pub(super) fn is_check_value(master: &MasterKey, purpose: Purpose, stored: &[u8]) -> bool {
    opened(master, &check_data(purpose), stored).is_ok_and(|constant| constant.is_empty())
}

fn under(master: &MasterKey, associated: &[u8], text: &[u8]) -> Result<Vec<u8>, VaultError> {
    let nonce: [u8; NONCE] = random()?;
    let mut bytes = nonce.to_vec();
    bytes.extend_from_slice(text);
    match encrypt(&master.cipher(), &nonce, associated, &mut bytes[NONCE..]) {
        Ok(tag) => {
            bytes.extend_from_slice(&tag);
            Ok(bytes)
        }
        Err(error) => {
            bytes.zeroize();
            Err(error)
        }
    }
}

fn opened(master: &MasterKey, associated: &[u8], bytes: &[u8]) -> Result<Vec<u8>, VaultError> {
    let (nonce, body) = bytes.split_first_chunk::<NONCE>().ok_or(VaultError::NotAuthentic)?;
    decrypt(&master.cipher(), nonce, associated, body)
}

fn associated_data(master: &MasterKey, id: Uuid, subject: SubjectId, purpose: Purpose) -> Vec<u8> {
    [b"data key".as_slice(), master.id().0.as_bytes(), id.as_bytes(), subject.0.as_bytes(), purpose.name().as_bytes()]
        .concat()
}

fn check_data(purpose: Purpose) -> Vec<u8> {
    [b"check value".as_slice(), purpose.name().as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SUBJECT: SubjectId = SubjectId(Uuid::from_u128(2));
    const ID: Uuid = Uuid::from_u128(1);

    proptest! {
        #[test]
        fn a_wrapped_key_unwraps(master: [u8; 32], key: [u8; 32]) {
            let master = MasterKey::from_bytes(master);
            let wrapped = wrap(&master, ID, SUBJECT, Purpose::Contact, &key).unwrap();
            prop_assert_eq!(wrapped.len(), 60);
            prop_assert_eq!(*unwrap(&master, ID, SUBJECT, Purpose::Contact, &wrapped).unwrap(), key);
        }

        #[test]
        fn a_changed_bit_anywhere_is_noticed(at in 0usize..60, bit in 0u8..8) {
            let master = MasterKey::from_bytes([3; 32]);
            let mut wrapped = wrap(&master, ID, SUBJECT, Purpose::Contact, &[4; 32]).unwrap();
            wrapped[at] ^= 1 << bit;
            prop_assert!(unwrap(&master, ID, SUBJECT, Purpose::Contact, &wrapped).is_err());
        }
    }

    #[test]
    fn a_key_moved_to_another_row_does_not_unwrap() {
        let master = MasterKey::from_bytes([3; 32]);
        let wrapped = wrap(&master, ID, SUBJECT, Purpose::Contact, &[4; 32]).unwrap();
        assert!(unwrap(&master, Uuid::from_u128(9), SUBJECT, Purpose::Contact, &wrapped).is_err());
        assert!(unwrap(&master, ID, SubjectId(Uuid::from_u128(9)), Purpose::Contact, &wrapped).is_err());
        assert!(unwrap(&master, ID, SUBJECT, Purpose::Clinical, &wrapped).is_err());
        assert!(unwrap(&MasterKey::from_bytes([5; 32]), ID, SUBJECT, Purpose::Contact, &wrapped).is_err());
    }

    #[test]
    fn a_check_value_recognises_its_master_key_and_purpose_alone() {
        let master = MasterKey::from_bytes([3; 32]);
        let value = check_value(&master, Purpose::Contact).unwrap();
        assert!(is_check_value(&master, Purpose::Contact, &value));
        assert!(!is_check_value(&master, Purpose::Clinical, &value));
        assert!(!is_check_value(&MasterKey::from_bytes([5; 32]), Purpose::Contact, &value));
        assert!(!is_check_value(&master, Purpose::Contact, b"short"));
    }
}
