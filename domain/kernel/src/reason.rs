//! Why an operator intervenes.

/// Why an operator intervenes, in their words: 1 to 200 printable characters. Kept in clear for the auditor, so it must
/// not name a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// The longest reason, in characters.
    pub const LONGEST: usize = 200;

    /// # Errors
    /// [`InvalidReason`] when it is empty, longer than 200 characters, or has a control character.
    pub fn parse(text: &str) -> Result<Self, InvalidReason> {
        let text = text.trim();
        let well_formed = (1..=Self::LONGEST).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        well_formed.then(|| Self(text.to_owned())).ok_or(InvalidReason)
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Not 1 to 200 printable characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reason has 1 to 200 printable characters")]
pub struct InvalidReason;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_1_to_200_printable_characters() {
        assert_eq!(Reason::parse("  back  ").unwrap().as_str(), "back");
        for words in ["", "   ", "a\nb", &"x".repeat(201)] {
            assert_eq!(Reason::parse(words), Err(InvalidReason));
        }
    }
}
