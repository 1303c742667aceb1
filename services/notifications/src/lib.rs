//! The notifications service: tells people, by mail, that something awaits them.
