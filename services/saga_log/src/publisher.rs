//! What the others are told, on `saga-command`: that an operator wants something tried again, or let pass. Nothing else:
//! the log listens.
use crate::codec::{self, i32_of};
use crate::{NAME, events};
use domain_kernel::message::topics;
use domain_kernel::ports::SourceError;
use domain_kernel::{DomainEvent, Message, RecordedEvent, Topic};
use domain_saga_log::SagaEvent;
use infra_contracts::saga_command::{self, RetryRequested, SagaCommand, SagaCommandRecord, SkipRequested};
use infra_contracts::{Envelope, catalogue};
use infra_messaging::Publisher;

/// Maps stored events to messages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SagaPublisher;

impl Publisher for SagaPublisher {
    fn message(&self, topic: Topic, event: &RecordedEvent) -> Result<Option<Message>, SourceError> {
        if topic != topics::SAGA_COMMAND || ![events::RETRY_REQUESTED, events::SKIP_REQUESTED].contains(&event.type_id)
        {
            return Ok(None);
        }
        let misfit = |reason: String| SourceError::Contract { event: event.metadata.event_id, reason };
        let decoded = codec::decode(event).map_err(|error| misfit(error.to_string()))?;
        let event_type = decoded.event_type();
        // The reason stays here: it is the operator's own words.
        let asked: SagaCommand = match decoded {
            SagaEvent::RetryRequested { event: failed, consumer, attempt, .. } => {
                RetryRequested { event_id: failed.0, consumer, attempt: i32_of(attempt) }.into()
            }
            SagaEvent::SkipRequested { event: failed, stream, consumer, .. } => {
                SkipRequested { source_event_id: failed.0, source_stream_id: stream.0, consumer }.into()
            }
            SagaEvent::EventRecorded { .. } | SagaEvent::StepReported(_) => return Ok(None),
        };
        let record = SagaCommandRecord { envelope: Envelope::of(event), event: asked };
        let payload = saga_command::encode(&record).map_err(|error| misfit(error.to_string()))?;
        Ok(catalogue::message(event, event_type, NAME, payload))
    }
}
