//! The broker of an `up`: none, one of our own, or one that is there.
use crate::cli::{Broker, UpArgs};
use crate::data_directory::DataDirectory;
use crate::failure::Failure;
use crate::running::Bus;
use crate::topics::{self, Wanted};
use infra_messaging::EmbeddedLogs;
use infra_runtime::Supervisor;
use infra_runtime::pulsar::admin::Admin;
use infra_runtime::pulsar::{Standalone, StandaloneOptions};
use std::sync::Arc;
use std::time::Duration;

/// How long a broker may take to be ready for its topics.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the services hear of each other, and what has to be stopped for that in the end.
pub(crate) struct RunningBroker {
    bus: Bus,
    own: Option<Arc<Standalone>>,
}

impl RunningBroker {
    /// Finds or starts what the arguments ask for and brings it to what the services need. A given broker without an
    /// admin address is taken as it is.
    ///
    /// # Errors
    /// There is none and none can be started, or its topics cannot be made.
    pub(crate) async fn start(
        arguments: &UpArgs,
        data: &DataDirectory,
        supervisor: &Supervisor,
    ) -> Result<Self, Failure> {
        let place = &arguments.place;
        match &arguments.broker {
            Broker::Embedded => Ok(Self { bus: Bus::Embedded(EmbeddedLogs::new()), own: None }),
            Broker::Own => {
                let own = Arc::new(Standalone::start(StandaloneOptions::new(data.pulsar())).await?);
                let running = Self { bus: Bus::broker(&own.service_url(), place), own: Some(Arc::clone(&own)) };
                match ensure(&own.admin()?, arguments).await {
                    Ok(()) => {}
                    Err(failure) => {
                        running.stop().await?;
                        return Err(failure);
                    }
                }
                supervisor.spawn("pulsar", move |stop| {
                    let own = Arc::clone(&own);
                    Box::pin(async move { Ok(own.keep_running(stop).await?) })
                });
                Ok(running)
            }
            Broker::Given(url) => {
                if let Some(admin) = &arguments.broker_admin {
                    ensure(&topics::admin(admin, place)?, arguments).await?;
                }
                Ok(Self { bus: Bus::broker(url, place), own: None })
            }
        }
    }

    pub(crate) fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Stops the broker if it was started here.
    ///
    /// # Errors
    /// It does not go.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        match self.own {
            Some(own) => Ok(own.stop().await?),
            None => Ok(()),
        }
    }
}

async fn ensure(admin: &Admin, arguments: &UpArgs) -> Result<(), Failure> {
    let wanted = Wanted::new(&arguments.place, 1, false)?;
    topics::ensure(admin, &wanted, PATIENCE).await.map(drop)
}
