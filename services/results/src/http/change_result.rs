//! `PATCH /results/{id}`: changes what a result says, or where it stands.
use super::fields::Fields;
use super::{refusal, set_correlation};
use crate::app::App;
use crate::projections::moment;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain_results::{ClinicalResultCommand, PatientName, Reason, ResultText, Revision};
use infra_http::etag::{self, IfMatch};
use infra_http::problem::ProblemDocument;
use infra_http::{Position, Problem, RequestContext, StrictJson, StrictPath};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// A change: either of what the result says (`patient`, `result`, with `reason` and `kind`), or of where it stands
/// (`status`). It holds what is said about a patient, so it has no `Debug`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ResultChange, example = json!({"result": "Resultado Negativo", "reason": "Error de transcripción"}))]
pub(crate) struct ChangeBody {
    /// Another name for the patient.
    #[schema(example = "Paciente de Prueba", min_length = 1, max_length = 200)]
    patient: Option<String>,
    /// Another text.
    #[schema(example = "Resultado Negativo", min_length = 1, max_length = 10_000)]
    result: Option<String>,
    /// Why. Asked for by every change but a release and a completion.
    #[schema(example = "Error de transcripción", min_length = 1, max_length = 500)]
    reason: Option<String>,
    /// Whether the earlier version was incomplete (`amended`, when absent) or wrong (`corrected`).
    kind: Option<Kind>,
    /// Where the result should stand.
    status: Option<Next>,
}

/// How a version relates to the one before.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ResultChangeKind)]
pub(crate) enum Kind {
    /// It says more, or says it otherwise.
    Amended,
    /// The earlier one was wrong.
    Corrected,
}

/// Where a result can be made to stand.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ResultTransition)]
pub(crate) enum Next {
    /// It has all its findings.
    Preliminary,
    /// It is released, and the patient is told.
    Final,
    /// It is given up before it was final; with a reason.
    Cancelled,
    /// It should never have been final; with a reason.
    EnteredInError,
}

/// A result after a change. What it says is not repeated: that would be a look at it.
#[derive(Serialize, ToSchema)]
#[schema(as = ChangedResult)]
pub(crate) struct ChangedBody {
    /// Its id.
    id: Uuid,
    /// Its running number.
    #[schema(example = 1)]
    number: i64,
    /// Where it stands.
    #[schema(example = "amended")]
    status: &'static str,
    /// Its version; the same as in `ETag`.
    #[schema(example = 2)]
    version: u32,
    /// When it last changed.
    #[schema(example = "2026-11-22T11:20:00Z")]
    updated_at: DateTime<Utc>,
}

/// Change a result
///
/// Amends or corrects what a final result says (the earlier version stays in its history), releases a preliminary one,
/// or withdraws it. With `If-Match` only the version that you have read is changed.
#[utoipa::path(
    patch,
    path = "/results/{id}",
    tag = "results",
    request_body(content = ChangeBody, examples(
        ("Enmendar" = (value = json!({"result": "Resultado Negativo", "reason": "Error de transcripción"}))),
        ("Corregir" = (value = json!({
            "result": "Resultado Negativo",
            "reason": "La muestra era de otro paciente",
            "kind": "corrected"
        }))),
        ("Liberar" = (value = json!({"status": "final"}))),
        ("Anular" = (value = json!({"status": "entered_in_error", "reason": "Paciente equivocado"})))
    )),
    params(
        ("id" = String, Path, description = "The id, or the running number", example = "1"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that you have read"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeated request harmless")
    ),
    responses(
        (status = 200, description = "Changed, or already so", body = ChangedBody, headers(
            ("ETag" = String, description = "Its version"),
            ("Historia-Position" = String, description = "What a list takes as `Historia-After`"),
            ("Historia-Correlation-Id" = String, description = "The saga that began with the change")
        )),
        (status = 400, description = "Not JSON", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 403, description = "A role that changes no results", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 404, description = "No such result", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 409, description = "Where the result stands, this cannot be done", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 410, description = "The patient's data was erased", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 412, description = "It has changed since you read it", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 422, description = "A field breaks a rule", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemDocument, content_type = "application/problem+json")
    ),
    security(("bearer" = []))
)]
pub(crate) async fn change_result(
    State(app): State<Arc<App>>,
    context: RequestContext,
    StrictPath(id): StrictPath<String>,
    IfMatch(expected): IfMatch,
    StrictJson(body): StrictJson<ChangeBody>,
) -> Result<Response, Problem> {
    let command = command(&body)?;
    let stream = app.find_result(&id).await?.ok_or_else(Problem::not_found)?;
    let executed =
        app.results.execute(stream, expected, &context.command(), command).await.map_err(refusal::problem)?;
    let result = executed.state.filed().ok_or_else(Problem::not_found)?;
    let body = ChangedBody {
        id: executed.stream.0,
        number: result.number.get(),
        status: result.status.name(),
        version: executed.version.0,
        updated_at: moment(app.moment_of(executed.stream, executed.version).await?),
    };
    let mut response = Json(body).into_response();
    response.headers_mut().insert(header::ETAG, etag::of(executed.version));
    Position::of(&executed).tell(response.headers_mut());
    set_correlation(response.headers_mut(), executed.correlation_id);
    Ok(response)
}

fn command(body: &ChangeBody) -> Result<ClinicalResultCommand, Problem> {
    match body.status {
        None => revision(body),
        Some(next) => transition(body, next),
    }
}

fn revision(body: &ChangeBody) -> Result<ClinicalResultCommand, Problem> {
    let mut fields = Fields::default();
    let patient = fields.check_optional("/patient", body.patient.as_deref(), PatientName::parse);
    let result = fields.check_optional("/result", body.result.as_deref(), ResultText::parse);
    if body.patient.is_none() && body.result.is_none() {
        fields.refuse("/result", "is missing: a change names result, patient or status");
    }
    let reason = required_reason(&mut fields, body);
    fields.finish()?;
    let reason = reason.ok_or_else(Problem::internal)?;
    let revision = Revision { patient, result, reason };
    Ok(match body.kind {
        None | Some(Kind::Amended) => ClinicalResultCommand::Amend(revision),
        Some(Kind::Corrected) => ClinicalResultCommand::Correct(revision),
    })
}

fn transition(body: &ChangeBody, next: Next) -> Result<ClinicalResultCommand, Problem> {
    let mut fields = Fields::default();
    let beside =
        [("/patient", body.patient.is_some()), ("/result", body.result.is_some()), ("/kind", body.kind.is_some())];
    for (pointer, _) in beside.into_iter().filter(|(_, present)| *present) {
        fields.refuse(pointer, "cannot be changed together with status");
    }
    let reason = match next {
        Next::Cancelled | Next::EnteredInError => required_reason(&mut fields, body),
        Next::Preliminary | Next::Final => {
            if body.reason.is_some() {
                fields.refuse("/reason", "is kept for changes and withdrawals only");
            }
            None
        }
    };
    fields.finish()?;
    match (next, reason) {
        (Next::Preliminary, _) => Ok(ClinicalResultCommand::Complete),
        (Next::Final, _) => Ok(ClinicalResultCommand::Release),
        (Next::Cancelled, Some(reason)) => Ok(ClinicalResultCommand::Cancel(reason)),
        (Next::EnteredInError, Some(reason)) => Ok(ClinicalResultCommand::EnterInError(reason)),
        (Next::Cancelled | Next::EnteredInError, None) => Err(Problem::internal()),
    }
}

fn required_reason(fields: &mut Fields, body: &ChangeBody) -> Option<Reason> {
    match &body.reason {
        Some(reason) => fields.check("/reason", Reason::parse(reason)),
        None => {
            fields.refuse("/reason", "is missing");
            None
        }
    }
}
