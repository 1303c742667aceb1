//! A gateway before four pretending services.
use crate::upstreams::{self, LIFETIME_SECONDS, NAMES, Upstream};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, Response, StatusCode, header};
use domain_kernel::message::topics;
use domain_kernel::ports::Clock;
use domain_kernel::{Role, UserId};
use http_body_util::BodyExt;
use infra_http::limit::{RateLimits, per_minute};
use infra_http::{Claims, KeySet, Peer, ServiceApi, TokenSigner};
use infra_runtime::{Language, Profile, Supervisor};
use infra_testkit::memory::ManualClock;
use serde_json::Value;
use service_bff::{Config, ServiceEvents};
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;
use uuid::Uuid;

pub(crate) const SOON: Duration = Duration::from_secs(10);
pub(crate) const ANA: UserId = UserId(Uuid::from_u128(0xa));
pub(crate) const BEA: UserId = UserId(Uuid::from_u128(0xb));
pub(crate) struct Fixture {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) upstreams: Vec<Upstream>,
    pub(crate) users: TokenSigner,
    pub(crate) gateway: TokenSigner,
    pub(crate) router: Router,
    supervisor: Supervisor,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.supervisor.token().cancel();
    }
}

/// What the pretending services tell each other.
const EVENTS: [ServiceEvents; 2] = [
    ServiceEvents { service: "users", stored: &[], publishes: &[topics::EVENT_USER], reads: &[] },
    ServiceEvents {
        service: "notifications",
        stored: &[],
        publishes: &[topics::EVENT_NOTIFICATION],
        reads: &[topics::EVENT_USER],
    },
];

/// Quotas that no test but the quotas' own spends.
fn roomy() -> RateLimits {
    RateLimits { post: per_minute(100_000), get: per_minute(100_000), all: per_minute(100_000) }
}

pub(crate) async fn fixture() -> Fixture {
    fixture_with(roomy(), &[]).await
}

/// With these quotas, and with services that are dead from the beginning.
pub(crate) async fn fixture_with(limits: RateLimits, dead: &[&str]) -> Fixture {
    start(limits, dead, None, true).await
}

/// Which has just started, and finds no users service to ask for the keys of tokens.
pub(crate) async fn fixture_without_keys() -> Fixture {
    start(roomy(), &["users"], None, false).await
}

/// Which answers under these names only.
pub(crate) async fn fixture_at(hosts: &[&str]) -> Fixture {
    start(roomy(), &[], Some(hosts.iter().map(|host| (*host).to_owned()).collect()), true).await
}

async fn start(limits: RateLimits, dead: &[&str], allowed_hosts: Option<Vec<String>>, has_keys: bool) -> Fixture {
    let clock = Arc::new(ManualClock::new());
    let (users, gateway) = (TokenSigner::users(&[1; 32]).unwrap(), TokenSigner::gateway(&[2; 32]).unwrap());
    let mut upstreams = Vec::new();
    for name in NAMES {
        let mut upstream = upstreams::start(name, gateway.public_key(), Arc::clone(&clock)).await;
        upstream.told.keys.lock().unwrap().push(users.public_key());
        if name == "users" {
            assert!(upstream.told.issuer.set((users.clone(), Arc::clone(&clock))).is_ok(), "set once");
        }
        if dead.contains(&name) {
            upstream.die().await;
        }
        upstreams.push(upstream);
    }
    let config = Config {
        services: upstreams
            .iter()
            .map(|upstream| service_bff::Upstream { api: upstream.api.clone(), base_url: upstream.base_url.clone() })
            .collect(),
        events: EVENTS.to_vec(),
        user_keys: KeySet::new(has_keys.then(|| users.public_key())),
        internal_signer: gateway.clone(),
        limits,
        profile: Profile::Demo,
        language: Language::Spanish,
        public_url: "http://localhost:8080".to_owned(),
        allowed_hosts,
    };
    let supervisor = Supervisor::new();
    let router = service_bff::start(config, supervisor.clone(), Arc::clone(&clock) as Arc<dyn Clock>).await.unwrap();
    Fixture { clock, upstreams, users, gateway, router, supervisor }
}

impl Fixture {
    pub(crate) fn upstream(&self, name: &str) -> &Upstream {
        self.upstreams.iter().find(|upstream| upstream.api.service == name).unwrap()
    }

    pub(crate) fn upstream_mut(&mut self, name: &str) -> &mut Upstream {
        self.upstreams.iter_mut().find(|upstream| upstream.api.service == name).unwrap()
    }

    pub(crate) fn apis(&self) -> Vec<ServiceApi> {
        self.upstreams.iter().map(|upstream| upstream.api.clone()).collect()
    }

    pub(crate) fn claims(&self, user: UserId, role: Role) -> Claims {
        let session = Uuid::new_v5(&user.0, b"session");
        Claims::user(user, role, session, self.clock.now(), LIFETIME_SECONDS, self.clock.unique_id())
    }

    pub(crate) fn token(&self, user: UserId, role: Role) -> String {
        self.users.sign(&self.claims(user, role)).unwrap()
    }

    pub(crate) fn ana(&self) -> String {
        self.token(ANA, Role::Laboratory)
    }

    pub(crate) async fn send(&self, request: Request) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str, token: Option<&str>) -> Response<Body> {
        self.send(request(Method::GET, path, token).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn status(&self, path: &str, token: Option<&str>) -> StatusCode {
        self.get(path, token).await.status()
    }
}

pub(crate) fn request(method: Method, path: &str, token: Option<&str>) -> axum::http::request::Builder {
    let builder = Request::builder().method(method).uri(path);
    match token {
        Some(token) => builder.header(header::AUTHORIZATION, format!("Bearer {token}")),
        None => builder,
    }
}

/// The same request from another address.
pub(crate) fn from_address(mut request: Request, address: &str) -> Request {
    request.extensions_mut().insert(Peer(format!("{address}:50000").parse().unwrap()));
    request
}

pub(crate) async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

pub(crate) async fn json_of(response: Response<Body>) -> Value {
    serde_json::from_str(&text(response).await).unwrap()
}
