//! What is stored of erasures and legal holds: all of it in clear, since it outlives what is erased. It names nobody.
use super::{catalogue, type_id};
use domain_kernel::{EventTypeId, RecordedEvent, SchemaVersion};
use infra_contracts::stored::StoredError;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The record of an event of the erasure aggregate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum StoredErasureEvent {
    Requested(ErasureRequested),
    Approved(ErasureApproved),
    Declined(ErasureDeclined),
    KeyDestroyed(KeyDestroyed),
    HoldPlaced(LegalHoldPlaced),
    HoldLifted(LegalHoldLifted),
}

/// Somebody asked that a key be destroyed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ErasureRequested {
    pub(crate) subject: Uuid,
    pub(crate) purpose: String,
    pub(crate) country: String,
    pub(crate) reason: String,
    pub(crate) requested_by: Uuid,
    pub(crate) requested_at: i64,
}

/// Somebody else agreed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ErasureApproved {
    pub(crate) approved_by: Uuid,
    pub(crate) approved_at: i64,
}

/// The key is not destroyed for now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ErasureDeclined {
    pub(crate) reason: String,
    pub(crate) declined_by: Uuid,
    pub(crate) declined_at: i64,
}

/// The key is gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeyDestroyed {
    pub(crate) destroyed_at: i64,
}

/// The key must be kept until the hold is lifted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LegalHoldPlaced {
    pub(crate) subject: Uuid,
    pub(crate) purpose: String,
    pub(crate) reason: String,
    pub(crate) placed_by: Uuid,
    pub(crate) placed_at: i64,
}

/// The hold is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LegalHoldLifted {
    pub(crate) reason: String,
    pub(crate) lifted_by: Uuid,
    pub(crate) lifted_at: i64,
}

impl StoredErasureEvent {
    /// Whether an event of that type is one of these.
    pub(crate) fn is_one(id: EventTypeId) -> bool {
        (type_id::ERASURE_REQUESTED..=type_id::LEGAL_HOLD_LIFTED).contains(&id.0)
    }

    /// The record of `event`.
    pub(crate) fn read(event: &RecordedEvent) -> Result<Self, StoredError> {
        let (id, schema, bytes) = (event.type_id, event.schema_version, event.payload.as_slice());
        let events = catalogue();
        Ok(match id.0 {
            type_id::ERASURE_REQUESTED => Self::Requested(events.decode(id, schema, bytes)?),
            type_id::ERASURE_APPROVED => Self::Approved(events.decode(id, schema, bytes)?),
            type_id::ERASURE_DECLINED => Self::Declined(events.decode(id, schema, bytes)?),
            type_id::KEY_DESTROYED => Self::KeyDestroyed(events.decode(id, schema, bytes)?),
            type_id::LEGAL_HOLD_PLACED => Self::HoldPlaced(events.decode(id, schema, bytes)?),
            type_id::LEGAL_HOLD_LIFTED => Self::HoldLifted(events.decode(id, schema, bytes)?),
            unknown => return Err(StoredError::UnknownType { type_id: unknown, schema: schema.0.into() }),
        })
    }

    /// Number, schema and bytes.
    pub(crate) fn write(&self) -> Result<(EventTypeId, SchemaVersion, Vec<u8>), StoredError> {
        let (events, id) = (catalogue(), EventTypeId(self.type_id()));
        let (schema, bytes) = match self {
            Self::Requested(record) => events.encode(id, record)?,
            Self::Approved(record) => events.encode(id, record)?,
            Self::Declined(record) => events.encode(id, record)?,
            Self::KeyDestroyed(record) => events.encode(id, record)?,
            Self::HoldPlaced(record) => events.encode(id, record)?,
            Self::HoldLifted(record) => events.encode(id, record)?,
        };
        Ok((id, schema, bytes))
    }

    pub(super) fn type_id(&self) -> i16 {
        match self {
            Self::Requested(_) => type_id::ERASURE_REQUESTED,
            Self::Approved(_) => type_id::ERASURE_APPROVED,
            Self::Declined(_) => type_id::ERASURE_DECLINED,
            Self::KeyDestroyed(_) => type_id::KEY_DESTROYED,
            Self::HoldPlaced(_) => type_id::LEGAL_HOLD_PLACED,
            Self::HoldLifted(_) => type_id::LEGAL_HOLD_LIFTED,
        }
    }
}
