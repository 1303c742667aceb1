//! Two aggregates share the store, beside who was shown what of them, and an id that a client sends may be that of a
//! stream of another kind.
use crate::stored::catalogue;
use domain_kernel::{Aggregate, Head};
use infra_event_store::codec::CodecError;
use infra_event_store::repository::{LoadError, Loaded};

/// What was loaded; a stream of another kind is, for this aggregate, a stream without events.
pub(crate) fn own<A: Aggregate>(loaded: Result<Loaded<A>, LoadError>) -> Result<Loaded<A>, LoadError> {
    match loaded {
        Err(LoadError::Codec(CodecError::UnknownType { type_id, .. }))
            if catalogue().name(type_id).is_some() || type_id == infra_disclosure::REVEALED =>
        {
            Ok(Loaded { state: A::State::default(), head: Head::default() })
        }
        loaded => loaded,
    }
}
