//! The users service: accounts, log-in, tokens.
