//! Names that are stored: changing one is a migration, not an edit.
use infra_contracts::catalogue::PUBLISHED;
use infra_contracts::stored::StoredEventType;

fn names(events: &[StoredEventType]) -> Vec<(i16, &str, &str)> {
    events.iter().map(|event| (event.type_id, event.category, event.name)).collect()
}

#[test]
fn published_names_and_topics_never_change() {
    let published: Vec<_> = PUBLISHED.iter().map(|event| (event.event_type, event.topic)).collect();
    let pinned = include_str!("pinned/published.txt");
    let now: String = published.iter().map(|(name, topic)| format!("{topic} {name}\n")).collect();
    assert_eq!(now, pinned);
}

#[test]
fn stored_names_and_numbers_never_change() {
    let services = [
        ("users", service_users::EVENTS),
        ("results", service_results::EVENTS),
        ("notifications", service_notifications::EVENTS),
        ("saga_log", service_saga_log::EVENTS),
        ("messaging", infra_messaging::handling::EVENTS),
        ("operations", infra_disclosure::EVENTS),
    ];
    let mut now = String::new();
    for (service, events) in services {
        for (number, category, name) in names(events) {
            now.push_str(&format!("{service} {number} {category} {name}\n"));
        }
    }
    assert_eq!(now, include_str!("pinned/stored.txt"));
}
