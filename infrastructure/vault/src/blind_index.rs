//! Finding what nobody may read: keyed digests of usernames, addresses and requests.
use domain_kernel::Hash;
use domain_kernel::ports::{Claim, ClaimKind};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// Turns values into look-up keys by HMAC-SHA-256 (RFC 2104, FIPS 198-1) under a secret of its own.
///
/// Whoever reads the table of claims without the secret can neither read the values nor try guesses. The secret is
/// never rotated: its digests are the keys of the table of claims and of commands, so another secret finds nothing.
#[derive(Clone)]
pub struct BlindIndex {
    keyed: Hmac<Sha256>,
}

impl BlindIndex {
    /// Under the secret `key`.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        let key = zeroize::Zeroizing::new(key);
        #[expect(clippy::expect_used, reason = "HMAC takes keys of every length (RFC 2104 §2)")]
        let keyed = Hmac::<Sha256>::new_from_slice(key.as_slice()).expect("a key of any length is a key");
        Self { keyed }
    }

    /// The unique key that stands for `normalised`: the caller has made all spellings of one value the same.
    #[must_use]
    pub fn claim(&self, kind: ClaimKind, normalised: &str) -> Claim {
        Claim { kind, key: self.over(b"claim", &[&kind.0.to_be_bytes(), normalised.as_bytes()]) }
    }

    /// A digest of `parts`, such as a request's method, route and body; parts never run into each other, and no
    /// digest equals a claim's key.
    #[must_use]
    pub fn digest(&self, parts: &[&[u8]]) -> Hash {
        self.over(b"digest", parts)
    }

    fn over(&self, label: &[u8], parts: &[&[u8]]) -> Hash {
        let mut keyed = self.keyed.clone();
        for part in std::iter::once(&label).chain(parts) {
            keyed.update(&(part.len() as u64).to_be_bytes());
            keyed.update(part);
        }
        keyed.finalize().into_bytes().into()
    }
}

impl fmt::Debug for BlindIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlindIndex([secret])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> BlindIndex {
        BlindIndex::new(std::array::from_fn(|at| u8::try_from(at).unwrap()))
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_keys_never_change() {
        // Computed independently: HMAC-SHA-256 over the length-prefixed parts.
        assert_eq!(
            hex(&index().claim(ClaimKind(3), "usuario2").key),
            "9bd2d656e35e008578e061aaecc4ca0c9cfa68388530f47d15f82a87003c54ae"
        );
        assert_eq!(
            hex(&index().digest(&[b"POST", b"/users"])),
            "8635d8336b938ff93c0f3b756e9d851fc5311130604a2e99b2fa200662481f12"
        );
    }

    #[test]
    fn the_same_value_of_another_kind_is_another_key() {
        assert_ne!(index().claim(ClaimKind(1), "7").key, index().claim(ClaimKind(2), "7").key);
    }

    #[test]
    fn another_secret_finds_nothing() {
        assert_ne!(
            BlindIndex::new([1; 32]).claim(ClaimKind(1), "7"),
            BlindIndex::new([2; 32]).claim(ClaimKind(1), "7")
        );
    }

    #[test]
    fn parts_never_run_into_each_other() {
        assert_ne!(index().digest(&[b"ab", b"c"]), index().digest(&[b"a", b"bc"]));
        assert_ne!(index().digest(&[b"ab"]), index().digest(&[b"ab", b""]));
    }

    #[test]
    fn the_secret_is_never_printed() {
        assert_eq!(format!("{:?}", index()), "BlindIndex([secret])");
    }
}
