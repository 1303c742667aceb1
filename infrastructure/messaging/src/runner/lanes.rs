//! What a consumer has in hand of one topic: several streams side by side, each in its order.
//!
//! A message that may have been in hand when the process died is taken alone. So a message that kills the process is
//! found out by its own recorded attempts, and those beside it are not given up with it.
use super::ConsumerRunner;
use domain_kernel::ports::Delivery;
use domain_kernel::{BoxFuture, StreamId};
use futures_util::stream::{FuturesUnordered, StreamExt};
use infra_event_store::operations::TakenUp;
use std::collections::{HashMap, VecDeque};

/// How many messages of a topic a consumer has in hand at most, acknowledged or not at all.
pub(crate) const IN_HAND: usize = 64;
/// How many of them are being handled at the same time; each of another stream.
pub(super) const LANES: usize = 16;

/// The messages in hand.
pub(super) struct Lanes<'a> {
    runner: &'a ConsumerRunner,
    /// How many are handled at the same time.
    width: usize,
    running: FuturesUnordered<BoxFuture<'a, Delivery>>,
    /// May start as soon as there is a lane.
    ready: VecDeque<Held>,
    /// Per stream what waits for the message before it; a stream is here while one of its messages runs or is ready.
    streams: HashMap<StreamId, VecDeque<Held>>,
    in_hand: usize,
    /// To be taken alone, when everything before it is done.
    alone: Option<Held>,
    /// Something is taken alone now.
    exclusive: bool,
}

/// A message in hand, and that it is counted so.
struct Held {
    delivery: Delivery,
    taken_up: TakenUp,
}

impl<'a> Lanes<'a> {
    pub(super) fn new(runner: &'a ConsumerRunner, width: usize) -> Self {
        Self {
            runner,
            width,
            running: FuturesUnordered::new(),
            ready: VecDeque::new(),
            streams: HashMap::new(),
            in_hand: 0,
            alone: None,
            exclusive: false,
        }
    }

    /// Whether another message may be put in. When not, one is being handled.
    pub(super) fn have_room(&self) -> bool {
        let limit = if self.width == 1 { 1 } else { IN_HAND };
        self.in_hand < limit && self.alone.is_none() && !self.exclusive
    }

    pub(super) fn put(&mut self, delivery: Delivery) {
        self.in_hand += 1;
        let (stream, redelivered) = (delivery.message.headers.stream, delivery.redeliveries > 0);
        let held = Held { taken_up: self.runner.in_hand.take_up(&delivery.message), delivery };
        if redelivered {
            self.alone = Some(held);
        } else if let Some(waiting) = self.streams.get_mut(&stream) {
            waiting.push_back(held);
        } else {
            self.streams.insert(stream, VecDeque::new());
            self.ready.push_back(held);
        }
        self.start();
    }

    /// The next message that is dealt with; `None` when none is in hand.
    pub(super) async fn done(&mut self) -> Option<Delivery> {
        let delivery = self.running.next().await?;
        self.in_hand -= 1;
        self.exclusive = false;
        let stream = delivery.message.headers.stream;
        match self.streams.get_mut(&stream).and_then(VecDeque::pop_front) {
            Some(next) => self.ready.push_back(next),
            None => drop(self.streams.remove(&stream)),
        }
        self.start();
        Some(delivery)
    }

    fn start(&mut self) {
        while self.running.len() < self.width
            && let Some(held) = self.ready.pop_front()
        {
            self.run(held);
        }
        if self.running.is_empty()
            && let Some(held) = self.alone.take()
        {
            self.exclusive = true;
            self.run(held);
        }
    }

    fn run(&mut self, Held { delivery, taken_up }: Held) {
        let runner = self.runner;
        self.running.push(Box::pin(async move {
            runner.take_delivery(&delivery).await;
            drop(taken_up);
            delivery
        }));
    }
}
