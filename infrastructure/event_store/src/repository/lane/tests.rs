//! What goes together into one append, and what becomes of a command when it has no effect.
use super::super::nothing::Nothing;
use super::*;
use domain_kernel::ports::Claim;
use domain_kernel::{CorrelationId, EventId, EventMetadata, EventTypeId, NewEvent, SchemaVersion, Timestamp};
use uuid::Uuid;

fn event(bytes: usize) -> NewEvent {
    let metadata = EventMetadata {
        event_id: EventId(Uuid::nil()),
        correlation_id: CorrelationId(Uuid::nil()),
        causation_id: None,
        actor: None,
        occurred_at: Timestamp(0),
    };
    NewEvent { type_id: EventTypeId(1), schema_version: SchemaVersion(1), metadata, payload: vec![0; bytes] }
}

fn id(number: u128) -> CommandId {
    CommandId(Uuid::from_u128(number))
}

/// A command with an id of its own and one small event.
fn command(number: u128) -> AppendCommand {
    AppendCommand {
        command_id: id(number),
        digest: None,
        correlation_id: CorrelationId(Uuid::nil()),
        claims: vec![],
        releases: vec![],
        events: vec![event(1)],
    }
}

fn keys(numbers: std::ops::Range<i16>) -> Vec<Claim> {
    numbers.map(|number| Claim { kind: ClaimKind(number), key: [0; 32] }).collect()
}

fn gathering(commands: impl IntoIterator<Item = AppendCommand>) -> Gathering<Nothing> {
    let waiting = |command| Waiting { command, answer: oneshot::channel().0 };
    let commands = commands.into_iter().map(waiting).collect();
    Gathering { generation: 0, base: None, under_way: false, closed: false, commands }
}

fn fits(gathered: AppendCommand, next: &AppendCommand) -> bool {
    gathering([gathered]).has_room_for(next)
}

#[test]
fn so_many_commands_go_together_and_no_more() {
    let of = |many| gathering((0..many).map(command)).has_room_for(&command(1_000));
    assert!(of(MAX_COMMANDS as u128 - 1));
    assert!(!of(MAX_COMMANDS as u128));
}

#[test]
fn what_is_closed_takes_nothing_more() {
    let mut closed = gathering([command(1)]);
    assert!(closed.has_room_for(&command(2)));
    closed.closed = true;
    assert!(!closed.has_room_for(&command(2)));
}

#[test]
fn events_go_together_up_to_what_one_append_may_have() {
    let of = |number, events| AppendCommand { events: vec![event(0); events], ..command(number) };
    assert!(fits(of(1, MAX_APPEND_EVENTS - 10), &of(2, 10)));
    assert!(!fits(of(1, MAX_APPEND_EVENTS - 10), &of(2, 11)));
}

#[test]
fn keys_go_together_up_to_what_one_append_may_have() {
    let most = i16::try_from(MAX_APPEND_CLAIMS).unwrap();
    let first = AppendCommand { claims: keys(0..most - 20), releases: keys(2_000..2_010), ..command(1) };
    let next =
        |claims: i16| AppendCommand { claims: keys(3_000..3_000 + claims), releases: keys(4_000..4_005), ..command(2) };
    assert!(fits(first.clone(), &next(5)));
    assert!(!fits(first, &next(6)));
}

#[test]
fn payloads_go_together_up_to_the_bytes_of_a_group() {
    let of = |number, bytes| AppendCommand { events: vec![event(bytes)], ..command(number) };
    assert!(fits(of(1, MAX_GROUP_BYTES - 10), &of(2, 10)));
    assert!(!fits(of(1, MAX_GROUP_BYTES - 10), &of(2, 11)));
}

#[test]
fn the_same_command_or_key_is_not_twice_in_one_append() {
    let taking = |number| AppendCommand { claims: keys(1..2), ..command(number) };
    let releasing = |number| AppendCommand { releases: keys(1..2), ..command(number) };
    assert!(!fits(command(1), &command(1)));
    for gathered in [taking, releasing] {
        assert!(!fits(gathered(1), &taking(2)) && !fits(gathered(1), &releasing(2)));
        assert!(fits(gathered(1), &AppendCommand { claims: keys(2..3), ..command(2) }));
    }
}

#[test]
fn a_command_that_is_too_large_for_company_goes_alone() {
    let large = AppendCommand { events: vec![event(MAX_GROUP_BYTES + 1)], ..command(1) };
    assert!(gathering([]).has_room_for(&large));
    assert!(!fits(command(2), &large));
}

#[test]
fn only_what_speaks_of_a_command_itself_ends_it() {
    let record = CommandRecord {
        command_id: id(1),
        stream: StreamId(Uuid::nil()),
        version: Version(1),
        correlation_id: CorrelationId(Uuid::nil()),
        digest: None,
    };
    let duplicate = Ok(AppendOutcome::Duplicate(record));
    assert!(matches!(ending(&duplicate, id(1), false, false), Ending::Duplicate(found) if found == record));
    assert!(matches!(ending(&duplicate, id(2), false, false), Ending::Again));
    let taken = Ok(AppendOutcome::ClaimTaken { command_id: id(1), kind: ClaimKind(3) });
    assert!(matches!(ending(&taken, id(1), false, false), Ending::ClaimTaken(ClaimKind(3))));
    assert!(matches!(ending(&taken, id(2), false, false), Ending::Again));
    assert!(matches!(ending(&taken, id(1), true, false), Ending::Again), "decided on an assumption");
    assert!(matches!(ending(&Err(StoreError::OutcomeUnknown), id(1), false, false), Ending::Lost));
    let malformed = || Err(StoreError::Malformed { reason: String::new() });
    assert!(matches!(ending(&malformed(), id(1), false, false), Ending::Alone), "it may have been another one's fault");
    assert!(matches!(ending(&malformed(), id(1), false, true), Ending::Failed(_)));
    let unavailable = Err(StoreError::Unavailable { reason: String::new() });
    assert!(matches!(ending(&unavailable, id(1), false, false), Ending::Failed(_)));
}
