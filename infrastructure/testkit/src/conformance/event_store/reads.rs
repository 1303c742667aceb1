//! Reading streams; rule 5: the global order skips nothing.
use super::{Store, appended, command, event, holds, stream, version};
use crate::wait_for;
use domain_kernel::ports::AppendCommand;
use domain_kernel::{Checkpoint, Head, RecordedEvent, StreamId};
use futures_util::future::join_all;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// How long a reader may have to wait for what was just appended: an open transaction anywhere in a cluster holds back
/// its readers.
const VISIBLE: Duration = Duration::from_secs(30);

pub(super) async fn of_streams(store: &Store) {
    holds("a stream is read page by page", a_stream_is_read_page_by_page(store)).await;
    holds("an unknown stream is empty", an_unknown_stream_is_empty(store)).await;
}

/// On a store without events.
pub(super) async fn of_everything(store: &Store) {
    holds("an empty store has no event", an_empty_store_has_no_event(store)).await;
    holds("numbers begin with 1 and never repeat", numbers_begin_with_1_and_never_repeat(store)).await;
    holds("a waiting reader is woken", a_waiting_reader_is_woken(store)).await;
    holds("a reader that follows skips nothing", a_reader_that_follows_skips_nothing(store)).await;
    holds("every checkpoint goes on with the rest", every_checkpoint_goes_on_with_the_rest(store)).await;
}

async fn a_stream_is_read_page_by_page(store: &Store) {
    let stream = stream();
    let events: Vec<_> = (0..5_u8).map(|number| event(&[number])).collect();
    appended(store, stream, Head::default(), [AppendCommand { events, ..command() }]).await;
    for (after, limit, expected) in
        [(0, 2, &[1, 2][..]), (2, 2, &[3, 4]), (4, 2, &[5]), (5, 2, &[]), (9, 2, &[]), (0, 100, &[1, 2, 3, 4, 5])]
    {
        let page = store.read_stream(stream, version(after), limit).await.expect("the store answers");
        let versions: Vec<u32> = page.iter().map(|event| event.version.0).collect();
        assert_eq!(versions, expected, "up to {limit} events after version {after}, in order");
    }
}

async fn an_unknown_stream_is_empty(store: &Store) {
    let stream = stream();
    assert_eq!(store.head(stream).await, Ok(Head::default()), "an unknown stream has the default head");
    assert_eq!(store.read_stream(stream, version(0), 10).await, Ok(vec![]), "an unknown stream has no event");
}

async fn an_empty_store_has_no_event(store: &Store) {
    assert_eq!(store.read_all(Checkpoint::default(), 10).await, Ok(vec![]), "an empty store has no event");
}

async fn numbers_begin_with_1_and_never_repeat(store: &Store) {
    assert_eq!(store.next_number().await, Ok(1), "the first number is 1");
    let numbers = join_all((0..100).map(|_| store.next_number())).await;
    let different: HashSet<u64> = numbers.iter().map(|number| *number.as_ref().expect("the store answers")).collect();
    assert_eq!(different.len(), 100, "a number is never given out twice");
    assert!(!different.contains(&1), "the first number is never given out again");
}

async fn a_waiting_reader_is_woken(store: &Store) {
    let stream = stream();
    let reader = {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            loop {
                let events = store.read_all(Checkpoint::default(), 10).await.expect("the store answers");
                if events.is_empty() {
                    store.appended().await;
                } else {
                    return events;
                }
            }
        })
    };
    appended(store, stream, Head::default(), [command()]).await;
    let read = tokio::time::timeout(VISIBLE, reader).await.expect("a waiting reader is woken").expect("it reads");
    assert_eq!(read.iter().map(|event| event.stream).collect::<Vec<_>>(), [stream], "it sees what was appended");
}

/// Reads to the end of the log behind `from`, in small pages, until `enough`.
async fn follow(store: &Store, from: Checkpoint, enough: usize) -> Vec<RecordedEvent> {
    let mut read: Vec<RecordedEvent> = vec![];
    while read.len() < enough {
        let after = read.last().map_or(from, |last| last.checkpoint);
        let page = store.read_all(after, 7).await.expect("the store answers");
        if page.is_empty() {
            store.appended().await;
        }
        read.extend(page);
    }
    read
}

async fn a_reader_that_follows_skips_nothing(store: &Store) {
    const WRITERS: usize = 8;
    const APPENDS: usize = 25;
    let start = wait_for("the events of before", VISIBLE, async || {
        let events = store.read_all(Checkpoint::default(), 1_000).await.expect("the store answers");
        events.last().map(|last| last.checkpoint)
    })
    .await;
    let streams: Vec<StreamId> = (0..WRITERS).map(|_| stream()).collect();
    let reader = {
        let store = Arc::clone(store);
        tokio::spawn(async move { follow(&store, start, WRITERS * APPENDS * 2).await })
    };
    join_all(streams.iter().map(|stream| async move {
        let mut head = Head::default();
        for _ in 0..APPENDS {
            let events = vec![event(b"x"), event(b"y")];
            head = appended(store, *stream, head, [AppendCommand { events, ..command() }]).await;
        }
    }))
    .await;
    let limited = tokio::time::timeout(VISIBLE, reader).await;
    let read = limited.expect("a reader that follows skips nothing").expect("the reader does not panic");
    assert!(read.is_sorted_by(|one, next| one.checkpoint < next.checkpoint), "the global order rises");
    let mut versions: HashMap<StreamId, Vec<u32>> = HashMap::new();
    for event in &read {
        versions.entry(event.stream).or_default().push(event.version.0);
    }
    for stream in streams {
        let expected: Vec<u32> = (1..).take(APPENDS * 2).collect();
        assert_eq!(versions.get(&stream), Some(&expected), "events of one stream are read in version order");
        let of_stream = store.read_stream(stream, version(0), 1_000).await.expect("the store answers");
        let of_all: Vec<_> = read.iter().filter(|event| event.stream == stream).cloned().collect();
        assert_eq!(of_all, of_stream, "the global order shows the same events as the stream");
    }
}

async fn every_checkpoint_goes_on_with_the_rest(store: &Store) {
    let all = store.read_all(Checkpoint::default(), 10_000).await.expect("the store answers");
    for at in (0..all.len()).step_by(37) {
        let rest = store.read_all(all[at].checkpoint, 10_000).await.expect("the store answers");
        assert_eq!(rest.len(), all.len() - at - 1, "a reader goes on after its checkpoint");
        assert_eq!(rest.first(), all.get(at + 1), "a reader goes on with the next event");
    }
}
