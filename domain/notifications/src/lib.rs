//! The notifications context: its language and its rules.
