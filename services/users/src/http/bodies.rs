//! What is sent and answered. Bodies with a password have no `Debug`.
use crate::sign_in::Tokens;
use crate::user_list::{Status, UserListEntry};
use chrono::{DateTime, Utc};
use domain_kernel::{Role, Sensitive, UserId};
use domain_users::{ContactDetails, FullName, UserState, Username};
use infra_http::Problem;
use infra_http::problem::ProblemDocument;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, IntoResponses, ToSchema};
use uuid::Uuid;

/// A user to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"username": "usuario2", "password": "password2", "role": 1}))]
pub(super) struct NewUserBody {
    /// 3 to 64 printable characters; spaces around it and capitals do not count.
    #[schema(min_length = 3, max_length = 64, example = "usuario2")]
    pub(super) username: String,
    /// At least 8 characters, in the demo 6; at most 128. Taken as typed.
    #[schema(min_length = 6, max_length = 128, format = Password, example = "password2")]
    pub(super) password: String,
    /// Laboratory when absent. In the demo everybody may register as 1, 2 or 3.
    pub(super) role: Option<RoleBody>,
    /// Unique, if given.
    #[schema(max_length = 254, example = "ana.soto@laboratorio.cl")]
    pub(super) email: Option<String>,
    /// 1 to 120 printable characters.
    #[schema(max_length = 120, example = "Ana Soto Díaz")]
    pub(super) full_name: Option<String>,
}

/// A role by number (1 to 9) or by name.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(example = 1)]
pub(super) enum RoleBody {
    /// 1 laboratory, 2 physician, 3 patient, 4 administrator, 5 auditor, 6 nurse, 7 administration, 8 accounting,
    /// 9 reception.
    Number(i64),
    /// Such as `laboratory`.
    Name(String),
}

impl RoleBody {
    pub(super) fn role(&self) -> Result<Role, domain_kernel::role::UnknownRole> {
        match self {
            Self::Number(number) => Role::from_number(*number),
            Self::Name(name) => name.parse(),
        }
    }
}

/// Changes to a user: what is absent stays, `null` takes the value away.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "physician", "full_name": "Ana Soto Díaz"}))]
pub(super) struct UserChangeBody {
    /// Another role.
    pub(super) role: Option<RoleBody>,
    /// Another address, or none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 254, example = "ana.soto@laboratorio.cl")]
    pub(super) email: Option<Option<String>>,
    /// Another full name, or none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 120, example = "Ana Soto Díaz")]
    pub(super) full_name: Option<Option<String>>,
}

/// Tells `null` from absent.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// What an endpoint for users with a token answers to others.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes answers that are given before a handler is called")]
pub(super) enum SignedInOnly {
    /// No valid access token.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(#[to_schema] ProblemDocument),
}

/// What an endpoint for administrators answers to others.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes answers that are given before a handler is called")]
pub(super) enum AdministratorsOnly {
    /// No valid access token.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(#[to_schema] ProblemDocument),
    /// Only administrators.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(#[to_schema] ProblemDocument),
}

/// Filters and page of the list of users.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UserListQuery {
    /// Only this role: a number from 1 to 9 or a name.
    pub(super) role: Option<String>,
    /// Only `active` or only `deactivated` users.
    pub(super) status: Option<String>,
    /// Items on the page, 1 to 100; 10 when absent.
    #[param(minimum = 1, maximum = 100, default = 10)]
    pub(super) limit: Option<u32>,
    /// Where the page before ended, as its `next` says.
    pub(super) cursor: Option<String>,
}

impl UserListQuery {
    pub(super) fn role(&self) -> Result<Option<Role>, Problem> {
        let Some(text) = &self.role else { return Ok(None) };
        let role = match text.parse() {
            Ok(number) => Role::from_number(number),
            Err(_) => text.parse(),
        };
        role.map(Some).map_err(|error| Problem::unprocessable("?role", error.to_string()))
    }

    pub(super) fn status(&self) -> Result<Option<Status>, Problem> {
        let Some(text) = &self.status else { return Ok(None) };
        let unknown = || Problem::unprocessable("?status", "must be active or deactivated");
        Status::parse(text).map(Some).ok_or_else(unknown)
    }
}

/// Why a user is deactivated.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeactivationQuery {
    /// Up to 500 characters; for the auditor.
    #[param(max_length = 500, example = "dejó el laboratorio")]
    pub(super) reason: Option<String>,
}

/// A user.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0198f3a2-7c1e-7d30-9a51-5f0b2c9e4d11", "username": "usuario2", "role": 1, "role_name": "laboratory",
    "email": "usuario2@lab.local", "full_name": "Ana Soto Díaz", "status": "active",
    "created_at": "2026-11-22T12:00:00.000000Z"
}))]
pub(super) struct UserBody {
    pub(super) id: Uuid,
    /// `null` once the person's data was erased.
    pub(super) username: Option<String>,
    /// The role's number.
    pub(super) role: u8,
    /// The role's name.
    pub(super) role_name: &'static str,
    /// Where mail goes; in the demo who gave none has one at `lab.local`.
    pub(super) email: Option<String>,
    pub(super) full_name: Option<String>,
    /// `active` or `deactivated`.
    pub(super) status: &'static str,
    pub(super) created_at: String,
}

impl UserBody {
    /// `None` for a user that does not exist.
    pub(super) fn of(id: UserId, state: &UserState) -> Option<Self> {
        let account = state.account()?;
        let status = if state.active().is_some() { Status::Active } else { Status::Deactivated };
        Some(Self {
            id: id.0,
            username: known_username(&account.username),
            role: account.role.number(),
            role_name: account.role.name(),
            email: account.contact.as_ref().and_then(|contact| known_email(&contact.details)),
            full_name: known_full_name(&account.full_name),
            status: status.name(),
            created_at: rfc3339(crate::database::moment(account.created_at)),
        })
    }
}

impl From<UserListEntry> for UserBody {
    fn from(entry: UserListEntry) -> Self {
        Self {
            id: entry.id.0,
            username: known_username(&entry.username),
            role: entry.role.number(),
            role_name: entry.role.name(),
            email: entry.contact.as_ref().and_then(known_email),
            full_name: known_full_name(&entry.full_name),
            status: entry.status.name(),
            created_at: rfc3339(entry.created_at),
        }
    }
}

fn known_username(username: &Sensitive<Username>) -> Option<String> {
    username.known().map(|name| name.as_str().to_owned())
}

fn known_full_name(full_name: &Sensitive<Option<FullName>>) -> Option<String> {
    full_name.known().and_then(Option::as_ref).map(|name| name.as_str().to_owned())
}

fn known_email(contact: &Sensitive<ContactDetails>) -> Option<String> {
    contact.known().map(|details| details.email.as_str().to_owned())
}

pub(super) fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

/// A page of users.
#[derive(Serialize, ToSchema)]
pub(super) struct UserPage {
    items: Vec<UserBody>,
    /// The cursor of the next page; `null` on the last.
    next: Option<String>,
}

/// Name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"username": "usuario2", "password": "password2"}))]
pub(super) struct LogInBody {
    pub(super) username: String,
    #[schema(format = Password)]
    pub(super) password: String,
}

/// A session's tokens.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "access_token": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9…", "token": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9…",
    "token_type": "Bearer", "expires_in": 3600, "refresh_token": "pV3mJ0c9…", "must_change_password": false,
    "user": {"id": "0198f3a2-7c1e-7d30-9a51-5f0b2c9e4d11", "username": "usuario2", "role": 1}
}))]
pub(super) struct TokensBody {
    /// For `Authorization: Bearer …`.
    access_token: String,
    /// The same: older clients read this field.
    token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// Seconds until the access token expires.
    expires_in: u64,
    /// For `POST /token/refresh`; used once.
    refresh_token: String,
    /// Until `POST /me/password` everything but that and logging out is refused with the code
    /// `password_change_required`.
    must_change_password: bool,
    user: TokenUserBody,
}

/// Whose tokens they are.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenUserBody {
    id: Uuid,
    username: Option<String>,
    /// The role's number.
    role: u8,
}

impl From<Tokens> for TokensBody {
    fn from(tokens: Tokens) -> Self {
        Self {
            token: tokens.access.clone(),
            access_token: tokens.access,
            token_type: "Bearer",
            expires_in: tokens.expires_in.as_secs(),
            refresh_token: tokens.refresh.reveal(),
            must_change_password: tokens.account.must_change_password,
            user: TokenUserBody {
                id: tokens.user.0,
                username: known_username(&tokens.account.username),
                role: tokens.account.role.number(),
            },
        }
    }
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"refresh_token": "pV3mJ0c9…"}))]
pub(super) struct RefreshBody {
    pub(super) refresh_token: String,
}

/// Another password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"current_password": "password2", "new_password": "una frase larga"}))]
pub(super) struct PasswordChangeBody {
    #[schema(format = Password)]
    pub(super) current_password: String,
    /// At least 8 characters, in the demo 6; at most 128.
    #[schema(min_length = 6, max_length = 128, format = Password)]
    pub(super) new_password: String,
}

/// Whether a user has to choose another password before anything else.
#[derive(Serialize)]
pub(super) struct PasswordStandingBody {
    pub(super) must_change_password: bool,
}

/// From where revocations are asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RevocationsQuery {
    /// The `next` of the answer before; everything that still matters when absent.
    pub(super) after: Option<i64>,
}

/// Sessions whose access tokens must not be taken any more.
#[derive(Serialize)]
pub(super) struct RevocationsBody {
    pub(super) items: Vec<RevocationBody>,
    /// For the next `after`.
    pub(super) next: String,
}

/// One of them.
#[derive(Serialize)]
pub(super) struct RevocationBody {
    /// `session`: every token with that `sid`.
    pub(super) kind: &'static str,
    pub(super) id: Uuid,
    /// Microseconds since 1970.
    pub(super) at: i64,
}
