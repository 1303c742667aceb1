//! The vault on PostgreSQL: wrapped keys in the `keys` database, opened ones for at most five minutes in memory.
//!
//! What always holds:
//! 1. a key is committed before anything is sealed under it, so no record outlives its key by a crash;
//! 2. there is one key per subject and purpose, however many processes ask for it at once: all of them insert, one
//!    row wins, the others read it;
//! 3. a new key is wrapped under the master key that is current while its row is inserted (a share lock holds a
//!    rotation off), so a finished rotation leaves nothing behind;
//! 4. a destroyed key stays a row without bytes: its records answer "erased", and nothing new is sealed for it.
//!
//! Another process may use a destroyed key for as long as it keeps keys in memory.
mod cache;
mod register;
mod rotation;
mod wrapping;

use crate::sealed::{self, DataKey};
use crate::{MasterKeyId, MasterKeys, statements};
use cache::{CachedKey, KeyCache, KeyState};
use domain_kernel::BoxFuture;
use domain_kernel::SubjectId;
use domain_kernel::ports::{KeyVault, Opened, Origin, Purpose, VaultError};
use infra_gathered::Gathered;
use sqlx::PgPool;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long an opened key may be used: the longest time for which a key destroyed by another process goes on working.
const KEY_LIFETIME: Duration = Duration::from_secs(300);
/// How many opened keys are kept: about 10 MiB.
const KEYS_IN_MEMORY: usize = 8192;
/// How often a group of new keys is wrapped anew because a rotation came between.
const ROTATIONS_MET: usize = 3;

type SubjectPurpose = (SubjectId, Purpose);

/// Seals and opens records; its keys live wrapped in a database that only the vault reads.
///
/// One per process: concurrent calls for new subjects share an insert, and all share the keys in memory.
pub struct PgVault {
    keys: Arc<Keys>,
    for_sealing: Gathered<SubjectPurpose, Option<Result<KeyState, VaultError>>, VaultError>,
    by_id: Gathered<Uuid, Option<Result<CachedKey, VaultError>>, VaultError>,
}

/// What the vault's parts share.
struct Keys {
    pool: PgPool,
    masters: RwLock<MasterKeys>,
    /// The master key that wraps new keys, as the database had it last.
    current: RwLock<HashMap<Purpose, MasterKeyId>>,
    cache: Mutex<KeyCache>,
}

/// One row of `data_key`.
#[derive(sqlx::FromRow)]
struct KeyRow {
    key_id: Uuid,
    subject: Uuid,
    purpose: String,
    master_id: Option<Uuid>,
    wrapped: Option<Vec<u8>>,
}

/// One row of `master_key`.
#[derive(sqlx::FromRow)]
struct MasterRow {
    master_id: Uuid,
    purpose: String,
    state: String,
    check_value: Vec<u8>,
}

impl PgVault {
    /// Opens the vault in `pool`'s database, whose migrations have run. An empty one takes `keys` as its own.
    ///
    /// # Errors
    /// [`VaultError::WrongMasterKey`] when the stored keys are wrapped under a master key that is not among `keys`;
    /// [`VaultError::Unavailable`].
    pub async fn open(pool: PgPool, keys: MasterKeys) -> Result<Self, VaultError> {
        let keys = Arc::new(Keys {
            pool,
            masters: RwLock::new(keys),
            current: RwLock::default(),
            cache: Mutex::new(KeyCache::new(KEYS_IN_MEMORY, KEY_LIFETIME)),
        });
        keys.register_masters().await?;
        keys.check_masters().await?;
        let (creating, reading) = (Arc::clone(&keys), Arc::clone(&keys));
        let for_sealing = Gathered::by_key(move |wanted| {
            let keys = Arc::clone(&creating);
            Box::pin(async move { keys.for_sealing(wanted).await })
        });
        let by_id = Gathered::by_key(move |wanted| {
            let keys = Arc::clone(&reading);
            Box::pin(async move { keys.by_id(wanted).await })
        });
        Ok(Self { keys, for_sealing, by_id })
    }
}

impl KeyVault for PgVault {
    fn seal<'a>(
        &'a self,
        subject: SubjectId,
        purpose: Purpose,
        origin: &'a Origin,
        schema: u16,
        plain: &'a [u8],
    ) -> BoxFuture<'a, Result<Vec<u8>, VaultError>> {
        Box::pin(async move {
            self.keys.entitled(purpose)?;
            let cached = self.keys.cache().of_subject(Instant::now(), (subject, purpose));
            let state = match cached {
                Some(state) => state,
                None => self.for_sealing.ask((subject, purpose)).await?.ok_or_else(key_vanished)??,
            };
            match state {
                KeyState::Usable(key) => sealed::seal(&key, purpose, origin, schema, plain),
                KeyState::Destroyed => Err(VaultError::Erased { purpose }),
            }
        })
    }

    fn open<'a>(
        &'a self,
        purpose: Purpose,
        origin: &'a Origin,
        sealed: &'a [u8],
    ) -> BoxFuture<'a, Result<Opened, VaultError>> {
        Box::pin(async move {
            self.keys.entitled(purpose)?;
            let id = sealed::key_id(sealed)?;
            let cached = self.keys.cache().by_id(Instant::now(), id);
            let key = match cached {
                Some(key) => key,
                None => self.by_id.ask(id).await?.ok_or(VaultError::NotAuthentic)??,
            };
            if key.purpose != purpose {
                return Err(VaultError::NotAuthentic);
            }
            match key.state {
                KeyState::Usable(key) => sealed::open(&key, purpose, origin, sealed),
                KeyState::Destroyed => Ok(Opened::Erased),
            }
        })
    }

    fn shred(&self, subject: SubjectId, purpose: Purpose) -> BoxFuture<'_, Result<u64, VaultError>> {
        Box::pin(async move {
            self.keys.entitled(purpose)?;
            self.keys.destroy(subject, purpose).await
        })
    }
}

impl Keys {
    fn entitled(&self, purpose: Purpose) -> Result<(), VaultError> {
        if read(&self.masters).holds(purpose) { Ok(()) } else { Err(VaultError::NotEntitled { purpose }) }
    }

    fn cache(&self) -> MutexGuard<'_, KeyCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes this process's keys the current ones of the purposes that have none yet.
    async fn register_masters(&self) -> Result<(), VaultError> {
        let masters = read(&self.masters).clone();
        let (mut ids, mut purposes, mut checks) = (vec![], vec![], vec![]);
        for purpose in masters.purposes() {
            if let Some(key) = masters.first(purpose) {
                ids.push(key.id().0);
                purposes.push(purpose.name());
                checks.push(wrapping::check_value(key, purpose)?);
            }
        }
        let insert = sqlx::query(statements::REGISTER_MASTERS).bind(ids).bind(purposes).bind(checks);
        insert.execute(&self.pool).await.map_err(unavailable)?;
        Ok(())
    }

    /// Finds the current master key of every purpose among those at hand, and every other one that still wraps keys.
    async fn check_masters(&self) -> Result<(), VaultError> {
        let masters = read(&self.masters).clone();
        let purposes: Vec<&str> = masters.purposes().map(Purpose::name).collect();
        let rows: Vec<MasterRow> =
            sqlx::query_as(statements::MASTERS).bind(purposes).fetch_all(&self.pool).await.map_err(unavailable)?;
        let mut current = HashMap::new();
        for row in rows {
            let purpose = purpose_of(&row.purpose)?;
            let id = MasterKeyId(row.master_id);
            let key = masters.find(purpose, id).ok_or(VaultError::WrongMasterKey { purpose })?;
            if !wrapping::is_check_value(key, purpose, &row.check_value) {
                return Err(VaultError::WrongMasterKey { purpose });
            }
            if row.state == "current" {
                current.insert(purpose, id);
            }
        }
        match masters.purposes().find(|purpose| !current.contains_key(purpose)) {
            Some(purpose) => Err(VaultError::WrongMasterKey { purpose }),
            None => {
                *write(&self.current) = current;
                Ok(())
            }
        }
    }

    /// The keys of `wanted`, made where there are none: one insert for all, then one read for those that were there.
    async fn for_sealing(
        &self,
        wanted: Vec<SubjectPurpose>,
    ) -> Result<HashMap<SubjectPurpose, Result<KeyState, VaultError>>, VaultError> {
        let mut found = HashMap::with_capacity(wanted.len());
        let mut missing = wanted;
        for _ in 0..ROTATIONS_MET {
            self.create(&missing, &mut found).await?;
            missing.retain(|subject| !found.contains_key(subject));
            if missing.is_empty() {
                return Ok(found);
            }
            let subjects: Vec<Uuid> = missing.iter().map(|(subject, _)| subject.0).collect();
            let purposes: Vec<&str> = missing.iter().map(|(_, purpose)| purpose.name()).collect();
            let rows: Vec<KeyRow> = sqlx::query_as(statements::KEYS_OF_SUBJECTS)
                .bind(subjects)
                .bind(purposes)
                .fetch_all(&self.pool)
                .await
                .map_err(unavailable)?;
            for row in rows {
                let subject = (SubjectId(row.subject), purpose_of(&row.purpose)?);
                found.insert(subject, self.keep(row).map(|key| key.state));
            }
            missing.retain(|subject| !found.contains_key(subject));
            if missing.is_empty() {
                return Ok(found);
            }
            // Neither inserted nor there: the master key is not the current one any more.
            if let Err(error) = self.check_masters().await {
                found.extend(missing.into_iter().map(|subject| (subject, Err(error.clone()))));
                return Ok(found);
            }
        }
        Err(VaultError::Unavailable { reason: "master keys are being rotated".to_owned() })
    }

    /// Inserts a new key for each of `wanted` that has none, and tells those that it made.
    async fn create(
        &self,
        wanted: &[SubjectPurpose],
        made: &mut HashMap<SubjectPurpose, Result<KeyState, VaultError>>,
    ) -> Result<(), VaultError> {
        let mut drafts = Vec::with_capacity(wanted.len());
        let (mut ids, mut subjects, mut purposes, mut masters, mut wraps) = (vec![], vec![], vec![], vec![], vec![]);
        for (subject, purpose) in wanted {
            let (master, key) = match self.current_master(*purpose) {
                Ok(master) => (master, zeroize::Zeroizing::new(sealed::random::<32>()?)),
                Err(error) => {
                    made.insert((*subject, *purpose), Err(error));
                    continue;
                }
            };
            let id = Uuid::now_v7();
            wraps.push(wrapping::wrap(&master, id, *subject, *purpose, &key)?);
            ids.push(id);
            subjects.push(subject.0);
            purposes.push(purpose.name());
            masters.push(master.id().0);
            drafts.push((*subject, *purpose, DataKey::new(id, &key)));
        }
        let inserted: Vec<Uuid> = sqlx::query_scalar(statements::CREATE_KEYS)
            .bind(ids)
            .bind(subjects)
            .bind(purposes)
            .bind(masters)
            .bind(wraps)
            .fetch_all(&self.pool)
            .await
            .map_err(unavailable)?;
        let inserted: std::collections::HashSet<Uuid> = inserted.into_iter().collect();
        for (subject, purpose, key) in drafts {
            if inserted.contains(&key.id()) {
                let (id, state) = (key.id(), KeyState::Usable(Arc::new(key)));
                let kept = self.cache().insert(Instant::now(), id, CachedKey { subject, purpose, state });
                made.insert((subject, purpose), Ok(kept.state));
            }
        }
        Ok(())
    }

    async fn by_id(&self, wanted: Vec<Uuid>) -> Result<HashMap<Uuid, Result<CachedKey, VaultError>>, VaultError> {
        let rows: Vec<KeyRow> =
            sqlx::query_as(statements::KEYS_BY_ID).bind(wanted).fetch_all(&self.pool).await.map_err(unavailable)?;
        Ok(rows.into_iter().map(|row| (row.key_id, self.keep(row))).collect())
    }

    /// Unwraps a row's key and keeps it in memory.
    fn keep(&self, row: KeyRow) -> Result<CachedKey, VaultError> {
        let (subject, purpose) = (SubjectId(row.subject), purpose_of(&row.purpose)?);
        let state = match (row.master_id, row.wrapped) {
            (Some(master), Some(wrapped)) => {
                self.entitled(purpose)?;
                let masters = read(&self.masters);
                let master =
                    masters.find(purpose, MasterKeyId(master)).ok_or(VaultError::WrongMasterKey { purpose })?;
                let key = wrapping::unwrap(master, row.key_id, subject, purpose, &wrapped)?;
                KeyState::Usable(Arc::new(DataKey::new(row.key_id, &key)))
            }
            _ => KeyState::Destroyed,
        };
        Ok(self.cache().insert(Instant::now(), row.key_id, CachedKey { subject, purpose, state }))
    }

    fn current_master(&self, purpose: Purpose) -> Result<crate::MasterKey, VaultError> {
        let current = read(&self.current).get(&purpose).copied();
        let masters = read(&self.masters);
        current.and_then(|id| masters.find(purpose, id)).cloned().ok_or(VaultError::WrongMasterKey { purpose })
    }
}

/// The database's names are those of [`Purpose::name`], by a check constraint.
fn purpose_of(name: &str) -> Result<Purpose, VaultError> {
    Purpose::parse(name)
        .ok_or_else(|| VaultError::Unavailable { reason: format!("the key store has an unknown purpose {name}") })
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

fn key_vanished() -> VaultError {
    VaultError::Unavailable { reason: "a new key was not made".to_owned() }
}

/// The messages of PostgreSQL name constraints and states; values stand only in its details, which are left out.
#[expect(clippy::needless_pass_by_value, reason = "taken by map_err")]
fn unavailable(error: sqlx::Error) -> VaultError {
    VaultError::Unavailable { reason: error.to_string() }
}
