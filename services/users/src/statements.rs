//! Every SQL statement of the service, so that a test can have PostgreSQL prepare each.

/// Name and text of every statement.
pub(crate) const ALL: &[(&str, &str)] = &[
    ("session_open", SESSION_OPEN),
    ("session_revoke", SESSION_REVOKE),
    ("refresh_find", REFRESH_FIND),
    ("refresh_use", REFRESH_USE),
    ("revocation_list", REVOCATION_LIST),
    ("prune_sessions", PRUNE_SESSIONS),
    ("prune_revocations", PRUNE_REVOCATIONS),
    ("prune_backoff", PRUNE_BACKOFF),
    ("backoff_blocked", BACKOFF_BLOCKED),
    ("backoff_failed", BACKOFF_FAILED),
    ("backoff_reset", BACKOFF_RESET),
    ("user_list_created", USER_LIST_CREATED),
    ("user_list_role", USER_LIST_ROLE),
    ("user_list_profile", USER_LIST_PROFILE),
    ("user_list_contact", USER_LIST_CONTACT),
    ("user_list_status", USER_LIST_STATUS),
    ("user_list_version", USER_LIST_VERSION),
    ("user_list_page", USER_LIST_PAGE),
    ("user_list_other_administrators", USER_LIST_OTHER_ADMINISTRATORS),
    ("administrators_turn", ADMINISTRATORS_TURN),
    ("erasure_list_requested", ERASURE_LIST_REQUESTED),
    ("erasure_list_decided", ERASURE_LIST_DECIDED),
    ("erasure_list_erased", ERASURE_LIST_ERASED),
    ("erasure_list_held", ERASURE_LIST_HELD),
    ("erasure_list_lifted", ERASURE_LIST_LIFTED),
    ("erasure_list_page", ERASURE_LIST_PAGE),
    ("legal_hold_page", LEGAL_HOLD_PAGE),
];

pub(crate) const SESSION_OPEN: &str = include_str!("sql/session_open.sql");
pub(crate) const SESSION_REVOKE: &str = include_str!("sql/session_revoke.sql");
pub(crate) const REFRESH_FIND: &str = include_str!("sql/refresh_find.sql");
pub(crate) const REFRESH_USE: &str = include_str!("sql/refresh_use.sql");
pub(crate) const REVOCATION_LIST: &str = include_str!("sql/revocation_list.sql");
pub(crate) const PRUNE_SESSIONS: &str = include_str!("sql/prune_sessions.sql");
pub(crate) const PRUNE_REVOCATIONS: &str = include_str!("sql/prune_revocations.sql");
pub(crate) const PRUNE_BACKOFF: &str = include_str!("sql/prune_backoff.sql");
pub(crate) const BACKOFF_BLOCKED: &str = include_str!("sql/backoff_blocked.sql");
pub(crate) const BACKOFF_FAILED: &str = include_str!("sql/backoff_failed.sql");
pub(crate) const BACKOFF_RESET: &str = include_str!("sql/backoff_reset.sql");
pub(crate) const USER_LIST_CREATED: &str = include_str!("sql/user_list_created.sql");
pub(crate) const USER_LIST_ROLE: &str = include_str!("sql/user_list_role.sql");
pub(crate) const USER_LIST_PROFILE: &str = include_str!("sql/user_list_profile.sql");
pub(crate) const USER_LIST_CONTACT: &str = include_str!("sql/user_list_contact.sql");
pub(crate) const USER_LIST_STATUS: &str = include_str!("sql/user_list_status.sql");
pub(crate) const USER_LIST_VERSION: &str = include_str!("sql/user_list_version.sql");
pub(crate) const USER_LIST_PAGE: &str = include_str!("sql/user_list_page.sql");
pub(crate) const USER_LIST_OTHER_ADMINISTRATORS: &str = include_str!("sql/user_list_other_administrators.sql");
pub(crate) const ADMINISTRATORS_TURN: &str = include_str!("sql/administrators_turn.sql");
pub(crate) const ERASURE_LIST_REQUESTED: &str = include_str!("sql/erasure_list_requested.sql");
pub(crate) const ERASURE_LIST_DECIDED: &str = include_str!("sql/erasure_list_decided.sql");
pub(crate) const ERASURE_LIST_ERASED: &str = include_str!("sql/erasure_list_erased.sql");
pub(crate) const ERASURE_LIST_HELD: &str = include_str!("sql/erasure_list_held.sql");
pub(crate) const ERASURE_LIST_LIFTED: &str = include_str!("sql/erasure_list_lifted.sql");
pub(crate) const ERASURE_LIST_PAGE: &str = include_str!("sql/erasure_list_page.sql");
pub(crate) const LEGAL_HOLD_PAGE: &str = include_str!("sql/legal_hold_page.sql");
