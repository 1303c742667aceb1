//! A connection that groups are written over, one after the other, and what becomes of each of their appends.
use super::classify;
use super::group::{Waiting, statement};
use super::wake::Wake;
use crate::failure::{self, AppendFailure};
use domain_kernel::ports::{AppendOutcome, StoreError};
use domain_kernel::{StreamId, Version};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, PgPool, Row};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// How long a connection attempt may take before the waiting appends are told that the store is out of reach.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// How long the server may work on a group; then it gives up and nothing happened.
const STATEMENT_TIMEOUT: &str = "10s";

/// How long an answer may take before the connection counts as broken; longer than the server's own limit.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);

/// How often a group is sent again after a deadlock.
const MAX_REPEATS: u32 = 3;

/// Where a group is written.
pub(crate) struct Line {
    pub(crate) options: PgConnectOptions,
    pub(crate) pool: PgPool,
    pub(crate) epoch: i16,
    pub(crate) wake: Arc<Wake>,
    /// Made when it is needed, and again after it broke.
    pub(crate) connection: Option<PgConnection>,
}

/// The writer's connection settings: plans that do not depend on how large the tables were when they were made. Each
/// look-up of the append is one index probe, from the first event to the last.
pub(crate) fn writer_options(options: PgConnectOptions) -> PgConnectOptions {
    options.application_name("historia-writer").options([
        ("statement_timeout", STATEMENT_TIMEOUT),
        ("plan_cache_mode", "force_generic_plan"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("enable_seqscan", "off"),
        ("enable_bitmapscan", "off"),
        ("jit", "off"),
    ])
}

impl Line {
    /// Another one to the same database, not connected yet.
    pub(crate) fn another(&self) -> Self {
        Self {
            options: self.options.clone(),
            pool: self.pool.clone(),
            epoch: self.epoch,
            wake: Arc::clone(&self.wake),
            connection: None,
        }
    }

    pub(crate) async fn close(self) {
        if let Some(connection) = self.connection {
            let _closed = connection.close().await;
        }
    }

    /// Writes `group`; returns which streams ended up where.
    pub(crate) async fn write(&mut self, group: Vec<Waiting>) -> HashMap<StreamId, Version> {
        metrics::histogram!("historia_append_group_size").record(u32::try_from(group.len()).unwrap_or(u32::MAX));
        let mut moved = HashMap::new();
        let mut pending = VecDeque::from([(group, 0)]);
        while let Some((group, repeats)) = pending.pop_front() {
            let sent = self.send(&group).await;
            // Whatever came of it: what readers were held back from by its transaction can be read now.
            self.wake.appended();
            let failure = match sent {
                Ok(winners) => {
                    self.tell(group, &winners, &mut moved);
                    continue;
                }
                Err(failure) => failure,
            };
            match failure {
                Failure::NotSent(error) => tell_all(group, &error),
                Failure::Append(AppendFailure::Unknown) => {
                    self.connection = None;
                    tell_all(group, &StoreError::OutcomeUnknown);
                }
                Failure::Append(AppendFailure::Again) if repeats < MAX_REPEATS => {
                    metrics::counter!("historia_append_deadlocks_total").increment(1);
                    pending.push_front((group, repeats + 1));
                }
                Failure::Append(AppendFailure::Again) => {
                    tell_all(group, &StoreError::Unavailable { reason: "too many deadlocks".into() });
                }
                Failure::Append(AppendFailure::Raced | AppendFailure::Poisoned) if group.len() > 1 => {
                    metrics::counter!("historia_append_halved_total").increment(1);
                    let mut first = group;
                    let second = first.split_off(first.len() / 2);
                    pending.push_front((second, 0));
                    pending.push_front((first, 0));
                }
                Failure::Append(AppendFailure::Raced) => group.into_iter().for_each(|waiting| self.look_up(waiting)),
                Failure::Append(AppendFailure::Poisoned) => {
                    let reason = "the database refuses its values".into();
                    tell_all(group, &StoreError::Malformed { reason });
                }
                Failure::Append(AppendFailure::Refused) => {
                    tell_all(group, &StoreError::Unavailable { reason: "the database refuses to write now".into() });
                }
            }
        }
        moved
    }

    /// Sends `group` as one statement; the ordinals (from 1) of those that took effect.
    async fn send(&mut self, group: &[Waiting]) -> Result<Vec<i32>, Failure> {
        let query = statement(self.epoch, group).map_err(Failure::NotSent)?;
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(connect(&self.options).await.map_err(Failure::NotSent)?),
        };
        let answer = tokio::time::timeout(ANSWER_LIMIT, query.fetch_all(connection)).await;
        let error = match answer {
            Ok(Ok(rows)) => match rows.iter().map(|row| row.try_get(0)).collect() {
                Ok(winners) => return Ok(winners),
                Err(error) => error,
            },
            Ok(Err(error)) => error,
            Err(_elapsed) => {
                tracing::warn!("the database did not answer an append in time");
                return Err(Failure::Append(AppendFailure::Unknown));
            }
        };
        let kind = failure::of_append(&error);
        if kind != AppendFailure::Raced {
            tracing::warn!(error = failure::describe(&error), ?kind, appends = group.len(), "an append failed");
        }
        Err(Failure::Append(kind))
    }

    fn tell(&self, group: Vec<Waiting>, winners: &[i32], moved: &mut HashMap<StreamId, Version>) {
        for (ordinal, waiting) in (1..).zip(group) {
            if winners.binary_search(&ordinal).is_ok() {
                let head = waiting.prepared.head;
                moved.insert(waiting.prepared.stream, head.version);
                waiting.answer(Ok(AppendOutcome::Appended(head)));
            } else {
                self.look_up(waiting);
            }
        }
    }

    /// Finds out apart from the writer why an append did not take effect.
    pub(crate) fn look_up(&self, waiting: Waiting) {
        let (pool, epoch) = (self.pool.clone(), self.epoch);
        tokio::spawn(async move {
            let outcome = classify::classify(&pool, epoch, &waiting.prepared).await;
            waiting.answer(outcome);
        });
    }
}

enum Failure {
    /// Nothing was sent.
    NotSent(StoreError),
    /// The statement failed.
    Append(AppendFailure),
}

fn tell_all(group: Vec<Waiting>, error: &StoreError) {
    for waiting in group {
        waiting.answer(Err(error.clone()));
    }
}

/// A writer's connection.
pub(crate) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    match tokio::time::timeout(CONNECT_LIMIT, PgConnection::connect_with(options)).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(StoreError::Unavailable { reason: failure::describe(&error) }),
        Err(_elapsed) => Err(StoreError::Unavailable { reason: "the database does not answer".into() }),
    }
}
