//! What a stream amounted to at any version, for an operator: folded by the context's own code, and nothing opened.
use crate::codec::{CodecError, EventCodec};
use chrono::{DateTime, SecondsFormat};
use domain_kernel::ports::{KeyVault, Opened, Origin, Purpose, VaultError};
use domain_kernel::{Aggregate, BoxFuture, RecordedEvent, SubjectId, Timestamp};

/// What is shown in the place of a sensitive value.
pub const SEALED: &str = "[sealed]";

/// The state after each of `events`, which are a stream's first ones in order.
///
/// # Errors
/// [`CodecError`] for an event that cannot be decoded.
pub async fn states<A: Aggregate>(
    codec: &dyn EventCodec<A::Event>,
    events: &[RecordedEvent],
) -> Result<Vec<A::State>, CodecError> {
    let (mut state, mut states) = (A::State::default(), Vec::with_capacity(events.len()));
    for event in events {
        state = A::evolve(state, &codec.decode(event).await?);
        states.push(state.clone());
    }
    Ok(states)
}

/// A moment as people read it: RFC 3339, UTC, to the microsecond.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    DateTime::from_timestamp_micros(at.0)
        .map_or_else(|| at.0.to_string(), |at| at.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// A vault that opens nothing: whatever is sealed looks as if its key were destroyed, which every fold survives. It has
/// no key and seals nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unopened;

impl KeyVault for Unopened {
    fn seal<'a>(
        &'a self,
        _subject: SubjectId,
        purpose: Purpose,
        _origin: &'a Origin,
        _schema: u16,
        _plain: &'a [u8],
    ) -> BoxFuture<'a, Result<Vec<u8>, VaultError>> {
        Box::pin(async move { Err(VaultError::NotEntitled { purpose }) })
    }

    fn open<'a>(
        &'a self,
        _purpose: Purpose,
        _origin: &'a Origin,
        _sealed: &'a [u8],
    ) -> BoxFuture<'a, Result<Opened, VaultError>> {
        Box::pin(async { Ok(Opened::Erased) })
    }

    fn shred(&self, _subject: SubjectId, purpose: Purpose) -> BoxFuture<'_, Result<u64, VaultError>> {
        Box::pin(async move { Err(VaultError::NotEntitled { purpose }) })
    }
}
