//! Services, streams, sagas and event types as people name them.
use super::Log;
use crate::failure::Failure;
use crate::nearest;
use crate::platform::{self, ServiceDefinition};
use domain_kernel::{CorrelationId, EventTypeId, StreamId};
use infra_contracts::catalogue;
use infra_contracts::stored::StoredEventType;

/// The service called `wanted`, or all of them.
///
/// # Errors
/// There is no such service.
pub(crate) fn services(wanted: Option<&str>) -> Result<Vec<ServiceDefinition>, Failure> {
    let all: Vec<_> = platform::services().into();
    let Some(wanted) = wanted else { return Ok(all) };
    let names: Vec<&str> = all.iter().map(|service| service.name).collect();
    let found: Vec<_> = all.into_iter().filter(|service| service.name == wanted.replace('-', "_")).collect();
    if found.is_empty() { Err(nearest::unknown("service", wanted, names)) } else { Ok(found) }
}

/// A stream's id, with or without its category before it, such as `user-0198…`.
///
/// # Errors
/// It is none.
pub(crate) fn stream_id(name: &str) -> Result<StreamId, Failure> {
    let id = name.len().checked_sub(36).and_then(|begin| name.get(begin..)).unwrap_or(name);
    id.parse().map_err(|_| {
        Failure::usage(format!(
            "{name:?} is no stream: give its id, or category and id, such as user-0198a8a0-6a51-7f54-9a0c-2d9d4b1c7a10"
        ))
    })
}

/// A saga's id.
///
/// # Errors
/// It is none.
pub(crate) fn correlation_id(text: &str) -> Result<CorrelationId, Failure> {
    text.parse().map_err(|_| {
        Failure::usage(format!(
            "{text:?} is no correlation id: every answer of the gateway has one in Historia-Correlation-Id"
        ))
    })
}

/// The types of `log` that one of `wanted` names: by the whole name (`users.user_created`), by what the saga log shows
/// (`UserCreated`), or by a part of the name.
pub(crate) fn types(log: &Log, wanted: &[String]) -> Vec<EventTypeId> {
    let named = |event: &&StoredEventType| wanted.iter().any(|wanted| is_named(event, wanted));
    log.catalogue.all().filter(named).map(|event| EventTypeId(event.type_id)).collect()
}

fn is_named(event: &StoredEventType, wanted: &str) -> bool {
    if wanted.contains('.') {
        return event.name == wanted;
    }
    let display = catalogue::find(event.name).map(|published| published.display);
    match display {
        Some(display) if wanted.starts_with(char::is_uppercase) => display == wanted,
        _ => event.name.contains(&wanted.to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use uuid::Uuid;

    #[test]
    fn a_stream_is_named_with_or_without_its_category() {
        let id = Uuid::from_u128(7);
        assert_eq!(stream_id(&id.to_string()).unwrap(), StreamId(id));
        assert_eq!(stream_id(&format!("user-{id}")).unwrap(), StreamId(id));
        assert_eq!(stream_id("user").unwrap_err().exit, Exit::Usage);
    }

    #[test]
    fn a_service_is_named_as_its_command_or_as_its_database() {
        for name in ["saga-log", "saga_log"] {
            assert_eq!(services(Some(name)).unwrap()[0].name, service_saga_log::NAME);
        }
        let failure = services(Some("result")).map(drop).unwrap_err();
        assert!(failure.message.contains("did you mean: results"), "{}", failure.message);
    }

    #[test]
    fn a_type_is_named_whole_or_in_part_or_as_the_saga_log_shows_it() {
        let created = service_users::EVENTS.iter().find(|event| event.name == "users.user_created").unwrap();
        for name in ["users.user_created", "UserCreated", "user_created", "created"] {
            assert!(is_named(created, name), "{name}");
        }
        for name in ["users.user", "Created", "deactivated"] {
            assert!(!is_named(created, name), "{name}");
        }
    }
}
