//! What the past of a key amounts to.
use crate::erasure::{Act, Country, ErasureEvent, Reason, SubjectKey};
use domain_kernel::Timestamp;

/// Where the erasure of a key stands, and whether a hold stands against it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ErasureState {
    /// How far it is.
    pub progress: Progress,
    /// What forbids it.
    pub hold: Option<LegalHold>,
}

/// How far an erasure is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Progress {
    /// Nobody asked for it.
    #[default]
    NotAsked,
    /// It waits for the second person.
    Requested(ErasureRequest),
    /// Somebody did not agree; it may be asked for again.
    Declined {
        /// What was asked.
        request: ErasureRequest,
        /// Why not.
        reason: Reason,
        /// Who declined, and when.
        act: Act,
    },
    /// The key is about to go.
    Approved {
        /// What was asked.
        request: ErasureRequest,
        /// Who agreed, and when.
        act: Act,
    },
    /// The key is gone.
    Erased {
        /// What was asked.
        request: ErasureRequest,
        /// Who agreed, and when.
        act: Act,
        /// Since when.
        at: Timestamp,
    },
}

/// What was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct ErasureRequest {
    /// Which key shall go.
    pub key: SubjectKey,
    /// Whose law counts.
    pub country: Country,
    /// Why.
    pub reason: Reason,
    /// Who asked, and when.
    pub act: Act,
}

/// A key that must be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct LegalHold {
    /// Which.
    pub key: SubjectKey,
    /// Why.
    pub reason: Reason,
    /// Who said so, and when.
    pub act: Act,
}

impl Progress {
    /// What was asked, whatever came of it.
    #[must_use]
    pub fn request(&self) -> Option<&ErasureRequest> {
        match self {
            Self::NotAsked => None,
            Self::Requested(request)
            | Self::Declined { request, .. }
            | Self::Approved { request, .. }
            | Self::Erased { request, .. } => Some(request),
        }
    }
}

impl ErasureState {
    /// It was agreed that the key goes, whether or not it is gone yet.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        match self.progress {
            Progress::Approved { .. } | Progress::Erased { .. } => true,
            Progress::NotAsked | Progress::Requested(_) | Progress::Declined { .. } => false,
        }
    }

    pub(super) fn after(self, event: &ErasureEvent) -> Self {
        let Self { progress, hold } = self;
        match event.clone() {
            ErasureEvent::Requested { key, country, reason, act } => {
                Self { progress: Progress::Requested(ErasureRequest { key, country, reason, act }), hold }
            }
            ErasureEvent::Approved { act } => Self { progress: approved(progress, act), hold },
            ErasureEvent::Declined { reason, act } => Self { progress: declined(progress, reason, act), hold },
            ErasureEvent::KeyDestroyed { at } => Self { progress: erased(progress, at), hold },
            ErasureEvent::HoldPlaced { key, reason, act } => {
                Self { progress, hold: Some(LegalHold { key, reason, act }) }
            }
            ErasureEvent::HoldLifted { .. } => Self { progress, hold: None },
        }
    }
}

fn approved(progress: Progress, act: Act) -> Progress {
    match progress {
        Progress::Requested(request) => Progress::Approved { request, act },
        other => other,
    }
}

fn declined(progress: Progress, reason: Reason, act: Act) -> Progress {
    match progress {
        Progress::Requested(request) => Progress::Declined { request, reason, act },
        other => other,
    }
}

fn erased(progress: Progress, at: Timestamp) -> Progress {
    match progress {
        Progress::Approved { request, act } => Progress::Erased { request, act, at },
        other => other,
    }
}
