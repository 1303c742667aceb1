//! What commands for one stream do while another one is under way.
use super::counter::{Added, Counter, CounterCodec, TooFew};
use super::fixture::{claim, stream};
use domain_kernel::ports::{Append, AppendOutcome, ClaimKind, EventStore, StoreError};
use domain_kernel::{BoxFuture, CommandId, CorrelationId, Version};
use futures_util::future::join_all;
use futures_util::poll;
use infra_event_store::repository::{ClaimChanges, CommandContext, CommandError, Repository};
use infra_testkit::interception::{Intercepted, Intercepts};
use infra_testkit::memory::{ManualClock, MemoryEventStore};
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;
use uuid::Uuid;

/// A store whose appends wait at a gate, are counted, and may be answered by the gate instead.
struct Gate {
    inner: Arc<dyn EventStore>,
    open: Semaphore,
    /// Commands of each append that came.
    appends: Mutex<Vec<usize>>,
    answers: Mutex<VecDeque<Option<StoreError>>>,
}

impl Gate {
    fn new() -> Arc<Intercepted<Self>> {
        Arc::new(Intercepted(Self {
            inner: Arc::new(MemoryEventStore::new()),
            open: Semaphore::new(0),
            appends: Mutex::default(),
            answers: Mutex::default(),
        }))
    }

    fn open(&self) {
        self.open.add_permits(1_000);
    }

    /// The next appends get these answers; `None` for the store's own.
    fn answer(&self, answers: impl IntoIterator<Item = Option<StoreError>>) {
        self.answers.lock().unwrap().extend(answers);
    }

    fn appends(&self) -> Vec<usize> {
        self.appends.lock().unwrap().clone()
    }
}

impl Intercepts for Gate {
    fn store(&self) -> &dyn EventStore {
        &*self.inner
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<AppendOutcome, StoreError>> {
        self.appends.lock().unwrap().push(append.commands.len());
        Box::pin(async move {
            self.open.acquire().await.unwrap().forget();
            let answer = self.answers.lock().unwrap().pop_front().flatten();
            match answer {
                Some(error) => Err(error),
                None => self.inner.append(append).await,
            }
        })
    }
}

fn context() -> CommandContext {
    CommandContext {
        command_id: CommandId(Uuid::new_v4()),
        digest: None,
        correlation_id: CorrelationId(Uuid::now_v7()),
        causation_id: None,
        actor: None,
    }
}

fn repository(store: &Arc<impl EventStore + 'static>) -> Repository<Counter> {
    let store = Arc::clone(store) as Arc<dyn EventStore>;
    Repository::new(store, Arc::new(CounterCodec), Arc::new(ManualClock::new()))
}

#[tokio::test]
async fn what_gathers_while_an_append_is_under_way_goes_out_together() {
    let gate = Gate::new();
    let (counters, stream) = (repository(&gate), stream());
    let contexts: Vec<CommandContext> = (0..40).map(|_| context()).collect();
    let mut all = pin!(join_all(contexts.iter().map(|context| counters.execute(stream, None, context, 1))));
    assert!(poll!(&mut all).is_pending());
    gate.open();
    let outcomes = all.await;
    for (n, outcome) in (1..).zip(outcomes) {
        let executed = outcome.unwrap();
        assert_eq!((executed.state, executed.version.0), (n, u32::try_from(n).unwrap()), "in the order they came");
        assert_eq!(executed.events, vec![Added(1)]);
    }
    assert_eq!(gate.appends(), [1, 39]);
    for (n, context) in (1..).zip(&contexts) {
        let record = gate.find_command(context.command_id).await.unwrap().unwrap();
        assert_eq!((record.stream, record.version), (stream, Version(n)), "each command is known by its own version");
    }
    assert_eq!(counters.load(stream).await.unwrap().state, 40);
}

#[tokio::test]
async fn what_was_decided_on_an_append_without_effect_is_decided_again() {
    let gate = Gate::new();
    let (counters, stream) = (repository(&gate), stream());
    gate.answer([Some(StoreError::Unavailable { reason: "for a moment".into() })]);
    let (first, second, third) = (context(), context(), context());
    let adds = counters.execute(stream, None, &first, 5);
    let takes = counters.execute(stream, None, &second, -3);
    let also_adds = counters.execute(stream, None, &third, 4);
    let mut all = pin!(async { tokio::join!(adds, takes, also_adds) });
    assert!(poll!(&mut all).is_pending());
    gate.open();
    let (adds, takes, also_adds) = all.await;
    assert!(matches!(adds, Err(CommandError::Store(StoreError::Unavailable { .. }))), "{adds:?}");
    // Without the five there is nothing to take three from, unless the four came first.
    let state = match takes {
        Err(CommandError::Rejected(TooFew)) => 4,
        Ok(executed) => executed.state,
        Err(other) => panic!("{other:?}"),
    };
    assert!(also_adds.is_ok());
    assert_eq!(counters.load(stream).await.unwrap().state, if state == 4 { 4 } else { 1 });
}

#[tokio::test]
async fn nobody_is_refused_because_of_what_may_never_take_effect() {
    for fails in [false, true] {
        let gate = Gate::new();
        let (counters, stream) = (repository(&gate), stream());
        gate.open.add_permits(1);
        counters.execute(stream, None, &context(), 5).await.unwrap();
        gate.answer(fails.then(|| Some(StoreError::Unavailable { reason: "for a moment".into() })));
        let (first, second) = (context(), context());
        let mut all = pin!(async {
            tokio::join!(counters.execute(stream, None, &first, -5), counters.execute(stream, None, &second, -2))
        });
        assert!(poll!(&mut all).is_pending());
        gate.open();
        let (all_of_it, two) = all.await;
        assert_eq!(all_of_it.is_err(), fails);
        if fails {
            assert_eq!(two.unwrap().state, 3);
        } else {
            assert_eq!(two.unwrap_err(), CommandError::Rejected(TooFew));
        }
    }
}

#[tokio::test]
async fn who_gives_up_while_sending_holds_nobody_up() {
    let gate = Gate::new();
    let (counters, stream) = (repository(&gate), stream());
    let (first, second, third) = (context(), context(), context());
    let mut sends = Box::pin(counters.execute(stream, None, &first, 1));
    assert!(poll!(&mut sends).is_pending());
    let others =
        async { tokio::join!(counters.execute(stream, None, &second, 2), counters.execute(stream, None, &third, 4)) };
    let mut others = pin!(others);
    assert!(poll!(&mut others).is_pending());
    drop(sends);
    gate.open();
    let (second, third) = others.await;
    assert_eq!(second.unwrap().state.max(third.unwrap().state), 6, "the two of them, in either order");
}

#[tokio::test]
async fn a_command_that_takes_a_key_of_another_stream_does_not_hold_up_its_neighbours() {
    let gate = Gate::new();
    let counters = repository(&gate);
    gate.open.add_permits(1);
    let takes = |_: &i32, _: &[Added]| ClaimChanges { take: vec![claim(3, 1)], release: vec![] };
    counters.execute_claiming(stream(), None, &context(), 1, takes).await.unwrap();
    let stream = stream();
    let (first, second, third) = (context(), context(), context());
    let mut all = pin!(async {
        tokio::join!(
            counters.execute(stream, None, &first, 1),
            counters.execute_claiming(stream, None, &second, 10, takes),
            counters.execute(stream, None, &third, 100),
        )
    });
    assert!(poll!(&mut all).is_pending());
    gate.open();
    let (first, second, third) = all.await;
    assert!(first.is_ok() && third.is_ok());
    assert_eq!(second.unwrap_err(), CommandError::ClaimTaken(ClaimKind(3)));
    assert_eq!(counters.load(stream).await.unwrap().state, 101);
}

#[tokio::test]
async fn the_same_command_or_key_is_not_twice_in_one_append() {
    let gate = Gate::new();
    let (counters, stream) = (repository(&gate), stream());
    let (first, same) = (context(), context());
    let takes = |_: &i32, _: &[Added]| ClaimChanges { take: vec![claim(3, 1)], release: vec![] };
    let (one, other) = (context(), context());
    let mut all = pin!(async {
        tokio::join!(
            counters.execute(stream, None, &first, 1),
            counters.execute(stream, None, &same, 2),
            counters.execute(stream, None, &same, 2),
            counters.execute_claiming(stream, None, &one, 4, takes),
            counters.execute_claiming(stream, None, &other, 8, takes),
        )
    });
    assert!(poll!(&mut all).is_pending());
    gate.open();
    let (_, once, again, one, other) = all.await;
    assert_ne!(once.unwrap().repeated, again.unwrap().repeated);
    assert!(one.is_ok());
    assert_eq!(other.unwrap_err(), CommandError::ClaimTaken(ClaimKind(3)));
    assert_eq!(counters.load(stream).await.unwrap().state, 7);
}

#[tokio::test]
async fn an_append_that_is_refused_whole_is_sent_again_one_by_one() {
    let gate = Gate::new();
    let (counters, stream) = (repository(&gate), stream());
    gate.answer([None, Some(StoreError::Malformed { reason: "one of them".into() })]);
    let contexts: Vec<CommandContext> = (0..4).map(|_| context()).collect();
    let mut all = pin!(join_all(contexts.iter().map(|context| counters.execute(stream, None, context, 1))));
    assert!(poll!(&mut all).is_pending());
    gate.open();
    assert!(all.await.iter().all(Result::is_ok));
    assert_eq!(gate.appends(), [1, 3, 1, 1, 1]);
}

#[tokio::test]
async fn a_command_whose_answer_was_lost_with_its_neighbours_takes_effect_once() {
    let gate = Gate::new();
    let (counters, stream) = (repository(&gate), stream());
    gate.answer([None, Some(StoreError::OutcomeUnknown)]);
    let contexts: Vec<CommandContext> = (0..5).map(|_| context()).collect();
    let mut all = pin!(join_all(contexts.iter().map(|context| counters.execute(stream, None, context, 1))));
    assert!(poll!(&mut all).is_pending());
    gate.open();
    assert!(all.await.iter().all(Result::is_ok));
    assert_eq!(counters.load(stream).await.unwrap().state, 5);
}
