//! Every event, through the codec and back; and its bytes, pinned.
use domain_kernel::ports::{KeyVault, Opened, Origin, Purpose, VaultError};
use domain_kernel::{
    BoxFuture, Checkpoint, CorrelationId, DomainEvent, EventId, EventMetadata, EventTypeId, RecordedEvent, Role,
    SchemaVersion, Sensitive, StreamId, SubjectId, Timestamp, UserId, Version,
};
use domain_results::{
    Access, ClinicalResultEvent, Content, EmailAddress, Note, PatientName, Reader, Reason, ResultAccessEvent,
    ResultNotificationEvent, ResultNumber, ResultStatus, ResultText,
};
use infra_event_store::codec::{CodecError, EncodedEvent, EventCodec, EventSlot};
use infra_testkit::memory::MemoryVault;
use service_results::codec::ResultsCodec;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

#[tokio::test]
async fn every_event_comes_back_as_it_was() {
    let codec = ResultsCodec::new(Arc::new(MemoryVault::new()));
    for event in clinical_events() {
        assert_eq!(through(&codec, &event).await, event);
    }
    for event in access_events() {
        assert_eq!(through(&codec, &event).await, event);
    }
    for event in notification_events() {
        assert_eq!(through(&codec, &event).await, event);
    }
}

#[tokio::test]
async fn what_was_erased_comes_back_erased_and_everything_else_stays() {
    let vault = MemoryVault::new();
    let codec = ResultsCodec::new(Arc::new(vault.clone()));
    let mut stored = Vec::new();
    for event in clinical_events() {
        stored.push((event.clone(), recorded(codec.encode(&event, &slot()).await.unwrap())));
    }
    for subject in [SubjectId(patient().0), SubjectId(slot().stream.0)] {
        for purpose in [Purpose::Clinical, Purpose::Contact] {
            vault.shred(subject, purpose).await.unwrap();
        }
    }
    for (event, stored) in stored {
        let decoded: ClinicalResultEvent = codec.decode(&stored).await.unwrap();
        assert_eq!(decoded, erased(event));
    }
}

#[tokio::test]
async fn an_event_moved_to_another_place_does_not_open() {
    let codec = ResultsCodec::new(Arc::new(MemoryVault::new()));
    let [event, ..] = clinical_events();
    let mut moved = recorded(codec.encode(&event, &slot()).await.unwrap());
    moved.version = Version(2);
    let decoded: Result<ClinicalResultEvent, _> = codec.decode(&moved).await;
    assert_eq!(decoded, Err(CodecError::Vault(VaultError::NotAuthentic)));
}

#[tokio::test]
async fn an_event_of_another_aggregate_is_refused() {
    let codec = ResultsCodec::new(Arc::new(MemoryVault::new()));
    let [look, ..] = access_events();
    let stored = recorded(codec.encode(&look, &slot()).await.unwrap());
    let decoded: Result<ClinicalResultEvent, _> = codec.decode(&stored).await;
    assert!(matches!(decoded, Err(CodecError::UnknownType { .. })));
}

/// Bytes that were stored are read for ever: what an event was written as once, it is written as always, until it gets
/// another schema; and then the old bytes stay here beside the new.
#[tokio::test]
async fn the_stored_bytes_never_change() {
    let codec = ResultsCodec::new(Arc::new(GlassVault));
    let mut actual = BTreeMap::new();
    for event in clinical_events() {
        actual.insert(name(&event), hexadecimal(&codec.encode(&event, &slot()).await.unwrap()));
    }
    for event in access_events() {
        actual.insert(name(&event), hexadecimal(&codec.encode(&event, &slot()).await.unwrap()));
    }
    for event in notification_events() {
        actual.insert(name(&event), hexadecimal(&codec.encode(&event, &slot()).await.unwrap()));
    }
    let pinned: BTreeMap<_, _> =
        golden().filter(|(name, _)| !name.ends_with(OLDER)).map(|(name, bytes)| (name.into(), bytes.into())).collect();
    assert_eq!(actual, pinned);
    let types: Vec<_> = pinned.keys().map(|name| name.split('/').next().unwrap()).collect();
    for stored in service_results::EVENTS {
        assert!(types.contains(&stored.name), "{} has golden bytes", stored.name);
    }
}

/// How the name of bytes ends that are not written any more.
const OLDER: &str = "/older";

/// Every line of the golden file: a name, and the numbers and bytes behind it.
fn golden() -> impl Iterator<Item = (&'static str, &'static str)> {
    include_str!("golden.txt").lines().filter_map(|line| line.split_once(' '))
}

#[tokio::test]
async fn the_bytes_of_an_older_schema_are_read_for_ever() {
    let codec = ResultsCodec::new(Arc::new(GlassVault));
    let mut read = Vec::new();
    for (name, bytes) in golden().filter(|(name, _)| name.ends_with(OLDER)) {
        let [type_id, schema, payload] = bytes.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let payload = (0..payload.len()).step_by(2).map(|at| u8::from_str_radix(&payload[at..at + 2], 16).unwrap());
        let encoded = EncodedEvent {
            type_id: EventTypeId(type_id.parse().unwrap()),
            schema_version: SchemaVersion(schema.parse().unwrap()),
            payload: payload.collect(),
        };
        let event: ResultNotificationEvent = codec.decode(&recorded(encoded)).await.unwrap();
        read.push((name, event));
    }
    // Version 1 did not say when the mail failed: the moment of the event itself stands there.
    let heard = failed(note(), recorded_at());
    assert_eq!(read, [("results.patient_notification_failed/older", heard)]);
}

fn recorded_at() -> Timestamp {
    Timestamp(1_700_000_000_000_000)
}

/// The event's stored name, and which of its forms it is.
fn name(event: &impl DomainEvent) -> String {
    let form = match format!("{event:?}") {
        text if text.contains("patient_id: Some") => "/linked",
        text if text.contains("patient_id: None") => "/own",
        text if text.contains("History") => "/history",
        _ => "",
    };
    format!("{}{form}", event.event_type())
}

fn hexadecimal(encoded: &EncodedEvent) -> String {
    let bytes: String = encoded.payload.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{} {} {bytes}", encoded.type_id.0, encoded.schema_version.0)
}

async fn through<E: DomainEvent>(codec: &ResultsCodec, event: &E) -> E
where
    ResultsCodec: EventCodec<E>,
{
    let encoded = codec.encode(event, &slot()).await.unwrap();
    assert_eq!(name_of(&encoded), event.event_type());
    codec.decode(&recorded(encoded)).await.unwrap()
}

fn name_of(encoded: &EncodedEvent) -> &'static str {
    service_results::EVENTS.iter().find(|event| event.type_id == encoded.type_id.0).unwrap().name
}

fn slot() -> EventSlot {
    EventSlot { event_id: EventId(Uuid::from_u128(1)), stream: StreamId(Uuid::from_u128(2)), version: Version(1) }
}

fn recorded(encoded: EncodedEvent) -> RecordedEvent {
    let EventSlot { event_id, stream, version } = slot();
    RecordedEvent {
        checkpoint: Checkpoint::default(),
        stream,
        version,
        type_id: encoded.type_id,
        schema_version: encoded.schema_version,
        metadata: EventMetadata {
            event_id,
            correlation_id: CorrelationId(Uuid::from_u128(3)),
            causation_id: None,
            actor: None,
            occurred_at: recorded_at(),
        },
        payload: encoded.payload,
        hash: [0; 32],
    }
}

fn patient() -> UserId {
    UserId(Uuid::from_u128(7))
}

fn number() -> ResultNumber {
    ResultNumber::new(42).unwrap()
}

fn content() -> Content {
    Content {
        patient: PatientName::parse("Paciente de Prueba").unwrap().into(),
        result: ResultText::parse("Resultado Positivo").unwrap().into(),
    }
}

fn reason() -> Sensitive<Reason> {
    Reason::parse("Error de transcripción").unwrap().into()
}

fn contact() -> Option<Sensitive<EmailAddress>> {
    Some(EmailAddress::parse("ana@example.org").unwrap().into())
}

/// Every variant, and those with options both ways.
fn clinical_events() -> [ClinicalResultEvent; 9] {
    let linked = Some(patient());
    let (number, content, reason, contact) = (number(), content(), reason(), contact());
    let status = ResultStatus::Final;
    [
        ClinicalResultEvent::Created {
            number,
            patient_id: linked,
            status,
            content: content.clone(),
            contact: contact.clone(),
        },
        ClinicalResultEvent::Created {
            number,
            patient_id: None,
            status: ResultStatus::Registered,
            content: content.clone(),
            contact: None,
        },
        ClinicalResultEvent::Completed { number },
        ClinicalResultEvent::Released { number, patient_id: linked, contact: contact.clone() },
        ClinicalResultEvent::Released { number, patient_id: None, contact: None },
        ClinicalResultEvent::Amended {
            number,
            patient_id: linked,
            content: content.clone(),
            reason: reason.clone(),
            contact: contact.clone(),
        },
        ClinicalResultEvent::Corrected { number, patient_id: linked, content, reason: reason.clone(), contact },
        ClinicalResultEvent::Cancelled { number, patient_id: linked, reason: reason.clone() },
        ClinicalResultEvent::EnteredInError { number, patient_id: linked, reason },
    ]
}

fn access_events() -> [ResultAccessEvent; 3] {
    let (result, reader) = (slot().stream, Reader { user: patient(), role: Role::Patient });
    [
        ResultAccessEvent::Queried { result, number: number(), reader, access: Access::Result },
        ResultAccessEvent::Queried { result, number: number(), reader, access: Access::History },
        ResultAccessEvent::Listed { reader, shown: 10 },
    ]
}

fn note() -> Note {
    Note { result: slot().stream, notification: StreamId(Uuid::from_u128(9)), handling_attempt: 2 }
}

fn notification_events() -> [ResultNotificationEvent; 3] {
    let note = note();
    [
        ResultNotificationEvent::PatientNotified { note: note.clone() },
        failed(note.clone(), Timestamp(1_800_000_000_000_001)),
        ResultNotificationEvent::PatientNotificationSuppressed { note, reason: "no_contact".to_owned() },
    ]
}

fn failed(note: Note, failed_at: Timestamp) -> ResultNotificationEvent {
    ResultNotificationEvent::PatientNotificationFailed { note, code: "smtp-550".to_owned(), failed_at }
}

/// The event as it comes back once every key is gone.
fn erased(event: ClinicalResultEvent) -> ClinicalResultEvent {
    let gone = |contact: Option<Sensitive<EmailAddress>>| contact.map(|_| Sensitive::Erased);
    let (erased, reason) = (Content::ERASED, Sensitive::Erased);
    match event {
        ClinicalResultEvent::Created { number, patient_id, status, contact, .. } => {
            ClinicalResultEvent::Created { number, patient_id, status, content: erased, contact: gone(contact) }
        }
        ClinicalResultEvent::Completed { number } => ClinicalResultEvent::Completed { number },
        ClinicalResultEvent::Released { number, patient_id, contact } => {
            ClinicalResultEvent::Released { number, patient_id, contact: gone(contact) }
        }
        ClinicalResultEvent::Amended { number, patient_id, contact, .. } => {
            ClinicalResultEvent::Amended { number, patient_id, content: erased, reason, contact: gone(contact) }
        }
        ClinicalResultEvent::Corrected { number, patient_id, contact, .. } => {
            ClinicalResultEvent::Corrected { number, patient_id, content: erased, reason, contact: gone(contact) }
        }
        ClinicalResultEvent::Cancelled { number, patient_id, .. } => {
            ClinicalResultEvent::Cancelled { number, patient_id, reason }
        }
        ClinicalResultEvent::EnteredInError { number, patient_id, .. } => {
            ClinicalResultEvent::EnteredInError { number, patient_id, reason }
        }
    }
}

/// Seals nothing, so that the bytes of the inner records are pinned too: the schema's number, then the plain bytes.
struct GlassVault;

impl KeyVault for GlassVault {
    fn seal<'a>(
        &'a self,
        _: SubjectId,
        _: Purpose,
        _: &'a Origin,
        schema: u16,
        plain: &'a [u8],
    ) -> BoxFuture<'a, Result<Vec<u8>, VaultError>> {
        Box::pin(async move { Ok([&schema.to_be_bytes(), plain].concat()) })
    }

    fn open<'a>(&'a self, _: Purpose, _: &'a Origin, _: &'a [u8]) -> BoxFuture<'a, Result<Opened, VaultError>> {
        Box::pin(async { Ok(Opened::Erased) })
    }

    fn shred(&self, _: SubjectId, _: Purpose) -> BoxFuture<'_, Result<u64, VaultError>> {
        Box::pin(async { Ok(0) })
    }
}
