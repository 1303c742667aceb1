//! The users context: its language and its rules.
