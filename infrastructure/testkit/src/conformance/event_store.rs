//! The suite of [`domain_kernel::ports::EventStore`].
mod appends;
mod claims;
mod commands;
mod reads;

use super::holds;
use domain_kernel::ports::{Append, AppendCommand, AppendOutcome, Claim, ClaimKind, EventStore};
use domain_kernel::{
    Actor, CommandId, CorrelationId, EventId, EventMetadata, EventTypeId, Hash, Head, NewEvent, Role, SchemaVersion,
    StreamId, Timestamp, UserId, Version,
};
use std::sync::Arc;
use uuid::Uuid;

/// Every rule of the port. The rules of appending share a store, each with its own streams; those of the global order
/// and of numbers have a fresh one.
///
/// # Panics
/// When a rule does not hold.
pub async fn event_store<G>(make: impl AsyncFn() -> (Arc<dyn EventStore>, G)) {
    {
        let (store, _keep) = make().await;
        appends::all(&store).await;
        commands::all(&store).await;
        claims::all(&store).await;
        reads::of_streams(&store).await;
    }
    let (store, _keep) = make().await;
    reads::of_everything(&store).await;
}

type Store = Arc<dyn EventStore>;

fn stream() -> StreamId {
    StreamId(Uuid::now_v7())
}

/// A key that nobody else uses.
fn claim(kind: i16) -> Claim {
    let mut key = Hash::default();
    key[..16].copy_from_slice(Uuid::new_v4().as_bytes());
    Claim { kind: ClaimKind(kind), key }
}

fn event(payload: &[u8]) -> NewEvent {
    NewEvent {
        type_id: EventTypeId(7),
        schema_version: SchemaVersion(2),
        metadata: EventMetadata {
            event_id: EventId(Uuid::now_v7()),
            correlation_id: CorrelationId(Uuid::now_v7()),
            causation_id: Some(EventId(Uuid::now_v7())),
            actor: Some(Actor { user: UserId(Uuid::now_v7()), role: Role::Physician }),
            occurred_at: Timestamp(1_767_225_600_123_456),
        },
        payload: payload.to_vec(),
    }
}

/// A command with one event.
fn command() -> AppendCommand {
    AppendCommand {
        command_id: CommandId(Uuid::new_v4()),
        digest: None,
        correlation_id: CorrelationId(Uuid::now_v7()),
        claims: vec![],
        releases: vec![],
        events: vec![event(b"payload")],
    }
}

fn of(stream: StreamId, expected: Head, commands: impl Into<Vec<AppendCommand>>) -> Append {
    Append { stream, expected, commands: commands.into() }
}

/// Appends what must go in, and tells the new head.
async fn appended(store: &Store, stream: StreamId, expected: Head, commands: impl Into<Vec<AppendCommand>>) -> Head {
    match store.append(of(stream, expected, commands)).await {
        Ok(AppendOutcome::Appended(head)) => head,
        other => panic!("an append at the stream's end goes in; the store answered {other:?}"),
    }
}

/// Asserts that a refused append left nothing: no event, no command, no claim.
async fn left_nothing(rule: &str, store: &Store, refused: &Append, before: Head) {
    assert_eq!(store.head(refused.stream).await, Ok(before), "{rule}: the head stays");
    let events = store.read_stream(refused.stream, before.version, 10).await;
    assert_eq!(events, Ok(vec![]), "{rule}: no event is appended");
    for command in &refused.commands {
        let found = store.find_command(command.command_id).await.expect("the store answers");
        assert!(
            found.is_none_or(|record| record.stream != refused.stream || record.version <= before.version),
            "{rule}: the command is not marked as done"
        );
        for claim in &command.claims {
            let holder = store.find_claim(claim.kind, claim.key).await;
            assert_ne!(holder, Ok(Some(refused.stream)), "{rule}: no claim is taken");
        }
    }
}

fn beyond(head: Head) -> Head {
    Head { version: head.version.plus(3), hash: [9; 32] }
}

fn version(number: u32) -> Version {
    Version(number)
}
