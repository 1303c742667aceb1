//! An aggregate without rules, for tests.
use domain_kernel::{Aggregate, DomainEvent};

pub(super) struct Nothing;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Happened;

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("never")]
pub(super) struct Never;

impl DomainEvent for Happened {
    fn event_type(&self) -> &'static str {
        "nothing.happened"
    }
}

impl Aggregate for Nothing {
    const NAME: &'static str = "nothing";
    type State = ();
    type Command = ();
    type Event = Happened;
    type Error = Never;

    fn decide((): &(), (): ()) -> Result<Vec<Happened>, Never> {
        Ok(vec![])
    }

    fn evolve((): (), Happened: &Happened) {}
}
