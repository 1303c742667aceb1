//! Nothing sealed is shown before it is recorded, and what was forgotten is shown to nobody.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
use domain_kernel::ports::{
    Append, AppendCommand, AppendOutcome, Clock, EventStore, KeyVault, Opened, Origin, Purpose, StoreError, VaultError,
};
use domain_kernel::{
    Actor, BoxFuture, CommandId, CorrelationId, EventId, EventMetadata, EventTypeId, NewEvent, RecordedEvent, Role,
    StreamId, SubjectId, Timestamp, UserId, Version,
};
use infra_contracts::contact::{self, ContactRecord};
use infra_contracts::stored::{SealedBytes, StoredEventType, StoredEvents};
use infra_disclosure::{Confidential, Copied, Disclosures, Failure, Part, PayloadRevealed, Reader, Revealed, Wish};
use infra_event_store::codec::CodecError;
use infra_event_store::inspection::Sight;
use infra_testkit::interception::{Intercepted, Intercepts};
use infra_testkit::memory::{ManualClock, MemoryEventStore, MemoryVault};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::Uuid;

const NOTED: EventTypeId = EventTypeId(1);
const CATEGORY: &str = "note";

static EVENTS: &[StoredEventType] = &[StoredEventType {
    type_id: NOTED.0,
    name: "notes.noted",
    category: CATEGORY,
    schemas: &[r#"{"type":"record","name":"Noted","fields":[{"name":"number","type":"long"},
        {"name":"sealed_account","type":["null","bytes"],"default":null},
        {"name":"contact","type":["null","bytes"],"default":null}]}"#],
    sealed: &[(
        Purpose::Account,
        &[r#"{"type":"record","name":"Inside","fields":[{"name":"text","type":"string"},
            {"name":"secret","type":"string"}]}"#],
    )],
}];

#[derive(Serialize, Deserialize)]
struct Noted {
    number: i64,
    sealed_account: Option<SealedBytes>,
    contact: Option<SealedBytes>,
}

#[derive(Serialize)]
struct Inside {
    text: &'static str,
    secret: &'static str,
}

/// How often something was opened, and whether it was before it was recorded.
struct WatchedVault {
    inner: MemoryVault,
    store: Arc<MemoryEventStore>,
    opened: AtomicUsize,
    opened_unrecorded: AtomicUsize,
}

impl KeyVault for WatchedVault {
    fn seal<'a>(
        &'a self,
        subject: SubjectId,
        purpose: Purpose,
        origin: &'a Origin,
        schema: u16,
        plain: &'a [u8],
    ) -> BoxFuture<'a, Result<Vec<u8>, VaultError>> {
        self.inner.seal(subject, purpose, origin, schema, plain)
    }

    fn open<'a>(
        &'a self,
        purpose: Purpose,
        origin: &'a Origin,
        sealed: &'a [u8],
    ) -> BoxFuture<'a, Result<Opened, VaultError>> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        if !self.store.events().iter().any(|event| event.type_id == infra_disclosure::REVEALED) {
            self.opened_unrecorded.fetch_add(1, Ordering::SeqCst);
        }
        self.inner.open(purpose, origin, sealed)
    }

    fn shred(&self, subject: SubjectId, purpose: Purpose) -> BoxFuture<'_, Result<u64, VaultError>> {
        self.inner.shred(subject, purpose)
    }
}

/// The state of a note is its number, and whether it may be seen.
fn states(
    _: Arc<dyn KeyVault>,
    category: &'static str,
    events: Vec<RecordedEvent>,
    sight: Sight,
) -> BoxFuture<'static, Result<Option<Vec<Value>>, CodecError>> {
    let state = |event: RecordedEvent| json!({"version": event.version.0, "opened": sight == Sight::Opened});
    let states = (category == CATEGORY).then(|| events.into_iter().map(state).collect());
    Box::pin(async move { Ok(states) })
}

/// The contact was sealed by somebody else, in an event of theirs.
fn elsewhere() -> Origin {
    Origin {
        event_id: EventId(Uuid::from_u128(77)),
        stream: subject().0.into(),
        version: Version(1),
        event_type: "users.user_created".to_owned(),
    }
}

fn copied(event: &RecordedEvent) -> Result<Vec<Copied>, CodecError> {
    if event.type_id != NOTED {
        return Ok(Vec::new());
    }
    let catalogue = StoredEvents::new(EVENTS).unwrap();
    let note: Noted = catalogue.decode(NOTED, event.schema_version, &event.payload).unwrap();
    Ok(note.contact.map(|sealed| Copied { pointer: "/contact", origin: elsewhere(), sealed }).into_iter().collect())
}

fn subject() -> SubjectId {
    SubjectId(Uuid::from_u128(5))
}

const CONFIDENTIAL: Confidential =
    Confidential { service: "notes", events: &[EVENTS], states, copied, withheld: &["secret"] };

fn disclosures(store: Arc<dyn EventStore>, vault: &Arc<WatchedVault>, clock: &Arc<ManualClock>) -> Disclosures {
    let (vault, clock) = (Arc::<WatchedVault>::clone(vault), Arc::<ManualClock>::clone(clock));
    Disclosures::new(store, vault, clock, CONFIDENTIAL).unwrap()
}

struct Desk {
    store: Arc<MemoryEventStore>,
    vault: Arc<WatchedVault>,
    clock: Arc<ManualClock>,
    disclosures: Disclosures,
}

impl Desk {
    fn new() -> Self {
        let store = Arc::new(MemoryEventStore::new());
        let vault = Arc::new(WatchedVault {
            inner: MemoryVault::new(),
            store: Arc::clone(&store),
            opened: AtomicUsize::new(0),
            opened_unrecorded: AtomicUsize::new(0),
        });
        let clock = Arc::new(ManualClock::new());
        let disclosures = disclosures(Arc::<MemoryEventStore>::clone(&store), &vault, &clock);
        Self { store, vault, clock, disclosures }
    }

    /// The same on another store.
    fn on(&self, store: Changed) -> Disclosures {
        disclosures(Arc::new(Intercepted(store)), &self.vault, &self.clock)
    }

    /// A stream of so many notes.
    async fn notes(&self, count: u32) -> StreamId {
        let stream = StreamId(self.clock.unique_id());
        for number in 1..=count {
            self.note(stream, number, None).await;
        }
        stream
    }

    async fn note(&self, stream: StreamId, number: u32, contact: Option<SealedBytes>) {
        let catalogue = StoredEvents::new(EVENTS).unwrap();
        let metadata = EventMetadata {
            event_id: EventId(self.clock.unique_id()),
            correlation_id: CorrelationId(Uuid::from_u128(9)),
            causation_id: None,
            actor: None,
            occurred_at: Timestamp(i64::from(number)),
        };
        let origin = Origin {
            event_id: metadata.event_id,
            stream,
            version: Version(number),
            event_type: "notes.noted".to_owned(),
        };
        let inside = Inside { text: "Ana Soto", secret: "hash" };
        let (schema, plain) = catalogue.encode_sealed(NOTED, Purpose::Account, &inside).unwrap();
        let sealed = self.vault.seal(subject(), Purpose::Account, &origin, schema, &plain).await.unwrap();
        let record = Noted { number: number.into(), sealed_account: Some(SealedBytes(sealed)), contact };
        let (schema_version, payload) = catalogue.encode(NOTED, &record).unwrap();
        let command = AppendCommand {
            command_id: CommandId(self.clock.unique_id()),
            digest: None,
            correlation_id: metadata.correlation_id,
            claims: Vec::new(),
            releases: Vec::new(),
            events: vec![NewEvent { type_id: NOTED, schema_version, metadata, payload }],
        };
        let expected = self.store.head(stream).await.unwrap();
        let appended = self.store.append(Append { stream, expected, commands: vec![command] }).await.unwrap();
        assert!(matches!(appended, AppendOutcome::Appended(_)), "{appended:?}");
    }

    async fn reveal(&self, stream: StreamId, part: Part) -> Result<Value, Failure> {
        self.reveal_until(stream, part, None).await
    }

    async fn reveal_until(&self, stream: StreamId, part: Part, until: Option<Timestamp>) -> Result<Value, Failure> {
        let wish = Wish { stream, part, until, reason: "complaint 2026-117".to_owned() };
        let revealed: Revealed = self.disclosures.reveal(&wish, reader()).await?;
        Ok(serde_json::to_value(&revealed).unwrap())
    }

    fn records(&self) -> Vec<PayloadRevealed> {
        self.store.events().iter().filter_map(|event| infra_disclosure::read(event).unwrap()).collect()
    }

    fn opened(&self) -> usize {
        self.vault.opened.load(Ordering::SeqCst)
    }
}

fn reader() -> Reader {
    let actor = Actor { user: UserId(Uuid::from_u128(4)), role: Role::Administrator };
    Reader { actor, correlation_id: CorrelationId(Uuid::from_u128(8)) }
}

const ALL: Part = Part::Events { from: Version(1), to: None };

#[tokio::test]
async fn it_is_recorded_who_sees_what_and_why_before_anything_is_opened() {
    let desk = Desk::new();
    let stream = desk.notes(3).await;
    let part = Part::Events { from: Version(2), to: Some(Version(9)) };
    let shown = desk.reveal(stream, part).await.unwrap();
    assert_eq!(desk.vault.opened_unrecorded.load(Ordering::SeqCst), 0);
    assert_eq!(desk.opened(), 2);
    let events = shown["events"].as_array().unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["data"]["sealed_account"]["text"], "Ana Soto");
    assert_eq!((&shown["version"], &shown["category"]), (&json!(3), &json!("note")));

    let expected = PayloadRevealed {
        stream_id: stream.0,
        category: "note".to_owned(),
        from_version: 2,
        to_version: 3,
        shown: "events".to_owned(),
        reader: reader().actor.user.0,
        role: 4,
        reason: "complaint 2026-117".to_owned(),
    };
    assert_eq!(desk.records(), [expected]);
    let record = desk.store.last().unwrap();
    assert_eq!(record.stream, infra_disclosure::disclosure_stream(stream));
    assert_eq!(shown["record"], json!(record.metadata.event_id.0));
    assert_eq!(record.metadata.actor, Some(reader().actor));
    let bytes = String::from_utf8_lossy(&record.payload).into_owned();
    assert!(!bytes.contains("Ana Soto"), "nothing of what is shown is in the record");
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_opened() {
    let desk = Desk::new();
    let stream = desk.notes(1).await;
    let events = desk.store.read_stream(stream, Version::NONE, 10).await.unwrap();
    let disclosures = desk.on(Changed { store: Arc::clone(&desk.store), takes_records: false, events });
    for part in [ALL, Part::State { at: None }] {
        let wish = Wish { stream, part, until: None, reason: "why".to_owned() };
        let failure = disclosures.reveal(&wish, reader()).await.err();
        assert!(matches!(failure, Some(Failure::Unrecorded(StoreError::Unavailable { .. }))), "{failure:?}");
    }
    assert_eq!(desk.opened(), 0);
}

#[tokio::test]
async fn what_was_forgotten_stays_forgotten_and_what_was_moved_does_not_open() {
    let desk = Desk::new();
    let stream = desk.notes(1).await;
    desk.vault.shred(subject(), Purpose::Account).await.unwrap();
    let shown = desk.reveal(stream, ALL).await.unwrap();
    assert_eq!(shown["events"][0]["data"], json!({"number": 1, "sealed_account": "[erased]", "contact": null}));

    let desk = Desk::new();
    let stream = desk.notes(1).await;
    let mut event = desk.store.read_stream(stream, Version::NONE, 1).await.unwrap().remove(0);
    event.stream = StreamId(Uuid::from_u128(6));
    let (moved_to, store) = (event.stream, Arc::clone(&desk.store));
    let disclosures = desk.on(Changed { store, takes_records: true, events: vec![event] });
    let wish = Wish { stream: moved_to, part: ALL, until: None, reason: "why".to_owned() };
    let shown = serde_json::to_value(disclosures.reveal(&wish, reader()).await.ok().unwrap()).unwrap();
    assert_eq!(shown["events"][0]["data"]["sealed_account"], "[not authentic]");
}

#[tokio::test]
async fn a_password_hash_is_shown_to_nobody() {
    let desk = Desk::new();
    let stream = desk.notes(1).await;
    let shown = desk.reveal(stream, ALL).await.unwrap();
    assert_eq!(shown["events"][0]["data"]["sealed_account"], json!({"text": "Ana Soto", "secret": "[withheld]"}));
}

#[tokio::test]
async fn a_contact_of_another_event_opens_where_it_was_sealed() {
    let desk = Desk::new();
    let contact = ContactRecord { email: Some("ana@example.org".to_owned()), display_name: None };
    let plain = contact::encode(&contact).unwrap();
    let sealed = desk.vault.seal(subject(), Purpose::Contact, &elsewhere(), contact::current(), &plain).await.unwrap();
    let stream = StreamId(desk.clock.unique_id());
    desk.note(stream, 1, Some(SealedBytes(sealed))).await;
    let shown = desk.reveal(stream, ALL).await.unwrap();
    assert_eq!(shown["events"][0]["data"]["contact"], json!({"email": "ana@example.org", "display_name": null}));
    desk.vault.shred(subject(), Purpose::Contact).await.unwrap();
    let shown = desk.reveal(stream, ALL).await.unwrap();
    assert_eq!(shown["events"][0]["data"]["contact"], "[erased]");
    assert_eq!(shown["events"][0]["data"]["sealed_account"]["text"], "Ana Soto", "another purpose is another key");
}

#[tokio::test]
async fn a_state_is_that_of_a_version_or_of_a_moment() {
    let desk = Desk::new();
    let stream = desk.notes(3).await;
    let now = desk.reveal(stream, Part::State { at: None }).await.unwrap();
    assert_eq!(now["state"], json!({"version": 3, "opened": true}));
    assert_eq!(now.get("events"), None);
    let second = desk.reveal(stream, Part::State { at: Some(Version(2)) }).await.unwrap();
    assert_eq!((&second["state"]["version"], &second["version"]), (&json!(2), &json!(2)));
    let first = desk.reveal_until(stream, Part::State { at: None }, Some(Timestamp(1))).await.unwrap();
    assert_eq!(first["state"]["version"], 1);
    let records = desk.records();
    let ranges: Vec<_> =
        records.iter().map(|record| (record.shown.as_str(), record.from_version, record.to_version)).collect();
    assert_eq!(ranges, [("state", 1, 3), ("state", 1, 2), ("state", 1, 1)]);
}

#[tokio::test]
async fn what_is_not_there_is_not_recorded() {
    let desk = Desk::new();
    let stream = desk.notes(2).await;
    let nothing = StreamId(Uuid::from_u128(3));
    for (stream, part, until) in [
        (nothing, ALL, None),
        (nothing, Part::State { at: None }, None),
        (stream, Part::Events { from: Version(3), to: None }, None),
        (stream, Part::State { at: Some(Version(3)) }, None),
        (stream, ALL, Some(Timestamp(0))),
    ] {
        assert_eq!(desk.reveal_until(stream, part, until).await, Err(Failure::NoSuchStream), "{part:?}");
    }
    let too_many = Part::Events { from: Version(1), to: Some(Version(1_001)) };
    assert_eq!(desk.reveal(stream, too_many).await, Err(Failure::TooMany { limit: 1_000 }));
    // The records themselves have no state, and nothing sealed.
    desk.reveal(stream, ALL).await.unwrap();
    let records = infra_disclosure::disclosure_stream(stream);
    let refused = desk.reveal(records, Part::State { at: None }).await;
    assert_eq!(refused, Err(Failure::NoState { category: "disclosure" }));
    assert_eq!(desk.records().len(), 1);
}

#[tokio::test]
async fn everybody_who_is_shown_the_same_stream_at_once_is_recorded() {
    let desk = Arc::new(Desk::new());
    let stream = desk.notes(1).await;
    let asking: Vec<_> = (0..8)
        .map(|_| {
            let desk = Arc::clone(&desk);
            tokio::spawn(async move { desk.reveal(stream, ALL).await.is_ok() })
        })
        .collect();
    for asked in asking {
        assert!(asked.await.unwrap());
    }
    assert_eq!(desk.records().len(), 8);
}

/// A store whose one stream holds these events, and which takes records or nothing at all.
struct Changed {
    store: Arc<MemoryEventStore>,
    takes_records: bool,
    events: Vec<RecordedEvent>,
}

impl Intercepts for Changed {
    fn store(&self) -> &dyn EventStore {
        &*self.store
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<AppendOutcome, StoreError>> {
        if self.takes_records {
            return self.store.append(append);
        }
        Box::pin(async { Err(StoreError::Unavailable { reason: "it takes nothing".to_owned() }) })
    }

    fn read_stream(
        &self,
        _: StreamId,
        after: Version,
        _: usize,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, StoreError>> {
        let events = self.events.iter().filter(move |event| event.version > after).cloned().collect();
        Box::pin(async move { Ok(events) })
    }
}
