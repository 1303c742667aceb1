//! The rules of the `KeyRegister` port.
use super::holds;
use domain_kernel::ports::{KeyQuery, KeyRecord, KeyRegister, KeyVault, Opened, Origin, Purpose, VaultError};
use domain_kernel::{EventId, StreamId, SubjectId, Version};
use std::sync::Arc;
use uuid::Uuid;

/// Runs every rule on fresh implementations: a register, and a vault of every purpose on the same keys.
pub async fn key_register<V, R, K>(fresh: impl AsyncFn() -> (Arc<V>, Arc<R>, K))
where
    V: KeyVault,
    R: KeyRegister,
{
    let (vault, register, _kept) = fresh().await;
    holds("keys are listed", keys_are_listed(&*vault, &*register)).await;
    let (vault, register, _kept) = fresh().await;
    holds("a page follows another", a_page_follows_another(&*vault, &*register)).await;
    let (vault, register, _kept) = fresh().await;
    holds("a destroyed key is gone", a_destroyed_key_is_gone(&*vault, &*register)).await;
}

fn of(subject: SubjectId) -> KeyQuery {
    KeyQuery { subject: Some(subject), purpose: None, after: None, limit: 100 }
}

fn origin() -> Origin {
    let stream = StreamId(Uuid::now_v7());
    Origin { event_id: EventId(Uuid::now_v7()), stream, version: Version(1), event_type: "test".to_owned() }
}

async fn seal(vault: &dyn KeyVault, subject: SubjectId, purpose: Purpose, origin: &Origin) -> Vec<u8> {
    vault.seal(subject, purpose, origin, 1, b"x").await.expect("it is sealed")
}

fn keys_of(records: &[KeyRecord]) -> Vec<(SubjectId, Purpose)> {
    records.iter().map(|key| (key.subject, key.purpose)).collect()
}

async fn keys_are_listed(vault: &dyn KeyVault, register: &dyn KeyRegister) {
    let (subject, other) = (SubjectId(Uuid::now_v7()), SubjectId(Uuid::now_v7()));
    for (subject, purpose) in [(subject, Purpose::Account), (other, Purpose::Contact), (subject, Purpose::Contact)] {
        seal(vault, subject, purpose, &origin()).await;
    }
    let keys = register.keys(of(subject)).await.expect("the register answers");
    assert_eq!(keys_of(&keys), [(subject, Purpose::Account), (subject, Purpose::Contact)], "a subject's, oldest first");
    assert!(keys.iter().all(|key| key.master.is_some() && key.destroyed_at.is_none()), "they are usable");
    assert!(keys.iter().all(|key| key.created_at.0 > 0), "they are dated");
    let contact = KeyQuery { subject: None, purpose: Some(Purpose::Contact), after: None, limit: 100 };
    let keys = register.keys(contact).await.expect("the register answers");
    assert_eq!(keys_of(&keys), [(other, Purpose::Contact), (subject, Purpose::Contact)], "those of a purpose");
    assert_eq!(register.keys(of(SubjectId(Uuid::now_v7()))).await, Ok(vec![]), "asking makes no key");
}

async fn a_page_follows_another(vault: &dyn KeyVault, register: &dyn KeyRegister) {
    for _ in 0..5 {
        seal(vault, SubjectId(Uuid::now_v7()), Purpose::Contact, &origin()).await;
    }
    let (mut seen, mut after) = (vec![], None);
    loop {
        let query = KeyQuery { subject: None, purpose: None, after, limit: 2 };
        let page = register.keys(query).await.expect("the register answers");
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page.iter().map(|key| key.subject));
    }
    assert_eq!(seen.len(), 5, "every key is on one page");
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 5, "and on no other");
}

async fn a_destroyed_key_is_gone(vault: &dyn KeyVault, register: &dyn KeyRegister) {
    let (subject, origin) = (SubjectId(Uuid::now_v7()), origin());
    let record = seal(vault, subject, Purpose::Clinical, &origin).await;
    assert_eq!(register.destroy(subject, Purpose::Clinical).await, Ok(1), "there was a key");
    assert_eq!(vault.open(Purpose::Clinical, &origin, &record).await, Ok(Opened::Erased), "what it sealed is erased");
    let refused = vault.seal(subject, Purpose::Clinical, &origin, 1, b"y").await;
    assert_eq!(refused, Err(VaultError::Erased { purpose: Purpose::Clinical }), "nothing new is sealed");
    let keys = register.keys(of(subject)).await.expect("the register answers");
    assert!(keys.len() == 1 && keys[0].master.is_none() && keys[0].destroyed_at.is_some(), "its row says so: {keys:?}");
    assert_eq!(register.destroy(subject, Purpose::Clinical).await, Ok(0), "repeated, it finds no key");
    assert_eq!(register.keys(of(subject)).await.expect("the register answers"), keys, "and changes nothing");
}
