//! Anchors: what a log was at one moment, signed, so that it can be proved from outside of the server.
//!
//! A stream's hash chain covers everything of an event but its place in the log, and says nothing of streams' ends that
//! were cut off together with everything that names them. An anchor covers both: its root runs over place and hash of
//! every event up to its own place, so of the log before it nothing can be moved, changed, added or left out. What is
//! anchored is found altered by whoever kept the anchor elsewhere; the signature (Ed25519, RFC 8032) proves whose it is.
use domain_kernel::{Checkpoint, Hash, Timestamp};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;

/// A digest that runs over a log, event by event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogRoot {
    /// Over all of them; zeros before the first.
    pub hash: Hash,
    /// How many there were.
    pub events: u64,
}

impl LogRoot {
    /// Goes on over the next event of the global order.
    pub fn add(&mut self, at: Checkpoint, hash: &Hash) {
        let mut entry = [0; 32 + 2 + 8 + 8 + 32];
        entry[..32].copy_from_slice(&self.hash);
        entry[32..34].copy_from_slice(&at.epoch.to_be_bytes());
        entry[34..42].copy_from_slice(&at.tx.to_be_bytes());
        entry[42..50].copy_from_slice(&at.position.to_be_bytes());
        entry[50..].copy_from_slice(hash);
        self.hash = Sha256::digest(entry).into();
        self.events += 1;
    }
}

/// What a log was at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Whose log: the service's pinned name.
    pub log: String,
    /// The place of the last event.
    pub at: Checkpoint,
    /// Over everything up to there.
    pub root: LogRoot,
    /// When it was taken.
    pub taken_at: Timestamp,
}

impl Anchor {
    /// What is signed. The layout is pinned: fields of fixed width, then the name.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"historia anchor 1".to_vec();
        bytes.extend(self.at.epoch.to_be_bytes());
        bytes.extend(self.at.tx.to_be_bytes());
        bytes.extend(self.at.position.to_be_bytes());
        bytes.extend(self.root.events.to_be_bytes());
        bytes.extend(self.root.hash);
        bytes.extend(self.taken_at.0.to_be_bytes());
        bytes.extend(self.log.as_bytes());
        bytes
    }
}

/// An anchor with a signature; whether that is good says [`Self::is_signed_by`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedAnchor {
    /// What was signed.
    pub anchor: Anchor,
    /// The public part of the key that is said to have signed it.
    pub public_key: [u8; 32],
    /// Its signature.
    pub signature: [u8; 64],
}

impl SignedAnchor {
    /// Whether it was signed by the key whose public part is `key`.
    #[must_use]
    pub fn is_signed_by(&self, key: &[u8; 32]) -> bool {
        let signature = Signature::from_bytes(&self.signature);
        self.public_key == *key
            && VerifyingKey::from_bytes(key)
                .is_ok_and(|key| key.verify_strict(&self.anchor.bytes(), &signature).is_ok())
    }
}

/// Signs anchors and nothing else. Debug shows nothing of it.
pub struct AnchorKey(SigningKey);

impl AnchorKey {
    /// From its seed, which is the secret.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The part that proves signatures; known to whoever keeps anchors.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Signs `anchor`.
    #[must_use]
    pub fn sign(&self, anchor: Anchor) -> SignedAnchor {
        let signature = self.0.sign(&anchor.bytes()).to_bytes();
        SignedAnchor { anchor, public_key: self.public(), signature }
    }
}

impl fmt::Debug for AnchorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnchorKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(position: i64) -> Checkpoint {
        Checkpoint { epoch: 1, tx: 7, position }
    }

    fn root_of(events: &[(Checkpoint, Hash)]) -> LogRoot {
        let mut root = LogRoot::default();
        for (at, hash) in events {
            root.add(*at, hash);
        }
        root
    }

    fn signed(key: &AnchorKey) -> SignedAnchor {
        let root = root_of(&[(place(1), [1; 32])]);
        key.sign(Anchor { log: "results".to_owned(), at: place(1), root, taken_at: Timestamp(5) })
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_layout_of_the_root_never_changes() {
        // Computed independently: sha256 over 32 zeros, 0001, 0000000000000007, 0000000000000001 and 32 times 01.
        let root = root_of(&[(place(1), [1; 32])]);
        assert_eq!(hex(&root.hash), "d905880ee4e4c4c6450b2349cbe01ac2ea3392c2134974d65fbb4ab9b755815d");
        assert_eq!(root.events, 1);
    }

    #[test]
    fn place_hash_and_order_of_every_event_count() {
        let whole = root_of(&[(place(1), [1; 32]), (place(2), [2; 32])]);
        for other in [
            vec![(place(1), [2; 32]), (place(2), [1; 32])],
            vec![(place(2), [2; 32]), (place(1), [1; 32])],
            vec![(place(1), [1; 32]), (place(3), [2; 32])],
            vec![(Checkpoint { tx: 8, ..place(1) }, [1; 32]), (place(2), [2; 32])],
            vec![(Checkpoint { epoch: 2, ..place(1) }, [1; 32]), (place(2), [2; 32])],
            vec![(place(1), [1; 32])],
        ] {
            assert_ne!(root_of(&other).hash, whole.hash, "{other:?}");
        }
    }

    #[test]
    fn a_signature_is_good_for_one_anchor_and_one_key() {
        let key = AnchorKey::from_seed(&[3; 32]);
        let good = signed(&key);
        assert!(good.is_signed_by(&key.public()));
        assert!(!good.is_signed_by(&AnchorKey::from_seed(&[4; 32]).public()));
        let other = |anchor: Anchor| !SignedAnchor { anchor, ..good.clone() }.is_signed_by(&key.public());
        let Anchor { log, at, root, taken_at } = good.anchor.clone();
        assert!(other(Anchor { log: "users".to_owned(), at, root, taken_at }));
        assert!(other(Anchor { log: log.clone(), at: place(2), root, taken_at }));
        assert!(other(Anchor { log: log.clone(), at, root: LogRoot { events: 2, ..root }, taken_at }));
        assert!(other(Anchor { log: log.clone(), at, root: LogRoot { hash: [0; 32], ..root }, taken_at }));
        assert!(other(Anchor { log, at, root, taken_at: Timestamp(6) }));
    }

    #[test]
    fn the_key_is_not_shown() {
        assert_eq!(format!("{:?}", AnchorKey::from_seed(&[3; 32])), "AnchorKey");
    }
}
