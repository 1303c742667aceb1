//! Everything that the services have published, by their own publishers.
use crate::plan::Service;
use crate::platform::Platform;
use domain_kernel::ids::handling_command;
use domain_kernel::message::topics;
use domain_kernel::ports::EventStore;
use domain_kernel::{Message, Topic};
use infra_event_store::dead_letters::DeadLetters;
use infra_messaging::Publisher;
use std::sync::Arc;

/// Messages, each once, by producer in the order of its log.
pub(crate) struct Published {
    pub(crate) messages: Vec<Message>,
}

impl Published {
    pub(crate) fn of(platform: &Platform) -> Result<Self, String> {
        let producers: [(Service, Arc<dyn Publisher>, &[Topic]); 4] = [
            (Service::Users, service_users::publisher(), service_users::TOPICS),
            (Service::Results, service_results::publisher(), service_results::TOPICS),
            (Service::Notifications, service_notifications::publisher(), service_notifications::TOPICS),
            (Service::SagaLog, service_saga_log::publisher(), service_saga_log::TOPICS),
        ];
        let mut messages = Vec::new();
        for (service, publisher, topics) in producers {
            for event in platform.databases[&service].events.events() {
                for topic in topics {
                    messages.extend(publisher.message(topic, &event).map_err(|error| error.to_string())?);
                }
            }
        }
        Ok(Self { messages })
    }

    /// A message that somebody who should have has not dealt with yet.
    pub(crate) async fn unheard(&self, platform: &Platform) -> Option<String> {
        for message in &self.messages {
            let event = message.headers.event_id;
            for consumer in Service::ALL {
                let owes = message.headers.expects.iter().any(|name| name == consumer.name());
                let logs = consumer == Service::SagaLog && message.topic != topics::SAGA_COMMAND;
                if !owes && !logs {
                    continue;
                }
                let database = &platform.databases[&consumer];
                let done = database.events.find_command(handling_command(consumer.name(), event)).await;
                let letter = database.letters.find(consumer.name(), event).await;
                let waits = database.letters.is_behind(consumer.name(), event);
                if !matches!(done, Ok(Some(_))) && !matches!(letter, Ok(Some(_))) && !waits {
                    let (topic, name) = (message.topic, consumer.name());
                    return Some(format!(
                        "{name} has not dealt with {} {event} of {topic}",
                        message.headers.event_type
                    ));
                }
            }
        }
        None
    }
}
