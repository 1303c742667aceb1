//! The administrator, who asks for everything that failed to be tried again, or for some of it to be let pass.
use crate::plan::Service;
use crate::platform::Platform;
use crate::verdict;
use domain_kernel::ports::Clock;
use domain_kernel::{CommandId, Reason, StreamId};
use domain_saga_log::{EventState, SagaCommand, SagaError};
use infra_event_store::repository::{CommandContext, CommandError};
use std::sync::Arc;
use std::time::Duration;

/// A message that waited behind a letter can become a letter itself, so once is not always enough.
const ROUNDS: u32 = 12;

/// Asks for every failed event to be tried again, or half of those that may be skipped to be let pass where the plan says
/// so, until none is failed. The wish is executed as the service does it, straight on the log of sagas: finding the saga
/// of an event is the read model's part, which is not simulated.
pub(crate) async fn settle_everything(platform: &Platform) -> Result<(), String> {
    let store: Arc<dyn domain_kernel::ports::EventStore> =
        Arc::<infra_testkit::memory::MemoryEventStore>::clone(&platform.databases[&Service::SagaLog].events);
    let clock: Arc<dyn Clock> = Arc::<crate::world::World>::clone(&platform.world);
    let sagas = service_saga_log::sagas(store, clock);
    let reason = Reason::parse("it works again").map_err(|error| error.to_string())?;
    for _ in 0..ROUNDS {
        let mut asked = 0;
        for (saga, state) in verdict::sagas(platform).await? {
            let failed = state.entries.iter().filter(|(_, entry)| entry.state() == EventState::Failed);
            for (event, _) in failed {
                let context = || CommandContext {
                    command_id: CommandId(platform.world.unique_id()),
                    digest: None,
                    correlation_id: saga.0.into(),
                    causation_id: None,
                    actor: None,
                };
                let ask = async |wish| sagas.execute(StreamId(saga.0), None, &context(), wish).await;
                let (event, consumer) = (*event, None);
                let skips = platform.world.plan.skips && platform.world.chance(2) == 0;
                let mut done = Err(CommandError::Rejected(SagaError::Clinical));
                if skips {
                    platform.world.note(None, "an operator skips", event.0);
                    let reason = reason.clone();
                    done = ask(SagaCommand::RequestSkip { event, consumer: consumer.clone(), reason }).await;
                }
                if matches!(done, Err(CommandError::Rejected(SagaError::Clinical))) {
                    platform.world.note(None, "an operator retries", event.0);
                    done = ask(SagaCommand::RequestRetry { event, consumer, reason: reason.clone() }).await;
                }
                match done {
                    Ok(_) => asked += 1,
                    Err(CommandError::Rejected(SagaError::NothingFailed)) => {}
                    Err(error) => return Err(format!("nothing can be asked for: {error}")),
                }
            }
        }
        if asked == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(6)).await;
    }
    Err(format!("what failed is not drained by {ROUNDS} rounds of wishes"))
}
