//! The senders' desk in memory: leases by virtual time, and what the read model says is due.
use super::{Tables, lock, reach};
use crate::defect::Defect;
use crate::life::Life;
use crate::plan::Service;
use domain_kernel::{BoxFuture, StreamId, Timestamp};
use service_notifications::{Desk, DeskError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// Who has which notification in hand, and until when.
#[derive(Default)]
pub(crate) struct Leases(Mutex<HashMap<StreamId, (u32, Instant)>>);

pub(crate) struct LivingDesk {
    pub(crate) life: Arc<Life>,
    pub(crate) leases: Arc<Leases>,
    pub(crate) tables: Arc<Tables>,
    pub(crate) length: Duration,
}

impl LivingDesk {
    async fn reach(&self, what: &'static str, about: Uuid) -> Result<(), DeskError> {
        reach(&self.life, Service::Notifications, what, about).await.map_err(|_| DeskError::OutOfReach)
    }
}

impl Desk for LivingDesk {
    fn take(&self, notification: StreamId) -> BoxFuture<'_, Result<bool, DeskError>> {
        Box::pin(async move {
            self.reach("takes the lease of", notification.0).await?;
            let now = Instant::now();
            let taken = {
                let mut leases = lock(&self.leases.0);
                let kept = !self.life.world.has(Defect::LeaseNotKept);
                let held = leases
                    .get(&notification)
                    .is_some_and(|(holder, until)| kept && *holder != self.life.number && *until >= now);
                if !held {
                    leases.insert(notification, (self.life.number, now + self.length));
                }
                !held
            };
            self.life.step(if taken { "has the lease of" } else { "does not get the lease of" }, notification.0).await;
            Ok(taken)
        })
    }

    fn release(&self, notification: StreamId) -> BoxFuture<'_, Result<(), DeskError>> {
        Box::pin(async move {
            self.reach("gives back the lease of", notification.0).await?;
            let mut leases = lock(&self.leases.0);
            if leases.get(&notification).is_some_and(|(holder, _)| *holder == self.life.number) {
                leases.remove(&notification);
            }
            Ok(())
        })
    }

    fn due(&self, now: Timestamp, limit: i64) -> BoxFuture<'_, Result<Vec<(Timestamp, StreamId)>, DeskError>> {
        Box::pin(async move {
            self.reach("looks what is due", Uuid::nil()).await?;
            let mut due = self.tables.due(now);
            due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            Ok(due)
        })
    }
}
