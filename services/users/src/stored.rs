//! What of the users' events is stored, and under which numbers: pinned for ever.
//!
//! [`StoredUserEvent`] is the clear record of any of them. Everything that reads events (codec, publisher, read models,
//! the sweeper of sessions) matches it without a wildcard, so a new event is forgotten nowhere.
use domain_kernel::ports::Purpose;
use domain_kernel::{Aggregate, EventTypeId, RecordedEvent, SchemaVersion};
use domain_users::{Erasure, User};
use infra_contracts::contact;
use infra_contracts::stored::{SealedBytes, StoredError, StoredEventType, StoredEvents};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;
use uuid::Uuid;

mod erasure;
#[cfg(test)]
mod tests;

pub(crate) use erasure::{
    ErasureApproved, ErasureDeclined, ErasureRequested, KeyDestroyed, LegalHoldLifted, LegalHoldPlaced,
    StoredErasureEvent,
};

/// The numbers of the event types in the users database. A number is never used again.
pub mod type_id {
    /// `users.user_created`
    pub const USER_CREATED: i16 = 1;
    /// `users.password_set`
    pub const PASSWORD_SET: i16 = 2;
    /// `users.user_role_changed`
    pub const USER_ROLE_CHANGED: i16 = 3;
    /// `users.profile_changed`
    pub const PROFILE_CHANGED: i16 = 4;
    /// `users.user_contact_changed`
    pub const USER_CONTACT_CHANGED: i16 = 5;
    /// `users.user_deactivated`
    pub const USER_DEACTIVATED: i16 = 6;
    /// `users.user_reactivated`
    pub const USER_REACTIVATED: i16 = 7;
    /// `users.user_password_changed`
    pub const USER_PASSWORD_CHANGED: i16 = 8;
    /// `users.sessions_revoked`
    pub const SESSIONS_REVOKED: i16 = 9;
    /// `users.erasure_requested`; the first of the erasure aggregate, whose numbers are together.
    pub const ERASURE_REQUESTED: i16 = 20;
    /// `users.erasure_approved`
    pub const ERASURE_APPROVED: i16 = 21;
    /// `users.erasure_declined`
    pub const ERASURE_DECLINED: i16 = 22;
    /// `users.key_destroyed`
    pub const KEY_DESTROYED: i16 = 23;
    /// `users.legal_hold_placed`
    pub const LEGAL_HOLD_PLACED: i16 = 24;
    /// `users.legal_hold_lifted`; the last of the erasure aggregate.
    pub const LEGAL_HOLD_LIFTED: i16 = 25;
}

macro_rules! schema {
    ($file:literal) => {
        include_str!(concat!("../../../schemas/stored/users/", $file))
    };
}

/// Every event type that the service stores.
pub static EVENTS: &[StoredEventType] = &[
    StoredEventType {
        type_id: type_id::USER_CREATED,
        name: "users.user_created",
        category: User::NAME,
        schemas: &[schema!("user_created.v1.avsc")],
        sealed: &[(Purpose::Account, &[schema!("user_created.account.v1.avsc")]), (Purpose::Contact, contact::SCHEMAS)],
    },
    StoredEventType {
        type_id: type_id::PASSWORD_SET,
        name: "users.password_set",
        category: User::NAME,
        schemas: &[schema!("password_set.v1.avsc"), schema!("password_set.v2.avsc")],
        sealed: &[(Purpose::Account, &[schema!("password_set.account.v1.avsc")])],
    },
    StoredEventType {
        type_id: type_id::USER_ROLE_CHANGED,
        name: "users.user_role_changed",
        category: User::NAME,
        schemas: &[schema!("user_role_changed.v1.avsc")],
        sealed: &[],
    },
    StoredEventType {
        type_id: type_id::PROFILE_CHANGED,
        name: "users.profile_changed",
        category: User::NAME,
        schemas: &[schema!("profile_changed.v1.avsc")],
        sealed: &[(Purpose::Account, &[schema!("profile_changed.account.v1.avsc")])],
    },
    StoredEventType {
        type_id: type_id::USER_CONTACT_CHANGED,
        name: "users.user_contact_changed",
        category: User::NAME,
        schemas: &[schema!("user_contact_changed.v1.avsc")],
        sealed: &[(Purpose::Contact, contact::SCHEMAS)],
    },
    StoredEventType {
        type_id: type_id::USER_DEACTIVATED,
        name: "users.user_deactivated",
        category: User::NAME,
        schemas: &[schema!("user_deactivated.v1.avsc")],
        sealed: &[(Purpose::Account, &[schema!("user_deactivated.account.v1.avsc")])],
    },
    StoredEventType {
        type_id: type_id::USER_REACTIVATED,
        name: "users.user_reactivated",
        category: User::NAME,
        schemas: &[schema!("user_reactivated.v1.avsc")],
        sealed: &[],
    },
    StoredEventType {
        type_id: type_id::USER_PASSWORD_CHANGED,
        name: "users.user_password_changed",
        category: User::NAME,
        schemas: &[schema!("user_password_changed.v1.avsc")],
        sealed: &[],
    },
    StoredEventType {
        type_id: type_id::SESSIONS_REVOKED,
        name: "users.sessions_revoked",
        category: User::NAME,
        schemas: &[schema!("sessions_revoked.v1.avsc")],
        sealed: &[],
    },
    of_erasure(type_id::ERASURE_REQUESTED, "users.erasure_requested", &[schema!("erasure_requested.v1.avsc")]),
    of_erasure(type_id::ERASURE_APPROVED, "users.erasure_approved", &[schema!("erasure_approved.v1.avsc")]),
    of_erasure(type_id::ERASURE_DECLINED, "users.erasure_declined", &[schema!("erasure_declined.v1.avsc")]),
    of_erasure(type_id::KEY_DESTROYED, "users.key_destroyed", &[schema!("key_destroyed.v1.avsc")]),
    of_erasure(type_id::LEGAL_HOLD_PLACED, "users.legal_hold_placed", &[schema!("legal_hold_placed.v1.avsc")]),
    of_erasure(type_id::LEGAL_HOLD_LIFTED, "users.legal_hold_lifted", &[schema!("legal_hold_lifted.v1.avsc")]),
];

const fn of_erasure(type_id: i16, name: &'static str, schemas: &'static [&'static str]) -> StoredEventType {
    StoredEventType { type_id, name, category: Erasure::NAME, schemas, sealed: &[] }
}

/// [`EVENTS`], parsed.
pub(crate) fn catalogue() -> &'static StoredEvents {
    #[expect(clippy::expect_used, reason = "the schemas are constants of this crate; its tests parse them")]
    static CATALOGUE: LazyLock<StoredEvents> =
        LazyLock::new(|| StoredEvents::new(EVENTS).expect("the catalogue of the users' events is well formed"));
    &CATALOGUE
}

/// The clear record of a stored event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum StoredUserEvent {
    Created(UserCreated),
    PasswordSet(PasswordSet),
    RoleChanged(UserRoleChanged),
    ProfileChanged(ProfileChanged),
    ContactChanged(UserContactChanged),
    Deactivated(UserDeactivated),
    Reactivated(UserReactivated),
    PasswordChanged(UserPasswordChanged),
    SessionsRevoked(SessionsRevoked),
    /// Of the other aggregate in this store.
    Erasure(StoredErasureEvent),
}

/// The user exists and may log in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UserCreated {
    pub(crate) role: i32,
    pub(crate) created_at: i64,
    pub(crate) address_assigned: bool,
    pub(crate) sealed_account: Option<SealedBytes>,
    pub(crate) sealed_contact: Option<SealedBytes>,
}

/// The password is another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PasswordSet {
    pub(crate) sealed_account: Option<SealedBytes>,
    /// Since schema 2.
    pub(crate) initial: bool,
}

/// The role is another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UserRoleChanged {
    pub(crate) role: i32,
}

/// The full name is another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProfileChanged {
    pub(crate) sealed_account: Option<SealedBytes>,
}

/// The address is another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UserContactChanged {
    pub(crate) address_assigned: bool,
    pub(crate) sealed_contact: Option<SealedBytes>,
}

/// The user may no longer log in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UserDeactivated {
    pub(crate) sealed_account: Option<SealedBytes>,
}

/// The user may log in again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UserReactivated {
    pub(crate) role: i32,
}

/// The user changed the password.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UserPasswordChanged {}

/// Sessions were taken away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SessionsRevoked {
    pub(crate) cause: RevocationCause,
    pub(crate) only: Option<Uuid>,
    pub(crate) all_but: Option<Uuid>,
}

/// Why sessions were taken away.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RevocationCause {
    /// A cause that a newer release knows.
    Unknown,
    PasswordChanged,
    RefreshReuse,
    LogoutAll,
    Deactivated,
}

/// Sealed with [`UserCreated`].
#[derive(Serialize, Deserialize)]
pub(crate) struct UserCreatedAccount {
    pub(crate) username: String,
    pub(crate) full_name: Option<String>,
}

/// Sealed with [`PasswordSet`].
#[derive(Serialize, Deserialize)]
pub(crate) struct PasswordSetAccount {
    pub(crate) password_hash: String,
}

/// Sealed with [`ProfileChanged`].
#[derive(Serialize, Deserialize)]
pub(crate) struct ProfileChangedAccount {
    pub(crate) full_name: Option<String>,
}

/// Sealed with [`UserDeactivated`].
#[derive(Serialize, Deserialize)]
pub(crate) struct UserDeactivatedAccount {
    pub(crate) reason: String,
}

impl StoredUserEvent {
    /// The clear record of an event of this service's log; `None` for the ones that are not its own types: who was shown
    /// what.
    pub(crate) fn of_log(event: &RecordedEvent) -> Result<Option<Self>, StoredError> {
        if event.type_id == infra_disclosure::REVEALED { Ok(None) } else { Self::read(event).map(Some) }
    }

    /// The clear record of `event`.
    pub(crate) fn read(event: &RecordedEvent) -> Result<Self, StoredError> {
        let (id, schema, bytes) = (event.type_id, event.schema_version, event.payload.as_slice());
        let events = catalogue();
        Ok(match id.0 {
            type_id::USER_CREATED => Self::Created(events.decode(id, schema, bytes)?),
            type_id::PASSWORD_SET => Self::PasswordSet(events.decode(id, schema, bytes)?),
            type_id::USER_ROLE_CHANGED => Self::RoleChanged(events.decode(id, schema, bytes)?),
            type_id::PROFILE_CHANGED => Self::ProfileChanged(events.decode(id, schema, bytes)?),
            type_id::USER_CONTACT_CHANGED => Self::ContactChanged(events.decode(id, schema, bytes)?),
            type_id::USER_DEACTIVATED => Self::Deactivated(events.decode(id, schema, bytes)?),
            type_id::USER_REACTIVATED => Self::Reactivated(events.decode(id, schema, bytes)?),
            type_id::USER_PASSWORD_CHANGED => Self::PasswordChanged(events.decode(id, schema, bytes)?),
            type_id::SESSIONS_REVOKED => Self::SessionsRevoked(events.decode(id, schema, bytes)?),
            _ if StoredErasureEvent::is_one(id) => Self::Erasure(StoredErasureEvent::read(event)?),
            unknown => return Err(StoredError::UnknownType { type_id: unknown, schema: schema.0.into() }),
        })
    }

    /// Number, schema and bytes.
    pub(crate) fn write(&self) -> Result<(EventTypeId, SchemaVersion, Vec<u8>), StoredError> {
        let (events, id) = (catalogue(), self.type_id());
        let (schema, bytes) = match self {
            Self::Created(record) => events.encode(EventTypeId(id), record)?,
            Self::PasswordSet(record) => events.encode(EventTypeId(id), record)?,
            Self::RoleChanged(record) => events.encode(EventTypeId(id), record)?,
            Self::ProfileChanged(record) => events.encode(EventTypeId(id), record)?,
            Self::ContactChanged(record) => events.encode(EventTypeId(id), record)?,
            Self::Deactivated(record) => events.encode(EventTypeId(id), record)?,
            Self::Reactivated(record) => events.encode(EventTypeId(id), record)?,
            Self::PasswordChanged(record) => events.encode(EventTypeId(id), record)?,
            Self::SessionsRevoked(record) => events.encode(EventTypeId(id), record)?,
            Self::Erasure(record) => return record.write(),
        };
        Ok((EventTypeId(id), schema, bytes))
    }

    fn type_id(&self) -> i16 {
        match self {
            Self::Created(_) => type_id::USER_CREATED,
            Self::PasswordSet(_) => type_id::PASSWORD_SET,
            Self::RoleChanged(_) => type_id::USER_ROLE_CHANGED,
            Self::ProfileChanged(_) => type_id::PROFILE_CHANGED,
            Self::ContactChanged(_) => type_id::USER_CONTACT_CHANGED,
            Self::Deactivated(_) => type_id::USER_DEACTIVATED,
            Self::Reactivated(_) => type_id::USER_REACTIVATED,
            Self::PasswordChanged(_) => type_id::USER_PASSWORD_CHANGED,
            Self::SessionsRevoked(_) => type_id::SESSIONS_REVOKED,
            Self::Erasure(record) => record.type_id(),
        }
    }
}
