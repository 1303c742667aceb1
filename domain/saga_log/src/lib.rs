//! The saga log context: what happened in a saga, who has answered, who still owes an answer, what failed.
//!
//! Pure rules. The log never handles anything itself: it hears what the others say, in any order, and comes to the same
//! view.
pub mod answer;
pub mod entry;
pub mod saga;

pub use answer::{Answer, Answers, Outcome, UnknownOutcome};
pub use entry::{ConsumerStanding, Entry, EventState, Recorded, UnknownEventState};
pub use saga::{AnswerTo, Saga, SagaCommand, SagaError, SagaEvent, SagaState, UntoldFailure};
