//! The services of the platform: a line each, from which everything that concerns all of them follows (databases,
//! migrations, replay, gateway, OpenAPI document, Postman collection).
use domain_kernel::Topic;
use domain_kernel::ports::Purpose;
use infra_contracts::stored::{CatalogueError, StoredEventType, StoredEvents};
use infra_disclosure::States;
use infra_event_store::projection::Projection;
use infra_http::ServiceApi;
use infra_messaging::Publisher;
use infra_runtime::database::MigrationSet;
use service_bff::ServiceEvents;
use std::sync::Arc;

/// What the platform has to know of a service.
pub(crate) struct ServiceDefinition {
    /// The pinned name; also the message source's and the internal tokens' audience.
    pub name: &'static str,
    /// Its database; the role that it works as has the same name.
    pub database: &'static str,
    /// The purposes whose records it seals and opens. It is given no other master key.
    pub purposes: &'static [Purpose],
    /// Its own tables, beside the event store's.
    pub migrations: &'static [(i64, &'static str, &'static str)],
    /// What it stores, beside what every consumer stores of its handling and who was shown what.
    pub events: &'static [StoredEventType],
    /// The topics that it publishes on.
    pub publishes: &'static [Topic],
    /// How it tells there what it stores.
    pub publisher: fn() -> Arc<dyn Publisher>,
    /// The topics that it reads.
    pub reads: &'static [Topic],
    /// Its part of the gateway.
    pub api: fn() -> ServiceApi,
    /// Its read models.
    pub projections: fn() -> Vec<Arc<dyn Projection>>,
    /// Its streams' states, folded for an operator.
    pub states: States,
}

/// The database of the wrapped keys, which only the vault reads.
pub(crate) const KEYS_DATABASE: &str = "historia_keys";

/// Every service, in the order in which they are started.
pub(crate) fn services() -> [ServiceDefinition; 4] {
    [
        ServiceDefinition {
            name: service_users::NAME,
            database: "historia_users",
            purposes: &[Purpose::Account, Purpose::Contact],
            migrations: service_users::MIGRATIONS,
            events: service_users::EVENTS,
            publishes: service_users::TOPICS,
            publisher: service_users::publisher,
            reads: &[],
            api: service_users::api,
            projections: service_users::projections,
            states: service_users::states,
        },
        ServiceDefinition {
            name: service_results::NAME,
            database: "historia_results",
            purposes: &[Purpose::Clinical, Purpose::Contact],
            migrations: service_results::MIGRATIONS,
            events: service_results::EVENTS,
            publishes: service_results::TOPICS,
            publisher: service_results::publisher,
            reads: service_results::SUBSCRIPTIONS,
            api: service_results::api,
            projections: service_results::projections,
            states: service_results::states,
        },
        ServiceDefinition {
            name: service_notifications::NAME,
            database: "historia_notifications",
            purposes: &[Purpose::Contact],
            migrations: service_notifications::MIGRATIONS,
            events: service_notifications::EVENTS,
            publishes: service_notifications::TOPICS,
            publisher: service_notifications::publisher,
            reads: service_notifications::SUBSCRIPTIONS,
            api: service_notifications::api,
            projections: service_notifications::projections,
            states: service_notifications::states,
        },
        ServiceDefinition {
            name: service_saga_log::NAME,
            database: "historia_saga_log",
            purposes: &[],
            migrations: service_saga_log::MIGRATIONS,
            events: service_saga_log::EVENTS,
            publishes: service_saga_log::TOPICS,
            publisher: service_saga_log::publisher,
            reads: service_saga_log::SUBSCRIPTIONS,
            api: service_saga_log::api,
            projections: service_saga_log::projections,
            states: service_saga_log::states,
        },
    ]
}

/// What the services store, publish and read.
pub(crate) fn events() -> Vec<ServiceEvents> {
    services().iter().map(ServiceDefinition::told).collect()
}

/// The names of all databases: whatever else a server holds is somebody else's.
pub(crate) fn database_names() -> Vec<&'static str> {
    services().iter().map(|service| service.database).chain([KEYS_DATABASE]).collect()
}

impl ServiceDefinition {
    /// What it stores, publishes and reads.
    fn told(&self) -> ServiceEvents {
        ServiceEvents { service: self.name, stored: self.events, publishes: self.publishes, reads: self.reads }
    }

    /// The schema of its database.
    pub(crate) fn migration_set(&self) -> MigrationSet {
        MigrationSet { name: self.database, sets: vec![infra_event_store::MIGRATIONS, self.migrations] }
    }

    /// The schemas of everything in its event table.
    ///
    /// # Errors
    /// Two event types share a number or name, or a schema does not parse: a mistake in the code.
    pub(crate) fn catalogue(&self) -> Result<StoredEvents, CatalogueError> {
        StoredEvents::new(self.events)?.with(infra_messaging::handling::EVENTS)?.with(infra_disclosure::EVENTS)
    }
}

/// The schema of the keys' database.
pub(crate) fn keys_migration_set() -> MigrationSet {
    MigrationSet { name: KEYS_DATABASE, sets: vec![infra_vault::MIGRATIONS] }
}
