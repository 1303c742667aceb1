//! Everybody who reads one service's log to hear of it: the other services on the embedded bus, the relays to a broker.
//!
//! Each has a checkpoint of its own, in its own database. That of a subscription which never heard anything, or was
//! never opened, is not there yet; it is made, or that one would hear of everything when it is.
use crate::databases::Databases;
use crate::failure::Failure;
use crate::platform::ServiceDefinition;
use domain_kernel::message::topics;
use domain_kernel::ports::EventStore;
use domain_kernel::{Checkpoint, Topic};
use infra_event_store::checkpoints::{Checkpoints, PgCheckpoints};
use sqlx::PgPool;

/// The names of the relays' checkpoints in the log of the service $1.
const RELAYS: &str = "select name from checkpoint where name ~ ('^relay/.*/' || $1 || '/[^/]+$') order by name";

/// How many events are read at a time.
const PAGE: usize = 500;

/// A reader of the log.
struct Reader {
    name: String,
    topic: Topic,
    checkpoints: PgCheckpoints,
}

/// All readers of one log.
pub(super) struct Readers {
    readers: Vec<Reader>,
    pools: Vec<PgPool>,
}

impl Readers {
    /// Those of the log of the service `name`, wherever they keep their checkpoints.
    ///
    /// # Errors
    /// A database does not answer, or somebody reads a topic that this binary does not know.
    pub(super) async fn of(name: &str, databases: &Databases, services: &[ServiceDefinition]) -> Result<Self, Failure> {
        let (mut readers, mut pools) = (Vec::new(), Vec::new());
        for service in services {
            let pool = databases.owner_pool(service.database).await?;
            let reader = |name, topic| Reader { name, topic, checkpoints: PgCheckpoints::new(pool.clone()) };
            let heard = service.reads.iter().filter(|topic| service_results::TOPICS.contains(topic));
            readers.extend(heard.map(|topic| reader(format!("bus/{}/{topic}/{name}", service.name), *topic)));
            let relays: Vec<String> = sqlx::query_scalar(RELAYS).bind(name).fetch_all(&pool).await?;
            for relay in relays {
                let topic = topics::ALL.into_iter().find(|topic| relay.ends_with(&format!("/{topic}")));
                let topic =
                    topic.ok_or_else(|| Failure::new(format!("{relay} is of a topic that is not known here")))?;
                readers.push(reader(relay, topic));
            }
            pools.push(pool);
        }
        Ok(Self { readers, pools })
    }

    /// Fails when somebody has still to be told of an event in `store`: moved behind it, they would never be.
    ///
    /// # Errors
    /// That, or a database does not answer.
    pub(super) async fn refuse_untold(&self, store: &dyn EventStore) -> Result<(), Failure> {
        let publisher = service_results::publisher();
        for Reader { name, topic, checkpoints } in &self.readers {
            let mut at = checkpoints.load(name).await?;
            loop {
                let page = store.read_all(at, PAGE).await?;
                let Some(last) = page.last() else { break };
                for event in &page {
                    if publisher.message(topic, event)?.is_some() {
                        return Err(Failure::new(format!(
                            "{name} has still to be told of what is there: run `historia up` until it is, then load"
                        )));
                    }
                }
                at = last.checkpoint;
            }
        }
        Ok(())
    }

    /// Moves everybody to `end`.
    ///
    /// # Errors
    /// A database does not answer.
    pub(super) async fn move_behind(&self, end: Checkpoint) -> Result<(), Failure> {
        for Reader { name, checkpoints, .. } in &self.readers {
            checkpoints.save(name, end).await?;
        }
        Ok(())
    }

    pub(super) async fn close(self) {
        for pool in self.pools {
            pool.close().await;
        }
    }
}
