//! When a service does not answer, who needs it is told so at once instead of waiting for it in vain.
//!
//! ```text
//! closed ── five calls in a row without an answer ──▶ open ── a second later ──▶ half open: one call tries
//!   ▲                                                  ▲                            │            │
//!   │                                                  └────────── no answer ───────┘            │
//!   └──────────────────────────────────────── an answer, whatever it says ───────────────────────┘
//! ```
//! One for each service. An answer with an error status is an answer: what is broken inside a service is its own matter.
//! The second is short on purpose: a service that comes back is missed for no longer than that.
use domain_kernel::Timestamp;
use infra_http::ClientError;
use infra_http::operations::{BreakerState, BreakerView};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many calls in a row have no answer before it opens.
const FAILURES: u32 = 5;
/// How long nobody asks.
const REST: Duration = Duration::from_secs(1);

/// What is known of one service's answering.
#[derive(Debug)]
pub(crate) struct Breaker(Mutex<Known>);

#[derive(Clone, Copy, Debug)]
struct Known {
    state: State,
    /// When it was last closed, or opened.
    since: Timestamp,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed {
        /// Calls in a row without an answer.
        failures: u32,
    },
    Open {
        until: Instant,
    },
    HalfOpen,
}

/// That a call may be made; what came of it has to be told.
#[derive(Debug)]
pub(crate) struct Permit<'b> {
    breaker: &'b Breaker,
    /// Whether everybody else waits for this call.
    tries: bool,
}

impl Breaker {
    /// Closed since `now`.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self(Mutex::new(Known { state: State::Closed { failures: 0 }, since: now }))
    }

    /// Whether the service may be asked at this moment; `None` when that would be in vain.
    pub(crate) fn permit(&self, now: Instant) -> Option<Permit<'_>> {
        let mut known = self.known();
        let tries = match known.state {
            State::Closed { .. } => false,
            State::Open { until } if now >= until => true,
            State::Open { .. } | State::HalfOpen => return None,
        };
        if tries {
            known.state = State::HalfOpen;
        }
        Some(Permit { breaker: self, tries })
    }

    /// How it stands, for operators. A state is as old as what led to it: half open, as the opening.
    pub(crate) fn view(&self, name: &str) -> BreakerView {
        let Known { state, since } = *self.known();
        let state = match state {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { .. } => BreakerState::Open,
            State::HalfOpen => BreakerState::HalfOpen,
        };
        let since = chrono::DateTime::from_timestamp_micros(since.0).unwrap_or_default();
        BreakerView { name: name.to_owned(), state, since }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Whoever panicked left a whole state: each change is one assignment.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// Tells what came of the call, at this moment.
    pub(crate) fn end<T>(mut self, outcome: &Result<T, ClientError>, (now, at): (Instant, Timestamp)) {
        let failed = matches!(outcome, Err(ClientError::Unavailable { .. } | ClientError::Timeout { .. }));
        let mut known = self.breaker.known();
        let tries = std::mem::take(&mut self.tries);
        *known = match (known.state, failed) {
            (State::Closed { failures }, true) if failures + 1 < FAILURES => {
                Known { state: State::Closed { failures: failures + 1 }, ..*known }
            }
            (State::Closed { .. }, true) => Known { state: State::Open { until: now + REST }, since: at },
            (State::Closed { .. }, false) => Known { state: State::Closed { failures: 0 }, ..*known },
            (State::HalfOpen, true) if tries => Known { state: State::Open { until: now + REST }, ..*known },
            // A call from before the opening that fails late says nothing new.
            (State::Open { .. } | State::HalfOpen, true) => *known,
            (State::Open { .. } | State::HalfOpen, false) => Known { state: State::Closed { failures: 0 }, since: at },
        };
    }
}

impl Drop for Permit<'_> {
    /// Whoever asked gave up before there was an outcome: then the next one tries.
    fn drop(&mut self) {
        if self.tries {
            self.breaker.known().state = State::Open { until: Instant::now() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "things";
    const BEGIN: Timestamp = Timestamp(1_767_225_600_000_000);

    /// A breaker, and moments for it.
    struct Fixture {
        breaker: Breaker,
        begin: Instant,
    }

    impl Fixture {
        fn new() -> Self {
            Self { breaker: Breaker::new(BEGIN), begin: Instant::now() }
        }

        fn moment(&self, milliseconds: u64) -> (Instant, Timestamp) {
            let later = i64::try_from(milliseconds).unwrap();
            (self.begin + Duration::from_millis(milliseconds), BEGIN.plus_millis(later))
        }

        /// Makes a call that is answered or not; false when it may not be made.
        fn call(&self, milliseconds: u64, answered: bool) -> bool {
            let at = self.moment(milliseconds);
            let outcome = if answered { Ok(()) } else { Err(ClientError::Timeout { service: SERVICE }) };
            self.breaker.permit(at.0).map(|permit| permit.end(&outcome, at)).is_some()
        }

        fn opened() -> Self {
            let fixture = Self::new();
            assert!((0..u64::from(FAILURES)).all(|call| fixture.call(call, false)));
            fixture
        }

        fn stands(&self) -> (BreakerState, i64) {
            let view = self.breaker.view("gateway");
            (view.state, (view.since.timestamp_micros() - BEGIN.0) / 1_000)
        }
    }

    #[test]
    fn it_opens_when_five_calls_in_a_row_have_no_answer() {
        let fixture = Fixture::new();
        for round in 0..3 {
            for call in 0..u64::from(FAILURES) - 1 {
                assert!(fixture.call(round * 10 + call, false));
            }
            assert!(fixture.call(round * 10 + 9, true), "an answer in between starts the count anew");
        }
        assert_eq!(fixture.stands(), (BreakerState::Closed, 0));
        assert_eq!(Fixture::opened().stands(), (BreakerState::Open, 4));
    }

    #[test]
    fn an_open_one_lets_a_single_call_try_after_a_second_and_closes_with_its_answer() {
        let fixture = Fixture::opened();
        assert!(!fixture.call(1_003, true), "not yet");
        let at = fixture.moment(1_004);
        let trying = fixture.breaker.permit(at.0).unwrap();
        assert_eq!(fixture.stands(), (BreakerState::HalfOpen, 4));
        assert!(!fixture.call(1_005, true), "everybody else is told at once");
        trying.end(&Ok(()), fixture.moment(1_006));
        assert_eq!(fixture.stands(), (BreakerState::Closed, 1_006));
        assert!(fixture.call(1_007, true));
    }

    #[test]
    fn a_try_without_an_answer_opens_it_again_since_it_was_first_opened() {
        let fixture = Fixture::opened();
        assert!(fixture.call(1_004, false));
        assert_eq!(fixture.stands(), (BreakerState::Open, 4));
        assert!(!fixture.call(2_003, true));
        assert!(fixture.call(2_004, true));
        assert_eq!(fixture.stands().0, BreakerState::Closed);
    }

    #[test]
    fn a_try_that_was_given_up_leaves_the_next_one_to_try() {
        let fixture = Fixture::opened();
        drop(fixture.breaker.permit(fixture.moment(1_004).0).unwrap());
        let trying = fixture.breaker.permit(Instant::now() + REST);
        assert!(trying.is_some());
    }

    #[test]
    fn what_comes_of_a_call_from_before_the_opening_counts_only_when_it_is_an_answer() {
        let fixture = Fixture::new();
        let before: Vec<_> = (0..2).map(|_| fixture.breaker.permit(fixture.begin).unwrap()).collect();
        assert!((0..u64::from(FAILURES)).all(|call| fixture.call(call, false)));
        let mut before = before.into_iter();
        before.next().unwrap().end(&Err::<(), _>(ClientError::Timeout { service: SERVICE }), fixture.moment(500));
        assert_eq!(fixture.stands(), (BreakerState::Open, 4));
        before.next().unwrap().end(&Ok(()), fixture.moment(501));
        assert_eq!(fixture.stands(), (BreakerState::Closed, 501));
    }

    #[test]
    fn an_answer_that_cannot_be_used_is_an_answer() {
        let fixture = Fixture::new();
        for _ in 0..2 * FAILURES {
            let permit = fixture.breaker.permit(fixture.begin).unwrap();
            permit.end(&Err::<(), _>(ClientError::Answer { service: SERVICE }), fixture.moment(0));
        }
        assert_eq!(fixture.stands(), (BreakerState::Closed, 0));
    }
}
