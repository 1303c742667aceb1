//! The gateway: one address, one token, several services' answers.
