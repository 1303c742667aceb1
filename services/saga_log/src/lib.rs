//! The saga log service: what happened, who answered, what failed.
