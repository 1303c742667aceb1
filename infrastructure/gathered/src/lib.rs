//! One statement for what several callers ask at the same time.
//!
//! There is no timer and no task: while one statement is under way, the next questions gather, and whoever gets the next
//! turn asks for all of them. A lone question goes out at once; under load one round trip answers many. The event store's
//! writer does the same for appends.
use domain_kernel::BoxFuture;
use domain_kernel::ports::{StoreError, VaultError};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use tokio::sync::{Semaphore, oneshot};

/// At most so many questions go into one statement.
const MOST: usize = 256;

type Statement<Q, A, E> = Box<dyn Fn(Vec<Q>) -> BoxFuture<'static, Result<Vec<A>, E>> + Send + Sync>;

/// Answers the questions of several callers with one statement, or fails all of them.
pub struct Gathered<Q, A, E = StoreError> {
    waiting: Mutex<Vec<Waiting<Q, A, E>>>,
    turns: Semaphore,
    statement: Statement<Q, A, E>,
}

struct Waiting<Q, A, E> {
    question: Q,
    answer: oneshot::Sender<Result<A, E>>,
}

/// A failure that a statement can end with.
pub trait Failure: Clone + Send {
    /// The statement answered with fewer answers than there were questions.
    fn questions_left_open() -> Self;
}

impl Failure for StoreError {
    fn questions_left_open() -> Self {
        Self::Damaged { reason: "a statement left questions open".into() }
    }
}

impl Failure for VaultError {
    fn questions_left_open() -> Self {
        Self::Unavailable { reason: "a statement left questions open".into() }
    }
}

impl<Q, V, E> Gathered<Q, Option<V>, E>
where
    Q: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + 'static,
    E: Failure + 'static,
{
    /// `statement` finds the values of different keys; one that it leaves out has none.
    pub fn by_key(
        statement: impl Fn(Vec<Q>) -> BoxFuture<'static, Result<HashMap<Q, V>, E>> + Send + Sync + 'static,
    ) -> Self {
        Self::new(move |questions| {
            let keys: HashSet<Q> = questions.iter().cloned().collect();
            let found = statement(keys.into_iter().collect());
            Box::pin(async move {
                let found = found.await?;
                Ok(questions.iter().map(|key| found.get(key).cloned()).collect())
            })
        })
    }
}

impl<Q: Clone + Send, A: Send, E: Failure> Gathered<Q, A, E> {
    /// `statement` takes questions, at least one, and returns their answers in the same order.
    ///
    /// A failure is everybody's: it must not depend on any one question.
    pub fn new(statement: impl Fn(Vec<Q>) -> BoxFuture<'static, Result<Vec<A>, E>> + Send + Sync + 'static) -> Self {
        Self { waiting: Mutex::new(Vec::new()), turns: Semaphore::new(1), statement: Box::new(statement) }
    }

    /// With `turns` statements under way at most instead of one: where one may take much longer than another.
    #[must_use]
    pub fn side_by_side(self, turns: usize) -> Self {
        Self { turns: Semaphore::new(turns), ..self }
    }

    /// The answer to `question`, asked together with what others ask now.
    ///
    /// # Errors
    /// That of the statement, or [`Failure::questions_left_open`].
    pub async fn ask(&self, question: Q) -> Result<A, E> {
        loop {
            let (answer, mut answered) = oneshot::channel();
            self.lock().push(Waiting { question: question.clone(), answer });
            // Ends when the answer is there, or when whoever asked for us was given up: then we ask again.
            let answer = loop {
                tokio::select! {
                    biased;
                    answer = &mut answered => break answer,
                    turn = self.turns.acquire() => {
                        let asked = self.ask_for_all().await;
                        drop(turn);
                        if !asked {
                            // Ours is under way already: with turns side by side, ours would be free again and again.
                            break (&mut answered).await;
                        }
                    }
                }
            };
            if let Ok(answer) = answer {
                return answer;
            }
        }
    }

    /// Whether there was anything to ask.
    async fn ask_for_all(&self) -> bool {
        let (mut questions, mut answers) = (Vec::new(), Vec::new());
        {
            let mut waiting = self.lock();
            let many = waiting.len().min(MOST);
            for Waiting { question, answer } in waiting.drain(..many).filter(|waiting| !waiting.answer.is_closed()) {
                questions.push(question);
                answers.push(answer);
            }
        }
        if questions.is_empty() {
            return false;
        }
        let failure = match (self.statement)(questions).await {
            Ok(found) if found.len() == answers.len() => {
                for (answer, found) in answers.into_iter().zip(found) {
                    // Whoever asked may have given up.
                    let _gone = answer.send(Ok(found));
                }
                return true;
            }
            Ok(_) => E::questions_left_open(),
            Err(error) => error,
        };
        for answer in answers {
            let _gone = answer.send(Err(failure.clone()));
        }
        true
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Waiting<Q, A, E>>> {
        // A push or a drain that panicked has left a list that is still one.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Q, A, E> fmt::Debug for Gathered<Q, A, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gathered").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Notify;

    /// Doubles numbers, when it is let; counts its statements.
    fn doubling(gate: &Arc<Notify>, statements: &Arc<AtomicUsize>) -> Arc<Gathered<u32, u32>> {
        let (gate, statements) = (Arc::clone(gate), Arc::clone(statements));
        Arc::new(Gathered::new(move |questions: Vec<u32>| {
            let (gate, statements) = (Arc::clone(&gate), Arc::clone(&statements));
            Box::pin(async move {
                statements.fetch_add(1, Ordering::SeqCst);
                gate.notified().await;
                gate.notify_one();
                Ok(questions.into_iter().map(|question| question * 2).collect())
            })
        }))
    }

    #[tokio::test]
    async fn questions_of_one_moment_share_a_statement_and_each_gets_its_own_answer() {
        let (gate, statements) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        let doubled = doubling(&gate, &statements);
        // The database answers only when all have asked.
        let all = join_all((0..30).map(|number| doubled.ask(number)));
        let (answers, ()) = tokio::join!(all, async { gate.notify_one() });
        let wanted: Vec<_> = (0..30).map(|number| Ok(number * 2)).collect();
        assert_eq!(answers, wanted);
        let asked = statements.load(Ordering::SeqCst);
        assert!(asked <= 4, "30 questions took {asked} statements");
    }

    /// Whether somebody was woken.
    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl std::task::Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[tokio::test]
    async fn whose_question_is_under_way_waits_for_it_though_another_turn_is_free() {
        let gate = Arc::new(tokio::sync::Semaphore::new(0));
        let doubled: Gathered<u32, u32> = {
            let gate = Arc::clone(&gate);
            Gathered::new(move |questions: Vec<u32>| {
                let gate = Arc::clone(&gate);
                Box::pin(async move {
                    gate.acquire().await.unwrap().forget();
                    Ok(questions.into_iter().map(|question| question * 2).collect())
                })
            })
            .side_by_side(2)
        };
        let mut all = Box::pin(join_all((0..6).map(|number| doubled.ask(number))));
        let woken = Arc::new(Woken::default());
        let waker = std::task::Waker::from(Arc::clone(&woken));
        let mut context = std::task::Context::from_waker(&waker);
        assert!(all.as_mut().poll(&mut context).is_pending());
        // The first two asked for themselves; of the rest one asks for all, and the others have nothing to do.
        gate.add_permits(2);
        for _ in 0..3 {
            assert!(all.as_mut().poll(&mut context).is_pending());
        }
        woken.0.store(0, Ordering::SeqCst);
        assert!(all.as_mut().poll(&mut context).is_pending());
        assert_eq!(woken.0.load(Ordering::SeqCst), 0, "nobody asks to be asked again");
        gate.add_permits(1);
        assert_eq!(all.await, (0..6).map(|number| Ok(number * 2)).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn who_gives_up_while_asking_for_others_leaves_nobody_without_an_answer() {
        let (gate, statements) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        let doubled = doubling(&gate, &statements);
        let leaders: Vec<_> = (0..2)
            .map(|number| {
                let doubled = Arc::clone(&doubled);
                tokio::spawn(async move { doubled.ask(number).await })
            })
            .collect();
        while statements.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let other = tokio::spawn({
            let doubled = Arc::clone(&doubled);
            async move { doubled.ask(21).await }
        });
        tokio::task::yield_now().await;
        for leader in leaders {
            leader.abort();
        }
        gate.notify_one();
        assert_eq!(other.await.unwrap(), Ok(42));
    }

    #[tokio::test]
    async fn of_two_statements_side_by_side_one_does_not_wait_for_the_other() {
        let statements = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&statements);
        let never = Gathered::<u32, u32>::new(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            Box::pin(std::future::pending())
        })
        .side_by_side(2);
        let mut asked = [Box::pin(never.ask(1)), Box::pin(never.ask(2)), Box::pin(never.ask(3))];
        for question in &mut asked {
            assert!(futures_util::poll!(question).is_pending());
        }
        assert_eq!(statements.load(Ordering::SeqCst), 2, "the third waits for its turn");
    }

    #[tokio::test]
    async fn a_failure_is_everybodys() {
        let failing: Gathered<u32, u32> =
            Gathered::new(|_| Box::pin(async { Err(StoreError::Unavailable { reason: "gone".into() }) }));
        let answers = join_all((0..3).map(|number| failing.ask(number))).await;
        assert!(answers.iter().all(|answer| matches!(answer, Err(StoreError::Unavailable { .. }))), "{answers:?}");
    }

    #[tokio::test]
    async fn a_statement_that_leaves_questions_open_is_an_error() {
        let lossy: Gathered<u32, u32> = Gathered::new(|_| Box::pin(async { Ok(Vec::new()) }));
        assert!(matches!(lossy.ask(1).await, Err(StoreError::Damaged { .. })));
    }

    #[tokio::test]
    async fn a_key_is_asked_for_once_and_answered_to_all_who_asked() {
        let asked = Arc::new(Mutex::new(Vec::<u32>::new()));
        let noted = Arc::clone(&asked);
        let gate = Arc::new(Notify::new());
        let held = Arc::clone(&gate);
        let even: Gathered<u32, Option<u32>, VaultError> = Gathered::by_key(move |keys: Vec<u32>| {
            let (noted, held) = (Arc::clone(&noted), Arc::clone(&held));
            Box::pin(async move {
                held.notified().await;
                held.notify_one();
                noted.lock().unwrap().extend(&keys);
                Ok(keys.into_iter().filter(|key| key % 2 == 0).map(|key| (key, key * 10)).collect())
            })
        });
        let all = join_all([7, 2, 2, 3, 2].map(|key| even.ask(key)));
        let (answers, ()) = tokio::join!(all, async { gate.notify_one() });
        assert_eq!(answers, [Ok(None), Ok(Some(20)), Ok(Some(20)), Ok(None), Ok(Some(20))]);
        let mut asked = asked.lock().unwrap().clone();
        asked.sort_unstable();
        assert_eq!(asked, [2, 3, 7]);
    }
}
