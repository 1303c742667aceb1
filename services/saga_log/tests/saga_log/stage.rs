//! The service on a real database, with the logs of the other services written by the test itself.
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode};
use domain_kernel::message::topics;
use domain_kernel::ports::{Clock, EventBus};
use domain_kernel::{CorrelationId, EventId, Message, MessageHeaders, Role, StreamId, Topic, UserId, Version};
use infra_contracts::event_notification::{
    self, NotificationEvent, NotificationEventRecord, NotificationFailed, NotificationSent, NotificationSuppressed,
};
use infra_contracts::event_result::{self, ResultCreated, ResultEvent, ResultEventRecord, ResultStatus};
use infra_contracts::event_user::{self, UserCreated, UserEventRecord};
use infra_contracts::saga_step::{self, SagaStep, SagaStepRecord};
use infra_contracts::{Envelope, catalogue};
use infra_event_store::MIGRATIONS as STORE;
use infra_event_store::projection::{latest, wait_until};
use infra_runtime::{Resources, Supervisor, SystemClock};
use infra_testkit::memory::{Faults, FaultyBus, MessageLog};
use infra_testkit::postgres::{TestDatabase, database};
use infra_testkit::{resources, tokens, wait_for};
use serde_json::Value;
use service_saga_log::{Config, MIGRATIONS, NAME};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;
use uuid::Uuid;

/// Longer than anything takes.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) struct Stage {
    pub(crate) database: TestDatabase,
    pub(crate) resources: Resources,
    pub(crate) bus: Arc<FaultyBus>,
    router: axum::Router,
    logs: BTreeMap<Topic, Arc<MessageLog>>,
}

pub(crate) async fn stage() -> Stage {
    set(Faults::default()).await
}

/// On a bus with `faults`.
pub(crate) async fn set(faults: Faults) -> Stage {
    let database = database(&[STORE, MIGRATIONS]).await;
    let mut resources = resources(NAME, &database).await;
    let bus = Arc::new(FaultyBus::new(Arc::clone(&resources.bus), faults));
    resources.bus = Arc::<FaultyBus>::clone(&bus);
    resources.supervisor = Supervisor::stopping_within(Duration::from_millis(20));
    let mut logs = BTreeMap::new();
    for topic in [topics::EVENT_USER, topics::EVENT_RESULT, topics::EVENT_NOTIFICATION, topics::SAGA_STEP] {
        let log = MessageLog::new("others");
        bus.offer(topic, Arc::<MessageLog>::clone(&log)).await.unwrap();
        logs.insert(topic, log);
    }
    let config = Config { verifier: tokens::verifier(NAME, Arc::clone(&resources.clock)) };
    let router = service_saga_log::start(resources.clone(), config).await.unwrap();
    Stage { database, resources, bus, router, logs }
}

/// The headers of a new event of `saga`.
pub(crate) fn headers(event_type: &str, saga: CorrelationId, stream: StreamId) -> MessageHeaders {
    let published = catalogue::find(event_type).unwrap();
    MessageHeaders {
        event_id: EventId(Uuid::now_v7()),
        event_type: event_type.to_owned(),
        source: "others".to_owned(),
        stream,
        version: Version(1),
        occurred_at: SystemClock.now(),
        correlation_id: saga,
        causation_id: None,
        actor: None,
        contract_version: infra_contracts::topic::current(published.topic),
        expects: published.expects.iter().map(ToString::to_string).collect(),
        consumer: None,
        attempt: None,
        traceparent: None,
    }
}

pub(crate) fn new_saga() -> CorrelationId {
    CorrelationId(Uuid::now_v7())
}

pub(crate) fn new_stream() -> StreamId {
    StreamId(Uuid::now_v7())
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

/// A result was filed, on behalf of `actor`.
pub(crate) fn result_created(saga: CorrelationId, actor: Option<UserId>) -> Message {
    let created = ResultCreated { number: 1, status: ResultStatus::Final, patient_id: None, contact: None };
    let headers = MessageHeaders { actor, ..headers("results.result_created", saga, new_stream()) };
    result_message(headers, created)
}

pub(crate) fn result_message(headers: MessageHeaders, event: impl Into<ResultEvent>) -> Message {
    let record = ResultEventRecord { envelope: envelope(&headers), event: event.into() };
    let payload = event_result::encode(&record).unwrap();
    Message { topic: topics::EVENT_RESULT, headers, payload }
}

/// A user was created, on behalf of `actor`.
pub(crate) fn user_created(saga: CorrelationId, user: UserId, actor: Option<UserId>) -> Message {
    let headers = MessageHeaders { actor, ..headers("users.user_created", saga, user.into()) };
    let event = UserCreated { role: 1, contact: None }.into();
    let payload = event_user::encode(&UserEventRecord { envelope: envelope(&headers), event }).unwrap();
    Message { topic: topics::EVENT_USER, headers, payload }
}

/// What became of the notification that `cause` asked for.
pub(crate) enum Told {
    Sent,
    Failed,
    Suppressed,
}

pub(crate) fn told(cause: &Message, told: &Told, attempt: u32) -> Message {
    let about_stream = cause.headers.stream.0;
    let (about_kind, template) = ("result".to_owned(), "result_available".to_owned());
    let number = i32::try_from(attempt).unwrap();
    let (event_type, event): (_, NotificationEvent) = match told {
        Told::Sent => (
            "notifications.notification_sent",
            NotificationSent { about_stream, about_kind, template, attempt: number }.into(),
        ),
        Told::Failed => {
            let code = "smtp_550".into();
            let failed = NotificationFailed { about_stream, about_kind, template, attempt: number, code };
            ("notifications.notification_failed", failed.into())
        }
        Told::Suppressed => {
            let reason = "no_contact".into();
            let suppressed = NotificationSuppressed { about_stream, about_kind, template, reason };
            ("notifications.notification_suppressed", suppressed.into())
        }
    };
    let headers = MessageHeaders {
        causation_id: Some(cause.headers.event_id),
        consumer: Some("notifications".into()),
        attempt: Some(attempt),
        ..headers(event_type, cause.headers.correlation_id, new_stream())
    };
    let payload = event_notification::encode(&NotificationEventRecord { envelope: envelope(&headers), event }).unwrap();
    Message { topic: topics::EVENT_NOTIFICATION, headers, payload }
}

macro_rules! step {
    ($name:ident, $step:ident, $event_type:literal) => {
        /// A consumer's step about `source`.
        pub(crate) fn $name(source: &Message, consumer: &str, attempt: i32, code: Option<&str>) -> Message {
            let step = saga_step::$step {
                source_event_id: source.headers.event_id.0,
                source_topic: source.topic.to_owned(),
                consumer: consumer.to_owned(),
                attempt,
                code: code.map(str::to_owned),
            };
            step_message(source, $event_type, step.into())
        }
    };
}
step!(handled, MessageHandled, "messaging.message_handled");
step!(failed, MessageFailed, "messaging.message_failed");
step!(retried, MessageRetried, "messaging.message_retried");
step!(skipped, MessageSkipped, "messaging.message_skipped");

fn step_message(source: &Message, event_type: &str, event: SagaStep) -> Message {
    let headers = MessageHeaders {
        causation_id: Some(source.headers.event_id),
        ..headers(event_type, source.headers.correlation_id, new_stream())
    };
    let payload = saga_step::encode(&SagaStepRecord { envelope: envelope(&headers), event }).unwrap();
    Message { topic: topics::SAGA_STEP, headers, payload }
}

impl Stage {
    /// Publishes `messages`, each on its topic.
    pub(crate) fn publish<'m>(&self, messages: impl IntoIterator<Item = &'m Message>) {
        for message in messages {
            self.logs[message.topic].tell([message.clone()]);
        }
    }

    /// Publishes `messages` and waits until the log shows what they say.
    pub(crate) async fn hear<'m>(&self, messages: impl IntoIterator<Item = &'m Message>) {
        let messages: Vec<&Message> = messages.into_iter().collect();
        self.publish(messages.iter().copied());
        for message in messages {
            let command = domain_kernel::ids::handling_command(NAME, message.headers.event_id);
            wait_for("a message to be heard", LIMIT, async || {
                self.resources.store.find_command(command).await.unwrap()
            })
            .await;
        }
        self.caught_up().await;
    }

    /// Waits until the read model has everything that was appended.
    pub(crate) async fn caught_up(&self) {
        let wanted = latest(&self.resources.pool).await.unwrap();
        for projection in service_saga_log::projections() {
            wait_until(&*projection, &self.resources.pool, wanted, LIMIT).await.unwrap();
        }
    }

    pub(crate) fn token(&self, user: UserId, role: Role) -> String {
        tokens::of_user(NAME, user, role, &*self.resources.clock)
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> (StatusCode, Value) {
        let request = Request::get(path).header("authorization", format!("Bearer {token}")).body(Body::empty());
        answer(self.router.clone().oneshot(request.unwrap()).await.unwrap()).await
    }

    /// As [`Self::get`], when the answer has to hold what `position` names; with whether it does.
    pub(crate) async fn get_after(&self, path: &str, token: &str, position: &str) -> (StatusCode, Value, bool) {
        let request = Request::get(path)
            .header("authorization", format!("Bearer {token}"))
            .header("historia-after", position)
            .body(Body::empty());
        let response = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        let fresh = !response.headers().contains_key("historia-stale");
        let (status, body) = answer(response).await;
        (status, body, fresh)
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: Value) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()));
        answer(self.router.clone().oneshot(request.unwrap()).await.unwrap()).await
    }

    /// The event of `message` as an administrator sees it.
    pub(crate) async fn shown(&self, message: &Message) -> Value {
        let token = self.token(UserId(Uuid::now_v7()), Role::Administrator);
        let (status, event) = self.get(&format!("/saga/logs/{}", message.headers.event_id), &token).await;
        assert_eq!(status, StatusCode::OK, "{event}");
        event
    }
}

async fn answer(response: Response<Body>) -> (StatusCode, Value) {
    use http_body_util::BodyExt;
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

/// The ids of the items of a page.
pub(crate) fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// The ids of messages' events.
pub(crate) fn ids_of<'m>(messages: impl IntoIterator<Item = &'m Message>) -> Vec<String> {
    messages.into_iter().map(|message| message.headers.event_id.to_string()).collect()
}
