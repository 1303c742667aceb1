//! TLS for the listener: a certificate chain and its key from PEM files, read again when they change.
//!
//! What always holds: whoever connects gets a chain and a key that belong together, those of the last moment when the files
//! fitted; TLS 1.2 and 1.3 only, with ring's suites.
use infra_runtime::secrets::{self, SecretError};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(10);
/// A chain is a few kilobytes.
const LONGEST_CHAIN: u64 = 256 * 1024;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate chain cannot be read.
    #[error("the certificate chain {path} cannot be read")]
    Unreadable {
        /// Which file.
        path: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file holds no certificate.
    #[error("{path} holds no certificate chain in PEM form")]
    NoCertificate {
        /// Which file.
        path: String,
    },
    /// The key's file is not to be read, or others may read it.
    #[error(transparent)]
    Key(#[from] SecretError),
    /// The file holds no key.
    #[error("{path} holds no private key in PEM form")]
    NoKey {
        /// Which file.
        path: String,
    },
    /// They do not belong together, or are of a kind that is not taken.
    #[error("the key {key} does not fit the certificate {certificate}: {reason}")]
    Unfit {
        /// The chain's file.
        certificate: String,
        /// The key's file.
        key: String,
        /// What the library says; nothing of the key.
        reason: String,
    },
}

/// Where the certificate chain (the server's own first) and its key are, both PEM. Of the key only its owner may read the
/// file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain.
    pub certificate: PathBuf,
    /// The key: PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
}

/// What a listener needs to speak TLS. Clones share it. Debug shows the files' names only.
#[derive(Clone)]
pub struct Tls {
    inner: Arc<Inner>,
}

struct Inner {
    files: TlsFiles,
    look: Duration,
    current: RwLock<Arc<ServerConfig>>,
    /// Of what was read last, fit or not, so that a change is told once.
    digest: Mutex<[u8; 32]>,
}

/// The files' contents.
struct Contents {
    chain: Vec<u8>,
    key: String,
}

impl Tls {
    /// Reads the files; while a listener uses them, they are looked at every ten seconds.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn read(files: TlsFiles) -> Result<Self, TlsError> {
        Self::looking_every(LOOK, files)
    }

    /// The same, looking at them as often as that.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn looking_every(look: Duration, files: TlsFiles) -> Result<Self, TlsError> {
        let contents = Contents::read(&files)?;
        let current = RwLock::new(Arc::new(contents.config(&files)?));
        let digest = Mutex::new(contents.digest());
        Ok(Self { inner: Arc::new(Inner { files, look, current, digest }) })
    }

    /// Looks at the files now and then, for ever. What does not fit (such as a new chain whose key is not there yet) is
    /// told and changes nothing.
    pub(super) async fn follow(&self) {
        loop {
            tokio::time::sleep(self.inner.look).await;
            let tls = self.clone();
            let looked = tokio::task::spawn_blocking(move || tls.inner.look_again()).await;
            match looked {
                Ok(Ok(true)) => tracing::info!("the certificate was read again: new connections get the new one"),
                Ok(Ok(false)) => {}
                Ok(Err(error)) => {
                    tracing::error!(
                        error = infra_runtime::supervisor::chain(&error),
                        "the certificate has changed and cannot be used: the one before stays"
                    );
                }
                Err(_) => tracing::error!("the certificate could not be looked at"),
            }
        }
    }

    /// Speaks TLS on `stream`.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let config = Arc::clone(&self.inner.current.read().unwrap_or_else(PoisonError::into_inner));
        TlsAcceptor::from(config).accept(stream).await
    }
}

impl Inner {
    /// Whether another certificate is in use from now on.
    fn look_again(&self) -> Result<bool, TlsError> {
        let contents = match Contents::read(&self.files) {
            Ok(contents) => contents,
            Err(error) => return if self.is_news([0; 32]) { Err(error) } else { Ok(false) },
        };
        if !self.is_news(contents.digest()) {
            return Ok(false);
        }
        let config = Arc::new(contents.config(&self.files)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(true)
    }

    fn is_news(&self, digest: [u8; 32]) -> bool {
        let mut last = self.digest.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *last, digest) != digest
    }
}

impl Contents {
    fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let unreadable = |source| TlsError::Unreadable { path: shown(&files.certificate), source };
        let length = std::fs::metadata(&files.certificate).map_err(unreadable)?.len();
        if length > LONGEST_CHAIN {
            return Err(TlsError::NoCertificate { path: shown(&files.certificate) });
        }
        let chain = std::fs::read(&files.certificate).map_err(unreadable)?;
        Ok(Self { chain, key: secrets::read_file(&files.key)? })
    }

    fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(Sha256::digest(&self.chain));
        digest.update(Sha256::digest(&self.key));
        digest.finalize().into()
    }

    fn config(&self, files: &TlsFiles) -> Result<ServerConfig, TlsError> {
        let none = || TlsError::NoCertificate { path: shown(&files.certificate) };
        let chain: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&self.chain).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(none)?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes())
            .map_err(|_| TlsError::NoKey { path: shown(&files.key) })?;
        let unfit = |error: rustls::Error| TlsError::Unfit {
            certificate: shown(&files.certificate),
            key: shown(&files.key),
            reason: error.to_string(),
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unfit)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(unfit)?;
        // The accept loop speaks nothing else.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.inner.files).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn put(files: &TlsFiles, certificate: &str, key: &str) {
        std::fs::write(&files.certificate, certificate).unwrap();
        std::fs::write(&files.key, key).unwrap();
        std::fs::set_permissions(&files.key, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn identity() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn what_cannot_be_used_is_told_once_and_leaves_the_certificate_of_before() {
        let directory = tempfile::tempdir().unwrap();
        let files = TlsFiles { certificate: directory.path().join("chain.pem"), key: directory.path().join("key.pem") };
        let ((chain, key), (next_chain, next_key)) = (identity(), identity());
        put(&files, &chain, &key);
        let tls = Tls::read(files.clone()).unwrap();
        let current = || Arc::clone(&tls.inner.current.read().unwrap());
        let first = current();
        assert!(matches!(tls.inner.look_again(), Ok(false)), "nothing has changed");
        for (chain, key) in [("", "no key"), ("no certificate", &next_key), (&next_chain, &key)] {
            put(&files, chain, key);
            assert!(tls.inner.look_again().is_err(), "{chain}");
            assert!(matches!(tls.inner.look_again(), Ok(false)), "told once");
            assert!(Arc::ptr_eq(&current(), &first));
        }
        std::fs::remove_file(&files.key).unwrap();
        assert!(tls.inner.look_again().is_err());
        assert!(matches!(tls.inner.look_again(), Ok(false)), "told once");
        put(&files, &next_chain, &next_key);
        assert!(matches!(tls.inner.look_again(), Ok(true)));
        assert!(!Arc::ptr_eq(&current(), &first));
    }
}
