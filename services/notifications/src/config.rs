//! What the service is told from outside.
use domain_kernel::ports::Mailer;
use domain_notifications::RetrySchedule;
use infra_http::TokenVerifier;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The service's settings.
#[derive(Clone)]
pub struct Config {
    /// Verifies the gateway's internal tokens.
    pub verifier: TokenVerifier,
    /// Where mail goes.
    pub mailer: Arc<dyn Mailer>,
    /// The directory of the demo's mailbox, shown at `/mailbox`; `None` elsewhere: then those addresses do not exist.
    pub mailbox_directory: Option<PathBuf>,
    /// Where people reach the platform, such as `http://localhost:8080`; mails link there.
    pub public_url: String,
    /// How mails are sent.
    pub delivery: Delivery,
}

/// How mails are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// When a failed mail is tried again.
    pub schedule: RetrySchedule,
    /// How many mails are on their way at once.
    pub in_flight: usize,
    /// How long the mailer may take over one mail; a mail that takes longer has failed this time.
    pub mail_limit: Duration,
    /// After this a notification that a crashed sender had in hand is taken over. Longer than `mail_limit`, or two
    /// senders mail the same.
    pub lease: Duration,
    /// How often the sender looks for what is due besides what it is told of.
    pub look_every: Duration,
}

impl Delivery {
    /// For a mail server: it may be slow.
    pub const STANDARD: Self = Self {
        schedule: RetrySchedule::STANDARD,
        in_flight: 16,
        mail_limit: Duration::from_secs(30),
        lease: Duration::from_secs(60),
        look_every: Duration::from_secs(1),
    };

    /// For a mailbox on this machine: quick, so a crashed sender's work is taken over soon.
    pub const MAILBOX: Self =
        Self { mail_limit: Duration::from_secs(4), lease: Duration::from_secs(5), ..Self::STANDARD };
}

impl Default for Delivery {
    fn default() -> Self {
        Self::STANDARD
    }
}
