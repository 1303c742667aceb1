//! Every SQL statement of this service.

/// The entries of the events that a batch touches, as they are.
pub(crate) const LOAD_ENTRIES: &str = include_str!("sql/load_entries.sql");
/// Those entries, as they are now.
pub(crate) const WRITE_ENTRIES: &str = include_str!("sql/write_entries.sql");
/// Who started the sagas of a batch, and whom they are about.
pub(crate) const WRITE_SAGAS: &str = include_str!("sql/write_sagas.sql");
/// A page of events.
pub(crate) const LIST: &str = include_str!("sql/list.sql");
/// One event, for a reader who may see it.
pub(crate) const FIND: &str = include_str!("sql/find.sql");
/// The events of one saga.
pub(crate) const LIST_SAGA: &str = include_str!("sql/list_saga.sql");
/// Whether something was heard of an aggregate.
pub(crate) const HEARD: &str = include_str!("sql/heard.sql");

/// Events by id, those that a filter lets through, for a reader who may see them.
pub(crate) const LIST_THESE: &str = include_str!("sql/list_these.sql");

/// All of them, by name, for the test that prepares every statement.
pub(crate) const ALL: &[(&str, &str)] = &[
    ("load_entries", LOAD_ENTRIES),
    ("write_entries", WRITE_ENTRIES),
    ("write_sagas", WRITE_SAGAS),
    ("list", LIST),
    ("find", FIND),
    ("list_saga", LIST_SAGA),
    ("list_these", LIST_THESE),
    ("heard", HEARD),
];
