//! The vault, as one process reaches it.
use crate::life::Life;
use domain_kernel::ports::{KeyVault, Opened, Origin, Purpose, VaultError};
use domain_kernel::{BoxFuture, SubjectId};
use infra_testkit::memory::MemoryVault;
use std::sync::Arc;

pub(crate) struct LivingVault {
    pub(crate) life: Arc<Life>,
    pub(crate) inner: MemoryVault,
}

impl KeyVault for LivingVault {
    fn seal<'a>(
        &'a self,
        subject: SubjectId,
        purpose: Purpose,
        origin: &'a Origin,
        schema: u16,
        plain: &'a [u8],
    ) -> BoxFuture<'a, Result<Vec<u8>, VaultError>> {
        Box::pin(async move {
            self.life.step("seals for", subject.0).await;
            self.inner.seal(subject, purpose, origin, schema, plain).await
        })
    }

    fn open<'a>(
        &'a self,
        purpose: Purpose,
        origin: &'a Origin,
        sealed: &'a [u8],
    ) -> BoxFuture<'a, Result<Opened, VaultError>> {
        Box::pin(async move {
            self.life.step("opens what was sealed in", origin.event_id.0).await;
            self.inner.open(purpose, origin, sealed).await
        })
    }

    fn shred(&self, subject: SubjectId, purpose: Purpose) -> BoxFuture<'_, Result<u64, VaultError>> {
        Box::pin(async move {
            self.life.step("shreds the keys of", subject.0).await;
            self.inner.shred(subject, purpose).await
        })
    }
}
