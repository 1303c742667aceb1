//! What a service is started with works together.
use domain_kernel::ports::{Append, AppendCommand, AppendOutcome, Origin, Purpose};
use domain_kernel::{EventId, EventMetadata, EventTypeId, Head, NewEvent, SchemaVersion, StreamId, SubjectId, Version};
use infra_event_store::MIGRATIONS;
use infra_testkit::postgres::database;
use infra_testkit::{SharedPorts, resources, resources_on};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_in_a_test_has_a_store_that_keeps_events() {
    let database = database(&[MIGRATIONS]).await;
    let resources = resources("users", &database).await;
    let stream = StreamId(resources.clock.unique_id());
    let metadata = EventMetadata {
        event_id: EventId(resources.clock.unique_id()),
        correlation_id: resources.clock.unique_id().into(),
        causation_id: None,
        actor: None,
        occurred_at: resources.clock.now(),
    };
    let (type_id, schema_version) = (EventTypeId(1), SchemaVersion(1));
    let command = AppendCommand {
        command_id: resources.clock.unique_id().into(),
        digest: None,
        correlation_id: metadata.correlation_id,
        claims: vec![],
        releases: vec![],
        events: vec![NewEvent { type_id, schema_version, metadata, payload: b"x".to_vec() }],
    };
    let append = Append { stream, expected: Head::default(), commands: vec![command] };
    let outcome = resources.store.append(append).await;
    assert!(matches!(outcome, Ok(AppendOutcome::Appended(Head { version: Version(1), .. }))), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_on_the_same_ports_open_each_others_records() {
    let ports = SharedPorts::default();
    let (one, other) = (database(&[MIGRATIONS]).await, database(&[MIGRATIONS]).await);
    let (users, notifications) =
        (resources_on(&ports, "users", &one).await, resources_on(&ports, "notifications", &other).await);
    let id = users.clock.unique_id();
    let origin = Origin {
        event_id: EventId(id),
        stream: StreamId(id),
        version: Version(1),
        event_type: "users.user_created".to_owned(),
    };
    let record = users.vault.seal(SubjectId(id), Purpose::Contact, &origin, 1, b"x").await.unwrap();
    assert!(notifications.vault.open(Purpose::Contact, &origin, &record).await.is_ok());
}
