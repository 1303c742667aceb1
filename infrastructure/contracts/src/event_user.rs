//! What happened to users: the topic `event-user`.
use crate::SealedBytes;
use crate::record::topic_record;
use serde::{Deserialize, Serialize};

topic_record! {
    schemas: ["event-user/v1.avsc"],
    avro: "UserEvent",
    /// One message of the topic `event-user`.
    record: UserEventRecord,
    /// What can have happened to a user.
    event: UserEvent {
        /// The user exists and may log in.
        UserCreated => user_created,
        /// The user may do something else now.
        UserRoleChanged => user_role_changed,
        /// The user is reached elsewhere now.
        UserContactChanged => user_contact_changed,
        /// The user may no longer log in.
        UserDeactivated => user_deactivated,
        /// The user may log in again.
        UserReactivated => user_reactivated,
        /// The user logs in with another password now.
        UserPasswordChanged => user_password_changed,
    }
}

/// The user exists and may log in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserCreated {
    /// The role's number, 1 to 9.
    pub role: i32,
    /// How to reach the person, sealed ([`crate::contact`]); `None` when no address is known.
    pub contact: Option<SealedBytes>,
}

/// The user may do something else now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRoleChanged {
    /// The role's number, 1 to 9.
    pub role: i32,
}

/// The user is reached elsewhere now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserContactChanged {
    /// How to reach the person, sealed ([`crate::contact`]); `None` when no address is known any more.
    pub contact: Option<SealedBytes>,
}

/// The user may no longer log in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserDeactivated {}

/// The user may log in again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserReactivated {
    /// The role's number, 1 to 9.
    pub role: i32,
}

/// The user logs in with another password now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserPasswordChanged {}
