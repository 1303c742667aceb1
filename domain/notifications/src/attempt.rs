//! What can come of an attempt to mail.
use domain_kernel::{CommandId, StreamId};
use std::fmt;
use std::str::FromStr;

/// The command that records the outcome of an attempt: two senders that tried the same attempt record it once.
#[must_use]
pub fn attempt_command(notification: StreamId, attempt: u32) -> CommandId {
    CommandId(notification.derive(&format!("attempt-{attempt}")))
}

/// Whether another attempt can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// It may: no connection, a full mailbox, a busy server.
    Transient,
    /// It cannot: an address that does not exist.
    Permanent,
}

/// Why an attempt failed, as a short code for the saga log. Codes only: a mail server's own words may name a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureCode(String);

impl FailureCode {
    /// The longest code, in characters.
    pub const LONGEST: usize = 64;

    /// `text` where it is a code (1 to 64 of `a-z`, `0-9`, `_`), otherwise `unspecified`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let is_code = (1..=Self::LONGEST).contains(&text.len()) && text.chars().all(allowed);
        Self(if is_code { text } else { "unspecified" }.to_owned())
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FailureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why nobody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuppressionReason {
    /// Nobody knows where to reach the person.
    NoContact,
    /// The contact was erased at the person's wish.
    Erased,
}

impl SuppressionReason {
    /// The pinned name, stored and published.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoContact => "no_contact",
            Self::Erased => "erased",
        }
    }
}

impl FromStr for SuppressionReason {
    type Err = UnknownSuppressionReason;

    fn from_str(name: &str) -> Result<Self, UnknownSuppressionReason> {
        [Self::NoContact, Self::Erased].into_iter().find(|reason| reason.name() == name).ok_or(UnknownSuppressionReason)
    }
}

/// No such reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such reason to suppress a notification")]
pub struct UnknownSuppressionReason;

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn only_a_code_is_kept_as_a_failure_code() {
        assert_eq!(FailureCode::new("smtp_550").as_str(), "smtp_550");
        for words in ["", "no such user ana@example.org", "SMTP", &"x".repeat(65)] {
            assert_eq!(FailureCode::new(words).as_str(), "unspecified");
        }
    }

    #[test]
    fn an_attempt_has_one_command() {
        let notification = StreamId(Uuid::from_u128(7));
        assert_eq!(attempt_command(notification, 1), attempt_command(notification, 1));
        assert_ne!(attempt_command(notification, 1), attempt_command(notification, 2));
    }

    #[test]
    fn names_of_reasons_never_change() {
        let reasons = [SuppressionReason::NoContact, SuppressionReason::Erased];
        assert_eq!(reasons.map(SuppressionReason::name), ["no_contact", "erased"]);
        assert!(reasons.into_iter().all(|reason| reason.name().parse() == Ok(reason)));
    }
}
