//! What happened to clinical results: the topic `event-result`. Never a value, a test's name or the patient's name.
use crate::SealedBytes;
use crate::record::topic_record;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

topic_record! {
    schemas: ["event-result/v1.avsc", "event-result/v2.avsc"],
    avro: "ResultEvent",
    /// One message of the topic `event-result`.
    record: ResultEventRecord,
    /// What can have happened to a result.
    event: ResultEvent {
        /// The result exists.
        ResultCreated => result_created,
        /// The result is final.
        ResultReleased => result_released,
        /// The final result was changed.
        ResultAmended => result_amended,
        /// The final result was wrong and has been put right.
        ResultCorrected => result_corrected,
        /// There will be no result.
        ResultCancelled => result_cancelled,
        /// The result should never have been there.
        ResultEnteredInError => result_entered_in_error,
        /// Somebody read the result.
        ResultQueried => result_queried,
        /// The registered result has all its findings. Since version 2.
        ResultCompleted => result_completed,
    }
}

/// Where a result stands, in FHIR's words (`DiagnosticReport.status`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultStatus {
    /// A status that this binary's schema does not have: a newer producer's.
    Unknown,
    /// Known to exist, nothing to read yet.
    Registered,
    /// Readable, not yet verified.
    Preliminary,
    /// Verified.
    Final,
    /// Changed after it was final.
    Amended,
    /// Put right after it was final.
    Corrected,
    /// Given up before it was final.
    Cancelled,
    /// Never to be used.
    EnteredInError,
}

/// The result exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultCreated {
    /// The running number that people use.
    pub number: i64,
    /// Where it stands.
    pub status: ResultStatus,
    /// The patient's account, once linked.
    pub patient_id: Option<Uuid>,
    /// How to reach the patient, sealed ([`crate::contact`]); `None` when no address is known.
    pub contact: Option<SealedBytes>,
}

/// The result is final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultReleased {
    /// The running number that people use.
    pub number: i64,
    /// How to reach the patient, sealed ([`crate::contact`]).
    pub contact: Option<SealedBytes>,
    /// The patient's account, once linked. Since version 2.
    pub patient_id: Option<Uuid>,
}

/// The final result was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultAmended {
    /// The running number that people use.
    pub number: i64,
    /// How to reach the patient, sealed ([`crate::contact`]).
    pub contact: Option<SealedBytes>,
    /// The patient's account, once linked. Since version 2.
    pub patient_id: Option<Uuid>,
}

/// The final result was wrong and has been put right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultCorrected {
    /// The running number that people use.
    pub number: i64,
    /// How to reach the patient, sealed ([`crate::contact`]).
    pub contact: Option<SealedBytes>,
    /// The patient's account, once linked. Since version 2.
    pub patient_id: Option<Uuid>,
}

/// There will be no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultCancelled {
    /// The running number that people use.
    pub number: i64,
}

/// The result should never have been there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultEnteredInError {
    /// The running number that people use.
    pub number: i64,
}

/// Somebody read the result; recorded on the access stream, so the message's key is not the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultQueried {
    /// Which result was read.
    pub result_id: Uuid,
    /// The running number that people use.
    pub number: i64,
}

/// The registered result has all its findings: it is preliminary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultCompleted {
    /// The running number that people use.
    pub number: i64,
}
