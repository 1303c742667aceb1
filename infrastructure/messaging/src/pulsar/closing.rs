//! Subscriptions that are dropped are closed in order.
//!
//! The client forgets what is still to be acknowledged when a consumer is dropped while messages come in. So the
//! acknowledgements are sent first, then the consumer is closed, and only then the next subscription of the same name
//! is opened: what was acknowledged does not come again, and what was not comes in order.
use super::subscription::Consumer;
use domain_kernel::Topic;
use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// How long closing may take; a consumer that is then not closed is dropped.
const LIMIT: Duration = Duration::from_secs(3);
/// After so long without an answer of the client there may be no room again for what the broker has sent.
const ROOM: Duration = Duration::from_millis(100);

/// How long the broker is left alone afterwards. What it was reading for the consumer that left it may otherwise give
/// to the one that comes, before everything that is to come again (seen with 4.0.7, within milliseconds).
const SETTLED: Duration = Duration::from_millis(250);

/// By topic and consumer.
type Tasks = BTreeMap<(Topic, &'static str), JoinHandle<()>>;

/// The subscriptions of one bus that are being closed.
#[derive(Clone, Default)]
pub(super) struct Closing {
    tasks: Arc<Mutex<Tasks>>,
}

impl Closing {
    /// Closes `consumers` of a subscription.
    pub(super) fn close(&self, topic: Topic, consumer: &'static str, consumers: Vec<Consumer>) {
        // Without a runtime the process is ending, and the connections with it.
        let Ok(runtime) = Handle::try_current() else { return };
        let task = runtime.spawn(async move {
            let _ = timeout(LIMIT, join_all(consumers.into_iter().map(close))).await;
            sleep(SETTLED).await;
        });
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).insert((topic, consumer), task);
    }

    /// Waits until the last subscription of that name is closed.
    pub(super) async fn until_closed(&self, topic: Topic, consumer: &'static str) {
        let task = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).remove(&(topic, consumer));
        if let Some(task) = task {
            // One that died has closed nothing, and dropped everything.
            let _ = task.await;
        }
    }

    /// Waits until every subscription that was dropped is closed.
    pub(super) async fn until_all_closed(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        join_all(tasks.into_values()).await;
    }
}

/// Closes a consumer. The client answers, and comes to the acknowledgements, only behind what the broker has sent
/// already, and stops where there is no room for that: so room is made until it has answered.
async fn close(mut consumer: Consumer) {
    loop {
        while let Some(Some(Ok(_))) = consumer.next().now_or_never() {}
        // To close a consumer twice is no error: the broker confirms it again.
        match timeout(ROOM, Box::pin(consumer.close())).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => {
                tracing::debug!(%error, "a consumer could not be closed in order");
                return;
            }
            Err(_) => {}
        }
    }
}
