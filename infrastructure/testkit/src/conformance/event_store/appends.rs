//! Rules 1 and 2: whole appends, exact versions, the chain.
use super::{AppendOutcome, Store, appended, beyond, command, event, holds, left_nothing, of, stream, version};
use domain_kernel::ports::{AppendCommand, StoreError};
use domain_kernel::{EventMetadata, Hash, Head, NewEvent, RecordedEvent};
use futures_util::future::join_all;
use std::collections::HashSet;

pub(super) async fn all(store: &Store) {
    holds("the first event makes version 1", the_first_event_makes_version_1(store)).await;
    holds("versions have no gaps", versions_have_no_gaps(store)).await;
    holds("what is read is what was appended", what_is_read_is_what_was_appended(store)).await;
    holds("a hash covers the event and the one before", a_hash_covers_event_and_predecessor(store)).await;
    holds("a stale append has no effect", a_stale_append_has_no_effect(store)).await;
    holds("of appends to the same head one goes in", of_appends_to_the_same_head_one_goes_in(store)).await;
    holds("several commands go in together", several_commands_go_in_together(store)).await;
    holds("an append without an event is malformed", an_append_without_an_event_is_malformed(store)).await;
    holds("streams do not disturb each other", streams_do_not_disturb_each_other(store)).await;
}

async fn the_first_event_makes_version_1(store: &Store) {
    let stream = stream();
    assert_eq!(store.head(stream).await, Ok(Head::default()), "a stream without events has the default head");
    let head = appended(store, stream, Head::default(), [command()]).await;
    assert_eq!(head.version, version(1), "the first event makes version 1");
    assert_ne!(head.hash, Hash::default(), "an event has a hash");
    assert_eq!(store.head(stream).await, Ok(head), "the head is the one that the append answered");
}

async fn versions_have_no_gaps(store: &Store) {
    let stream = stream();
    let mut head = Head::default();
    for size in [1, 3, 2] {
        let events = (0..size).map(|_| event(b"x")).collect();
        head = appended(store, stream, head, [AppendCommand { events, ..command() }]).await;
    }
    let events = store.read_stream(stream, version(0), 100).await.expect("the store answers");
    let versions: Vec<u32> = events.iter().map(|event| event.version.0).collect();
    assert_eq!(versions, [1, 2, 3, 4, 5, 6], "versions have no gaps");
    assert_eq!(events.last().map(RecordedEvent::head), Some(head), "the head is the last event's");
}

async fn what_is_read_is_what_was_appended(store: &Store) {
    let stream = stream();
    let anonymous = event(&[]);
    let anonymous =
        NewEvent { metadata: EventMetadata { causation_id: None, actor: None, ..anonymous.metadata }, ..anonymous };
    let written = vec![event(&[0, 255, 7]), anonymous, event(&vec![42; 100_000])];
    appended(store, stream, Head::default(), [AppendCommand { events: written.clone(), ..command() }]).await;
    let read = store.read_stream(stream, version(0), 100).await.expect("the store answers");
    assert!(read.iter().all(|event| event.stream == stream), "an event knows its stream");
    let read: Vec<NewEvent> = read
        .into_iter()
        .map(|event| NewEvent {
            type_id: event.type_id,
            schema_version: event.schema_version,
            metadata: event.metadata,
            payload: event.payload,
        })
        .collect();
    assert_eq!(read, written, "what is read is what was appended");
}

async fn a_hash_covers_event_and_predecessor(store: &Store) {
    // The same event in three places: first in a stream, after it, and first in another stream.
    let (one, other, event) = (stream(), stream(), event(b"same"));
    let twice = AppendCommand { events: vec![event.clone(), event.clone()], ..command() };
    appended(store, one, Head::default(), [twice]).await;
    appended(store, other, Head::default(), [AppendCommand { events: vec![event], ..command() }]).await;
    let mut hashes = HashSet::new();
    for stream in [one, other] {
        let events = store.read_stream(stream, version(0), 10).await.expect("the store answers");
        hashes.extend(events.iter().map(|event| event.hash));
    }
    assert_eq!(hashes.len(), 3, "a hash covers the stream, the version and the event before");
}

async fn a_stale_append_has_no_effect(store: &Store) {
    let rule = "a stale append has no effect";
    let stream = stream();
    let first = appended(store, stream, Head::default(), [command()]).await;
    let head = appended(store, stream, first, [command()]).await;
    for expected in [Head::default(), first, beyond(head)] {
        let claims = vec![super::claim(1)];
        let append = of(stream, expected, [AppendCommand { claims, ..command() }]);
        assert_eq!(store.append(append.clone()).await, Ok(AppendOutcome::Stale), "{rule}: expected {expected:?}");
        left_nothing(rule, store, &append, head).await;
    }
    let unknown = of(super::stream(), beyond(Head::default()), [command()]);
    let outcome = store.append(unknown.clone()).await;
    assert_eq!(outcome, Ok(AppendOutcome::Stale), "an append to a stream that does not exist is no first append");
    left_nothing(rule, store, &unknown, Head::default()).await;
}

async fn of_appends_to_the_same_head_one_goes_in(store: &Store) {
    for rounds in 0..3 {
        let stream = stream();
        let mut head = Head::default();
        for _ in 0..rounds {
            head = appended(store, stream, head, [command()]).await;
        }
        let outcomes = join_all((0..16).map(|_| store.append(of(stream, head, [command()])))).await;
        let won = outcomes.iter().filter(|outcome| matches!(outcome, Ok(AppendOutcome::Appended(_)))).count();
        let stale = outcomes.iter().filter(|outcome| **outcome == Ok(AppendOutcome::Stale)).count();
        assert_eq!((won, stale), (1, 15), "of appends to the same head one goes in, the others are stale");
        let head = store.head(stream).await.expect("the store answers");
        assert_eq!(head.version.0, rounds + 1, "only one event was appended");
    }
}

async fn several_commands_go_in_together(store: &Store) {
    let stream = stream();
    let (first, second) = (command(), AppendCommand { events: vec![event(b"a"), event(b"b")], ..command() });
    let head = appended(store, stream, Head::default(), [first.clone(), second.clone()]).await;
    assert_eq!(head.version, version(3), "the events of all commands are appended in order");
    for (command, at) in [(first, 1), (second, 3)] {
        let record = store.find_command(command.command_id).await.expect("the store answers").expect("it is done");
        assert_eq!(record.version, version(at), "each command's version is that of its own last event");
    }
}

async fn an_append_without_an_event_is_malformed(store: &Store) {
    let stream = stream();
    for commands in [vec![], vec![AppendCommand { events: vec![], ..command() }]] {
        let outcome = store.append(of(stream, Head::default(), commands)).await;
        assert!(matches!(outcome, Err(StoreError::Malformed { .. })), "it is malformed, not {outcome:?}");
    }
    let id = command().command_id;
    let twice = [AppendCommand { command_id: id, ..command() }, AppendCommand { command_id: id, ..command() }];
    let outcome = store.append(of(stream, Head::default(), twice)).await;
    assert!(matches!(outcome, Err(StoreError::Malformed { .. })), "a command id twice is malformed: {outcome:?}");
    assert_eq!(store.head(stream).await, Ok(Head::default()), "a malformed append has no effect");
}

async fn streams_do_not_disturb_each_other(store: &Store) {
    let streams: Vec<_> = (0..40).map(|_| stream()).collect();
    let heads = join_all(streams.iter().map(|stream| async move {
        let mut head = Head::default();
        for _ in 0..5 {
            head = appended(store, *stream, head, [command()]).await;
        }
        head
    }))
    .await;
    assert!(heads.iter().all(|head| head.version == version(5)), "appends to different streams all go in");
}
