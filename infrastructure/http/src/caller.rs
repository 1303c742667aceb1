//! Who calls, as the gateway found out and the internal token says.
use crate::Problem;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use domain_kernel::{Actor, Role, UserId};
use uuid::Uuid;

/// A signed-in user. As an extractor it answers 401 to everybody else; `Option<Caller>` lets them in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub user: UserId,
    /// Its role when the token was issued.
    pub role: Role,
    /// The log-in.
    pub session: Option<Uuid>,
}

impl Caller {
    /// The same as event metadata has it.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor { user: self.user, role: self.role }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().copied().ok_or_else(Problem::unauthorized)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        Ok(parts.extensions.get::<Self>().copied())
    }
}
