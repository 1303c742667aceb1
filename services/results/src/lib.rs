//! The results service: clinical results, who reads them, and whether the patient was told.
//!
//! Writes go through the domain ([`domain_results`]) into the event store, sealed ([`codec`]); reads of a single result
//! rehydrate it from its events, and leave an event of their own; lists come from [`mod@projections`], which hold no
//! clinical value. What the others are told is mapped by [`ResultsPublisher`]; what became of the mails is heard by a
//! consumer of `event-notification` ([`NotificationOutcomes`]).
mod app;
pub mod codec;
mod history;
mod http;
mod inspection;
mod looks;
pub mod made_up;
mod notification_outcomes;
pub mod projections;
mod publisher;
mod statements;
pub mod stored;

pub use inspection::states;
pub use notification_outcomes::NotificationOutcomes;
pub use publisher::ResultsPublisher;
pub use stored::EVENTS;

use app::App;
use axum::Router;
use domain_kernel::Topic;
use domain_kernel::message::topics;
use domain_kernel::ports::BusError;
use infra_disclosure::CatalogueError;
use infra_event_store::operations::InHand;
use infra_event_store::projection::{self, Projection};
use infra_http::{ServiceApi, ServiceOperations, TokenVerifier, protected};
use infra_messaging::{ConsumerRunner, HandlingLog, LogSource, Publisher};
use infra_runtime::Resources;
use std::sync::Arc;

/// The service's pinned name: that of its database, its consumer and the audience of its internal tokens.
pub const NAME: &str = "results";

/// The tables of the read models; they come after the event store's own migrations.
pub static MIGRATIONS: &[(i64, &str, &str)] = &[
    (1001, "read models", include_str!("../../../migrations/results/1001_read_models.sql")),
    (1002, "revealed", include_str!("../../../migrations/results/1002_revealed.sql")),
];

/// What this service publishes on.
pub const TOPICS: &[Topic] = &[topics::EVENT_RESULT, topics::SAGA_STEP];

/// What it reads.
pub const SUBSCRIPTIONS: &[Topic] = &[topics::EVENT_NOTIFICATION];

/// What this service is started with besides its resources.
#[derive(Clone)]
pub struct Config {
    /// Verifies the gateway's internal tokens.
    pub verifier: TokenVerifier,
}

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The bus did not take what this service publishes.
    #[error("the results service cannot publish")]
    Bus(#[from] BusError),
    /// Its stored events form no catalogue: a mistake in its code.
    #[error("the stored events of results form no catalogue")]
    Catalogue(#[from] CatalogueError),
}

/// The endpoints, their access rules and their description.
#[must_use]
pub fn api() -> ServiceApi {
    http::api()
}

/// The mapping from stored events to messages.
#[must_use]
pub fn publisher() -> Arc<dyn Publisher> {
    Arc::new(ResultsPublisher)
}

/// The read models.
#[must_use]
pub fn projections() -> Vec<Arc<dyn Projection>> {
    projections::all()
}

/// Every SQL statement, by name.
#[must_use]
pub fn statements() -> &'static [(&'static str, &'static str)] {
    statements::ALL
}

/// Starts the service on `resources`: its log is offered to the bus, its read models and its consumer run under the
/// supervisor.
///
/// # Errors
/// [`StartError`].
pub async fn start(resources: Resources, config: Config) -> Result<Router, StartError> {
    let app = Arc::new(App::new(&resources));
    for topic in TOPICS {
        let source = LogSource::new(NAME, topic, Arc::clone(&resources.store), publisher());
        resources.bus.offer(topic, Arc::new(source)).await?;
    }
    for read_model in projections() {
        follow(&resources, read_model);
    }
    let in_hand = InHand::default();
    consume(&resources, &app, in_hand.clone());
    let operations = ServiceOperations::new(&resources, projections(), vec![(NAME, in_hand)]);
    let operations = operations.revealing(&resources, inspection::CONFIDENTIAL)?;
    let routes = ServiceOperations::beside(api().routes);
    Ok(protected(http::router(app).merge(operations.router()), &routes, config.verifier, &resources))
}

fn follow(resources: &Resources, read_model: Arc<dyn Projection>) {
    let name = read_model.name();
    let (store, kept) = (Arc::clone(&resources.store), resources.read_models.of(read_model));
    resources.supervisor.spawn(name, move |stop| {
        let (kept, store) = (Arc::clone(&kept), Arc::clone(&store));
        Box::pin(async move {
            projection::keep_up(kept, store, stop.cancelled_owned()).await?;
            Ok(())
        })
    });
}

fn consume(resources: &Resources, app: &Arc<App>, in_hand: InHand) {
    let handler = Arc::new(NotificationOutcomes::new(app.notifications()));
    let (bus, dead_letters) = (Arc::clone(&resources.bus), Arc::clone(&resources.dead_letters));
    let (store, clock) = (Arc::clone(&resources.store), Arc::clone(&resources.clock));
    resources.supervisor.spawn("results-notification-outcomes", move |stop| {
        let runner = ConsumerRunner {
            consumer: NAME,
            topics: SUBSCRIPTIONS.to_vec(),
            bus: Arc::clone(&bus),
            handler: handler.clone(),
            dead_letters: Arc::clone(&dead_letters),
            log: Some(HandlingLog::new(Arc::clone(&store), Arc::clone(&clock), NAME)),
            clock: Arc::clone(&clock),
            in_hand: in_hand.clone(),
        };
        Box::pin(async move {
            runner.run(stop).await?;
            Ok(())
        })
    });
}
