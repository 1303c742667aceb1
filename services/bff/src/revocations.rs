//! Which sessions have ended before their tokens do.
//!
//! Asked for each second, so that a log-out is known everywhere well within five seconds. While the users service is down
//! the last known set holds; before it was ever known nobody signed in gets through, because a revoked token might.
use crate::USERS;
use crate::gateway::Gateway;
use domain_kernel::Timestamp;
use domain_kernel::ports::Clock;
use infra_http::{Claims, Subject};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

const PERIOD: Duration = Duration::from_secs(1);
/// How long a request waits for the first answer of the users service.
const FIRST_ANSWER: Duration = Duration::from_secs(3);
/// After this a revocation is forgotten: no token lives as long.
const REMEMBERED_SECONDS: i64 = 24 * 60 * 60;

pub(crate) struct Revocations {
    clock: Arc<dyn Clock>,
    ended: RwLock<Ended>,
    known: watch::Sender<bool>,
}

#[derive(Default)]
struct Ended {
    sessions: HashMap<Uuid, Timestamp>,
    /// Tokens of the user that were issued up to then.
    users: HashMap<Uuid, Timestamp>,
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<Item>,
    next: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Item {
    kind: String,
    id: Uuid,
    at: i64,
}

impl Revocations {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, ended: RwLock::default(), known: watch::Sender::new(false) }
    }

    /// Asks the users service each second, for ever.
    pub(crate) async fn follow(&self, gateway: &Gateway) {
        let mut after: Option<String> = None;
        let mut stale = false;
        loop {
            let path = match &after {
                Some(after) => format!("/internal/revocations?after={after}"),
                None => "/internal/revocations".to_owned(),
            };
            let answer = gateway.get_for_itself(USERS, &path).await.map(serde_json::from_value::<Answer>);
            match answer {
                Some(Ok(answer)) => {
                    if std::mem::take(&mut stale) {
                        tracing::info!("the users service tells of revocations again");
                    }
                    let items = answer.items.len();
                    self.learn(answer.items);
                    let next = answer.next.as_ref().and_then(cursor);
                    let moved = next.is_some() && next != after;
                    after = next.or(after);
                    if moved && items > 0 {
                        // There may be more than one page; what is known must be whole before it counts as known.
                        continue;
                    }
                    self.known.send_replace(true);
                }
                Some(Err(_)) => tracing::warn!("the users service's revocations cannot be read"),
                None => {
                    metrics::counter!("gateway_revocations_stale_total").increment(1);
                    if !std::mem::replace(&mut stale, true) {
                        tracing::warn!("the users service tells of no revocations: the last known ones hold");
                    }
                }
            }
            tokio::time::sleep(PERIOD).await;
        }
    }

    fn learn(&self, items: Vec<Item>) {
        let horizon = self.clock.now().plus_seconds(-REMEMBERED_SECONDS);
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        for item in items {
            let at = Timestamp(item.at);
            let known = match item.kind.as_str() {
                "session" => ended.sessions.entry(item.id).or_insert(at),
                "user" => ended.users.entry(item.id).or_insert(at),
                _ => {
                    tracing::warn!("the users service tells of a revocation of a kind that is not known here");
                    continue;
                }
            };
            *known = at.max(*known);
        }
        ended.sessions.retain(|_, at| *at > horizon);
        ended.users.retain(|_, at| *at > horizon);
    }

    /// Whether the token was revoked: its session ended, or it is older than what its user still allows.
    pub(crate) fn revoked(&self, claims: &Claims) -> bool {
        let ended = self.ended.read().unwrap_or_else(PoisonError::into_inner);
        let session = claims.sid.is_some_and(|session| ended.sessions.contains_key(&session));
        let user = match &claims.sub {
            Subject::User(user) => ended.users.get(&user.0).is_some_and(|not_before| *not_before > claims.issued_at),
            Subject::Anonymous | Subject::Service(_) => false,
        };
        session || user
    }

    /// Whether it is known what is revoked; waits a little when it is not.
    pub(crate) async fn are_known(&self) -> bool {
        let mut known = self.known.subscribe();
        if *known.borrow_and_update() {
            return true;
        }
        matches!(tokio::time::timeout(FIRST_ANSWER, known.wait_for(|known| *known)).await, Ok(Ok(_)))
    }
}

/// A cursor as a query's value: a number, or text of characters that need no escape.
fn cursor(next: &serde_json::Value) -> Option<String> {
    let text = match next {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    (!text.is_empty() && text.bytes().all(plain)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain_kernel::{Role, UserId};

    struct At(i64);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp(self.0)
        }

        fn unique_id(&self) -> Uuid {
            Uuid::nil()
        }
    }

    const NOW: i64 = 1_800_000_000_000_000;

    fn item(kind: &str, id: u128, at: i64) -> Item {
        Item { kind: kind.to_owned(), id: Uuid::from_u128(id), at }
    }

    fn claims(issued: i64) -> Claims {
        let (user, session) = (UserId(Uuid::from_u128(1)), Uuid::from_u128(2));
        Claims::user(user, Role::Laboratory, session, Timestamp(issued), 300, Uuid::from_u128(3))
    }

    fn revocations(items: Vec<Item>) -> Revocations {
        let revocations = Revocations::new(Arc::new(At(NOW)));
        revocations.learn(items);
        revocations
    }

    #[test]
    fn a_session_that_ended_is_over_whenever_its_token_was_issued() {
        let revocations = revocations(vec![item("session", 2, NOW)]);
        assert!(revocations.revoked(&claims(NOW - 1)));
        assert!(revocations.revoked(&claims(NOW + 1)));
    }

    #[test]
    fn a_user_who_ended_all_sessions_may_log_in_again_within_the_same_second() {
        let revocations = revocations(vec![item("user", 1, NOW + 300_000)]);
        assert!(revocations.revoked(&claims(NOW)));
        assert!(!revocations.revoked(&claims(NOW + 300_000)));
    }

    #[test]
    fn other_users_and_sessions_go_on() {
        let revocations = revocations(vec![item("user", 8, NOW), item("session", 9, NOW), item("key", 1, NOW)]);
        assert!(!revocations.revoked(&claims(NOW - 1)));
    }

    #[test]
    fn the_latest_revocation_of_a_user_counts() {
        let revocations = revocations(vec![item("user", 1, NOW), item("user", 1, NOW - 500)]);
        assert!(revocations.revoked(&claims(NOW - 1)));
    }

    #[test]
    fn a_revocation_that_outlived_every_token_is_forgotten() {
        let old = NOW - (REMEMBERED_SECONDS + 1) * 1_000_000;
        assert!(!revocations(vec![item("session", 2, old)]).revoked(&claims(NOW)));
    }

    #[test]
    fn a_cursor_that_would_need_escaping_is_not_used() {
        assert_eq!(cursor(&serde_json::json!(17)).as_deref(), Some("17"));
        assert_eq!(cursor(&serde_json::json!("a-b_c")).as_deref(), Some("a-b_c"));
        assert_eq!(cursor(&serde_json::json!("a&b=c")), None);
        assert_eq!(cursor(&serde_json::json!(null)), None);
    }
}
