//! What operators ask of consumers: the topic `saga-command`. Its messages are never reported themselves.
use crate::record::topic_record;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

topic_record! {
    schemas: ["saga-command/v1.avsc", "saga-command/v2.avsc"],
    avro: "SagaCommand",
    /// One message of the topic `saga-command`.
    record: SagaCommandRecord,
    /// What can have been asked.
    event: SagaCommand {
        /// A dead letter is to be taken again.
        RetryRequested => retry_requested,
        /// A dead letter is to be set aside. Since version 2.
        SkipRequested => skip_requested,
    }
}

/// A dead letter is to be taken again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryRequested {
    /// The event whose message failed.
    pub event_id: Uuid,
    /// Who is to take it again.
    pub consumer: String,
    /// The attempt that the retry starts; above every one before it.
    pub attempt: i32,
}

/// A dead letter is to be set aside, and what waits behind it to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkipRequested {
    /// The event whose message failed.
    pub source_event_id: Uuid,
    /// The stream of that event: what waits behind the letter is of it, also when the letter is gone already.
    pub source_stream_id: Uuid,
    /// Who is to set it aside.
    pub consumer: String,
}
