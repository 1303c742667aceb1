//! Mail through a mail server.
//!
//! At least once: when the server took a mail and its answer got lost, the mail is sent again, with the same
//! `Message-ID`, by which a mailbox may recognise it.
use super::{MailSettingError, header_id, sender};
use axum::http::Uri;
use domain_kernel::BoxFuture;
use domain_kernel::ports::{Mail, MailError, Mailer};
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{AsyncSmtpTransport, Error as SmtpError};
use lettre::{AsyncTransport, Tokio1Executor};
use std::fmt;
use std::time::Duration;

/// How long a server may take over each step.
const STEP_LIMIT: Duration = Duration::from_secs(15);

/// Sends mails through one mail server, over pooled connections.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
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
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|_| MailSettingError::Server)?;
        if !authorities.is_empty() {
            builder = builder.tls(tls(authorities, url)?);
        }
        Ok(Self { transport: builder.timeout(Some(STEP_LIMIT)).build(), sender })
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
            self.transport.send(message).await.map(drop).map_err(|error| classify(&error))
        })
    }
}

/// How the address wants the server to be spoken to, with the authorities believed too; what is in clear stays so.
fn tls(authorities: &[u8], url: &str) -> Result<Tls, MailSettingError> {
    let url: Uri = url.parse().map_err(|_| MailSettingError::Server)?;
    let host = url.host().ok_or(MailSettingError::Server)?.trim_matches(['[', ']']);
    let believed = Certificate::from_pem(authorities).map_err(|_| MailSettingError::Authority)?;
    let parameters = TlsParameters::builder(host.to_owned()).add_root_certificate(believed).build_rustls();
    let parameters = parameters.map_err(|_| MailSettingError::Authority)?;
    let asked = |way: &str| url.query().is_some_and(|query| query.split('&').any(|pair| pair == way));
    Ok(match url.scheme_str() {
        Some("smtps") => Tls::Wrapper(parameters),
        _ if asked("tls=required") => Tls::Required(parameters),
        _ if asked("tls=opportunistic") => Tls::Opportunistic(parameters),
        _ => Tls::None,
    })
}

/// A permanent reply (5yz) is final, everything else may go through later. The code is the reply's number: its words
/// may repeat the address.
fn classify(error: &SmtpError) -> MailError {
    let code = match error.status() {
        Some(status) => format!("smtp_{status}"),
        None if error.is_timeout() => "smtp_timeout".to_owned(),
        None if error.is_tls() => "smtp_tls".to_owned(),
        None => "smtp_connection".to_owned(),
    };
    if error.is_permanent() { MailError::Permanent { code } } else { MailError::Transient { code } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wrong_setting_is_refused_without_being_repeated() {
        for url in ["", "localhost", "http://secret@localhost"] {
            let refused = SmtpMailer::new(url, "resultados@clinica.cl").unwrap_err();
            assert!(matches!(refused, MailSettingError::Server));
            assert!(!refused.to_string().contains("secret"));
        }
        let refused = SmtpMailer::new("smtp://localhost:2525", "nobody").unwrap_err();
        assert!(matches!(refused, MailSettingError::Sender));
    }

    #[test]
    fn an_authority_changes_whom_we_believe_and_not_how_we_speak() {
        let way = |url: &str| tls(b"", url).unwrap();
        assert!(matches!(way("smtps://user:password@mail.example:465"), Tls::Wrapper(_)));
        assert!(matches!(way("smtp://[::1]:587?tls=required"), Tls::Required(_)));
        assert!(matches!(way("smtp://mail.example?tls=opportunistic"), Tls::Opportunistic(_)));
        assert!(matches!(way("smtp://user:tls=required@mail.example:25"), Tls::None));
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(tls(broken, "smtps://mail.example"), Err(MailSettingError::Authority)));
    }

    #[tokio::test]
    async fn a_message_has_the_notifications_id_and_no_malformed_address() {
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
