//! One look at one notification: mail it if it is due, and record what came of it.
//!
//! 1. take the lease, so that no other sender mails the same;
//! 2. read the stream: is a mail due at all?
//! 3. open the contact, with the contact key, for this one mail;
//! 4. mail, outside of any transaction;
//! 5. append the outcome under the attempt's own command id;
//! 6. give the lease back.
//!
//! A crash after 4 and before 5 mails again, with the same `Message-ID`; nothing else can happen twice.
use crate::config::Delivery;
use crate::desk::{Desk, DeskError};
use crate::texts;
use domain_kernel::ports::{Clock, KeyVault, Mail, MailError, Mailer, Opened, Purpose, VaultError};
use domain_kernel::{StreamId, Timestamp};
use domain_notifications::{
    FailureCode, FailureKind, Notification, NotificationCommand, NotificationState, Request, SealedContact,
    SuppressionReason, attempt_command,
};
use infra_contracts::contact;
use infra_event_store::repository::{CommandContext, CommandError, Executed, LoadError, Repository};
use infra_runtime::Language;
use std::sync::Arc;
use std::time::Duration;

/// How soon a notification is looked at again when something that every mail needs did not answer. No attempt is spent.
const OUTAGE_PAUSE_MS: i64 = 1_000;
/// How often an outcome is appended before the look is given up; the mail is out, so it is worth some patience.
const OUTCOME_TRIES: u32 = 5;
const OUTCOME_PAUSE: Duration = Duration::from_millis(200);

/// Looks at notifications.
pub(crate) struct Deliveries {
    pub(crate) repository: Repository<Notification>,
    pub(crate) desk: Arc<dyn Desk>,
    pub(crate) vault: Arc<dyn KeyVault>,
    pub(crate) mailer: Arc<dyn Mailer>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) language: Language,
    pub(crate) public_url: String,
    pub(crate) settings: Delivery,
}

/// Why a look came to nothing; nothing was spent and it is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeliveryError {
    #[error("no lease could be taken")]
    Lease(#[from] DeskError),
    #[error("the notification could not be read")]
    Load(#[from] LoadError),
    #[error("the contact could not be opened")]
    Vault(#[from] VaultError),
    #[error("the text could not be written")]
    Text(#[from] askama::Error),
    #[error("the outcome could not be recorded: {0}")]
    Outcome(String),
}

/// What a contact turned out to be.
enum Contact {
    Address(String),
    None(SuppressionReason),
    Unreadable,
}

impl Deliveries {
    /// Looks at `notification`; answers when to look again, if ever.
    pub(crate) async fn deliver(&self, notification: StreamId) -> Option<Timestamp> {
        match self.look_at(notification).await {
            Ok(again) => again,
            Err(error) => {
                tracing::warn!(
                    notification.id = %notification,
                    error = infra_runtime::supervisor::chain(&error),
                    "a notification could not be looked at"
                );
                Some(self.clock.now().plus_millis(OUTAGE_PAUSE_MS))
            }
        }
    }

    async fn look_at(&self, notification: StreamId) -> Result<Option<Timestamp>, DeliveryError> {
        if !self.desk.take(notification).await? {
            // Somebody else has it in hand; if they crash, the read model shows it once the lease has ended.
            return Ok(None);
        }
        // On an error the lease stays: it is ours when we look again, and ends by itself if we never do.
        let again = self.attempt(notification).await?;
        if let Err(error) = self.desk.release(notification).await {
            tracing::debug!(error = %error, "a lease could not be given back and ends by itself");
        }
        Ok(again)
    }

    async fn attempt(&self, notification: StreamId) -> Result<Option<Timestamp>, DeliveryError> {
        let state = self.repository.load(notification).await?.state;
        let NotificationState::Waiting { request, attempt, failures, due_at } = state else { return Ok(None) };
        // Only after a failure is there something to wait for: a first attempt was asked for, whatever the clock said then.
        if failures > 0 && due_at > self.clock.now() {
            return Ok(Some(due_at));
        }
        let outcome = match self.open(request.contact.as_ref()).await? {
            Contact::Address(address) => {
                let mail = self.write(notification, &request, address)?;
                self.outcome(attempt, self.mail(&mail).await)
            }
            Contact::None(reason) => NotificationCommand::Suppress { attempt, reason },
            Contact::Unreadable => self.failure(attempt, "contact_unreadable", FailureKind::Permanent),
        };
        self.record(notification, &request, attempt, outcome).await
    }

    async fn open(&self, sealed: Option<&SealedContact>) -> Result<Contact, DeliveryError> {
        let Some(SealedContact { origin, bytes }) = sealed else {
            return Ok(Contact::None(SuppressionReason::NoContact));
        };
        let (schema, plain) = match self.vault.open(Purpose::Contact, origin, bytes).await {
            Ok(Opened::Known { schema, plain }) => (schema, plain),
            Ok(Opened::Erased) | Err(VaultError::Erased { .. }) => {
                return Ok(Contact::None(SuppressionReason::Erased));
            }
            Err(VaultError::NotAuthentic) => return Ok(Contact::Unreadable),
            Err(error) => return Err(error.into()),
        };
        Ok(match contact::decode(schema, &plain) {
            Ok(contact) => match contact.email.filter(|address| !address.trim().is_empty()) {
                Some(address) => Contact::Address(address),
                None => Contact::None(SuppressionReason::NoContact),
            },
            Err(_) => Contact::Unreadable,
        })
    }

    fn write(&self, notification: StreamId, request: &Request, address: String) -> Result<Mail, DeliveryError> {
        let words = texts::words(self.language, &self.public_url, request)?;
        Ok(Mail {
            message_id: notification.to_string(),
            to: address,
            subject: words.subject.to_owned(),
            text: words.text,
        })
    }

    async fn mail(&self, mail: &Mail) -> Result<(), MailError> {
        match tokio::time::timeout(self.settings.mail_limit, self.mailer.send(mail)).await {
            Ok(sent) => sent,
            Err(_) => Err(MailError::Transient { code: "timeout".to_owned() }),
        }
    }

    fn outcome(&self, attempt: u32, sent: Result<(), MailError>) -> NotificationCommand {
        match sent {
            Ok(()) => NotificationCommand::RecordSent { attempt },
            Err(MailError::Transient { code }) => self.failure(attempt, &code, FailureKind::Transient),
            Err(MailError::Permanent { code }) => self.failure(attempt, &code, FailureKind::Permanent),
        }
    }

    fn failure(&self, attempt: u32, code: &str, kind: FailureKind) -> NotificationCommand {
        let code = FailureCode::new(code);
        NotificationCommand::RecordFailure {
            attempt,
            code,
            kind,
            schedule: self.settings.schedule,
            at: self.clock.now(),
        }
    }

    /// Appends the outcome; answers when the next attempt is due.
    async fn record(
        &self,
        notification: StreamId,
        request: &Request,
        attempt: u32,
        outcome: NotificationCommand,
    ) -> Result<Option<Timestamp>, DeliveryError> {
        let context = CommandContext {
            command_id: attempt_command(notification, attempt),
            digest: None,
            correlation_id: request.correlation_id,
            // The answer is to the message that asked, also after an operator's retry.
            causation_id: Some(request.source),
            actor: None,
        };
        let mut tries = 1;
        loop {
            match self.repository.execute(notification, None, &context, outcome.clone()).await {
                Ok(executed) => {
                    count(&executed);
                    return Ok(match executed.state {
                        NotificationState::Waiting { due_at, .. } => Some(due_at),
                        _ => None,
                    });
                }
                // Another sender recorded its outcome of this attempt first.
                Err(CommandError::Rejected(_)) => return Ok(None),
                Err(error) if tries >= OUTCOME_TRIES => {
                    return Err(DeliveryError::Outcome(infra_runtime::supervisor::chain(&error)));
                }
                Err(_) => {
                    tries += 1;
                    tokio::time::sleep(OUTCOME_PAUSE).await;
                }
            }
        }
    }
}

fn count(executed: &Executed<Notification>) {
    if executed.repeated {
        return;
    }
    let outcome = match executed.state {
        NotificationState::Unknown | NotificationState::Skipped { .. } => return,
        NotificationState::Waiting { .. } => "failed",
        NotificationState::Sent { .. } => "sent",
        NotificationState::Dead { .. } => "dead",
        NotificationState::Suppressed { .. } => "suppressed",
    };
    metrics::counter!("historia_notifications_total", "outcome" => outcome).increment(1);
}
