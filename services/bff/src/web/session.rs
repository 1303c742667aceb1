//! Who is signed in with a browser.
//!
//! The browser has a random id and nothing else; the tokens that it stands for stay here, in memory. So a stolen cookie
//! is of use only until its session ends, a script reads neither id nor token, and a restart of the gateway signs
//! browsers out (several gateways need a balancer that keeps a browser at one of them).
//! 1. A session ends half an hour after its last use and twelve hours after its beginning, whatever its tokens say.
//! 2. Sessions are bounded, altogether and per user; the one that was not used for longest makes room.
//! 3. Tokens are refreshed once, however many requests wait for them: a refresh token used twice ends the session.
use crate::USERS;
use crate::exchange::OnBehalf;
use crate::gateway::{DEADLINE, Gateway, Session, no_answer};
use axum::body::Bytes;
use axum::http::{Request, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain_kernel::ports::Clock;
use domain_kernel::{Role, Timestamp};
use infra_http::{Problem, RequestIds};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Mutex as AsyncMutex;
use uuid::Uuid;

/// Without use a session ends after this.
const IDLE_SECONDS: i64 = 30 * 60;
/// And after this in any case.
const WHOLE_SECONDS: i64 = 12 * 60 * 60;
/// Sessions at most; a browser's takes less than 4 KiB.
const MOST: usize = 10_000;
/// Of one user.
const MOST_OF_ONE: usize = 20;
/// An access token with less left than this is refreshed first.
const MARGIN_SECONDS: i64 = 30;

/// Text that nobody guesses: 256 random bits.
///
/// # Errors
/// The operating system has no randomness to give.
pub(crate) fn random_text() -> Result<String, Problem> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!(error = %error, "there is no randomness for a session");
        Problem::internal()
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What `POST /login` and `POST /token/refresh` answer.
#[derive(Deserialize)]
pub(super) struct Granted {
    access_token: String,
    refresh_token: String,
    expires_in: i64,
    /// Somebody else chose the password: until it is another one, nothing else is answered.
    #[serde(default)]
    pub(super) must_change_password: bool,
    user: GrantedUser,
}

#[derive(Deserialize)]
struct GrantedUser {
    id: Uuid,
    role: i64,
}

struct Tokens {
    access: String,
    refresh: String,
    expires: Timestamp,
}

impl Tokens {
    fn of(granted: Granted, now: Timestamp) -> Self {
        let Granted { access_token: access, refresh_token: refresh, expires_in, .. } = granted;
        Self { access, refresh, expires: now.plus_seconds(expires_in) }
    }

    /// How long the access token lives, in milliseconds.
    fn left(&self, now: Timestamp) -> i64 {
        self.expires.millis_since(now)
    }
}

/// One browser's session.
pub(crate) struct BrowserSession {
    /// In every form of the session's pages: another site cannot know it.
    pub(crate) form_token: String,
    pub(crate) user: Uuid,
    /// As it was at the sign-in, to show what is of interest; what may be done is decided by the token of each request.
    pub(crate) role: Option<Role>,
    id: String,
    begun: Timestamp,
    used: AtomicI64,
    tokens: AsyncMutex<Tokens>,
}

impl BrowserSession {
    fn is_over(&self, now: Timestamp) -> bool {
        let unused = Timestamp(self.used.load(Ordering::Relaxed)).plus_seconds(IDLE_SECONDS);
        now >= unused || now >= self.begun.plus_seconds(WHOLE_SECONDS)
    }
}

/// Every browser's session.
pub(crate) struct BrowserSessions {
    clock: Arc<dyn Clock>,
    kept: Mutex<HashMap<String, Arc<BrowserSession>>>,
}

impl BrowserSessions {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, kept: Mutex::default() }
    }

    /// Begins a session; its id is for the browser's cookie.
    pub(super) fn begin(&self, granted: Granted) -> Result<String, Problem> {
        let now = self.clock.now();
        let id = random_text()?;
        let session = Arc::new(BrowserSession {
            form_token: random_text()?,
            user: granted.user.id,
            role: Role::from_number(granted.user.role).ok(),
            id: id.clone(),
            begun: now,
            used: AtomicI64::new(now.0),
            tokens: AsyncMutex::new(Tokens::of(granted, now)),
        });
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut kept, session.user, now);
        kept.insert(id.clone(), session);
        Ok(id)
    }

    /// The session of a cookie, which thereby is in use.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<BrowserSession>> {
        let session = self.peek(id)?;
        session.used.fetch_max(self.clock.now().0, Ordering::Relaxed);
        Some(session)
    }

    /// Whether a session goes on; asking is no use of it.
    pub(crate) fn goes_on(&self, session: &BrowserSession) -> bool {
        self.peek(&session.id).is_some()
    }

    fn peek(&self, id: &str) -> Option<Arc<BrowserSession>> {
        let now = self.clock.now();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let session = kept.get(id)?;
        if session.is_over(now) {
            kept.remove(id);
            return None;
        }
        Some(Arc::clone(session))
    }

    /// Forgets a session; its tokens with it.
    pub(crate) fn end(&self, session: &BrowserSession) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(&session.id);
    }

    /// Forgets the sessions that are over.
    pub(crate) fn forget_ended(&self) {
        let now = self.clock.now();
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, session| !session.is_over(now));
    }
}

/// Drops what is over and, where there are too many sessions still, those that were not used for longest.
fn make_room(kept: &mut HashMap<String, Arc<BrowserSession>>, user: Uuid, now: Timestamp) {
    let of_user = |session: &BrowserSession| session.user == user;
    if kept.len() >= MOST || kept.values().filter(|session| of_user(session)).count() >= MOST_OF_ONE {
        kept.retain(|_, session| !session.is_over(now));
    }
    while kept.values().filter(|session| of_user(session)).count() >= MOST_OF_ONE {
        drop_longest_unused(kept, &of_user);
    }
    while kept.len() >= MOST {
        drop_longest_unused(kept, &|_| true);
    }
}

fn drop_longest_unused(kept: &mut HashMap<String, Arc<BrowserSession>>, of: &dyn Fn(&BrowserSession) -> bool) {
    let candidates = kept.values().filter(|session| of(session));
    let longest = candidates.min_by_key(|session| session.used.load(Ordering::Relaxed)).map(|found| found.id.clone());
    if let Some(id) = longest {
        kept.remove(&id);
    }
}

impl Gateway {
    /// Whom a browser's session stands for now, by the same rules as a token: valid, not revoked.
    ///
    /// # Errors
    /// 401 when it stands for nobody any more, and then it is over; 503 when that cannot be known now.
    pub(crate) async fn browsing(
        self: &Arc<Self>,
        browser: &Arc<BrowserSession>,
        ids: Option<&RequestIds>,
    ) -> Result<Session, Problem> {
        let session = match self.access_token(browser, ids).await {
            Ok(token) => self.session(&token).await,
            Err(problem) => Err(problem),
        };
        if session.as_ref().is_err_and(|problem| problem.status() == StatusCode::UNAUTHORIZED) {
            self.browsers.end(browser);
        }
        session
    }

    /// An access token with some life left.
    async fn access_token(
        self: &Arc<Self>,
        browser: &Arc<BrowserSession>,
        ids: Option<&RequestIds>,
    ) -> Result<String, Problem> {
        {
            let tokens = browser.tokens.lock().await;
            if tokens.left(self.browsers.clock.now()) > MARGIN_SECONDS * 1_000 {
                return Ok(tokens.access.clone());
            }
        }
        let (gateway, browser, ids) = (Arc::clone(self), Arc::clone(browser), ids.cloned());
        // It goes on when the browser that asked does not wait: a refresh token whose answer is lost is used up.
        let refreshed = tokio::spawn(async move { gateway.refreshed_token(&browser, ids.as_ref()).await });
        refreshed.await.map_err(|_| Problem::internal())?
    }

    /// The same from the users service. Who comes meanwhile waits, and finds the new one.
    async fn refreshed_token(&self, browser: &BrowserSession, ids: Option<&RequestIds>) -> Result<String, Problem> {
        let mut tokens = browser.tokens.lock().await;
        if tokens.left(self.browsers.clock.now()) <= MARGIN_SECONDS * 1_000 {
            let body = serde_json::json!({"refresh_token": tokens.refresh});
            match self.ask_for_tokens("/token/refresh", &body, ids).await {
                Ok(granted) => *tokens = Tokens::of(granted, self.browsers.clock.now()),
                // The users service is away: the token that is there still holds for a moment.
                Err(problem) if problem.status().is_server_error() && tokens.left(self.browsers.clock.now()) > 0 => {}
                Err(problem) => return Err(problem),
            }
        }
        Ok(tokens.access.clone())
    }

    /// # Errors
    /// The users service's refusal, or 503.
    pub(super) async fn ask_for_tokens(
        &self,
        path: &'static str,
        body: &serde_json::Value,
        ids: Option<&RequestIds>,
    ) -> Result<Granted, Problem> {
        let body = serde_json::to_vec(body).map_err(|_| Problem::internal())?;
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(body))
            .map_err(|_| Problem::internal())?;
        let answer =
            self.call(USERS, OnBehalf::Anonymous, request, ids, DEADLINE).await.map_err(|_| no_answer(USERS))?;
        if !answer.status().is_success() {
            return Err(super::problem::of_answer(&answer));
        }
        serde_json::from_slice(answer.body()).map_err(|_| no_answer(USERS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    struct Settable(AtomicI64, AtomicU64);

    impl Clock for Settable {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.load(Ordering::Relaxed))
        }

        fn unique_id(&self) -> Uuid {
            Uuid::from_u128(self.1.fetch_add(1, Ordering::Relaxed).into())
        }
    }

    impl Settable {
        fn pass(&self, seconds: i64) {
            self.0.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
        }
    }

    fn sessions() -> (Arc<Settable>, BrowserSessions) {
        let clock = Arc::new(Settable(AtomicI64::new(1_800_000_000_000_000), AtomicU64::new(1)));
        (Arc::clone(&clock), BrowserSessions::new(clock))
    }

    fn granted(user: u128) -> Granted {
        let user = GrantedUser { id: Uuid::from_u128(user), role: 4 };
        Granted {
            access_token: "a".to_owned(),
            refresh_token: "r".to_owned(),
            expires_in: 300,
            must_change_password: false,
            user,
        }
    }

    #[test]
    fn a_session_ends_half_an_hour_after_its_last_use() {
        let (clock, sessions) = sessions();
        let id = sessions.begin(granted(1)).unwrap();
        clock.pass(IDLE_SECONDS - 1);
        let session = sessions.find(&id).unwrap();
        clock.pass(IDLE_SECONDS - 1);
        assert!(sessions.goes_on(&session), "it was used in between");
        clock.pass(1);
        assert!(!sessions.goes_on(&session), "and asking is no use");
        assert!(sessions.find(&id).is_none());
    }

    #[test]
    fn a_session_ends_after_half_a_day_in_any_case() {
        let (clock, sessions) = sessions();
        let id = sessions.begin(granted(1)).unwrap();
        for _ in 0..WHOLE_SECONDS / 600 - 1 {
            clock.pass(600);
            assert!(sessions.find(&id).is_some());
        }
        clock.pass(600);
        assert!(sessions.find(&id).is_none());
    }

    #[test]
    fn a_user_has_twenty_sessions_at_most_and_takes_nobody_elses_room() {
        let (clock, sessions) = sessions();
        let other = sessions.begin(granted(2)).unwrap();
        let ids: Vec<String> = (0..=MOST_OF_ONE)
            .map(|_| {
                clock.pass(1);
                sessions.begin(granted(1)).unwrap()
            })
            .collect();
        assert!(sessions.find(&ids[0]).is_none(), "the one that was not used for longest");
        assert!(ids[1..].iter().all(|id| sessions.find(id).is_some()));
        assert!(sessions.find(&other).is_some());
    }

    #[test]
    fn what_ended_is_forgotten() {
        let (clock, sessions) = sessions();
        for user in 0..10 {
            sessions.begin(granted(user)).unwrap();
        }
        clock.pass(IDLE_SECONDS);
        sessions.forget_ended();
        assert_eq!(sessions.kept.lock().unwrap().len(), 0);
    }

    #[test]
    fn no_two_ids_are_alike_and_each_has_256_bits() {
        let (one, other) = (random_text().unwrap(), random_text().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 43);
    }
}
