//! The broker as the place where a part of a log is published again, without the relays and subscriptions of a bus.
use super::condition::Conditions;
use super::connector::Connector;
use super::options::{PulsarOptions, PulsarOptionsError};
use super::sink::PulsarSink;
use crate::relay::MessageSink;
use infra_contracts::topic::TopicContract;
use std::sync::Arc;

/// Where messages of `contract`'s topic are sent to by whoever is not that topic's relay; see [`crate::republish`].
///
/// # Errors
/// [`PulsarOptionsError`]: what no waiting would mend.
pub async fn sink(
    options: PulsarOptions,
    contract: &'static TopicContract,
) -> Result<Arc<dyn MessageSink>, PulsarOptionsError> {
    let certificates = options.verify().await?;
    let options = Arc::new(options);
    let condition = Conditions::default().of(format!("republishing {}", contract.topic));
    Ok(Arc::new(PulsarSink::new(contract, &options, Connector::new(Arc::clone(&options), certificates), condition)))
}
