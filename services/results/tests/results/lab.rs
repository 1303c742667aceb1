//! A running results service and the people who use it.
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use domain_kernel::ports::{Append, AppendOutcome, EventStore, StoreError};
use domain_kernel::{BoxFuture, Checkpoint, RecordedEvent, Role, UserId};
use http_body_util::BodyExt;
use infra_runtime::{Profile, Resources};
use infra_testkit::interception::{Intercepted, Intercepts};
use infra_testkit::postgres::TestDatabase;
use infra_testkit::{SharedPorts, resources_on, tokens, wait_for};
use serde_json::{Value, json};
use service_results::{Config, NAME};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tower::ServiceExt;
use uuid::Uuid;

/// How long a test waits for what another task does.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Somebody with an account.
#[derive(Clone, Copy)]
pub(crate) struct Person {
    pub(crate) user: UserId,
    pub(crate) role: Role,
}

pub(crate) fn person(role: Role, number: u128) -> Person {
    Person { user: UserId(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + number)), role }
}

pub(crate) fn laboratory() -> Person {
    person(Role::Laboratory, 1)
}

pub(crate) fn physician() -> Person {
    person(Role::Physician, 2)
}

pub(crate) fn patient() -> Person {
    person(Role::Patient, 3)
}

/// The service, started on a database of its own.
pub(crate) struct Lab {
    pub(crate) ports: SharedPorts,
    pub(crate) resources: Resources,
    pub(crate) store: Arc<Intercepted<MoodyStore>>,
    router: Router,
    _database: TestDatabase,
}

impl Lab {
    /// In the demo profile.
    pub(crate) async fn open() -> Self {
        Self::open_on(SharedPorts::default()).await
    }

    pub(crate) async fn open_in(profile: Profile) -> Self {
        Self::open_on(SharedPorts { profile, ..SharedPorts::default() }).await
    }

    async fn open_on(ports: SharedPorts) -> Self {
        let migrations = [infra_event_store::MIGRATIONS, service_results::MIGRATIONS];
        let database = infra_testkit::postgres::database(&migrations).await;
        let mut resources = resources_on(&ports, NAME, &database).await;
        let store =
            Arc::new(Intercepted(MoodyStore { inner: Arc::clone(&resources.store), refuses: AtomicBool::new(false) }));
        resources.store = store.clone();
        let verifier = tokens::verifier(NAME, Arc::clone(&resources.clock));
        let router = service_results::start(resources.clone(), Config { verifier }).await.unwrap();
        Self { ports, resources, store, router, _database: database }
    }

    /// Sends a request as `person`.
    pub(crate) async fn ask(&self, person: Person, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.ask_with(Some(person), method, path, body, &[]).await
    }

    pub(crate) async fn get(&self, person: Person, path: &str) -> Answer {
        self.ask(person, Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, person: Person, body: Value) -> Answer {
        self.ask(person, Method::POST, "/results", Some(body)).await
    }

    pub(crate) async fn patch(&self, person: Person, id: &str, body: Value) -> Answer {
        self.ask(person, Method::PATCH, &format!("/results/{id}"), Some(body)).await
    }

    pub(crate) async fn ask_with(
        &self,
        person: Option<Person>,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(person) = person {
            let token = tokens::of_user(NAME, person.user, person.role, &*self.resources.clock);
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            None => Body::empty(),
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
        };
        self.send(request.body(body).unwrap()).await
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    /// Files a result as the laboratory and answers with its id.
    pub(crate) async fn file(&self, body: Value) -> String {
        let answer = self.post(laboratory(), body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    /// Every event of the store, in order. Readers of the whole log see an event once nothing can come before it any
    /// more, which other databases of the same server may delay: so this waits for all that are there.
    pub(crate) async fn events(&self) -> Vec<RecordedEvent> {
        let stored: i64 =
            sqlx::query_scalar("select count(*) from event").fetch_one(&self.resources.pool).await.unwrap();
        wait_for("every stored event to be readable", PATIENCE, async || {
            let events = self.resources.store.read_all(Checkpoint::default(), 10_000).await.unwrap();
            (events.len() >= usize::try_from(stored).unwrap()).then_some(events)
        })
        .await
    }

    /// Waits until every read model has seen what is in the store now.
    pub(crate) async fn caught_up(&self) {
        let Some(last) = self.events().await.last().map(|event| event.checkpoint) else { return };
        for projection in service_results::projections() {
            infra_event_store::projection::wait_until(&*projection, &self.resources.pool, last, PATIENCE)
                .await
                .unwrap();
        }
    }

    pub(crate) fn now(&self) -> domain_kernel::Timestamp {
        self.resources.clock.now()
    }
}

/// The smallest body: the walk-through's.
pub(crate) fn a_result() -> Value {
    json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo"})
}

/// An answer of the service.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The fields that a problem names.
    pub(crate) fn wrong_fields(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect()
    }

    /// The problem without what differs from request to request.
    pub(crate) fn problem(&self) -> Value {
        let mut problem = self.body.clone();
        problem.as_object_mut().unwrap().remove("instance");
        problem
    }
}

/// A store that appends only when it feels like it.
pub(crate) struct MoodyStore {
    inner: Arc<dyn EventStore>,
    refuses: AtomicBool,
}

impl MoodyStore {
    pub(crate) fn refuse_appends(&self, refuse: bool) {
        self.refuses.store(refuse, Ordering::SeqCst);
    }
}

impl Intercepts for MoodyStore {
    fn store(&self) -> &dyn EventStore {
        &*self.inner
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<AppendOutcome, StoreError>> {
        if self.refuses.load(Ordering::SeqCst) {
            return Box::pin(async { Err(StoreError::Unavailable { reason: "in a mood".to_owned() }) });
        }
        self.inner.append(append)
    }
}
