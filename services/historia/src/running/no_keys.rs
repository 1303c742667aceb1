//! The vault of a service that may open nothing.
use domain_kernel::ports::{KeyQuery, KeyRecord, KeyRegister, KeyVault, Opened, Origin, Purpose, VaultError};
use domain_kernel::{BoxFuture, SubjectId};

/// Refuses everything: the saga log holds ids and codes, and is given neither a key nor the keys' database.
pub(crate) struct NoKeys;

impl KeyVault for NoKeys {
    fn seal<'a>(
        &'a self,
        _subject: SubjectId,
        purpose: Purpose,
        _origin: &'a Origin,
        _schema: u16,
        _plain: &'a [u8],
    ) -> BoxFuture<'a, Result<Vec<u8>, VaultError>> {
        Box::pin(async move { Err(VaultError::NotEntitled { purpose }) })
    }

    fn open<'a>(
        &'a self,
        purpose: Purpose,
        _origin: &'a Origin,
        _sealed: &'a [u8],
    ) -> BoxFuture<'a, Result<Opened, VaultError>> {
        Box::pin(async move { Err(VaultError::NotEntitled { purpose }) })
    }

    fn shred(&self, _subject: SubjectId, purpose: Purpose) -> BoxFuture<'_, Result<u64, VaultError>> {
        Box::pin(async move { Err(VaultError::NotEntitled { purpose }) })
    }
}

/// Knows of no key.
impl KeyRegister for NoKeys {
    fn keys(&self, _query: KeyQuery) -> BoxFuture<'_, Result<Vec<KeyRecord>, VaultError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn destroy(&self, _subject: SubjectId, purpose: Purpose) -> BoxFuture<'_, Result<u64, VaultError>> {
        Box::pin(async move { Err(VaultError::NotEntitled { purpose }) })
    }
}
