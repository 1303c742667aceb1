//! What operators do with a dead letter: take it again, or set it aside.
//!
//! Either way its stream goes on afterwards, in order: what waits behind the letter is handled first, then the letter
//! is deleted, then the stream is unparked. The letter goes last but one, so that a kill anywhere finds a letter, or the
//! retry that was told, and the same call finishes what is left; what was done already is known by its command id.
//! A waiting message that fails becomes a letter of its own and keeps its place in the row: nothing passes it.
use super::ConsumerRunner;
use super::taking::{Delivered, Taken};
use domain_kernel::{EventId, Message, StreamId};

/// What came of taking a dead letter again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retried {
    /// There is no such letter (any more).
    NoLetter,
    /// The message was dealt with, and so was what waited behind it, as far as the next letter.
    Handled,
    /// It failed, at this attempt or at a later one that was made before; it is still a letter.
    FailedAgain,
}

/// What came of setting a dead letter aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// There is no such letter (any more).
    NoLetter,
    /// The letter is gone, and its stream goes on.
    SetAside,
}

/// Why a letter is set aside, as it is published; the operator's own words stay in the saga log.
const BY_OPERATOR: &str = "operator";

impl ConsumerRunner {
    /// Takes the dead letter of `event` again as attempt number `attempt`, which must be above every attempt before:
    /// a number that was used does nothing, so a repeated request repeats nothing.
    ///
    /// The handler gets the command id of the message, as ever: whichever delivery comes through first, the effect is
    /// one.
    pub async fn retry_dead_letter(&self, event: EventId, attempt: u32) -> Retried {
        let Some(letter) = self.until_stored(|| self.dead_letters.find(self.consumer, event)).await else {
            return self.finish_retry(event, attempt).await;
        };
        let message = &letter.message;
        if attempt <= letter.attempts {
            self.tell_failed(message, letter.attempts, &letter.code).await;
            return Retried::FailedAgain;
        }
        if self.took_effect(event).await && !self.retry_was_told(event, attempt).await {
            // Its append came in after it was given up. Handling it again would tell nothing new, and so not answer.
            self.tell(message, |log| Box::pin(log.handled_before(message, attempt))).await;
            self.release(event, message.headers.stream).await;
            return Retried::Handled;
        }
        self.tell(message, |log| Box::pin(log.retried(message, attempt))).await;
        match self.attempt(message, Delivered::AskedFor(attempt)).await {
            Taken::Handled => {
                self.release(event, message.headers.stream).await;
                Retried::Handled
            }
            Taken::GivenUp { attempt, code } => {
                self.park(message, attempt, &code).await;
                Retried::FailedAgain
            }
        }
    }

    /// Sets the dead letter of `event` aside and lets its `stream` go on. The message counts as settled: should it be
    /// delivered once more, its command took effect.
    ///
    /// Without the letter only what a kill left undone is finished: the letter deleted, its stream still parked.
    pub async fn skip_dead_letter(&self, event: EventId, stream: StreamId) -> Skipped {
        let Some(letter) = self.until_stored(|| self.dead_letters.find(self.consumer, event)).await else {
            self.release(event, stream).await;
            return Skipped::NoLetter;
        };
        let message = &letter.message;
        if self.took_effect(event).await && !self.was_skipped(event).await {
            // Set aside it cannot be any more, and that it was given up is not the last word.
            self.tell(message, |log| Box::pin(log.handled_before(message, letter.attempts))).await;
        }
        self.tell(message, |log| Box::pin(log.skipped(message, letter.attempts, BY_OPERATOR))).await;
        self.release(event, message.headers.stream).await;
        Skipped::SetAside
    }

    /// Whether this very retry had begun before a kill: then what took effect is its own doing, and answers by itself.
    async fn retry_was_told(&self, event: EventId, attempt: u32) -> bool {
        let Some(log) = &self.log else { return false };
        self.until_stored(|| Box::pin(log.stream_retried(event, attempt))).await.is_some()
    }

    /// Whether this very skip had begun before a kill: then what took effect is its own doing.
    async fn was_skipped(&self, event: EventId) -> bool {
        let Some(log) = &self.log else { return false };
        self.until_stored(|| Box::pin(log.was_skipped(event))).await
    }

    /// After a kill between deleting the letter and unparking its stream only the told retry knows the stream.
    async fn finish_retry(&self, event: EventId, attempt: u32) -> Retried {
        let Some(log) = &self.log else { return Retried::NoLetter };
        match self.until_stored(|| Box::pin(log.stream_retried(event, attempt))).await {
            Some(stream) => {
                self.release(event, stream).await;
                Retried::Handled
            }
            None => Retried::NoLetter,
        }
    }

    /// Lets `stream` go on after the letter of `event`. Another letter of the stream keeps what waits behind it: the one
    /// of `event` may be long gone when a wish is delivered again.
    async fn release(&self, event: EventId, stream: StreamId) {
        loop {
            let drained = self.drain_behind(event, stream).await;
            self.until_stored(|| self.dead_letters.remove_letter(self.consumer, event)).await;
            if !drained
                || self.until_stored(|| self.dead_letters.unpark_if_empty(self.consumer, stream)).await
                // Not empty after a complete drain: another message was stored behind meanwhile, or another letter holds.
                || self.next_behind(event, stream).await.is_none()
            {
                return;
            }
        }
    }

    async fn next_behind(&self, event: EventId, stream: StreamId) -> Option<Message> {
        self.until_stored(|| self.dead_letters.next_behind(self.consumer, stream, event)).await
    }

    /// Handles what waits behind the letter of `event`, in version order; false when it ends at another letter.
    async fn drain_behind(&self, event: EventId, stream: StreamId) -> bool {
        while let Some(message) = self.next_behind(event, stream).await {
            let next = message.headers.event_id;
            if next != event {
                if let Some(letter) = self.until_stored(|| self.dead_letters.find(self.consumer, next)).await {
                    // Given up by an earlier drain, which may have been killed before it told so.
                    self.tell_failed(&message, letter.attempts, &letter.code).await;
                    return false;
                }
                if let Taken::GivenUp { attempt, code } = self.attempt(&message, Delivered::First).await {
                    self.park(&message, attempt, &code).await;
                    return false;
                }
            }
            self.until_stored(|| self.dead_letters.remove_behind(self.consumer, next)).await;
        }
        true
    }
}
