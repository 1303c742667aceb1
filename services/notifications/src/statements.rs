//! Every SQL statement of this service.

/// A notification was requested.
pub(crate) const INSERT_REQUESTED: &str = include_str!("sql/insert_requested.sql");
/// A notification got on.
pub(crate) const UPDATE_STANDING: &str = include_str!("sql/update_standing.sql");
/// A page of all notifications.
pub(crate) const LIST_ALL: &str = include_str!("sql/list_all.sql");
/// A page of the notifications that a user received or caused.
pub(crate) const LIST_OWN: &str = include_str!("sql/list_own.sql");
/// The notifications about one user or result.
pub(crate) const LIST_ABOUT: &str = include_str!("sql/list_about.sql");
/// Whether a notification follows from a write.
pub(crate) const HEARD: &str = include_str!("sql/heard.sql");
/// What is to be mailed now.
pub(crate) const LIST_DUE: &str = include_str!("sql/list_due.sql");
/// Takes or prolongs a lease.
pub(crate) const LEASE_TAKE: &str = include_str!("sql/lease_take.sql");
/// Gives a lease back.
pub(crate) const LEASE_RELEASE: &str = include_str!("sql/lease_release.sql");

/// All of them, by name, for the test that prepares every statement.
pub(crate) const ALL: &[(&str, &str)] = &[
    ("insert_requested", INSERT_REQUESTED),
    ("update_standing", UPDATE_STANDING),
    ("list_all", LIST_ALL),
    ("list_own", LIST_OWN),
    ("list_about", LIST_ABOUT),
    ("heard", HEARD),
    ("list_due", LIST_DUE),
    ("lease_take", LEASE_TAKE),
    ("lease_release", LEASE_RELEASE),
];
