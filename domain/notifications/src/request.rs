//! What is asked for: tell whom, about what, because of which event.
use crate::Template;
use domain_kernel::ports::Origin;
use domain_kernel::{CorrelationId, EventId, StreamId, Timestamp, UserId, Version};
use std::fmt;
use std::str::FromStr;

/// Everything that a notification needs to know from its cause; fixed once it is requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The event whose message asks for it; the answer names it as its cause, whatever is tried in between.
    pub source: EventId,
    /// Which event of what it is about that is; `None` where it was requested before anybody kept that.
    pub source_version: Option<Version>,
    /// The saga that it is part of.
    pub correlation_id: CorrelationId,
    /// What the person is told about.
    pub about: About,
    /// The occasion.
    pub template: Template,
    /// The result's running number, which the link names; an account has none.
    pub number: Option<i64>,
    /// The account of the person who is told, where one is known.
    pub recipient: Option<UserId>,
    /// The account on whose behalf the cause happened; `None` for an anonymous request.
    pub started_by: Option<UserId>,
    /// Where to reach the person; `None` when nobody knows.
    pub contact: Option<SealedContact>,
    /// The number of the first mail attempt. It goes on from the attempts that it took to ask, so that an answer
    /// always stands above the failures before it.
    pub first_attempt: u32,
    /// When it was asked for; the first attempt is due then.
    pub requested_at: Timestamp,
}

impl Request {
    /// The stream of this notification.
    #[must_use]
    pub fn notification(&self) -> StreamId {
        notification_stream(self.source, self.template)
    }
}

/// The stream of the notification that `source` causes with `template`: the same event never tells twice, however often
/// its message is delivered.
#[must_use]
pub fn notification_stream(source: EventId, template: Template) -> StreamId {
    StreamId(source.derive(template.name()))
}

/// What a notification is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// The user's or the result's stream.
    pub stream: StreamId,
    /// Which of the two.
    pub kind: AboutKind,
}

/// The kinds of things that notifications tell about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AboutKind {
    /// An account.
    User,
    /// A clinical result.
    Result,
}

impl AboutKind {
    /// The pinned name, stored and published.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Result => "result",
        }
    }
}

impl FromStr for AboutKind {
    type Err = UnknownAboutKind;

    fn from_str(name: &str) -> Result<Self, UnknownAboutKind> {
        [Self::User, Self::Result].into_iter().find(|kind| kind.name() == name).ok_or(UnknownAboutKind)
    }
}

/// Notifications tell about users and results only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("notifications tell about a user or a result")]
pub struct UnknownAboutKind;

/// A contact record as it was sealed by the service that knows the person: opaque here, copied unopened. Only the
/// sender opens it, just before it mails, so a contact erased meanwhile is never used.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedContact {
    /// Where it was sealed; authenticated with it.
    pub origin: Origin,
    /// The sealed bytes.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for SealedContact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sealed contact]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn one_event_and_template_make_one_notification() {
        let event = EventId(Uuid::from_u128(7));
        assert_eq!(notification_stream(event, Template::Welcome), notification_stream(event, Template::Welcome));
        assert_ne!(notification_stream(event, Template::Welcome), notification_stream(event, Template::ResultUpdated));
    }

    #[test]
    fn names_of_kinds_never_change() {
        assert_eq!([AboutKind::User, AboutKind::Result].map(AboutKind::name), ["user", "result"]);
        assert_eq!("invoice".parse::<AboutKind>(), Err(UnknownAboutKind));
    }
}
