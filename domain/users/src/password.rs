//! What proves who somebody is: the words, for a moment, and what is kept of them.
use std::fmt;

/// How long a password has to be. There is no rule about kinds of characters: length is what resists guessing
/// (NIST SP 800-63B §3.1.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordRule {
    shortest: usize,
}

impl PasswordRule {
    /// At least 8 characters (OWASP ASVS 5.0, 6.2.1).
    pub const STANDARD: Self = Self { shortest: 8 };
    /// At least 6 characters: the demo's, for the passwords that old clients send.
    pub const DEMO: Self = Self { shortest: 6 };
    /// At most 128 characters, so that nobody makes a server hash a book.
    pub const LONGEST: usize = 128;

    /// The fewest characters.
    #[must_use]
    pub fn shortest(self) -> usize {
        self.shortest
    }
}

/// A password as it was typed: nothing is trimmed or changed (OWASP ASVS 5.0, 6.2.8).
///
/// It has no `Debug`, no `Clone` and no equality, so it can only be hashed or compared with a hash.
pub struct Password(String);

impl Password {
    /// A password that somebody wants to have.
    ///
    /// # Errors
    /// [`WeakPassword`] when `rule` refuses it.
    pub fn choose(text: String, rule: PasswordRule) -> Result<Self, WeakPassword> {
        let length = text.chars().count();
        if length < rule.shortest {
            return Err(WeakPassword::TooShort { shortest: rule.shortest });
        }
        if length > PasswordRule::LONGEST {
            return Err(WeakPassword::TooLong);
        }
        Ok(Self(text))
    }

    /// A password that somebody claims to have: whatever it is, it is right or wrong. One that is longer than any
    /// password can be is cut, so that it costs no more than the others, and stays wrong.
    #[must_use]
    pub fn claimed(text: String) -> Self {
        let longest = PasswordRule::LONGEST + 1;
        Self(if text.chars().count() > longest { text.chars().take(longest).collect() } else { text })
    }

    /// The words, for hashing.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Why a password was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Too easily guessed.
    #[error("a password has at least {shortest} characters")]
    TooShort {
        /// The fewest characters.
        shortest: usize,
    },
    /// Longer than [`PasswordRule::LONGEST`].
    #[error("a password has at most 128 characters")]
    TooLong,
}

/// What is kept of a password: a PHC string, opaque here. The domain never hashes; that costs time on purpose.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes a finished hash.
    #[must_use]
    pub fn new(phc: String) -> Self {
        Self(phc)
    }

    /// The PHC string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[password hash]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, rule: PasswordRule) -> Option<WeakPassword> {
        Password::choose(text.to_owned(), rule).err()
    }

    #[test]
    fn a_password_has_at_least_8_characters_and_6_in_the_demo() {
        assert_eq!(refused("1234567", PasswordRule::STANDARD), Some(WeakPassword::TooShort { shortest: 8 }));
        assert_eq!(refused("12345678", PasswordRule::STANDARD), None);
        assert_eq!(refused("12345", PasswordRule::DEMO), Some(WeakPassword::TooShort { shortest: 6 }));
        assert_eq!(refused("pass12", PasswordRule::DEMO), None);
    }

    #[test]
    fn a_password_has_at_most_128_characters() {
        assert_eq!(refused(&"ñ".repeat(128), PasswordRule::STANDARD), None);
        assert_eq!(refused(&"a".repeat(129), PasswordRule::STANDARD), Some(WeakPassword::TooLong));
    }

    #[test]
    fn a_password_is_not_trimmed() {
        let padded = Password::choose("  secreto ".to_owned(), PasswordRule::STANDARD);
        assert_eq!(padded.as_ref().map(Password::reveal), Ok("  secreto "));
    }

    #[test]
    fn an_endless_claim_stays_wrong() {
        let claimed = Password::claimed("a".repeat(1_000));
        assert_eq!(claimed.reveal().len(), PasswordRule::LONGEST + 1);
        assert_eq!(refused(claimed.reveal(), PasswordRule::DEMO), Some(WeakPassword::TooLong));
    }

    #[test]
    fn a_hash_is_not_printed() {
        assert_eq!(format!("{:?}", PasswordHash::new("$argon2id$".to_owned())), "[password hash]");
    }
}
