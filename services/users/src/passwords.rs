//! Hashing passwords: slow on purpose, so never more of it at once than there are cores.
//!
//! What always holds:
//! 1. a hash costs the same whether the user exists or not: who is unknown is checked against a hash of nobody's;
//! 2. at most as many hashes run as there are cores, and at most [`LONGEST_QUEUE`] wait; more are refused at once
//!    ([`HashingError::Busy`]), because each takes 19 MiB and a crowd of them would be the cheapest attack there is;
//! 3. that memory is kept for the next hash: new memory costs half as much again, but only on some threads, and an
//!    attacker whose attempts meet one thread and the owner's another would tell them apart by it.
use argon2::password_hash::phc::{self, Output};
use argon2::{Algorithm, Argon2, Block, Params, PasswordHasher, Version};
use domain_kernel::Sensitive;
use domain_users::{Password, PasswordHash};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// How many may wait for a core.
pub(crate) const LONGEST_QUEUE: usize = 32;
/// Memory, in KiB, of one hash: with two passes and one lane one of the choices of OWASP ASVS 5.0, appendix C.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes and verifies passwords with Argon2id (RFC 9106). Cheap to clone; clones share the cores.
#[derive(Clone)]
pub(crate) struct Passwords {
    queue: Arc<Semaphore>,
    cores: Arc<Semaphore>,
    memory: Arc<Mutex<Vec<Vec<Block>>>>,
    nobodys: PasswordHash,
}

/// Why nothing was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HashingError {
    /// Too many are waiting already; try again in a second.
    #[error("too many passwords are being checked")]
    Busy,
    /// The hash could not be computed: no memory, no randomness, or the task was dropped at shutdown.
    #[error("a password could not be hashed")]
    Failed,
}

impl Passwords {
    /// Uses up to `cores` at once.
    pub(crate) async fn new(cores: usize) -> Result<Self, HashingError> {
        let cores = cores.max(1);
        let unused = Self {
            queue: Arc::new(Semaphore::new(cores + LONGEST_QUEUE)),
            cores: Arc::new(Semaphore::new(cores)),
            memory: Arc::default(),
            nobodys: PasswordHash::new(String::new()),
        };
        let nobodys = unused.hash(Password::claimed(random_text()?)).await?;
        Ok(Self { nobodys, ..unused })
    }

    /// A PHC string with a new salt.
    pub(crate) async fn hash(&self, password: Password) -> Result<PasswordHash, HashingError> {
        self.run(move || {
            let phc = argon2()?.hash_password(password.reveal().as_bytes()).map_err(|_| HashingError::Failed)?;
            Ok(PasswordHash::new(phc.to_string()))
        })
        .await
    }

    /// Whether `password` is the one of `hash`. Takes as long when there is none to compare with, and is then false.
    pub(crate) async fn verify(
        &self,
        password: Password,
        hash: Option<&Sensitive<PasswordHash>>,
    ) -> Result<bool, HashingError> {
        let known = hash.and_then(Sensitive::known);
        let (exists, hash) = (known.is_some(), known.unwrap_or(&self.nobodys).clone());
        let memory = Arc::clone(&self.memory);
        self.run(move || {
            let kept = memory.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut blocks = kept.unwrap_or_default();
            let right = is_right(&password, &hash, &mut blocks);
            memory.lock().unwrap_or_else(PoisonError::into_inner).push(blocks);
            Ok(right.unwrap_or(false) && exists)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashingError> + Send + 'static,
    ) -> Result<T, HashingError> {
        let place = Arc::clone(&self.queue).try_acquire_owned().map_err(|_| HashingError::Busy)?;
        let core = Arc::clone(&self.cores).acquire_owned().await.map_err(|_| HashingError::Failed)?;
        let hashed = tokio::task::spawn_blocking(move || {
            // Both go back when the work is done, also when the request that wanted it is gone.
            let (_place, _core) = (place, core);
            work()
        });
        hashed.await.map_err(|_| HashingError::Failed)?
    }
}

/// Whether `password` is the one of `hash`, worked out in `blocks`; an error when `hash` is none of ours.
fn is_right(password: &Password, hash: &PasswordHash, blocks: &mut Vec<Block>) -> argon2::password_hash::Result<bool> {
    let hash = phc::PasswordHash::new(hash.as_str())?;
    let params = Params::try_from(&hash)?;
    blocks.resize(blocks.len().max(params.block_count()), Block::new());
    let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else { return Ok(false) };
    let version = hash.version.map(Version::try_from).transpose()?.unwrap_or_default();
    let argon2 = Argon2::new(Algorithm::try_from(hash.algorithm.as_str())?, version, params);
    let mut output = [0; Output::MAX_LENGTH];
    let output = &mut output[..expected.len()];
    argon2.hash_password_into_with_memory(password.reveal().as_bytes(), salt, output, blocks)?;
    // The comparison takes as long whatever is equal.
    Ok(Output::new(output)? == *expected)
}

fn argon2() -> Result<Argon2<'static>, HashingError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| HashingError::Failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn random_text() -> Result<String, HashingError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| HashingError::Failed)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::claimed(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_kept_as_argon2id_with_the_owasp_parameters() {
        let passwords = Passwords::new(1).await.unwrap();
        let hash = passwords.hash(password("password2")).await.unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
        assert_ne!(hash, passwords.hash(password("password2")).await.unwrap(), "the salt is new every time");
    }

    #[tokio::test]
    async fn only_the_same_password_verifies() {
        let passwords = Passwords::new(1).await.unwrap();
        let hash = Sensitive::Known(passwords.hash(password("password2")).await.unwrap());
        assert_eq!(passwords.verify(password("password2"), Some(&hash)).await, Ok(true));
        assert_eq!(passwords.verify(password("password2 "), Some(&hash)).await, Ok(false));
        assert_eq!(passwords.verify(password("Password2"), Some(&hash)).await, Ok(false));
    }

    #[tokio::test]
    async fn what_was_checked_before_makes_no_difference() {
        let passwords = Passwords::new(1).await.unwrap();
        let hash = Sensitive::Known(passwords.hash(password("password2")).await.unwrap());
        for (text, right) in [("password2", true), ("password3", false), ("password2", true)] {
            assert_eq!(passwords.verify(password(text), Some(&hash)).await, Ok(right));
            assert_eq!(passwords.memory.lock().unwrap().len(), 1, "the memory of one check serves the next");
        }
        // What an older or a stronger setting left behind is checked in the same memory.
        let params = Params::new(2 * MEMORY_KIB, 1, LANES, None).unwrap();
        let other = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password(b"password2").unwrap();
        let other = Sensitive::Known(PasswordHash::new(other.to_string()));
        assert_eq!(passwords.verify(password("password2"), Some(&other)).await, Ok(true));
        assert_eq!(passwords.verify(password("password3"), Some(&other)).await, Ok(false));
        assert_eq!(passwords.verify(password("password2"), Some(&hash)).await, Ok(true));
    }

    #[tokio::test]
    async fn nobody_and_the_erased_have_no_password() {
        let passwords = Passwords::new(1).await.unwrap();
        assert_eq!(passwords.verify(password("password2"), None).await, Ok(false));
        assert_eq!(passwords.verify(password("password2"), Some(&Sensitive::Erased)).await, Ok(false));
    }

    #[tokio::test]
    async fn a_crowd_is_refused_at_once() {
        let passwords = Passwords::new(1).await.unwrap();
        let _all = Arc::clone(&passwords.queue).try_acquire_many_owned(33).unwrap();
        assert_eq!(passwords.hash(password("password2")).await.err(), Some(HashingError::Busy));
        assert_eq!(passwords.verify(password("password2"), None).await, Err(HashingError::Busy));
    }

    #[tokio::test]
    async fn who_waited_gives_the_place_back() {
        let passwords = Passwords::new(1).await.unwrap();
        passwords.verify(password("password2"), None).await.unwrap();
        assert_eq!((passwords.queue.available_permits(), passwords.cores.available_permits()), (33, 1));
    }
}
