//! What every request of the gateway works with, and how a service is called on somebody's behalf.
use crate::breaker::Breaker;
use crate::exchange::{OnBehalf, TokenExchange};
use crate::keys::KeyRefresh;
use crate::revocations::Revocations;
use crate::table::Lookup;
use crate::web::session::BrowserSessions;
use crate::{Config, NAME, StartError, USERS, Upstream};
use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, Request, Response, header};
use domain_kernel::ports::Clock;
use infra_http::limit::Limiter;
use infra_http::operations::BreakerView;
use infra_http::tokens::TokenError;
use infra_http::{Claims, ClientError, Problem, RequestIds, ServiceApi, ServiceClient, TokenVerifier, names};
use infra_runtime::Supervisor;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a service has for an answer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);
/// After this a client may try again when a service is down.
const OUTAGE: Duration = Duration::from_secs(2);
/// How often full quotas and ended sessions are forgotten.
const SWEEP: Duration = Duration::from_secs(60);

pub(crate) struct Gateway {
    services: Vec<Service>,
    clock: Arc<dyn Clock>,
    pub(crate) lookup: Lookup,
    pub(crate) limiter: Limiter,
    pub(crate) revocations: Revocations,
    pub(crate) browsers: BrowserSessions,
    verifier: TokenVerifier,
    keys: KeyRefresh,
    exchange: TokenExchange,
}

/// A service, as far as the gateway asks it.
struct Service {
    client: ServiceClient,
    breaker: Breaker,
}

/// A user's token that is valid and not revoked.
#[derive(Clone, Debug)]
pub(crate) struct Session(pub(crate) Arc<Claims>);

impl Gateway {
    pub(crate) fn new(config: &Config, apis: &[ServiceApi], clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let service = |upstream: &Upstream| {
            let client = ServiceClient::new(upstream.api.service, &upstream.base_url)?;
            Ok(Service { client, breaker: Breaker::new(clock.now()) })
        };
        let services = config.services.iter().map(service).collect::<Result<_, ClientError>>()?;
        Ok(Self {
            services,
            clock: Arc::clone(&clock),
            lookup: Lookup::new(apis),
            limiter: Limiter::new(config.limits),
            revocations: Revocations::new(Arc::clone(&clock)),
            browsers: BrowserSessions::new(Arc::clone(&clock)),
            verifier: TokenVerifier::users(config.user_keys.clone(), Arc::clone(&clock)),
            keys: KeyRefresh::new(config.user_keys.clone()),
            exchange: TokenExchange::new(config.internal_signer.clone(), clock),
        })
    }

    /// Starts what runs beside the requests: revocations each second, keys now and then, forgetting.
    pub(crate) fn watch(self: &Arc<Self>, supervisor: &Supervisor) {
        if self.service(USERS).is_some() {
            let gateway = Arc::clone(self);
            supervisor.spawn("gateway: revocations", move |stop| {
                let gateway = Arc::clone(&gateway);
                Box::pin(async move {
                    stop.run_until_cancelled(gateway.revocations.follow(&gateway)).await;
                    Ok(())
                })
            });
            let gateway = Arc::clone(self);
            supervisor.spawn("gateway: keys", move |stop| {
                let gateway = Arc::clone(&gateway);
                Box::pin(async move {
                    stop.run_until_cancelled(gateway.keys.follow(&gateway)).await;
                    Ok(())
                })
            });
        }
        let gateway = Arc::clone(self);
        supervisor.spawn("gateway: forgetting", move |stop| {
            let gateway = Arc::clone(&gateway);
            Box::pin(async move {
                while stop.run_until_cancelled(tokio::time::sleep(SWEEP)).await.is_some() {
                    gateway.limiter.forget_idle();
                    gateway.browsers.forget_ended();
                }
                Ok(())
            })
        });
    }

    pub(crate) fn services(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.services.iter().map(|service| service.client.service())
    }

    fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.client.service() == name)
    }

    /// Whether the gateway asks `service`, for operators.
    pub(crate) fn breaker(&self, service: &str) -> Option<BreakerView> {
        self.service(service).map(|service| service.breaker.view("gateway"))
    }

    /// The session that `token` stands for.
    ///
    /// # Errors
    /// 401 for a token that is not valid or revoked; 503 as long as it is not known which keys there are, or what is
    /// revoked.
    pub(crate) async fn session(&self, token: &str) -> Result<Session, Problem> {
        let claims = match self.verifier.verify(token) {
            Err(TokenError::UnknownKey) => {
                let asked = self.keys.refresh(self).await;
                match self.verifier.verify(token) {
                    // A gateway that has just started would send everybody back to the log-in.
                    Err(TokenError::UnknownKey) if !asked => {
                        return Err(Problem::unavailable(OUTAGE).detail("It is not known yet which tokens are valid."));
                    }
                    verified => verified,
                }
            }
            verified => verified,
        };
        let claims = claims.map_err(|error| {
            tracing::debug!(reason = %error, "a user's token was refused");
            Problem::unauthorized()
        })?;
        if !self.revocations.are_known().await {
            return Err(Problem::unavailable(OUTAGE).detail("It is not known yet which sessions have ended."));
        }
        if self.revocations.revoked(&claims) {
            return Err(Problem::unauthorized());
        }
        Ok(Session(claims))
    }

    /// Calls `service` and gives its answer, whatever it says. One that did not answer lately is not asked.
    ///
    /// # Errors
    /// [`ClientError`].
    pub(crate) async fn call(
        &self,
        service: &'static str,
        on_behalf: OnBehalf<'_>,
        mut request: Request<Bytes>,
        ids: Option<&RequestIds>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, ClientError> {
        let Service { client, breaker } = self.service(service).ok_or(ClientError::Address { service })?;
        let token = self.exchange.token(on_behalf, service).ok_or(ClientError::Address { service })?;
        let headers = request.headers_mut();
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| ClientError::Address { service })?;
        authorization.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, authorization);
        if let Some(ids) = ids {
            let client_address = ids.client_address.map(|address| address.to_string());
            let told: [(HeaderName, Option<String>); 4] = [
                (names::CORRELATION_ID, Some(ids.correlation_id.to_string())),
                (names::REQUEST_ID, Some(ids.request_id.to_string())),
                (names::CLIENT_ADDRESS, client_address),
                (names::TRACEPARENT, ids.traceparent.clone()),
            ];
            for (name, value) in told {
                if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                    headers.insert(name, value);
                }
            }
        }
        let permit = breaker.permit(Instant::now()).ok_or(ClientError::NotAsked { service })?;
        let answer = client.send(request, deadline).await;
        permit.end(&answer, (Instant::now(), self.clock.now()));
        if let Err(error) = &answer {
            metrics::counter!("gateway_upstream_failures_total", "service" => service).increment(1);
            let reason = infra_runtime::supervisor::chain(error);
            // What the gateway asks for itself it asks again soon; who needs the answer says so once.
            if ids.is_some() {
                tracing::warn!(service.name = service, error = reason, "no answer");
            } else {
                tracing::debug!(service.name = service, error = reason, "no answer");
            }
        }
        answer
    }

    /// The body of a successful `GET`, as JSON; `None` when there is none, for whatever reason.
    pub(crate) async fn get_json(
        &self,
        service: &'static str,
        on_behalf: OnBehalf<'_>,
        path: &str,
        ids: Option<&RequestIds>,
        deadline: Duration,
    ) -> Option<serde_json::Value> {
        let request = Request::get(path).header(header::ACCEPT, "application/json").body(Bytes::new()).ok()?;
        let answer = self.call(service, on_behalf, request, ids, deadline).await.ok()?;
        if !answer.status().is_success() {
            tracing::debug!(service.name = service, http.status = answer.status().as_u16(), "a part was refused");
            return None;
        }
        serde_json::from_slice(answer.body()).ok()
    }

    /// The gateway's own `GET`, for itself.
    pub(crate) async fn get_for_itself(&self, service: &'static str, path: &str) -> Option<serde_json::Value> {
        self.get_json(service, OnBehalf::Service(NAME), path, None, Duration::from_secs(2)).await
    }
}

/// What a client is told when a service does not answer: this service's part does not work, the rest does.
pub(crate) fn no_answer(service: &'static str) -> Problem {
    Problem::unavailable(OUTAGE)
        .detail(format!("The {} service does not answer.", service.replace('_', " ")))
        .extension("service", service)
}
