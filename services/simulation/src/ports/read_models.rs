//! Read models in memory: a row per stream that tells exactly which events it is the fold of.
//!
//! The runner is the real one; the rows are not those of the projections, whose SQL is tried on PostgreSQL. A row here
//! counts and mixes the events it took, so an event that is missing, doubled or out of order shows.
use super::{lock, reach};
use crate::defect::Defect;
use crate::life::Life;
use crate::plan::Service;
use crate::world::World;
use domain_kernel::{BoxFuture, Checkpoint, RecordedEvent, StreamId, Timestamp, Version};
use infra_event_store::projection::{Projection, ProjectionError, ReadModel, ReadModels, Status};
use service_notifications::Due;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// What one row says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    version: Version,
    events: u32,
    mixed: u128,
}

impl Row {
    fn fold(self, event: &RecordedEvent) -> Self {
        let id = event.metadata.event_id.0.as_u128();
        Self { version: event.version, events: self.events + 1, mixed: self.mixed.rotate_left(7) ^ id }
    }
}

/// The rows of `events`, folded afresh.
pub(crate) fn fold(events: &[RecordedEvent]) -> BTreeMap<StreamId, Row> {
    let mut rows: BTreeMap<StreamId, Row> = BTreeMap::new();
    for event in events {
        let row = rows.entry(event.stream).or_default();
        *row = row.fold(event);
    }
    rows
}

/// One read model.
#[derive(Clone, Default)]
pub(crate) struct Table {
    checkpoint: Checkpoint,
    pub(crate) rows: BTreeMap<StreamId, Row>,
    live: bool,
    due: BTreeMap<StreamId, Timestamp>,
}

impl Table {
    /// How many events it is the fold of.
    pub(crate) fn events(&self) -> usize {
        self.rows.values().map(|row| usize::try_from(row.events).unwrap_or(usize::MAX)).sum()
    }
}

/// The read models of one service.
#[derive(Default)]
pub(crate) struct Tables(Mutex<BTreeMap<&'static str, Table>>);

impl Tables {
    /// Every read model, by name.
    pub(crate) fn all(&self) -> BTreeMap<&'static str, Table> {
        lock(&self.0).clone()
    }

    /// What is due, the longest due first.
    pub(crate) fn due(&self, now: Timestamp) -> Vec<(Timestamp, StreamId)> {
        let tables = lock(&self.0);
        let due = tables.values().flat_map(|table| table.due.iter());
        let mut due: Vec<_> = due.filter(|(_, at)| **at <= now).map(|(stream, at)| (*at, *stream)).collect();
        due.sort_unstable();
        due
    }
}

pub(crate) struct LivingReadModels {
    pub(crate) life: Arc<Life>,
    pub(crate) service: Service,
    pub(crate) tables: Arc<Tables>,
}

impl ReadModels for LivingReadModels {
    fn of(&self, projection: Arc<dyn Projection>) -> Arc<dyn ReadModel> {
        Arc::new(LivingReadModel {
            life: Arc::clone(&self.life),
            service: self.service,
            tables: Arc::clone(&self.tables),
            name: projection.name(),
        })
    }
}

struct LivingReadModel {
    life: Arc<Life>,
    service: Service,
    tables: Arc<Tables>,
    name: &'static str,
}

impl ReadModel for LivingReadModel {
    fn open(&self) -> BoxFuture<'_, Result<Status, ProjectionError>> {
        Box::pin(async move {
            reach(&self.life, self.service, "opens the read model", super::named(self.name)).await?;
            let mut tables = lock(&self.tables.0);
            let table = tables.entry(self.name).or_default();
            Ok(Status { checkpoint: table.checkpoint, generation: 1, live: table.live, paused: false })
        })
    }

    fn apply<'a>(
        &'a self,
        status: &'a Status,
        events: &'a [RecordedEvent],
    ) -> BoxFuture<'a, Result<bool, ProjectionError>> {
        Box::pin(async move {
            let about = events.last().map_or(Uuid::nil(), |event| event.metadata.event_id.0);
            reach(&self.life, self.service, "folds up to", about).await?;
            let fenced = {
                let mut tables = lock(&self.tables.0);
                let table = tables.entry(self.name).or_default();
                let world = &self.life.world;
                let stands = table.checkpoint == status.checkpoint || world.has(Defect::FenceIgnored);
                let before = table.checkpoint;
                if stands {
                    fold_into(table, events, world, self.name);
                }
                if world.has(Defect::CheckpointApartFromRows) {
                    table.checkpoint = before;
                }
                stands
            };
            if self.life.world.has(Defect::CheckpointApartFromRows) && fenced {
                self.life.step("has written rows up to", about).await;
                if let (Some(last), Some(table)) = (events.last(), lock(&self.tables.0).get_mut(self.name)) {
                    table.checkpoint = last.checkpoint;
                }
            }
            self.life.step(if fenced { "has folded up to" } else { "leaves it to another to fold up to" }, about).await;
            Ok(fenced)
        })
    }

    fn caught_up(&self) -> BoxFuture<'_, Result<(), ProjectionError>> {
        Box::pin(async move {
            reach(&self.life, self.service, "says that it has caught up:", super::named(self.name)).await?;
            lock(&self.tables.0).entry(self.name).or_default().live = true;
            Ok(())
        })
    }
}

fn fold_into(table: &mut Table, events: &[RecordedEvent], world: &World, name: &str) {
    for event in events {
        let row = table.rows.entry(event.stream).or_default();
        if event.version != row.version.next() {
            world.break_with(format!(
                "read model {name} is shown version {} of {} after {}",
                event.version, event.stream, row.version
            ));
        }
        *row = row.fold(event);
        table.checkpoint = event.checkpoint;
        if name == "notification" {
            match service_notifications::due(event) {
                Ok(Due::At(at)) => drop(table.due.insert(event.stream, at)),
                Ok(Due::Never) => drop(table.due.remove(&event.stream)),
                Ok(Due::Unchanged) => {}
                Err(error) => world.break_with(format!("an event of notifications cannot be read: {error}")),
            }
        }
    }
}
