//! A users service of one test, and somebody to ask it.
use crate::interloper::Interloper;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use domain_kernel::ports::Clock;
use domain_kernel::{Role, UserId};
use http_body_util::BodyExt;
use infra_http::tokens::{Claims, KeySet, Subject, TokenSigner, TokenVerifier};
use infra_runtime::{Profile, Resources};
use infra_testkit::interception::Intercepted;
use infra_testkit::memory::ManualClock;
use infra_testkit::postgres::{TestDatabase, database};
use infra_testkit::{SharedPorts, resources_on};
use serde_json::{Value, json};
use service_users::{Config, MIGRATIONS, NAME};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;
use uuid::Uuid;

/// How long a test waits for what happens by itself.
pub(crate) const SOON: Duration = Duration::from_secs(20);
pub(crate) const ROOT: (&str, &str) = ("admin", "una frase larga");

#[derive(Clone)]
pub(crate) struct Lab {
    pub(crate) router: Router,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) resources: Resources,
    pub(crate) interloper: Arc<Intercepted<Interloper>>,
    pub(crate) database: Arc<TestDatabase>,
    pub(crate) ports: SharedPorts,
    gateway: TokenSigner,
    users: TokenSigner,
}

/// Who asks.
#[derive(Clone, Copy)]
pub(crate) enum Who {
    Nobody,
    User(UserId, Role, Option<Uuid>),
    Gateway,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        if self.status.is_client_error() || self.status.is_server_error() {
            assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        }
        self
    }

    #[track_caller]
    pub(crate) fn text(&self, field: &str) -> String {
        self.body[field].as_str().unwrap_or_else(|| panic!("{field} in {}", self.body)).to_owned()
    }

    /// The JSON pointers of the fields that a problem names.
    pub(crate) fn faults(&self) -> Vec<String> {
        let errors = self.body["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["pointer"].as_str().unwrap_or_default().to_owned()).collect()
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> String {
        self.headers[name].to_str().unwrap().to_owned()
    }
}

/// What a log-in gave.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) who: Who,
    pub(crate) id: Uuid,
    pub(crate) user: UserId,
    pub(crate) refresh: String,
}

impl Lab {
    /// The demo, without an administrator.
    pub(crate) async fn demo() -> Self {
        Self::with(Profile::Demo, None).await
    }

    /// The demo, with [`ROOT`].
    pub(crate) async fn with_root() -> Self {
        Self::with(Profile::Demo, Some(ROOT)).await
    }

    /// Production, with [`ROOT`].
    pub(crate) async fn production() -> Self {
        Self::with(Profile::Production, Some(ROOT)).await
    }

    async fn with(profile: Profile, root: Option<(&str, &str)>) -> Self {
        let database = Arc::new(database(&[infra_event_store::MIGRATIONS, MIGRATIONS]).await);
        let clock = Arc::new(ManualClock::new());
        let ports = SharedPorts { clock: Arc::<ManualClock>::clone(&clock), profile, ..SharedPorts::default() };
        Self::start(database, clock, ports, root).await
    }

    /// Another process of the same service.
    pub(crate) async fn beside(&self) -> Self {
        Self::start(Arc::clone(&self.database), Arc::clone(&self.clock), self.ports.clone(), None).await
    }

    /// The same service again, after this one stopped.
    pub(crate) async fn restarted(self, root: Option<(&str, &str)>) -> Self {
        self.resources.supervisor.stop().await;
        Self::start(self.database, self.clock, self.ports, root).await
    }

    async fn start(
        database: Arc<TestDatabase>,
        clock: Arc<ManualClock>,
        ports: SharedPorts,
        root: Option<(&str, &str)>,
    ) -> Self {
        let mut resources = resources_on(&ports, NAME, &database).await;
        let interloper = Arc::new(Intercepted(Interloper::new(Arc::clone(&resources.store))));
        resources.store = Arc::<Intercepted<Interloper>>::clone(&interloper);
        let gateway = TokenSigner::gateway(&[1; 32]).unwrap();
        let users = TokenSigner::users(&[2; 32]).unwrap();
        let keys = KeySet::new([gateway.public_key()]);
        let verifier = TokenVerifier::internal(NAME, keys, Arc::<ManualClock>::clone(&clock));
        let mut config = Config::new(ports.profile, verifier, users.clone(), Arc::new(ports.vault.clone()));
        config.first_administrator = root.map(|(name, password)| (name.to_owned(), password.to_owned()));
        let router = service_users::start(resources.clone(), config).await.unwrap();
        Self { router, clock, resources, interloper, database, ports, gateway, users }
    }

    /// Verifies the users' tokens, as the gateway does.
    pub(crate) fn verifier(&self) -> TokenVerifier {
        TokenVerifier::users(KeySet::new([self.users.public_key()]), Arc::<ManualClock>::clone(&self.clock))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.advance_millis(seconds * 1000);
    }

    /// Sends a request as the gateway would for `who`.
    pub(crate) async fn send(&self, who: Who, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.send_with(who, method, path, body, &[]).await
    }

    pub(crate) async fn send_with(
        &self,
        who: Who,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.internal_token(who)));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = match body {
            Some(body) => {
                let request = request.header(header::CONTENT_TYPE, "application/json");
                request.body(Body::from(body.to_string())).unwrap()
            }
            None => request.body(Body::empty()).unwrap(),
        };
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, body }
    }

    fn internal_token(&self, who: Who) -> String {
        let (subject, role, session) = match who {
            Who::Nobody => (Subject::Anonymous, None, None),
            Who::User(user, role, session) => (Subject::User(user), Some(role), session),
            Who::Gateway => (Subject::Service("bff".to_owned()), None, None),
        };
        let id = self.clock.unique_id();
        self.gateway.sign(&Claims::internal(subject, role, session, NAME, self.clock.now(), id)).unwrap()
    }

    pub(crate) async fn register(&self, body: Value) -> Answer {
        self.send(Who::Nobody, "POST", "/users", Some(body)).await
    }

    /// Registers `name` with the password `password2` and gives the id.
    pub(crate) async fn user(&self, name: &str) -> UserId {
        let answer = self.register(json!({"username": name, "password": "password2"})).await.expect(201);
        UserId(answer.text("id").parse().unwrap())
    }

    pub(crate) async fn try_log_in(&self, name: &str, password: &str) -> Answer {
        self.log_in_from(name, password, None).await
    }

    pub(crate) async fn log_in_from(&self, name: &str, password: &str, address: Option<IpAddr>) -> Answer {
        let body = json!({"username": name, "password": password});
        let address = address.map(|address| address.to_string());
        let headers: Vec<(&str, &str)> =
            address.iter().map(|address| ("historia-client-address", address.as_str())).collect();
        self.send_with(Who::Nobody, "POST", "/login", Some(body), &headers).await
    }

    pub(crate) async fn log_in(&self, name: &str, password: &str) -> Session {
        self.session(&self.try_log_in(name, password).await.expect(200))
    }

    /// The session that tokens belong to.
    pub(crate) fn session(&self, tokens: &Answer) -> Session {
        let claims = self.verifier().verify(&tokens.text("access_token")).unwrap();
        let (Subject::User(user), Some(role), Some(id)) = (claims.sub.clone(), claims.role, claims.sid) else {
            panic!("a user's token has a user, a role and a session");
        };
        Session { who: Who::User(user, role, Some(id)), id, user, refresh: tokens.text("refresh_token") }
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.send(Who::Nobody, "POST", "/token/refresh", Some(json!({"refresh_token": token}))).await
    }

    /// The administrator of [`ROOT`].
    pub(crate) async fn root(&self) -> Who {
        self.log_in(ROOT.0, ROOT.1).await.who
    }

    /// The sessions that the gateway is told to refuse.
    pub(crate) async fn revoked(&self) -> Vec<Uuid> {
        let answer = self.send(Who::Gateway, "GET", "/internal/revocations", None).await.expect(200);
        answer.body["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["id"].as_str().unwrap().parse().unwrap())
            .collect()
    }

    /// The stored event types of a user, in order, by number.
    pub(crate) async fn history(&self, user: UserId) -> Vec<i16> {
        let events = self.resources.store.read_stream(user.into(), domain_kernel::Version::NONE, 100).await.unwrap();
        events.iter().map(|event| event.type_id.0).collect()
    }

    /// Waits until the read model has everything.
    pub(crate) async fn listed(&self, who: Who, path: &str, count: usize) -> Answer {
        infra_testkit::wait_for("the list of users", SOON, async || {
            let answer = self.send(who, "GET", path, None).await.expect(200);
            (answer.body["items"].as_array().unwrap().len() == count).then_some(answer)
        })
        .await
    }
}
