//! From an append to what the writer sends: checked, chained and measured in the caller's task, so that the one writer
//! does nothing but write.
use super::limits;
use crate::{metadata, row};
use chrono::{DateTime, Utc};
use domain_kernel::ports::{Append, AppendCommand, Claim, StoreError};
use domain_kernel::{CommandId, CorrelationId, Hash, Head, StreamId};
use infra_vault::chain::{ChainedEvent, link};
use std::collections::{BTreeMap, HashSet};

/// An append, ready to be sent.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) stream: StreamId,
    pub(crate) expected: Head,
    /// Where the stream ends when the append takes effect.
    pub(crate) head: Head,
    pub(crate) commands: Vec<PreparedCommand>,
    /// Keys that must be free.
    pub(crate) taking: Vec<KeyChange>,
    /// Keys that must be the stream's own.
    pub(crate) releasing: Vec<KeyChange>,
    pub(crate) events: Vec<PreparedEvent>,
    /// Payload and metadata together.
    pub(crate) bytes: usize,
}

impl Prepared {
    /// The command and its event, if it is one of each and takes or gives back no keys.
    pub(crate) fn only_event(&self) -> Option<(&PreparedCommand, &PreparedEvent)> {
        match (self.commands.as_slice(), self.events.as_slice()) {
            ([command], [event]) if self.taking.is_empty() && self.releasing.is_empty() => Some((command, event)),
            _ => None,
        }
    }
}

/// One command's row.
#[derive(Debug)]
pub(crate) struct PreparedCommand {
    pub(crate) id: CommandId,
    pub(crate) version_after: i32,
    pub(crate) correlation_id: CorrelationId,
    pub(crate) digest: Option<Hash>,
}

/// What an append does to a unique key. Several commands of one append may pass a key on; only the first condition and
/// the last state count.
#[derive(Debug)]
pub(crate) struct KeyChange {
    pub(crate) claim: Claim,
    /// The first command that names the key.
    pub(crate) command: CommandId,
    /// Whether the table changes at all; false when a later command undoes it.
    pub(crate) lasting: bool,
}

/// One event's row.
#[derive(Debug)]
pub(crate) struct PreparedEvent {
    pub(crate) version: i32,
    pub(crate) type_id: i16,
    pub(crate) schema_version: i16,
    pub(crate) at: DateTime<Utc>,
    pub(crate) meta: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    pub(crate) hash: Hash,
}

/// Checks and chains `append` for a store of `epoch`.
pub(crate) fn prepare(append: Append, epoch: i16) -> Result<Prepared, StoreError> {
    let Append { stream, expected, commands } = append;
    check_size(&commands)?;
    if expected.version == domain_kernel::Version::NONE && expected != Head::default() {
        return malformed("a stream without events has no hash");
    }
    let (taking, releasing) = key_changes(&commands)?;
    let mut head = expected;
    let mut bytes = 0;
    let mut events = Vec::with_capacity(commands.iter().map(|command| command.events.len()).sum());
    let mut rows = Vec::with_capacity(commands.len());
    for command in commands {
        for event in command.events {
            let meta = metadata::encode(&event.metadata);
            let version = head.version.next();
            let hash = link(
                &head.hash,
                &ChainedEvent {
                    epoch,
                    stream,
                    version,
                    type_id: event.type_id,
                    schema_version: event.schema_version,
                    occurred_at: event.metadata.occurred_at,
                    meta: &meta,
                    payload: &event.payload,
                },
            );
            head = Head { version, hash };
            bytes += meta.len() + event.payload.len();
            events.push(PreparedEvent {
                version: row::version_parameter(version)?,
                type_id: event.type_id.0,
                schema_version: event.schema_version.0,
                at: row::moment_parameter(event.metadata.occurred_at)?,
                meta,
                payload: event.payload,
                hash,
            });
        }
        rows.push(PreparedCommand {
            id: command.command_id,
            version_after: row::version_parameter(head.version)?,
            correlation_id: command.correlation_id,
            digest: command.digest,
        });
    }
    if bytes > limits::MAX_APPEND_BYTES {
        return malformed(format!("{bytes} bytes are more than {}", limits::MAX_APPEND_BYTES));
    }
    Ok(Prepared { stream, expected, head, commands: rows, taking, releasing, events, bytes })
}

fn check_size(commands: &[AppendCommand]) -> Result<(), StoreError> {
    if commands.is_empty() || commands.iter().any(|command| command.events.is_empty()) {
        return malformed("an append has at least one command, and a command at least one event");
    }
    if commands.len() > limits::MAX_APPEND_COMMANDS {
        return malformed(format!("more than {} commands", limits::MAX_APPEND_COMMANDS));
    }
    if commands.iter().map(|command| command.events.len()).sum::<usize>() > limits::MAX_APPEND_EVENTS {
        return malformed(format!("more than {} events", limits::MAX_APPEND_EVENTS));
    }
    let claims = commands.iter().map(|command| command.claims.len() + command.releases.len()).sum::<usize>();
    if claims > limits::MAX_APPEND_CLAIMS {
        return malformed(format!("more than {} unique keys", limits::MAX_APPEND_CLAIMS));
    }
    let events = commands.iter().flat_map(|command| &command.events);
    if events.clone().any(|event| event.payload.len() > limits::MAX_PAYLOAD_BYTES) {
        return malformed(format!("a payload of more than {} bytes", limits::MAX_PAYLOAD_BYTES));
    }
    let mut ids = HashSet::new();
    if !commands.iter().all(|command| ids.insert(command.command_id)) {
        return malformed("a command id stands twice");
    }
    Ok(())
}

/// What the keys must be before, and what becomes of them after all commands.
fn key_changes(commands: &[AppendCommand]) -> Result<(Vec<KeyChange>, Vec<KeyChange>), StoreError> {
    struct Course {
        first_command: CommandId,
        first_takes: bool,
        last_takes: bool,
    }
    let mut courses: BTreeMap<Claim, Course> = BTreeMap::new();
    for command in commands {
        let mut named = HashSet::new();
        let takes = command.claims.iter().map(|claim| (claim, true));
        let releases = command.releases.iter().map(|claim| (claim, false));
        for (claim, takes) in takes.chain(releases) {
            if !named.insert(claim) {
                return malformed("a command names a unique key twice");
            }
            let course = courses.entry(*claim).or_insert(Course {
                first_command: command.command_id,
                first_takes: takes,
                last_takes: !takes,
            });
            if course.last_takes == takes {
                return malformed("a unique key is taken or given back twice in a row");
            }
            course.last_takes = takes;
        }
    }
    let (taking, releasing): (Vec<_>, Vec<_>) = courses.into_iter().partition(|(_, course)| course.first_takes);
    let changes = |courses: Vec<(Claim, Course)>| {
        courses
            .into_iter()
            .map(|(claim, course)| KeyChange {
                claim,
                command: course.first_command,
                lasting: course.first_takes == course.last_takes,
            })
            .collect()
    };
    Ok((changes(taking), changes(releasing)))
}

fn malformed<T>(reason: impl Into<String>) -> Result<T, StoreError> {
    Err(StoreError::Malformed { reason: reason.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain_kernel::ports::ClaimKind;
    use domain_kernel::{EventId, EventMetadata, EventTypeId, NewEvent, SchemaVersion, Timestamp, Version};
    use uuid::Uuid;

    fn key(number: u8) -> Claim {
        Claim { kind: ClaimKind(1), key: [number; 32] }
    }

    fn command(id: u128, claims: &[u8], releases: &[u8]) -> AppendCommand {
        let metadata = EventMetadata {
            event_id: EventId(Uuid::from_u128(id)),
            correlation_id: CorrelationId(Uuid::nil()),
            causation_id: None,
            actor: None,
            occurred_at: Timestamp(0),
        };
        let (type_id, schema_version) = (EventTypeId(1), SchemaVersion(1));
        AppendCommand {
            command_id: CommandId(Uuid::from_u128(id)),
            digest: None,
            correlation_id: CorrelationId(Uuid::nil()),
            claims: claims.iter().map(|number| key(*number)).collect(),
            releases: releases.iter().map(|number| key(*number)).collect(),
            events: vec![NewEvent { type_id, schema_version, metadata, payload: vec![1, 2, 3] }],
        }
    }

    fn append(commands: Vec<AppendCommand>) -> Result<Prepared, StoreError> {
        prepare(Append { stream: StreamId(Uuid::from_u128(7)), expected: Head::default(), commands }, 1)
    }

    #[test]
    fn each_event_is_chained_to_the_one_before() {
        let prepared = append(vec![command(1, &[], &[]), command(2, &[], &[])]).unwrap();
        let hash = |previous: &Hash, event: &PreparedEvent| {
            let chained = ChainedEvent {
                epoch: 1,
                stream: prepared.stream,
                version: Version(u32::try_from(event.version).unwrap()),
                type_id: EventTypeId(1),
                schema_version: SchemaVersion(1),
                occurred_at: Timestamp(0),
                meta: &event.meta,
                payload: &event.payload,
            };
            link(previous, &chained)
        };
        let [first, second] = prepared.events.as_slice() else { panic!("two events") };
        assert_eq!(first.hash, hash(&Hash::default(), first));
        assert_eq!(second.hash, hash(&first.hash, second));
        assert_eq!(prepared.head, Head { version: Version(2), hash: second.hash });
        assert_eq!(prepared.commands.iter().map(|command| command.version_after).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn of_a_key_that_is_passed_on_the_first_condition_and_the_last_state_count() {
        let commands = vec![command(1, &[1, 2], &[3, 4]), command(2, &[3], &[1])];
        let prepared = append(commands).unwrap();
        let of = |changes: &[KeyChange]| -> Vec<(u8, bool)> {
            changes.iter().map(|change| (change.claim.key[0], change.lasting)).collect()
        };
        assert_eq!(of(&prepared.taking), [(1, false), (2, true)]);
        assert_eq!(of(&prepared.releasing), [(3, false), (4, true)]);
    }

    #[test]
    fn a_key_is_not_taken_or_given_back_twice_in_a_row() {
        for commands in [
            vec![command(1, &[1, 1], &[])],
            vec![command(1, &[1], &[1])],
            vec![command(1, &[1], &[]), command(2, &[1], &[])],
            vec![command(1, &[], &[1]), command(2, &[], &[1])],
        ] {
            assert!(matches!(append(commands), Err(StoreError::Malformed { .. })));
        }
    }

    #[test]
    fn an_append_may_have_5000_events_and_no_more() {
        let many = |count| {
            let mut long = command(1, &[], &[]);
            long.events = vec![long.events[0].clone(); count];
            append(vec![long, command(2, &[], &[])])
        };
        assert_eq!(many(4_999).unwrap().events.len(), 5_000);
        assert!(matches!(many(5_000), Err(StoreError::Malformed { .. })));
    }

    #[test]
    fn a_payload_may_have_1_mib_and_no_more() {
        let of = |bytes| {
            let mut large = command(1, &[], &[]);
            large.events[0].payload = vec![0; bytes];
            append(vec![large])
        };
        assert_eq!(of(1024 * 1024).unwrap().events[0].payload.len(), 1024 * 1024);
        assert!(matches!(of(1024 * 1024 + 1), Err(StoreError::Malformed { .. })));
    }

    #[test]
    fn an_append_may_have_1000_commands_and_no_more() {
        let many = |count| append((1..=count).map(|id| command(id, &[], &[])).collect());
        assert_eq!(many(1_000).unwrap().commands.len(), 1_000);
        assert!(matches!(many(1_001), Err(StoreError::Malformed { .. })));
    }

    #[test]
    fn an_append_may_take_and_give_back_1000_keys_and_no_more() {
        let many = |claims: i16, releases: i16| {
            let key = |number| Claim { kind: ClaimKind(number), key: [1; 32] };
            let (claims, releases) = ((0..claims).map(key), (5_000..5_000 + releases).map(key));
            append(vec![AppendCommand {
                claims: claims.collect(),
                releases: releases.collect(),
                ..command(1, &[], &[])
            }])
        };
        assert_eq!(many(600, 400).unwrap().taking.len(), 600);
        assert!(matches!(many(600, 401), Err(StoreError::Malformed { .. })));
    }

    #[test]
    fn an_append_may_hold_8_mib_and_no_more() {
        let metadata = metadata::encode(&command(1, &[], &[]).events[0].metadata).len();
        let eight = |payload: usize| {
            let mut large = command(1, &[], &[]);
            large.events[0].payload = vec![0; payload];
            large.events = vec![large.events[0].clone(); 8];
            append(vec![large])
        };
        assert_eq!(eight(1024 * 1024 - metadata).unwrap().bytes, 8 * 1024 * 1024);
        assert!(matches!(eight(1024 * 1024 - metadata + 1), Err(StoreError::Malformed { .. })));
    }

    #[test]
    fn a_command_has_an_event_and_an_id_of_its_own() {
        let bare = AppendCommand { events: vec![], ..command(1, &[], &[]) };
        for commands in [
            vec![],
            vec![bare.clone()],
            vec![command(2, &[], &[]), bare],
            vec![command(1, &[], &[]), command(1, &[], &[])],
        ] {
            assert!(matches!(append(commands), Err(StoreError::Malformed { .. })));
        }
    }

    #[test]
    fn a_stream_without_events_has_no_hash() {
        let expected = Head { version: Version::NONE, hash: [1; 32] };
        let append = Append { stream: StreamId(Uuid::nil()), expected, commands: vec![command(1, &[], &[])] };
        assert!(matches!(prepare(append, 1), Err(StoreError::Malformed { .. })));
    }
}
