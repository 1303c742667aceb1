//! What the tests share: a log to tell from, a handler to script, a consumer with everything in memory.
use domain_kernel::ids::handling_command;
use domain_kernel::message::topics;
use domain_kernel::ports::{Append, AppendCommand, Clock, EventBus, EventStore, MessageSource};
use domain_kernel::{
    BoxFuture, CommandId, CorrelationId, EventId, EventMetadata, EventTypeId, Message, MessageHeaders, NewEvent,
    RecordedEvent, SchemaVersion, StreamId, Timestamp, Topic, Version,
};
use infra_contracts::Envelope;
use infra_contracts::event_user::{self, UserCreated, UserEventRecord};
use infra_contracts::saga_command::{self, RetryRequested, SagaCommand, SagaCommandRecord, SkipRequested};
use infra_event_store::checkpoints::Checkpoints;
use infra_event_store::dead_letters::{DeadLetter, DeadLetters};
use infra_messaging::{
    ConsumerRunner, EmbeddedBus, EmbeddedLogs, Handling, HandlingError, HandlingLog, MessageHandler, RunnerError,
    handling,
};
use infra_testkit::memory::{ManualClock, MemoryCheckpoints, MemoryDeadLetters, MemoryEventStore, MessageLog};
use infra_testkit::wait_for;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) const LIMIT: Duration = Duration::from_secs(20);
/// No effect at all.
pub(crate) const NOTHING: [u32; 0] = [];
pub(crate) const CONSUMER: &str = "notifications";
/// What the scripted handler appends.
pub(crate) const EFFECT: EventTypeId = EventTypeId(1);

pub(crate) fn stream(number: u32) -> StreamId {
    StreamId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(number)))
}

pub(crate) fn event(stream_number: u32, version: u32) -> EventId {
    EventId(stream(stream_number).derive(&format!("event {version}")))
}

/// The message of `users.user_created`, which this consumer owes an answer to.
pub(crate) fn user_message(stream_number: u32, version: u32) -> Message {
    let envelope = Envelope {
        event_id: event(stream_number, version),
        stream_id: stream(stream_number),
        version: Version(version),
        occurred_at: Timestamp(1_767_225_600_000_000),
        correlation_id: CorrelationId(stream(stream_number).0),
        causation_id: None,
    };
    let record = UserEventRecord { envelope: envelope.clone(), event: UserCreated { role: 1, contact: None }.into() };
    let payload = event_user::encode(&record).unwrap();
    let expects = vec![CONSUMER.to_owned()];
    message(topics::EVENT_USER, "users.user_created", &envelope, expects, payload)
}

/// The message by which an operator asks `consumer` to take a letter again.
pub(crate) fn retry_message(number: u32, consumer: &str, event_id: EventId, attempt: i32) -> Message {
    let asked = RetryRequested { event_id: event_id.0, consumer: consumer.to_owned(), attempt };
    command_message(number, "saga_log.retry_requested", asked.into())
}

/// The message by which an operator asks `consumer` to set the letter of a stream's version aside.
pub(crate) fn skip_message(number: u32, consumer: &str, stream_number: u32, version: u32) -> Message {
    let asked = SkipRequested {
        source_event_id: event(stream_number, version).0,
        source_stream_id: stream(stream_number).0,
        consumer: consumer.to_owned(),
    };
    command_message(number, "saga_log.skip_requested", asked.into())
}

fn command_message(number: u32, event_type: &str, asked: SagaCommand) -> Message {
    let envelope = Envelope {
        event_id: event(9_000 + number, 1),
        stream_id: stream(9_000 + number),
        version: Version(1),
        occurred_at: Timestamp(1_767_225_600_000_000),
        correlation_id: CorrelationId(stream(number).0),
        causation_id: None,
    };
    let record = SagaCommandRecord { envelope: envelope.clone(), event: asked };
    let payload = saga_command::encode(&record).unwrap();
    message(topics::SAGA_COMMAND, event_type, &envelope, vec![], payload)
}

fn message(topic: Topic, event_type: &str, envelope: &Envelope, expects: Vec<String>, payload: Vec<u8>) -> Message {
    let headers = MessageHeaders {
        event_id: envelope.event_id,
        event_type: event_type.to_owned(),
        source: "users".to_owned(),
        stream: envelope.stream_id,
        version: envelope.version,
        occurred_at: envelope.occurred_at,
        correlation_id: envelope.correlation_id,
        causation_id: envelope.causation_id,
        actor: None,
        contract_version: infra_contracts::topic::current(topic),
        expects,
        consumer: None,
        attempt: None,
        traceparent: None,
    };
    Message { topic, headers, payload }
}

/// One call of the handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) event: EventId,
    pub(crate) attempt: u32,
}

type Answer = Result<Handling, HandlingError>;

enum Scripted {
    /// An answer; done without an effect too.
    Answer(Answer),
    /// A handling that never ends.
    Never,
}

/// Answers as the test says, by event; otherwise appends one effect under the message's command, as a service does.
pub(crate) struct ScriptedHandler {
    store: Arc<dyn EventStore>,
    clock: Arc<dyn Clock>,
    script: Mutex<HashMap<EventId, VecDeque<Scripted>>>,
    calls: Mutex<Vec<Call>>,
}

impl ScriptedHandler {
    /// Appends its effects to `store`.
    pub(crate) fn new(store: Arc<dyn EventStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, script: Mutex::default(), calls: Mutex::default() }
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    pub(crate) fn attempts(&self, event: EventId) -> Vec<u32> {
        self.calls().into_iter().filter(|call| call.event == event).map(|call| call.attempt).collect()
    }

    /// The next calls for `event` are answered so, in this order.
    pub(crate) fn answers(&self, event: EventId, answers: impl IntoIterator<Item = Answer>) {
        self.script.lock().unwrap().entry(event).or_default().extend(answers.into_iter().map(Scripted::Answer));
    }

    /// The next call for `event` never ends.
    pub(crate) fn never_ends(&self, event: EventId) {
        self.script.lock().unwrap().entry(event).or_default().push_back(Scripted::Never);
    }

    /// Waits until there were as many calls.
    pub(crate) async fn until_called(&self, times: usize) {
        wait_for("the handler to be called", LIMIT, async || (self.calls().len() >= times).then_some(())).await;
    }

    /// Waits until `event` was tried as often.
    pub(crate) async fn until_tried(&self, event: EventId, times: usize) {
        wait_for("the event to be tried", LIMIT, async || (self.attempts(event).len() >= times).then_some(())).await;
    }

    /// As when an append that was believed lost comes in.
    pub(crate) async fn takes_effect(&self, message: &Message) {
        self.take_effect(message, handling_command(CONSUMER, message.headers.event_id)).await.unwrap();
    }

    async fn take_effect(&self, message: &Message, command_id: CommandId) -> Answer {
        if self.store.find_command(command_id).await?.is_some() {
            return Ok(Handling::Done);
        }
        let stream = StreamId(message.headers.stream.derive("effects"));
        let metadata = EventMetadata {
            event_id: self.clock.unique_id().into(),
            correlation_id: message.headers.correlation_id,
            causation_id: Some(message.headers.event_id),
            actor: None,
            occurred_at: self.clock.now(),
        };
        let effect = NewEvent {
            type_id: EFFECT,
            schema_version: SchemaVersion(1),
            metadata,
            payload: message.headers.version.0.to_be_bytes().to_vec(),
        };
        let command = AppendCommand {
            command_id,
            digest: None,
            correlation_id: message.headers.correlation_id,
            claims: vec![],
            releases: vec![],
            events: vec![effect],
        };
        let expected = self.store.head(stream).await?;
        self.store.append(Append { stream, expected, commands: vec![command] }).await?;
        Ok(Handling::Done)
    }
}

impl MessageHandler for ScriptedHandler {
    fn handle<'a>(&'a self, message: &'a Message, command: CommandId, attempt: u32) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            let event = message.headers.event_id;
            assert_eq!(command, handling_command(CONSUMER, event));
            self.calls.lock().unwrap().push(Call { event, attempt });
            let scripted = self.script.lock().unwrap().get_mut(&event).and_then(VecDeque::pop_front);
            match scripted {
                None => self.take_effect(message, command).await,
                Some(Scripted::Answer(answer)) => answer,
                Some(Scripted::Never) => std::future::pending().await,
            }
        })
    }
}

/// A consumer with everything in memory, and the log it reads.
pub(crate) struct Bench {
    pub(crate) users: Arc<MessageLog>,
    pub(crate) operators: Arc<MessageLog>,
    pub(crate) store: Arc<MemoryEventStore>,
    pub(crate) checkpoints: Arc<MemoryCheckpoints>,
    pub(crate) dead_letters: Arc<MemoryDeadLetters>,
    pub(crate) handler: Arc<ScriptedHandler>,
    pub(crate) runner: ConsumerRunner,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let store = Arc::new(MemoryEventStore::new());
        let clock: Arc<ManualClock> = Arc::new(ManualClock::new());
        let checkpoints = Arc::new(MemoryCheckpoints::new());
        let dead_letters = Arc::new(MemoryDeadLetters::new(clock.clone()));
        let handler = Arc::new(ScriptedHandler::new(store.clone(), clock.clone()));
        let (users, operators) = (MessageLog::new("users"), MessageLog::new("saga_log"));
        let bus = EmbeddedBus::new(EmbeddedLogs::new(), checkpoints.clone() as Arc<dyn Checkpoints>);
        let runner = ConsumerRunner {
            consumer: CONSUMER,
            topics: vec![topics::EVENT_USER],
            bus: Arc::new(bus.clone()),
            handler: handler.clone(),
            dead_letters: dead_letters.clone(),
            log: Some(HandlingLog::new(store.clone(), clock.clone(), CONSUMER)),
            in_hand: infra_event_store::operations::InHand::default(),
            clock,
        };
        let bench = Self { users, operators, store, checkpoints, dead_letters, handler, runner };
        bench.offer_on(&bus).await;
        bench
    }

    /// Offers the logs on another bus.
    pub(crate) async fn offer_on(&self, bus: &EmbeddedBus) {
        bus.offer(topics::EVENT_USER, self.users.clone()).await.unwrap();
        bus.offer(topics::SAGA_COMMAND, self.operators.clone()).await.unwrap();
    }

    pub(crate) fn start(&self) -> Running {
        Running::start(self.runner.clone())
    }

    /// Versions whose effect was appended for a stream, in order of appending.
    pub(crate) fn effects(&self, stream_number: u32) -> Vec<u32> {
        let of = StreamId(stream(stream_number).derive("effects"));
        let effect = |event: &RecordedEvent| u32::from_be_bytes(event.payload.as_slice().try_into().unwrap());
        self.events(|event| event.stream == of).iter().map(effect).collect()
    }

    /// What was told on `saga-step`, as event type and attempt, in order.
    pub(crate) fn told(&self) -> Vec<(String, u32)> {
        self.steps().into_iter().map(|step| (step.headers.event_type, step.headers.attempt.unwrap())).collect()
    }

    pub(crate) fn steps(&self) -> Vec<Message> {
        let messages = self.events(|event| event.type_id != EFFECT);
        messages.iter().filter_map(|event| handling::message(event, CONSUMER).unwrap()).collect()
    }

    fn events(&self, matching: impl Fn(&RecordedEvent) -> bool) -> Vec<RecordedEvent> {
        self.store.events().into_iter().filter(matching).collect()
    }

    pub(crate) async fn until_acknowledged(&self, topic: Topic, source: &MessageLog) {
        let name = format!("bus/{CONSUMER}/{topic}/{}", source.name());
        wait_for("everything to be acknowledged", LIMIT, async || {
            (self.checkpoints.load(&name).await.unwrap() == source.end()).then_some(())
        })
        .await;
    }

    /// Waits until every message of users is acknowledged.
    pub(crate) async fn until_users_are_read(&self) {
        self.until_acknowledged(topics::EVENT_USER, &self.users).await;
    }

    /// Waits until everything that was asked for is acknowledged.
    pub(crate) async fn until_wishes_are_read(&self) {
        self.until_acknowledged(topics::SAGA_COMMAND, &self.operators).await;
    }

    pub(crate) async fn letter(&self, event: EventId) -> Option<DeadLetter> {
        self.dead_letters.find(CONSUMER, event).await.unwrap()
    }

    pub(crate) async fn is_parked(&self, stream_number: u32) -> bool {
        self.dead_letters.is_parked(CONSUMER, stream(stream_number)).await.unwrap()
    }
}

/// A consumer at work; dropping it is a kill.
pub(crate) struct Running {
    stop: CancellationToken,
    task: JoinHandle<Result<(), RunnerError>>,
}

impl Running {
    pub(crate) fn start(runner: ConsumerRunner) -> Self {
        let stop = CancellationToken::new();
        Self { stop: stop.clone(), task: tokio::spawn(runner.run(stop)) }
    }

    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        (&mut self.task).await.unwrap().unwrap();
    }

    /// Ends it where it is, without another step.
    pub(crate) async fn kill(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(mut self) -> Result<(), RunnerError> {
        (&mut self.task).await.unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn handled(attempt: u32) -> (String, u32) {
    ("messaging.message_handled".to_owned(), attempt)
}

pub(crate) fn failed(attempt: u32) -> (String, u32) {
    ("messaging.message_failed".to_owned(), attempt)
}

pub(crate) fn retried(attempt: u32) -> (String, u32) {
    ("messaging.message_retried".to_owned(), attempt)
}

pub(crate) fn skipped(attempt: u32) -> (String, u32) {
    ("messaging.message_skipped".to_owned(), attempt)
}
