//! What a stream's sealed records say, passed on from its service: the gateway opens nothing and keeps nothing.
use crate::forward::Taken;
use crate::gateway::Gateway;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Uri;
use axum::response::Response;
use axum::routing::post;
use infra_http::operations::{RevealRequest, Revealed, STREAMS_PATH};
use infra_http::problem::ProblemDocument;
use infra_http::{Problem, StrictPath};
use std::sync::Arc;
use uuid::Uuid;

pub(crate) fn router(gateway: &Arc<Gateway>) -> Router {
    Router::new().route("/ops/streams/{service}/{stream}/reveal", post(reveal)).with_state(Arc::clone(gateway))
}

/// Show what is sealed in a stream
///
/// For a reason, which is recorded with who is shown what before anything is opened; if that cannot be recorded, nothing is
/// shown (503). What was forgotten is `[erased]`. Of a clinical result `GET /results/{id}/access` tells of it.
#[utoipa::path(
    post,
    path = "/ops/streams/{service}/{stream}/reveal",
    operation_id = "reveal_stream",
    tag = "operations",
    params(
        ("service" = String, Path, description = "The service.", example = "results"),
        ("stream" = Uuid, Path, description = "The stream."),
    ),
    request_body = RevealRequest,
    responses(
        (status = 200, description = "What it says; `Cache-Control: no-store`.", body = Revealed),
        (status = 400, description = "The body is no JSON.", body = ProblemDocument),
        (status = 404, description = "No such stream, or nothing of it then.", body = ProblemDocument),
        (status = 422, description = "The body breaks a rule, or asks for too much at once.", body = ProblemDocument),
        (
            status = 503,
            description = "Not now, also when it could not be recorded (`access_not_recorded`).",
            body = ProblemDocument
        ),
    ),
)]
pub(crate) async fn reveal(
    State(gateway): State<Arc<Gateway>>,
    StrictPath((service, stream)): StrictPath<(String, Uuid)>,
    request: Request,
) -> Result<Response, Problem> {
    let service = gateway.services().find(|known| *known == service).ok_or_else(Problem::not_found)?;
    let uri: Uri = format!("{STREAMS_PATH}/{stream}/reveal").parse().map_err(|_| Problem::internal())?;
    let taken = Taken::from(request).await?;
    Ok(gateway.pass_on(service, &taken, uri).await?.map(Body::from))
}
