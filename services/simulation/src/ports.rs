//! The ports that a process is given: the in-memory ones, reached through the process's [`Life`](crate::life::Life) and
//! subject to the plan's faults.
mod bus;
mod checkpoints;
mod dead_letters;
mod desk;
mod mailer;
mod planted;
mod read_models;
mod store;
mod vault;

pub(crate) use bus::{BrokerBus, FaultyBus};
pub(crate) use checkpoints::LivingCheckpoints;
pub(crate) use dead_letters::LivingDeadLetters;
pub(crate) use desk::{Leases, LivingDesk};
pub(crate) use mailer::{LivingMailer, Outbox};
pub(crate) use planted::Planted;
pub(crate) use read_models::{LivingReadModels, Tables, fold};
pub(crate) use store::LivingStore;
pub(crate) use vault::LivingVault;

use crate::life::Life;
use crate::plan::Service;
use domain_kernel::ports::StoreError;
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process's way to the database of `service`: it may be slow, or down.
async fn reach(life: &Life, service: Service, what: &'static str, about: Uuid) -> Result<(), StoreError> {
    life.step(what, about).await;
    match life.world.store_call(service) {
        Ok(None) => Ok(()),
        Ok(Some(slow)) => {
            life.sleep(slow).await;
            Ok(())
        }
        Err(()) => Err(StoreError::Unavailable { reason: "the database is down".to_owned() }),
    }
}

/// A name as something that a trace can tell: the same in every run.
fn named(name: &str) -> Uuid {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    Uuid::from_u64_pair(0, hash)
}
