//! How far the readers of the global order are held back.
//!
//! A reader sees an event only when no older transaction of the whole cluster can still commit. One transaction that
//! stays open, in whichever database, therefore delays every consumer and projection: its age is a figure to watch.
use crate::Supervisor;
use sqlx::PgPool;
use std::time::{Duration, Instant};

/// How often it is looked at.
const PERIOD: Duration = Duration::from_secs(1);
/// From this age on it is logged: twenty times what a writing transaction may take.
const TOO_OLD: Duration = Duration::from_secs(5);

/// The oldest transaction that may still commit, and one past the newest that has ended: between them lies what readers
/// may not see yet. Any role may ask.
pub const STATEMENT: &str = "select pg_snapshot_xmin(seen)::text::bigint, pg_snapshot_xmax(seen)::text::bigint \
                             from pg_current_snapshot() as seen";

/// Watches the cluster of `pool` as the task `snapshot age`, with two gauges:
/// `historia_snapshot_age_seconds` (how long the same transaction has been the oldest; 0 while nothing waits) and
/// `historia_snapshot_behind_transactions` (how many transaction ids that hides).
pub fn watch(pool: PgPool, supervisor: &Supervisor) {
    supervisor.spawn("snapshot age", move |stop| {
        let pool = pool.clone();
        Box::pin(async move {
            let mut oldest = Oldest::default();
            while stop.run_until_cancelled(tokio::time::sleep(PERIOD)).await.is_some() {
                let (xmin, xmax) = sqlx::query_as::<_, (i64, i64)>(STATEMENT).fetch_one(&pool).await?;
                let age = oldest.seen(xmin, xmax, Instant::now());
                ::metrics::gauge!("historia_snapshot_age_seconds").set(age.as_secs_f64());
                let behind = u32::try_from(xmax.saturating_sub(xmin)).unwrap_or(u32::MAX);
                ::metrics::gauge!("historia_snapshot_behind_transactions").set(f64::from(behind));
            }
            Ok(())
        })
    });
}

/// The oldest open transaction and since when it has been seen as that.
#[derive(Default)]
struct Oldest {
    since: Option<(i64, Instant)>,
    told: bool,
}

impl Oldest {
    fn seen(&mut self, xmin: i64, xmax: i64, now: Instant) -> Duration {
        if xmin >= xmax {
            *self = Self::default();
            return Duration::ZERO;
        }
        let since = match self.since {
            Some((same, since)) if same == xmin => since,
            _ => {
                *self = Self { since: Some((xmin, now)), told: false };
                now
            }
        };
        let age = now.duration_since(since);
        if age >= TOO_OLD && !self.told {
            self.told = true;
            tracing::warn!(age_s = age.as_secs(), "an open transaction holds back every reader of this cluster");
        }
        age
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_transaction_that_stays_the_oldest_grows_old() {
        let begun = Instant::now();
        let later = |seconds| begun + Duration::from_secs(seconds);
        let mut oldest = Oldest::default();
        assert_eq!(oldest.seen(7, 7, later(0)), Duration::ZERO);
        assert_eq!(oldest.seen(7, 9, later(1)), Duration::ZERO);
        assert_eq!(oldest.seen(7, 12, later(4)), Duration::from_secs(3));
        assert_eq!(oldest.seen(8, 12, later(5)), Duration::ZERO);
        assert_eq!(oldest.seen(12, 12, later(9)), Duration::ZERO);
        assert_eq!(oldest.seen(12, 13, later(10)), Duration::ZERO);
    }
}
