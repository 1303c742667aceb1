//! Between the events of erasures and what is stored of them. Nothing is sealed: it outlives what is erased.
use crate::stored::{
    ErasureApproved, ErasureDeclined, ErasureRequested, KeyDestroyed, LegalHoldLifted, LegalHoldPlaced,
    StoredErasureEvent,
};
use domain_kernel::ports::Purpose;
use domain_kernel::{BoxFuture, RecordedEvent, SubjectId, Timestamp, UserId};
use domain_users::erasure::{Act, ErasureEvent, Reason, SubjectKey};
use infra_contracts::stored::StoredError;
use infra_event_store::codec::{CodecError, EncodedEvent, EventCodec, EventSlot};
use uuid::Uuid;

/// Encodes and decodes [`ErasureEvent`]s.
pub(crate) struct ErasureCodec;

impl EventCodec<ErasureEvent> for ErasureCodec {
    fn encode<'a>(
        &'a self,
        event: &'a ErasureEvent,
        _slot: &'a EventSlot,
    ) -> BoxFuture<'a, Result<EncodedEvent, CodecError>> {
        Box::pin(async move {
            let (type_id, schema_version, payload) = record(event)
                .write()
                .map_err(|error| CodecError::Malformed { event: None, reason: error.to_string() })?;
            Ok(EncodedEvent { type_id, schema_version, payload })
        })
    }

    fn decode<'a>(&'a self, event: &'a RecordedEvent) -> BoxFuture<'a, Result<ErasureEvent, CodecError>> {
        Box::pin(async move { decoded(event) })
    }
}

fn record(event: &ErasureEvent) -> StoredErasureEvent {
    match event {
        ErasureEvent::Requested { key, country, reason, act } => StoredErasureEvent::Requested(ErasureRequested {
            subject: key.subject.0,
            purpose: key.purpose.name().to_owned(),
            country: country.code().to_owned(),
            reason: reason.as_str().to_owned(),
            requested_by: act.by.0,
            requested_at: act.at.0,
        }),
        ErasureEvent::Approved { act } => {
            StoredErasureEvent::Approved(ErasureApproved { approved_by: act.by.0, approved_at: act.at.0 })
        }
        ErasureEvent::Declined { reason, act } => StoredErasureEvent::Declined(ErasureDeclined {
            reason: reason.as_str().to_owned(),
            declined_by: act.by.0,
            declined_at: act.at.0,
        }),
        ErasureEvent::KeyDestroyed { at } => StoredErasureEvent::KeyDestroyed(KeyDestroyed { destroyed_at: at.0 }),
        ErasureEvent::HoldPlaced { key, reason, act } => StoredErasureEvent::HoldPlaced(LegalHoldPlaced {
            subject: key.subject.0,
            purpose: key.purpose.name().to_owned(),
            reason: reason.as_str().to_owned(),
            placed_by: act.by.0,
            placed_at: act.at.0,
        }),
        ErasureEvent::HoldLifted { reason, act } => StoredErasureEvent::HoldLifted(LegalHoldLifted {
            reason: reason.as_str().to_owned(),
            lifted_by: act.by.0,
            lifted_at: act.at.0,
        }),
    }
}

fn decoded(event: &RecordedEvent) -> Result<ErasureEvent, CodecError> {
    let malformed =
        |reason: &str| CodecError::Malformed { event: Some(event.metadata.event_id), reason: reason.to_owned() };
    let key = |subject: Uuid, purpose: &str| {
        let purpose = Purpose::parse(purpose).ok_or_else(|| malformed("purpose"))?;
        Ok::<_, CodecError>(SubjectKey { subject: SubjectId(subject), purpose })
    };
    let reason = |text: &str| Reason::parse(text).map_err(|_| malformed("reason"));
    let stored = StoredErasureEvent::read(event).map_err(|error| match error {
        StoredError::UnknownType { .. } => {
            CodecError::UnknownType { type_id: event.type_id, schema_version: event.schema_version }
        }
        other => malformed(&other.to_string()),
    })?;
    Ok(match stored {
        StoredErasureEvent::Requested(record) => ErasureEvent::Requested {
            key: key(record.subject, &record.purpose)?,
            country: record.country.parse().map_err(|_| malformed("country"))?,
            reason: reason(&record.reason)?,
            act: act(record.requested_by, record.requested_at),
        },
        StoredErasureEvent::Approved(record) => {
            ErasureEvent::Approved { act: act(record.approved_by, record.approved_at) }
        }
        StoredErasureEvent::Declined(record) => {
            ErasureEvent::Declined { reason: reason(&record.reason)?, act: act(record.declined_by, record.declined_at) }
        }
        StoredErasureEvent::KeyDestroyed(record) => ErasureEvent::KeyDestroyed { at: Timestamp(record.destroyed_at) },
        StoredErasureEvent::HoldPlaced(record) => ErasureEvent::HoldPlaced {
            key: key(record.subject, &record.purpose)?,
            reason: reason(&record.reason)?,
            act: act(record.placed_by, record.placed_at),
        },
        StoredErasureEvent::HoldLifted(record) => {
            ErasureEvent::HoldLifted { reason: reason(&record.reason)?, act: act(record.lifted_by, record.lifted_at) }
        }
    })
}

fn act(by: Uuid, at: i64) -> Act {
    Act { by: UserId(by), at: Timestamp(at) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain_kernel::{
        Aggregate, Checkpoint, CorrelationId, DomainEvent, EventId, EventMetadata, EventTypeId, SchemaVersion,
        StreamId, Version,
    };
    use domain_users::Erasure;
    use domain_users::erasure::Country;

    const SLOT: EventSlot =
        EventSlot { event_id: EventId(Uuid::from_u128(6)), stream: StreamId(Uuid::from_u128(5)), version: Version(1) };

    fn events() -> Vec<ErasureEvent> {
        let act = act(Uuid::from_u128(7), 1_800_000_000_000_001);
        let key = SubjectKey { subject: SubjectId(Uuid::from_u128(8)), purpose: Purpose::Clinical };
        let reason = || Reason::parse("asked for by the person").unwrap();
        vec![
            ErasureEvent::Requested { key, country: Country::Colombia, reason: reason(), act },
            ErasureEvent::Approved { act },
            ErasureEvent::Declined { reason: reason(), act },
            ErasureEvent::KeyDestroyed { at: act.at },
            ErasureEvent::HoldPlaced { key, reason: reason(), act },
            ErasureEvent::HoldLifted { reason: reason(), act },
        ]
    }

    fn recorded(encoded: EncodedEvent) -> RecordedEvent {
        RecordedEvent {
            checkpoint: Checkpoint::default(),
            stream: SLOT.stream,
            version: SLOT.version,
            type_id: encoded.type_id,
            schema_version: encoded.schema_version,
            metadata: EventMetadata {
                event_id: SLOT.event_id,
                correlation_id: CorrelationId(Uuid::from_u128(9)),
                causation_id: None,
                actor: None,
                occurred_at: Timestamp(0),
            },
            payload: encoded.payload,
            hash: [0; 32],
        }
    }

    #[tokio::test]
    async fn every_event_comes_back_as_it_was() {
        let mut types = Vec::new();
        for event in events() {
            let encoded = ErasureCodec.encode(&event, &SLOT).await.unwrap();
            types.push(encoded.type_id.0);
            assert_eq!(crate::stored::catalogue().name(encoded.type_id), Some(event.event_type()));
            assert_eq!(ErasureCodec.decode(&recorded(encoded)).await.unwrap(), event);
        }
        let stored = crate::EVENTS.iter().filter(|event| event.category == Erasure::NAME);
        assert_eq!(types, stored.map(|event| event.type_id).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn an_event_of_another_aggregate_is_named_not_guessed() {
        let of_a_user = EncodedEvent { type_id: EventTypeId(1), schema_version: SchemaVersion(1), payload: vec![] };
        let refused = ErasureCodec.decode(&recorded(of_a_user)).await;
        assert!(matches!(refused, Err(CodecError::UnknownType { type_id: EventTypeId(1), .. })), "{refused:?}");
    }
}
