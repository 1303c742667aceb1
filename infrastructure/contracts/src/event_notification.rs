//! What became of telling somebody: the topic `event-notification`.
use crate::record::topic_record;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

topic_record! {
    schemas: ["event-notification/v1.avsc"],
    avro: "NotificationEvent",
    /// One message of the topic `event-notification`.
    record: NotificationEventRecord,
    /// What can have become of a notification.
    event: NotificationEvent {
        /// The mail was handed over.
        NotificationSent => notification_sent,
        /// It was given up for good.
        NotificationFailed => notification_failed,
        /// It was decided not to send it.
        NotificationSuppressed => notification_suppressed,
    }
}

/// The mail was handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationSent {
    /// What it is about: a user's or a result's stream.
    pub about_stream: Uuid,
    /// Of which kind that is: `user` or `result`.
    pub about_kind: String,
    /// Which text was sent, by name.
    pub template: String,
    /// Which attempt this was, from 1.
    pub attempt: i32,
}

/// It was given up for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationFailed {
    /// What it is about: a user's or a result's stream.
    pub about_stream: Uuid,
    /// Of which kind that is: `user` or `result`.
    pub about_kind: String,
    /// Which text was to be sent, by name.
    pub template: String,
    /// Which attempt this was, from 1.
    pub attempt: i32,
    /// Why, as a code.
    pub code: String,
}

/// It was decided not to send it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationSuppressed {
    /// What it is about: a user's or a result's stream.
    pub about_stream: Uuid,
    /// Of which kind that is: `user` or `result`.
    pub about_kind: String,
    /// Which text was to be sent, by name.
    pub template: String,
    /// Why, as a code such as `no_contact`.
    pub reason: String,
}
