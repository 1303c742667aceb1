//! `Clone` and `Debug` of the answers: a derive would ask them of the aggregate's marker type too.
use super::{Executed, Loaded};
use domain_kernel::Aggregate;
use std::fmt;

impl<A: Aggregate> Clone for Loaded<A> {
    fn clone(&self) -> Self {
        Self { state: self.state.clone(), head: self.head }
    }
}

impl<A: Aggregate> fmt::Debug for Loaded<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("state", &self.state).field("head", &self.head).finish()
    }
}

impl<A: Aggregate> Clone for Executed<A> {
    fn clone(&self) -> Self {
        Self { state: self.state.clone(), events: self.events.clone(), ..*self }
    }
}

impl<A: Aggregate> fmt::Debug for Executed<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executed")
            .field("stream", &self.stream)
            .field("state", &self.state)
            .field("version", &self.version)
            .field("events", &self.events)
            .field("correlation_id", &self.correlation_id)
            .field("repeated", &self.repeated)
            .finish()
    }
}
