//! Where everything stands, and letting a projection stand still.
use crate::exchange::OnBehalf;
use crate::forward::Taken;
use crate::gateway::{Gateway, Session};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Uri;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use futures_util::future::join_all;
use infra_http::operations::{
    BreakerView, ConsumerStandingView, OperationsView, OperatorReason, PROJECTIONS_PATH, PauseAccepted, ProjectionView,
    STATUS_PATH,
};
use infra_http::problem::ProblemDocument;
use infra_http::{Problem, RequestIds, StrictPath};
use serde::Serialize;
use std::sync::Arc;

pub(crate) fn router(gateway: &Arc<Gateway>) -> Router {
    Router::new()
        .route("/ops/status", get(status))
        .route("/ops/projections/{service}/{name}/pause", post(pause))
        .route("/ops/projections/{service}/{name}/resume", post(resume))
        .with_state(Arc::clone(gateway))
}

/// How the platform stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct PlatformStatus {
    /// Every service.
    services: Vec<ServiceStatus>,
}

/// How one service stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct ServiceStatus {
    /// The service.
    #[schema(example = "notifications")]
    service: &'static str,
    /// `ok`, or `unavailable` when it did not answer: then nothing is known of the rest.
    #[schema(example = "ok")]
    status: &'static str,
    /// Its read models.
    projections: Vec<ProjectionView>,
    /// Its consumers.
    consumers: Vec<ConsumerStandingView>,
    /// How many dead letters its consumers have; `null` when it is not known.
    dead_letters: Option<u64>,
    /// Who asks it: an open breaker asks no more until a moment has passed.
    breakers: Vec<BreakerView>,
}

impl ServiceStatus {
    fn of(service: &'static str, answer: Option<OperationsView>, breaker: Option<BreakerView>) -> Self {
        let status = if answer.is_some() { "ok" } else { "unavailable" };
        let dead_letters = answer.as_ref().map(|answer| answer.dead_letters);
        let OperationsView { projections, consumers, .. } = answer.unwrap_or_default();
        Self { service, status, projections, consumers, dead_letters, breakers: breaker.into_iter().collect() }
    }
}

/// Where every projection and consumer stands, and how many dead letters there are
#[utoipa::path(
    get,
    path = "/ops/status",
    operation_id = "operations_status",
    tag = "operations",
    responses((status = 200, description = "One part for each service.", body = PlatformStatus)),
)]
pub(crate) async fn status(
    State(gateway): State<Arc<Gateway>>,
    Extension(session): Extension<Session>,
    Extension(ids): Extension<RequestIds>,
) -> Json<PlatformStatus> {
    let services = join_all(gateway.services().map(|service| {
        let (gateway, on_behalf, ids) = (&gateway, OnBehalf::User(&session.0), &ids);
        async move {
            let answer = gateway.part(service, on_behalf, STATUS_PATH, ids).await;
            ServiceStatus::of(service, answer, gateway.breaker(service))
        }
    }))
    .await;
    Json(PlatformStatus { services })
}

/// Let a projection stand still
///
/// No row of it changes any more, on any instance and after any start, until it is resumed. Reads go on and grow old.
#[utoipa::path(
    post,
    path = "/ops/projections/{service}/{name}/pause",
    operation_id = "pause_projection",
    tag = "operations",
    params(
        ("service" = String, Path, description = "The service.", example = "results"),
        ("name" = String, Path, description = "The projection.", example = "result_summary"),
    ),
    request_body = OperatorReason,
    responses(
        (status = 202, description = "It stands still.", body = PauseAccepted),
        (status = 400, description = "The body is no JSON.", body = ProblemDocument),
        (status = 404, description = "No such projection.", body = ProblemDocument),
        (status = 422, description = "The body breaks a rule.", body = ProblemDocument),
    ),
)]
pub(crate) async fn pause(
    State(gateway): State<Arc<Gateway>>,
    StrictPath(projection): StrictPath<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    gateway.control("pause", &projection, request).await
}

/// Let a paused projection go on
#[utoipa::path(
    post,
    path = "/ops/projections/{service}/{name}/resume",
    operation_id = "resume_projection",
    tag = "operations",
    params(
        ("service" = String, Path, description = "The service.", example = "results"),
        ("name" = String, Path, description = "The projection.", example = "result_summary"),
    ),
    request_body = OperatorReason,
    responses(
        (status = 202, description = "It goes on.", body = PauseAccepted),
        (status = 400, description = "The body is no JSON.", body = ProblemDocument),
        (status = 404, description = "No such projection.", body = ProblemDocument),
        (status = 422, description = "The body breaks a rule.", body = ProblemDocument),
    ),
)]
pub(crate) async fn resume(
    State(gateway): State<Arc<Gateway>>,
    StrictPath(projection): StrictPath<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    gateway.control("resume", &projection, request).await
}

impl Gateway {
    /// Passes a wish about a projection on to its service, which decides whether there is one.
    async fn control(
        &self,
        wish: &'static str,
        (service, name): &(String, String),
        request: Request,
    ) -> Result<Response, Problem> {
        let service = self.services().find(|known| known == service).ok_or_else(Problem::not_found)?;
        // As projections are named; anything else would be another address.
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(Problem::not_found());
        }
        let uri: Uri = format!("{PROJECTIONS_PATH}/{name}/{wish}").parse().map_err(|_| Problem::internal())?;
        let taken = Taken::from(request).await?;
        Ok(self.pass_on(service, &taken, uri).await?.map(Body::from))
    }
}
