//! `POST /results`: files a result.
use super::fields::Fields;
use super::{refusal, set_correlation};
use crate::app::App;
use crate::projections::moment;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain_kernel::ports::StoreError;
use domain_kernel::{StreamId, UserId};
use domain_results::{
    ClinicalResultCommand, EmailAddress, NewResult, PatientName, ResultNumber, ResultStatus, ResultText,
};
use infra_event_store::repository::ClaimChanges;
use infra_http::problem::ProblemDocument;
use infra_http::{Position, Problem, RequestContext, StrictJson, etag};
use infra_runtime::Profile;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// A result to be filed. It holds what is said about a patient, so it has no `Debug`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewResult, example = json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo"}))]
pub(crate) struct NewResultBody {
    /// The patient's name, 1 to 200 characters.
    #[schema(example = "Paciente de Prueba", min_length = 1, max_length = 200)]
    patient: String,
    /// What was found, 1 to 10,000 characters.
    #[schema(example = "Resultado Positivo", min_length = 1, max_length = 10_000)]
    result: String,
    /// Where the patient is told that there is a result (never what it says). In the demo `paciente-<number>@lab.local`
    /// stands in for a missing one.
    #[schema(example = "paciente@example.org", format = Email)]
    patient_email: Option<String>,
    /// The account (role 3) that may read it. Not looked up here: an id that no account has links nobody.
    #[schema(example = "0199d3a0-7c00-7000-8000-000000000003")]
    patient_id: Option<Uuid>,
    /// How it begins: `final` when absent in the demo, `preliminary` elsewhere.
    status: Option<Beginning>,
}

/// How a result may begin.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ResultBeginning)]
pub(crate) enum Beginning {
    /// It exists; findings are missing.
    Registered,
    /// It has its findings and is not released.
    Preliminary,
    /// It is released, and the patient is told.
    Final,
}

/// A result that was filed.
#[derive(Serialize, ToSchema)]
#[schema(as = FiledResult)]
pub(crate) struct FiledBody {
    /// Its id.
    #[schema(example = "0199d3a0-7c00-7000-8000-000000000001")]
    id: Uuid,
    /// Its running number; it leads to the result as well as the id does.
    #[schema(example = 1)]
    number: i64,
    /// Where it stands.
    #[schema(example = "final")]
    status: &'static str,
    /// When it was filed.
    #[schema(example = "2026-11-22T10:05:00Z")]
    created_at: DateTime<Utc>,
}

/// File a result
///
/// The patient is told by e-mail, without any clinical word, as soon as the result is final. With an `Idempotency-Key`
/// a repeated request files nothing more and is answered with the first result.
#[utoipa::path(
    post,
    path = "/results",
    tag = "results",
    request_body(content = NewResultBody, examples(
        ("Mínimo" = (value = json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo"}))),
        ("Completo" = (value = json!({
            "patient": "Paciente de Prueba",
            "result": "Glucosa en ayunas: 92 mg/dL",
            "patient_email": "paciente@example.org",
            "patient_id": "0199d3a0-7c00-7000-8000-000000000003",
            "status": "preliminary"
        })))
    )),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repeated request harmless")),
    responses(
        (status = 201, description = "Filed", body = FiledBody, headers(
            ("Location" = String, description = "Where the result is read"),
            ("ETag" = String, description = "Its version"),
            ("Historia-Position" = String, description = "What a list takes as `Historia-After`"),
            ("Historia-Correlation-Id" = String, description = "The saga that began with it")
        )),
        (status = 400, description = "Not JSON", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 403, description = "A role that files no results", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 410, description = "The patient's data was erased", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 422, description = "A field breaks a rule", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemDocument, content_type = "application/problem+json")
    ),
    security(("bearer" = []))
)]
pub(crate) async fn file_result(
    State(app): State<Arc<App>>,
    context: RequestContext,
    StrictJson(body): StrictJson<NewResultBody>,
) -> Result<Response, Problem> {
    let checked = check(&body, app.profile)?;
    // The number comes last before the decision: what is refused takes none.
    let number = next_number(&app).await?;
    let claim = app.number_claim(number);
    let command = ClinicalResultCommand::File(checked.into_result(number, app.profile));
    let now = app.clock.now();
    let executed = app
        .results_at(now)
        .begin_claiming(StreamId(app.clock.unique_id()), &context.command(), command, |_, _| ClaimChanges {
            take: vec![claim],
            release: vec![],
        })
        .await
        .map_err(refusal::problem)?;
    let filed = executed.state.filed().ok_or_else(Problem::internal)?;
    let created_at = if executed.repeated { app.moment_of(executed.stream, executed.version).await? } else { now };
    let body = FiledBody {
        id: executed.stream.0,
        number: filed.number.get(),
        status: filed.status.name(),
        created_at: moment(created_at),
    };
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::from_str(&format!("/results/{}", executed.stream)) {
        headers.insert(header::LOCATION, location);
    }
    headers.insert(header::ETAG, etag::of(executed.version));
    Position::of(&executed).tell(headers);
    set_correlation(headers, executed.correlation_id);
    Ok(response)
}

/// A body whose fields were checked.
struct Checked {
    patient: PatientName,
    result: ResultText,
    contact: Option<EmailAddress>,
    patient_id: Option<UserId>,
    status: ResultStatus,
}

impl Checked {
    fn into_result(self, number: ResultNumber, profile: Profile) -> NewResult {
        let Self { patient, result, contact, patient_id, status } = self;
        let contact = match profile {
            // The demo's mailbox takes every address, so that the walk-through shows a mail.
            Profile::Demo => Some(contact.unwrap_or_else(|| EmailAddress::stand_in(number))),
            Profile::Production => contact,
        };
        NewResult { number, status, patient, result, patient_id, contact }
    }
}

fn check(body: &NewResultBody, profile: Profile) -> Result<Checked, Problem> {
    let mut fields = Fields::default();
    let patient = fields.check("/patient", PatientName::parse(&body.patient));
    let result = fields.check("/result", ResultText::parse(&body.result));
    let contact = fields.check_optional("/patient_email", body.patient_email.as_deref(), EmailAddress::parse);
    fields.finish()?;
    let (Some(patient), Some(result)) = (patient, result) else { return Err(Problem::internal()) };
    let status = match (body.status, profile) {
        (Some(Beginning::Registered), _) => ResultStatus::Registered,
        (Some(Beginning::Preliminary), _) | (None, Profile::Production) => ResultStatus::Preliminary,
        (Some(Beginning::Final), _) | (None, Profile::Demo) => ResultStatus::Final,
    };
    Ok(Checked { patient, result, contact, patient_id: body.patient_id.map(UserId), status })
}

async fn next_number(app: &App) -> Result<ResultNumber, StoreError> {
    let number = app.store.next_number().await?;
    let number = i64::try_from(number).ok().and_then(|number| ResultNumber::new(number).ok());
    number.ok_or_else(|| StoreError::Damaged { reason: "the running numbers ran out".to_owned() })
}
