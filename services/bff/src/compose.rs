//! One request, several services' answers. Each part has a deadline of its own; one that does not come is marked
//! `{"status":"unavailable"}` and never takes the others with it.
use crate::SAGA_LOG;
use crate::exchange::OnBehalf;
use crate::forward::Taken;
use crate::gateway::{Gateway, Session};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response as Answer, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use infra_http::{Access, Problem, RequestIds, Route};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How long a part has.
pub(crate) const PART_DEADLINE: Duration = Duration::from_secs(3);

const RESULTS: &str = "results";
const NOTIFICATIONS: &str = "notifications";

/// What can be gathered around a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    notifications: bool,
    saga: bool,
}

/// Whether a line of the table is the one result, the only one with `?include=`.
pub(crate) fn is_result(service: &str, route: &Route) -> bool {
    let one_result = route.path.strip_prefix("/results/{").is_some_and(|rest| !rest.contains('/'));
    service == RESULTS && one_result && route.method == axum::http::Method::GET && route.access != Access::Internal
}

/// What `?include=` asks for; `None` without it.
///
/// # Errors
/// 422 for something else than `notifications` and `saga`.
pub(crate) fn asked_for(uri: &Uri) -> Result<Option<Parts>, Problem> {
    let mut parts: Option<Parts> = None;
    for value in parameters(uri).filter_map(|parameter| parameter.strip_prefix("include=")) {
        let parts = parts.get_or_insert_default();
        for name in value.split(',').flat_map(|name| name.split("%2C")).flat_map(|name| name.split("%2c")) {
            match name {
                "notifications" => parts.notifications = true,
                "saga" => parts.saga = true,
                _ => return Err(Problem::unprocessable("?include", "must be notifications, saga or both")),
            }
        }
    }
    Ok(parts)
}

fn parameters(uri: &Uri) -> impl Iterator<Item = &str> {
    uri.query().unwrap_or_default().split('&').filter(|parameter| !parameter.is_empty())
}

/// The same address without `include`, which only the gateway knows.
fn without_include(uri: &Uri) -> Uri {
    let rest: Vec<&str> = parameters(uri).filter(|parameter| !parameter.starts_with("include=")).collect();
    let path = if rest.is_empty() { uri.path().to_owned() } else { format!("{}?{}", uri.path(), rest.join("&")) };
    path.parse().unwrap_or_else(|_| uri.clone())
}

/// The mark of a part that did not come.
fn unavailable() -> Value {
    json!({"status": "unavailable"})
}

impl Gateway {
    /// A result, with what notifications and saga log know of it. Without the result there is nothing to gather: then the
    /// results service's answer is the answer.
    pub(crate) async fn result_with_parts(
        &self,
        service: &'static str,
        request: Request,
        parts: Parts,
    ) -> Result<Response, Problem> {
        let mut taken = Taken::from(request).await?;
        // An unchanged result may have new notifications, so "not modified" is not asked.
        taken.headers.remove(header::IF_NONE_MATCH);
        let answer = self.pass_on(service, &taken, without_include(&taken.uri)).await?;
        let result = match serde_json::from_slice::<Value>(answer.body()) {
            Ok(Value::Object(result)) if answer.status() == StatusCode::OK => result,
            _ => return Ok(answer.map(Body::from)),
        };
        let (ids, on_behalf) = (taken.ids.as_ref(), taken.on_behalf());
        let (notifications, saga) = futures_util::join!(
            async {
                let id = uuid_of(&result, "id").filter(|_| parts.notifications)?;
                Some(self.notifications_about(id, ids).await)
            },
            async {
                let saga = parts.saga.then(|| uuid_of(&result, "correlation_id"))?;
                Some(self.saga(saga, on_behalf, ids).await)
            }
        );
        let mut gathered = result;
        for (name, part) in [("notifications", notifications), ("saga", saga)] {
            if let Some(part) = part {
                gathered.insert(name.to_owned(), part.unwrap_or_else(unavailable));
            }
        }
        let (parts, _) = answer.into_parts();
        let body = serde_json::to_vec(&gathered).map_err(|_| Problem::internal())?;
        Ok(Answer::from_parts(parts, Body::from(body)))
    }

    /// Who may see the result may see what was sent about it, so the gateway asks for itself.
    async fn notifications_about(&self, result: Uuid, ids: Option<&RequestIds>) -> Option<Value> {
        let path = format!("/internal/notifications?about={result}");
        self.get_json(NOTIFICATIONS, OnBehalf::Service(crate::NAME), &path, ids, PART_DEADLINE).await
    }

    /// The saga log decides itself who sees what, so it is asked on the user's behalf.
    async fn saga(&self, saga: Option<Uuid>, user: OnBehalf<'_>, ids: Option<&RequestIds>) -> Option<Value> {
        let path = format!("/saga/logs?correlation_id={}&limit=100", saga?);
        self.get_json(SAGA_LOG, user, &path, ids, PART_DEADLINE).await
    }
}

fn uuid_of(object: &serde_json::Map<String, Value>, name: &str) -> Option<Uuid> {
    object.get(name)?.as_str()?.parse().ok()
}

/// The composed endpoints that no service has.
pub(crate) fn router(gateway: &Arc<Gateway>) -> Router {
    Router::new().route("/dashboard", get(dashboard)).with_state(Arc::clone(gateway))
}

/// What I should know
///
/// Who I am, my latest results and my latest notifications, each from its service; a part whose service does not answer is
/// `{"status":"unavailable"}`.
#[utoipa::path(
    get,
    path = "/dashboard",
    tag = "gateway",
    responses((status = 200, description = "The three parts.", body = Dashboard)),
)]
pub(crate) async fn dashboard(
    State(gateway): State<Arc<Gateway>>,
    Extension(session): Extension<Session>,
    Extension(ids): Extension<RequestIds>,
) -> Response {
    let part = |service: &'static str, path: &'static str| {
        let (gateway, session, ids) = (&gateway, &session, &ids);
        async move { gateway.get_json(service, OnBehalf::User(&session.0), path, Some(ids), PART_DEADLINE).await }
    };
    let (me, results, notifications) = futures_util::join!(
        part(crate::USERS, "/me"),
        part(RESULTS, "/results?limit=5"),
        part(NOTIFICATIONS, "/notifications?limit=5"),
    );
    Json(Dashboard {
        me: me.unwrap_or_else(unavailable),
        results: results.unwrap_or_else(unavailable),
        notifications: notifications.unwrap_or_else(unavailable),
    })
    .into_response()
}

/// Three services' answers.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Dashboard {
    /// As `GET /me`.
    #[schema(value_type = Object)]
    me: Value,
    /// As `GET /results?limit=5`.
    #[schema(value_type = Object)]
    results: Value,
    /// As `GET /notifications?limit=5`.
    #[schema(value_type = Object)]
    notifications: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(uri: &str) -> Result<Option<Parts>, Problem> {
        asked_for(&uri.parse().unwrap())
    }

    #[test]
    fn include_names_what_is_gathered() {
        let both = Some(Parts { notifications: true, saga: true });
        assert_eq!(parts("/results/1").unwrap(), None);
        assert_eq!(parts("/results/1?include=notifications,saga").unwrap(), both);
        assert_eq!(parts("/results/1?include=notifications%2Csaga").unwrap(), both);
        assert_eq!(parts("/results/1?include=saga&include=notifications").unwrap(), both);
        assert_eq!(parts("/results/1?include=passwords").unwrap_err().status(), 422);
        assert_eq!(parts("/results/1?include=").unwrap_err().status(), 422);
    }

    #[test]
    fn the_service_never_sees_include() {
        let uri = |text: &str| without_include(&text.parse().unwrap()).to_string();
        assert_eq!(uri("/results/1?include=saga"), "/results/1");
        assert_eq!(uri("/results/1?a=1&include=saga&b=2"), "/results/1?a=1&b=2");
    }
}
