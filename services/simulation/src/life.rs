//! One life of a process: from its start until it dies.
//!
//! Every port that a process is given passes [`Life::step`] before and after it has an effect. A process that is dead
//! never comes back from there, and its tasks are dropped: so it dies at a seeded await, everything in its memory is
//! gone, and what it had already written stays. Between two steps a process has no effect on anything outside of it, so
//! no other place to die could be told from these.
use crate::plan::Place;
use crate::world::{Fate, World};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) struct Life {
    pub(crate) world: Arc<World>,
    pub(crate) place: Place,
    pub(crate) number: u32,
    died: CancellationToken,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    down: Duration,
    frozen_until: Option<Instant>,
}

impl Life {
    pub(crate) fn begin(world: Arc<World>, place: Place) -> Arc<Self> {
        let number = world.next_life();
        world.note(Some(place), "starts", Uuid::nil());
        Arc::new(Self { world, place, number, died: CancellationToken::new(), state: Mutex::default() })
    }

    pub(crate) fn is_over(&self) -> bool {
        self.died.is_cancelled()
    }

    /// Resolves when the process has died; with how long it stays down.
    pub(crate) async fn end(&self) -> Duration {
        self.died.cancelled().await;
        self.state.lock().unwrap_or_else(PoisonError::into_inner).down
    }

    /// One step: others may go first, time may pass, the process may die or stand still.
    pub(crate) async fn step(&self, what: &'static str, about: Uuid) {
        self.thaw().await;
        match self.world.step(self.place) {
            Fate::Goes => {}
            Fate::Yields => tokio::task::yield_now().await,
            Fate::Waits(time) => tokio::time::sleep(time).await,
            Fate::Freezes(time) => {
                self.world.note(Some(self.place), "stands still before", about);
                self.state.lock().unwrap_or_else(PoisonError::into_inner).frozen_until = Some(Instant::now() + time);
            }
            Fate::Dies(down) => {
                self.world.note(Some(self.place), "dies before", about);
                self.state.lock().unwrap_or_else(PoisonError::into_inner).down = down;
                self.died.cancel();
            }
        }
        self.thaw().await;
        self.world.note(Some(self.place), what, about);
    }

    /// Lets `time` pass.
    pub(crate) async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
        self.thaw().await;
    }

    /// Comes back when the process is neither dead nor standing still.
    pub(crate) async fn thaw(&self) {
        loop {
            if self.is_over() {
                std::future::pending::<()>().await;
            }
            let until = self.state.lock().unwrap_or_else(PoisonError::into_inner).frozen_until;
            match until.filter(|until| *until > Instant::now()) {
                Some(until) => tokio::time::sleep_until(until).await,
                None => return,
            }
        }
    }
}
