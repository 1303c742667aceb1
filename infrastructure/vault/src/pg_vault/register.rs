//! The keys as rows: listed and destroyed, never unwrapped.
use super::{Keys, PgVault, purpose_of, unavailable};
use crate::statements;
use domain_kernel::ports::{KeyQuery, KeyRecord, KeyRegister, Purpose, VaultError};
use domain_kernel::{BoxFuture, SubjectId, Timestamp};
use std::time::Instant;
use uuid::Uuid;

/// One row of `data_key`, without the key.
#[derive(sqlx::FromRow)]
struct RegisterRow {
    key_id: Uuid,
    subject: Uuid,
    purpose: String,
    master_id: Option<Uuid>,
    /// Microseconds since 1970, as the one after.
    created_at: i64,
    destroyed_at: Option<i64>,
}

impl TryFrom<RegisterRow> for KeyRecord {
    type Error = VaultError;

    fn try_from(row: RegisterRow) -> Result<Self, VaultError> {
        Ok(Self {
            id: row.key_id,
            subject: SubjectId(row.subject),
            purpose: purpose_of(&row.purpose)?,
            master: row.master_id,
            created_at: Timestamp(row.created_at),
            destroyed_at: row.destroyed_at.map(Timestamp),
        })
    }
}

impl KeyRegister for PgVault {
    fn keys(&self, query: KeyQuery) -> BoxFuture<'_, Result<Vec<KeyRecord>, VaultError>> {
        Box::pin(async move {
            let rows: Vec<RegisterRow> = sqlx::query_as(statements::LIST_KEYS)
                .bind(query.after)
                .bind(query.subject.map(|subject| subject.0))
                .bind(query.purpose.map(Purpose::name))
                .bind(i64::try_from(query.limit).unwrap_or(i64::MAX))
                .fetch_all(&self.keys.pool)
                .await
                .map_err(unavailable)?;
            rows.into_iter().map(KeyRecord::try_from).collect()
        })
    }

    fn destroy(&self, subject: SubjectId, purpose: Purpose) -> BoxFuture<'_, Result<u64, VaultError>> {
        Box::pin(self.keys.destroy(subject, purpose))
    }
}

impl Keys {
    /// Destroys a key, in the database and in this process's memory.
    pub(super) async fn destroy(&self, subject: SubjectId, purpose: Purpose) -> Result<u64, VaultError> {
        let unused = Uuid::now_v7();
        let destroyed: Option<Uuid> = sqlx::query_scalar(statements::DESTROY_KEY)
            .bind(unused)
            .bind(subject.0)
            .bind(purpose.name())
            .fetch_optional(&self.pool)
            .await
            .map_err(unavailable)?;
        self.cache().destroy(Instant::now(), (subject, purpose), destroyed);
        Ok(destroyed.is_some_and(|id| id != unused).into())
    }
}
