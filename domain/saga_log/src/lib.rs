//! The saga_log context: its language and its rules.
