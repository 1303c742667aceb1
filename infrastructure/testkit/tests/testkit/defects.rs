//! A suite that never fails proves nothing: each of these implementations has one defect, and the suite names the rule.
use domain_kernel::ports::{
    Append, AppendOutcome, BusError, ClaimKind, CommandRecord, Delivery, EventBus, EventStore, KeyVault, MessageSource,
    Opened, Origin, Purpose, StoreError, Subscription, VaultError,
};
use domain_kernel::{
    BoxFuture, Checkpoint, CommandId, EventId, Hash, Head, RecordedEvent, StreamId, SubjectId, Topic, Version,
};
use infra_messaging::{EmbeddedBus, EmbeddedLogs};
use infra_testkit::conformance::{self, BusUnderTest, VaultsUnderTest};
use infra_testkit::memory::{MemoryCheckpoints, MemoryEventStore, MemoryVault};
use std::sync::Arc;
use uuid::Uuid;

#[derive(Clone, Copy, PartialEq)]
enum StoreDefect {
    AppendsAnywhere,
    ForgetsCommands,
    GrantsEveryClaim,
    KeepsReleasedClaims,
    TurnsPagesRound,
    ReadsOnePage,
    RepeatsNumbers,
}

/// A good store behind a bad port.
struct DefectiveStore(MemoryEventStore, StoreDefect);

impl EventStore for DefectiveStore {
    fn append(&self, mut append: Append) -> BoxFuture<'_, Result<AppendOutcome, StoreError>> {
        Box::pin(async move {
            match self.1 {
                StoreDefect::AppendsAnywhere => append.expected = self.0.head(append.stream).await?,
                StoreDefect::ForgetsCommands => {
                    append.commands.iter_mut().for_each(|command| command.command_id = CommandId(Uuid::new_v4()));
                }
                StoreDefect::GrantsEveryClaim => append.commands.iter_mut().for_each(|command| command.claims.clear()),
                StoreDefect::KeepsReleasedClaims => {
                    append.commands.iter_mut().for_each(|command| command.releases.clear());
                }
                _ => {}
            }
            self.0.append(append).await
        })
    }

    fn read_stream(
        &self,
        stream: StreamId,
        after: Version,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, StoreError>> {
        let after = if self.1 == StoreDefect::ReadsOnePage { Version::NONE } else { after };
        self.0.read_stream(stream, after, limit)
    }

    fn head(&self, stream: StreamId) -> BoxFuture<'_, Result<Head, StoreError>> {
        self.0.head(stream)
    }

    fn read_all(&self, after: Checkpoint, limit: usize) -> BoxFuture<'_, Result<Vec<RecordedEvent>, StoreError>> {
        Box::pin(async move {
            let mut events = self.0.read_all(after, limit).await?;
            if self.1 == StoreDefect::TurnsPagesRound && events.len() == limit {
                let last = events.len() - 1;
                events[..last].reverse();
            }
            Ok(events)
        })
    }

    fn find_command(&self, command: CommandId) -> BoxFuture<'_, Result<Option<CommandRecord>, StoreError>> {
        self.0.find_command(command)
    }

    fn find_claim(&self, kind: ClaimKind, key: Hash) -> BoxFuture<'_, Result<Option<StreamId>, StoreError>> {
        self.0.find_claim(kind, key)
    }

    fn next_number(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let number = self.0.next_number().await?;
            Ok(if self.1 == StoreDefect::RepeatsNumbers { number.min(7) } else { number })
        })
    }

    fn appended(&self) -> BoxFuture<'_, ()> {
        self.0.appended()
    }
}

async fn store_suite(defect: StoreDefect) {
    conformance::event_store(async || {
        let store: Arc<dyn EventStore> = Arc::new(DefectiveStore(MemoryEventStore::new(), defect));
        (store, ())
    })
    .await;
}

#[tokio::test]
#[should_panic(expected = "a stale append has no effect")]
async fn a_store_that_appends_anywhere_is_found() {
    store_suite(StoreDefect::AppendsAnywhere).await;
}

#[tokio::test]
#[should_panic(expected = "it is done")]
async fn a_store_that_forgets_commands_is_found() {
    store_suite(StoreDefect::ForgetsCommands).await;
}

#[tokio::test]
#[should_panic(expected = "a claim is found by its key")]
async fn a_store_that_grants_every_claim_is_found() {
    store_suite(StoreDefect::GrantsEveryClaim).await;
}

#[tokio::test]
#[should_panic(expected = "a released claim has no holder")]
async fn a_store_that_keeps_released_claims_is_found() {
    store_suite(StoreDefect::KeepsReleasedClaims).await;
}

#[tokio::test]
#[should_panic(expected = "the global order rises")]
async fn a_store_that_shows_events_out_of_order_is_found() {
    store_suite(StoreDefect::TurnsPagesRound).await;
}

#[tokio::test]
#[should_panic(expected = "no event is appended")]
async fn a_store_that_reads_the_first_page_again_is_found() {
    store_suite(StoreDefect::ReadsOnePage).await;
}

#[tokio::test]
#[should_panic(expected = "a number is never given out twice")]
async fn a_store_that_repeats_numbers_is_found() {
    store_suite(StoreDefect::RepeatsNumbers).await;
}

#[derive(Clone, Copy, PartialEq)]
enum VaultDefect {
    IgnoresOrigins,
    SharesOneKey,
    SealsAfterErasure,
    EntitlesEverybody,
}

/// A good vault behind a bad port.
struct DefectiveVault(MemoryVault, VaultDefect);

impl DefectiveVault {
    fn origin(&self, origin: &Origin) -> Origin {
        let nowhere = (EventId(Uuid::nil()), StreamId(Uuid::nil()), Version::NONE, String::new());
        match self.1 {
            VaultDefect::IgnoresOrigins => {
                let (event_id, stream, version, event_type) = nowhere;
                Origin { event_id, stream, version, event_type }
            }
            _ => origin.clone(),
        }
    }
}

impl KeyVault for DefectiveVault {
    fn seal<'a>(
        &'a self,
        subject: SubjectId,
        purpose: Purpose,
        origin: &'a Origin,
        schema: u16,
        plain: &'a [u8],
    ) -> BoxFuture<'a, Result<Vec<u8>, VaultError>> {
        Box::pin(async move {
            let shared = SubjectId(Uuid::nil());
            let of = if self.1 == VaultDefect::SharesOneKey { shared } else { subject };
            let sealed = self.0.seal(of, purpose, &self.origin(origin), schema, plain).await;
            match (self.1, sealed) {
                (VaultDefect::SealsAfterErasure, Err(VaultError::Erased { .. })) => {
                    self.0.seal(SubjectId(Uuid::now_v7()), purpose, &self.origin(origin), schema, plain).await
                }
                (_, sealed) => sealed,
            }
        })
    }

    fn open<'a>(
        &'a self,
        purpose: Purpose,
        origin: &'a Origin,
        sealed: &'a [u8],
    ) -> BoxFuture<'a, Result<Opened, VaultError>> {
        Box::pin(async move { self.0.open(purpose, &self.origin(origin), sealed).await })
    }

    fn shred(&self, subject: SubjectId, purpose: Purpose) -> BoxFuture<'_, Result<u64, VaultError>> {
        self.0.shred(subject, purpose)
    }
}

async fn vault_suite(defect: VaultDefect) {
    conformance::key_vault(async || {
        let vault = MemoryVault::new();
        let may = if defect == VaultDefect::EntitlesEverybody { &Purpose::ALL[..] } else { &[Purpose::Contact] };
        let contact_only = Arc::new(DefectiveVault(vault.restricted_to(may), defect));
        (VaultsUnderTest { all: Arc::new(DefectiveVault(vault, defect)), contact_only }, ())
    })
    .await;
}

#[tokio::test]
#[should_panic(expected = "does not open at")]
async fn a_vault_that_ignores_origins_is_found() {
    vault_suite(VaultDefect::IgnoresOrigins).await;
}

#[tokio::test]
#[should_panic(expected = "no other subject and no other purpose has the same key")]
async fn a_vault_with_one_key_for_all_is_found() {
    vault_suite(VaultDefect::SharesOneKey).await;
}

#[tokio::test]
#[should_panic(expected = "nothing new is sealed")]
async fn a_vault_that_seals_after_an_erasure_is_found() {
    vault_suite(VaultDefect::SealsAfterErasure).await;
}

#[tokio::test]
#[should_panic(expected = "who has no key of a purpose opens nothing")]
async fn a_vault_that_entitles_everybody_is_found() {
    vault_suite(VaultDefect::EntitlesEverybody).await;
}

#[derive(Clone, Copy, PartialEq)]
enum BusDefect {
    AcknowledgesAtOnce,
    ForgetsPlaces,
    TakesEveryTopic,
}

struct DefectiveBus(EmbeddedBus, BusDefect);

impl EventBus for DefectiveBus {
    fn offer(&self, topic: Topic, source: Arc<dyn MessageSource>) -> BoxFuture<'_, Result<(), BusError>> {
        Box::pin(async move {
            let offered = self.0.offer(topic, source).await;
            if self.1 == BusDefect::TakesEveryTopic { Ok(()) } else { offered }
        })
    }

    fn subscribe(
        &self,
        topic: Topic,
        consumer: &'static str,
    ) -> BoxFuture<'_, Result<Box<dyn Subscription>, BusError>> {
        Box::pin(async move {
            let inner = self.0.subscribe(topic, consumer).await?;
            Ok(Box::new(DefectiveSubscription(inner, self.1)) as Box<dyn Subscription>)
        })
    }
}

struct DefectiveSubscription(Box<dyn Subscription>, BusDefect);

impl Subscription for DefectiveSubscription {
    fn receive(&mut self) -> BoxFuture<'_, Result<Delivery, BusError>> {
        Box::pin(async move {
            let delivery = self.0.receive().await?;
            if self.1 == BusDefect::AcknowledgesAtOnce {
                self.0.acknowledge(&delivery).await?;
            }
            Ok(delivery)
        })
    }

    fn acknowledge(&mut self, delivery: &Delivery) -> BoxFuture<'_, Result<(), BusError>> {
        self.0.acknowledge(delivery)
    }
}

async fn bus_suite(defect: BusDefect) {
    conformance::event_bus(async || {
        let checkpoints = Arc::new(MemoryCheckpoints::new());
        let bus = EmbeddedBus::new(EmbeddedLogs::new(), checkpoints.clone());
        let restart = move || -> BoxFuture<'static, Arc<dyn EventBus>> {
            let fresh = Arc::new(MemoryCheckpoints::new());
            let checkpoints = if defect == BusDefect::ForgetsPlaces { fresh } else { checkpoints.clone() };
            let bus = EmbeddedBus::new(EmbeddedLogs::new(), checkpoints);
            Box::pin(async move { Arc::new(DefectiveBus(bus, defect)) as Arc<dyn EventBus> })
        };
        (BusUnderTest { bus: Arc::new(DefectiveBus(bus, defect)), restart: Box::new(restart) }, ())
    })
    .await;
}

#[tokio::test]
#[should_panic(expected = "what was not acknowledged comes again")]
async fn a_bus_that_acknowledges_by_itself_is_found() {
    bus_suite(BusDefect::AcknowledgesAtOnce).await;
}

#[tokio::test]
#[should_panic(expected = "near where it was, not at the beginning")]
async fn a_bus_that_forgets_places_is_found() {
    bus_suite(BusDefect::ForgetsPlaces).await;
}

#[tokio::test]
#[should_panic(expected = "a topic without a contract is refused")]
async fn a_bus_that_takes_every_topic_is_found() {
    bus_suite(BusDefect::TakesEveryTopic).await;
}
