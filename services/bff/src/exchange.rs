//! A user's token for an internal one: for one service, for a minute.
use domain_kernel::Timestamp;
use domain_kernel::ports::Clock;
use infra_http::{Claims, Subject, TokenSigner};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// An internal token is used again for this long: half its life.
const REUSE_MILLIS: i64 = 30_000;
/// Tokens kept at most; beyond that all are made anew.
const KEPT: usize = 20_000;

/// On whose behalf a service is called.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OnBehalf<'c> {
    /// A signed-in user.
    User(&'c Claims),
    /// A client without a (valid) token.
    Anonymous,
    /// The gateway itself.
    Service(&'static str),
}

/// Makes internal tokens, and gives one again as long as it is young.
pub(crate) struct TokenExchange {
    signer: TokenSigner,
    clock: Arc<dyn Clock>,
    kept: Mutex<HashMap<Key, (Timestamp, Arc<str>)>>,
}

/// Which token for which service. A user's token is known by its id, which its signature covers.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key(Who, &'static str);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    Token(Uuid),
    Anonymous,
    Service,
}

impl TokenExchange {
    pub(crate) fn new(signer: TokenSigner, clock: Arc<dyn Clock>) -> Self {
        Self { signer, clock, kept: Mutex::default() }
    }

    /// A token for `service`; `None` when it cannot be signed.
    pub(crate) fn token(&self, on_behalf: OnBehalf<'_>, service: &'static str) -> Option<Arc<str>> {
        let now = self.clock.now();
        let who = match on_behalf {
            OnBehalf::User(claims) => Who::Token(claims.jti),
            OnBehalf::Anonymous => Who::Anonymous,
            OnBehalf::Service(_) => Who::Service,
        };
        let key = Key(who, service);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made, token)) = kept.get(&key)
            && (0..REUSE_MILLIS).contains(&now.millis_since(*made))
        {
            return Some(Arc::clone(token));
        }
        let token: Arc<str> = self.make(on_behalf, service, now)?.into();
        if kept.len() >= KEPT {
            kept.retain(|_, (made, _)| now.millis_since(*made) < REUSE_MILLIS);
            if kept.len() >= KEPT {
                kept.clear();
            }
        }
        kept.insert(key, (now, Arc::clone(&token)));
        Some(token)
    }

    fn make(&self, on_behalf: OnBehalf<'_>, service: &str, now: Timestamp) -> Option<String> {
        let (subject, role, session) = match on_behalf {
            OnBehalf::User(claims) => (claims.sub.clone(), claims.role, claims.sid),
            OnBehalf::Anonymous => (Subject::Anonymous, None, None),
            OnBehalf::Service(name) => (Subject::Service(name.to_owned()), None, None),
        };
        let claims = Claims::internal(subject, role, session, service, now, self.clock.unique_id());
        match self.signer.sign(&claims) {
            Ok(token) => Some(token),
            Err(error) => {
                tracing::error!(error = %error, "an internal token cannot be signed");
                None
            }
        }
    }
}
