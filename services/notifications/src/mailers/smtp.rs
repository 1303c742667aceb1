//! Mail through a mail server.
//!
//! At least once: when the server took a mail and its answer got lost, the mail is sent again, with the same
//! `Message-ID`, by which a mailbox may recognise it.
mod connections;
mod server;

use super::{MailSettingError, header_id, sender};
use connections::Connections;
use domain_kernel::BoxFuture;
use domain_kernel::ports::{Mail, MailError, Mailer};
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use server::{SendError, Server};
use std::fmt;

/// Sends mails through one mail server, over connections that are kept.
pub struct SmtpMailer {
    connections: Connections,
    sender: Mailbox,
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpMailer").finish_non_exhaustive()
    }
}

impl SmtpMailer {
    /// Through the server at `url`: `smtps://user:password@host:465` (TLS from the start),
    /// `smtp://user:password@host:587?tls=required` (STARTTLS), `smtp://host:25` (in clear; a relay on this machine).
    /// As mails of `from`.
    ///
    /// # Errors
    /// [`MailSettingError`].
    pub fn new(url: &str, from: &str) -> Result<Self, MailSettingError> {
        Self::trusting(&[], url, from)
    }

    /// The same, with a server whose certificate a public authority signed or one of those whose certificates (PEM) are
    /// given.
    ///
    /// # Errors
    /// [`MailSettingError`].
    pub fn trusting(authorities: &[u8], url: &str, from: &str) -> Result<Self, MailSettingError> {
        let sender = sender(from)?;
        Ok(Self { connections: Connections::to(Server::new(authorities, url)?), sender })
    }

    fn message(&self, mail: &Mail) -> Result<Message, &'static str> {
        Message::builder()
            .message_id(Some(header_id(&mail.message_id, &self.sender)))
            .from(self.sender.clone())
            .to(mail.to.parse().map_err(|_| "address")?)
            .subject(&mail.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.clone())
            .map_err(|_| "message")
    }
}

impl Mailer for SmtpMailer {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        Box::pin(async move {
            let message =
                self.message(mail).map_err(|code| MailError::Permanent { code: format!("malformed_{code}") })?;
            let (envelope, text) = (message.envelope().clone(), message.formatted());
            self.connections.send(&envelope, &text).await.map_err(|error| classify(&error))
        })
    }
}

/// A permanent reply (5yz) is final, everything else may go through later. The code is the reply's number: its words
/// may repeat the address.
fn classify(error: &SendError) -> MailError {
    let code = match error {
        SendError::Smtp(error) => match error.status() {
            Some(status) if error.is_permanent() => return MailError::Permanent { code: format!("smtp_{status}") },
            Some(status) => format!("smtp_{status}"),
            None if error.is_tls() => "smtp_tls".to_owned(),
            None => "smtp_connection".to_owned(),
        },
        SendError::Tls => "smtp_tls".to_owned(),
        SendError::Timeout => "smtp_timeout".to_owned(),
        SendError::Connection => "smtp_connection".to_owned(),
    };
    MailError::Transient { code }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_setting_is_refused_without_being_repeated() {
        for url in ["", "localhost", "http://secret@localhost"] {
            let refused = SmtpMailer::new(url, "resultados@clinica.cl").unwrap_err();
            assert!(matches!(refused, MailSettingError::Server));
            assert!(!refused.to_string().contains("secret"));
        }
        let refused = SmtpMailer::new("smtp://localhost:2525", "nobody").unwrap_err();
        assert!(matches!(refused, MailSettingError::Sender));
    }

    #[test]
    fn a_message_has_the_notifications_id_and_no_malformed_address() {
        let mailer = SmtpMailer::new("smtp://localhost:2525", "Clínica <resultados@clinica.cl>").unwrap();
        let mut mail = Mail {
            message_id: "018f".into(),
            to: "ana@example.org".into(),
            subject: "Aviso".into(),
            text: "Hola".into(),
        };
        let written = String::from_utf8(mailer.message(&mail).unwrap().formatted()).unwrap();
        assert!(written.contains("Message-ID: <018f@clinica.cl>"), "{written}");
        mail.to = "ana@example.org\r\nBcc: all@example.org".into();
        assert!(mailer.message(&mail).is_err());
    }
}
