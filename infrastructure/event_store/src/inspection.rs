//! What a stream amounted to at any version, for an operator: folded by the context's own code. Sensitive values are
//! shown as sealed, unless a reveal was recorded ([`Sight`]).
use crate::codec::{CodecError, EventCodec};
use chrono::{DateTime, SecondsFormat};
use domain_kernel::ports::{KeyVault, Opened, Origin, Purpose, VaultError};
use domain_kernel::{Aggregate, BoxFuture, RecordedEvent, Sensitive, SubjectId, Timestamp};

/// What is shown in the place of a sensitive value.
pub const SEALED: &str = "[sealed]";
/// What is shown in the place of a value whose key was destroyed.
pub const ERASED: &str = "[erased]";
/// What is shown in the place of a value that is nobody's business, such as a password's hash.
pub const WITHHELD: &str = "[withheld]";

/// How sensitive values are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// As sealed, whatever was opened.
    Sealed,
    /// As they are: only after it was recorded who sees them and why.
    Opened,
}

impl Sight {
    /// What is shown of `value`, of which `text` is what people read; `None` where it says that there is nothing.
    pub fn of<T>(self, value: &Sensitive<T>, text: impl FnOnce(&T) -> Option<String>) -> Option<String> {
        match (self, value) {
            (Self::Sealed, _) => Some(SEALED.to_owned()),
            (Self::Opened, Sensitive::Known(value)) => text(value),
            (Self::Opened, Sensitive::Erased) => Some(ERASED.to_owned()),
        }
    }

    /// What is shown of a value that stays hidden even when everything else is shown.
    #[must_use]
    pub fn withheld(self) -> &'static str {
        match self {
            Self::Sealed => SEALED,
            Self::Opened => WITHHELD,
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensitive_value_is_shown_only_when_it_was_opened_for_somebody() {
        let (known, erased) = (Sensitive::Known("Ana Soto"), Sensitive::<&str>::Erased);
        let text = |value: &&str| Some((*value).to_owned());
        assert_eq!(Sight::Sealed.of(&known, text).as_deref(), Some(SEALED));
        assert_eq!(Sight::Sealed.of(&erased, text).as_deref(), Some(SEALED));
        assert_eq!(Sight::Opened.of(&known, text).as_deref(), Some("Ana Soto"));
        assert_eq!(Sight::Opened.of(&erased, text).as_deref(), Some(ERASED));
        assert_eq!(Sight::Opened.of(&known, |_| None), None);
        assert_eq!([Sight::Sealed.withheld(), Sight::Opened.withheld()], [SEALED, WITHHELD]);
    }
}
