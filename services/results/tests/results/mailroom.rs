//! Stands in for the notifications service: a log of what became of the mails.
use domain_kernel::message::topics;
use domain_kernel::ports::{Clock, MessageSource, SourceError, SourcedMessage};
use domain_kernel::{
    BoxFuture, Checkpoint, CorrelationId, EventId, EventMetadata, EventTypeId, Message, RecordedEvent, SchemaVersion,
    StreamId, Version,
};
use infra_contracts::event_notification::{
    self, NotificationEvent, NotificationEventRecord, NotificationFailed, NotificationSent, NotificationSuppressed,
};
use infra_contracts::{Envelope, catalogue};
use infra_runtime::Resources;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;
use uuid::Uuid;

/// A producer's log that a test writes.
pub(crate) struct Mailroom {
    clock: Arc<dyn Clock>,
    messages: Mutex<Vec<Message>>,
    changed: Notify,
}

impl Mailroom {
    /// Opened on the bus of `resources`.
    pub(crate) async fn open(resources: &Resources) -> Arc<Self> {
        let clock = Arc::clone(&resources.clock);
        let mailroom = Arc::new(Self { clock, messages: Mutex::default(), changed: Notify::new() });
        resources.bus.offer(topics::EVENT_NOTIFICATION, mailroom.clone()).await.unwrap();
        mailroom
    }

    /// Tells that a mail about `about` went out.
    pub(crate) fn sent(&self, kind: &str, about: Uuid) -> Message {
        let template = "result_ready".to_owned();
        self.tell(NotificationSent { about_stream: about, about_kind: kind.to_owned(), template, attempt: 1 }.into())
    }

    /// Tells that the mail about the result `about` failed for good.
    pub(crate) fn failed(&self, about: Uuid) -> Message {
        let (about_kind, template, code) = ("result".to_owned(), "result_ready".to_owned(), "smtp-550".to_owned());
        self.tell(NotificationFailed { about_stream: about, about_kind, template, attempt: 6, code }.into())
    }

    /// Tells that no mail about the result `about` was due.
    pub(crate) fn suppressed(&self, about: Uuid) -> Message {
        let (about_kind, template) = ("result".to_owned(), "result_ready".to_owned());
        let reason = "no_contact".to_owned();
        self.tell(NotificationSuppressed { about_stream: about, about_kind, template, reason }.into())
    }

    /// Each message is about a notification of its own.
    fn tell(&self, event: NotificationEvent) -> Message {
        let recorded = self.recorded();
        let event_type = format!("notifications.{}", event.field());
        let record = NotificationEventRecord { envelope: Envelope::of(&recorded), event };
        let payload = event_notification::encode(&record).unwrap();
        let message = catalogue::message(&recorded, &event_type, "notifications", payload).unwrap();
        self.messages.lock().unwrap().push(message.clone());
        self.changed.notify_waiters();
        message
    }

    fn recorded(&self) -> RecordedEvent {
        RecordedEvent {
            checkpoint: Checkpoint::default(),
            stream: StreamId(self.clock.unique_id()),
            version: Version(2),
            type_id: EventTypeId(2),
            schema_version: SchemaVersion(1),
            metadata: EventMetadata {
                event_id: EventId(self.clock.unique_id()),
                correlation_id: CorrelationId(self.clock.unique_id()),
                causation_id: None,
                actor: None,
                occurred_at: self.clock.now(),
            },
            payload: vec![],
            hash: [0; 32],
        }
    }
}

impl MessageSource for Mailroom {
    fn name(&self) -> &'static str {
        "notifications"
    }

    fn read(&self, after: Checkpoint, limit: usize) -> BoxFuture<'_, Result<Vec<SourcedMessage>, SourceError>> {
        let messages = self.messages.lock().unwrap();
        let entries = messages.iter().enumerate().map(|(index, message)| SourcedMessage {
            checkpoint: Checkpoint { epoch: 1, tx: 1, position: i64::try_from(index).unwrap() + 1 },
            message: Some(message.clone()),
        });
        let entries = entries.filter(|entry| entry.checkpoint > after).take(limit).collect();
        Box::pin(async move { Ok(entries) })
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        // Also looks again after a moment, so that a message told just before is not missed.
        Box::pin(async {
            let limit = std::time::Duration::from_millis(20);
            let _ = tokio::time::timeout(limit, self.changed.notified()).await;
        })
    }
}
