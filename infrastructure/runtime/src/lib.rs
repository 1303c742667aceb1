//! What a process needs around its services: configuration, supervision, PostgreSQL, logs, metrics.
