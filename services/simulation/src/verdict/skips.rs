//! What was let pass: only what an operator asked for, and nothing clinical.
use super::published::Published;
use domain_kernel::message::topics;
use infra_contracts::saga_command::{self, SagaCommand};
use infra_contracts::saga_step::{self, SagaStep};
use std::collections::HashSet;
use uuid::Uuid;

pub(super) fn as_asked(published: &Published) -> Result<(), String> {
    let mut asked: HashSet<(Uuid, String)> = HashSet::new();
    for message in published.messages.iter().filter(|message| message.topic == topics::SAGA_COMMAND) {
        let record = saga_command::decode(message.headers.contract_version, &message.payload);
        if let SagaCommand::SkipRequested(wish) = record.map_err(|error| error.to_string())?.event {
            asked.insert((wish.source_event_id, wish.consumer));
        }
    }
    for message in published.messages.iter().filter(|message| message.topic == topics::SAGA_STEP) {
        let record = saga_step::decode(message.headers.contract_version, &message.payload);
        let SagaStep::MessageSkipped(skipped) = record.map_err(|error| error.to_string())?.event else { continue };
        let (event, consumer) = (skipped.source_event_id, skipped.consumer);
        if skipped.source_topic == topics::EVENT_RESULT {
            return Err(format!("{consumer} has let the clinical event {event} pass"));
        }
        if !asked.contains(&(event, consumer.clone())) {
            return Err(format!("{consumer} has let {event} pass, and nobody asked for that"));
        }
    }
    Ok(())
}
