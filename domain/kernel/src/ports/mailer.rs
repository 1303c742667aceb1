//! Sending mail.
use crate::BoxFuture;

/// A mail, ready to be sent. It holds an address: never logged, and its `Debug` shows the message id alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// The `Message-ID` (RFC 5322 §3.6.4) without angle brackets: the notification's id, the same for every attempt, so
    /// that a repeated mail can be recognised.
    pub message_id: String,
    /// The recipient's address.
    pub to: String,
    /// The subject line; never a clinical word.
    pub subject: String,
    /// The plain text; a link that leads to the log-in, never a value, a test's or a patient's name.
    pub text: String,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail").field("message_id", &self.message_id).finish_non_exhaustive()
    }
}

/// Sends mail.
pub trait Mailer: Send + Sync {
    /// Hands `mail` over; `Ok` once the other side answers for it.
    ///
    /// # Errors
    /// [`MailError::Transient`]: try again later, with the same message id. [`MailError::Permanent`]: never.
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>>;
}

/// Why a mail was not handed over. The detail is a code (such as an SMTP reply code), never an address or a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The mail may go through later (SMTP 4yz, no connection).
    #[error("the mail server cannot take the mail now ({code})")]
    Transient {
        /// A short code for the saga log.
        code: String,
    },
    /// The mail will never go through (SMTP 5yz, malformed address).
    #[error("the mail server refuses the mail for good ({code})")]
    Permanent {
        /// A short code for the saga log.
        code: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_mail_shows_nothing_but_its_message_id() {
        let text = |text: &str| text.to_owned();
        let mail =
            Mail { message_id: text("7"), to: text("ana@example.org"), subject: text("News"), text: text("Log in.") };
        assert_eq!(format!("{mail:?}"), r#"Mail { message_id: "7", .. }"#);
    }
}
