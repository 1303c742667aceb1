//! What messages have caused: each effect once, in the order of its stream, and a letter for what failed.
use super::published::Published;
use crate::plan::{Fault, MailFault, Service};
use crate::platform::Platform;
use domain_kernel::message::topics;
use domain_kernel::{EventId, EventTypeId, Message, RecordedEvent, StreamId};
use domain_saga_log::{Outcome, SagaState};
use infra_event_store::dead_letters::DeadLetters;
use infra_messaging::handling::{FAILED, RETRIED};
use std::collections::{BTreeMap, HashMap};

/// `notifications.notification_requested`, `.notification_sent`, `.notification_failed`; pinned.
pub(crate) const REQUESTED: EventTypeId = EventTypeId(1);
pub(crate) const SENT: EventTypeId = EventTypeId(3);

/// What a consumer's first effect of a message is; what follows from it later does not count.
pub(crate) fn is_first_effect(service: Service, event: &RecordedEvent) -> bool {
    match service {
        Service::Notifications => event.type_id == REQUESTED || event.type_id.0 > 900 && !is_of_a_letter(event),
        _ => !is_of_a_letter(event),
    }
}

fn is_of_a_letter(event: &RecordedEvent) -> bool {
    [FAILED, RETRIED].contains(&event.type_id)
}

pub(super) fn once(platform: &Platform, published: &Published) -> Result<(), String> {
    for consumer in [Service::Results, Service::Notifications, Service::SagaLog] {
        let events = platform.databases[&consumer].events.events();
        let mut effects: HashMap<EventId, Vec<&RecordedEvent>> = HashMap::new();
        for event in events.iter().filter(|event| is_first_effect(consumer, event)) {
            if let Some(cause) = event.metadata.causation_id {
                effects.entry(cause).or_default().push(event);
            }
        }
        let mut last: HashMap<StreamId, (&Message, i64)> = HashMap::new();
        for message in &published.messages {
            let headers = &message.headers;
            let of_message = effects.get(&headers.event_id).map_or(&[][..], Vec::as_slice);
            let owes = headers.expects.iter().any(|name| name == consumer.name());
            // A consumer that owes no answer may find nothing to do.
            if of_message.len() > 1 || owes && of_message.is_empty() && !given_up(platform, consumer, message) {
                let (event, kind, many) = (headers.event_id, &headers.event_type, of_message.len());
                return Err(format!("{kind} {event} has had {many} effects in {}", consumer.name()));
            }
            let Some(effect) = of_message.first() else { continue };
            if message.topic == topics::SAGA_COMMAND {
                continue;
            }
            let position = effect.checkpoint.position;
            if let Some((before, at)) = last.insert(headers.stream, (message, position))
                && at > position
                && before.topic == message.topic
            {
                let (first, second) = (before.headers.version, headers.version);
                let name = consumer.name();
                return Err(format!("{name} has handled version {second} of {} before {first}", headers.stream));
            }
        }
    }
    mails(platform)
}

/// Whether the message is a letter, or waits behind one.
fn given_up(platform: &Platform, consumer: Service, message: &Message) -> bool {
    let letters = &platform.databases[&consumer].letters;
    letters.parked().0 > 0 && {
        let event = message.headers.event_id;
        letters.is_behind(consumer.name(), event) || letters.has_letter(consumer.name(), event)
    }
}

/// A notification is sent once, and its mail as often as something broke in between, always under one Message-ID.
fn mails(platform: &Platform) -> Result<(), String> {
    let mut sent: BTreeMap<String, usize> = BTreeMap::new();
    let mut requested: BTreeMap<String, usize> = BTreeMap::new();
    for event in platform.databases[&Service::Notifications].events.events() {
        match event.type_id {
            REQUESTED => *requested.entry(event.stream.to_string()).or_default() += 1,
            SENT => *sent.entry(event.stream.to_string()).or_default() += 1,
            _ => {}
        }
    }
    if let Some((id, many)) = sent.iter().chain(&requested).find(|(_, many)| **many > 1) {
        return Err(format!("notification {id} is requested or sent {many} times"));
    }
    let mut copies: BTreeMap<String, usize> = BTreeMap::new();
    for mail in platform.outbox.taken() {
        *copies.entry(mail.message_id).or_default() += 1;
    }
    if let Some(id) = copies.keys().find(|id| !requested.contains_key(*id)) {
        return Err(format!("a mail goes out as {id}, which nobody asked for"));
    }
    if let Some(id) = sent.keys().find(|id| !copies.contains_key(*id)) {
        return Err(format!("notification {id} is sent, and there is no mail"));
    }
    let excuses = platform.world.plan.faults.iter().filter(|fault| may_repeat_a_mail(fault)).count();
    match copies.iter().find(|(_, many)| **many > 1 + excuses) {
        Some((id, many)) => Err(format!("the mail of {id} is sent {many} times, and {excuses} things broke")),
        None => Ok(()),
    }
}

/// Whether a sender can have mailed and not have been able to write it down.
fn may_repeat_a_mail(fault: &Fault) -> bool {
    match fault {
        Fault::Crash { place, .. } | Fault::Freeze { place, .. } => {
            place.service.is_none_or(|service| service == Service::Notifications)
        }
        Fault::StoreDown { service, .. }
        | Fault::StoreSlow { service, .. }
        | Fault::CommitUnknown { service, .. }
        | Fault::Refused { service, .. } => *service == Service::Notifications,
        Fault::Mail { how, .. } => *how == MailFault::TakenUnanswered,
        Fault::LostAnswer { .. }
        | Fault::Duplicate { .. }
        | Fault::Cut { .. }
        | Fault::LostAcknowledgement { .. }
        | Fault::LostConfirmation { .. }
        | Fault::CheckpointLost { .. } => false,
    }
}

/// Whoever gave up on an event has a letter to take again, or a notification that is dead.
pub(super) async fn failed_with_a_letter(platform: &Platform, sagas: &[(StreamId, SagaState)]) -> Result<(), String> {
    let dead: Vec<EventId> = platform.databases[&Service::Notifications]
        .events
        .events()
        .iter()
        .filter_map(|event| event.metadata.causation_id)
        .collect();
    for (event, entry) in sagas.iter().flat_map(|(_, saga)| &saga.entries) {
        for (name, _) in entry.answers.iter().filter(|(_, answer)| answer.outcome == Outcome::Failed) {
            let Some(service) = Service::ALL.into_iter().find(|service| service.name() == name) else {
                return Err(format!("{name} gave up on {event}, and is nobody"));
            };
            let letter = platform.databases[&service].letters.find(name, *event).await;
            let mailed = service == Service::Notifications && dead.contains(event);
            if !matches!(letter, Ok(Some(_))) && !mailed {
                return Err(format!("{name} gave up on {event} without a letter"));
            }
        }
    }
    Ok(())
}
