//! `GET /results/{id}` and `GET /results/{id}/history`: what a result says and ever said, unsealed for who may read it.
//!
//! In this order: rehydrate, decide whether the caller may know of it (the same 404 for "not yours" and "not there"),
//! record the look, and only then show.
use crate::app::App;
use crate::history::{ResultHistory, Step};
use crate::projections::moment;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain_kernel::Sensitive;
use domain_results::{Access, NotificationState, PatientName, ResultText, Scope};
use infra_http::problem::ProblemDocument;
use infra_http::{Caller, Problem, RequestContext, StrictPath, etag};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// A result, unsealed. It holds what is said about a patient, so it has no `Debug`.
#[derive(Serialize, ToSchema)]
#[schema(as = Result)]
pub(crate) struct ResultBody {
    /// Its id.
    #[schema(example = "0199d3a0-7c00-7000-8000-000000000001")]
    id: Uuid,
    /// Its running number.
    #[schema(example = 1)]
    number: i64,
    /// The patient's name; `null` once erased.
    #[schema(example = "Paciente de Prueba")]
    patient: Option<String>,
    /// What was found; `null` once erased.
    #[schema(example = "Resultado Positivo")]
    result: Option<String>,
    /// Where it stands, in FHIR's words.
    #[schema(example = "final")]
    status: &'static str,
    /// Its version; the same as in `ETag`.
    #[schema(example = 1)]
    version: u32,
    /// How it came there, oldest first, without what it said; that is in its history.
    versions: Vec<VersionBody>,
    /// The account that filed it.
    #[schema(example = "0199d3a0-7c00-7000-8000-000000000002")]
    author: Option<Uuid>,
    /// The account that may read it.
    #[schema(example = "0199d3a0-7c00-7000-8000-000000000003")]
    patient_id: Option<Uuid>,
    /// The saga that its filing began; `GET /saga/logs?correlation_id=` shows it.
    #[schema(example = "0199d3a0-7c00-7000-8000-000000000004")]
    correlation_id: Option<Uuid>,
    /// When it was filed.
    #[schema(example = "2026-11-22T10:05:00Z")]
    created_at: DateTime<Utc>,
    /// When it last changed.
    #[schema(example = "2026-11-22T10:05:00Z")]
    updated_at: DateTime<Utc>,
    /// Whether the patient was told.
    notification: NotificationBody,
    /// Present, and `true`, once the patient's clinical data was erased.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    erased: bool,
}

/// One version, without what it said.
#[derive(Serialize, ToSchema)]
#[schema(as = ResultVersion)]
pub(crate) struct VersionBody {
    /// Which version.
    #[schema(example = 1)]
    version: u32,
    /// Where the result stood from then on.
    #[schema(example = "final")]
    status: &'static str,
    /// Who made it.
    author: Option<Uuid>,
    /// When.
    #[schema(example = "2026-11-22T10:05:00Z")]
    at: DateTime<Utc>,
}

/// Whether the patient was told.
#[derive(Serialize, ToSchema)]
#[schema(as = ResultNotification)]
pub(crate) struct NotificationBody {
    /// `pending`, `sent`, `failed` (for good) or `suppressed`.
    #[schema(example = "sent")]
    state: &'static str,
    /// Why not, as a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

/// What a result ever said.
#[derive(Serialize, ToSchema)]
#[schema(as = ResultHistory)]
pub(crate) struct HistoryBody {
    /// Its id.
    id: Uuid,
    /// Its running number.
    #[schema(example = 1)]
    number: i64,
    /// Oldest first.
    versions: Vec<HistoricVersionBody>,
}

/// One version, with what it said from then on.
#[derive(Serialize, ToSchema)]
#[schema(as = HistoricVersion)]
pub(crate) struct HistoricVersionBody {
    /// Which version.
    #[schema(example = 2)]
    version: u32,
    /// Where the result stood from then on.
    #[schema(example = "amended")]
    status: &'static str,
    /// The patient's name; `null` once erased.
    #[schema(example = "Paciente de Prueba")]
    patient: Option<String>,
    /// What it said; `null` once erased.
    #[schema(example = "Resultado Negativo")]
    result: Option<String>,
    /// Why it was changed or withdrawn; `null` where no reason is asked for, and once erased.
    #[schema(example = "La muestra era de otro paciente")]
    reason: Option<String>,
    /// Who made it.
    author: Option<Uuid>,
    /// When.
    #[schema(example = "2026-11-22T11:20:00Z")]
    at: DateTime<Utc>,
    /// Present, and `true`, once the patient's clinical data was erased.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    erased: bool,
}

/// Read a result
///
/// By its id or its running number, rehydrated from its events. Leaves a `ResultQueried` event; if that cannot be
/// written the result is not shown (503). Reading does not move the `ETag`, nor does telling the patient.
#[utoipa::path(
    get,
    path = "/results/{id}",
    tag = "results",
    params(("id" = String, Path, description = "The id, or the running number", example = "1")),
    responses(
        (status = 200, description = "The result", body = ResultBody,
            headers(("ETag" = String, description = "Its version"))),
        (status = 401, description = "No valid token", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 404, description = "No such result, or not one that you may read", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 503, description = "Not now, also when the look could not be recorded", body = ProblemDocument,
            content_type = "application/problem+json")
    ),
    security(("bearer" = []))
)]
pub(crate) async fn read_result(
    State(app): State<Arc<App>>,
    caller: Caller,
    context: RequestContext,
    StrictPath(id): StrictPath<String>,
) -> Result<Response, Problem> {
    let history = readable(&app, caller, &id).await?;
    let notification = app.notification(history.stream).await?;
    app.record_query(&context, caller, &history, Access::Result).await?;
    let mut response = Json(result_body(&history, notification)).into_response();
    response.headers_mut().insert(header::ETAG, etag::of(history.version));
    Ok(response)
}

/// Read a result's history
///
/// Every version with what it said, who made it, when and why. Leaves a `ResultQueried` event like reading the result.
#[utoipa::path(
    get,
    path = "/results/{id}/history",
    tag = "results",
    params(("id" = String, Path, description = "The id, or the running number", example = "1")),
    responses(
        (status = 200, description = "Its versions", body = HistoryBody,
            headers(("ETag" = String, description = "Its version"))),
        (status = 401, description = "No valid token", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 404, description = "No such result, or not one that you may read", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 503, description = "Not now, also when the look could not be recorded", body = ProblemDocument,
            content_type = "application/problem+json")
    ),
    security(("bearer" = []))
)]
pub(crate) async fn read_history(
    State(app): State<Arc<App>>,
    caller: Caller,
    context: RequestContext,
    StrictPath(id): StrictPath<String>,
) -> Result<Response, Problem> {
    let history = readable(&app, caller, &id).await?;
    app.record_query(&context, caller, &history, Access::History).await?;
    let body = HistoryBody {
        id: history.stream.0,
        number: history.result.number.get(),
        versions: history.steps.iter().map(historic_version_body).collect(),
    };
    let mut response = Json(body).into_response();
    response.headers_mut().insert(header::ETAG, etag::of(history.version));
    Ok(response)
}

/// The result, if the caller may read it; one and the same 404 otherwise.
async fn readable(app: &App, caller: Caller, id: &str) -> Result<ResultHistory, Problem> {
    let scope = Scope::of(caller.role, caller.user);
    if scope == Scope::Nothing {
        return Err(Problem::not_found());
    }
    let history = app.history(id).await?.ok_or_else(Problem::not_found)?;
    if scope.includes(history.result.patient_id) { Ok(history) } else { Err(Problem::not_found()) }
}

fn result_body(history: &ResultHistory, notification: NotificationState) -> ResultBody {
    let result = &history.result;
    let content = &result.current().content;
    ResultBody {
        id: history.stream.0,
        number: result.number.get(),
        patient: text(content.patient.as_ref().map(PatientName::as_str)),
        result: text(content.result.as_ref().map(ResultText::as_str)),
        status: result.status.name(),
        version: history.version.0,
        versions: history.steps.iter().map(version_body).collect(),
        author: history.author().map(|author| author.0),
        patient_id: result.patient_id.map(|patient| patient.0),
        correlation_id: history.correlation_id().map(|saga| saga.0),
        created_at: moment(history.created_at()),
        updated_at: moment(history.updated_at()),
        notification: notification_body(notification),
        erased: result.is_erased(),
    }
}

fn version_body(step: &Step) -> VersionBody {
    VersionBody {
        version: step.version.0,
        status: step.result.status.name(),
        author: step.author.map(|author| author.0),
        at: moment(step.at),
    }
}

fn historic_version_body(step: &Step) -> HistoricVersionBody {
    let current = step.result.current();
    let reason = step.result.withdrawn.as_ref().or(current.reason.as_ref());
    HistoricVersionBody {
        version: step.version.0,
        status: step.result.status.name(),
        patient: text(current.content.patient.as_ref().map(PatientName::as_str)),
        result: text(current.content.result.as_ref().map(ResultText::as_str)),
        reason: reason.and_then(Sensitive::known).map(|reason| reason.as_str().to_owned()),
        author: step.author.map(|author| author.0),
        at: moment(step.at),
        erased: step.result.is_erased(),
    }
}

fn notification_body(notification: NotificationState) -> NotificationBody {
    let state = notification.name();
    let code = match notification {
        NotificationState::NotHeard | NotificationState::Sent => None,
        NotificationState::Failed { code } => Some(code),
        NotificationState::Suppressed { reason } => Some(reason),
    };
    NotificationBody { state, code }
}

fn text(value: Sensitive<&str>) -> Option<String> {
    value.into_known().map(str::to_owned)
}
