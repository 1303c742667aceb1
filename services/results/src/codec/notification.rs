//! The events of what is known about telling the patient. Nothing in them is sealed: ids and codes only.
use super::{ResultsCodec, encoded, malformed, unknown, unreadable};
use crate::stored::records::{PatientNotificationFailed, PatientNotificationSuppressed, PatientNotified};
use crate::stored::{ClearEvent, types};
use domain_kernel::{BoxFuture, RecordedEvent, StreamId, Timestamp};
use domain_results::{Note, ResultNotificationEvent};
use infra_event_store::codec::{CodecError, EncodedEvent, EventCodec, EventSlot};
use uuid::Uuid;

impl EventCodec<ResultNotificationEvent> for ResultsCodec {
    fn encode<'a>(
        &'a self,
        event: &'a ResultNotificationEvent,
        _: &'a EventSlot,
    ) -> BoxFuture<'a, Result<EncodedEvent, CodecError>> {
        Box::pin(async move { encode(event) })
    }

    fn decode<'a>(&'a self, event: &'a RecordedEvent) -> BoxFuture<'a, Result<ResultNotificationEvent, CodecError>> {
        Box::pin(async move { decode(event) })
    }
}

fn encode(event: &ResultNotificationEvent) -> Result<EncodedEvent, CodecError> {
    let note = event.note();
    let (result_id, notification_id) = (note.result.0, note.notification.0);
    let handling_attempt = i32::try_from(note.handling_attempt).unwrap_or(i32::MAX);
    match event {
        ResultNotificationEvent::PatientNotified { .. } => {
            let record = PatientNotified { result_id, notification_id, handling_attempt };
            encoded(types::PATIENT_NOTIFIED, &record)
        }
        ResultNotificationEvent::PatientNotificationFailed { code, failed_at, .. } => {
            let (code, failed_at) = (code.clone(), failed_at.0);
            let record = PatientNotificationFailed { result_id, notification_id, handling_attempt, code, failed_at };
            encoded(types::PATIENT_NOTIFICATION_FAILED, &record)
        }
        ResultNotificationEvent::PatientNotificationSuppressed { reason, .. } => {
            let reason = reason.clone();
            let record = PatientNotificationSuppressed { result_id, notification_id, handling_attempt, reason };
            encoded(types::PATIENT_NOTIFICATION_SUPPRESSED, &record)
        }
    }
}

fn decode(event: &RecordedEvent) -> Result<ResultNotificationEvent, CodecError> {
    let note = |result: Uuid, notification: Uuid, attempt: i32| {
        let handling_attempt = u32::try_from(attempt).map_err(|_| malformed(event, "handling_attempt"))?;
        Ok::<_, CodecError>(Note { result: StreamId(result), notification: StreamId(notification), handling_attempt })
    };
    match ClearEvent::read(event).map_err(|error| unreadable(event, &error))? {
        Some(ClearEvent::PatientNotified(record)) => Ok(ResultNotificationEvent::PatientNotified {
            note: note(record.result_id, record.notification_id, record.handling_attempt)?,
        }),
        Some(ClearEvent::PatientNotificationFailed(record)) => Ok(ResultNotificationEvent::PatientNotificationFailed {
            note: note(record.result_id, record.notification_id, record.handling_attempt)?,
            code: record.code,
            failed_at: Timestamp(record.failed_at),
        }),
        Some(ClearEvent::PatientNotificationSuppressed(record)) => {
            Ok(ResultNotificationEvent::PatientNotificationSuppressed {
                note: note(record.result_id, record.notification_id, record.handling_attempt)?,
                reason: record.reason,
            })
        }
        _ => Err(unknown(event)),
    }
}
