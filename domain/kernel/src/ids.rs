//! Identities. All are UUIDs; the types keep one from being taken for another.
//!
//! New ids come from [`crate::ports::Clock::unique_id`] (version 7, RFC 9562 §5.7: time-ordered, so inserts land at the
//! right edge of an index); ids that must be found again are derived by name (version 5, RFC 9562 §5.5).
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The id that `name` always has within `self`: the same two give the same id, for ever (UUID version 5).
            #[must_use]
            pub fn derive(self, name: &str) -> Uuid {
                Uuid::new_v5(&self.0, name.as_bytes())
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

id!(
    /// One aggregate's history. For a saga it equals the correlation id.
    StreamId
);
id!(
    /// One recorded fact, and the message that tells of it.
    EventId
);
id!(
    /// One intention: executing it twice does no more than executing it once.
    CommandId
);
id!(
    /// One saga: everything that follows from one request. Made by the gateway, never taken from a client.
    CorrelationId
);
id!(
    /// A user's account; equals the user's stream.
    UserId
);
id!(
    /// Whose data a sealed record holds: a patient's account, a user, or the result itself until it is linked.
    SubjectId
);

/// The event whose message caused another event.
pub type CausationId = EventId;

impl From<UserId> for StreamId {
    fn from(id: UserId) -> Self {
        Self(id.0)
    }
}

impl From<StreamId> for UserId {
    fn from(id: StreamId) -> Self {
        Self(id.0)
    }
}

impl From<StreamId> for SubjectId {
    fn from(id: StreamId) -> Self {
        Self(id.0)
    }
}

impl From<UserId> for SubjectId {
    fn from(id: UserId) -> Self {
        Self(id.0)
    }
}

impl From<CorrelationId> for StreamId {
    fn from(id: CorrelationId) -> Self {
        Self(id.0)
    }
}

/// The command by which `consumer` handles the message of `event`: repeated delivery repeats the command id, so the
/// store's `command_done` is the consumer's inbox.
#[must_use]
pub fn handling_command(consumer: &str, event: EventId) -> CommandId {
    CommandId(event.derive(consumer))
}

/// The stream in which `consumer` keeps what it did with the messages of `source`, where nothing else is left to do.
#[must_use]
pub fn handling_stream(consumer: &str, source: StreamId) -> StreamId {
    StreamId(source.derive(consumer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_handled_again_by_the_same_consumer_is_the_same_command() {
        let event = EventId(Uuid::from_u128(7));
        assert_eq!(handling_command("notifications", event), handling_command("notifications", event));
        assert_ne!(handling_command("notifications", event), handling_command("results", event));
    }

    #[test]
    fn what_a_consumer_does_with_one_source_is_one_stream() {
        let source = StreamId(Uuid::from_u128(7));
        assert_eq!(handling_stream("notifications", source), handling_stream("notifications", source));
        assert_ne!(handling_stream("notifications", source), handling_stream("results", source));
        assert_ne!(handling_stream("notifications", source), handling_stream("notifications", StreamId(Uuid::nil())));
    }

    #[test]
    fn derived_ids_never_change() {
        let event = EventId(Uuid::from_u128(7));
        let pinned = "83e76b36-1096-5274-8faf-c3cd78c46f5b";
        assert_eq!(handling_command("notifications", event).to_string(), pinned);
    }

    #[test]
    fn an_id_seen_as_another_kind_of_id_is_the_same_uuid() {
        let id = Uuid::from_u128(7);
        assert_eq!(StreamId::from(UserId(id)), StreamId(id));
        assert_eq!(UserId::from(StreamId(id)), UserId(id));
        assert_eq!(SubjectId::from(StreamId(id)), SubjectId(id));
        assert_eq!(SubjectId::from(UserId(id)), SubjectId(id));
        assert_eq!(StreamId::from(CorrelationId(id)), StreamId(id));
        assert_eq!(UserId::from(id).to_string().parse(), Ok(UserId(id)));
    }
}
