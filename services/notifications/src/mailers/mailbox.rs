//! The demo's mailbox: one file per mail in a directory, named by the mail's `Message-ID`.
//!
//! A mail is written to a temporary name, made durable, then renamed; the same mail again finds its file there and
//! changes nothing. So every mail is in the mailbox whole, and once, whatever is killed when. (A power failure between
//! rename and the directory's own write is not covered: this is the demo's.)
use super::{MailSettingError, header_id, sender};
use domain_kernel::BoxFuture;
use domain_kernel::ports::{Mail, MailError, Mailer};
use lettre::message::Mailbox;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

const ENDING: &str = "eml";

/// A temporary file this old belongs to a process that was killed: a mail is written in milliseconds.
const ABANDONED: Duration = Duration::from_secs(10);

/// Puts mails into a directory.
#[derive(Debug)]
pub struct MailboxMailer {
    directory: PathBuf,
    sender: Mailbox,
    written: AtomicU64,
}

impl MailboxMailer {
    /// Into `directory`, which is made where it does not exist, readable for its owner only; as mails of `from`.
    ///
    /// # Errors
    /// [`MailSettingError`].
    pub fn open(directory: impl Into<PathBuf>, from: &str) -> Result<Self, MailSettingError> {
        let directory = directory.into();
        let sender = sender(from)?;
        fs::create_dir_all(&directory)?;
        #[cfg(unix)]
        fs::set_permissions(&directory, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        remove_abandoned(&directory)?;
        Ok(Self { directory, sender, written: AtomicU64::new(0) })
    }

    fn temporary(&self, name: &str) -> PathBuf {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        self.directory.join(format!(".{name}.{}.{number}", std::process::id()))
    }
}

impl Mailer for MailboxMailer {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        Box::pin(async move {
            if !is_file_name(&mail.message_id) {
                return Err(permanent("malformed_message_id"));
            }
            if mail.to.parse::<lettre::Address>().is_err() {
                return Err(permanent("malformed_address"));
            }
            if mail.subject.chars().any(char::is_control) {
                return Err(permanent("malformed_subject"));
            }
            let path = self.directory.join(&mail.message_id).with_added_extension(ENDING);
            let temporary = self.temporary(&mail.message_id);
            let text = render(mail, &self.sender);
            let written = tokio::task::spawn_blocking(move || write(&path, &temporary, text.as_bytes())).await;
            match written {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => {
                    tracing::warn!(error = %error.kind(), "the mailbox cannot be written");
                    Err(MailError::Transient { code: "mailbox_not_writable".to_owned() })
                }
                Err(_) => Err(MailError::Transient { code: "interrupted".to_owned() }),
            }
        })
    }
}

fn write(path: &Path, temporary: &Path, text: &[u8]) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let written = File::create_new(temporary)
        .and_then(|mut file| {
            file.write_all(text)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(temporary, path));
    if written.is_err() {
        // Nothing more can be done about a leftover; it is never read.
        let _ = fs::remove_file(temporary);
    }
    written
}

/// Removes what killed processes left half-written.
fn remove_abandoned(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let modified = entry.metadata()?.modified()?;
        let old = modified.elapsed().is_ok_and(|age| age >= ABANDONED);
        if old && entry.file_name().to_string_lossy().starts_with('.') {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// RFC 5322, the header fields in UTF-8 (RFC 6532).
fn render(mail: &Mail, sender: &Mailbox) -> String {
    let Mail { message_id, to, subject, text } = mail;
    let message_id = header_id(message_id, sender);
    let date = chrono::Utc::now().to_rfc2822();
    format!(
        "Message-ID: {message_id}\r\nDate: {date}\r\nFrom: {sender}\r\nTo: {to}\r\n\
         Subject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\n{}",
        text.replace('\n', "\r\n")
    )
}

fn permanent(code: &str) -> MailError {
    MailError::Permanent { code: code.to_owned() }
}

/// What a message id may consist of: nothing that leads out of the directory, and no hidden name.
fn is_file_name(id: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    (1..=128).contains(&id.len()) && !id.starts_with('.') && id.chars().all(allowed)
}

/// A mail in the mailbox.
#[derive(Clone, PartialEq, Eq)]
pub struct MailboxMail {
    /// Its `Message-ID`: the notification's id.
    pub message_id: String,
    /// When it came, as the header says.
    pub date: String,
    /// The recipient's address.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The text.
    pub text: String,
}

impl std::fmt::Debug for MailboxMail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailboxMail").field("message_id", &self.message_id).finish_non_exhaustive()
    }
}

/// Up to `limit` mails of the mailbox, the newest first.
///
/// # Errors
/// What the file system says.
pub fn read_mailbox(directory: &Path, limit: usize) -> io::Result<Vec<MailboxMail>> {
    let mut found: Vec<(SystemTime, String)> = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        let id = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| is_file_name(stem));
        if let (Some(id), true) = (id, path.extension().is_some_and(|ending| ending == ENDING)) {
            found.push((entry.metadata()?.modified()?, id.to_owned()));
        }
    }
    found.sort_unstable_by(|one, other| other.cmp(one));
    found.truncate(limit);
    found.into_iter().filter_map(|(_, id)| read_mail(directory, &id).transpose()).collect()
}

/// One mail of the mailbox; `None` when it is not there.
///
/// # Errors
/// What the file system says.
pub fn read_mail(directory: &Path, id: &str) -> io::Result<Option<MailboxMail>> {
    if !is_file_name(id) {
        return Ok(None);
    }
    match fs::read_to_string(directory.join(id).with_added_extension(ENDING)) {
        Ok(text) => Ok(Some(parse(id, &text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads what [`render`] wrote.
fn parse(id: &str, mail: &str) -> MailboxMail {
    let (head, text) = mail.split_once("\r\n\r\n").unwrap_or((mail, ""));
    let field = |name: &str| {
        let value = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.unwrap_or_default().to_owned()
    };
    MailboxMail {
        message_id: id.to_owned(),
        date: field("Date"),
        to: field("To"),
        subject: field("Subject"),
        text: text.replace("\r\n", "\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_mail_is_read_back() {
        let mail = Mail {
            message_id: "018f".into(),
            to: "ana@example.org".into(),
            subject: "Tiene un aviso".into(),
            text: "Hola:\n\nAquí.\n".into(),
        };
        let sender = sender("Historia <historia@localhost>").unwrap();
        let read = parse("018f", &render(&mail, &sender));
        assert_eq!((read.to, read.subject, read.text), (mail.to, mail.subject, mail.text));
    }

    #[test]
    fn no_message_id_leads_out_of_the_directory() {
        assert!(is_file_name("018f-7a"));
        assert!(is_file_name("018f.7a@historia.test"));
        for id in ["", ".", "..", ".hidden", "a/b", "a\\b", "a\0"] {
            assert!(!is_file_name(id), "{id:?}");
        }
    }
}
