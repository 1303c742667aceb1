//! From older versions of stored events to the newest, where more is to be done than to fill in a default.
//!
//! Stored bytes are never rewritten. A record is read with the schema that it was written with and resolved against the
//! newest one; what the older schema did not say stands there as the field's default. Where the event itself knows
//! better (its metadata, its other fields), a function here puts that in the default's place, so that nothing behind
//! this module ever sees an older version. Such a function is as pinned as the schemas: another answer would change
//! read models that were folded long ago.
use super::records::PatientNotificationFailed;
use domain_kernel::{RecordedEvent, SchemaVersion};

/// Version 1 did not say when the mail failed: the best that is known is when this service heard of it.
pub(super) fn patient_notification_failed(
    event: &RecordedEvent,
    record: PatientNotificationFailed,
) -> PatientNotificationFailed {
    match event.schema_version {
        SchemaVersion(1) => PatientNotificationFailed { failed_at: event.metadata.occurred_at.0, ..record },
        _ => record,
    }
}
