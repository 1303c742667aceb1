//! What consumers did with messages: the topic `saga-step`. Its messages are never reported themselves.
use crate::record::topic_record;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

topic_record! {
    schemas: ["saga-step/v1.avsc"],
    avro: "SagaStep",
    /// One message of the topic `saga-step`.
    record: SagaStepRecord,
    /// What a consumer can have done with a message.
    event: SagaStep {
        /// Dealt with; nothing else tells of it.
        MessageHandled => message_handled,
        /// Given up: a dead letter now.
        MessageFailed => message_failed,
        /// The dead letter is being taken again.
        MessageRetried => message_retried,
        /// The dead letter was set aside by an operator.
        MessageSkipped => message_skipped,
    }
}

macro_rules! step {
    ($($(#[$doc:meta])* $name:ident),+) => {
        $($(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            /// The event whose message is answered.
            pub source_event_id: Uuid,
            /// The topic that it was read from.
            pub source_topic: String,
            /// Who answers.
            pub consumer: String,
            /// Which attempt this was, from 1.
            pub attempt: i32,
            /// Why, as a code; `None` where nothing went wrong.
            pub code: Option<String>,
        })+
    };
}

step! {
    /// Dealt with; nothing else tells of it.
    MessageHandled,
    /// Given up: a dead letter now.
    MessageFailed,
    /// The dead letter is being taken again.
    MessageRetried,
    /// The dead letter was set aside by an operator.
    MessageSkipped
}
