//! Concurrent requests that share a statement: while one group is under way, the next one gathers.
//!
//! A task of its own runs the groups, so a caller that gives up takes nobody else's answer with it. No timer: a single
//! request waits for nothing.
use domain_kernel::BoxFuture;
use domain_kernel::ports::VaultError;
use std::collections::HashMap;
use std::hash::Hash;
use tokio::sync::{mpsc, oneshot};

type Answer<V> = oneshot::Sender<Result<Option<V>, VaultError>>;

/// A queue of requests for the values of keys; ends when dropped.
pub(super) struct Grouped<K, V> {
    requests: mpsc::Sender<(K, Answer<V>)>,
}

impl<K, V> Grouped<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + 'static,
{
    /// `work` answers for up to `limit` different keys at once; a key that it leaves out has no value.
    pub(super) fn spawn<W>(limit: usize, work: W) -> Self
    where
        W: Fn(Vec<K>) -> BoxFuture<'static, Result<HashMap<K, V>, VaultError>> + Send + 'static,
    {
        let (requests, mut queue) = mpsc::channel::<(K, Answer<V>)>(limit * 4);
        tokio::spawn(async move {
            let mut group = Vec::with_capacity(limit);
            while queue.recv_many(&mut group, limit).await > 0 {
                let mut waiting: HashMap<K, Vec<Answer<V>>> = HashMap::with_capacity(group.len());
                for (key, answer) in group.drain(..) {
                    waiting.entry(key).or_default().push(answer);
                }
                let outcome = work(waiting.keys().cloned().collect()).await;
                for (key, answers) in waiting {
                    let value = match &outcome {
                        Ok(values) => Ok(values.get(&key).cloned()),
                        Err(error) => Err(error.clone()),
                    };
                    for answer in answers {
                        // Nobody listens any more when the caller gave up.
                        let _ = answer.send(value.clone());
                    }
                }
            }
        });
        Self { requests }
    }

    /// The value of `key`; `None` when there is none.
    pub(super) async fn get(&self, key: K) -> Result<Option<V>, VaultError> {
        let (answer, answered) = oneshot::channel();
        let stopped = || VaultError::Unavailable { reason: "the vault was stopped".to_owned() };
        self.requests.send((key, answer)).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Semaphore;

    #[tokio::test]
    async fn requests_that_wait_together_share_a_group() {
        let (groups, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let (counted, held) = (Arc::clone(&groups), Arc::clone(&gate));
        let grouped = Arc::new(Grouped::spawn(100, move |keys: Vec<u32>| {
            let (counted, held) = (Arc::clone(&counted), Arc::clone(&held));
            Box::pin(async move {
                counted.fetch_add(1, Ordering::SeqCst);
                held.acquire().await.unwrap().forget();
                Ok(keys.into_iter().map(|key| (key, key * 2)).collect())
            })
        }));
        let first = tokio::spawn({
            let grouped = Arc::clone(&grouped);
            async move { grouped.get(0).await }
        });
        while groups.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let rest: Vec<_> = (1..50)
            .map(|key| {
                let grouped = Arc::clone(&grouped);
                tokio::spawn(async move { grouped.get(key % 10).await })
            })
            .collect();
        while grouped.requests.capacity() > 400 - 49 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(2);
        assert_eq!(first.await.unwrap(), Ok(Some(0)));
        for (key, answer) in (1..50).zip(rest) {
            assert_eq!(answer.await.unwrap(), Ok(Some(key % 10 * 2)));
        }
        assert_eq!(groups.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn four_groups_may_wait() {
        let grouped = Grouped::<u32, u32>::spawn(100, |_| Box::pin(async { Ok(HashMap::new()) }));
        assert_eq!(grouped.requests.max_capacity(), 400);
    }

    #[tokio::test]
    async fn a_dropped_queue_ends() {
        let held = Arc::new(());
        let holding = Arc::clone(&held);
        let grouped = Grouped::<u32, u32>::spawn(4, move |_| {
            let _held = Arc::clone(&holding);
            Box::pin(async { Ok(HashMap::new()) })
        });
        drop(grouped);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(Arc::strong_count(&held), 1, "its task is over");
    }

    #[tokio::test]
    async fn a_key_without_a_value_is_answered_too() {
        let grouped = Grouped::<u32, u32>::spawn(4, |_| Box::pin(async { Ok(HashMap::new()) }));
        assert_eq!(grouped.get(1).await, Ok(None));
    }

    #[tokio::test]
    async fn a_failed_group_fails_all_its_callers_and_the_next_group_runs() {
        let calls = AtomicUsize::new(0);
        let grouped = Grouped::<u32, u32>::spawn(4, move |keys| {
            let first = calls.fetch_add(1, Ordering::SeqCst) == 0;
            Box::pin(async move {
                if first {
                    return Err(VaultError::Unavailable { reason: "down".to_owned() });
                }
                Ok(keys.into_iter().map(|key| (key, key)).collect())
            })
        });
        assert!(matches!(grouped.get(1).await, Err(VaultError::Unavailable { .. })));
        assert_eq!(grouped.get(1).await, Ok(Some(1)));
    }
}
