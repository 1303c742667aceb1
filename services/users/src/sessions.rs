//! Sessions: families of refresh tokens, and the revocations that the gateway asks for.
//!
//! What always holds:
//! 1. of a refresh token only its SHA-256 is kept, and it is used once: one statement takes it and puts its successor
//!    there;
//! 2. a session ends twelve hours after its log-in at the latest, and earlier when nobody refreshes it;
//! 3. whoever revokes a session also leaves a revocation, so that its access tokens end within seconds.
use crate::database::{DatabaseError, moment};
use crate::statements;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use domain_kernel::{Hash, Timestamp, UserId};
use domain_users::{RevokedSessions, SessionId};
use infra_runtime::Profile;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use std::fmt;
use std::time::Duration;
use uuid::Uuid;

/// How long tokens and sessions live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenLives {
    /// An access token, from its issue.
    pub access: Duration,
    /// A refresh token, from its issue: who does not come back within it has to log in again.
    pub idle: Duration,
    /// A session, from its log-in: a clinical shift.
    pub session: Duration,
}

impl TokenLives {
    /// Five minutes, half an hour, a shift; in the demo access tokens live for an hour, so that who tries things out by
    /// hand need not refresh, and a refresh token outlives the access token it came with.
    #[must_use]
    pub fn of(profile: Profile) -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let (access, idle) = match profile {
            Profile::Demo => (minutes(60), minutes(90)),
            Profile::Production => (minutes(5), minutes(30)),
        };
        Self { access, idle, session: minutes(12 * 60) }
    }
}

/// 256 random bits, base64url: whoever has them may have the next access token. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RefreshToken(String);

impl RefreshToken {
    fn random() -> Result<Self, SessionError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| SessionError::NoRandomness)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// One that a client sent.
    pub(crate) fn presented(text: String) -> Self {
        Self(text)
    }

    /// For the client.
    pub(crate) fn reveal(self) -> String {
        self.0
    }

    fn digest(&self) -> Hash {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[refresh token]")
    }
}

/// Why a session was not opened or refreshed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// The tables were not read or written.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The operating system gives no random bytes.
    #[error("there is no randomness")]
    NoRandomness,
}

impl From<sqlx::Error> for SessionError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// What is known of a presented refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FoundToken {
    pub(crate) session: SessionId,
    pub(crate) user: UserId,
    /// It was used before: it, or its successor, is in the wrong hands.
    pub(crate) used: bool,
}

/// A session whose access tokens must not be taken any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Revocation {
    pub(crate) session: SessionId,
    pub(crate) at: Timestamp,
    /// When the database wrote it, in microseconds: the reader's next cursor.
    pub(crate) recorded: i64,
}

/// Keeps the sessions in the users database.
#[derive(Clone)]
pub(crate) struct Sessions {
    pool: PgPool,
    lives: TokenLives,
}

impl Sessions {
    pub(crate) fn new(pool: PgPool, lives: TokenLives) -> Self {
        Self { pool, lives }
    }

    /// Opens a session and gives its first refresh token.
    pub(crate) async fn open(
        &self,
        session: SessionId,
        user: UserId,
        now: Timestamp,
    ) -> Result<RefreshToken, SessionError> {
        let token = RefreshToken::random()?;
        sqlx::query(statements::SESSION_OPEN)
            .bind(session.0)
            .bind(user.0)
            .bind(moment(now))
            .bind(moment(now) + self.lives.session)
            .bind(token.digest().as_slice())
            .bind(moment(now) + self.lives.idle)
            .execute(&self.pool)
            .await?;
        Ok(token)
    }

    /// Whose token it is; `None` for one that we never gave out, or forgot.
    pub(crate) async fn find(&self, token: &RefreshToken) -> Result<Option<FoundToken>, SessionError> {
        let found: Option<(Uuid, Uuid, bool)> =
            sqlx::query_as(statements::REFRESH_FIND).bind(token.digest().as_slice()).fetch_optional(&self.pool).await?;
        Ok(found.map(|(session, user, used)| FoundToken { session: SessionId(session), user: UserId(user), used }))
    }

    /// Uses a token up and gives its successor; `None` when it was used, idled too long, or its session is over.
    pub(crate) async fn refresh(
        &self,
        token: &RefreshToken,
        now: Timestamp,
    ) -> Result<Option<RefreshToken>, SessionError> {
        let next = RefreshToken::random()?;
        let session: Option<(Uuid,)> = sqlx::query_as(statements::REFRESH_USE)
            .bind(token.digest().as_slice())
            .bind(next.digest().as_slice())
            .bind(moment(now))
            .bind(moment(now) + self.lives.idle)
            .fetch_optional(&self.pool)
            .await?;
        Ok(session.map(|_| next))
    }

    /// Ends the named sessions of `user` that were opened until then; tells how many there were.
    pub(crate) async fn revoke(
        &self,
        user: UserId,
        sessions: RevokedSessions,
        opened_until: Timestamp,
        now: Timestamp,
    ) -> Result<u64, SessionError> {
        let (only, all_but) = match sessions {
            RevokedSessions::All => (None, None),
            RevokedSessions::AllBut(session) => (None, Some(session.0)),
            RevokedSessions::Only(session) => (Some(session.0), None),
        };
        let revoked = sqlx::query(statements::SESSION_REVOKE)
            .bind(user.0)
            .bind(moment(opened_until))
            .bind(moment(now))
            .bind(only)
            .bind(all_but)
            .execute(&self.pool)
            .await?;
        Ok(revoked.rows_affected())
    }

    /// What was revoked since `after` (microseconds, as of [`Revocation::recorded`]), and the ten seconds before.
    pub(crate) async fn revocations(&self, after: i64) -> Result<Vec<Revocation>, SessionError> {
        let rows: Vec<(Uuid, DateTime<Utc>, i64)> =
            sqlx::query_as(statements::REVOCATION_LIST).bind(after).fetch_all(&self.pool).await?;
        Ok(rows
            .into_iter()
            .map(|(session, at, recorded)| Revocation {
                session: SessionId(session),
                at: Timestamp(at.timestamp_micros()),
                recorded,
            })
            .collect())
    }

    /// Forgets what no longer matters: sessions that are over for a day, revocations of expired access tokens.
    pub(crate) async fn prune(&self, now: Timestamp) -> Result<(), SessionError> {
        let day = Duration::from_secs(24 * 60 * 60);
        sqlx::query(statements::PRUNE_SESSIONS).bind(moment(now) - day).execute(&self.pool).await?;
        // Twice an access token's life: what other clocks say need not be what ours says.
        let expired = moment(now) - 2 * self.lives.access;
        sqlx::query(statements::PRUNE_REVOCATIONS).bind(expired).execute(&self.pool).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_token_lives_5_minutes_and_60_in_the_demo() {
        assert_eq!(TokenLives::of(Profile::Production).access, Duration::from_secs(300));
        assert_eq!(TokenLives::of(Profile::Demo).access, Duration::from_secs(3600));
    }

    #[test]
    fn a_session_idles_half_an_hour_and_ends_after_a_shift() {
        let lives = TokenLives::of(Profile::Production);
        assert_eq!((lives.idle, lives.session), (Duration::from_secs(1800), Duration::from_secs(43_200)));
    }

    #[test]
    fn a_refresh_token_outlives_its_access_token() {
        for profile in [Profile::Demo, Profile::Production] {
            let lives = TokenLives::of(profile);
            assert!(lives.idle > lives.access);
        }
    }

    #[test]
    fn a_refresh_token_is_256_random_bits_and_never_printed() {
        let token = RefreshToken::random().unwrap();
        assert_eq!(token.0.len(), 43);
        assert_ne!(token, RefreshToken::random().unwrap());
        assert_eq!(format!("{token:?}"), "[refresh token]");
    }
}
