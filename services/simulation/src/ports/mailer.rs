//! The mail server: takes mails, refuses them, or says nothing.
use super::lock;
use crate::defect::Defect;
use crate::life::Life;
use crate::plan::MailFault;
use domain_kernel::BoxFuture;
use domain_kernel::ports::{Clock, Mail, MailError, Mailer};
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// A mail that the server took.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) message_id: String,
}

/// What the server took, in order.
#[derive(Default)]
pub(crate) struct Outbox(Mutex<Vec<Taken>>);

impl Outbox {
    pub(crate) fn taken(&self) -> Vec<Taken> {
        lock(&self.0).clone()
    }

    fn take(&self, message_id: String) {
        lock(&self.0).push(Taken { message_id });
    }
}

pub(crate) struct LivingMailer {
    pub(crate) life: Arc<Life>,
    pub(crate) outbox: Arc<Outbox>,
}

impl LivingMailer {
    fn take(&self, message_id: String) {
        self.life.world.witnessed(|witness| witness.mailed(&message_id));
        self.outbox.take(message_id);
    }
}

impl Mailer for LivingMailer {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        Box::pin(async move {
            let about = Uuid::try_parse(&mail.message_id).unwrap_or_default();
            self.life.step("mails", about).await;
            let message_id = if self.life.world.has(Defect::MessageIdPerAttempt) {
                self.life.world.unique_id().to_string()
            } else {
                mail.message_id.clone()
            };
            match self.life.world.mail() {
                None => {}
                Some(MailFault::TakenUnanswered) => {
                    self.take(message_id);
                    self.life.step("is not told that the mail was taken:", about).await;
                    return Err(MailError::Transient { code: "connection_lost".to_owned() });
                }
                Some(MailFault::Transient) => return Err(MailError::Transient { code: "smtp-451".to_owned() }),
                Some(MailFault::Permanent) => return Err(MailError::Permanent { code: "smtp-550".to_owned() }),
                Some(MailFault::Silent) => std::future::pending::<()>().await,
            }
            self.take(message_id);
            self.life.step("has mailed", about).await;
            Ok(())
        })
    }
}
