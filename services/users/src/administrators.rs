//! Who takes an administrator away does so alone, in all processes of this service together: two could each spare the
//! other one and leave nobody.
use crate::database::DatabaseError;
use crate::statements;
use sqlx::{PgPool, Postgres, Transaction};
use tokio::sync::{Mutex, MutexGuard};

/// The turn to take an administrator away.
pub(crate) struct Administrators {
    pool: PgPool,
    /// So that those of this process who wait for their turn keep one connection, not all of them.
    here: Mutex<()>,
}

/// It is the holder's turn until this is dropped.
///
/// The database ends a session that is idle in its transaction for seconds, and the turn with it; what is done in a turn
/// takes milliseconds.
pub(crate) struct Turn<'a> {
    _everywhere: Transaction<'static, Postgres>,
    _here: MutexGuard<'a, ()>,
}

impl Administrators {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool, here: Mutex::new(()) }
    }

    /// Waits for the turn.
    pub(crate) async fn turn(&self) -> Result<Turn<'_>, DatabaseError> {
        let here = self.here.lock().await;
        let mut everywhere = self.pool.begin().await?;
        sqlx::query(statements::ADMINISTRATORS_TURN).execute(&mut *everywhere).await?;
        Ok(Turn { _everywhere: everywhere, _here: here })
    }
}
