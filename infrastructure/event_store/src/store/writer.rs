//! The one writer: takes what waits and sends it in groups.
//!
//! There is no timer: while one group commits, the next gathers. A lone append goes out at once, and under load one
//! commit carries many. A second group goes out beside one that is under way as soon as it is as large: one is worked on
//! while the other waits for the disk, and they do not fall apart into small ones. What both would touch is never sent
//! beside itself, so a process's groups do not meet in the database.
use super::group::{Touched, Waiting, take_group};
use super::limits::MAX_GROUP;
use super::line::Line;
use domain_kernel::{BoxFuture, StreamId, Version};
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};

/// How many groups are under way at most, each over a line of its own.
const LINES: usize = 2;

/// How many appends may wait here, apart from those that wait to get in.
const MOST_WAITING: usize = 4 * MAX_GROUP;

/// What the writer task owns.
pub(crate) struct Writer {
    receiver: mpsc::Receiver<Waiting>,
    closing: Arc<Notify>,
    queue: VecDeque<Waiting>,
    slots: [Slot; LINES],
}

/// A line, and the group that is under way over it.
struct Slot {
    /// `None` while a group is under way.
    line: Option<Line>,
    touched: Touched,
}

/// A group that was written: in which slot, over what, and which streams ended up where.
type Written = (usize, Line, HashMap<StreamId, Version>);

impl Writer {
    /// Writes what `receiver` gives until `closing` says that no more is taken, over `line` and others like it.
    pub(crate) fn new(receiver: mpsc::Receiver<Waiting>, closing: Arc<Notify>, line: Line) -> Self {
        let others: [Line; LINES - 1] = std::array::from_fn(|_| line.another());
        let mut lines = std::iter::once(line).chain(others);
        let slots = std::array::from_fn(|_| Slot { line: lines.next(), touched: Touched::default() });
        Self { receiver, closing, queue: VecDeque::new(), slots }
    }

    /// Writes until nobody can append any more and the queue is empty.
    pub(crate) async fn run(mut self) {
        let closing = Arc::clone(&self.closing);
        let mut under_way: FuturesUnordered<BoxFuture<'static, Written>> = FuturesUnordered::new();
        let (mut is_open, mut arrived) = (true, Vec::new());
        while is_open || !self.queue.is_empty() || !under_way.is_empty() {
            let has_room = self.queue.len() < MOST_WAITING;
            tokio::select! {
                count = self.receiver.recv_many(&mut arrived, MAX_GROUP), if is_open && has_room => is_open = count > 0,
                Some((slot, line, moved)) = under_way.next() => {
                    self.drop_outrun(&line, &moved);
                    self.slots[slot] = Slot { line: Some(line), touched: Touched::default() };
                }
                () = closing.notified() => self.receiver.close(),
            }
            self.queue.extend(arrived.drain(..));
            while self.queue.len() < MOST_WAITING
                && let Ok(waiting) = self.receiver.try_recv()
            {
                self.queue.push_back(waiting);
            }
            under_way.extend((0..LINES).filter_map(|slot| self.begin(slot)));
        }
        for line in self.slots.into_iter().filter_map(|slot| slot.line) {
            line.close().await;
        }
    }

    /// Sends the next group over a line that is free, if there is enough for one.
    fn begin(&mut self, slot: usize) -> Option<BoxFuture<'static, Written>> {
        let enough = self.slots.iter().map(|slot| slot.touched.appends()).max().unwrap_or(0).max(1);
        if self.slots[slot].line.is_none() || self.queue.len() < enough {
            return None;
        }
        let under_way = self.slots.each_ref().map(|slot| &slot.touched);
        let (group, touched) = take_group(&mut self.queue, &under_way);
        if group.is_empty() {
            return None;
        }
        let mut line = self.slots[slot].line.take()?;
        self.slots[slot].touched = touched;
        Some(Box::pin(async move {
            let moved = line.write(group).await;
            (slot, line, moved)
        }))
    }

    /// What waits for a stream that has just moved past it need not be sent to be known as lost.
    fn drop_outrun(&mut self, line: &Line, moved: &HashMap<StreamId, Version>) {
        if moved.is_empty() || self.queue.is_empty() {
            return;
        }
        for waiting in std::mem::take(&mut self.queue) {
            let outrun = moved
                .get(&waiting.prepared.stream)
                .is_some_and(|version| *version != waiting.prepared.expected.version);
            if outrun { line.look_up(waiting) } else { self.queue.push_back(waiting) }
        }
    }
}
