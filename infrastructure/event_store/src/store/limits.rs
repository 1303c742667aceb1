//! How much one append may hold. An append over a limit is malformed: it will never be right later.

/// The largest payload of one event, in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 1024 * 1024;

/// The largest append, in bytes of payload and metadata.
pub const MAX_APPEND_BYTES: usize = 8 * 1024 * 1024;

/// The most events of one append.
pub const MAX_APPEND_EVENTS: usize = 5_000;

/// The most commands of one append.
pub const MAX_APPEND_COMMANDS: usize = 1_000;

/// The most unique keys that one append takes and gives back together.
pub const MAX_APPEND_CLAIMS: usize = 1_000;

/// The most appends that share a transaction.
pub const MAX_GROUP: usize = 256;

/// The bytes of payload and metadata after which a group takes no further append.
pub const MAX_GROUP_BYTES: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// A smaller limit would refuse what was taken before.
    #[test]
    fn the_limits_are_what_is_documented() {
        assert_eq!((MAX_PAYLOAD_BYTES, MAX_APPEND_BYTES), (1_048_576, 8_388_608));
        assert_eq!((MAX_APPEND_EVENTS, MAX_APPEND_COMMANDS, MAX_APPEND_CLAIMS), (5_000, 1_000, 1_000));
        assert_eq!((MAX_GROUP, MAX_GROUP_BYTES), (256, 1_048_576));
    }
}
