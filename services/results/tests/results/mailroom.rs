//! Stands in for the notifications service: a log of what became of the mails.
use domain_kernel::message::topics;
use domain_kernel::ports::Clock;
use domain_kernel::{
    Checkpoint, CorrelationId, EventId, EventMetadata, EventTypeId, Message, RecordedEvent, SchemaVersion, StreamId,
    Version,
};
use infra_contracts::event_notification::{
    self, NotificationEvent, NotificationEventRecord, NotificationFailed, NotificationSent, NotificationSuppressed,
};
use infra_contracts::{Envelope, catalogue};
use infra_runtime::Resources;
use infra_testkit::memory::MessageLog;
use std::sync::Arc;
use uuid::Uuid;

/// The notifications service's log, and what it says.
pub(crate) struct Mailroom {
    clock: Arc<dyn Clock>,
    log: Arc<MessageLog>,
}

impl Mailroom {
    /// Opened on the bus of `resources`.
    pub(crate) async fn open(resources: &Resources) -> Self {
        let clock = Arc::clone(&resources.clock);
        let log = MessageLog::new("notifications");
        resources.bus.offer(topics::EVENT_NOTIFICATION, log.clone()).await.unwrap();
        Self { clock, log }
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
        self.log.tell([message.clone()]);
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
