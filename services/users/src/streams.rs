//! Two aggregates share the store, and an id that a client sends may be that of a stream of the other one.
use crate::stored::catalogue;
use domain_kernel::{Aggregate, Head};
use infra_event_store::codec::CodecError;
use infra_event_store::repository::{LoadError, Loaded};

/// What was loaded; a stream of the other aggregate is, for this one, a stream without events.
pub(crate) fn own<A: Aggregate>(loaded: Result<Loaded<A>, LoadError>) -> Result<Loaded<A>, LoadError> {
    match loaded {
        Err(LoadError::Codec(CodecError::UnknownType { type_id, .. })) if catalogue().name(type_id).is_some() => {
            Ok(Loaded { state: A::State::default(), head: Head::default() })
        }
        loaded => loaded,
    }
}
