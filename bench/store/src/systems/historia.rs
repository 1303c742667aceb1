//! Ours: the store, a repository on it, and the vault; everything but the patient sealed, the hash chain on.
//!
//! The catalogue and the codec are those of any service: a clear Avro record with one sealed Avro record in it.
use super::{POOL, System};
use crate::protocol::Reply;
use crate::vital::{Chart, PATIENTS, PORTION, STREAMS, Vital, patient, seeded_in, stream};
use domain_kernel::ports::{
    Append, AppendCommand, AppendOutcome, Clock, EventStore, KeyVault, Opened, Origin, Purpose,
};
use domain_kernel::{
    Actor, Aggregate, BoxFuture, Checkpoint, CommandId, CorrelationId, DomainEvent, EventId, EventMetadata,
    EventTypeId, Head, NewEvent, RecordedEvent, Role, StreamId, SubjectId, UserId, Version,
};
use infra_contracts::SealedBytes;
use infra_contracts::stored::{StoredEventType, StoredEvents};
use infra_event_store::PgEventStore;
use infra_event_store::codec::{CodecError, EncodedEvent, EventCodec, EventSlot};
use infra_event_store::projection::{self, Projection, ProjectionError};
use infra_event_store::repository::{CommandContext, CommandError, Repository};
use infra_runtime::SystemClock;
use infra_runtime::database::pool;
use infra_vault::{MasterKey, MasterKeys, PgVault};
use platform::Failure;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::postgres::PgConnectOptions;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use uuid::Uuid;

const VITAL_TAKEN: EventTypeId = EventTypeId(1);
const NAME: &str = "bench.vital_taken";

static EVENTS: &[StoredEventType] = &[StoredEventType {
    type_id: 1,
    name: NAME,
    category: Charted::NAME,
    schemas: &[include_str!("../../schemas/vital_taken.v1.avsc")],
    sealed: &[(Purpose::Clinical, &[include_str!("../../schemas/vital.v1.avsc")])],
}];

/// Events that one read of the log takes.
const PAGE: usize = 500;
/// States that are remembered where that is asked for.
const REMEMBERED: usize = 4_096;
/// Seeded streams that are written side by side.
const SIDE_BY_SIDE: u64 = 256;

#[derive(Clone, Debug, PartialEq)]
struct Taken(Vital);

impl DomainEvent for Taken {
    fn event_type(&self) -> &'static str {
        NAME
    }
}

struct Charted;

impl Aggregate for Charted {
    const NAME: &'static str = "chart";
    type State = Chart;
    type Command = Vec<Vital>;
    type Event = Taken;
    type Error = Infallible;

    fn decide(_: &Chart, command: Vec<Vital>) -> Result<Vec<Taken>, Infallible> {
        Ok(command.into_iter().map(Taken).collect())
    }

    fn evolve(state: Chart, event: &Taken) -> Chart {
        state.with(event.0.value)
    }
}

// A record's name is its schema's.
#[derive(Serialize, Deserialize)]
#[serde(rename = "VitalTaken")]
struct ClearRecord {
    patient: Uuid,
    sealed_clinical: Option<SealedBytes>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "Vital")]
struct SealedRecord {
    code: String,
    value: i64,
    unit: String,
    status: String,
    device: String,
    taken_at: i64,
    note: String,
}

struct VitalCodec {
    vault: Arc<dyn KeyVault>,
    catalogue: StoredEvents,
}

impl VitalCodec {
    fn origin(slot: &EventSlot) -> Origin {
        slot.origin(NAME)
    }

    async fn seal(&self, vital: &Vital, slot: &EventSlot) -> Result<EncodedEvent, CodecError> {
        let record = SealedRecord {
            code: vital.code.clone(),
            value: vital.value,
            unit: vital.unit.clone(),
            status: vital.status.clone(),
            device: vital.device.clone(),
            taken_at: vital.taken_at,
            note: vital.note.clone(),
        };
        let (schema, plain) =
            self.catalogue.encode_sealed(VITAL_TAKEN, Purpose::Clinical, &record).map_err(malformed)?;
        let subject = SubjectId::from(UserId(vital.patient));
        let sealed = self.vault.seal(subject, Purpose::Clinical, &Self::origin(slot), schema, &plain).await?;
        let clear = ClearRecord { patient: vital.patient, sealed_clinical: Some(SealedBytes(sealed)) };
        let (schema_version, payload) = self.catalogue.encode(VITAL_TAKEN, &clear).map_err(malformed)?;
        Ok(EncodedEvent { type_id: VITAL_TAKEN, schema_version, payload })
    }

    async fn open(&self, event: &RecordedEvent) -> Result<Taken, CodecError> {
        let clear: ClearRecord =
            self.catalogue.decode(event.type_id, event.schema_version, &event.payload).map_err(malformed)?;
        let sealed = clear.sealed_clinical.ok_or_else(|| malformed("nothing is sealed"))?;
        let origin = Self::origin(&EventSlot::from(event));
        let Opened::Known { schema, plain } = self.vault.open(Purpose::Clinical, &origin, &sealed.0).await? else {
            return Err(malformed("the key is gone"));
        };
        let record: SealedRecord =
            self.catalogue.decode_sealed(event.type_id, Purpose::Clinical, schema, &plain).map_err(malformed)?;
        Ok(Taken(Vital {
            patient: clear.patient,
            code: record.code,
            value: record.value,
            unit: record.unit,
            status: record.status,
            device: record.device,
            taken_at: record.taken_at,
            note: record.note,
        }))
    }
}

impl EventCodec<Taken> for VitalCodec {
    fn encode<'a>(&'a self, event: &'a Taken, slot: &'a EventSlot) -> BoxFuture<'a, Result<EncodedEvent, CodecError>> {
        Box::pin(self.seal(&event.0, slot))
    }

    fn decode<'a>(&'a self, event: &'a RecordedEvent) -> BoxFuture<'a, Result<Taken, CodecError>> {
        Box::pin(self.open(event))
    }
}

fn malformed(reason: impl ToString) -> CodecError {
    CodecError::Malformed { event: None, reason: reason.to_string() }
}

/// The store on its migrated database, with a vault on another one.
pub struct Historia {
    pub(super) options: PgConnectOptions,
    pub(super) store: Arc<PgEventStore>,
    codec: Arc<VitalCodec>,
    repository: Repository<Charted>,
    /// One that remembers the states it has loaded, as a service asks it to.
    remembering: Repository<Charted>,
}

impl Historia {
    /// Opens it, in the migrated databases of `options` and `keys`.
    pub async fn open(options: PgConnectOptions, keys: PgConnectOptions) -> Result<Self, Failure> {
        let masters = MasterKeys::default().with(Purpose::Clinical, MasterKey::from_bytes([7; 32]));
        let vault: Arc<dyn KeyVault> = Arc::new(PgVault::open(pool(keys, POOL).await?, masters).await?);
        let store = PgEventStore::open(options.clone(), pool(options.clone(), POOL).await?).await?;
        let codec = Arc::new(VitalCodec { vault, catalogue: StoredEvents::new(EVENTS)? });
        let repository =
            Repository::new(Arc::clone(&store) as Arc<dyn EventStore>, codec.clone(), Arc::new(SystemClock));
        let remembering = repository.clone().remembering(REMEMBERED);
        let opened = Self { options, store, codec, repository, remembering };
        opened.know_the_patients().await?;
        Ok(opened)
    }

    /// Makes the keys of all patients, or reads them: whoever was treated before has one, and it is in memory.
    async fn know_the_patients(&self) -> Result<(), Failure> {
        let slot = EventSlot { event_id: EventId(Uuid::nil()), stream: StreamId(Uuid::nil()), version: Version(1) };
        let slot = &slot;
        for number in 0..PATIENTS {
            let _sealed = self.codec.seal(&Vital { patient: patient(number), ..Vital::numbered(number) }, slot).await?;
        }
        Ok(())
    }

    /// What a client's command comes with.
    pub(super) fn context() -> CommandContext {
        CommandContext {
            command_id: CommandId(Uuid::now_v7()),
            digest: None,
            correlation_id: CorrelationId(Uuid::now_v7()),
            causation_id: None,
            actor: Some(Actor { user: UserId(patient(1)), role: Role::Laboratory }),
        }
    }

    /// Seeds the tables through the store itself, in portions of each stream in turn. Every seeded event is encoded,
    /// sealed and chained like any other.
    pub async fn seed(&self, streams: u64) -> Result<(), Failure> {
        let mut heads = vec![Head::default(); usize::try_from(streams)?];
        let mut portion = 0;
        loop {
            let with_more: Vec<u64> =
                (0..streams).filter(|number| portion * PORTION < seeded_in(*number).count() as u64).collect();
            if with_more.is_empty() {
                return Ok(());
            }
            for together in with_more.chunks(usize::try_from(SIDE_BY_SIDE)?) {
                let mut writing: JoinSet<Result<(u64, Head), Failure>> = JoinSet::new();
                for &number in together {
                    let (store, codec) = (Arc::clone(&self.store), Arc::clone(&self.codec));
                    let head = heads[usize::try_from(number)?];
                    writing.spawn(async move { Ok((number, seed(&store, &codec, number, portion, head).await?)) });
                }
                while let Some(written) = writing.join_next().await {
                    let (number, head) = written??;
                    heads[usize::try_from(number)?] = head;
                }
            }
            portion += 1;
        }
    }
}

/// Appends the `portion`th events of the `number`th stream.
async fn seed(
    store: &PgEventStore,
    codec: &VitalCodec,
    number: u64,
    portion: u64,
    head: Head,
) -> Result<Head, Failure> {
    let context = Historia::context();
    let mut events = Vec::new();
    let first = seeded_in(number).start + portion * PORTION;
    for (n, vital) in (1..).zip(first..first + PORTION) {
        let event_id = EventId(Uuid::now_v7());
        let slot = EventSlot { event_id, stream: StreamId(stream(number)), version: head.version.plus(n) };
        let EncodedEvent { type_id, schema_version, payload } = codec.seal(&Vital::numbered(vital), &slot).await?;
        let metadata = EventMetadata {
            event_id,
            correlation_id: context.correlation_id,
            causation_id: None,
            actor: context.actor,
            occurred_at: SystemClock.now(),
        };
        events.push(NewEvent { type_id, schema_version, metadata, payload });
    }
    let command = AppendCommand {
        command_id: context.command_id,
        digest: None,
        correlation_id: context.correlation_id,
        claims: vec![],
        releases: vec![],
        events,
    };
    match store.append(Append { stream: StreamId(stream(number)), expected: head, commands: vec![command] }).await? {
        AppendOutcome::Appended(head) => Ok(head),
        other => Err(format!("a seed was not stored: {other:?}").into()),
    }
}

impl System for Historia {
    async fn prepare(&self) -> Result<(), Failure> {
        self.seed(STREAMS).await
    }

    async fn append(&self, stream: Uuid, vitals: Vec<Vital>) -> Result<u64, Failure> {
        let executed = self.repository.begin(StreamId(stream), &Self::context(), vitals).await;
        executed.map(|_| 0).map_err(|error| error.to_string().into())
    }

    async fn contend(&self, stream: Uuid, vital: Vital) -> Result<u64, Failure> {
        let context = Self::context();
        for lost in 0.. {
            match self.repository.execute(StreamId(stream), None, &context, vec![vital.clone()]).await {
                Ok(_) => return Ok(lost),
                Err(CommandError::Contended) => {}
                Err(other) => return Err(other.to_string().into()),
            }
        }
        Err("never accepted".into())
    }

    async fn load(&self, stream: Uuid) -> Result<Chart, Failure> {
        Ok(self.repository.load(StreamId(stream)).await?.state)
    }

    async fn load_again(&self, stream: Uuid) -> Result<Chart, Failure> {
        Ok(self.remembering.load(StreamId(stream)).await?.state)
    }

    async fn replay(&self) -> Result<Chart, Failure> {
        let mut at = Checkpoint::default();
        let mut chart = Chart::default();
        loop {
            let events = self.store.read_all(at, PAGE).await?;
            let Some(last) = events.last() else { return Ok(chart) };
            at = last.checkpoint;
            for event in &events {
                chart = Charted::evolve(chart, &self.codec.open(event).await?);
            }
        }
    }

    async fn catch_up(&self, events: i64) -> Result<Chart, Failure> {
        sqlx::query("delete from projection_checkpoint where name = 'charts'").execute(self.store.pool()).await?;
        let charts = Arc::new(Charts {
            codec: Arc::clone(&self.codec),
            seen: Mutex::default(),
            wanted: events,
            reached: Notify::new(),
        });
        let stop = Arc::clone(&charts);
        let store = Arc::clone(&self.store) as Arc<dyn EventStore>;
        projection::run(charts.clone(), store, self.store.pool().clone(), async move { stop.reached.notified().await })
            .await?;
        Ok(charts.seen())
    }

    async fn tail(&self, events: u64) -> Result<Reply, Failure> {
        super::tail::run(self, events).await
    }
}

/// A projection that keeps its one row in memory; its checkpoint is stored batch by batch as always.
struct Charts {
    codec: Arc<VitalCodec>,
    seen: Mutex<Chart>,
    wanted: i64,
    reached: Notify,
}

impl Charts {
    fn seen(&self) -> Chart {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Projection for Charts {
    fn name(&self) -> &'static str {
        "charts"
    }

    fn version(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &[]
    }

    fn apply<'a>(
        &'a self,
        _connection: &'a mut PgConnection,
        events: &'a [RecordedEvent],
    ) -> BoxFuture<'a, Result<(), ProjectionError>> {
        Box::pin(async move {
            let mut chart = self.seen();
            for event in events {
                let taken = self.codec.open(event).await.map_err(|error| ProjectionError::Event {
                    projection: "charts",
                    checkpoint: event.checkpoint,
                    reason: error.to_string(),
                })?;
                chart = Charted::evolve(chart, &taken);
            }
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = chart;
            if chart.events >= self.wanted {
                self.reached.notify_one();
            }
            Ok(())
        })
    }
}
