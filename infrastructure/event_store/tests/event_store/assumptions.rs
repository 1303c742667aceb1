//! What a repository takes a stream for without reading it: new, or as it remembers it. Only an append proves it right.
use super::counter::{Added, Counter, CounterCodec, TooFew};
use super::fixture::{store, stream};
use domain_kernel::ports::EventStore;
use domain_kernel::{CommandId, CorrelationId, Version};
use infra_event_store::repository::{CommandContext, CommandError, Repository};
use infra_testkit::memory::ManualClock;
use std::sync::Arc;
use uuid::Uuid;

fn context() -> CommandContext {
    CommandContext {
        command_id: CommandId(Uuid::new_v4()),
        digest: None,
        correlation_id: CorrelationId(Uuid::now_v7()),
        causation_id: None,
        actor: None,
    }
}

fn repository(store: Arc<dyn EventStore>) -> Repository<Counter> {
    Repository::new(store, Arc::new(CounterCodec), Arc::new(ManualClock::new()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_taken_for_new_is_read_when_it_is_not() {
    let fixture = store().await;
    let counters = repository(fixture.port());
    let stream = stream();
    let begun = counters.begin(stream, &context(), 5).await.unwrap();
    assert_eq!((begun.state, begun.version, begun.events), (5, Version(1), vec![Added(5)]));
    // A new counter refuses this, and the store an event after none.
    assert_eq!(counters.begin(stream, &context(), -2).await.unwrap().state, 3);
    assert_eq!(counters.begin(stream, &context(), 1).await.unwrap().version, Version(3));
    let refused = counters.begin(stream, &context(), -9).await.unwrap_err();
    assert_eq!(refused, CommandError::Rejected(TooFew));
    assert_eq!(counters.load(stream).await.unwrap().state, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_under_one_id_takes_effect_once() {
    let fixture = store().await;
    let counters = repository(fixture.port());
    let (first, second, context) = (stream(), stream(), context());
    counters.begin(first, &context, 5).await.unwrap();
    for again in [first, second] {
        let repeated = counters.begin(again, &context, 5).await.unwrap();
        assert_eq!((repeated.stream, repeated.state, repeated.repeated), (first, 5, true));
    }
    assert_eq!(counters.load(second).await.unwrap().head.version, Version::NONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remembered_state_that_is_out_of_date_decides_nothing() {
    let fixture = store().await;
    let (ours, others) = (repository(fixture.port()).remembering(100), repository(fixture.second_store().await));
    let stream = stream();
    ours.execute(stream, None, &context(), 5).await.unwrap();
    others.execute(stream, None, &context(), -5).await.unwrap();
    let refused = ours.execute(stream, None, &context(), -1).await.unwrap_err();
    assert_eq!(refused, CommandError::Rejected(TooFew), "accepted then");
    others.execute(stream, None, &context(), 3).await.unwrap();
    assert_eq!(ours.execute(stream, None, &context(), -2).await.unwrap().state, 1, "refused then");
    others.execute(stream, None, &context(), 1).await.unwrap();
    assert_eq!(ours.execute(stream, Some(Version(5)), &context(), 1).await.unwrap().state, 3, "another version then");
    others.execute(stream, None, &context(), 1).await.unwrap();
    let stale = ours.execute(stream, Some(Version(6)), &context(), 1).await.unwrap_err();
    assert_eq!(stale, CommandError::VersionMismatch { actual: Version(7) }, "this version then");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_forgotten_is_read_again() {
    let fixture = store().await;
    let counters = repository(fixture.port()).remembering(4);
    let streams: Vec<_> = (0..10).map(|_| stream()).collect();
    for round in 1..=3 {
        for stream in &streams {
            let executed = counters.execute(*stream, None, &context(), 1).await.unwrap();
            assert_eq!((executed.state, executed.version), (round, Version(u32::try_from(round).unwrap())));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_is_remembered_only_what_came_since_is_read() {
    let fixture = store().await;
    let (ours, others) = (repository(fixture.port()).remembering(100), repository(fixture.second_store().await));
    let stream = stream();
    for round in 1..=3 {
        others.execute(stream, None, &context(), 5).await.unwrap();
        let loaded = ours.load(stream).await.unwrap();
        assert_eq!((loaded.state, loaded.head.version), (5 * round, Version(u32::try_from(round).unwrap())));
        assert_eq!(loaded.head, fixture.store.head(stream).await.unwrap());
    }
    assert_eq!(ours.load_at(stream, Version(2)).await.unwrap().state, 10, "what was is not what is remembered");
}
