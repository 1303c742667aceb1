//! Between the notification's events and their stored records. Nothing is sealed or opened here.
use crate::events::{
    ATTEMPT_FAILED, CATALOGUE, NOTIFICATION_FAILED, NOTIFICATION_REQUESTED, NOTIFICATION_REQUESTED_AGAIN,
    NOTIFICATION_SENT, NOTIFICATION_SKIPPED, NOTIFICATION_SUPPRESSED,
};
use domain_kernel::ports::Origin;
use domain_kernel::{BoxFuture, EventTypeId, RecordedEvent, StreamId, Timestamp, UserId, Version};
use domain_notifications::{About, FailureCode, NotificationEvent, Request, SealedContact};
use infra_contracts::stored::SealedBytes;
use infra_event_store::codec::{CodecError, EncodedEvent, EventCodec, EventSlot};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Encodes and decodes [`NotificationEvent`]s.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NotificationCodec;

impl EventCodec<NotificationEvent> for NotificationCodec {
    fn encode<'a>(
        &'a self,
        event: &'a NotificationEvent,
        _slot: &'a EventSlot,
    ) -> BoxFuture<'a, Result<EncodedEvent, CodecError>> {
        Box::pin(async move { encode(event) })
    }

    fn decode<'a>(&'a self, event: &'a RecordedEvent) -> BoxFuture<'a, Result<NotificationEvent, CodecError>> {
        Box::pin(async move { decode(event) })
    }
}

/// The stored form of `event`.
pub(crate) fn encode(event: &NotificationEvent) -> Result<EncodedEvent, CodecError> {
    match event {
        NotificationEvent::Requested(request) => write(NOTIFICATION_REQUESTED, &Requested::from(request)),
        NotificationEvent::AttemptFailed { attempt, code, next_attempt_at } => write(
            ATTEMPT_FAILED,
            &AttemptFailed {
                attempt: i32_of(*attempt),
                code: code.as_str().to_owned(),
                next_attempt_at: next_attempt_at.0,
            },
        ),
        NotificationEvent::Sent { about, template, attempt } => write(
            NOTIFICATION_SENT,
            &Sent {
                about_stream: about.stream.0,
                about_kind: about.kind.name().to_owned(),
                template: template.name().to_owned(),
                attempt: i32_of(*attempt),
            },
        ),
        NotificationEvent::Failed { about, template, attempt, code } => write(
            NOTIFICATION_FAILED,
            &Failed {
                about_stream: about.stream.0,
                about_kind: about.kind.name().to_owned(),
                template: template.name().to_owned(),
                attempt: i32_of(*attempt),
                code: code.as_str().to_owned(),
            },
        ),
        NotificationEvent::Suppressed { about, template, attempt, reason } => write(
            NOTIFICATION_SUPPRESSED,
            &Suppressed {
                about_stream: about.stream.0,
                about_kind: about.kind.name().to_owned(),
                template: template.name().to_owned(),
                attempt: i32_of(*attempt),
                reason: reason.name().to_owned(),
            },
        ),
        NotificationEvent::RequestedAgain { source, about, attempt, at } => write(
            NOTIFICATION_REQUESTED_AGAIN,
            &RequestedAgain {
                source_event_id: source.0,
                about_stream: about.stream.0,
                about_kind: about.kind.name().to_owned(),
                attempt: i32_of(*attempt),
                requested_at: at.0,
            },
        ),
        NotificationEvent::Skipped { source, about, attempt } => write(
            NOTIFICATION_SKIPPED,
            &Skipped {
                source_event_id: source.0,
                about_stream: about.stream.0,
                about_kind: about.kind.name().to_owned(),
                attempt: i32_of(*attempt),
            },
        ),
    }
}

/// The event that was stored. A request's saga is the one in its metadata.
pub(crate) fn decode(event: &RecordedEvent) -> Result<NotificationEvent, CodecError> {
    Ok(match event.type_id {
        NOTIFICATION_REQUESTED => NotificationEvent::Requested(read::<Requested>(event)?.into_request(event)?),
        ATTEMPT_FAILED => {
            let AttemptFailed { attempt, code, next_attempt_at } = read(event)?;
            NotificationEvent::AttemptFailed {
                attempt: u32_of(event, attempt)?,
                code: FailureCode::new(&code),
                next_attempt_at: Timestamp(next_attempt_at),
            }
        }
        NOTIFICATION_SENT => {
            let Sent { about_stream, about_kind, template, attempt } = read(event)?;
            NotificationEvent::Sent {
                about: about(event, about_stream, &about_kind)?,
                template: parse(event, "template", &template)?,
                attempt: u32_of(event, attempt)?,
            }
        }
        NOTIFICATION_FAILED => {
            let Failed { about_stream, about_kind, template, attempt, code } = read(event)?;
            NotificationEvent::Failed {
                about: about(event, about_stream, &about_kind)?,
                template: parse(event, "template", &template)?,
                attempt: u32_of(event, attempt)?,
                code: FailureCode::new(&code),
            }
        }
        NOTIFICATION_SUPPRESSED => {
            let Suppressed { about_stream, about_kind, template, attempt, reason } = read(event)?;
            NotificationEvent::Suppressed {
                about: about(event, about_stream, &about_kind)?,
                template: parse(event, "template", &template)?,
                attempt: u32_of(event, attempt)?,
                reason: parse(event, "reason", &reason)?,
            }
        }
        NOTIFICATION_REQUESTED_AGAIN => {
            let RequestedAgain { source_event_id, about_stream, about_kind, attempt, requested_at } = read(event)?;
            NotificationEvent::RequestedAgain {
                source: source_event_id.into(),
                about: about(event, about_stream, &about_kind)?,
                attempt: u32_of(event, attempt)?,
                at: Timestamp(requested_at),
            }
        }
        NOTIFICATION_SKIPPED => {
            let Skipped { source_event_id, about_stream, about_kind, attempt } = read(event)?;
            NotificationEvent::Skipped {
                source: source_event_id.into(),
                about: about(event, about_stream, &about_kind)?,
                attempt: u32_of(event, attempt)?,
            }
        }
        type_id => return Err(CodecError::UnknownType { type_id, schema_version: event.schema_version }),
    })
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "NotificationRequested")]
struct Requested {
    source_event_id: Uuid,
    about_stream: Uuid,
    about_kind: String,
    template: String,
    number: Option<i64>,
    recipient: Option<Uuid>,
    started_by: Option<Uuid>,
    first_attempt: i32,
    requested_at: i64,
    contact: Option<Contact>,
    source_version: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "SealedContact")]
struct Contact {
    origin_event_id: Uuid,
    origin_stream: Uuid,
    origin_version: i64,
    origin_event_type: String,
    sealed: SealedBytes,
}

#[derive(Serialize, Deserialize)]
struct AttemptFailed {
    attempt: i32,
    code: String,
    next_attempt_at: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "NotificationSent")]
struct Sent {
    about_stream: Uuid,
    about_kind: String,
    template: String,
    attempt: i32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "NotificationFailed")]
struct Failed {
    about_stream: Uuid,
    about_kind: String,
    template: String,
    attempt: i32,
    code: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "NotificationSuppressed")]
struct Suppressed {
    about_stream: Uuid,
    about_kind: String,
    template: String,
    attempt: i32,
    reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "NotificationRequestedAgain")]
struct RequestedAgain {
    source_event_id: Uuid,
    about_stream: Uuid,
    about_kind: String,
    attempt: i32,
    requested_at: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "NotificationSkipped")]
struct Skipped {
    source_event_id: Uuid,
    about_stream: Uuid,
    about_kind: String,
    attempt: i32,
}

impl From<&Request> for Requested {
    fn from(request: &Request) -> Self {
        Self {
            source_event_id: request.source.0,
            about_stream: request.about.stream.0,
            about_kind: request.about.kind.name().to_owned(),
            template: request.template.name().to_owned(),
            number: request.number,
            recipient: request.recipient.map(|user| user.0),
            started_by: request.started_by.map(|user| user.0),
            first_attempt: i32_of(request.first_attempt),
            requested_at: request.requested_at.0,
            contact: request.contact.as_ref().map(|contact| Contact {
                origin_event_id: contact.origin.event_id.0,
                origin_stream: contact.origin.stream.0,
                origin_version: contact.origin.version.0.into(),
                origin_event_type: contact.origin.event_type.clone(),
                sealed: SealedBytes(contact.bytes.clone()),
            }),
            source_version: request.source_version.map(|version| version.0.into()),
        }
    }
}

impl Requested {
    fn into_request(self, event: &RecordedEvent) -> Result<Request, CodecError> {
        Ok(Request {
            source: self.source_event_id.into(),
            source_version: self
                .source_version
                .map(|version| version_of(event, version, "source_version"))
                .transpose()?,
            correlation_id: event.metadata.correlation_id,
            about: about(event, self.about_stream, &self.about_kind)?,
            template: parse(event, "template", &self.template)?,
            number: self.number,
            recipient: self.recipient.map(UserId),
            started_by: self.started_by.map(UserId),
            first_attempt: u32_of(event, self.first_attempt)?,
            requested_at: Timestamp(self.requested_at),
            contact: self.contact.map(|contact| contact.into_sealed(event)).transpose()?,
        })
    }
}

impl Contact {
    fn into_sealed(self, event: &RecordedEvent) -> Result<SealedContact, CodecError> {
        let origin = Origin {
            event_id: self.origin_event_id.into(),
            stream: StreamId(self.origin_stream),
            version: version_of(event, self.origin_version, "origin_version")?,
            event_type: self.origin_event_type,
        };
        Ok(SealedContact { origin, bytes: self.sealed.0 })
    }
}

fn write<T: Serialize>(type_id: EventTypeId, record: &T) -> Result<EncodedEvent, CodecError> {
    let (schema_version, payload) = CATALOGUE
        .encode(type_id, record)
        .map_err(|error| CodecError::Malformed { event: None, reason: error.to_string() })?;
    Ok(EncodedEvent { type_id, schema_version, payload })
}

fn read<T: DeserializeOwned>(event: &RecordedEvent) -> Result<T, CodecError> {
    CATALOGUE
        .decode(event.type_id, event.schema_version, &event.payload)
        .map_err(|error| CodecError::Malformed { event: Some(event.metadata.event_id), reason: error.to_string() })
}

fn about(event: &RecordedEvent, stream: Uuid, kind: &str) -> Result<About, CodecError> {
    Ok(About { stream: StreamId(stream), kind: parse(event, "about_kind", kind)? })
}

fn parse<T: std::str::FromStr>(event: &RecordedEvent, field: &str, text: &str) -> Result<T, CodecError> {
    text.parse().map_err(|_| malformed(event, field))
}

fn malformed(event: &RecordedEvent, field: &str) -> CodecError {
    CodecError::Malformed { event: Some(event.metadata.event_id), reason: format!("{field} has no known value") }
}

/// Avro has no unsigned numbers; no attempt comes near the limit.
pub(crate) fn i32_of(attempt: u32) -> i32 {
    i32::try_from(attempt).unwrap_or(i32::MAX)
}

fn version_of(event: &RecordedEvent, version: i64, field: &str) -> Result<Version, CodecError> {
    u32::try_from(version).map(Version).map_err(|_| malformed(event, field))
}

fn u32_of(event: &RecordedEvent, attempt: i32) -> Result<u32, CodecError> {
    u32::try_from(attempt).map_err(|_| malformed(event, "attempt"))
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
