//! Which waiting appends share a transaction, and their columns.
//!
//! A group holds at most one append per stream, per command id and per unique key: two for one stream would meet at the
//! version index, two for one key at the table of claims, and the whole group would roll back.
use super::limits::{MAX_GROUP, MAX_GROUP_BYTES};
use super::prepare::{Prepared, PreparedCommand, PreparedEvent};
use crate::statements;
use chrono::{DateTime, Utc};
use domain_kernel::ports::{AppendOutcome, Claim, StoreError};
use domain_kernel::{CommandId, StreamId, Version};
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

/// What a group touches in the database.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    streams: HashSet<StreamId>,
    commands: HashSet<CommandId>,
    claims: HashSet<Claim>,
}

impl Touched {
    /// How many appends they are.
    pub(crate) fn appends(&self) -> usize {
        self.streams.len()
    }

    fn meets(&self, append: &Prepared) -> bool {
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

/// Takes the next group out of `queue`. What meets with the group, with one that is `under_way`, or with something that
/// was passed over, stays, in its order.
pub(crate) fn take_group(queue: &mut VecDeque<Waiting>, under_way: &[&Touched]) -> (Vec<Waiting>, Touched) {
    let mut group = Vec::new();
    let mut rest = VecDeque::new();
    let (mut touched, mut passed_over) = (Touched::default(), Touched::default());
    let mut bytes = 0;
    while group.len() < MAX_GROUP
        && let Some(waiting) = queue.pop_front()
    {
        let append = &waiting.prepared;
        if !group.is_empty() && bytes + append.bytes > MAX_GROUP_BYTES {
            queue.push_front(waiting);
            break;
        }
        if touched.meets(append) || passed_over.meets(append) || under_way.iter().any(|other| other.meets(append)) {
            passed_over.add(append);
            rest.push_back(waiting);
        } else {
            touched.add(append);
            bytes += append.bytes;
            group.push(waiting);
        }
    }
    rest.append(queue);
    *queue = rest;
    // Heads are locked in this order, in every process.
    group.sort_by_key(|waiting| waiting.prepared.stream);
    (group, touched)
}

/// The statement for `group`, which is in stream order; it answers with the ordinals (from 1) of those that took effect.
/// Most groups of a store that is not busy are one event, which has a statement of half the price.
pub(crate) fn statement(epoch: i16, group: &[Waiting]) -> Result<Query<'_, Postgres, PgArguments>, StoreError> {
    if let [Waiting { prepared, .. }] = group
        && let Some((command, event)) = prepared.only_event()
    {
        return alone(epoch, prepared, command, event);
    }
    let mut columns = Columns::default();
    for (ordinal, waiting) in (1..).zip(group) {
        columns.add(ordinal, &waiting.prepared)?;
    }
    Ok(columns.bind(query(statements::APPEND).bind(epoch)))
}

fn alone<'g>(
    epoch: i16,
    append: &'g Prepared,
    command: &'g PreparedCommand,
    event: &'g PreparedEvent,
) -> Result<Query<'g, Postgres, PgArguments>, StoreError> {
    let is_first = append.expected.version == Version::NONE;
    let query = query(if is_first { statements::APPEND_FIRST } else { statements::APPEND_NEXT })
        .bind(epoch)
        .bind(append.stream.0)
        .bind(command.id.0)
        .bind(command.correlation_id.0)
        .bind(command.digest.as_ref().map(<[u8; 32]>::as_slice))
        .bind(event.type_id)
        .bind(event.schema_version)
        .bind(event.at)
        .bind(event.meta.as_slice())
        .bind(event.payload.as_slice())
        .bind(event.hash.as_slice());
    if is_first {
        return Ok(query);
    }
    let expected = crate::row::version_parameter(append.expected.version)?;
    Ok(query.bind(expected).bind(append.expected.hash.as_slice()))
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

#[cfg(test)]
mod tests {
    use super::super::prepare::KeyChange;
    use super::*;
    use domain_kernel::ports::ClaimKind;
    use domain_kernel::{CorrelationId, Head};

    fn waiting(stream: u128, command: u128, key: Option<u8>, bytes: usize) -> Waiting {
        let command = CommandId(Uuid::from_u128(command));
        let changes = |key: Option<u8>| {
            key.map(|key| KeyChange { claim: Claim { kind: ClaimKind(1), key: [key; 32] }, command, lasting: true })
        };
        let correlation_id = CorrelationId(Uuid::nil());
        let prepared = Prepared {
            stream: StreamId(Uuid::from_u128(stream)),
            expected: Head::default(),
            head: Head::default(),
            commands: vec![PreparedCommand { id: command, version_after: 1, correlation_id, digest: None }],
            // Taking and giving back the same key meet as well.
            taking: changes(key.filter(|key| key % 2 == 0)).into_iter().collect(),
            releasing: changes(key.map(|key| key & !1))
                .into_iter()
                .filter(|_| key.is_some_and(|key| key % 2 == 1))
                .collect(),
            events: vec![],
            bytes,
        };
        Waiting { prepared, answer: oneshot::channel().0 }
    }

    fn streams<'w>(waiting: impl IntoIterator<Item = &'w Waiting>) -> Vec<u128> {
        waiting.into_iter().map(|waiting| waiting.prepared.stream.0.as_u128()).collect()
    }

    fn next(queue: &mut VecDeque<Waiting>) -> Vec<Waiting> {
        take_group(queue, &[]).0
    }

    #[test]
    fn what_is_under_way_is_not_sent_beside_itself() {
        let mut queue = VecDeque::from([waiting(1, 1, None, 1), waiting(2, 2, Some(2), 1)]);
        let (_, under_way) = take_group(&mut queue, &[]);
        assert_eq!(under_way.appends(), 2);
        let mut queue = VecDeque::from([
            waiting(1, 3, None, 1),
            waiting(3, 2, None, 1),
            waiting(4, 4, Some(3), 1),
            waiting(5, 5, Some(4), 1),
        ]);
        assert_eq!(streams(&take_group(&mut queue, &[&under_way]).0), [5]);
        assert_eq!(streams(&queue), [1, 3, 4], "stream, command id and key");
        assert!(take_group(&mut queue, &[&under_way]).0.is_empty());
        assert_eq!(streams(&next(&mut queue)), [1, 3, 4]);
    }

    #[test]
    fn a_group_has_one_append_per_stream() {
        let mut queue = VecDeque::from([waiting(1, 1, None, 1), waiting(1, 2, None, 1), waiting(2, 3, None, 1)]);
        assert_eq!(streams(&next(&mut queue)), [1, 2]);
        assert_eq!(streams(&next(&mut queue)), [1]);
    }

    #[test]
    fn a_group_has_one_append_per_command_id() {
        let mut queue = VecDeque::from([waiting(1, 9, None, 1), waiting(2, 9, None, 1)]);
        assert_eq!(streams(&next(&mut queue)), [1]);
    }

    #[test]
    fn a_group_has_one_append_per_unique_key_taken_or_given_back() {
        let mut queue =
            VecDeque::from([waiting(1, 1, Some(4), 1), waiting(2, 2, Some(5), 1), waiting(3, 3, Some(6), 1)]);
        assert_eq!(streams(&next(&mut queue)), [1, 3]);
    }

    #[test]
    fn what_waits_longer_comes_first() {
        // Stream 2 waits for the key of stream 1; the second append of stream 2 must not overtake it.
        let mut queue = VecDeque::from([waiting(1, 1, Some(2), 1), waiting(2, 2, Some(2), 1), waiting(2, 3, None, 1)]);
        assert_eq!(streams(&next(&mut queue)), [1]);
        let commands: Vec<u128> =
            next(&mut queue).iter().map(|waiting| waiting.prepared.commands[0].id.0.as_u128()).collect();
        assert_eq!(commands, [2]);
    }

    #[test]
    fn a_group_is_in_the_order_of_the_streams() {
        let mut queue = VecDeque::from([waiting(3, 1, None, 1), waiting(1, 2, None, 1), waiting(2, 3, None, 1)]);
        assert_eq!(streams(&next(&mut queue)), [1, 2, 3]);
    }

    #[test]
    fn a_group_ends_at_its_limits_and_a_large_append_goes_alone() {
        let mut queue: VecDeque<Waiting> = (0..300).map(|number| waiting(number, number, None, 1)).collect();
        assert_eq!(next(&mut queue).len(), MAX_GROUP);
        assert_eq!(queue.len(), 300 - MAX_GROUP);
        let mut queue = VecDeque::from([waiting(1, 1, None, 10), waiting(2, 2, None, MAX_GROUP_BYTES * 2)]);
        assert_eq!(streams(&next(&mut queue)), [1]);
        assert_eq!(streams(&next(&mut queue)), [2]);
        let quarter = MAX_GROUP_BYTES / 4;
        let sizes = [(1, quarter), (2, quarter), (3, MAX_GROUP_BYTES - 2 * quarter), (4, 1)];
        let mut queue: VecDeque<Waiting> =
            sizes.into_iter().map(|(number, bytes)| waiting(number, number, None, bytes)).collect();
        assert_eq!(streams(&next(&mut queue)), [1, 2, 3], "exactly as many bytes as fit");
        assert_eq!(streams(&next(&mut queue)), [4]);
    }
}
