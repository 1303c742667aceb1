//! `replay republish`: a part of one service's history, once more on one topic, each message as it was.
//!
//! The only verb of `replay` by which something leaves the databases, so it is fenced (docs/adr/0024):
//! 1. It says what it would do, and a code that stands for exactly that: broker, topic, and every message.
//! 2. It does it only when it is given that code, and what it reads then still has it.
//! 3. It is said to be meant (`--break-glass`), with a reason, and recorded with user and machine before anything is
//!    sent.
//! 4. One at a time, over all services: a turn in the database where it is recorded.
mod outline;

pub(crate) use outline::Republication;

use crate::break_glass::intruder;
use crate::cli::{Broker, ReplayRepublishArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::history::{self, Log, Logs};
use crate::output::{self, Output};
use crate::platform::{KEYS_DATABASE, ServiceDefinition};
use crate::progress::Bars;
use crate::running::broker_options;
use chrono::Utc;
use domain_kernel::ports::MessageSource;
use infra_contracts::topic::{self, TopicContract};
use infra_event_store::{Progress, part};
use infra_messaging::LogSource;
use infra_messaging::pulsar::{self, PulsarOptions};
use infra_messaging::republish::{self, RepublishError};
use infra_vault::break_glass::{self, Deed, Intruder, Touched, Turn};
use outline::Outline;
use sqlx::PgPool;
use std::sync::Arc;

/// The name of the turn that a republication takes.
const TURN: &str = "republish";

/// A topic of a service, on a broker.
struct Way {
    service: ServiceDefinition,
    contract: &'static TopicContract,
    broker: PulsarOptions,
}

/// Says what would be published again, or does it.
///
/// # Errors
/// The call is wrong; there is no broker; what would be published is not what was confirmed, or another one is under way
/// (exit code 7); the databases or the broker do not answer.
pub(super) async fn run(arguments: &ReplayRepublishArgs) -> Result<(), Failure> {
    let way = way(arguments)?;
    let confirmed = match &arguments.confirm {
        None => None,
        Some(code) => {
            let reason = arguments.reason.as_deref().unwrap_or_default();
            Some((code, intruder(arguments.break_glass, reason, "the databases and the broker")?))
        }
    };
    let logs = Logs::open(&arguments.store, Some(way.service.name)).await?;
    let done = match confirmed {
        None => looked_at(arguments, &way, &logs).await.map(|(_, outline)| outline.republication),
        Some((code, by)) => in_turn(arguments, &way, &logs, code, &by).await,
    };
    logs.close().await?;
    let done = done?;
    if let Some(code) = done.to_confirm() {
        output::note(format!("nothing was sent; to send this: --break-glass --reason TEXT --confirm {code}"));
    }
    Output::new(arguments.output).thing("confirm", &done)
}

fn way(arguments: &ReplayRepublishArgs) -> Result<Way, Failure> {
    let mut services = history::services(Some(&arguments.service))?;
    let service = services.pop().ok_or_else(|| Failure::not_found("there is no such service"))?;
    let published = service.publishes.iter().find(|topic| **topic == arguments.topic);
    let contract = published.and_then(|topic| topic::find(topic)).ok_or_else(|| {
        let topics = service.publishes.join(", ");
        Failure::not_found(format!("{} publishes nothing on {:?}; it does on: {topics}", service.name, arguments.topic))
    })?;
    let broker = match &arguments.broker {
        Broker::Embedded => return Err(RepublishError::ReadByItself.into()),
        Broker::Own => return Err(Failure::usage("say where that broker is: --broker pulsar://host:port")),
        Broker::Given(url) => broker_options(url, &arguments.place),
    };
    Ok(Way { service, contract, broker })
}

/// What is asked for as it is now, and the log as messages.
async fn looked_at(
    arguments: &ReplayRepublishArgs,
    way: &Way,
    logs: &Logs,
) -> Result<(Arc<dyn MessageSource>, Outline), Failure> {
    let log: &Log = logs.iter().next().ok_or_else(|| Failure::not_found("there is no such service"))?;
    let now = Utc::now();
    let (from, to) = (history::bound(&arguments.from, now)?, history::bound(&arguments.to, now)?);
    let part = part::between(&log.pool, Some(from), Some(to)).await?;
    let store = Arc::<infra_event_store::PgEventStore>::clone(&log.store);
    let source = LogSource::new(way.service.name, way.contract.topic, store, (way.service.publisher)());
    let outline = Outline::of(&source, &part, way.service.name, &way.broker, way.contract.topic).await?;
    Ok((Arc::new(source), outline))
}

/// Takes the turn, and publishes if what there is now is what was confirmed.
async fn in_turn(
    arguments: &ReplayRepublishArgs,
    way: &Way,
    logs: &Logs,
    code: &str,
    by: &Intruder,
) -> Result<Republication, Failure> {
    let keys = logs.databases().owner_pool(KEYS_DATABASE).await?;
    let done = async {
        let turn = Turn::take(&keys, TURN).await?.ok_or_else(|| {
            Failure::ending(Exit::Busy, "somebody else is publishing again: one at a time; try again when that is over")
        })?;
        let (source, outline) = looked_at(arguments, way, logs).await?;
        let done = publish(way, source, outline, (code, by), (&keys, !arguments.no_progress)).await;
        // Gone with the connection in any case.
        let _ = turn.give_back().await;
        done
    };
    let done = done.await;
    keys.close().await;
    done
}

async fn publish(
    way: &Way,
    source: Arc<dyn MessageSource>,
    outline: Outline,
    (code, by): (&str, &Intruder),
    (keys, progress): (&PgPool, bool),
) -> Result<Republication, Failure> {
    let current = &outline.republication.confirm;
    if code != current {
        return Err(Failure::ending(
            Exit::Busy,
            format!("what would be published is not what --confirm {code} stands for; it is {current} now: look again"),
        ));
    }
    let Some((after, until)) = outline.between else {
        return Err(Failure::not_found("there is no message in that part: nothing to publish"));
    };
    let touched = Touched::Messages(outline.which());
    break_glass::record(keys, Deed::RepublishBegun, &touched, by).await?;
    output::note(format!("break-glass: recorded as {} on {}", by.os_user, by.host));
    let sink = pulsar::sink(way.broker.clone(), way.contract).await?;
    let (first, total) = (after.position, u64::try_from(until.position - after.position).unwrap_or_default());
    let mut bar = Bars::new(progress).add(way.contract.topic);
    // Positions have few gaps, and a bar need not be exact.
    let moved = move |at: domain_kernel::Checkpoint| {
        let done = u64::try_from(at.position - first).unwrap_or_default();
        bar.set(Progress { done, total: total.max(done) });
    };
    republish::publish(source, sink, after, until, moved).await?;
    break_glass::record(keys, Deed::RepublishDone, &touched, by).await?;
    Ok(outline.republication.published())
}
