//! The notifications service: tells people, by mail, that something awaits them.
//!
//! ```text
//! event-user, event-result ──▶ consumer ── NotificationRequested ──▶ sender ──▶ mailer
//! saga-command (retry, skip) ──▶              (one append)             └── Sent | Failed | Suppressed
//!                                                                                └──▶ event-notification
//! ```
//! The consumer opens nothing and sends nothing; it appends. The sender opens a contact just before it mails, mails
//! outside of any transaction, and owns every retry of a mail. Whatever is killed when, an event is told of once: by
//! the notification's id, the attempt's command id, and the mail's `Message-ID`.
mod codec;
mod config;
mod consumer;
mod desk;
mod due;
mod events;
mod http;
mod inspection;
mod mailers;
mod notification_list;
mod publisher;
mod sender;
mod statements;
mod texts;

pub use config::{Config, Delivery};
pub use desk::{Desk, DeskError};
pub use events::EVENTS;
pub use http::api;
pub use inspection::states;
pub use mailers::{MailSettingError, MailboxMail, MailboxMailer, SmtpMailer, read_mail, read_mailbox};
pub use notification_list::{Due, due};

use axum::Router;
use codec::NotificationCodec;
use consumer::NotificationConsumer;
use desk::PgDesk;
use domain_kernel::Topic;
use domain_kernel::message::topics;
use domain_kernel::ports::BusError;
use infra_disclosure::CatalogueError;
use infra_event_store::operations::InHand;
use infra_event_store::projection::{self, Projection};
use infra_event_store::repository::Repository;
use infra_http::ServiceOperations;
use infra_messaging::{ConsumerRunner, HandlingLog, LogSource, MessageHandler, Publisher};
use infra_runtime::Resources;
use notification_list::NotificationList;
use sender::{Deliveries, Sender};
use std::sync::Arc;

/// The pinned name: of the service, its database and its consumer.
pub const NAME: &str = "notifications";

/// The service's own migrations; they run after those of the event store.
pub static MIGRATIONS: &[(i64, &str, &str)] = &[
    (1001, "notifications", include_str!("../../../migrations/notifications/1001_notifications.sql")),
    (1002, "delivery_lease", include_str!("../../../migrations/notifications/1002_delivery_lease.sql")),
    (1003, "source_version", include_str!("../../../migrations/notifications/1003_source_version.sql")),
];

/// Where it publishes.
pub const TOPICS: &[Topic] = &[topics::EVENT_NOTIFICATION, topics::SAGA_STEP];

/// What it reads.
pub const SUBSCRIPTIONS: &[Topic] = &[topics::EVENT_USER, topics::EVENT_RESULT, topics::SAGA_COMMAND];

/// How many notifications are remembered as they stand between their request and their outcome.
const UNDER_WAY: usize = 4_096;

/// What its stored events are to the others.
#[must_use]
pub fn publisher() -> Arc<dyn Publisher> {
    Arc::new(publisher::NotificationPublisher)
}

/// Its read models.
#[must_use]
pub fn projections() -> Vec<Arc<dyn Projection>> {
    vec![Arc::new(NotificationList)]
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
    #[error("the log of notifications cannot be offered")]
    Bus(#[from] BusError),
    /// Its stored events form no catalogue: a mistake in its code.
    #[error("the stored events of notifications form no catalogue")]
    Catalogue(#[from] CatalogueError),
}

/// Starts the service on `resources`: its read model, its consumer, its sender. Answers with what it serves.
///
/// # Errors
/// [`StartError`].
pub async fn start(resources: Resources, config: Config) -> Result<Router, StartError> {
    let holder = resources.clock.unique_id();
    let desk = Arc::new(PgDesk::new(resources.pool.clone(), holder, config.delivery.lease));
    start_at(desk, resources, config).await
}

/// As [`start`], with another desk for the sender.
///
/// # Errors
/// [`StartError`].
pub async fn start_at(desk: Arc<dyn Desk>, resources: Resources, config: Config) -> Result<Router, StartError> {
    let Resources { clock, store, pool, supervisor, .. } = resources.clone();
    for topic in TOPICS {
        let source = LogSource::new(NAME, topic, Arc::clone(&store), publisher());
        resources.bus.offer(topic, Arc::new(source)).await?;
    }

    for projection in projections() {
        let (store, kept) = (Arc::clone(&store), resources.read_models.of(projection));
        supervisor.spawn("notifications: read model", move |stop| {
            let (kept, store) = (Arc::clone(&kept), Arc::clone(&store));
            Box::pin(async move { Ok(projection::keep_up(kept, store, stop.cancelled_owned()).await?) })
        });
    }

    let repository =
        Repository::new(Arc::clone(&store), Arc::new(NotificationCodec), Arc::clone(&clock)).remembering(UNDER_WAY);
    let (hints, told) = due::due_hints();
    let consumer: Arc<dyn MessageHandler> =
        Arc::new(NotificationConsumer { repository: repository.clone(), clock: Arc::clone(&clock), hints });
    let in_hand = InHand::default();
    let runner = ConsumerRunner {
        consumer: NAME,
        topics: SUBSCRIPTIONS.to_vec(),
        bus: Arc::clone(&resources.bus),
        handler: consumer,
        dead_letters: Arc::clone(&resources.dead_letters),
        log: Some(HandlingLog::new(Arc::clone(&store), Arc::clone(&clock), NAME)),
        clock: Arc::clone(&clock),
        in_hand: in_hand.clone(),
    };
    supervisor.spawn("notifications: consumer", move |stop| {
        let runner = runner.clone();
        Box::pin(async move { Ok(runner.run(stop).await?) })
    });

    let deliveries = Deliveries {
        repository,
        desk: Arc::clone(&desk),
        vault: Arc::clone(&resources.vault),
        mailer: config.mailer,
        clock: Arc::clone(&clock),
        language: resources.language,
        public_url: config.public_url,
        settings: config.delivery,
    };
    let sender = Arc::new(Sender {
        deliveries: Arc::new(deliveries),
        hints: tokio::sync::Mutex::new(told),
        desk,
        clock,
        in_flight: config.delivery.in_flight.max(1),
        look_every: config.delivery.look_every,
    });
    supervisor.spawn("notifications: sender", move |stop| {
        let sender = Arc::clone(&sender);
        Box::pin(async move { sender.run(stop).await })
    });

    let pages = http::Pages::new(pool, resources.blind_index.clone(), config.mailbox_directory, resources.language);
    let operations = ServiceOperations::new(&resources, projections(), vec![(NAME, in_hand)]);
    let operations = operations.revealing(&resources, inspection::CONFIDENTIAL)?;
    let routes = ServiceOperations::beside(http::routes());
    Ok(infra_http::protected(http::router(pages).merge(operations.router()), &routes, config.verifier, &resources))
}
