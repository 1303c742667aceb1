//! The notifications context: telling a person, once, that something awaits them.
//!
//! Pure rules; how a mail is written, sealed contacts are opened and attempts are scheduled in a database is the
//! service's part.
pub mod attempt;
pub mod notification;
pub mod request;
pub mod schedule;
pub mod template;

pub use attempt::{FailureCode, FailureKind, SuppressionReason, attempt_command};
pub use notification::{Notification, NotificationCommand, NotificationError, NotificationEvent, NotificationState};
pub use request::{About, AboutKind, Request, SealedContact, notification_stream};
pub use schedule::RetrySchedule;
pub use template::Template;
