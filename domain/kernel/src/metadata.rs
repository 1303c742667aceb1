//! What is known about every event besides what happened: who, when, and as part of what.
use crate::{CausationId, CorrelationId, EventId, Role, Timestamp, UserId};

/// Stored in clear beside every event: ids only, never a name or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventMetadata {
    /// This event.
    pub event_id: EventId,
    /// The saga it belongs to.
    pub correlation_id: CorrelationId,
    /// The message that caused it; `None` when a request did. Private events between the message and this event do
    /// not count, so the tree of published events is whole.
    pub causation_id: Option<CausationId>,
    /// On whose behalf; `None` for an anonymous request or a machine's own doing.
    pub actor: Option<Actor>,
    /// When it happened, by the [`crate::ports::Clock`] of the service.
    pub occurred_at: Timestamp,
}

/// Who acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The account.
    pub user: UserId,
    /// The role that the account had then.
    pub role: Role,
}
