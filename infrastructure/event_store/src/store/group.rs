//! Which waiting appends share a transaction, and their columns.
//!
//! A group holds at most one append per stream, per command id and per unique key: two for one stream would meet at the
//! version index, two for one key at the table of claims, and the whole group would roll back.
use super::limits::{MAX_GROUP, MAX_GROUP_BYTES};
use super::prepare::Prepared;
use chrono::{DateTime, Utc};
use domain_kernel::ports::{AppendOutcome, Claim, StoreError};
use domain_kernel::{CommandId, StreamId};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Postgres, query};
use std::collections::{HashSet, VecDeque};
use tokio::sync::oneshot;
use uuid::Uuid;

/// An append in the queue, and who waits for its outcome.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) prepared: Prepared,
    pub(crate) answer: oneshot::Sender<Result<AppendOutcome, StoreError>>,
}

impl Waiting {
    /// Tells the outcome; nobody may be waiting any more.
    pub(crate) fn answer(self, outcome: Result<AppendOutcome, StoreError>) {
        let _gone = self.answer.send(outcome);
    }
}

#[derive(Default)]
struct Taken {
    streams: HashSet<StreamId>,
    commands: HashSet<CommandId>,
    claims: HashSet<Claim>,
}

impl Taken {
    fn conflicts(&self, append: &Prepared) -> bool {
        self.streams.contains(&append.stream)
            || append.commands.iter().any(|command| self.commands.contains(&command.id))
            || keys(append).any(|claim| self.claims.contains(claim))
    }

    fn add(&mut self, append: &Prepared) {
        self.streams.insert(append.stream);
        self.commands.extend(append.commands.iter().map(|command| command.id));
        self.claims.extend(keys(append).copied());
    }
}

fn keys(append: &Prepared) -> impl Iterator<Item = &Claim> {
    append.taking.iter().chain(&append.releasing).map(|change| &change.claim)
}

/// Takes the next group out of `queue`. What conflicts with the group, or with something that was passed over, stays,
/// in its order; the first that waits is always taken.
pub(crate) fn take_group(queue: &mut VecDeque<Waiting>) -> Vec<Waiting> {
    let mut group = Vec::new();
    let mut rest = VecDeque::new();
    let mut taken = Taken::default();
    let mut bytes = 0;
    while group.len() < MAX_GROUP
        && let Some(waiting) = queue.pop_front()
    {
        if !group.is_empty() && bytes + waiting.prepared.bytes > MAX_GROUP_BYTES {
            queue.push_front(waiting);
            break;
        }
        let conflicts = taken.conflicts(&waiting.prepared);
        taken.add(&waiting.prepared);
        if conflicts {
            rest.push_back(waiting);
        } else {
            bytes += waiting.prepared.bytes;
            group.push(waiting);
        }
    }
    rest.append(queue);
    *queue = rest;
    // Heads are locked in this order, in every process.
    group.sort_by_key(|waiting| waiting.prepared.stream);
    group
}

/// The statement of [`crate::statements::APPEND`] with the columns of `group`, which is in stream order.
pub(crate) fn statement<'g>(
    sql: &'static str,
    epoch: i16,
    group: &'g [Waiting],
) -> Result<Query<'g, Postgres, PgArguments>, StoreError> {
    let mut columns = Columns::default();
    for (ordinal, waiting) in (1..).zip(group) {
        columns.add(ordinal, &waiting.prepared)?;
    }
    Ok(columns.bind(query(sql).bind(epoch)))
}

#[derive(Default)]
struct Columns<'g> {
    streams: Vec<Uuid>,
    expected: Vec<i32>,
    expected_hashes: Vec<&'g [u8]>,
    versions_after: Vec<i32>,
    hashes_after: Vec<&'g [u8]>,
    command_appends: Vec<i32>,
    command_ids: Vec<Uuid>,
    command_versions: Vec<i32>,
    correlations: Vec<Uuid>,
    digests: Vec<Option<&'g [u8]>>,
    taking: Keys<'g>,
    releasing: Keys<'g>,
    event_appends: Vec<i32>,
    versions: Vec<i32>,
    types: Vec<i16>,
    schemas: Vec<i16>,
    moments: Vec<DateTime<Utc>>,
    metas: Vec<&'g [u8]>,
    payloads: Vec<&'g [u8]>,
    hashes: Vec<&'g [u8]>,
}

#[derive(Default)]
struct Keys<'g> {
    appends: Vec<i32>,
    kinds: Vec<i16>,
    keys: Vec<&'g [u8]>,
    lasting: Vec<bool>,
}

impl<'g> Columns<'g> {
    fn add(&mut self, ordinal: i32, append: &'g Prepared) -> Result<(), StoreError> {
        self.streams.push(append.stream.0);
        self.expected.push(crate::row::version_parameter(append.expected.version)?);
        self.expected_hashes.push(&append.expected.hash);
        self.versions_after.push(crate::row::version_parameter(append.head.version)?);
        self.hashes_after.push(&append.head.hash);
        for command in &append.commands {
            self.command_appends.push(ordinal);
            self.command_ids.push(command.id.0);
            self.command_versions.push(command.version_after);
            self.correlations.push(command.correlation_id.0);
            self.digests.push(command.digest.as_ref().map(<[u8; 32]>::as_slice));
        }
        for (keys, changes) in [(&mut self.taking, &append.taking), (&mut self.releasing, &append.releasing)] {
            for change in changes {
                keys.appends.push(ordinal);
                keys.kinds.push(change.claim.kind.0);
                keys.keys.push(&change.claim.key);
                keys.lasting.push(change.lasting);
            }
        }
        for event in &append.events {
            self.event_appends.push(ordinal);
            self.versions.push(event.version);
            self.types.push(event.type_id);
            self.schemas.push(event.schema_version);
            self.moments.push(event.at);
            self.metas.push(&event.meta);
            self.payloads.push(&event.payload);
            self.hashes.push(&event.hash);
        }
        Ok(())
    }

    fn bind(self, query: Query<'g, Postgres, PgArguments>) -> Query<'g, Postgres, PgArguments> {
        query
            .bind(self.streams)
            .bind(self.expected)
            .bind(self.expected_hashes)
            .bind(self.versions_after)
            .bind(self.hashes_after)
            .bind(self.command_appends)
            .bind(self.command_ids)
            .bind(self.command_versions)
            .bind(self.correlations)
            .bind(self.digests)
            .bind(self.taking.appends)
            .bind(self.taking.kinds)
            .bind(self.taking.keys)
            .bind(self.taking.lasting)
            .bind(self.releasing.appends)
            .bind(self.releasing.kinds)
            .bind(self.releasing.keys)
            .bind(self.releasing.lasting)
            .bind(self.event_appends)
            .bind(self.versions)
            .bind(self.types)
            .bind(self.schemas)
            .bind(self.moments)
            .bind(self.metas)
            .bind(self.payloads)
            .bind(self.hashes)
    }
}
