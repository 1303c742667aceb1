//! The results context: its language and its rules.
