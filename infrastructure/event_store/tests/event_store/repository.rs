//! Commands take effect once, on what they saw.
use super::counter::{Added, Counter, CounterCodec, TooFew};
use super::fixture::{Fixture, claim, store, stream};
use domain_kernel::ports::{Append, AppendOutcome, ClaimKind, Clock, EventStore, StoreError};
use domain_kernel::{
    Actor, BoxFuture, CommandId, CorrelationId, EventId, Head, RecordedEvent, Role, StreamId, UserId, Version,
};
use futures_util::future::join_all;
use infra_event_store::repository::{ClaimChanges, CommandContext, CommandError, Repository};
use infra_testkit::interception::{Intercepted, Intercepts};
use infra_testkit::memory::ManualClock;
use std::sync::Arc;
use std::sync::Mutex;
use uuid::Uuid;

fn context() -> CommandContext {
    CommandContext {
        command_id: CommandId(Uuid::new_v4()),
        digest: Some([1; 32]),
        correlation_id: CorrelationId(Uuid::now_v7()),
        causation_id: Some(EventId(Uuid::now_v7())),
        actor: Some(Actor { user: UserId(Uuid::now_v7()), role: Role::Nurse }),
    }
}

fn repository(store: Arc<dyn EventStore>) -> Repository<Counter> {
    Repository::new(store, Arc::new(CounterCodec), Arc::new(ManualClock::new()))
}

async fn counters() -> (Fixture, Repository<Counter>) {
    let fixture = store().await;
    let repository = repository(fixture.port());
    (fixture, repository)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_changes_the_aggregate() {
    let (_fixture, counters) = counters().await;
    let stream = stream();
    assert_eq!(counters.load(stream).await.unwrap().state, 0);
    let first = counters.execute(stream, None, &context(), 5).await.unwrap();
    assert_eq!((first.stream, first.state, first.events, first.repeated), (stream, 5, vec![Added(5)], false));
    let second = counters.execute(stream, Some(Version(1)), &context(), -2).await.unwrap();
    assert_eq!((second.state, second.version), (3, Version(2)));
    let loaded = counters.load(stream).await.unwrap();
    assert_eq!((loaded.state, loaded.head.version), (3, second.version));
    let before = counters.load_at(stream, Version(1)).await.unwrap();
    assert_eq!((before.state, before.head.version), (5, first.version));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_stream_is_loaded_whole() {
    let (fixture, counters) = counters().await;
    let stream = stream();
    super::counter::count_up(&fixture, &[stream], 1_234).await;
    assert_eq!(counters.load(stream).await.unwrap().state, 1_234);
    assert_eq!(counters.load_at(stream, Version(777)).await.unwrap().state, 777);
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_is_the_command_s() {
    let (fixture, counters) = counters().await;
    let (stream, context) = (stream(), context());
    counters.execute(stream, None, &context, 5).await.unwrap();
    let event = fixture.store.read_stream(stream, Version::NONE, 1).await.unwrap().remove(0);
    assert_eq!(event.metadata.correlation_id, context.correlation_id);
    assert_eq!(event.metadata.causation_id, context.causation_id);
    assert_eq!(event.metadata.actor, context.actor);
    assert_eq!(event.metadata.occurred_at, ManualClock::new().now());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_command_appends_nothing() {
    let (fixture, counters) = counters().await;
    let stream = stream();
    assert_eq!(counters.execute(stream, None, &context(), -1).await.unwrap_err(), CommandError::Rejected(TooFew));
    assert_eq!(fixture.store.head(stream).await, Ok(Head::default()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_with_nothing_to_do_appends_nothing_and_takes_no_claim() {
    let (fixture, counters) = counters().await;
    let stream = stream();
    let claims = |_: &i32, _: &[Added]| ClaimChanges { take: vec![claim(1, 1)], release: vec![] };
    let done = counters.execute_claiming(stream, None, &context(), 0, claims).await.unwrap();
    assert_eq!((done.events, done.repeated), (vec![], false));
    assert_eq!(fixture.count("select (select count(*) from claim) + (select count(*) from command_done)").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_command_changes_nothing_and_is_answered_with_what_it_did() {
    let (_fixture, counters) = counters().await;
    let (stream, context) = (stream(), context());
    let first = counters.execute(stream, None, &context, 5).await.unwrap();
    counters.execute(stream, None, &self::context(), 10).await.unwrap();
    // Repeated as a client does it: a new saga, and for a creation a new id.
    let again = CommandContext { correlation_id: CorrelationId(Uuid::now_v7()), ..context };
    for target in [stream, self::stream()] {
        let repeated = counters.execute(target, None, &again, 5).await.unwrap();
        assert!(repeated.repeated);
        assert_eq!((repeated.stream, repeated.state, repeated.version), (stream, 5, first.version), "as it was then");
        assert_eq!((repeated.events, repeated.correlation_id), (vec![], context.correlation_id));
    }
    assert_eq!(counters.load(stream).await.unwrap().state, 15);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_id_with_another_digest_is_another_command() {
    let (_fixture, counters) = counters().await;
    let (stream, context) = (stream(), context());
    counters.execute(stream, None, &context, 5).await.unwrap();
    for digest in [Some([2; 32]), None] {
        let other = CommandContext { digest, ..context.clone() };
        assert_eq!(counters.execute(stream, None, &other, 5).await.unwrap_err(), CommandError::OtherCommand);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_was_not_expected_is_refused() {
    let (_fixture, counters) = counters().await;
    let stream = stream();
    let version = counters.execute(stream, Some(Version::NONE), &context(), 5).await.unwrap().version;
    for expected in [0, 2] {
        let refused = counters.execute(stream, Some(Version(expected)), &context(), 5).await.unwrap_err();
        assert_eq!(refused, CommandError::VersionMismatch { actual: version });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_claim_refuses_the_command() {
    let (_fixture, counters) = counters().await;
    let claims = |_: &i32, _: &[Added]| ClaimChanges { take: vec![claim(3, 1)], release: vec![] };
    counters.execute_claiming(stream(), None, &context(), 5, claims).await.unwrap();
    let refused = counters.execute_claiming(stream(), None, &context(), 5, claims).await.unwrap_err();
    assert_eq!(refused, CommandError::ClaimTaken(ClaimKind(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_meet_on_one_stream_all_take_effect() {
    let (_fixture, counters) = counters().await;
    let stream = stream();
    let outcomes = join_all((0..8).map(|_| {
        let counters = counters.clone();
        async move { counters.execute(stream, None, &context(), 1).await }
    }))
    .await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(counters.load(stream).await.unwrap().state, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_command_twice_at_once_takes_effect_once() {
    let (_fixture, counters) = counters().await;
    let (stream, context) = (stream(), context());
    let (one, two) =
        tokio::join!(counters.execute(stream, None, &context, 5), counters.execute(stream, None, &context, 5));
    assert_ne!(one.unwrap().repeated, two.unwrap().repeated);
    assert_eq!(counters.load(stream).await.unwrap().state, 5);
}

/// What happens to the next append.
#[derive(Clone, Copy)]
enum Loss {
    /// It goes in, and the answer gets lost.
    Answer,
    /// It never arrives, and nobody can tell.
    Append,
    /// It arrives when the stream is read the next time.
    Late,
}

/// A store whose connection breaks once.
struct Breaking {
    inner: Arc<dyn EventStore>,
    next: Mutex<Option<Loss>>,
    late: Mutex<Option<Append>>,
}

impl Breaking {
    fn new(inner: Arc<dyn EventStore>, loss: Loss) -> Arc<Intercepted<Self>> {
        Arc::new(Intercepted(Self { inner, next: Mutex::new(Some(loss)), late: Mutex::default() }))
    }
}

impl Intercepts for Breaking {
    fn store(&self) -> &dyn EventStore {
        &*self.inner
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<AppendOutcome, StoreError>> {
        let loss = self.next.lock().unwrap().take();
        Box::pin(async move {
            match loss {
                None => self.inner.append(append).await,
                Some(Loss::Late) => {
                    *self.late.lock().unwrap() = Some(append);
                    Err(StoreError::OutcomeUnknown)
                }
                Some(Loss::Append) => Err(StoreError::OutcomeUnknown),
                Some(Loss::Answer) => {
                    self.inner.append(append).await?;
                    Err(StoreError::OutcomeUnknown)
                }
            }
        })
    }

    fn read_stream(
        &self,
        stream: StreamId,
        after: Version,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, StoreError>> {
        let late = self.late.lock().unwrap().take();
        Box::pin(async move {
            if let Some(append) = late {
                self.inner.append(append).await?;
            }
            self.inner.read_stream(stream, after, limit).await
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_whose_outcome_got_lost_takes_effect_once() {
    for loss in [Loss::Answer, Loss::Append] {
        let fixture = store().await;
        let counters = repository(Breaking::new(fixture.port(), loss));
        let (stream, context) = (stream(), context());
        let done = counters.execute(stream, None, &context, 5).await.unwrap();
        assert_eq!((done.state, done.version, done.events), (5, Version(1), vec![Added(5)]));
        assert_eq!(counters.load(stream).await.unwrap().head.version, done.version);
        assert!(counters.execute(stream, None, &context, 5).await.unwrap().repeated);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_not_refused_because_of_its_own_effect() {
    for expected in [None, Some(Version(1))] {
        let fixture = store().await;
        let stream = stream();
        repository(fixture.port()).execute(stream, None, &context(), 5).await.unwrap();
        let counters = repository(Breaking::new(fixture.port(), Loss::Late));
        let done = counters.execute(stream, expected, &context(), -5).await.unwrap();
        assert_eq!((done.state, done.version, done.repeated), (0, Version(2), true));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_repositories_of_one_aggregate_share_their_streams() {
    let (fixture, counters) = counters().await;
    let other = repository(fixture.second_store().await);
    let stream = stream();
    counters.execute(stream, None, &context(), 5).await.unwrap();
    assert_eq!(other.execute(stream, Some(Version(1)), &context(), 1).await.unwrap().state, 6);
}
