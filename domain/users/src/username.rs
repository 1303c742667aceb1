//! The name to log in with.

/// 3 to 64 printable characters, trimmed and lower case, so that two spellings cannot be two people.
///
/// It names a person: it is held as [`domain_kernel::Sensitive`] wherever it is remembered.
#[derive(Clone, PartialEq, Eq)]
pub struct Username(String);

impl Username {
    /// # Errors
    /// [`InvalidUsername`] outside of 3 to 64 characters or with a control character.
    pub fn parse(text: &str) -> Result<Self, InvalidUsername> {
        let name = text.trim().to_lowercase();
        let well_formed = (3..=64).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        well_formed.then_some(Self(name)).ok_or(InvalidUsername)
    }

    /// The name, as it is compared and shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Username {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[username]")
    }
}

/// Not 3 to 64 printable characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a username has 3 to 64 printable characters")]
pub struct InvalidUsername;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_are_one_name() {
        assert_eq!(Username::parse(" Usuario2 "), Username::parse("usuario2"));
    }

    #[test]
    fn a_name_has_3_to_64_characters() {
        assert_eq!(Username::parse("ab"), Err(InvalidUsername));
        assert!(Username::parse("abc").is_ok());
        assert!(Username::parse(&"ñ".repeat(64)).is_ok());
        assert_eq!(Username::parse(&"a".repeat(65)), Err(InvalidUsername));
        assert_eq!(Username::parse("  a  "), Err(InvalidUsername));
    }

    #[test]
    fn a_name_has_no_control_characters() {
        assert_eq!(Username::parse("ana\nsoto"), Err(InvalidUsername));
        assert_eq!(Username::parse("ana\u{7f}soto"), Err(InvalidUsername));
    }

    #[test]
    fn a_name_is_not_printed() {
        assert_eq!(format!("{:?}", Username::parse("usuario2")), "Ok([username])");
    }
}
