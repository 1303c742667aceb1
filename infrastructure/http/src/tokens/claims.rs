//! What a token says.
use super::{GATEWAY_ISSUER, USERS_AUDIENCE, USERS_ISSUER};
use domain_kernel::{Role, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long an internal token lives: long enough for one request with its repeats.
pub const INTERNAL_LIFETIME_SECONDS: i64 = 60;

/// On whose behalf a request is made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A user.
    User(UserId),
    /// Nobody: a request without a token, on an internal token.
    Anonymous,
    /// A service for itself, such as the gateway asking for revocations; internal tokens only.
    Service(String),
}

/// What a token says. Ids only: a token is no secret kept from its bearer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Claims {
    /// Who.
    pub sub: Subject,
    /// The user's role; `None` for who is no user.
    pub role: Option<Role>,
    /// The log-in that it belongs to; revoked as one.
    pub sid: Option<Uuid>,
    /// When it was issued the user had to choose another password before anything else; users' tokens only.
    pub must_change_password: bool,
    /// When it ends, seconds since 1970.
    pub exp: i64,
    /// When it was issued, seconds since 1970.
    pub iat: i64,
    /// The same to the microsecond, so that a log-in just after "everything before now is revoked" holds.
    pub issued_at: Timestamp,
    /// When it begins, seconds since 1970.
    pub nbf: i64,
    /// Who issued it.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    /// This very token.
    pub jti: Uuid,
}

impl Claims {
    /// A user's token: issued by the users service for the gateway.
    #[must_use]
    pub fn user(user: UserId, role: Role, session: Uuid, now: Timestamp, lifetime_seconds: i64, id: Uuid) -> Self {
        Self::new(
            Subject::User(user),
            Some(role),
            Some(session),
            (USERS_ISSUER, USERS_AUDIENCE),
            now,
            lifetime_seconds,
            id,
        )
    }

    /// The same for a user who has to choose another password first, or not.
    #[must_use]
    pub fn with_password_change(self, must_change_password: bool) -> Self {
        Self { must_change_password, ..self }
    }

    /// An internal token: issued by the gateway for one service.
    #[must_use]
    pub fn internal(
        subject: Subject,
        role: Option<Role>,
        session: Option<Uuid>,
        service: &str,
        now: Timestamp,
        id: Uuid,
    ) -> Self {
        Self::new(subject, role, session, (GATEWAY_ISSUER, service), now, INTERNAL_LIFETIME_SECONDS, id)
    }

    fn new(
        sub: Subject,
        role: Option<Role>,
        sid: Option<Uuid>,
        (issuer, audience): (&str, &str),
        now: Timestamp,
        lifetime_seconds: i64,
        jti: Uuid,
    ) -> Self {
        let seconds = now.0.div_euclid(1_000_000);
        Self {
            sub,
            role,
            sid,
            must_change_password: false,
            exp: seconds.saturating_add(lifetime_seconds),
            iat: seconds,
            issued_at: now,
            nbf: seconds,
            iss: issuer.to_owned(),
            aud: audience.to_owned(),
            jti,
        }
    }
}

/// The claims as JSON. An audience that is a list, a fractional time or a missing claim does not fit.
#[derive(Clone, Serialize, Deserialize)]
struct Wire {
    sub: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<Uuid>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    must_change_password: bool,
    exp: i64,
    iat: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iat_us: Option<i64>,
    nbf: i64,
    iss: String,
    aud: String,
    jti: Uuid,
}

impl From<Claims> for Wire {
    fn from(claims: Claims) -> Self {
        Self {
            sub: match claims.sub {
                Subject::User(user) => user.to_string(),
                Subject::Anonymous => "anonymous".to_owned(),
                Subject::Service(name) => format!("service:{name}"),
            },
            role: claims.role.map(Role::number),
            sid: claims.sid,
            must_change_password: claims.must_change_password,
            exp: claims.exp,
            iat: claims.iat,
            iat_us: Some(claims.issued_at.0),
            nbf: claims.nbf,
            iss: claims.iss,
            aud: claims.aud,
            jti: claims.jti,
        }
    }
}

impl TryFrom<Wire> for Claims {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, &'static str> {
        let role = wire
            .role
            .map(|number| Role::from_number(number.into()))
            .transpose()
            .map_err(|_| "a role that does not exist")?;
        let sub = if wire.sub == "anonymous" {
            Subject::Anonymous
        } else if let Some(name) = wire.sub.strip_prefix("service:") {
            Subject::Service(name.to_owned())
        } else {
            Subject::User(wire.sub.parse().map_err(|_| "a subject that is no user")?)
        };
        if matches!(sub, Subject::User(_)) != role.is_some() {
            return Err("users have a role, nobody else has");
        }
        Ok(Self {
            sub,
            role,
            sid: wire.sid,
            must_change_password: wire.must_change_password,
            exp: wire.exp,
            iat: wire.iat,
            issued_at: Timestamp(wire.iat_us.unwrap_or_else(|| wire.iat.saturating_mul(1_000_000))),
            nbf: wire.nbf,
            iss: wire.iss,
            aud: wire.aud,
            jti: wire.jti,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> Claims {
        let (user, session, id) = (UserId(Uuid::from_u128(1)), Uuid::from_u128(2), Uuid::from_u128(3));
        Claims::user(user, Role::Laboratory, session, Timestamp(1_800_000_000_000_007), 300, id)
    }

    #[test]
    fn claims_come_back_as_they_went() {
        let now = Timestamp(1_800_000_000_000_007);
        let internal = |subject| Claims::internal(subject, None, None, "results", now, Uuid::from_u128(4));
        let service = internal(Subject::Service("bff".to_owned()));
        for claims in [user(), user().with_password_change(true), internal(Subject::Anonymous), service] {
            let text = serde_json::to_string(&claims).unwrap();
            assert_eq!(serde_json::from_str::<Claims>(&text).unwrap(), claims, "{text}");
        }
        assert!(user().with_password_change(true).must_change_password);
        assert_eq!(user().with_password_change(true).with_password_change(false), user());
    }

    #[test]
    fn users_have_a_role_and_nobody_else_has() {
        let said = serde_json::to_value(user()).unwrap();
        let read = |name: &str, value: serde_json::Value| {
            let mut said = said.clone();
            said[name] = value;
            serde_json::from_value::<Claims>(said).map_err(|error| error.to_string())
        };
        assert!(read("role", serde_json::json!(2)).is_ok());
        assert!(read("role", serde_json::json!(99)).is_err());
        assert!(read("role", serde_json::Value::Null).is_err());
        for nobody in ["anonymous", "service:bff"] {
            assert_eq!(read("sub", serde_json::json!(nobody)), Err("users have a role, nobody else has".to_owned()));
        }
        assert!(read("sub", serde_json::json!("root")).is_err());
    }
}
