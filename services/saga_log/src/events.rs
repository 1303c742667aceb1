//! The service's stored events: numbers, names, schemas. Pinned for ever.
use domain_kernel::{Aggregate, EventTypeId};
use domain_saga_log::Saga;
use infra_contracts::stored::{StoredEventType, StoredEvents};
use std::sync::LazyLock;

/// `saga_log.saga_event_recorded`.
pub(crate) const SAGA_EVENT_RECORDED: EventTypeId = EventTypeId(1);
/// `saga_log.step_reported`.
pub(crate) const STEP_REPORTED: EventTypeId = EventTypeId(2);
/// `saga_log.retry_requested`.
pub(crate) const RETRY_REQUESTED: EventTypeId = EventTypeId(3);
/// `saga_log.skip_requested`.
pub(crate) const SKIP_REQUESTED: EventTypeId = EventTypeId(4);

/// Every stored event of this service. Nothing in it is personal, so nothing is sealed.
pub static EVENTS: &[StoredEventType] = &[
    stored(
        SAGA_EVENT_RECORDED,
        "saga_log.saga_event_recorded",
        &[include_str!("../../../schemas/stored/saga_log/saga_event_recorded.v1.avsc")],
    ),
    stored(
        STEP_REPORTED,
        "saga_log.step_reported",
        &[include_str!("../../../schemas/stored/saga_log/step_reported.v1.avsc")],
    ),
    stored(
        RETRY_REQUESTED,
        "saga_log.retry_requested",
        &[include_str!("../../../schemas/stored/saga_log/retry_requested.v1.avsc")],
    ),
    stored(
        SKIP_REQUESTED,
        "saga_log.skip_requested",
        &[include_str!("../../../schemas/stored/saga_log/skip_requested.v1.avsc")],
    ),
];

const fn stored(type_id: EventTypeId, name: &'static str, schemas: &'static [&'static str]) -> StoredEventType {
    StoredEventType { type_id: type_id.0, name, category: Saga::NAME, schemas, sealed: &[] }
}

/// The parsed catalogue.
#[expect(clippy::expect_used, reason = "the schemas are constants of this crate; a test parses them")]
pub(crate) static CATALOGUE: LazyLock<StoredEvents> =
    LazyLock::new(|| StoredEvents::new(EVENTS).expect("the stored events of the saga log form a catalogue"));
