//! The service on a real database, with logs of users, results and operators that a test writes itself.
use domain_kernel::message::topics;
use domain_kernel::ports::{Clock, EventBus, Mailer, Origin, Purpose};
use domain_kernel::{
    Checkpoint, CorrelationId, EventId, Message, MessageHeaders, RecordedEvent, Role, StreamId, SubjectId, UserId,
    Version,
};
use domain_notifications::RetrySchedule;
use infra_contracts::contact::{self, ContactRecord};
use infra_contracts::event_notification::{self, NotificationEvent};
use infra_contracts::event_result::{self, ResultEvent, ResultEventRecord};
use infra_contracts::event_user::{self, UserEvent, UserEventRecord};
use infra_contracts::saga_command::{self, RetryRequested, SagaCommand, SagaCommandRecord, SkipRequested};
use infra_contracts::saga_step::{self, SagaStep};
use infra_contracts::stored::SealedBytes;
use infra_contracts::{Envelope, catalogue};
use infra_event_store::MIGRATIONS as STORE;
use infra_runtime::{Resources, Supervisor};
use infra_testkit::memory::{Faults, FaultyBus, MemoryMailer, MessageLog};
use infra_testkit::postgres::{TestDatabase, database};
use infra_testkit::{SharedPorts, resources_on, tokens, wait_for};
use service_notifications::{Config, Delivery, MIGRATIONS, NAME, TOPICS};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Longer than anything takes.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// Three attempts, 20 and 40 ms apart.
pub(crate) const QUICK: Delivery = Delivery {
    schedule: RetrySchedule { attempts: 3, first_wait_ms: 20, factor: 2, jitter_percent: 10 },
    in_flight: 8,
    mail_limit: Duration::from_secs(5),
    lease: Duration::from_secs(10),
    look_every: Duration::from_millis(50),
};

pub(crate) struct Stage {
    pub(crate) database: TestDatabase,
    pub(crate) ports: SharedPorts,
    pub(crate) resources: Resources,
    pub(crate) router: axum::Router,
    pub(crate) users: Arc<MessageLog>,
    pub(crate) results: Arc<MessageLog>,
    pub(crate) commands: Arc<MessageLog>,
    pub(crate) bus: Arc<FaultyBus>,
}

/// What a stage is set with.
pub(crate) struct Setting {
    pub(crate) mailer: Arc<dyn Mailer>,
    pub(crate) delivery: Delivery,
    pub(crate) faults: Faults,
    pub(crate) mailbox: Option<PathBuf>,
}

impl Setting {
    pub(crate) fn mailing(mailer: &Arc<MemoryMailer>) -> Self {
        let mailer: Arc<dyn Mailer> = Arc::<MemoryMailer>::clone(mailer);
        Self { mailer, delivery: QUICK, faults: Faults::default(), mailbox: None }
    }
}

/// The service, started, and its mails.
pub(crate) async fn stage() -> (Stage, Arc<MemoryMailer>) {
    let mailer = Arc::new(MemoryMailer::new());
    (set(Setting::mailing(&mailer)).await, mailer)
}

pub(crate) async fn set(setting: Setting) -> Stage {
    let database = database(&[STORE, MIGRATIONS]).await;
    let ports = SharedPorts::default();
    let logs = [MessageLog::new("users"), MessageLog::new("results"), MessageLog::new("saga_log")];
    set_on(database, ports, logs, setting).await
}

async fn set_on(database: TestDatabase, ports: SharedPorts, logs: [Arc<MessageLog>; 3], setting: Setting) -> Stage {
    let mut resources = resources_on(&ports, NAME, &database).await;
    let bus = Arc::new(FaultyBus::new(Arc::clone(&resources.bus), setting.faults));
    resources.bus = Arc::<FaultyBus>::clone(&bus);
    resources.supervisor = Supervisor::stopping_within(Duration::from_millis(20));
    let [users, results, commands] = logs;
    for (topic, log) in
        [(topics::EVENT_USER, &users), (topics::EVENT_RESULT, &results), (topics::SAGA_COMMAND, &commands)]
    {
        bus.offer(topic, Arc::<MessageLog>::clone(log)).await.unwrap();
    }
    let config = Config {
        verifier: tokens::verifier(NAME, Arc::clone(&resources.clock)),
        mailer: setting.mailer,
        mailbox_directory: setting.mailbox,
        public_url: "http://localhost:8080".into(),
        delivery: setting.delivery,
    };
    let router = service_notifications::start(resources.clone(), config).await.unwrap();
    Stage { database, ports, resources, router, users, results, commands, bus }
}

impl Stage {
    /// Another process of the service on the same database, after this one is gone.
    pub(crate) async fn again(self, setting: Setting) -> Self {
        set_on(self.database, self.ports, [self.users, self.results, self.commands], setting).await
    }

    /// Somebody's sealed contact, as it was sealed in the event of `headers`.
    pub(crate) async fn sealed(&self, headers: &MessageHeaders, email: Option<&str>) -> SealedBytes {
        let record = ContactRecord { email: email.map(str::to_owned), display_name: Some("Ana Soto".into()) };
        let origin = Origin {
            event_id: headers.event_id,
            stream: headers.stream,
            version: headers.version,
            event_type: headers.event_type.clone(),
        };
        let plain = contact::encode(&record).unwrap();
        let subject = SubjectId::from(headers.stream);
        let sealed = self.resources.vault.seal(subject, Purpose::Contact, &origin, contact::current(), &plain).await;
        SealedBytes(sealed.unwrap())
    }

    /// Publishes what happened to a result.
    pub(crate) fn publish_result(&self, headers: MessageHeaders, event: impl Into<ResultEvent>) {
        let record = ResultEventRecord { envelope: envelope(&headers), event: event.into() };
        let payload = event_result::encode(&record).unwrap();
        self.results.tell([Message { topic: topics::EVENT_RESULT, headers, payload }]);
    }

    /// Publishes what happened to a user.
    pub(crate) fn publish_user(&self, headers: MessageHeaders, event: impl Into<UserEvent>) {
        let record = UserEventRecord { envelope: envelope(&headers), event: event.into() };
        let payload = event_user::encode(&record).unwrap();
        self.users.tell([Message { topic: topics::EVENT_USER, headers, payload }]);
    }

    /// Publishes an operator's wish that `event` be tried again.
    pub(crate) fn publish_retry(&self, event: EventId, consumer: &str, attempt: i32) {
        let retry = RetryRequested { event_id: event.0, consumer: consumer.into(), attempt };
        self.publish_wish("saga_log.retry_requested", retry.into());
    }

    /// Publishes an operator's wish that the event of `source` be let pass.
    pub(crate) fn publish_skip(&self, source: &MessageHeaders, consumer: &str) {
        let (source_event_id, source_stream_id) = (source.event_id.0, source.stream.0);
        let skip = SkipRequested { source_event_id, source_stream_id, consumer: consumer.into() };
        self.publish_wish("saga_log.skip_requested", skip.into());
    }

    fn publish_wish(&self, event_type: &str, event: SagaCommand) {
        let headers = headers(event_type, StreamId(Uuid::now_v7()), "saga_log");
        let record = SagaCommandRecord { envelope: envelope(&headers), event };
        let payload = saga_command::encode(&record).unwrap();
        self.commands.tell([Message { topic: topics::SAGA_COMMAND, headers, payload }]);
    }

    /// A final result with an address; the event that tells of it.
    pub(crate) async fn final_result(&self, number: i64) -> MessageHeaders {
        let headers = headers("results.result_created", StreamId(Uuid::now_v7()), "results");
        let contact = self.sealed(&headers, Some("ana@example.org")).await;
        self.publish_result(headers.clone(), created(number, event_result::ResultStatus::Final, Some(contact)));
        headers
    }

    /// Everything the service has published so far.
    pub(crate) async fn published(&self) -> Vec<Message> {
        let events: Vec<RecordedEvent> = self.resources.store.read_all(Checkpoint::default(), 10_000).await.unwrap();
        let publisher = service_notifications::publisher();
        TOPICS
            .iter()
            .flat_map(|topic| events.iter().filter_map(|event| publisher.message(topic, event).unwrap()))
            .collect()
    }

    /// Waits for the outcome of the notification that `event` asked for: its only one so far.
    pub(crate) async fn outcome(&self, event: EventId) -> (Message, NotificationEvent) {
        wait_for("a notification's outcome", LIMIT, async || self.outcomes(event).await.pop()).await
    }

    /// Every outcome of the notification that `event` asked for.
    pub(crate) async fn outcomes(&self, event: EventId) -> Vec<(Message, NotificationEvent)> {
        let published = self.published().await.into_iter();
        published
            .filter(|message| message.topic == topics::EVENT_NOTIFICATION)
            .filter(|message| message.headers.causation_id == Some(event))
            .map(|message| {
                let record = event_notification::decode(message.headers.contract_version, &message.payload).unwrap();
                (message, record.event)
            })
            .collect()
    }

    /// Waits for a step that the service reported.
    pub(crate) async fn step(&self, wanted: impl Fn(&Message, &SagaStep) -> bool) -> (Message, SagaStep) {
        wait_for("a step", LIMIT, async || {
            let published = self.published().await.into_iter();
            let steps = published.filter(|message| message.topic == topics::SAGA_STEP).map(|message| {
                let step = saga_step::decode(message.headers.contract_version, &message.payload).unwrap().event;
                (message, step)
            });
            steps.into_iter().find(|(message, step)| wanted(message, step))
        })
        .await
    }

    /// What the service answers to `GET path`.
    pub(crate) async fn get(&self, path: &str, token: &str) -> axum::http::Response<axum::body::Body> {
        self.send(axum::http::Request::get(path), token).await
    }

    /// As [`Self::get`], when the answer has to hold what `position` names.
    pub(crate) async fn get_after(
        &self,
        path: &str,
        token: &str,
        position: &str,
    ) -> axum::http::Response<axum::body::Body> {
        self.send(axum::http::Request::get(path).header("historia-after", position), token).await
    }

    async fn send(&self, request: axum::http::request::Builder, token: &str) -> axum::http::Response<axum::body::Body> {
        use tower::ServiceExt;
        let request = request.header("authorization", format!("Bearer {token}")).body(axum::body::Body::empty());
        self.router.clone().oneshot(request.unwrap()).await.unwrap()
    }

    /// A user's token.
    pub(crate) fn token(&self, user: UserId, role: Role) -> String {
        tokens::of_user(NAME, user, role, &*self.resources.clock)
    }

    /// Waits until the read model has everything.
    pub(crate) async fn caught_up(&self) {
        use infra_event_store::projection::{latest, wait_until};
        let wanted = latest(&self.resources.pool).await.unwrap();
        for projection in service_notifications::projections() {
            wait_until(&*projection, &self.resources.pool, wanted, LIMIT).await.unwrap();
        }
    }
}

/// The headers of a new event.
pub(crate) fn headers(event_type: &str, stream: StreamId, source: &str) -> MessageHeaders {
    let published = catalogue::find(event_type).unwrap();
    MessageHeaders {
        event_id: EventId(Uuid::now_v7()),
        event_type: event_type.to_owned(),
        source: source.to_owned(),
        stream,
        version: Version(1),
        occurred_at: infra_runtime::SystemClock.now(),
        correlation_id: CorrelationId(Uuid::now_v7()),
        causation_id: None,
        actor: None,
        contract_version: infra_contracts::topic::current(published.topic),
        expects: published.expects.iter().map(ToString::to_string).collect(),
        consumer: None,
        attempt: None,
        traceparent: None,
    }
}

pub(crate) fn created(
    number: i64,
    status: event_result::ResultStatus,
    contact: Option<SealedBytes>,
) -> event_result::ResultCreated {
    event_result::ResultCreated { number, status, patient_id: None, contact }
}

fn envelope(headers: &MessageHeaders) -> Envelope {
    Envelope {
        event_id: headers.event_id,
        stream_id: headers.stream,
        version: headers.version,
        occurred_at: headers.occurred_at,
        correlation_id: headers.correlation_id,
        causation_id: headers.causation_id,
    }
}

/// A body as JSON.
pub(crate) async fn json(response: axum::http::Response<axum::body::Body>) -> serde_json::Value {
    serde_json::from_slice(&body(response).await).unwrap()
}

/// A body.
pub(crate) async fn body(response: axum::http::Response<axum::body::Body>) -> Vec<u8> {
    use http_body_util::BodyExt;
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}
