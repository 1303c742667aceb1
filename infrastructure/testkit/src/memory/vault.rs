//! A vault whose keys live as long as the value does.
use super::lock;
use domain_kernel::ports::{Clock, KeyQuery, KeyRecord, KeyRegister, KeyVault, Opened, Origin, Purpose, VaultError};
use domain_kernel::{BoxFuture, SubjectId, Timestamp};
use infra_runtime::SystemClock;
use infra_vault::sealed::{self, DataKey};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// Seals with the real cipher under keys that are never stored. Clones, and views of other purposes, share the keys.
#[derive(Clone)]
pub struct MemoryVault {
    keys: Arc<Mutex<Keys>>,
    purposes: Vec<Purpose>,
}

#[derive(Default)]
struct Keys {
    /// By id, which is the order in which they were made.
    by_id: BTreeMap<Uuid, MemoryKey>,
    of_subject: HashMap<(SubjectId, Purpose), Uuid>,
}

struct MemoryKey {
    subject: SubjectId,
    purpose: Purpose,
    /// `None` once destroyed.
    key: Option<Arc<DataKey>>,
    created_at: Timestamp,
    destroyed_at: Option<Timestamp>,
}

impl Keys {
    /// The key of a subject and purpose, made when there is none.
    fn of(&mut self, subject: SubjectId, purpose: Purpose) -> &mut MemoryKey {
        let id = *self.of_subject.entry((subject, purpose)).or_insert_with(Uuid::now_v7);
        self.by_id.entry(id).or_insert_with(|| {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).expect("the operating system gives random numbers");
            let key = Some(Arc::new(DataKey::new(id, &bytes)));
            MemoryKey { subject, purpose, key, created_at: SystemClock.now(), destroyed_at: None }
        })
    }

    /// A subject without a key gets a destroyed one, so that nothing is sealed for it later.
    fn destroy(&mut self, subject: SubjectId, purpose: Purpose) -> u64 {
        let known = self.of_subject.contains_key(&(subject, purpose));
        let key = self.of(subject, purpose);
        key.destroyed_at.get_or_insert_with(|| SystemClock.now());
        (key.key.take().is_some() && known).into()
    }
}

impl Default for MemoryVault {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryVault {
    /// May open every purpose.
    #[must_use]
    pub fn new() -> Self {
        Self { keys: Arc::default(), purposes: Purpose::ALL.to_vec() }
    }

    /// The same keys for a service that may use `purposes` only.
    #[must_use]
    pub fn restricted_to(&self, purposes: &[Purpose]) -> Self {
        Self { keys: Arc::clone(&self.keys), purposes: purposes.to_vec() }
    }

    fn entitled(&self, purpose: Purpose) -> Result<(), VaultError> {
        if self.purposes.contains(&purpose) { Ok(()) } else { Err(VaultError::NotEntitled { purpose }) }
    }
}

impl KeyVault for MemoryVault {
    fn seal<'a>(
        &'a self,
        subject: SubjectId,
        purpose: Purpose,
        origin: &'a Origin,
        schema: u16,
        plain: &'a [u8],
    ) -> BoxFuture<'a, Result<Vec<u8>, VaultError>> {
        Box::pin(async move {
            self.entitled(purpose)?;
            let key = lock(&self.keys).of(subject, purpose).key.clone().ok_or(VaultError::Erased { purpose })?;
            sealed::seal(&key, purpose, origin, schema, plain)
        })
    }

    fn open<'a>(
        &'a self,
        purpose: Purpose,
        origin: &'a Origin,
        sealed: &'a [u8],
    ) -> BoxFuture<'a, Result<Opened, VaultError>> {
        Box::pin(async move {
            self.entitled(purpose)?;
            let id = sealed::key_id(sealed)?;
            let found = lock(&self.keys).by_id.get(&id).map(|key| (key.purpose, key.key.clone()));
            match found {
                Some((of, key)) if of == purpose => match key {
                    Some(key) => sealed::open(&key, purpose, origin, sealed),
                    None => Ok(Opened::Erased),
                },
                _ => Err(VaultError::NotAuthentic),
            }
        })
    }

    fn shred(&self, subject: SubjectId, purpose: Purpose) -> BoxFuture<'_, Result<u64, VaultError>> {
        Box::pin(async move {
            self.entitled(purpose)?;
            Ok(lock(&self.keys).destroy(subject, purpose))
        })
    }
}

impl KeyRegister for MemoryVault {
    fn keys(&self, query: KeyQuery) -> BoxFuture<'_, Result<Vec<KeyRecord>, VaultError>> {
        Box::pin(async move {
            let keys = lock(&self.keys);
            let wanted = keys.by_id.iter().filter(|(id, key)| {
                query.after.is_none_or(|after| **id > after)
                    && query.subject.is_none_or(|subject| key.subject == subject)
                    && query.purpose.is_none_or(|purpose| key.purpose == purpose)
            });
            let record = |(id, key): (&Uuid, &MemoryKey)| KeyRecord {
                id: *id,
                subject: key.subject,
                purpose: key.purpose,
                // There are no master keys here; any one stands for them.
                master: key.key.is_some().then(Uuid::nil),
                created_at: key.created_at,
                destroyed_at: key.destroyed_at,
            };
            Ok(wanted.take(query.limit).map(record).collect())
        })
    }

    fn destroy(&self, subject: SubjectId, purpose: Purpose) -> BoxFuture<'_, Result<u64, VaultError>> {
        Box::pin(async move { Ok(lock(&self.keys).destroy(subject, purpose)) })
    }
}
