//! The words of a result, checked once where they enter: whoever holds one of these types need not check again.
//!
//! The texts and the address say something about a person, so none of them shows itself in `Debug`.
use std::fmt;

macro_rules! personal_text {
    ($(#[$doc:meta])* $name:ident, at most $longest:literal, $lines:ident, else $invalid:ident $message:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// The most characters that it may have.
            pub const LONGEST: usize = $longest;

            /// The text without surrounding white space.
            ///
            /// # Errors
            /// When it is empty, too long, or has a control character that does not belong in it.
            pub fn parse(text: &str) -> Result<Self, $invalid> {
                bounded(text, Self::LONGEST, Lines::$lines).map(Self).ok_or($invalid)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("[sensitive]")
            }
        }

        #[doc = concat!("Refused: ", $message, ".")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
        #[error($message)]
        pub struct $invalid;
    };
}

personal_text!(
    /// The patient's name as the laboratory wrote it: 1 to 200 characters on one line.
    PatientName, at most 200, One, else InvalidPatientName "a patient's name has 1 to 200 printable characters"
);
personal_text!(
    /// What was found, in words: 1 to 10,000 characters; lines and tabs are allowed.
    ResultText, at most 10_000, Many, else InvalidResultText "a result has 1 to 10000 characters"
);
personal_text!(
    /// Why something was changed or withdrawn: 1 to 500 characters. It may repeat clinical words, so it is kept as
    /// secret as they are.
    Reason, at most 500, Many, else InvalidReason "a reason has 1 to 500 characters"
);

/// Where the patient can be reached: an address with one `@`, at most 254 characters (RFC 5321 §4.5.3.1.3 less the
/// angle brackets). Whether a mailbox is there only a mail can tell.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The address without surrounding white space.
    ///
    /// # Errors
    /// [`InvalidEmailAddress`].
    pub fn parse(text: &str) -> Result<Self, InvalidEmailAddress> {
        let address = bounded(text, 254, Lines::One).ok_or(InvalidEmailAddress)?;
        let (local, domain) = address.split_once('@').ok_or(InvalidEmailAddress)?;
        let well_formed = (1..=64).contains(&local.len())
            && !domain.is_empty()
            && !domain.contains('@')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && !address.chars().any(|character| character.is_whitespace() || "<>,;\"".contains(character));
        if well_formed { Ok(Self(address)) } else { Err(InvalidEmailAddress) }
    }

    /// The address that stands in for a patient without one, where mail goes to a local mailbox only.
    #[must_use]
    pub fn stand_in(number: ResultNumber) -> Self {
        Self(format!("paciente-{number}@lab.local"))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sensitive]")
    }
}

/// Not an address that a mail could be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an e-mail address looks like name@example.org")]
pub struct InvalidEmailAddress;

/// The running number by which people speak of a result, from 1; never reused, gaps are normal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResultNumber(i64);

impl ResultNumber {
    /// # Errors
    /// [`InvalidResultNumber`] below 1.
    pub fn new(number: i64) -> Result<Self, InvalidResultNumber> {
        if number >= 1 { Ok(Self(number)) } else { Err(InvalidResultNumber) }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for ResultNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Below 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a result's number is 1 or more")]
pub struct InvalidResultNumber;

/// Whether a text may have lines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    One,
    Many,
}

fn bounded(text: &str, longest: usize, lines: Lines) -> Option<String> {
    let text = text.trim();
    let belongs =
        |character: char| !character.is_control() || (lines == Lines::Many && matches!(character, '\n' | '\r' | '\t'));
    let well_formed = (1..=longest).contains(&text.chars().count()) && text.chars().all(belongs);
    well_formed.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_at_least_one_and_at_most_its_longest_number_of_characters() {
        assert_eq!(PatientName::parse("  \t "), Err(InvalidPatientName));
        assert!(PatientName::parse(&"ñ".repeat(200)).is_ok());
        assert_eq!(PatientName::parse(&"ñ".repeat(201)), Err(InvalidPatientName));
        assert!(ResultText::parse(&"ñ".repeat(10_000)).is_ok());
        assert_eq!(ResultText::parse(&"ñ".repeat(10_001)), Err(InvalidResultText));
        assert!(Reason::parse(&"ñ".repeat(500)).is_ok());
        assert_eq!(Reason::parse(&"ñ".repeat(501)), Err(InvalidReason));
    }

    #[test]
    fn a_text_is_kept_without_surrounding_white_space() {
        assert_eq!(PatientName::parse("  Paciente de Prueba ").unwrap().as_str(), "Paciente de Prueba");
    }

    #[test]
    fn a_result_may_have_lines_and_a_name_may_not() {
        assert!(ResultText::parse("Hemoglobina\n13,4 g/dL\tnormal").is_ok());
        assert_eq!(PatientName::parse("Paciente\nde Prueba"), Err(InvalidPatientName));
        assert_eq!(ResultText::parse("positivo\0"), Err(InvalidResultText));
    }

    #[test]
    fn an_address_has_a_name_and_a_domain() {
        for address in ["ana@example.org", " ana.soto+lab@clinica.cl ", "paciente-1@lab.local"] {
            assert!(EmailAddress::parse(address).is_ok(), "{address}");
        }
        for not in ["", "ana", "@example.org", "ana@", "a na@example.org", "a@b@c", "ana@.org", "<ana@example.org>"] {
            assert_eq!(EmailAddress::parse(not), Err(InvalidEmailAddress), "{not}");
        }
        assert_eq!(EmailAddress::parse(&format!("{}@example.org", "a".repeat(65))), Err(InvalidEmailAddress));
    }

    #[test]
    fn the_first_number_is_one() {
        assert_eq!(ResultNumber::new(0), Err(InvalidResultNumber));
        assert_eq!(ResultNumber::new(1).unwrap().to_string(), "1");
    }

    #[test]
    fn personal_values_are_never_printed() {
        let printed = format!(
            "{:?}{:?}{:?}{:?}",
            PatientName::parse("Ana").unwrap(),
            ResultText::parse("positivo").unwrap(),
            Reason::parse("otra muestra").unwrap(),
            EmailAddress::parse("ana@example.org").unwrap()
        );
        assert_eq!(printed, "[sensitive]".repeat(4));
    }
}
