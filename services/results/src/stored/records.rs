//! The stored events as Avro sees them. The clear records show what anybody with the database may know; the sealed ones
//! exist in memory only, and have no `Debug`.
//!
//! A record's name is the schema's: where two events have one record, their schemas have one name too.
use infra_contracts::SealedBytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! clear {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub(crate) struct $name { $(pub(crate) $field: $type),* }
    };
}

clear!(
    /// `results.result_created`
    ResultCreated {
        number: i64,
        status: String,
        patient_id: Option<Uuid>,
        sealed_clinical: Option<SealedBytes>,
        sealed_contact: Option<SealedBytes>,
    }
);
clear!(
    /// `results.result_completed`
    ResultCompleted { number: i64 }
);
clear!(
    /// `results.result_released`
    ResultReleased { number: i64, patient_id: Option<Uuid>, sealed_contact: Option<SealedBytes> }
);
clear!(
    /// `results.result_amended`, `results.result_corrected`
    ResultRevised {
        number: i64,
        patient_id: Option<Uuid>,
        sealed_clinical: Option<SealedBytes>,
        sealed_contact: Option<SealedBytes>,
    }
);
clear!(
    /// `results.result_cancelled`, `results.result_entered_in_error`
    ResultWithdrawn { number: i64, patient_id: Option<Uuid>, sealed_clinical: Option<SealedBytes> }
);
clear!(
    /// `results.result_queried`
    ResultQueried { result_id: Uuid, number: i64, reader: Uuid, role: i32, access: String }
);
clear!(
    /// `results.results_listed`
    ResultsListed { reader: Uuid, role: i32, shown: i32 }
);
clear!(
    /// `results.patient_notified`
    PatientNotified { result_id: Uuid, notification_id: Uuid, handling_attempt: i32 }
);
clear!(
    /// `results.patient_notification_failed`
    PatientNotificationFailed {
        result_id: Uuid,
        notification_id: Uuid,
        handling_attempt: i32,
        code: String,
        failed_at: i64,
    }
);
clear!(
    /// `results.patient_notification_suppressed`
    PatientNotificationSuppressed { result_id: Uuid, notification_id: Uuid, handling_attempt: i32, reason: String }
);

/// Sealed in `results.result_created`.
#[derive(Serialize, Deserialize)]
pub(crate) struct ClinicalContent {
    pub(crate) patient: String,
    pub(crate) result: String,
}

/// Sealed in `results.result_amended` and `results.result_corrected`.
#[derive(Serialize, Deserialize)]
pub(crate) struct ClinicalRevision {
    pub(crate) patient: String,
    pub(crate) result: String,
    pub(crate) reason: String,
}

/// Sealed in `results.result_cancelled` and `results.result_entered_in_error`.
#[derive(Serialize, Deserialize)]
pub(crate) struct ClinicalWithdrawal {
    pub(crate) reason: String,
}
