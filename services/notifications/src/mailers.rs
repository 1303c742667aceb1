//! Where mail goes: a directory that a browser shows (the demo), or a mail server.
mod mailbox;
mod smtp;

pub use mailbox::{MailboxMail, MailboxMailer, read_mail, read_mailbox};
pub use smtp::SmtpMailer;

use lettre::message::Mailbox;

/// A mailer's settings are wrong. They may hold a password, so they are not repeated.
#[derive(Debug, thiserror::Error)]
pub enum MailSettingError {
    /// The sender is no address.
    #[error("the sender of mails must look like sender@domain or Name <sender@domain>")]
    Sender,
    /// The mail server's URL is none.
    #[error("the mail server must look like smtps://user:password@host or smtp://user:password@host:587?tls=required")]
    Server,
    /// What should be an authority's certificate is none.
    #[error("the certificate of the mail server's authority must be one in PEM form")]
    Authority,
    /// The mailbox cannot be made.
    #[error("the mailbox's directory cannot be made")]
    Directory(#[from] std::io::Error),
}

fn sender(from: &str) -> Result<Mailbox, MailSettingError> {
    from.parse().map_err(|_| MailSettingError::Sender)
}

/// A `Message-ID` as the header has it: with a right part (RFC 5322 §3.6.4), which a notification's id alone lacks.
fn header_id(id: &str, sender: &Mailbox) -> String {
    if id.contains('@') { format!("<{id}>") } else { format!("<{id}@{}>", sender.email.domain()) }
}
