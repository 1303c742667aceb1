//! Who publishes what, who listens, and who owes an answer: the catalogue and the services agree.
use domain_kernel::Topic;
use domain_kernel::message::topics;
use infra_contracts::catalogue::PUBLISHED;

/// Service, what it publishes, what it reads.
const SERVICES: [(&str, &[Topic], &[Topic]); 4] = [
    (service_users::NAME, service_users::TOPICS, &[]),
    (service_results::NAME, service_results::TOPICS, service_results::SUBSCRIPTIONS),
    (service_notifications::NAME, service_notifications::TOPICS, service_notifications::SUBSCRIPTIONS),
    (service_saga_log::NAME, service_saga_log::TOPICS, service_saga_log::SUBSCRIPTIONS),
];

#[test]
fn whoever_owes_an_answer_listens_and_can_answer() {
    for event in PUBLISHED {
        for owing in event.expects {
            let service = SERVICES.iter().find(|(name, ..)| name == owing);
            let (_, publishes, reads) = service.unwrap_or_else(|| panic!("{owing} owes an answer and does not exist"));
            assert!(reads.contains(&event.topic), "{owing} owes {} an answer and does not listen", event.event_type);
            assert!(
                publishes.contains(&topics::SAGA_STEP),
                "{owing} owes {} an answer and has no voice",
                event.event_type
            );
        }
    }
}

#[test]
fn whoever_listens_to_events_owes_answers_or_is_the_saga_log() {
    for (name, _, reads) in SERVICES.iter().filter(|(name, ..)| *name != service_saga_log::NAME) {
        for topic in reads.iter().filter(|topic| topic.starts_with("event-")) {
            let owes = PUBLISHED.iter().any(|event| event.topic == *topic && event.expects.contains(name));
            assert!(owes, "{name} listens to {topic} and the catalogue expects nothing of it");
        }
    }
}

#[test]
fn the_saga_log_owes_nothing_and_hears_everything() {
    let (name, _, reads) = SERVICES[3];
    assert!(PUBLISHED.iter().all(|event| !event.expects.contains(&name)));
    for topic in topics::ALL.iter().filter(|topic| **topic != topics::SAGA_COMMAND) {
        assert!(reads.contains(topic), "{topic} is not in the saga log");
    }
}

#[test]
fn every_published_topic_is_somebodys() {
    for event in PUBLISHED {
        let source = event.event_type.split('.').next().unwrap();
        let publishes =
            |name: &str| SERVICES.iter().any(|(of, topics, _)| *of == name && topics.contains(&event.topic));
        assert!(source == "messaging" || publishes(source), "{source} does not publish {}", event.event_type);
    }
}

#[test]
fn what_owes_an_answer_is_never_a_step_itself() {
    for event in PUBLISHED.iter().filter(|event| event.topic.starts_with("saga-")) {
        assert!(event.expects.is_empty(), "{} would be reported for ever", event.event_type);
    }
}
