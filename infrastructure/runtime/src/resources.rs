//! What every service is started with.
use crate::{Health, Language, Profile, Supervisor};
use domain_kernel::ports::{Clock, EventBus, EventStore, KeyVault};
use infra_event_store::BlindIndex;
use infra_event_store::dead_letters::DeadLetters;
use infra_event_store::projection::ReadModels;
use sqlx::PgPool;
use std::sync::Arc;

/// What every service is started with: its own store and database, the shared bus, and what it may open in the vault.
///
/// Cheap to clone. A service takes all it needs from here, so that a test can give it other clocks, stores and buses.
#[derive(Clone)]
pub struct Resources {
    /// The service's pinned name, such as `users`: the same as its database's.
    pub service: &'static str,
    /// Which rules of safety hold.
    pub profile: Profile,
    /// The language of what people read.
    pub language: Language,
    /// Time and new ids.
    pub clock: Arc<dyn Clock>,
    /// The service's own events.
    pub store: Arc<dyn EventStore>,
    /// The service's own database, for its read models; never for a transaction that also appends.
    pub pool: PgPool,
    /// Where the service's read models are kept up with its log.
    pub read_models: Arc<dyn ReadModels>,
    /// The keys of the purposes that this service may open.
    pub vault: Arc<dyn KeyVault>,
    /// Messages from and to the other services.
    pub bus: Arc<dyn EventBus>,
    /// HMACs of unique values and of what clients asked.
    pub blind_index: BlindIndex,
    /// What this service's consumers could not handle.
    pub dead_letters: Arc<dyn DeadLetters>,
    /// Where the service's tasks run.
    pub supervisor: Supervisor,
    /// What `/readyz` asks.
    pub health: Health,
}
