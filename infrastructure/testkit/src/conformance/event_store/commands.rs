//! Rule 3: a command takes effect once, in one stream, for ever.
use super::{AppendOutcome, Store, appended, claim, command, event, holds, left_nothing, of, stream, version};
use domain_kernel::ports::{AppendCommand, CommandRecord};
use domain_kernel::{CommandId, Head};
use futures_util::future::join_all;
use uuid::Uuid;

pub(super) async fn all(store: &Store) {
    holds("a done command is found", a_done_command_is_found(store)).await;
    holds("a repeated command is a duplicate", a_repeated_command_is_a_duplicate(store)).await;
    holds("a command takes effect in one stream", a_command_takes_effect_in_one_stream(store)).await;
    holds("of the same command many times at once one goes in", at_once(store)).await;
    holds("a duplicate refuses the whole append", a_duplicate_refuses_the_whole_append(store)).await;
}

async fn record_of(store: &Store, command: &AppendCommand) -> Option<CommandRecord> {
    store.find_command(command.command_id).await.expect("the store answers")
}

async fn a_done_command_is_found(store: &Store) {
    let stream = stream();
    let never = store.find_command(CommandId(Uuid::new_v4())).await;
    assert_eq!(never, Ok(None), "a command that never took effect is not found");
    let first = appended(store, stream, Head::default(), [command()]).await;
    for digest in [None, Some([7; 32])] {
        let events = vec![event(b"a"), event(b"b")];
        let command = AppendCommand { digest, events, ..command() };
        let head = store.head(stream).await.expect("the store answers");
        let after = appended(store, stream, head, [command.clone()]).await;
        let expected = CommandRecord {
            command_id: command.command_id,
            stream,
            version: after.version,
            correlation_id: command.correlation_id,
            digest,
        };
        assert_eq!(record_of(store, &command).await, Some(expected), "a done command is found, whole");
    }
    assert_eq!(first.version, version(1), "the first append made version 1");
}

async fn a_repeated_command_is_a_duplicate(store: &Store) {
    let rule = "a repeated command is a duplicate";
    let (stream, command) = (stream(), AppendCommand { digest: Some([1; 32]), ..command() });
    let head = appended(store, stream, Head::default(), [command.clone()]).await;
    let record = record_of(store, &command).await.expect("the command is done");
    // On the head of before, on the present one, and with other content: the first time counts.
    let other = AppendCommand { digest: Some([2; 32]), claims: vec![claim(1)], ..super::command() };
    let other = AppendCommand { command_id: command.command_id, ..other };
    for (expected, again) in [(Head::default(), command.clone()), (head, command), (head, other)] {
        let append = of(stream, expected, [again]);
        assert_eq!(store.append(append.clone()).await, Ok(AppendOutcome::Duplicate(record)), "{rule}");
        left_nothing(rule, store, &append, head).await;
    }
}

async fn a_command_takes_effect_in_one_stream(store: &Store) {
    let rule = "a command takes effect in one stream";
    let command = command();
    appended(store, stream(), Head::default(), [command.clone()]).await;
    let record = record_of(store, &command).await.expect("the command is done");
    let elsewhere = of(stream(), Head::default(), [command]);
    assert_eq!(store.append(elsewhere.clone()).await, Ok(AppendOutcome::Duplicate(record)), "{rule}");
    left_nothing(rule, store, &elsewhere, Head::default()).await;
}

async fn at_once(store: &Store) {
    let rule = "of the same command many times at once one goes in";
    for one_stream in [true, false] {
        let (command, shared) = (command(), stream());
        let outcomes = join_all((0..12).map(|_| {
            let stream = if one_stream { shared } else { stream() };
            store.append(of(stream, Head::default(), [command.clone()]))
        }))
        .await;
        let record = record_of(store, &command).await.expect("the command is done");
        let won = outcomes.iter().filter(|outcome| matches!(outcome, Ok(AppendOutcome::Appended(_)))).count();
        let duplicates = outcomes.iter().filter(|outcome| **outcome == Ok(AppendOutcome::Duplicate(record))).count();
        assert_eq!((won, duplicates), (1, 11), "{rule}, the others are duplicates: {outcomes:?}");
    }
}

async fn a_duplicate_refuses_the_whole_append(store: &Store) {
    let rule = "a duplicate refuses the whole append";
    let (stream, done) = (stream(), command());
    let head = appended(store, stream, Head::default(), [done.clone()]).await;
    let record = record_of(store, &done).await.expect("the command is done");
    let append = of(stream, head, [AppendCommand { claims: vec![claim(1)], ..command() }, done]);
    assert_eq!(store.append(append.clone()).await, Ok(AppendOutcome::Duplicate(record)), "{rule}");
    left_nothing(rule, store, &append, head).await;
}
