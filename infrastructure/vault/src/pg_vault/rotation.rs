//! Another master key for a purpose, while everything goes on.
//!
//! 1. In one transaction the next master key becomes the current one and the last one is retiring: every new key is
//!    wrapped under the next one from here on.
//! 2. Chunk by chunk, the keys under other master keys are wrapped anew. No event and no sealed record is touched.
//! 3. Master keys that wrap nothing any more are retired.
//!
//! Stopped anywhere, it goes on where it was when it is called again with the same key; until step 3 every process
//! must hold both master keys.
use super::{KeyRow, Keys, PgVault, read, unavailable, wrapping, write};
use crate::{MasterKey, MasterKeyId, statements};
use domain_kernel::SubjectId;
use domain_kernel::ports::{Purpose, VaultError};
use uuid::Uuid;

/// How many keys one transaction wraps anew: a few milliseconds.
const CHUNK: i64 = 500;

impl PgVault {
    /// Wraps every key of `purpose` under `next` and tells how many it was that this call wrapped.
    ///
    /// Every other process that opens or seals records of `purpose` must hold `next` too before this is called; the
    /// last master key may be thrown away everywhere after it.
    ///
    /// # Errors
    /// [`VaultError::WrongMasterKey`] when this process does not hold a master key that wraps a stored key,
    /// [`VaultError::Unavailable`]; call it again with the same key.
    pub async fn rotate_master(&self, purpose: Purpose, next: &MasterKey) -> Result<u64, VaultError> {
        self.keys.entitled(purpose)?;
        self.keys.promote(purpose, next).await?;
        {
            let mut masters = write(&self.keys.masters);
            *masters = masters.clone().with(purpose, next.clone());
        }
        write(&self.keys.current).insert(purpose, next.id());
        let (mut after, mut rewrapped) = (Uuid::nil(), 0);
        while let Some((last, count)) = self.keys.rewrap_after(purpose, next, after).await? {
            after = last;
            rewrapped += count;
        }
        sqlx::query(statements::FINISH_ROTATION)
            .bind(purpose.name())
            .execute(&self.keys.pool)
            .await
            .map_err(unavailable)?;
        Ok(rewrapped)
    }
}

impl Keys {
    /// Step 1; does nothing when `next` is the current one already.
    async fn promote(&self, purpose: Purpose, next: &MasterKey) -> Result<(), VaultError> {
        let mut transaction = self.pool.begin().await.map_err(unavailable)?;
        let current: Option<Uuid> = sqlx::query_scalar(statements::LOCK_CURRENT_MASTER)
            .bind(purpose.name())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(unavailable)?;
        let current = MasterKeyId(current.ok_or(VaultError::WrongMasterKey { purpose })?);
        if current == next.id() {
            return Ok(());
        }
        if read(&self.masters).find(purpose, current).is_none() {
            return Err(VaultError::WrongMasterKey { purpose });
        }
        sqlx::query(statements::RETIRE_CURRENT_MASTER)
            .bind(purpose.name())
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        sqlx::query(statements::PROMOTE_MASTER)
            .bind(next.id().0)
            .bind(purpose.name())
            .bind(wrapping::check_value(next, purpose)?)
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)
    }

    /// Step 2, one chunk: tells the last key and how many there were; nothing when all are wrapped under `next`.
    async fn rewrap_after(
        &self,
        purpose: Purpose,
        next: &MasterKey,
        after: Uuid,
    ) -> Result<Option<(Uuid, u64)>, VaultError> {
        let mut transaction = self.pool.begin().await.map_err(unavailable)?;
        let rows: Vec<KeyRow> = sqlx::query_as(statements::KEYS_UNDER_OTHER_MASTERS)
            .bind(purpose.name())
            .bind(next.id().0)
            .bind(after)
            .bind(CHUNK)
            .fetch_all(&mut *transaction)
            .await
            .map_err(unavailable)?;
        let Some(last) = rows.last().map(|row| row.key_id) else {
            return Ok(None);
        };
        let (ids, wraps) = self.wrapped_anew(purpose, next, &rows)?;
        let count = sqlx::query(statements::REWRAP_KEYS)
            .bind(ids)
            .bind(wraps)
            .bind(next.id().0)
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?
            .rows_affected();
        transaction.commit().await.map_err(unavailable)?;
        Ok(Some((last, count)))
    }

    fn wrapped_anew(
        &self,
        purpose: Purpose,
        next: &MasterKey,
        rows: &[KeyRow],
    ) -> Result<(Vec<Uuid>, Vec<Vec<u8>>), VaultError> {
        let masters = read(&self.masters);
        let wrong = || VaultError::WrongMasterKey { purpose };
        let (mut ids, mut wraps) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        for row in rows {
            let (Some(master), Some(wrapped)) = (row.master_id, &row.wrapped) else {
                continue;
            };
            let subject = SubjectId(row.subject);
            let master = masters.find(purpose, MasterKeyId(master)).ok_or_else(wrong)?;
            let key = wrapping::unwrap(master, row.key_id, subject, purpose, wrapped)?;
            ids.push(row.key_id);
            wraps.push(wrapping::wrap(next, row.key_id, subject, purpose, &key)?);
        }
        Ok((ids, wraps))
    }
}
