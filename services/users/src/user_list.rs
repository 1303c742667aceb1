//! Read model `user_list`: what an administrator's list shows.
//!
//! Names and addresses stay sealed in it, each beside the origin that opens it, and are opened page by page for who may
//! see them; so a destroyed key empties the list too.
use crate::codec::UserCodec;
use crate::database::{DatabaseError, moment};
use crate::statements;
use crate::stored::{StoredUserEvent, type_id};
use chrono::{DateTime, Utc};
use domain_kernel::ports::Origin;
use domain_kernel::{BoxFuture, EventId, RecordedEvent, Role, Sensitive, StreamId, Timestamp, UserId, Version};
use domain_users::{ContactDetails, FullName, Username};
use infra_contracts::stored::SealedBytes;
use infra_event_store::codec::CodecError;
use infra_event_store::projection::{self, Folded, Projection, ProjectionError};
use infra_http::Position;
use infra_http::position::PATIENCE;
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

/// The pinned name.
pub(crate) const NAME: &str = "user_list";
/// Part of the table's name.
pub(crate) const VERSION: i32 = 1;

/// Folds the users' events into `user_list_v1`.
pub(crate) struct UserListProjection;

impl Projection for UserListProjection {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> i32 {
        VERSION
    }

    fn tables(&self) -> &'static [&'static str] {
        &["user_list_v1"]
    }

    fn apply<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        events: &'a [RecordedEvent],
    ) -> BoxFuture<'a, Result<(), ProjectionError>> {
        Box::pin(async move {
            for event in events {
                apply(connection, event).await?;
            }
            Ok(())
        })
    }
}

async fn apply(connection: &mut PgConnection, event: &RecordedEvent) -> Result<(), ProjectionError> {
    let unfit = |reason: String| ProjectionError::Event { projection: NAME, checkpoint: event.checkpoint, reason };
    let stored = StoredUserEvent::of_log(event).map_err(|error| unfit(error.to_string()))?;
    let Some(stored) = stored else { return Ok(()) };
    let version = i32::try_from(event.version.0).map_err(|_| unfit("version".to_owned()))?;
    let (user, id) = (event.stream.0, event.metadata.event_id.0);
    let change = match stored {
        StoredUserEvent::Created(record) => {
            let account = record.sealed_account.ok_or_else(|| unfit("sealed_account".to_owned()))?;
            let contact = record.sealed_contact.map(|SealedBytes(sealed)| sealed);
            let at = contact.is_some();
            sqlx::query(statements::USER_LIST_CREATED)
                .bind(user)
                .bind(i16::try_from(record.role).map_err(|_| unfit("role".to_owned()))?)
                .bind(account.0)
                .bind(id)
                .bind(version)
                .bind(contact)
                .bind(at.then_some(id))
                .bind(at.then_some(version))
                .bind(at.then_some(event.type_id.0))
                .bind(moment(Timestamp(record.created_at)))
        }
        StoredUserEvent::RoleChanged(record) => sqlx::query(statements::USER_LIST_ROLE)
            .bind(user)
            .bind(version)
            .bind(i16::try_from(record.role).map_err(|_| unfit("role".to_owned()))?),
        StoredUserEvent::ProfileChanged(record) => sqlx::query(statements::USER_LIST_PROFILE)
            .bind(user)
            .bind(version)
            .bind(record.sealed_account.map(|SealedBytes(sealed)| sealed))
            .bind(id),
        StoredUserEvent::ContactChanged(record) => {
            let contact = record.sealed_contact.map(|SealedBytes(sealed)| sealed);
            let at = contact.is_some();
            sqlx::query(statements::USER_LIST_CONTACT)
                .bind(user)
                .bind(version)
                .bind(contact)
                .bind(at.then_some(id))
                .bind(at.then_some(version))
                .bind(at.then_some(event.type_id.0))
        }
        StoredUserEvent::Deactivated(_) => {
            sqlx::query(statements::USER_LIST_STATUS).bind(user).bind(version).bind(Status::Deactivated.name())
        }
        StoredUserEvent::Reactivated(_) => {
            sqlx::query(statements::USER_LIST_STATUS).bind(user).bind(version).bind(Status::Active.name())
        }
        StoredUserEvent::PasswordSet(_) | StoredUserEvent::PasswordChanged(_) | StoredUserEvent::SessionsRevoked(_) => {
            sqlx::query(statements::USER_LIST_VERSION).bind(user).bind(version)
        }
        StoredUserEvent::Erasure(_) => return Ok(()),
    };
    change.execute(connection).await?;
    Ok(())
}

/// Whether a user may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Active,
    Deactivated,
}

impl Status {
    /// The pinned name, in the table and in answers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deactivated => "deactivated",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Active, Self::Deactivated].into_iter().find(|status| status.name() == name)
    }
}

/// One line of the list, opened.
pub(crate) struct UserListEntry {
    pub(crate) id: UserId,
    pub(crate) username: Sensitive<Username>,
    pub(crate) full_name: Sensitive<Option<FullName>>,
    pub(crate) role: Role,
    pub(crate) contact: Option<Sensitive<ContactDetails>>,
    pub(crate) status: Status,
    pub(crate) created_at: DateTime<Utc>,
}

/// Why the list was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UserListError {
    /// The table was not read.
    #[error("the list of users could not be read")]
    Database(#[from] DatabaseError),
    /// A sealed part was not opened.
    #[error("an entry of the list of users could not be opened")]
    Codec(#[from] CodecError),
}

/// Reads the read model.
pub(crate) struct UserList {
    pool: PgPool,
    codec: UserCodec,
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    role: i16,
    status: String,
    account_sealed: Vec<u8>,
    account_event: Uuid,
    account_version: i32,
    profile_sealed: Option<Vec<u8>>,
    profile_event: Option<Uuid>,
    profile_version: Option<i32>,
    contact_sealed: Option<Vec<u8>>,
    contact_event: Option<Uuid>,
    contact_version: Option<i32>,
    contact_type: Option<i16>,
    created_at: DateTime<Utc>,
}

impl UserList {
    pub(crate) fn new(pool: PgPool, codec: UserCodec) -> Self {
        Self { pool, codec }
    }

    /// Up to `limit` users in the order of their ids, which is about that of their creation.
    pub(crate) async fn page(
        &self,
        after: Option<UserId>,
        role: Option<Role>,
        status: Option<Status>,
        limit: usize,
    ) -> Result<Vec<UserListEntry>, UserListError> {
        let rows: Vec<Row> = sqlx::query_as(statements::USER_LIST_PAGE)
            .bind(after.map(|user| user.0))
            .bind(role.map(|role| i16::from(role.number())))
            .bind(status.map(Status::name))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await
            .map_err(DatabaseError::from)?;
        let opened = rows.into_iter().map(|row| self.open(row));
        Ok(futures_util::future::try_join_all(opened).await?)
    }

    /// Waits until the list holds a write to an account; false when it did not come to in time. Other services' writes
    /// are nothing to it.
    pub(crate) async fn holds(&self, position: Position) -> Result<bool, ProjectionError> {
        let event = (position.stream, position.last);
        Ok(projection::folded(&UserListProjection, &self.pool, event, PATIENCE).await? != Folded::NotYet)
    }

    /// Some active administrators besides `user`, as far as the read model knows; it may lag.
    pub(crate) async fn other_administrators(&self, user: UserId) -> Result<Vec<UserId>, DatabaseError> {
        let others: Vec<(Uuid,)> = sqlx::query_as(statements::USER_LIST_OTHER_ADMINISTRATORS)
            .bind(user.0)
            .bind(i16::from(Role::Administrator.number()))
            .fetch_all(&self.pool)
            .await?;
        Ok(others.into_iter().map(|(id,)| UserId(id)).collect())
    }

    async fn open(&self, row: Row) -> Result<UserListEntry, CodecError> {
        let origin = |event: Uuid, version: i32, type_id: i16| origin(row.id, event, version, type_id);
        let created = origin(row.account_event, row.account_version, type_id::USER_CREATED)?;
        let (username, first_name) = self.codec.open_created(&created, &row.account_sealed).await?;
        let full_name = match (&row.profile_sealed, row.profile_event, row.profile_version) {
            (Some(sealed), Some(event), Some(version)) => {
                self.codec.open_profile(&origin(event, version, type_id::PROFILE_CHANGED)?, sealed).await?
            }
            _ => first_name,
        };
        let contact = match (&row.contact_sealed, row.contact_event, row.contact_version, row.contact_type) {
            (Some(sealed), Some(event), Some(version), Some(kind)) => {
                Some(self.codec.open_contact(kind, &origin(event, version, kind)?, sealed).await?)
            }
            _ => None,
        };
        Ok(UserListEntry {
            id: UserId(row.id),
            username,
            full_name,
            role: Role::from_number(row.role.into()).map_err(|_| malformed("role"))?,
            contact,
            status: Status::parse(&row.status).ok_or_else(|| malformed("status"))?,
            created_at: row.created_at,
        })
    }
}

fn origin(user: Uuid, event: Uuid, version: i32, type_id: i16) -> Result<Origin, CodecError> {
    let version = u32::try_from(version).map_err(|_| malformed("version"))?;
    let event_type = crate::stored::catalogue().name(domain_kernel::EventTypeId(type_id)).unwrap_or_default();
    Ok(Origin {
        event_id: EventId(event),
        stream: StreamId(user),
        version: Version(version),
        event_type: event_type.to_owned(),
    })
}

fn malformed(column: &str) -> CodecError {
    CodecError::Malformed { event: None, reason: format!("user_list_v1.{column}") }
}
