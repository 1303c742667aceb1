//! The suite of [`domain_kernel::ports::KeyVault`].
use super::holds;
use domain_kernel::ports::{KeyVault, Opened, Origin, Purpose, VaultError};
use domain_kernel::{EventId, StreamId, SubjectId, Version};
use futures_util::future::join_all;
use infra_vault::sealed;
use std::collections::HashSet;
use std::sync::Arc;
use uuid::Uuid;

/// Two views of one vault.
pub struct VaultsUnderTest {
    /// May use every purpose.
    pub all: Arc<dyn KeyVault>,
    /// The same keys, for a service that may use [`Purpose::Contact`] only.
    pub contact_only: Arc<dyn KeyVault>,
}

/// Every rule of the port. The rules share one vault: each has its own subjects.
///
/// # Panics
/// When a rule does not hold.
pub async fn key_vault<G>(make: impl AsyncFn() -> (VaultsUnderTest, G)) {
    let (vaults, _keep) = make().await;
    let vault = &*vaults.all;
    holds("what was sealed opens", what_was_sealed_opens(vault)).await;
    holds("the content does not show", the_content_does_not_show(vault)).await;
    holds("a record opens at its origin alone", a_record_opens_at_its_origin_alone(vault)).await;
    holds("a record opens for its purpose alone", a_record_opens_for_its_purpose_alone(vault)).await;
    holds("a changed record does not open", a_changed_record_does_not_open(vault)).await;
    holds("a record under an unknown key does not open", an_unknown_key_opens_nothing(vault)).await;
    holds("one key per subject and purpose", one_key_per_subject_and_purpose(vault)).await;
    holds("a key asked for many times at once is made once", a_key_is_made_once(vault)).await;
    holds("keys of many new subjects are made at once", many_new_subjects_at_once(vault)).await;
    holds("a destroyed key leaves erased records", a_destroyed_key_leaves_erased_records(vault)).await;
    holds("nothing new is sealed after an erasure", nothing_new_after_an_erasure(vault)).await;
    holds("an erasure reaches one subject and purpose", an_erasure_reaches_no_further(vault)).await;
    holds("a subject without a key can be erased", a_subject_without_a_key_can_be_erased(vault)).await;
    holds("a changed record of an erased subject stays closed", changed_and_erased_stays_closed(vault)).await;
    holds("who has no key of a purpose may do nothing with it", entitlement(&vaults)).await;
}

fn subject() -> SubjectId {
    SubjectId(Uuid::now_v7())
}

fn origin() -> Origin {
    Origin {
        event_id: EventId(Uuid::now_v7()),
        stream: StreamId(Uuid::now_v7()),
        version: Version(3),
        event_type: "results.result_created".to_owned(),
    }
}

fn known(schema: u16, plain: &[u8]) -> Result<Opened, VaultError> {
    Ok(Opened::Known { schema, plain: plain.to_vec() })
}

async fn sealed(vault: &dyn KeyVault, subject: SubjectId, purpose: Purpose, origin: &Origin, text: &[u8]) -> Vec<u8> {
    vault.seal(subject, purpose, origin, 1, text).await.expect("a vault seals")
}

async fn what_was_sealed_opens(vault: &dyn KeyVault) {
    let subject = subject();
    for purpose in Purpose::ALL {
        for (schema, plain) in [(1, b"Resultado Positivo".to_vec()), (u16::MAX, vec![]), (0, vec![0; 100_000])] {
            let origin = origin();
            let record = vault.seal(subject, purpose, &origin, schema, &plain).await.expect("a vault seals");
            let opened = vault.open(purpose, &origin, &record).await;
            assert_eq!(opened, known(schema, &plain), "what was sealed for {purpose} opens with its schema");
        }
    }
}

async fn the_content_does_not_show(vault: &dyn KeyVault) {
    let (subject, origin, text) = (subject(), origin(), b"Paciente de Prueba");
    let first = sealed(vault, subject, Purpose::Clinical, &origin, text).await;
    let second = sealed(vault, subject, Purpose::Clinical, &origin, text).await;
    assert!(!first.windows(text.len()).any(|window| window == text), "the content does not show in the record");
    assert_ne!(first, second, "the same content is never sealed to the same bytes");
}

async fn a_record_opens_at_its_origin_alone(vault: &dyn KeyVault) {
    let origin = origin();
    let record = sealed(vault, subject(), Purpose::Clinical, &origin, b"x").await;
    let others = [
        Origin { event_id: EventId(Uuid::now_v7()), ..origin.clone() },
        Origin { stream: StreamId(Uuid::now_v7()), ..origin.clone() },
        Origin { version: Version(4), ..origin.clone() },
        Origin { event_type: "results.result_amended".to_owned(), ..origin.clone() },
    ];
    for other in others {
        let opened = vault.open(Purpose::Clinical, &other, &record).await;
        assert_eq!(opened, Err(VaultError::NotAuthentic), "a record of {origin:?} does not open at {other:?}");
    }
    assert_eq!(vault.open(Purpose::Clinical, &origin, &record).await, known(1, b"x"), "it opens at its origin");
}

async fn a_record_opens_for_its_purpose_alone(vault: &dyn KeyVault) {
    let (subject, origin) = (subject(), origin());
    let record = sealed(vault, subject, Purpose::Clinical, &origin, b"x").await;
    for purpose in [Purpose::Account, Purpose::Contact] {
        // The other purpose has a key too.
        sealed(vault, subject, purpose, &origin, b"y").await;
        let opened = vault.open(purpose, &origin, &record).await;
        assert_eq!(opened, Err(VaultError::NotAuthentic), "a clinical record does not open as {purpose}");
    }
}

async fn a_changed_record_does_not_open(vault: &dyn KeyVault) {
    let origin = origin();
    let record = sealed(vault, subject(), Purpose::Contact, &origin, b"ana@lab.test").await;
    for at in 0..record.len() {
        let mut changed = record.clone();
        changed[at] ^= 0x40;
        let opened = vault.open(Purpose::Contact, &origin, &changed).await;
        assert_eq!(opened, Err(VaultError::NotAuthentic), "a record with byte {at} changed does not open");
    }
    for length in [0, 1, 16, sealed::OVERHEAD - 1, record.len() - 1] {
        let opened = vault.open(Purpose::Contact, &origin, &record[..length]).await;
        assert_eq!(opened, Err(VaultError::NotAuthentic), "a record cut to {length} bytes does not open");
    }
    let longer = [&record[..], &[0]].concat();
    let opened = vault.open(Purpose::Contact, &origin, &longer).await;
    assert_eq!(opened, Err(VaultError::NotAuthentic), "a lengthened record does not open");
}

async fn an_unknown_key_opens_nothing(vault: &dyn KeyVault) {
    let origin = origin();
    let mut record = sealed(vault, subject(), Purpose::Account, &origin, b"x").await;
    record[..16].copy_from_slice(Uuid::now_v7().as_bytes());
    let opened = vault.open(Purpose::Account, &origin, &record).await;
    assert_eq!(opened, Err(VaultError::NotAuthentic), "a record under an unknown key does not open");
}

async fn one_key_per_subject_and_purpose(vault: &dyn KeyVault) {
    let (first, second) = (subject(), subject());
    let mut keys = HashSet::new();
    for subject in [first, second] {
        for purpose in Purpose::ALL {
            let ids: HashSet<Uuid> = [
                sealed::key_id(&sealed(vault, subject, purpose, &origin(), b"x").await).expect("a record"),
                sealed::key_id(&sealed(vault, subject, purpose, &origin(), b"y").await).expect("a record"),
            ]
            .into();
            assert_eq!(ids.len(), 1, "a subject's {purpose} records share a key");
            keys.extend(ids);
        }
    }
    assert_eq!(keys.len(), 6, "no other subject and no other purpose has the same key");
}

async fn a_key_is_made_once(vault: &dyn KeyVault) {
    let (subject, origin) = (subject(), origin());
    let records = join_all((0..50).map(|_| sealed(vault, subject, Purpose::Clinical, &origin, b"x"))).await;
    let keys: HashSet<Uuid> = records.iter().map(|record| sealed::key_id(record).expect("a record")).collect();
    assert_eq!(keys.len(), 1, "a new subject's key that is asked for many times at once is made once");
    for record in records {
        assert_eq!(vault.open(Purpose::Clinical, &origin, &record).await, known(1, b"x"), "each of them opens");
    }
}

async fn many_new_subjects_at_once(vault: &dyn KeyVault) {
    let records = join_all((0..600_u32).map(|number| async move {
        let (purpose, origin) = (Purpose::ALL[number as usize % 3], origin());
        let record = sealed(vault, subject(), purpose, &origin, &number.to_be_bytes()).await;
        (purpose, origin, record, number)
    }))
    .await;
    let opened =
        join_all(records.iter().map(|(purpose, origin, record, _)| vault.open(*purpose, origin, record))).await;
    for ((_, _, _, number), opened) in records.iter().zip(opened) {
        assert_eq!(opened, known(1, &number.to_be_bytes()), "each of many new subjects has its own record");
    }
}

async fn a_destroyed_key_leaves_erased_records(vault: &dyn KeyVault) {
    let (subject, origin) = (subject(), origin());
    let record = sealed(vault, subject, Purpose::Clinical, &origin, b"x").await;
    assert_eq!(vault.shred(subject, Purpose::Clinical).await, Ok(1), "an erasure tells how many keys there were");
    assert_eq!(vault.open(Purpose::Clinical, &origin, &record).await, Ok(Opened::Erased), "what was sealed is erased");
    assert_eq!(vault.shred(subject, Purpose::Clinical).await, Ok(0), "a repeated erasure finds no key");
    assert_eq!(vault.open(Purpose::Clinical, &origin, &record).await, Ok(Opened::Erased), "it stays erased");
}

async fn nothing_new_after_an_erasure(vault: &dyn KeyVault) {
    let subject = subject();
    sealed(vault, subject, Purpose::Account, &origin(), b"x").await;
    assert_eq!(vault.shred(subject, Purpose::Account).await, Ok(1), "there was a key");
    let refused = vault.seal(subject, Purpose::Account, &origin(), 1, b"y").await;
    assert_eq!(refused, Err(VaultError::Erased { purpose: Purpose::Account }), "nothing new is sealed");
}

async fn an_erasure_reaches_no_further(vault: &dyn KeyVault) {
    let (subject, other, origin) = (subject(), self::subject(), origin());
    let contact = sealed(vault, subject, Purpose::Contact, &origin, b"contact").await;
    let others = sealed(vault, other, Purpose::Clinical, &origin, b"other").await;
    sealed(vault, subject, Purpose::Clinical, &origin, b"gone").await;
    assert_eq!(vault.shred(subject, Purpose::Clinical).await, Ok(1), "there was a key");
    let opened = vault.open(Purpose::Contact, &origin, &contact).await;
    assert_eq!(opened, known(1, b"contact"), "the subject's other purposes stay");
    let opened = vault.open(Purpose::Clinical, &origin, &others).await;
    assert_eq!(opened, known(1, b"other"), "other subjects stay");
}

async fn a_subject_without_a_key_can_be_erased(vault: &dyn KeyVault) {
    let subject = subject();
    assert_eq!(vault.shred(subject, Purpose::Contact).await, Ok(0), "there was no key");
    let refused = vault.seal(subject, Purpose::Contact, &origin(), 1, b"x").await;
    assert_eq!(refused, Err(VaultError::Erased { purpose: Purpose::Contact }), "nothing is sealed from then on");
}

async fn changed_and_erased_stays_closed(vault: &dyn KeyVault) {
    let (subject, origin) = (subject(), origin());
    let mut record = sealed(vault, subject, Purpose::Clinical, &origin, b"x").await;
    *record.last_mut().expect("a record has bytes") ^= 1;
    assert_eq!(vault.shred(subject, Purpose::Clinical).await, Ok(1), "there was a key");
    let opened = vault.open(Purpose::Clinical, &origin, &record).await;
    assert!(matches!(opened, Ok(Opened::Erased) | Err(VaultError::NotAuthentic)), "it is never taken for content");
}

async fn entitlement(vaults: &VaultsUnderTest) {
    let (subject, origin) = (subject(), origin());
    let contact = sealed(&*vaults.all, subject, Purpose::Contact, &origin, b"x").await;
    let opened = vaults.contact_only.open(Purpose::Contact, &origin, &contact).await;
    assert_eq!(opened, known(1, b"x"), "who has the key of a purpose opens its records");
    for purpose in [Purpose::Account, Purpose::Clinical] {
        let record = sealed(&*vaults.all, subject, purpose, &origin, b"x").await;
        let denied = VaultError::NotEntitled { purpose };
        let opened = vaults.contact_only.open(purpose, &origin, &record).await;
        assert_eq!(opened, Err(denied.clone()), "who has no key of a purpose opens nothing");
        let refused = vaults.contact_only.seal(subject, purpose, &origin, 1, b"x").await;
        assert_eq!(refused, Err(denied.clone()), "who has no key of a purpose seals nothing");
        let refused = vaults.contact_only.shred(subject, purpose).await;
        assert_eq!(refused, Err(denied), "who has no key of a purpose erases nothing");
        let opened = vaults.all.open(purpose, &origin, &record).await;
        assert_eq!(opened, known(1, b"x"), "a refused erasure has no effect");
    }
}
