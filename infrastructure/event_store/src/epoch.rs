//! Epochs: what orders events across a move to another cluster.
//!
//! Transaction ids belong to a cluster. A logical copy (`pg_dump`) restored into another one brings rows whose ids that
//! cluster has not given out yet: new events would sort before old ones, and readers would skip them. So the store
//! refuses such data until it is adopted; the next epoch sorts after everything before it.
use crate::{failure, row, statements};
use domain_kernel::ports::StoreError;
use sqlx::PgPool;

/// What [`adopt`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adoption {
    /// The data was another cluster's; this epoch is the current one now.
    Opened(i16),
    /// The data is this cluster's own, in this epoch; nothing was done.
    NotNeeded(i16),
}

/// The current epoch, if its data is this cluster's own.
pub(crate) async fn current(pool: &PgPool) -> Result<i16, StoreError> {
    let (epoch, foreign): (i16, bool) =
        sqlx::query_as(statements::EPOCH_CHECK).fetch_one(pool).await.map_err(|error| failure::of_query(&error))?;
    if foreign {
        return Err(row::damaged(
            "the events were copied from another PostgreSQL cluster; run `historia db adopt` to go on here",
        ));
    }
    Ok(epoch)
}

/// Opens the next epoch if the data came from another cluster. Run as the owner while no service runs.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn adopt(pool: &PgPool) -> Result<Adoption, StoreError> {
    let of_query = |error: sqlx::Error| failure::of_query(&error);
    let (epoch, foreign): (i16, bool) =
        sqlx::query_as(statements::EPOCH_CHECK).fetch_one(pool).await.map_err(of_query)?;
    if !foreign {
        return Ok(Adoption::NotNeeded(epoch));
    }
    // Of two adoptions at once the primary key lets one through.
    let opened = sqlx::query_scalar(statements::EPOCH_OPEN).fetch_one(pool).await.map_err(of_query)?;
    Ok(Adoption::Opened(opened))
}
