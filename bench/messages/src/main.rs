//! How many messages a second one service relays from its event table to Pulsar, and how many one consumer handles, on
//! both brokers.
//!
//! A message is one event of a PostgreSQL event table; it counts as relayed when the broker has confirmed it, and as
//! consumed when the consumer's answer to it (one event, appended under its command id) is committed in the consumer's
//! own database. The embedded broker has no relay: the consumer reads the table itself.
//!
//! `messages [MESSAGES]` prints one line per figure; each was checked by counting what is in the tables afterwards.
mod stored;

use domain_kernel::BoxFuture;
use domain_kernel::message::topics::EVENT_USER;
use domain_kernel::ports::{Clock, EventBus};
use domain_kernel::{CommandId, Message};
use infra_contracts::topic;
use infra_event_store::checkpoints::PgCheckpoints;
use infra_event_store::dead_letters::PgDeadLetters;
use infra_messaging::{
    ConsumerRunner, EmbeddedBus, EmbeddedLogs, Handling, HandlingError, HandlingLog, LogSource, MessageHandler,
    PulsarBus, PulsarOptions,
};
use infra_runtime::SystemClock;
use infra_runtime::postgres::Cluster;
use infra_runtime::pulsar::{Standalone, StandaloneOptions};
use infra_testkit::pulsar::TestNamespace;
use platform::{Failure, folder, print_load};
use std::sync::Arc;
use std::time::{Duration, Instant};
use stored::{CONSUMER, Database, Told};
use tokio_util::sync::CancellationToken;

/// Messages of each stream; what is of one stream is handled one after the other.
const PER_STREAM: u32 = 10;
const LIMIT: Duration = Duration::from_secs(300);

/// Nothing to do but to say so: the answer is the one append that every consumer makes.
struct Answer;

impl MessageHandler for Answer {
    fn handle<'a>(
        &'a self,
        _message: &'a Message,
        _command: CommandId,
        _attempt: u32,
    ) -> BoxFuture<'a, Result<Handling, HandlingError>> {
        Box::pin(async { Ok(Handling::NothingToDo) })
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let messages: u32 = std::env::args().nth(1).map_or(Ok(20_000), |text| text.parse())?;
    print_load();
    let folder = folder()?;
    let cluster = Cluster::start(&folder.path().join("postgres"), None, true).await?;
    let broker = Standalone::start(StandaloneOptions::new(folder.path().join("pulsar"))).await?;
    embedded(&cluster, messages).await?;
    pulsar(&cluster, &broker, messages).await?;
    broker.stop().await?;
    cluster.stop().await?;
    Ok(())
}

async fn embedded(cluster: &Cluster, messages: u32) -> Result<(), Failure> {
    let producer = Database::with_messages(cluster, "embedded_producer", messages, PER_STREAM).await?;
    let consumer = Database::new(cluster, "embedded_consumer").await?;
    let bus = EmbeddedBus::new(EmbeddedLogs::new(), Arc::new(PgCheckpoints::new(consumer.pool.clone())));
    bus.offer(EVENT_USER, source(&producer)).await?;
    consume("embedded, consumed", Arc::new(bus), &consumer, messages).await
}

async fn pulsar(cluster: &Cluster, broker: &Standalone, messages: u32) -> Result<(), Failure> {
    let producer = Database::with_messages(cluster, "pulsar_producer", messages, PER_STREAM).await?;
    let consumer = Database::new(cluster, "pulsar_consumer").await?;
    let place = TestNamespace::on(&broker.service_url(), broker.admin()?).await;
    for contract in topic::CONTRACTS {
        let topic = place.namespace.topic(contract.topic)?;
        place.admin.create_topic(&topic, 0).await?;
        place.admin.register_schema(&topic, contract.versions.last().ok_or("a contract has a version")?).await?;
    }
    let options = PulsarOptions {
        tenant: place.namespace.tenant().to_owned(),
        namespace: place.namespace.name().to_owned(),
        ..PulsarOptions::new(place.service_url.clone())
    };
    let sending = PulsarBus::connect(options.clone(), Arc::new(PgCheckpoints::new(producer.pool.clone()))).await?;
    let topic = place.namespace.topic(EVENT_USER)?;
    let begun = Instant::now();
    sending.offer(EVENT_USER, source(&producer)).await?;
    // A message that was sent twice would be counted twice, so the end is also known too early, never too late.
    until(async || Ok(place.admin.stats(&topic).await?.msg_in_counter >= u64::from(messages))).await?;
    print("pulsar, relayed", messages, begun.elapsed());
    let receiving = PulsarBus::connect(options, Arc::new(PgCheckpoints::new(consumer.pool.clone()))).await?;
    consume("pulsar, consumed", Arc::new(receiving), &consumer, messages).await?;
    sending.close().await;
    Ok(())
}

fn source(producer: &Database) -> Arc<LogSource> {
    Arc::new(LogSource::new("users", EVENT_USER, producer.store.clone(), Arc::new(Told)))
}

async fn consume(what: &str, bus: Arc<dyn EventBus>, own: &Database, messages: u32) -> Result<(), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let runner = ConsumerRunner {
        consumer: CONSUMER,
        topics: vec![EVENT_USER],
        bus,
        handler: Arc::new(Answer),
        dead_letters: Arc::new(PgDeadLetters::new(own.pool.clone())),
        log: Some(HandlingLog::new(own.store.clone(), Arc::clone(&clock), CONSUMER)),
        in_hand: infra_event_store::operations::InHand::default(),
        clock,
    };
    let stop = CancellationToken::new();
    let begun = Instant::now();
    let running = tokio::spawn(runner.run(stop.clone()));
    until(async || Ok(own.answers().await? >= i64::from(messages))).await?;
    print(what, messages, begun.elapsed());
    stop.cancel();
    running.await??;
    match own.answers().await? {
        answers if answers == i64::from(messages) => Ok(()),
        answers => Err(format!("{answers} answers to {messages} messages").into()),
    }
}

async fn until(reached: impl AsyncFn() -> Result<bool, Failure>) -> Result<(), Failure> {
    let begun = Instant::now();
    while !reached().await? {
        if begun.elapsed() > LIMIT {
            return Err(format!("not reached within {LIMIT:?}").into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

fn print(what: &str, messages: u32, took: Duration) {
    println!("{what}: {messages} messages in {took:.2?}, {:.0}/s", f64::from(messages) / took.as_secs_f64());
}
