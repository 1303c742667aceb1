//! Seeing one message through: handled, stored behind, or parked.
//!
//! Every function here goes on until it is done; where the store does not answer it waits. Only dropping it (a stop, a
//! kill) leaves something undone, and then the message comes again.
use super::ConsumerRunner;
use super::wait::{ATTEMPTS, Pause, between_attempts};
use crate::handler::{Handling, HandlingError};
use crate::{handling, meters};
use domain_kernel::ids::handling_command;
use domain_kernel::message::topics;
use domain_kernel::ports::StoreError;
use domain_kernel::{BoxFuture, EventId, Message};
use infra_contracts::catalogue;

/// Given up without another attempt: it was delivered again and again, and no attempt ever came to an end.
const NEVER_ENDED: &str = "handling_never_ended";

/// What became of a message in the handler's hands.
pub(super) enum Taken {
    /// Dealt with.
    Handled,
    /// Given up at this attempt.
    GivenUp { attempt: u32, code: String },
}

/// Where the attempts in place begin.
#[derive(Clone, Copy)]
pub(super) enum Delivered {
    /// For the first time: from 1.
    First,
    /// Again: above the recorded ones, each recorded before it is made.
    Again,
    /// By a retry that was asked for: from this number, which is above every earlier one.
    AskedFor(u32),
}

impl ConsumerRunner {
    /// Sees `message` through. When this returns it may be acknowledged.
    pub(super) async fn take(&self, message: &Message, redelivered: bool) {
        if catalogue::find(&message.headers.event_type).is_none() {
            meters::skipped(self.consumer, message.topic);
            let event = message.headers.event_id;
            tracing::info!(consumer.name = self.consumer, event.id = %event, "an unknown type of event is passed over");
            return;
        }
        let (stream, event) = (message.headers.stream, message.headers.event_id);
        while self.until_stored(|| self.dead_letters.is_parked(self.consumer, stream)).await {
            if let Some(letter) = self.until_stored(|| self.dead_letters.find(self.consumer, event)).await {
                // The letter itself, delivered again: the kill was between writing it and the acknowledgement.
                self.tell_failed(message, letter.attempts, &letter.code).await;
                return;
            }
            if self.until_stored(|| self.dead_letters.store_behind(self.consumer, message)).await {
                meters::stored_behind(self.consumer, message.topic);
                return;
            }
        }
        let delivered = if redelivered { Delivered::Again } else { Delivered::First };
        match self.attempt(message, delivered).await {
            Taken::Handled => {}
            Taken::GivenUp { attempt, code } => self.park(message, attempt, &code).await,
        }
    }

    /// Lets the handler try, at most three times; waits out what is no attempt. Never gives up what took effect.
    pub(super) async fn attempt(&self, message: &Message, delivered: Delivered) -> Taken {
        let taken = self.attempt_in_place(message, delivered).await;
        let event = message.headers.event_id;
        // What failed, or was killed each time, may have been a repetition of what had long been done.
        if matches!(taken, Taken::GivenUp { .. }) && self.took_effect(event).await {
            if matches!(delivered, Delivered::Again) {
                self.forget_attempts(event).await;
            }
            return Taken::Handled;
        }
        taken
    }

    async fn attempt_in_place(&self, message: &Message, delivered: Delivered) -> Taken {
        let event = message.headers.event_id;
        let command = handling_command(self.consumer, event);
        let recording = matches!(delivered, Delivered::Again);
        let mut attempt = match delivered {
            Delivered::First => 1,
            Delivered::AskedFor(attempt) => attempt,
            Delivered::Again => {
                // The first delivery was an attempt that nobody recorded, so there was one more than recorded.
                let before = self.until_stored(|| self.dead_letters.attempts(self.consumer, event)).await + 1;
                if before >= ATTEMPTS {
                    return Taken::GivenUp { attempt: before, code: NEVER_ENDED.to_owned() };
                }
                self.until_stored(|| self.dead_letters.record_attempt(self.consumer, event)).await;
                before + 1
            }
        };
        let last = match delivered {
            Delivered::AskedFor(first) => first.saturating_add(ATTEMPTS - 1),
            Delivered::First | Delivered::Again => ATTEMPTS,
        };
        let mut failed = 0;
        let mut pause = Pause::new(&self.clock);
        loop {
            match self.handler.handle(message, command, attempt).await {
                Ok(Handling::Done | Handling::NothingToDo) => {
                    self.tell_handled(message, attempt).await;
                    if recording {
                        self.forget_attempts(event).await;
                    }
                    let lag = self.clock.now().millis_since(message.headers.occurred_at);
                    meters::consumed(self.consumer, message.topic, lag);
                    return Taken::Handled;
                }
                Err(HandlingError::Outage { reason }) => {
                    tracing::warn!(consumer.name = self.consumer, event.id = %event, %reason, "the consumer waits");
                    if recording {
                        // An outage is no attempt, however often the process starts again meanwhile.
                        self.forget_attempts(event).await;
                    }
                    let _waiting = self.in_hand.wait();
                    pause.wait().await;
                }
                Err(HandlingError::Permanent { code }) => return Taken::GivenUp { attempt, code },
                Err(HandlingError::Transient { code }) if attempt >= last => return Taken::GivenUp { attempt, code },
                Err(HandlingError::Transient { code }) => {
                    tracing::info!(consumer.name = self.consumer, event.id = %event, code, attempt, "tried again soon");
                    failed += 1;
                    between_attempts(failed, &self.clock).await;
                    attempt += 1;
                    if recording {
                        self.until_stored(|| self.dead_letters.record_attempt(self.consumer, event)).await;
                    }
                }
            }
        }
    }

    /// Gives `message` up: the letter, then FAILED; the acknowledgement follows. A kill between these repeats them.
    pub(super) async fn park(&self, message: &Message, attempt: u32, code: &str) {
        let (event, topic) = (message.headers.event_id, message.topic);
        self.until_stored(|| self.dead_letters.park(self.consumer, message, attempt, code)).await;
        self.tell_failed(message, attempt, code).await;
        meters::failed(self.consumer, topic);
        tracing::error!(consumer.name = self.consumer, event.id = %event, %topic, code, attempt, "a message is given up");
    }

    /// Where the catalogue says that this consumer owes an answer, and nothing was appended under the message's command:
    /// also after a handler that thought it had and decided on no event. An owed answer that never comes would leave the
    /// saga open for ever.
    async fn tell_handled(&self, message: &Message, attempt: u32) {
        if message.headers.expects.iter().any(|name| name == self.consumer) {
            self.tell(message, |log| Box::pin(log.handled(message, attempt))).await;
        }
    }

    pub(super) async fn tell_failed(&self, message: &Message, attempt: u32, code: &str) {
        self.tell(message, |log| Box::pin(log.failed(message, attempt, code))).await;
    }

    /// Appends to the handling log, if the consumer has one and the message is one that is reported.
    pub(super) async fn tell<'a>(
        &'a self,
        message: &Message,
        append: impl Fn(&'a handling::HandlingLog) -> BoxFuture<'a, Result<(), StoreError>>,
    ) {
        if let Some(log) = self.log.as_ref().filter(|_| !topics::is_about_messages(message.topic)) {
            self.until_stored(|| append(log)).await;
        }
    }

    /// Whether the message of `event` was dealt with, as far as this consumer's store tells.
    pub(super) async fn took_effect(&self, event: EventId) -> bool {
        match &self.log {
            Some(log) => self.until_stored(|| Box::pin(log.took_effect(event))).await,
            None => false,
        }
    }

    async fn forget_attempts(&self, event: EventId) {
        self.until_stored(|| self.dead_letters.remove_letter(self.consumer, event)).await;
    }

    /// Calls the store until it answers. What it cannot do now it may do later; what it can never do (damaged data)
    /// stops this consumer, loudly, and loses nothing.
    pub(super) async fn until_stored<'a, T>(&'a self, call: impl Fn() -> BoxFuture<'a, Result<T, StoreError>>) -> T {
        let mut pause = Pause::new(&self.clock);
        loop {
            match call().await {
                Ok(answer) => return answer,
                Err(error) => {
                    tracing::warn!(consumer.name = self.consumer, %error, "the consumer waits for its store");
                    let _waiting = self.in_hand.wait();
                    pause.wait().await;
                }
            }
        }
    }
}
