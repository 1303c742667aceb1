//! The saga log service: what happened, who answered, what failed.
//!
//! ```text
//! event-user, event-result, event-notification, saga-step ──▶ consumer ──▶ one stream per saga ──▶ read model ──▶ HTTP
//!                             HTTP retry, skip ──▶ RetryRequested, SkipRequested ──▶ saga-command
//! ```
//! It handles nothing, holds nothing personal and has no key: ids and codes only. Messages come in any order; the state
//! is a fold that does not depend on it.
mod codec;
mod config;
mod consumer;
mod events;
mod http;
mod inspection;
mod publisher;
mod saga_list;
mod statements;

pub use config::Config;
pub use events::EVENTS;
pub use http::api;
pub use inspection::states;

use axum::Router;
use codec::SagaCodec;
use consumer::SagaConsumer;
use domain_kernel::Topic;
use domain_kernel::message::topics;
use domain_kernel::ports::{BusError, Clock, EventStore};
use domain_saga_log::Saga;
use infra_event_store::operations::InHand;
use infra_event_store::projection::{self, Projection};
use infra_event_store::repository::Repository;
use infra_http::ServiceOperations;
use infra_messaging::{ConsumerRunner, LogSource, Publisher};
use infra_runtime::Resources;
use saga_list::SagaList;
use std::sync::Arc;

/// The pinned name: of the service, its database and its consumer.
pub const NAME: &str = "saga_log";

/// The service's own migrations; they run after those of the event store.
pub static MIGRATIONS: &[(i64, &str, &str)] = &[
    (1001, "saga_events", include_str!("../../../migrations/saga_log/1001_saga_events.sql")),
    (1002, "saga_event_aggregate", include_str!("../../../migrations/saga_log/1002_saga_event_aggregate.sql")),
];

/// Where it publishes.
pub const TOPICS: &[Topic] = &[topics::SAGA_COMMAND];

/// What it reads: every event, and every step.
pub const SUBSCRIPTIONS: &[Topic] =
    &[topics::EVENT_USER, topics::EVENT_RESULT, topics::EVENT_NOTIFICATION, topics::SAGA_STEP];

/// What its stored events are to the others.
#[must_use]
pub fn publisher() -> Arc<dyn Publisher> {
    Arc::new(publisher::SagaPublisher)
}

/// Its read models.
#[must_use]
pub fn projections() -> Vec<Arc<dyn Projection>> {
    vec![Arc::new(SagaList)]
}

/// How many sagas are remembered as they stand: each hears several messages within a moment.
const SAGAS_UNDER_WAY: usize = 2_048;

/// The sagas in `store`.
#[must_use]
pub fn sagas(store: Arc<dyn EventStore>, clock: Arc<dyn Clock>) -> Repository<Saga> {
    Repository::new(store, Arc::new(SagaCodec), clock).remembering(SAGAS_UNDER_WAY)
}

/// Every SQL statement, by name.
#[must_use]
pub fn statements() -> &'static [(&'static str, &'static str)] {
    statements::ALL
}

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its log could not be offered to the others.
    #[error("the log of sagas cannot be offered")]
    Bus(#[from] BusError),
}

/// Starts the service on `resources`: its read model and its consumer. Answers with what it serves.
///
/// # Errors
/// [`StartError`].
pub async fn start(resources: Resources, config: Config) -> Result<Router, StartError> {
    let Resources { clock, store, pool, supervisor, .. } = resources.clone();
    for topic in TOPICS {
        let source = LogSource::new(NAME, topic, Arc::clone(&store), publisher());
        resources.bus.offer(topic, Arc::new(source)).await?;
    }

    for projection in projections() {
        let (store, kept) = (Arc::clone(&store), resources.read_models.of(projection));
        supervisor.spawn("saga_log: read model", move |stop| {
            let (kept, store) = (Arc::clone(&kept), Arc::clone(&store));
            Box::pin(async move { Ok(projection::keep_up(kept, store, stop.cancelled_owned()).await?) })
        });
    }

    let repository = sagas(Arc::clone(&store), Arc::clone(&clock));
    let in_hand = InHand::default();
    let runner = ConsumerRunner {
        consumer: NAME,
        topics: SUBSCRIPTIONS.to_vec(),
        bus: Arc::clone(&resources.bus),
        handler: Arc::new(SagaConsumer { repository: repository.clone() }),
        dead_letters: Arc::clone(&resources.dead_letters),
        log: None,
        clock,
        in_hand: in_hand.clone(),
    };
    supervisor.spawn("saga_log: consumer", move |stop| {
        let runner = runner.clone();
        Box::pin(async move { Ok(runner.run(stop).await?) })
    });

    let pages = http::Pages::new(pool, store, &resources.blind_index, repository);
    let operations = ServiceOperations::new(&resources, projections(), vec![(NAME, in_hand)]);
    let mut routes = ServiceOperations::beside(http::routes());
    routes.extend(http::untold::routes());
    Ok(infra_http::protected(http::router(pages).merge(operations.router()), &routes, config.verifier, &resources))
}
