//! What is said of a user beside the name to log in with.
use std::fmt;

/// A person's name: 1 to 120 printable characters, trimmed, spelled as its bearer spells it.
#[derive(Clone, PartialEq, Eq)]
pub struct FullName(String);

impl FullName {
    /// # Errors
    /// [`InvalidFullName`] when empty, longer than 120 characters or with a control character.
    pub fn parse(text: &str) -> Result<Self, InvalidFullName> {
        printable(text, 120).map(Self).ok_or(InvalidFullName)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for FullName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[full name]")
    }
}

/// Not 1 to 120 printable characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a full name has 1 to 120 printable characters")]
pub struct InvalidFullName;

/// Why somebody may no longer log in, in the words of who decided it: 1 to 500 printable characters, present because
/// the auditor will ask. It speaks of a person, so it is kept sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct DeactivationReason(String);

impl DeactivationReason {
    /// # Errors
    /// [`InvalidReason`] when empty, longer than 500 characters or with a control character.
    pub fn parse(text: &str) -> Result<Self, InvalidReason> {
        printable(text, 500).map(Self).ok_or(InvalidReason)
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DeactivationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[reason]")
    }
}

/// Not 1 to 500 printable characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reason has 1 to 500 printable characters")]
pub struct InvalidReason;

pub(crate) fn printable(text: &str, longest: usize) -> Option<String> {
    let text = text.trim();
    let well_formed = (1..=longest).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    well_formed.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_name_has_1_to_120_printable_characters() {
        assert_eq!(FullName::parse("  ").err(), Some(InvalidFullName));
        assert_eq!(FullName::parse(&"a".repeat(121)).err(), Some(InvalidFullName));
        assert_eq!(FullName::parse("Ana\tSoto").err(), Some(InvalidFullName));
        assert_eq!(FullName::parse(" Ana Soto ").as_ref().map(FullName::as_str), Ok("Ana Soto"));
        assert!(FullName::parse(&"ñ".repeat(120)).is_ok());
    }

    #[test]
    fn a_reason_has_1_to_500_printable_characters() {
        assert_eq!(DeactivationReason::parse("").err(), Some(InvalidReason));
        assert_eq!(DeactivationReason::parse(&"a".repeat(501)).err(), Some(InvalidReason));
        assert!(DeactivationReason::parse("dejó el laboratorio").is_ok());
    }

    #[test]
    fn names_and_reasons_are_not_printed() {
        assert_eq!(format!("{:?}", FullName::parse("Ana Soto")), "Ok([full name])");
        assert_eq!(format!("{:?}", DeactivationReason::parse("dejó")), "Ok([reason])");
    }
}
