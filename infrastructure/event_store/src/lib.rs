//! The PostgreSQL event store: append, read, project.
