//! One consumer's place in the logs of one topic.
use super::EmbeddedLogs;
use crate::opened::was_opened_before;
use crate::runner::IN_HAND;
use domain_kernel::ports::{BusError, Delivery, MessageSource, SourceError, SourcedMessage, Subscription};
use domain_kernel::{BoxFuture, Checkpoint, Topic};
use infra_event_store::checkpoints::Checkpoints;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::watch;

/// How many entries of a log are read at once.
const BATCH: usize = 128;

/// After so many entries without a message the checkpoint is saved all the same, so that a start does not read them all
/// again. Not after every one: most of a log is private to most subscriptions, and each save is a transaction.
const UNTOLD: usize = 512;

/// So many messages are acknowledged with one save while others are in hand.
const WORTH_A_SAVE: usize = IN_HAND / 2;

/// Reads every log of a topic behind a checkpoint of its own.
pub(super) struct EmbeddedSubscription {
    topic: Topic,
    consumer: &'static str,
    logs: EmbeddedLogs,
    offered: watch::Receiver<u64>,
    /// The logs up to this offer are taken up.
    taken_up: u64,
    checkpoints: Arc<dyn Checkpoints>,
    readers: Vec<Reader>,
    /// Whose turn it is, so that a busy log does not starve the others.
    turn: usize,
}

/// The place in one log.
struct Reader {
    source: Arc<dyn MessageSource>,
    /// The checkpoint's name.
    name: String,
    /// What was read last.
    read: Checkpoint,
    /// Read, not yet delivered.
    waiting: VecDeque<SourcedMessage>,
    /// Delivered or nothing to deliver, in the log's order; the front is what the checkpoint waits for.
    open: VecDeque<Open>,
    /// How many of `open` are messages. What comes after the first that is not acknowledged is at most [`IN_HAND`], so
    /// that no more of it is ever repeated.
    messages: usize,
    /// So many of the next messages may have been delivered before: an earlier subscription ended without acknowledging
    /// them.
    resumed: usize,
    /// There was nothing more to read; resolves when there may be. Each log is waited for by itself, so that a busy one
    /// does not make the quiet ones be read again and again.
    quiet: Option<BoxFuture<'static, ()>>,
}

struct Open {
    checkpoint: Checkpoint,
    is_message: bool,
    settled: bool,
}

impl EmbeddedSubscription {
    pub(super) async fn open(
        topic: Topic,
        consumer: &'static str,
        logs: EmbeddedLogs,
        checkpoints: Arc<dyn Checkpoints>,
    ) -> Result<Self, BusError> {
        let offered = logs.changes();
        let (readers, taken_up, turn) = (Vec::new(), 0, 0);
        let mut subscription = Self { topic, consumer, logs, offered, taken_up, checkpoints, readers, turn };
        subscription.take_up().await?;
        Ok(subscription)
    }

    /// Takes up logs that were offered since, at their checkpoints.
    async fn take_up(&mut self) -> Result<(), BusError> {
        let offer = *self.offered.borrow();
        for source in self.logs.of(self.topic) {
            if let Some(reader) = self.readers.iter_mut().find(|reader| reader.source.name() == source.name()) {
                reader.source = source;
                reader.quiet = None;
                continue;
            }
            let name = format!("bus/{}/{}/{}", self.consumer, self.topic, source.name());
            let read = self.checkpoints.load(&name).await.map_err(SourceError::from)?;
            let resumed = if was_opened_before(&name, &*self.checkpoints).await? { IN_HAND } else { 0 };
            let (waiting, open) = (VecDeque::new(), VecDeque::new());
            self.readers.push(Reader { source, name, read, waiting, open, messages: 0, resumed, quiet: None });
        }
        // Only now: a receive that is given up in between takes them up the next time.
        self.taken_up = offer;
        Ok(())
    }

    async fn next(&mut self) -> Result<Delivery, BusError> {
        loop {
            if *self.offered.borrow() != self.taken_up {
                self.take_up().await?;
            }
            // Also while others are busy: a quiet log is heard as soon as it says something.
            poll_fn(|context| Poll::Ready(wake(&mut self.readers, context))).await;
            for offset in 0..self.readers.len() {
                let index = (self.turn + offset) % self.readers.len();
                if let Some(delivery) = self.readers[index].next(index, &*self.checkpoints).await? {
                    self.turn = index + 1;
                    return Ok(delivery);
                }
            }
            self.wait().await;
        }
    }

    /// Until a log may hold more, or another log is offered.
    async fn wait(&mut self) {
        let (readers, taken_up) = (&mut self.readers, self.taken_up);
        let more = poll_fn(|context| if wake(readers, context) { Poll::Ready(()) } else { Poll::Pending });
        tokio::select! {
            biased;
            () = more => {}
            // The sender lives in `self.logs`, so this does not fail.
            _ = self.offered.wait_for(|offer| *offer != taken_up) => {}
        }
    }
}

/// Wakes the quiet logs that may hold more by now; true when there is one to read.
fn wake(readers: &mut [Reader], context: &mut Context<'_>) -> bool {
    for reader in readers.iter_mut() {
        if reader.quiet.as_mut().is_some_and(|quiet| quiet.as_mut().poll(context).is_ready()) {
            reader.quiet = None;
        }
    }
    readers.iter().any(|reader| reader.quiet.is_none() && !reader.is_full())
}

impl Reader {
    /// Nothing more is delivered until the first open message is acknowledged.
    fn is_full(&self) -> bool {
        self.messages >= IN_HAND
    }

    /// The next message of this log, if there is one now.
    async fn next(&mut self, index: usize, checkpoints: &dyn Checkpoints) -> Result<Option<Delivery>, BusError> {
        if self.quiet.is_some() || self.is_full() {
            return Ok(None);
        }
        loop {
            while let Some(entry) = self.waiting.pop_front() {
                let is_message = entry.message.is_some();
                self.open.push_back(Open { checkpoint: entry.checkpoint, is_message, settled: !is_message });
                if let Some(message) = entry.message {
                    self.messages += 1;
                    let redeliveries = u32::from(self.resumed > 0);
                    self.resumed = self.resumed.saturating_sub(1);
                    let receipt = receipt(index, entry.checkpoint);
                    return Ok(Some(Delivery { message, redeliveries, receipt }));
                }
            }
            if self.open.len() >= UNTOLD {
                self.settle(checkpoints).await?;
            }
            self.waiting = self.source.read(self.read, BATCH).await?.into();
            match self.waiting.back() {
                Some(last) => self.read = last.checkpoint,
                None => {
                    // What an earlier subscription had in hand would have been here; what comes from now on is new.
                    self.resumed = 0;
                    let source = Arc::clone(&self.source);
                    self.quiet = Some(Box::pin(async move { source.changed().await }));
                    return Ok(None);
                }
            }
        }
    }

    async fn acknowledge(&mut self, at: Checkpoint, checkpoints: &dyn Checkpoints) -> Result<(), BusError> {
        if let Some(open) = self.open.iter_mut().find(|open| open.checkpoint == at) {
            open.settled = true;
        }
        self.settle(checkpoints).await
    }

    /// Moves the checkpoint over everything at the front that is settled: at once when nothing else is in hand, else
    /// when it is worth a save. What is settled and not saved counts as in hand, for it would be repeated as well.
    async fn settle(&mut self, checkpoints: &dyn Checkpoints) -> Result<(), BusError> {
        let settled = self.open.iter().take_while(|open| open.settled).count();
        let messages = self.open.iter().take(settled).filter(|open| open.is_message).count();
        if settled < self.open.len() && messages < WORTH_A_SAVE && settled < UNTOLD {
            return Ok(());
        }
        if let Some(last) = self.open.iter().take(settled).next_back().map(|open| open.checkpoint) {
            checkpoints.save(&self.name, last).await.map_err(SourceError::from)?;
            self.open.drain(..settled);
            self.messages -= messages;
        }
        Ok(())
    }
}

impl Subscription for EmbeddedSubscription {
    fn receive(&mut self) -> BoxFuture<'_, Result<Delivery, BusError>> {
        Box::pin(self.next())
    }

    fn acknowledge(&mut self, delivery: &Delivery) -> BoxFuture<'_, Result<(), BusError>> {
        let receipt = opened(&delivery.receipt);
        Box::pin(async move {
            let unknown = || BusError::Unavailable { reason: "the receipt is not of this subscription".to_owned() };
            let (index, at) = receipt.ok_or_else(unknown)?;
            let reader = self.readers.get_mut(index).ok_or_else(unknown)?;
            reader.acknowledge(at, &*self.checkpoints).await
        })
    }
}

/// A delivery's name: which log, and where in it.
fn receipt(index: usize, at: Checkpoint) -> Vec<u8> {
    let index = u64::try_from(index).unwrap_or(u64::MAX);
    [&index.to_be_bytes()[..], &at.epoch.to_be_bytes(), &at.tx.to_be_bytes(), &at.position.to_be_bytes()].concat()
}

fn opened(receipt: &[u8]) -> Option<(usize, Checkpoint)> {
    let (index, rest) = receipt.split_first_chunk()?;
    let (epoch, rest) = rest.split_first_chunk()?;
    let (tx, rest) = rest.split_first_chunk()?;
    let position = rest.try_into().ok()?;
    let at = Checkpoint {
        epoch: i16::from_be_bytes(*epoch),
        tx: u64::from_be_bytes(*tx),
        position: i64::from_be_bytes(position),
    };
    Some((usize::try_from(u64::from_be_bytes(*index)).ok()?, at))
}
