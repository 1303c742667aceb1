//! Quotas per user, or per address for who has no token: one for writes, one for reads, one for all.
//!
//! Each is a bucket (GCRA, crate `governor`) that holds a third of a minute's requests and refills evenly. A process counts
//! for itself: several gateways together allow several times the quota.
use crate::Problem;
use crate::problem::whole_seconds;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;
use uuid::Uuid;

/// draft-ietf-httpapi-ratelimit-headers: what is left, as structured fields.
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// draft-ietf-httpapi-ratelimit-headers: what the quotas are.
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Requests a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Everything but GET and HEAD.
    pub post: NonZeroU32,
    /// GET and HEAD.
    pub get: NonZeroU32,
    /// Both together.
    pub all: NonZeroU32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self { post: per_minute(600), get: per_minute(1200), all: per_minute(1500) }
    }
}

/// A quota of that many requests a minute; none is taken as one.
#[must_use]
pub fn per_minute(requests: u32) -> NonZeroU32 {
    NonZeroU32::new(requests).unwrap_or(NonZeroU32::MIN)
}

/// Whose quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A user, from wherever.
    User(Uuid),
    /// An address; of IPv6 the network of 64 bits that one customer has.
    Address(IpAddr),
}

impl Key {
    /// The key of an address.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        match address {
            IpAddr::V6(address) => match address.to_ipv4_mapped() {
                Some(address) => Self::Address(IpAddr::V4(address)),
                None => {
                    let network = address.to_bits() & !u128::from(u64::MAX);
                    Self::Address(IpAddr::V6(Ipv6Addr::from_bits(network)))
                }
            },
            address @ IpAddr::V4(_) => Self::Address(address),
        }
    }
}

type Bucket = RateLimiter<Key, DefaultKeyedStateStore<Key>, DefaultClock, StateInformationMiddleware>;

/// Counts requests.
pub struct Limiter {
    post: Policy,
    get: Policy,
    all: Policy,
    clock: DefaultClock,
}

struct Policy {
    name: &'static str,
    per_minute: NonZeroU32,
    burst: NonZeroU32,
    bucket: Bucket,
}

/// What one bucket says.
struct Standing {
    name: &'static str,
    remaining: u32,
    /// Until the bucket is full again, or, when it is empty, until the next request.
    reset: Duration,
}

/// A request that may go on; its answer tells what is left.
pub struct Allowed {
    headers: [(HeaderName, String); 2],
}

impl Allowed {
    /// Writes the quota into an answer's headers.
    pub fn write(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
    }
}

impl Limiter {
    /// Empty counters.
    #[must_use]
    pub fn new(limits: RateLimits) -> Self {
        Self {
            post: Policy::new("post", limits.post),
            get: Policy::new("get", limits.get),
            all: Policy::new("all", limits.all),
            clock: DefaultClock::default(),
        }
    }

    /// Counts one request.
    ///
    /// # Errors
    /// 429 with `Retry-After` and the quota's headers.
    pub fn check(&self, key: Key, method: &Method) -> Result<Allowed, Problem> {
        let own = if matches!(*method, Method::GET | Method::HEAD) { &self.get } else { &self.post };
        let mut standings = Vec::with_capacity(2);
        for policy in [own, &self.all] {
            match policy.count(key, &self.clock) {
                Ok(standing) => standings.push(standing),
                Err(wait) => return Err(self.refusal(own, policy, wait)),
            }
        }
        let left: Vec<String> = standings.iter().map(Standing::item).collect();
        Ok(Allowed { headers: [(RATE_LIMIT_POLICY, self.policies(own)), (RATE_LIMIT, left.join(", "))] })
    }

    fn refusal(&self, own: &Policy, spent: &Policy, wait: Duration) -> Problem {
        metrics::counter!("http_quota_exceeded_total", "quota" => spent.name).increment(1);
        let standing = Standing { name: spent.name, remaining: 0, reset: wait };
        let problem =
            Problem::too_many_requests(wait).extension("violated-policies", serde_json::Value::from(vec![spent.name]));
        debug_assert_eq!(problem.status(), StatusCode::TOO_MANY_REQUESTS);
        [(RATE_LIMIT_POLICY, self.policies(own)), (RATE_LIMIT, standing.item())]
            .into_iter()
            .filter_map(|(name, value)| Some((name, HeaderValue::from_str(&value).ok()?)))
            .fold(problem, |problem, (name, value)| problem.header(name, value))
    }

    fn policies(&self, own: &Policy) -> String {
        [own, &self.all].map(|policy| format!("\"{}\";q={};w=60", policy.name, policy.per_minute)).join(", ")
    }

    /// Forgets whose bucket is full; call it now and then, or the table grows with every address ever seen.
    pub fn forget_idle(&self) {
        for policy in [&self.post, &self.get, &self.all] {
            policy.bucket.retain_recent();
        }
    }

    /// How many buckets are held.
    #[must_use]
    pub fn held(&self) -> usize {
        [&self.post, &self.get, &self.all].map(|policy| policy.bucket.len()).iter().sum()
    }
}

impl Policy {
    fn new(name: &'static str, per_minute: NonZeroU32) -> Self {
        let burst = NonZeroU32::new(per_minute.get() / 3).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_minute(per_minute).allow_burst(burst);
        let bucket = RateLimiter::keyed(quota).with_middleware::<StateInformationMiddleware>();
        Self { name, per_minute, burst, bucket }
    }

    /// Takes one; or how long to wait.
    fn count(&self, key: Key, clock: &DefaultClock) -> Result<Standing, Duration> {
        match self.bucket.check_key(&key) {
            Ok(snapshot) => {
                let remaining = snapshot.remaining_burst_capacity();
                let each = Duration::from_secs(60) / self.per_minute.get();
                let reset = each * self.burst.get().saturating_sub(remaining);
                Ok(Standing { name: self.name, remaining, reset })
            }
            Err(until) => Err(until.wait_time_from(clock.now())),
        }
    }
}

impl Standing {
    fn item(&self) -> String {
        format!("\"{}\";r={};t={}", self.name, self.remaining, whole_seconds(self.reset))
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("post", &self.post.per_minute)
            .field("get", &self.get.per_minute)
            .field("all", &self.all.per_minute)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header;
    use axum::response::IntoResponse;

    fn limiter() -> Limiter {
        Limiter::new(RateLimits { post: per_minute(3), get: per_minute(6), all: per_minute(30) })
    }

    const ONE: Key = Key::User(Uuid::from_u128(1));
    const OTHER: Key = Key::User(Uuid::from_u128(2));

    #[test]
    fn a_burst_is_a_third_of_a_minute() {
        let limiter = limiter();
        assert!(limiter.check(ONE, &Method::GET).is_ok());
        assert!(limiter.check(ONE, &Method::GET).is_ok());
        assert!(limiter.check(ONE, &Method::GET).is_err());
    }

    #[test]
    fn reads_writes_and_users_have_quotas_of_their_own() {
        let limiter = limiter();
        assert!(limiter.check(ONE, &Method::POST).is_ok());
        assert!(limiter.check(ONE, &Method::POST).is_err());
        assert!(limiter.check(ONE, &Method::GET).is_ok());
        assert!(limiter.check(OTHER, &Method::POST).is_ok());
    }

    #[test]
    fn all_together_have_a_quota_too() {
        let limiter = Limiter::new(RateLimits { post: per_minute(300), get: per_minute(300), all: per_minute(6) });
        assert!(limiter.check(ONE, &Method::POST).is_ok());
        assert!(limiter.check(ONE, &Method::GET).is_ok());
        assert!(limiter.check(ONE, &Method::GET).is_err());
    }

    #[test]
    fn a_refusal_says_when_to_come_back_and_which_quota_was_spent() {
        let limiter = limiter();
        let mut headers = HeaderMap::new();
        limiter.check(ONE, &Method::POST).unwrap_or_else(|_| panic!("the first is allowed")).write(&mut headers);
        assert_eq!(headers[RATE_LIMIT_POLICY], "\"post\";q=3;w=60, \"all\";q=30;w=60");
        assert_eq!(headers[RATE_LIMIT], "\"post\";r=0;t=20, \"all\";r=9;t=2");

        let refusal = limiter.check(ONE, &Method::POST).err().unwrap().into_response();
        assert_eq!(refusal.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(refusal.headers()[header::RETRY_AFTER], "20");
        assert_eq!(refusal.headers()[RATE_LIMIT], "\"post\";r=0;t=20");
    }

    #[test]
    fn an_ipv6_customer_has_one_quota_for_the_whole_network() {
        let key = |text: &str| Key::address(text.parse().unwrap());
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:2"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
    }
}
