//! The bus of a service: the logs of its process, or a broker.
use super::{NotStarted, Opened};
use domain_kernel::ports::EventBus;
use infra_event_store::checkpoints::Checkpoints;
use infra_messaging::pulsar::{PulsarBus, PulsarOptions, Token};
use infra_messaging::{EmbeddedBus, EmbeddedLogs};
use infra_runtime::Health;
use std::sync::Arc;

use crate::cli::PlaceArgs;

/// How services hear of each other.
#[derive(Clone)]
pub(crate) enum Bus {
    /// They are in one process and read each other's logs.
    Embedded(EmbeddedLogs),
    /// They meet on a broker, and wait for it.
    Pulsar(PulsarOptions),
}

/// How the broker at `url` is reached.
pub(crate) fn broker_options(url: &str, place: &PlaceArgs) -> PulsarOptions {
    let mut options = PulsarOptions::new(url);
    options.tenant.clone_from(&place.broker_tenant);
    options.namespace.clone_from(&place.broker_namespace);
    options.token = place.broker_token_file.clone().map(Token::File);
    options.certificates.clone_from(&place.broker_certificate_file);
    options
}

impl Bus {
    /// The broker at `url`.
    pub(crate) fn broker(url: &str, place: &PlaceArgs) -> Self {
        Self::Pulsar(broker_options(url, place))
    }

    /// One service's access to it. `checkpoints` are the service's own; what it waits for is told to `health`.
    ///
    /// # Errors
    /// [`NotStarted`]: the broker's address or a file is wrong. A broker that is not there is no error.
    pub(super) async fn of(
        &self,
        checkpoints: Arc<dyn Checkpoints>,
        health: &Health,
        opened: &mut Opened,
    ) -> Result<Arc<dyn EventBus>, NotStarted> {
        match self {
            Self::Embedded(logs) => Ok(Arc::new(EmbeddedBus::new(logs.clone(), checkpoints))),
            Self::Pulsar(options) => {
                let bus = PulsarBus::connect(options.clone(), checkpoints).await?;
                opened.buses.push(bus.clone());
                let watched = bus.clone();
                health.register("broker", move || {
                    let checked = watched.check().map_err(|error| error.to_string());
                    Box::pin(async move { checked })
                });
                Ok(Arc::new(bus))
            }
        }
    }
}
