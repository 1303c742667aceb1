//! What changed since somebody last asked, for who watches.
//!
//! The service's own log is the list of changes: it is read on from where the last answer ended, as far as the read model
//! has folded it. So nothing is left out, however much happens at once, and what happened long ago and is heard of only now
//! is told as well.
use super::query::{self, Filter, SagaEventRow};
use super::{Batch, Heard, SagaList};
use domain_kernel::ports::{EventStore, StoreError};
use domain_kernel::{Checkpoint, UserId};
use infra_event_store::projection::{self, ProjectionError};
use sqlx::PgPool;
use std::collections::BTreeSet;
use uuid::Uuid;

/// So many entries of the log are looked at for one answer.
const MOST: usize = 500;

/// Where an answer ended: a checkpoint of the service's log.
pub(crate) type Place = (i16, u64, i64);

fn place(Checkpoint { epoch, tx, position }: Checkpoint) -> Place {
    (epoch, tx, position)
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangesError {
    /// The log does not answer.
    #[error("the log of sagas cannot be read")]
    Store(#[from] StoreError),
    /// The read model does not answer.
    #[error("the read model of sagas cannot be read")]
    ReadModel(#[from] ProjectionError),
}

impl From<sqlx::Error> for ChangesError {
    fn from(error: sqlx::Error) -> Self {
        Self::ReadModel(error.into())
    }
}

/// The events that anything was said of after `after`, as they are now, the oldest first, and where to go on. An answer
/// without events that goes on elsewhere than it began is not the end. Without `after`: no events, and where now is.
pub(crate) async fn changes(
    (pool, store): (&PgPool, &dyn EventStore),
    reader: Option<UserId>,
    filter: &Filter,
    after: Option<Place>,
) -> Result<(Vec<SagaEventRow>, Place), ChangesError> {
    let folded =
        projection::status(&SagaList, pool).await?.map_or_else(Checkpoint::default, |status| status.checkpoint);
    let Some((epoch, tx, position)) = after else { return Ok((Vec::new(), place(folded))) };
    let after = Checkpoint { epoch, tx, position };
    if after >= folded {
        return Ok((Vec::new(), place(after)));
    }
    let mut said = store.read_all(after, MOST).await?;
    said.retain(|event| event.checkpoint <= folded);
    let Some(last) = said.last().map(|event| event.checkpoint) else { return Ok((Vec::new(), place(after))) };
    let about: BTreeSet<Uuid> = Batch::of(&said)?.heard.iter().map(Heard::event).map(|event| event.0).collect();
    let rows = query::list_these(pool, reader, filter, about.into_iter().collect()).await?;
    Ok((rows, place(last)))
}
