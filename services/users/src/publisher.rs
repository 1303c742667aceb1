//! What the other services are told of users. Sealed contacts are copied unopened; private events stay.
use crate::NAME;
use crate::stored::{StoredUserEvent, catalogue};
use domain_kernel::message::topics;
use domain_kernel::ports::SourceError;
use domain_kernel::{Message, MessageHeaders, RecordedEvent, Topic};
use infra_contracts::event_user::{
    self, UserContactChanged, UserCreated, UserDeactivated, UserEvent, UserEventRecord, UserPasswordChanged,
    UserReactivated, UserRoleChanged,
};
use infra_contracts::{Envelope, catalogue as published, topic as contracts};
use infra_messaging::Publisher;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// What the service publishes.
pub const TOPICS: &[Topic] = &[topics::EVENT_USER];

/// Maps stored events to messages of [`TOPICS`].
#[must_use]
pub fn publisher() -> Arc<dyn Publisher> {
    Arc::new(UsersPublisher)
}

struct UsersPublisher;

impl Publisher for UsersPublisher {
    fn message(&self, topic: Topic, event: &RecordedEvent) -> Result<Option<Message>, SourceError> {
        if topic != topics::EVENT_USER {
            return Ok(None);
        }
        let unfit = |reason: String| SourceError::Contract { event: event.metadata.event_id, reason };
        let stored = StoredUserEvent::of_log(event).map_err(|error| unfit(error.to_string()))?;
        let Some(told) = stored.and_then(told) else { return Ok(None) };
        let event_type = catalogue().name(event.type_id).unwrap_or_default();
        let entry = published::find(event_type).ok_or_else(|| unfit("not in the catalogue".to_owned()))?;
        let payload = event_user::encode(&UserEventRecord { envelope: Envelope::of(event), event: told })
            .map_err(|error| unfit(error.to_string()))?;
        let metadata = &event.metadata;
        let headers = MessageHeaders {
            event_id: metadata.event_id,
            event_type: event_type.to_owned(),
            source: NAME.to_owned(),
            stream: event.stream,
            version: event.version,
            occurred_at: metadata.occurred_at,
            correlation_id: metadata.correlation_id,
            causation_id: metadata.causation_id,
            actor: metadata.actor.map(|actor| actor.user),
            contract_version: contracts::current(topic),
            expects: entry.expects.iter().map(|consumer| (*consumer).to_owned()).collect(),
            consumer: None,
            attempt: None,
            traceparent: None,
        };
        Ok(Some(Message { topic, headers, payload }))
    }
}

fn told(event: StoredUserEvent) -> Option<UserEvent> {
    match event {
        StoredUserEvent::Created(record) => {
            Some(UserCreated { role: record.role, contact: record.sealed_contact }.into())
        }
        StoredUserEvent::RoleChanged(record) => Some(UserRoleChanged { role: record.role }.into()),
        StoredUserEvent::ContactChanged(record) => Some(UserContactChanged { contact: record.sealed_contact }.into()),
        StoredUserEvent::Deactivated(_) => Some(UserDeactivated {}.into()),
        StoredUserEvent::Reactivated(record) => Some(UserReactivated { role: record.role }.into()),
        StoredUserEvent::PasswordChanged(_) => Some(UserPasswordChanged {}.into()),
        StoredUserEvent::PasswordSet(_)
        | StoredUserEvent::ProfileChanged(_)
        | StoredUserEvent::SessionsRevoked(_)
        | StoredUserEvent::Erasure(_) => None,
    }
}
