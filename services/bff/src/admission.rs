//! What a request meets before anything else: the table, its token, its quota.
use crate::USERS;
use crate::gateway::{Gateway, Session, no_answer};
use crate::web::session::BrowserSession;
use crate::web::visit::Visit;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use infra_http::limit::Key;
use infra_http::{Access, Problem, RequestIds, Subject, bearer};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// What a user who has to choose another password may do: choose it, stay or be logged in, and log out.
const WITHOUT_OWN_PASSWORD: [(&str, &str); 8] = [
    ("POST", "/me/password"),
    ("GET", "/password"),
    ("POST", "/password"),
    ("POST", "/logout"),
    ("POST", "/login"),
    ("POST", "/token/refresh"),
    ("POST", "/sign-in"),
    ("POST", "/sign-out"),
];

/// The problem's code then.
pub(crate) const PASSWORD_CHANGE_REQUIRED: &str = "password_change_required";

/// Asked by watchers every second or so, on nobody's quota.
const UNCOUNTED: [&str; 3] = ["/healthz", "/livez", "/readyz"];

pub(crate) fn admitted(router: Router, gateway: Arc<Gateway>) -> Router {
    router.fallback(|| async { Problem::not_found() }).layer(from_fn_with_state(gateway, admit))
}

async fn admit(State(gateway): State<Arc<Gateway>>, mut request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    if path.as_deref().is_some_and(|path| UNCOUNTED.contains(&path)) {
        return next.run(request).await;
    }
    let session = match Shown::by(&request) {
        Ok(shown) => gateway.who(shown).await,
        Err(problem) => Err(problem),
    };
    let key = match &session {
        Ok(Some(Session(claims))) => match &claims.sub {
            Subject::User(user) => Key::User(user.0),
            Subject::Anonymous | Subject::Service(_) => address(&request),
        },
        Ok(None) | Err(_) => address(&request),
    };
    let allowed = match gateway.limiter.check(key, request.method()) {
        Ok(allowed) => allowed,
        Err(problem) => return problem.into_response(),
    };
    let admitted = match gateway.examine(&request, path.as_deref(), session) {
        Ok(Some(session)) => {
            let method = request.method().clone();
            gateway.examine_password(&method, path.as_deref().unwrap_or_default(), session).await
        }
        examined => examined,
    };
    let mut response = match admitted {
        Ok(session) => {
            if let Some(session) = session {
                request.extensions_mut().insert(session);
            }
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    allowed.write(response.headers_mut());
    response
}

/// What a request shows of whom it is from.
enum Shown {
    Nothing,
    Token(String),
    /// A browser's session, where a page answers.
    Browser(Arc<BrowserSession>, Option<RequestIds>),
}

impl Shown {
    /// # Errors
    /// 401 for a header that holds no token.
    fn by(request: &Request) -> Result<Self, Problem> {
        if let Some(visit) = request.extensions().get::<Visit>() {
            let ids = request.extensions().get::<RequestIds>().cloned();
            return Ok(visit.browser.clone().map_or(Self::Nothing, |browser| Self::Browser(browser, ids)));
        }
        let token = bearer(request.headers())?;
        Ok(token.map_or(Self::Nothing, |token| Self::Token(token.to_owned())))
    }
}

impl Gateway {
    /// Whom what was shown stands for; `None` for anybody.
    async fn who(self: &Arc<Self>, shown: Shown) -> Result<Option<Session>, Problem> {
        match shown {
            Shown::Nothing => Ok(None),
            Shown::Token(token) => self.session(&token).await.map(Some),
            Shown::Browser(browser, ids) => self.browsing(&browser, ids.as_ref()).await.map(Some),
        }
    }

    /// The session that goes on with the request, by the table's rule.
    fn examine(
        &self,
        request: &Request,
        path: Option<&str>,
        session: Result<Option<Session>, Problem>,
    ) -> Result<Option<Session>, Problem> {
        let path = path.ok_or_else(Problem::not_found)?;
        let Some(access) = self.lookup.find(request.method(), path) else {
            let methods = self.lookup.methods(path);
            return Err(if methods.is_empty() { Problem::not_found() } else { Problem::method_not_allowed(&methods) });
        };
        match access {
            // Whoever logs in or refreshes may still carry the token that has just expired: it counts as none.
            Access::Public => Ok(session.unwrap_or(None)),
            Access::SignedIn => session?.map(Some).ok_or_else(Problem::unauthorized),
            Access::Roles(roles) => {
                let session = session?.ok_or_else(Problem::unauthorized)?;
                if session.0.role.is_some_and(|role| roles.contains(&role)) {
                    Ok(Some(session))
                } else {
                    Err(Problem::forbidden())
                }
            }
            Access::Internal => Err(Problem::not_found()),
        }
    }

    /// Refuses almost everything to a user who has to choose another password first. The token says only that it was so
    /// when it was issued, so then the users service is asked.
    async fn examine_password(
        &self,
        method: &Method,
        path: &str,
        session: Session,
    ) -> Result<Option<Session>, Problem> {
        if !session.0.must_change_password || WITHOUT_OWN_PASSWORD.contains(&(method.as_str(), path)) {
            return Ok(Some(session));
        }
        let open = self.lookup.find(method, path) == Some(Access::Public);
        if open && (*method == Method::GET || *method == Method::HEAD) {
            // Keys, documents and pages that anybody may read: as anybody.
            return Ok(None);
        }
        match self.must_change_password(&session).await {
            Some(false) => Ok(Some(session)),
            Some(true) => Err(Problem::forbidden()
                .code(PASSWORD_CHANGE_REQUIRED)
                .detail("Choose a password of your own first: POST /me/password.")),
            None => Err(no_answer(USERS)),
        }
    }

    /// Whether it is still so; `None` when the users service does not tell.
    async fn must_change_password(&self, session: &Session) -> Option<bool> {
        let Subject::User(user) = &session.0.sub else { return Some(false) };
        let answer = self.get_for_itself(USERS, &format!("/internal/users/{user}/password")).await?;
        answer.get("must_change_password")?.as_bool()
    }
}

fn address(request: &Request) -> Key {
    let address = request.extensions().get::<RequestIds>().and_then(|ids| ids.client_address);
    Key::address(address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
}
