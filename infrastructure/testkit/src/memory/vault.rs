//! A vault whose keys live as long as the value does.
use super::lock;
use domain_kernel::ports::{KeyVault, Opened, Origin, Purpose, VaultError};
use domain_kernel::{BoxFuture, SubjectId};
use infra_vault::sealed::{self, DataKey};
use std::collections::HashMap;
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
    /// `None` once destroyed.
    by_id: HashMap<Uuid, (Purpose, Option<Arc<DataKey>>)>,
    of_subject: HashMap<(SubjectId, Purpose), Uuid>,
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
            let key = {
                let mut keys = lock(&self.keys);
                let id = *keys.of_subject.entry((subject, purpose)).or_insert_with(Uuid::now_v7);
                let key = keys.by_id.entry(id).or_insert_with(|| {
                    let mut bytes = [0; 32];
                    getrandom::fill(&mut bytes).expect("the operating system gives random numbers");
                    (purpose, Some(Arc::new(DataKey::new(id, &bytes))))
                });
                key.1.clone().ok_or(VaultError::Erased { purpose })?
            };
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
            let found = lock(&self.keys).by_id.get(&id).cloned();
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
            let mut keys = lock(&self.keys);
            // A subject without a key gets a destroyed one, so that nothing is sealed for it later.
            let id = *keys.of_subject.entry((subject, purpose)).or_insert_with(Uuid::now_v7);
            let destroyed = keys.by_id.insert(id, (purpose, None)).and_then(|(_, key)| key);
            Ok(destroyed.is_some().into())
        })
    }
}
