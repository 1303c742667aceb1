//! Forgetting what is kept of a person: the key of one subject and purpose, asked for by one administrator and decided
//! by another.
//!
//! ```text
//! (not asked) ── request ──▶ requested ── approve (somebody else) ──▶ approved ── record ──▶ erased
//!                  ▲            │
//!                  └─ declined ◀┘        a legal hold may stand beside any of them until it is approved
//! ```
//! One stream per subject and purpose, so that a hold and an approval are decided against each other and never side by
//! side. What holds before an erasure is looked at twice, when it is asked for and when it is approved: the key is
//! there, no hold stands, the account is deactivated, and what the law wants kept is old enough. Whoever cannot prove
//! the last is refused.
mod command;
mod decide;
mod error;
mod event;
mod retention;
#[cfg(test)]
mod spec;
mod state;

pub use command::{ErasureCommand, Facts, KeyStanding};
pub use error::ErasureError;
pub use event::{Act, ErasureEvent, Reason, SubjectKey};
pub use retention::{Country, RULES, RetentionRule, UnknownCountry};
pub use state::{ErasureRequest, ErasureState, LegalHold, Progress};

use domain_kernel::Aggregate;

/// The aggregate of what becomes of one subject's key for one purpose.
pub struct Erasure;

impl Aggregate for Erasure {
    const NAME: &'static str = "erasure";
    type State = ErasureState;
    type Command = ErasureCommand;
    type Event = ErasureEvent;
    type Error = ErasureError;

    fn decide(state: &ErasureState, command: ErasureCommand) -> Result<Vec<ErasureEvent>, ErasureError> {
        match command {
            ErasureCommand::Request { key, country, reason, facts, act } => {
                decide::request(state, key, country, reason, &facts, act)
            }
            ErasureCommand::Approve { facts, act } => decide::approve(state, &facts, act),
            ErasureCommand::Decline { reason, act } => decide::decline(state, reason, act),
            ErasureCommand::RecordDestruction { at } => decide::record_destruction(state, at),
            ErasureCommand::PlaceHold { key, reason, standing, act } => {
                decide::place_hold(state, key, reason, standing, act)
            }
            ErasureCommand::LiftHold { reason, act } => decide::lift_hold(state, reason, act),
        }
    }

    fn evolve(state: ErasureState, event: &ErasureEvent) -> ErasureState {
        state.after(event)
    }
}
