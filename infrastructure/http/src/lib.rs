//! The HTTP base of every service: problems, tokens, limits, hardened accept loop.
