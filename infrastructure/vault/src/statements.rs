//! Every SQL statement of this crate, so that a test can have PostgreSQL prepare each.

/// Name and text of every statement.
pub const ALL: &[(&str, &str)] = &[
    ("register_masters", REGISTER_MASTERS),
    ("masters", MASTERS),
    ("create_keys", CREATE_KEYS),
    ("keys_of_subjects", KEYS_OF_SUBJECTS),
    ("keys_by_id", KEYS_BY_ID),
    ("destroy_key", DESTROY_KEY),
    ("list_keys", LIST_KEYS),
    ("lock_current_master", LOCK_CURRENT_MASTER),
    ("retire_current_master", RETIRE_CURRENT_MASTER),
    ("promote_master", PROMOTE_MASTER),
    ("keys_under_other_masters", KEYS_UNDER_OTHER_MASTERS),
    ("rewrap_keys", REWRAP_KEYS),
    ("finish_rotation", FINISH_ROTATION),
    ("record_break_glass", RECORD_BREAK_GLASS),
    ("list_break_glass", LIST_BREAK_GLASS),
    ("claim_break_glass", CLAIM_BREAK_GLASS),
    ("vault_sessions", VAULT_SESSIONS),
    ("take_turn", TAKE_TURN),
];

pub(crate) const REGISTER_MASTERS: &str = include_str!("sql/register_masters.sql");
pub(crate) const MASTERS: &str = include_str!("sql/masters.sql");
pub(crate) const CREATE_KEYS: &str = include_str!("sql/create_keys.sql");
pub(crate) const KEYS_OF_SUBJECTS: &str = include_str!("sql/keys_of_subjects.sql");
pub(crate) const KEYS_BY_ID: &str = include_str!("sql/keys_by_id.sql");
pub(crate) const DESTROY_KEY: &str = include_str!("sql/destroy_key.sql");
pub(crate) const LIST_KEYS: &str = include_str!("sql/list_keys.sql");
pub(crate) const LOCK_CURRENT_MASTER: &str = include_str!("sql/lock_current_master.sql");
pub(crate) const RETIRE_CURRENT_MASTER: &str = include_str!("sql/retire_current_master.sql");
pub(crate) const PROMOTE_MASTER: &str = include_str!("sql/promote_master.sql");
pub(crate) const KEYS_UNDER_OTHER_MASTERS: &str = include_str!("sql/keys_under_other_masters.sql");
pub(crate) const REWRAP_KEYS: &str = include_str!("sql/rewrap_keys.sql");
pub(crate) const FINISH_ROTATION: &str = include_str!("sql/finish_rotation.sql");
pub(crate) const RECORD_BREAK_GLASS: &str = include_str!("sql/record_break_glass.sql");
pub(crate) const LIST_BREAK_GLASS: &str = include_str!("sql/list_break_glass.sql");
pub(crate) const CLAIM_BREAK_GLASS: &str = include_str!("sql/claim_break_glass.sql");
pub(crate) const VAULT_SESSIONS: &str = include_str!("sql/vault_sessions.sql");
pub(crate) const TAKE_TURN: &str = "select pg_try_advisory_lock(hashtextextended('historia.break_glass.' || $1, 0))";
