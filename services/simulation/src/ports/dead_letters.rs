//! The dead letters of a service, as one process reaches them.
use super::reach;
use crate::defect::Defect;
use crate::life::Life;
use crate::plan::Service;
use domain_kernel::ports::StoreError;
use domain_kernel::{BoxFuture, EventId, Message, StreamId};
use infra_event_store::dead_letters::{DeadLetter, DeadLetters};
use infra_testkit::memory::MemoryDeadLetters;
use std::sync::Arc;
use uuid::Uuid;

pub(crate) struct LivingDeadLetters {
    pub(crate) life: Arc<Life>,
    pub(crate) service: Service,
    pub(crate) inner: Arc<MemoryDeadLetters>,
}

impl LivingDeadLetters {
    fn has(&self, defect: Defect) -> bool {
        self.life.world.has(defect)
    }

    async fn reach(&self, what: &'static str, about: Uuid) -> Result<(), StoreError> {
        reach(&self.life, self.service, what, about).await
    }

    async fn done(&self, what: &'static str, about: Uuid) {
        self.life.step(what, about).await;
    }
}

impl DeadLetters for LivingDeadLetters {
    fn attempts<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<u32, StoreError>> {
        Box::pin(async move {
            self.reach("counts the attempts of", event.0).await?;
            self.inner.attempts(consumer, event).await
        })
    }

    fn record_attempt<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<u32, StoreError>> {
        Box::pin(async move {
            self.reach("records an attempt of", event.0).await?;
            self.inner.record_attempt(consumer, event).await
        })
    }

    fn is_parked<'a>(&'a self, consumer: &'a str, stream: StreamId) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            self.reach("asks whether it is parked:", stream.0).await?;
            if self.has(Defect::LetterWithoutParking) {
                return Ok(false);
            }
            self.inner.is_parked(consumer, stream).await
        })
    }

    fn park<'a>(
        &'a self,
        consumer: &'a str,
        message: &'a Message,
        attempts: u32,
        code: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let event = message.headers.event_id.0;
            self.reach("writes the dead letter of", event).await?;
            self.inner.park(consumer, message, attempts, code).await?;
            self.done("has parked the stream behind", event).await;
            Ok(())
        })
    }

    fn store_behind<'a>(&'a self, consumer: &'a str, message: &'a Message) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let event = message.headers.event_id.0;
            self.reach("stores behind a letter:", event).await?;
            let dropped = self.has(Defect::FollowersDropped);
            let stored = dropped || self.inner.store_behind(consumer, message).await?;
            self.done("has stored it behind, or not:", event).await;
            Ok(stored)
        })
    }

    fn list(&self, limit: usize) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>> {
        Box::pin(async move {
            self.reach("lists dead letters", Uuid::nil()).await?;
            self.inner.list(limit).await
        })
    }

    fn find<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<Option<DeadLetter>, StoreError>> {
        Box::pin(async move {
            self.reach("looks for the letter of", event.0).await?;
            self.inner.find(consumer, event).await
        })
    }

    fn next_behind<'a>(
        &'a self,
        consumer: &'a str,
        stream: StreamId,
        after: EventId,
    ) -> BoxFuture<'a, Result<Option<Message>, StoreError>> {
        Box::pin(async move {
            self.reach("looks behind the letter of", stream.0).await?;
            if self.has(Defect::UnparkedTooEarly) {
                return Ok(None);
            }
            self.inner.next_behind(consumer, stream, after).await
        })
    }

    fn remove_behind<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.reach("takes out from behind", event.0).await?;
            self.inner.remove_behind(consumer, event).await?;
            self.done("has taken out", event.0).await;
            Ok(())
        })
    }

    fn remove_letter<'a>(&'a self, consumer: &'a str, event: EventId) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.reach("removes the letter of", event.0).await?;
            self.inner.remove_letter(consumer, event).await?;
            self.done("has removed the letter of", event.0).await;
            Ok(())
        })
    }

    fn unpark_if_empty<'a>(&'a self, consumer: &'a str, stream: StreamId) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            self.reach("unparks if nothing is left", stream.0).await?;
            let free = self.inner.unpark_if_empty(consumer, stream).await?;
            let free = free || self.has(Defect::UnparkedTooEarly);
            self.done("has unparked, or not:", stream.0).await;
            Ok(free)
        })
    }
}
