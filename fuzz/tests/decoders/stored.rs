//! What is stored: the events of every service, through its own codec, and what is published of them.
use crate::genuine::{self, Stored};
use bolero::check;
use domain_kernel::ports::{Append, AppendCommand, Clock, EventStore, KeyVault, Opened, Origin, Purpose, VaultError};
use domain_kernel::{
    BoxFuture, Checkpoint, CommandId, CorrelationId, DomainEvent, EventId, EventMetadata, EventTypeId, Head, NewEvent,
    RecordedEvent, SchemaVersion, StreamId, SubjectId, Timestamp, Version,
};
use domain_results::{ClinicalResultEvent, ResultAccessEvent, ResultNotificationEvent};
use fuzz::{hostile, parts, tried, within_bounds};
use infra_contracts::headers::{from_properties, to_properties};
use infra_contracts::stored::{StoredEventType, StoredEvents};
use infra_contracts::topic;
use infra_event_store::codec::{EventCodec, EventSlot};
use infra_event_store::repository::Repository;
use infra_messaging::{Publisher, handling};
use infra_testkit::memory::{ManualClock, MemoryEventStore};
use service_results::codec::ResultsCodec;
use std::fmt::Debug;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// What the results service keeps, clear and sealed in one: its golden bytes were made by such a vault. Everything that
/// is opened says with its first two bytes which inner schema it was written with.
struct GlassVault {
    /// What every sealed record holds, an account's and any other, with the inner schema's number; `None` for what a
    /// record seems to hold.
    inside: Option<[(u16, Vec<u8>); 2]>,
}

impl KeyVault for GlassVault {
    fn seal<'a>(
        &'a self,
        _: SubjectId,
        _: Purpose,
        _: &'a Origin,
        schema: u16,
        plain: &'a [u8],
    ) -> BoxFuture<'a, Result<Vec<u8>, VaultError>> {
        Box::pin(async move { Ok([&schema.to_be_bytes(), plain].concat()) })
    }

    fn open<'a>(
        &'a self,
        purpose: Purpose,
        _: &'a Origin,
        sealed: &'a [u8],
    ) -> BoxFuture<'a, Result<Opened, VaultError>> {
        Box::pin(async move {
            let (schema, plain) = match &self.inside {
                Some([account, other]) => if purpose == Purpose::Account { account } else { other }.clone(),
                None => {
                    let (schema, plain) = sealed.split_first_chunk().ok_or(VaultError::NotAuthentic)?;
                    (u16::from_be_bytes(*schema), plain.to_vec())
                }
            };
            Ok(Opened::Known { schema, plain })
        })
    }

    fn shred(&self, _: SubjectId, _: Purpose) -> BoxFuture<'_, Result<u64, VaultError>> {
        Box::pin(async { Ok(0) })
    }
}

/// A service's stored events: which there are, some that are genuine, and what publishes them.
struct Service {
    types: Vec<(EventTypeId, SchemaVersion)>,
    catalogue: StoredEvents,
    genuine: Vec<Stored>,
    publisher: Arc<dyn Publisher>,
}

impl Service {
    fn new(events: &'static [StoredEventType], genuine: Vec<Stored>, publisher: Arc<dyn Publisher>) -> Self {
        assert!(!genuine.is_empty());
        let catalogue = StoredEvents::new(events).unwrap().with(handling::EVENTS).unwrap();
        let catalogue = catalogue.with(infra_disclosure::EVENTS).unwrap();
        let versions = |event: &StoredEventType| i16::try_from(event.schemas.len()).unwrap();
        let types = catalogue
            .all()
            .flat_map(|event| {
                (0..=versions(event) + 1).map(|version| (EventTypeId(event.type_id), SchemaVersion(version)))
            })
            .chain([(EventTypeId(0), SchemaVersion(1)), (EventTypeId(-1), SchemaVersion(-1))])
            .collect();
        Self { types, catalogue, genuine, publisher }
    }

    /// The event that `input` tells of: one of the genuine ones altered, or any bytes as any version of any type.
    fn event(&self, input: &[u8]) -> Stored {
        let Some(([first, second], rest)) = input.split_first_chunk::<2>() else {
            return (EventTypeId(0), SchemaVersion(0), Vec::new());
        };
        match self.genuine.get(usize::from(*first) % (self.genuine.len() + 1)) {
            Some((type_id, schema, bytes)) => {
                (*type_id, *schema, hostile(&[&[0, *second], rest].concat(), std::slice::from_ref(bytes)))
            }
            None => {
                let (type_id, schema) = self.types[usize::from(*second) % self.types.len()];
                (type_id, schema, rest.to_vec())
            }
        }
    }
}

fn services() -> [Service; 4] {
    let in_files = |folder: &str, events| genuine::stored_in_files(folder, events);
    [
        Service::new(
            service_users::EVENTS,
            in_files("services/users/src/stored/golden", service_users::EVENTS),
            service_users::publisher(),
        ),
        Service::new(service_results::EVENTS, genuine::stored_results(), service_results::publisher()),
        Service::new(
            service_notifications::EVENTS,
            in_files("services/notifications/src/golden", service_notifications::EVENTS),
            service_notifications::publisher(),
        ),
        Service::new(
            service_saga_log::EVENTS,
            in_files("services/saga_log/src/golden", service_saga_log::EVENTS),
            service_saga_log::publisher(),
        ),
    ]
}

fn slot() -> EventSlot {
    EventSlot { event_id: EventId(Uuid::from_u128(1)), stream: StreamId(Uuid::from_u128(2)), version: Version(1) }
}

fn metadata() -> EventMetadata {
    EventMetadata {
        event_id: slot().event_id,
        correlation_id: CorrelationId(Uuid::from_u128(3)),
        causation_id: Some(EventId(Uuid::from_u128(4))),
        actor: None,
        occurred_at: Timestamp(1_767_323_045_678_901),
    }
}

fn recorded((type_id, schema_version, payload): Stored) -> RecordedEvent {
    RecordedEvent {
        checkpoint: Checkpoint::default(),
        stream: slot().stream,
        version: slot().version,
        type_id,
        schema_version,
        metadata: metadata(),
        payload,
        hash: [0; 32],
    }
}

/// Whatever is read of any service's events, with whichever schema it was written, can be shown to people, and what is
/// told of it to others is a message that they can read.
#[test]
fn what_is_published_of_a_stored_event_can_be_read() {
    let services = services();
    check!().with_iterations(20_000).with_max_len(256).for_each(tried(|input| {
        let Some((which, rest)) = input.split_first() else { return };
        let service = &services[usize::from(*which) % services.len()];
        let stored = service.event(rest);
        within_bounds(|| {
            let (type_id, schema, bytes) = &stored;
            let shown = service.catalogue.show(*type_id, *schema, bytes);
            let sealed = service.catalogue.sealed_records(*type_id, *schema, bytes);
            assert_eq!(shown.is_ok(), sealed.is_ok(), "{type_id:?} {schema:?} {bytes:?} is shown or revealed alone");
            let event = recorded(stored.clone());
            for topic in domain_kernel::message::topics::ALL {
                let Ok(Some(message)) = service.publisher.message(topic, &event) else { continue };
                assert!(shown.is_ok(), "{type_id:?} {schema:?} {bytes:?} is published and cannot be shown");
                let (headers, version) = (&message.headers, message.headers.contract_version);
                assert_eq!(topic::check(topic, version, &message.payload), Ok(()));
                assert_eq!(from_properties(topic, &to_properties(topic, headers)).as_ref(), Ok(headers));
            }
        });
    }));
}

async fn read_and_written_again<E: DomainEvent + Debug>(codec: &ResultsCodec, event: &RecordedEvent)
where
    ResultsCodec: EventCodec<E>,
{
    let Ok(read) = EventCodec::<E>::decode(codec, event).await else { return };
    let written = codec.encode(&read, &slot()).await.expect("what was read can be written");
    let written = recorded((written.type_id, written.schema_version, written.payload));
    assert_eq!(EventCodec::<E>::decode(codec, &written).await.as_ref(), Ok(&read));
}

/// Clear and sealed part, of each aggregate: the codec takes nothing that the domain would not have made.
#[test]
fn a_result_that_is_read_is_written_and_read_as_the_same() {
    let [_, results, ..] = services();
    let codec = ResultsCodec::new(Arc::new(GlassVault { inside: None }));
    let runtime = runtime();
    check!().with_iterations(20_000).with_max_len(256).for_each(tried(|input| {
        let event = recorded(results.event(input));
        within_bounds(|| {
            runtime.block_on(async {
                read_and_written_again::<ClinicalResultEvent>(&codec, &event).await;
                read_and_written_again::<ResultAccessEvent>(&codec, &event).await;
                read_and_written_again::<ResultNotificationEvent>(&codec, &event).await;
            });
        });
    }));
}

/// A store that holds `events` in one stream, as nobody but a broken or hostile writer would have put them there.
async fn store_of(events: Vec<Stored>) -> Arc<dyn EventStore> {
    let store = MemoryEventStore::new();
    let events = events
        .into_iter()
        .enumerate()
        .map(|(at, (type_id, schema_version, payload))| {
            let event_id = EventId(Uuid::from_u128(at as u128 + 10));
            NewEvent { type_id, schema_version, metadata: EventMetadata { event_id, ..metadata() }, payload }
        })
        .collect();
    let command = AppendCommand {
        command_id: CommandId(Uuid::from_u128(5)),
        digest: None,
        correlation_id: CorrelationId(Uuid::from_u128(3)),
        claims: Vec::new(),
        releases: Vec::new(),
        events,
    };
    let append = Append { stream: slot().stream, expected: Head::default(), commands: vec![command] };
    store.append(append).await.unwrap();
    Arc::new(store)
}

/// Folds whatever is in a stream, twice: the state is the same, or nothing is folded at all.
async fn folds<A: domain_kernel::Aggregate>(repository: &Repository<A>) -> bool {
    let first = repository.load(slot().stream).await;
    let again = repository.load(slot().stream).await;
    match (first, again) {
        (Ok(first), Ok(again)) => {
            assert_eq!(first.state, again.state);
            true
        }
        (Err(_), Err(_)) => false,
        _ => panic!("read once and not again"),
    }
}

/// An account's events, clear parts and what is sealed in them altered apart: every fold survives them or says why not.
#[test]
fn an_account_is_folded_of_any_events_or_refused() {
    let [users, ..] = services();
    let (accounts, contacts) = (genuine::accounts(), genuine::records("sealed"));
    let runtime = runtime();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
    check!().with_iterations(5_000).with_max_len(256).for_each(tried(|input| {
        let [events @ .., account, contact] = parts::<4>(input);
        let inside = |bytes: &[u8], genuine: &[Vec<u8>]| match bytes.split_first() {
            // What is not altered at all lets the fold come far.
            None => (1, genuine[0].clone()),
            Some((schema, changes)) => (u16::from(schema % 3), hostile(changes, genuine)),
        };
        let inside = [inside(account, &accounts), inside(contact, &contacts)];
        let events: Vec<Stored> =
            events.into_iter().filter(|part| !part.is_empty()).map(|part| users.event(part)).collect();
        if events.is_empty() {
            return;
        }
        let vault = GlassVault { inside: Some(inside) };
        within_bounds(|| {
            runtime.block_on(async {
                let store = store_of(events).await;
                folds(&service_users::users(store, Arc::new(vault), Arc::clone(&clock))).await;
            });
        });
    }));
}

/// Any events of `service`, nothing of them sealed: the fold survives them or says why not.
fn folded_or_refused<A: domain_kernel::Aggregate>(
    service: &Service,
    repository: impl Fn(Arc<dyn EventStore>, Arc<dyn Clock>) -> Repository<A>,
) {
    let runtime = runtime();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
    check!().with_iterations(5_000).with_max_len(256).for_each(tried(|input| {
        let parts = parts::<4>(input).into_iter().filter(|part| !part.is_empty());
        let events: Vec<Stored> = parts.map(|part| service.event(part)).collect();
        if events.is_empty() {
            return;
        }
        within_bounds(|| {
            runtime.block_on(async {
                folds(&repository(store_of(events).await, Arc::clone(&clock))).await;
            });
        });
    }));
}

#[test]
fn an_erasure_is_folded_of_any_events_or_refused() {
    let [users, ..] = services();
    folded_or_refused(&users, service_users::erasures);
}

#[test]
fn a_saga_is_folded_of_any_events_or_refused() {
    let [.., sagas] = services();
    folded_or_refused(&sagas, service_saga_log::sagas);
}

/// What the targets begin with is what the codecs take: otherwise they would prove little.
#[test]
fn what_is_genuine_is_read() {
    let runtime = runtime();
    for (at, service) in services().iter().enumerate() {
        let published = service.genuine.iter().filter(|stored| {
            let event = recorded((*stored).clone());
            let mut topics = domain_kernel::message::topics::ALL.into_iter();
            topics.any(|topic| matches!(service.publisher.message(topic, &event), Ok(Some(_))))
        });
        assert!(published.count() > 0, "nothing of service {at} is published");
        for (type_id, schema, bytes) in &service.genuine {
            service.catalogue.show(*type_id, *schema, bytes).unwrap();
        }
    }
    let [users, results, _, sagas] = services();
    let codec = ResultsCodec::new(Arc::new(GlassVault { inside: None }));
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
    runtime.block_on(async {
        for stored in results.genuine {
            let event = recorded(stored);
            let clinical = EventCodec::<ClinicalResultEvent>::decode(&codec, &event).await.is_ok();
            let access = EventCodec::<ResultAccessEvent>::decode(&codec, &event).await.is_ok();
            let notified = EventCodec::<ResultNotificationEvent>::decode(&codec, &event).await.is_ok();
            assert!(clinical || access || notified, "{event:?}");
        }
        for stored in sagas.genuine {
            assert!(folds(&service_saga_log::sagas(store_of(vec![stored]).await, Arc::clone(&clock))).await);
        }
        for stored in users.genuine {
            let contact = genuine::records("sealed").swap_remove(0);
            // An erasure's events are of another aggregate, and nothing in them is sealed.
            let erasure = service_users::erasures(store_of(vec![stored.clone()]).await, Arc::clone(&clock));
            let mut read = folds(&erasure).await;
            for account in genuine::accounts() {
                let vault = GlassVault { inside: Some([(1, account), (1, contact.clone())]) };
                let store = store_of(vec![stored.clone()]).await;
                read |= folds(&service_users::users(store, Arc::new(vault), Arc::clone(&clock))).await;
            }
            assert!(read, "{stored:?}");
        }
    });
}
