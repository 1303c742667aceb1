//! The keys, as far as anybody may see them.
use crate::http::App;
use crate::http::bodies::AdministratorsOnly;
use crate::http::erasure_bodies::{KeyBody, KeyListQuery, KeyPage};
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use domain_kernel::SubjectId;
use domain_kernel::ports::KeyQuery;
use infra_http::problem::ProblemDocument;
use infra_http::{Problem, StrictQuery, page};
use std::sync::Arc;
use uuid::Uuid;

/// Lists keys, oldest first.
///
/// When they were made and destroyed, and under which master key they are; never what they are. For administrators and
/// auditors.
#[utoipa::path(
    get, path = "/keys", operation_id = "list_keys", tag = "erasures",
    params(KeyListQuery),
    responses(
        (status = 200, description = "A page; `Link` leads to the next.", body = KeyPage),
        AdministratorsOnly,
        (status = 422, description = "A parameter breaks a rule.", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    uri: Uri,
    StrictQuery(query): StrictQuery<KeyListQuery>,
) -> Result<Response, Problem> {
    let (purpose, limit) = (query.purpose()?, page::limit(query.limit)?);
    let after: Option<Uuid> = app.key_cursors.place(query.cursor.as_deref())?;
    let wanted = KeyQuery { subject: query.subject.map(SubjectId), purpose, after, limit: limit + 1 };
    let keys = app.keys.keys(wanted).await?;
    Ok(app.key_cursors.page(keys, limit, |last| last.id, KeyBody::from).respond(&uri))
}
