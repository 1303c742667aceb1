//! What the others are told: that an operator wants something tried again, on `saga-command`. Nothing else: the log
//! listens.
use crate::codec::{self, i32_of};
use crate::{NAME, events};
use domain_kernel::message::topics;
use domain_kernel::ports::SourceError;
use domain_kernel::{DomainEvent, Message, RecordedEvent, Topic};
use domain_saga_log::SagaEvent;
use infra_contracts::saga_command::{self, RetryRequested, SagaCommandRecord};
use infra_contracts::{Envelope, catalogue};
use infra_messaging::Publisher;

/// Maps stored events to messages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SagaPublisher;

impl Publisher for SagaPublisher {
    fn message(&self, topic: Topic, event: &RecordedEvent) -> Result<Option<Message>, SourceError> {
        if topic != topics::SAGA_COMMAND || event.type_id != events::RETRY_REQUESTED {
            return Ok(None);
        }
        let misfit = |reason: String| SourceError::Contract { event: event.metadata.event_id, reason };
        let decoded = codec::decode(event).map_err(|error| misfit(error.to_string()))?;
        let event_type = decoded.event_type();
        // The reason stays here: it is the operator's own words.
        let SagaEvent::RetryRequested { event: failed, consumer, attempt, .. } = decoded else { return Ok(None) };
        let retry = RetryRequested { event_id: failed.0, consumer, attempt: i32_of(attempt) };
        let record = SagaCommandRecord { envelope: Envelope::of(event), event: retry.into() };
        let payload = saga_command::encode(&record).map_err(|error| misfit(error.to_string()))?;
        Ok(catalogue::message(event, event_type, NAME, payload))
    }
}
